// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tagged pages that are given to the page allocator: by code that drops references until none
 * is left, or as a part of a block. The state owned here is two lists: the pages to be healed,
 * and the pages that have gone and been reported.
 *
 * A block is refused at the outermost functions that free blocks, before any page is freed: see
 * guard/hooks.c. All other frees are of single pages, save for a compound page that goes with
 * the last reference. These frees come to the page allocator's own tracepoint,
 * kmem:mm_page_free, where a free cannot be stopped. But the allocator does not take a single
 * page that is marked as hardware-poisoned, and tests the mark after the tracepoint. So the
 * hook marks a page that must not go. When the allocator is sure to have tested the mark,
 * heal_pages() takes the mark off and puts the references back: the page is the owner's as
 * before. In between, the count is below 1, and no code can get a reference. A kernel without
 * CONFIG_MEMORY_FAILURE has no such mark: there the free is only reported.
 *
 * The hook sees every page that is freed anywhere, so the hook looks at the struct page first,
 * and at the table only if the page may be tagged.
 */
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "core/table.h"
#include "guard/find.h"
#include "guard/hook.h"
#include "page/hunt.h"

/* As lab_guard_found(), of a free: whoever frees is on the stack. Context: Any. */
bool lab_rawfree_found(struct lab_hook *hook, lab_tag_t tag, bool can_refuse)
{
	return lab_guard_found(hook, tag,
			       &(struct lab_offender) { lab_offender_on_stack() }, can_refuse);
}

/*
 * Pages that were refused at the tracepoint, by frame number; 0: a free place. Any CPU, in any
 * context, takes a free place by compare-and-exchange; heal_pages() alone empties a place. A page
 * that finds no free place stays marked, and lost, until the next boot.
 */
#define NR_WOUNDED	64
static unsigned long wounded[NR_WOUNDED];

/*
 * Puts back the references of page @pfn, if still tagged. Until then a call of the owner finds
 * a count below 1, and takes the frame for frozen by another CPU, or for lost.
 */
static void heal_page(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	struct lab_frame *frame = lab_frame(page);
	int refs = page_ref_count(page);
	lab_tag_t tag;

	lab_table_search(&labyrinth_hot.table, pfn, &tag);
	if (!tag || !lab_frame_is_ours(frame))
		return;
	ClearPageHWPoison(page);
	while (refs <= 0 &&
	       !atomic_try_cmpxchg(&page->_refcount, &refs, tag & LAB_TAG_THIN ?
				   LAB_REFS_THIN : LAB_REFS_EXCLUSIVE))
		;
}

/*
 * A page in wounded[] was put there by a call that is in the allocator, between the tracepoint
 * and the test of the mark. The call does not sleep in between. For a task that was preempted
 * there, a grace period of RCU-tasks waits; for an interrupt, a grace period of RCU.
 */
static void heal_pages(struct work_struct *work)
{
	unsigned long pfns[NR_WOUNDED];
	unsigned int i;

	for (i = 0; i < NR_WOUNDED; i++)
		pfns[i] = READ_ONCE(wounded[i]);
	synchronize_rcu_tasks();
	synchronize_rcu();
	for (i = 0; i < NR_WOUNDED; i++) {
		if (!pfns[i])
			continue;
		heal_page(pfns[i]);
		WRITE_ONCE(wounded[i], 0);
	}
}

static DECLARE_WORK(heal_work, heal_pages);

static void heal_later(struct irq_work *work)
{
	schedule_work(&heal_work);
}

static struct irq_work heal_irq_work = IRQ_WORK_INIT_HARD(heal_later);

/* Return: whether @page was marked before. */
#ifdef CONFIG_MEMORY_FAILURE
static bool test_and_mark(struct page *page)
{
	return TestSetPageHWPoison(page);
}
#else
static bool test_and_mark(struct page *page)
{
	return true;
}
#endif

/* Makes the allocator leave @page alone. Context: Any. */
static void mark_refused(struct page *page)
{
	unsigned int i;

	/* Marked before, since the memory has failed: the mark must stay. */
	if (test_and_mark(page))
		return;
	for (i = 0; i < NR_WOUNDED; i++)
		if (!cmpxchg(&wounded[i], 0, page_to_pfn(page)))
			break;
	irq_work_queue(&heal_irq_work);
}

/*
 * The latest pages that have gone to the allocator though tagged, by page and owner. The next
 * user of such a page frees the page rightly, which is not to be reported.
 */
#define NR_GONE		64
static lab_tag_t gone[NR_GONE];
static atomic_t nr_gone;

/*
 * Lets @tag's page go, as an ordinary page. Return: whether the page had gone before. A page
 * with the type has been Labyrinth's in between.
 */
static bool let_page_go(lab_tag_t tag)
{
	struct lab_frame *frame = lab_frame_of_tag(tag);
	lab_tag_t key = lab_tag_step(tag, LAB_ABSENT);
	bool typed = PageOffline(lab_frame_page(frame));
	unsigned int i;

	for (i = 0; i < NR_GONE && !typed; i++)
		if (READ_ONCE(gone[i]) == key)
			return true;
	lab_frame_clear_type(frame);
	i = (unsigned int)atomic_inc_return(&nr_gone) % NR_GONE;
	WRITE_ONCE(gone[i], key);
	return false;
}

/* Forgets which pages have gone, so that all are reported anew. */
void lab_rawfree_forget(void)
{
	memset(gone, 0, sizeof(gone));
}

static const bool can_mark = IS_ENABLED(CONFIG_MEMORY_FAILURE);

/* Whether the last reference of a page can be kept from going, while the hook is armed. */
bool lab_rawfree_can_refuse(void)
{
	return can_mark;
}

static noinline void judge_page(struct lab_hook *hook, struct page *page,
				bool can_refuse)
{
	lab_tag_t tag;

	lab_table_search(&labyrinth_hot.table, page_to_pfn(page), &tag);
	if (!tag || lab_guard_is_off())
		return;
	if (!(can_refuse && lab_guard_refuses()) && let_page_go(tag))
		return;
	if (lab_rawfree_found(hook, tag, can_refuse))
		mark_refused(page);
}

/*
 * Reports tagged pages in a block that passed no hook on a function: a compound page. The
 * allocator does not test the mark of a block's pages, so nothing is refused.
 */
static noinline void judge_block(struct lab_hook *hook, struct page *page,
				 unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		if (lab_guard_may_know(lab_frame(page + i)))
			judge_page(hook, page + i, false);
}

/* The accurate look at a page that page_is_freed() did not pass. */
static noinline void look_closer(void *data, struct page *page, unsigned int order)
{
	struct lab_hook *hook = data;

	this_cpu_inc(*hook->hits);
	if (order)
		judge_block(hook, page, order);
	else if (lab_guard_may_know(lab_frame(page)))
		judge_page(hook, page, can_mark);
}

/* Whether @frame has no word of a tagged page: see lab_guard_looks_tagged(). */
static __always_inline bool is_plain(const struct lab_frame *frame)
{
	/*
	 * Harmless: a tagged page has had its words for long. Plain loads, so that each load is a
	 * part of its comparison.
	 */
	return data_race(frame->type == LAB_TYPE_NONE && !(frame->flags & LAB_FRAME_MARK) &&
			 frame->seal != LAB_FRAME_SEAL);
}

/*
 * Every page that the kernel frees comes here. Nearly all pass: a single page that has no type, nor
 * Labyrinth's mark or seal, while no page is in limbo.
 */
static void page_is_freed(void *data, struct page *page, unsigned int order)
{
	if (unlikely(order | (unsigned int)lab_limbo_count()) ||
	    unlikely(!is_plain(lab_frame(page))))
		look_closer(data, page, order);
}

struct search {
	const char *name;
	struct tracepoint *found;
};

static void compare_name(struct tracepoint *tp, void *arg)
{
	struct search *search = arg;

	if (!strcmp(tp->name, search->name))
		search->found = tp;
}

/* The tracepoint is not exported, so search by name. */
static struct tracepoint *find_tracepoint(const char *name)
{
	struct search search = { .name = name };

	for_each_kernel_tracepoint(compare_name, &search);
	return search.found;
}

/* Context: Task; may sleep. Return: 0, -ENOENT, -ENOMEM. */
int lab_rawfree_arm(struct lab_hook *hook)
{
	struct tracepoint *tp = find_tracepoint(hook->name);

	return tp ? tracepoint_probe_register(tp, page_is_freed, hook) : -ENOENT;
}

/* Returns once no free is in the hook any more. Context: Task; may sleep. */
int lab_rawfree_disarm(struct lab_hook *hook)
{
	int err = tracepoint_probe_unregister(find_tracepoint(hook->name), page_is_freed,
					      hook);

	tracepoint_synchronize_unregister();
	return err;
}

/* Waits until the pages refused so far are healed. Context: Task; may sleep. */
void lab_rawfree_flush(void)
{
	irq_work_sync(&heal_irq_work);
	flush_work(&heal_work);
}
