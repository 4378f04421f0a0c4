// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that somebody else freed, and that the guard kept from the page allocator. The allocator
 * does not take a single page that is marked as hardware-poisoned, and tests the mark after the
 * tracepoint at which the guard sees the free (guard/rawfree.c). So the guard marks the page. When
 * the allocator is sure to have tested the mark, heal_pages() takes the mark off and puts the
 * references back: the page is the owner's as before. In between, the count is below 1, and no
 * code can get a reference.
 *
 * A page of failed memory that was freed looks the same, and never comes back. The state owned
 * here tells the two apart: two bits for each slot of the owner table, of which a refused page has
 * one or the other. No number of pages is too many.
 */
#include <linux/bitmap.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "core/table.h"
#include "inline/frame.h"
#include "page/heal.h"
#include "page/hunt.h"

/* Refused, and not yet seen by heal_pages(). Any context sets a bit, heal_pages() moves it on. */
static unsigned long *wounded;
/* Being healed. Written by heal_pages() alone. */
static unsigned long *healing;

static unsigned long number_of(const struct lab_slot *slot)
{
	return slot - labyrinth_hot.table.slots;
}

/* Makes the page of @slot the owner's again, if still tagged. */
static void heal_page(const struct lab_slot *slot)
{
	lab_tag_t tag = READ_ONCE(slot->tag);
	struct lab_frame *frame;
	struct page *page;
	int refs;

	if (!tag)
		return;
	frame = lab_frame_of_tag(tag);
	if (!lab_frame_is_ours(frame))
		return;
	page = lab_frame_page(frame);
	/* Not marked: the slot has another page by now. */
	if (!PageHWPoison(page))
		return;
	/* release_pages() had the page on a list of pages to free. Another link is a borrower's. */
	cmpxchg(&frame->seal, (unsigned long)LIST_POISON2, LAB_FRAME_SEAL);
	ClearPageHWPoison(page);
	refs = page_ref_count(page);
	while (refs <= 0 &&
	       !atomic_try_cmpxchg(&page->_refcount, &refs, tag & LAB_TAG_THIN ?
				   LAB_REFS_THIN : LAB_REFS_EXCLUSIVE))
		;
}

static void move_on(unsigned long i)
{
	set_bit(i, healing);
	/* Pairs with the barrier in is_refused(): a slot without the one bit has the other. */
	smp_mb__after_atomic();
	clear_bit(i, wounded);
}

/*
 * A page is marked by a call that is in the allocator, between the tracepoint and the test of the
 * mark. The call does not sleep in between. For a task that was preempted there, a grace period of
 * RCU-tasks waits; for an interrupt, and for lab_heal_is_put_away(), a grace period of RCU.
 */
static void heal_pages(struct work_struct *work)
{
	const unsigned long nr = lab_table_span(&labyrinth_hot.table);
	unsigned long i;

	for_each_set_bit(i, wounded, nr)
		move_on(i);
	synchronize_rcu_tasks();
	synchronize_rcu();
	for_each_set_bit(i, healing, nr) {
		heal_page(&labyrinth_hot.table.slots[i]);
		/* Pairs with lab_heal_is_put_away(): the mark goes before the bit. */
		smp_mb__before_atomic();
		clear_bit(i, healing);
		cond_resched();
	}
}

static DECLARE_WORK(heal_work, heal_pages);

static void heal_later(struct irq_work *work)
{
	schedule_work(&heal_work);
}

static struct irq_work heal_irq_work = IRQ_WORK_INIT_HARD(heal_later);

#ifdef CONFIG_MEMORY_FAILURE
static void mark(struct page *page)
{
	SetPageHWPoison(page);
	/* Before the allocator tests the mark; and pairs with heal_page(). */
	smp_mb__after_atomic();
}
#else
static void mark(struct page *page)
{
}
#endif

/*
 * Makes the page allocator leave @page alone, a tagged page in @slot, of which the last reference
 * went. A page whose memory has failed keeps the mark for good. Memory that fails from here on is
 * not known to have failed, until heal_page() has taken the mark off.
 * Context: Any, in the tracepoint.
 */
void lab_heal_keep(struct lab_slot *slot, struct page *page)
{
	if (PageHWPoison(page))
		return;
	set_bit(number_of(slot), wounded);
	/* Pairs with the barriers in lab_heal_is_put_away(): the bit comes before the mark. */
	smp_mb__after_atomic();
	mark(page);
	irq_work_queue(&heal_irq_work);
}

static bool is_refused(const unsigned long *wounds, unsigned long i)
{
	if (test_bit(i, wounds))
		return true;
	/* Pairs with move_on(). */
	smp_rmb();
	return test_bit(i, healing);
}

static bool is_freed_as_failed(struct lab_frame *frame)
{
	return lab_frame_is_poisoned(frame) && !lab_frame_refs(frame);
}

/*
 * Whether the page in @slot, if tagged, is one of failed memory that got to the page allocator: the
 * allocator has put the page away, and nobody gets the page any more.
 *
 * If the guard has set the mark, the first look at the bits came before the refusal, since the bit
 * comes before the mark and goes after the mark. Then the refusal came within the RCU read-side
 * section, heal_pages() waits for the section's end, and the second look finds the bit.
 * Context: Any.
 */
bool lab_heal_is_put_away(const struct lab_slot *slot)
{
	lab_tag_t tag = READ_ONCE(slot->tag);
	const unsigned long *wounds;
	struct lab_frame *frame;
	bool away;

	if (!tag)
		return false;
	frame = lab_frame_of_tag(tag);
	if (likely(!is_freed_as_failed(frame)))
		return false;
	rcu_read_lock();
	wounds = READ_ONCE(wounded);
	away = !wounds || !is_refused(wounds, number_of(slot));
	/* Pairs with lab_heal_keep() and heal_pages(). */
	smp_rmb();
	away = away && is_freed_as_failed(frame);
	/* As above. */
	smp_rmb();
	away = away && (!wounds || !is_refused(wounds, number_of(slot)));
	rcu_read_unlock();
	return away;
}

/* Waits until the pages refused so far are healed. Context: Task; may sleep. */
void lab_heal_flush(void)
{
	irq_work_sync(&heal_irq_work);
	flush_work(&heal_work);
}

/*
 * Before the first page is refused. The bits stay until lab_heal_exit().
 * Context: Task; may sleep. Return: 0 or -ENOMEM.
 */
int lab_heal_init(void)
{
	const size_t size = BITS_TO_LONGS(lab_table_span(&labyrinth_hot.table)) *
			    sizeof(unsigned long);
	unsigned long *first;

	if (wounded)
		return 0;
	first = kvzalloc(size, GFP_KERNEL);
	healing = kvzalloc(size, GFP_KERNEL);
	if (!first || !healing) {
		kvfree(first);
		kvfree(healing);
		healing = NULL;
		return -ENOMEM;
	}
	/* Pairs with the look in lab_heal_is_put_away(): healing comes first. */
	smp_store_release(&wounded, first);
	return 0;
}

/* No page is refused any more. Context: Task; may sleep. */
void lab_heal_exit(void)
{
	unsigned long *first = wounded;

	lab_heal_flush();
	WRITE_ONCE(wounded, NULL);
	synchronize_rcu();
	kvfree(first);
	kvfree(healing);
	healing = NULL;
}
