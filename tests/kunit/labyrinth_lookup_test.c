// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look-ups while the table changes: a look-up always finds a tag that stays in the table, while
 * other tags come and go in the slots beside. The table is so small, and so full, that all pfns
 * share both buckets and the stash.
 */
#include <kunit/test.h>
#include <linux/ktime.h>

#include "../../core/table.h"

#include "context.h"

#define STABLE		32	/* pfns in the table all the while */
#define MOVING		32	/* pfns that come and go */
#define FIRST_MOVING	0x1000
#define PERIOD_NS	(30 * NSEC_PER_USEC)
#define INTERRUPTS	2000
#define LONGEST_MS	3000

struct lookup {
	struct lab_table table;
	struct interrupter interrupter;
	struct lab_slot *moving[MOVING];
	unsigned int next;
	unsigned long looked;
	unsigned int missed;
	unsigned int refused;
	unsigned int through_stash;
};

static lab_tag_t stable(unsigned int i)
{
	return lab_tag_make(i, 1, LAB_HELD);
}

static lab_tag_t moving(unsigned int i)
{
	return lab_tag_make(FIRST_MOVING + i, 2, LAB_CACHED);
}

static int lookup_case_init(struct kunit *test)
{
	struct lookup *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	int i, err;

	if (!l)
		return -ENOMEM;
	test->priv = l;
	err = lab_table_init(&l->table, 12, 0);
	for (i = 0; i < STABLE && !err; i++)
		if (!lab_table_insert(&l->table, stable(i)))
			err = -ENOSPC;
	return err;
}

static void lookup_case_exit(struct kunit *test)
{
	struct lookup *l = test->priv;

	interrupter_stop(&l->interrupter);
	lab_table_exit(&l->table);
}

/* Looks every stable tag up, by lab_table_find() and by lab_table_search(). */
static void look_up_stable(struct lookup *l)
{
	lab_tag_t tag;
	int i;

	for (i = 0; i < STABLE; i++) {
		l->missed += !lab_table_find(&l->table, stable(i));
		l->missed += !lab_table_search(&l->table, i, &tag) ||
			     tag != stable(i);
	}
	l->looked += 2 * STABLE;
}

/* Inserts the next moving tag, or removes the tag if inserted before. */
static void move_one(struct lookup *l)
{
	unsigned int i = l->next++ % MOVING;
	struct lab_slot *slot = l->moving[i];

	if (slot) {
		l->refused += !lab_table_remove(&l->table, slot, moving(i));
		l->moving[i] = NULL;
		return;
	}
	slot = lab_table_insert(&l->table, moving(i));
	l->refused += !slot;
	l->through_stash += slot >= l->table.slots + l->table.nr_slots;
	l->moving[i] = slot;
}

static void move_in_irq(void *arg)
{
	move_one(arg);
	move_one(arg);
	move_one(arg);
}

static void look_up_in_irq(void *arg)
{
	look_up_stable(arg);
}

/* Calls @here repeatedly in the test thread, while a hardirq there calls @in_irq. */
static void run_both(struct kunit *test, void (*here)(struct lookup *l),
		     void (*in_irq)(void *arg))
{
	struct lookup *l = test->priv;
	ktime_t end = ktime_add_ms(ktime_get(), LONGEST_MS);

	interrupter_start(&l->interrupter, PERIOD_NS, in_irq, l);
	while (READ_ONCE(l->interrupter.fired) < INTERRUPTS &&
	       ktime_before(ktime_get(), end))
		here(l);
	interrupter_stop(&l->interrupter);
	kunit_info(test, "%lu look-ups, %u moves, %u interrupts\n", l->looked,
		   l->next, l->interrupter.fired);
	KUNIT_EXPECT_EQ(test, l->missed, 0U);
	KUNIT_EXPECT_EQ(test, l->refused, 0U);
	KUNIT_EXPECT_GT(test, l->looked, 0UL);
	KUNIT_EXPECT_GT(test, l->through_stash, 0U);
	KUNIT_EXPECT_GE(test, l->interrupter.fired, INTERRUPTS / 10U);
	KUNIT_EXPECT_EQ(test, l->interrupter.elsewhere, 0U);
}

static void none_is_missed_while_an_interrupt_changes_others(struct kunit *test)
{
	run_both(test, look_up_stable, move_in_irq);
}

static void none_is_missed_by_an_interrupt_over_a_change(struct kunit *test)
{
	run_both(test, move_one, look_up_in_irq);
}

/* Return: the number of stable tags that a walk does not visit exactly once. */
static unsigned int count_unvisited(struct lab_table *table)
{
	unsigned int visits[STABLE] = {};
	unsigned int i, wrong = 0;
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(table, index, tag)
		if (lab_tag_pfn(tag) < STABLE)
			visits[lab_tag_pfn(tag)]++;
	for (i = 0; i < STABLE; i++)
		wrong += visits[i] != 1;
	return wrong;
}

static void walk(struct lookup *l)
{
	l->missed += count_unvisited(&l->table);
	l->looked += STABLE;
}

static void walk_visits_all_while_an_interrupt_changes_others(struct kunit *test)
{
	run_both(test, walk, move_in_irq);
}

static struct kunit_case lookup_cases[] = {
	KUNIT_CASE(none_is_missed_while_an_interrupt_changes_others),
	KUNIT_CASE(none_is_missed_by_an_interrupt_over_a_change),
	KUNIT_CASE(walk_visits_all_while_an_interrupt_changes_others),
	{}
};

static struct kunit_suite lookup_suite = {
	.name = "labyrinth_lookup",
	.suite_init = context_suite_init,
	.suite_exit = context_suite_exit,
	.init = lookup_case_init,
	.exit = lookup_case_exit,
	.test_cases = lookup_cases,
};

kunit_test_suite(lookup_suite);
