// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an owner keeps ready beside the caches: the depot, by which pages go from CPU to CPU, the
 * pages kept ahead, and what the shrinker takes of all that.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/vmalloc.h>

#include "../../page/cache.h"
#include "../../page/depot.h"

#include "context.h"
#include "fixture.h"

/* Depots. The pages are numbers here, which a depot copies and does not follow. */

#define BOXES	3U

static void fill_box(struct lab_cached *pages, unsigned int box)
{
	unsigned long i;

	for (i = 0; i < LAB_BOX_PAGES; i++)
		pages[i] = (struct lab_cached) { (void *)(box * LAB_BOX_PAGES + i + 1), NULL };
}

static unsigned int box_of(const struct lab_cached *pages)
{
	return ((unsigned long)pages[0].slot - 1) / LAB_BOX_PAGES;
}

static bool is_whole(const struct lab_cached *pages)
{
	unsigned int i;

	for (i = 1; i < LAB_BOX_PAGES; i++)
		if ((unsigned long)pages[i].slot != (unsigned long)pages[0].slot + i)
			return false;
	return true;
}

static void boxes_come_out_whole_and_once(struct kunit *test)
{
	struct lab_depot *depot = lab_depot_make(BOXES);
	struct lab_cached pages[LAB_BOX_PAGES];
	unsigned int seen = 0, i;

	KUNIT_ASSERT_NOT_NULL(test, depot);
	for (i = 0; i <= BOXES; i++) {
		fill_box(pages, i);
		KUNIT_EXPECT_EQ(test, lab_depot_put(depot, pages), i < BOXES);
	}
	KUNIT_EXPECT_EQ(test, lab_depot_count(depot), BOXES * LAB_BOX_PAGES);
	while (lab_depot_take(depot, pages)) {
		KUNIT_EXPECT_TRUE(test, is_whole(pages));
		seen |= BIT(box_of(pages));
	}
	KUNIT_EXPECT_EQ(test, seen, BIT(BOXES) - 1);
	KUNIT_EXPECT_EQ(test, lab_depot_count(depot), 0U);
	lab_depot_free(depot);
}

/* An interrupt puts and takes in the middle of the thread's putting and taking. */
struct traffic {
	struct lab_depot *depot;
	unsigned int in, out, torn;
};

static void pass_a_box(void *arg)
{
	struct traffic *traffic = arg;
	struct lab_cached pages[LAB_BOX_PAGES];

	fill_box(pages, 5);
	traffic->in += lab_depot_put(traffic->depot, pages);
	if (!lab_depot_take(traffic->depot, pages))
		return;
	traffic->out++;
	traffic->torn += !is_whole(pages);
}

static void boxes_stay_whole_under_interrupts(struct kunit *test)
{
	struct traffic irq = { .depot = lab_depot_make(BOXES) };
	struct traffic task = irq;
	struct interrupter interrupter = {};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, irq.depot);
	interrupter_start(&interrupter, 20000, pass_a_box, &irq);
	for (i = 0; i < 200000; i++)
		pass_a_box(&task);
	interrupter_stop(&interrupter);
	KUNIT_EXPECT_GT(test, interrupter.fired, 0U);
	KUNIT_EXPECT_EQ(test, irq.torn + task.torn, 0U);
	KUNIT_EXPECT_EQ(test, lab_depot_count(irq.depot),
			(irq.in + task.in - irq.out - task.out) * LAB_BOX_PAGES);
	lab_depot_free(irq.depot);
}

/* Owners. */

#define MANY	600U

static void take_and_give(struct kunit *test, struct labyrinth_owner *owner, unsigned int nr)
{
	void **addrs = vcalloc(nr, sizeof(*addrs));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, addrs);
	KUNIT_EXPECT_EQ(test, labyrinth_alloc_bulk(owner, nr, addrs), nr);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addrs[i]), 0);
	vfree(addrs);
}

/* The worker brings the depot when a cache has been full, and gives back what was spilled. */
static struct labyrinth_owner *make_stocked(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-stock", 0);

	take_and_give(test, owner, MANY);
	msleep(100);
	take_and_give(test, owner, MANY);
	msleep(100);
	return owner;
}

static unsigned int nr_cached(const struct labyrinth_owner *owner)
{
	return count_tags(owner).nr[LAB_CACHED];
}

/* Pages that do not fit into a CPU's cache stay the owner's, and are handed out again. */
static void depot_keeps_what_a_cache_does_not_take(struct kunit *test)
{
	struct labyrinth_owner *owner = make_stocked(test);
	unsigned int cached = nr_cached(owner);

	KUNIT_EXPECT_GE(test, cached, MANY - LAB_BOX_PAGES);
	take_and_give(test, owner, cached);
	KUNIT_EXPECT_EQ(test, nr_cached(owner), cached);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 0U);
	KUNIT_EXPECT_EQ(test, nr_cached(owner), 0U);
}

static bool shrink_one(struct lab_owner *owner, void *given)
{
	lab_cache_gather_here(owner);
	*(unsigned int *)given += lab_cache_shrink(owner);
	return true;
}

static unsigned int shrink_all(void)
{
	unsigned int given = 0;

	lab_owners_try_some(UINT_MAX, shrink_one, &given);
	return given;
}

static void shrinker_empties_the_depot(struct kunit *test)
{
	struct labyrinth_owner *owner = make_stocked(test);
	unsigned int cached = nr_cached(owner);

	KUNIT_EXPECT_GE(test, shrink_all(), cached);
	KUNIT_EXPECT_EQ(test, nr_cached(owner), 0U);
	take_and_give(test, owner, MANY);
}

#define NR_IN_TURN	3U
/* More than there are owners in all. */
#define MANY_LOOKS	1000U

struct turn {
	struct labyrinth_owner *owners[NR_IN_TURN];
	const struct lab_owner *first, *now;
	unsigned int seen;
};

static bool note_turn(struct lab_owner *owner, void *arg)
{
	struct turn *turn = arg;
	unsigned int i;

	turn->now = owner;
	for (i = 0; i < NR_IN_TURN; i++)
		if (lab_owner_slot(turn->owners[i]) == owner)
			turn->seen |= BIT(i);
	return true;
}

/* A look at a single owner goes on where the last look ended, until all owners have been seen. */
static void shrinker_takes_owners_in_turn(struct kunit *test)
{
	struct turn turn = {};
	unsigned int i;

	for (i = 0; i < NR_IN_TURN; i++)
		turn.owners[i] = make_owner(test, "kunit-turn", 0);
	lab_owners_try_some(1, note_turn, &turn);
	turn.first = turn.now;
	for (i = 0; i < MANY_LOOKS; i++) {
		lab_owners_try_some(1, note_turn, &turn);
		if (turn.now == turn.first)
			break;
	}
	KUNIT_EXPECT_LT(test, i, MANY_LOOKS);
	KUNIT_EXPECT_EQ(test, turn.seen, BIT(NR_IN_TURN) - 1);
}

static bool wait_for_fast(const struct labyrinth_owner *owner)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (lab_front_of(owner)->single_handle == (unsigned long)owner)
			return true;
		msleep(20);
	}
	return false;
}

/* Nobody but the owner's user may touch a SINGLE owner's cache: the user's next calls do. */
static void single_user_gives_up_what_the_shrinker_wants(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-stock", LABYRINTH_OWNER_SINGLE);
	unsigned int i;

	take_and_give(test, owner, 200);
	KUNIT_EXPECT_GE(test, nr_cached(owner), 200U);
	shrink_all();
	KUNIT_EXPECT_GE(test, nr_cached(owner), 200U);
	for (i = 0; i < 20; i++)
		take_and_give(test, owner, 1);
	KUNIT_EXPECT_TRUE(test, wait_for_fast(owner));
	KUNIT_EXPECT_LE(test, nr_cached(owner), 2 * LAB_BATCH);
	take_and_give(test, owner, 200);
}

static struct kunit_case stock_cases[] = {
	KUNIT_CASE(boxes_come_out_whole_and_once),
	KUNIT_CASE(boxes_stay_whole_under_interrupts),
	KUNIT_CASE(depot_keeps_what_a_cache_does_not_take),
	KUNIT_CASE(shrinker_empties_the_depot),
	KUNIT_CASE(shrinker_takes_owners_in_turn),
	KUNIT_CASE(single_user_gives_up_what_the_shrinker_wants),
	{}
};

static struct kunit_suite stock_suite = {
	.name = "labyrinth_stock",
	.suite_init = context_suite_init,
	.suite_exit = context_suite_exit,
	.init = context_case_init,
	.test_cases = stock_cases,
};

kunit_test_suite(stock_suite);
