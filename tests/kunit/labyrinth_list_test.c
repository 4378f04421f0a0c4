// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of cached pages: last in, first out, and nothing lost or duplicated
 * while an interrupt pops and pushes in the middle of a pop or push. The links are in the slots
 * of the only owner table, so the tests tag real pages in that table, under the id of an owner
 * that has no other pages.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/ktime.h>

#include "../../core/list.h"
#include "../../core/table.h"

#include "context.h"
#include "fixture.h"

#define FRAMES		24
#define PERIOD_NS	(20 * NSEC_PER_USEC)
#define INTERRUPTS	20000
#define LONGEST_MS	3000

struct list_fixture {
	struct lab_list list;
		struct lab_slot *slots[FRAMES];
	unsigned int nr;
	struct lab_slot *kept;		/* by the interrupt */
	bool inside;			/* the thread is in a push or pop */
	unsigned int landed;		/* interrupts while @inside was true */
	unsigned int lost_races;	/* operations that had to begin again */
	struct interrupter interrupter;
};

static struct lab_slot *tag_page(struct page *page, unsigned int id)
{
	return lab_table_insert(&labyrinth_hot.table,
				lab_tag_make(page_to_pfn(page), id, LAB_CACHED));
}

static void untag_page(struct lab_slot *slot)
{
	lab_tag_t tag = slot->tag;

	lab_table_remove(&labyrinth_hot.table, slot, tag);
	__free_page(pfn_to_page(lab_tag_pfn(tag)));
}

static int list_case_init(struct kunit *test)
{
	struct list_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct labyrinth_owner *owner;

	if (!f)
		return -ENOMEM;
	context_count_task();
	test->priv = f;
	owner = make_owner(test, "kunit-list", 0);
	for (f->nr = 0; f->nr < FRAMES; f->nr++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			return -ENOMEM;
		f->slots[f->nr] = tag_page(page,
					   lab_owner_id(lab_owner_slot(owner)));
		if (!f->slots[f->nr]) {
			__free_page(page);
			return -ENOSPC;
		}
	}
	return 0;
}

static void list_case_exit(struct kunit *test)
{
	struct list_fixture *f = test->priv;

	if (!f)
		return;
	interrupter_stop(&f->interrupter);
	while (f->nr)
		untag_page(f->slots[--f->nr]);
}

static void push(struct list_fixture *f, struct lab_slot *slot)
{
	lab_list_push(&f->list, slot);
}

static struct lab_slot *pop(struct list_fixture *f)
{
	return lab_list_pop(&f->list);
}

static void last_in_first_out(struct kunit *test)
{
	struct list_fixture *f = test->priv;
	int i;

	preempt_disable();
	for (i = 0; i < FRAMES; i++)
		push(f, f->slots[i]);
	preempt_enable();
	while (i--)
		KUNIT_EXPECT_PTR_EQ(test, pop(f), f->slots[i]);
}

static void empty_list_gives_null(struct kunit *test)
{
	struct list_fixture *f = test->priv;

	KUNIT_EXPECT_NULL(test, pop(f));
	push(f, f->slots[0]);
	KUNIT_EXPECT_PTR_EQ(test, pop(f), f->slots[0]);
	KUNIT_EXPECT_NULL(test, pop(f));
}

/* The sequence tells a head from an earlier head with the same first slot: see core/list.h. */
static void every_change_makes_another_head(struct kunit *test)
{
	struct list_fixture *f = test->priv;
	u64 before, after;

	push(f, f->slots[0]);
	before = f->list.head;
	push(f, pop(f));
	after = f->list.head;
	KUNIT_EXPECT_EQ(test, after - before, 2ULL);
}

static void sequence_wraps_without_touching_the_slot_number(struct kunit *test)
{
	struct list_fixture *f = test->priv;

	f->list.head = LAB_LIST_SEQ_MASK;
	push(f, f->slots[0]);
	KUNIT_EXPECT_EQ(test, f->list.head & LAB_LIST_SEQ_MASK, 0ULL);
	KUNIT_EXPECT_PTR_EQ(test, pop(f), f->slots[0]);
	KUNIT_EXPECT_NULL(test, pop(f));
}

/*
 * Leaves the same first frame on the list, but another second frame. The interrupted pop may
 * have read the old second frame as the next head; that frame now belongs to the interrupt.
 */
static void pop_and_push_in_irq(void *arg)
{
	struct list_fixture *f = arg;
	struct lab_slot *first = pop(f);
	struct lab_slot *second = pop(f);

	f->landed += READ_ONCE(f->inside);
	if (f->kept)
		push(f, f->kept);
	f->kept = second;
	if (first)
		push(f, first);
}

/* begin and end: count the operations in the middle of which an interrupt changed the list. */
static u32 begin_operation(struct list_fixture *f)
{
	WRITE_ONCE(f->inside, true);
	return READ_ONCE(f->list.head) & LAB_LIST_SEQ_MASK;
}

static void end_operation(struct list_fixture *f, u32 sequence)
{
	u32 now = READ_ONCE(f->list.head) & LAB_LIST_SEQ_MASK;

	WRITE_ONCE(f->inside, false);
	f->lost_races += ((now - sequence) & LAB_LIST_SEQ_MASK) > 1;
}

static struct lab_slot *interrupted_pop(struct list_fixture *f)
{
	u32 sequence = begin_operation(f);
	struct lab_slot *slot = pop(f);

	end_operation(f, sequence);
	return slot;
}

static void interrupted_push(struct list_fixture *f, struct lab_slot *slot)
{
	u32 sequence = begin_operation(f);

	push(f, slot);
	end_operation(f, sequence);
}

/* Pops some frames, and pushes the frames back in another order. */
static void pop_and_push_here(struct list_fixture *f)
{
	struct lab_slot *mine[5];
	int i, nr = 0;

	preempt_disable();
	for (i = 0; i < ARRAY_SIZE(mine); i++) {
		mine[nr] = interrupted_pop(f);
		nr += !!mine[nr];
	}
	for (i = 0; i < nr; i++)
		interrupted_push(f, mine[i]);
	preempt_enable();
}

static int index_of(const struct list_fixture *f, const struct lab_slot *slot)
{
	int i;

	for (i = 0; i < FRAMES && f->slots[i] != slot; i++)
		;
	return i;
}

/* Empties the list: each frame must come out exactly once, and nothing else. */
static void expect_all_frames(struct kunit *test, struct list_fixture *f)
{
	unsigned int times[FRAMES + 1] = {};
	struct lab_slot *slot;
	int i;

	/* The bound: a list with a loop would never be empty. */
	for (i = 0; i < 2 * FRAMES && (slot = pop(f)); i++)
		times[index_of(f, slot)]++;
	for (i = 0; i < FRAMES; i++)
		KUNIT_EXPECT_EQ_MSG(test, times[i], 1, "frame %d", i);
	KUNIT_EXPECT_EQ(test, times[FRAMES], 0);
}

static void interrupt_on_the_list_loses_nothing(struct kunit *test)
{
	struct list_fixture *f = test->priv;
	ktime_t end = ktime_add_ms(ktime_get(), LONGEST_MS);
	int i;

	for (i = 0; i < FRAMES; i++)
		push(f, f->slots[i]);
	interrupter_start(&f->interrupter, PERIOD_NS, pop_and_push_in_irq, f);
	while (READ_ONCE(f->interrupter.fired) < INTERRUPTS &&
	       ktime_before(ktime_get(), end))
		for (i = 0; i < 100; i++)
			pop_and_push_here(f);
	interrupter_stop(&f->interrupter);
	if (f->kept)
		push(f, f->kept);
	kunit_info(test, "%u interrupts, %u inside an operation, %u changed the list under it\n",
		   f->interrupter.fired, f->landed, f->lost_races);
	KUNIT_EXPECT_EQ(test, f->interrupter.elsewhere, 0);
	KUNIT_EXPECT_GT(test, f->landed, 0);
	expect_all_frames(test, f);
}

static struct kunit_case list_cases[] = {
	KUNIT_CASE(last_in_first_out),
	KUNIT_CASE(empty_list_gives_null),
	KUNIT_CASE(every_change_makes_another_head),
	KUNIT_CASE(sequence_wraps_without_touching_the_slot_number),
	KUNIT_CASE(interrupt_on_the_list_loses_nothing),
	{}
};

static struct kunit_suite list_suite = {
	.name = "labyrinth_list",
	.suite_init = context_suite_init,
	.suite_exit = context_suite_exit,
	.init = list_case_init,
	.exit = list_case_exit,
	.test_cases = list_cases,
};

kunit_test_suite(list_suite);
