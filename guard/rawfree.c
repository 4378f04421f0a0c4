// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tagged pages that are given to the page allocator: by code that drops references until none
 * is left, or as a part of a block. The state owned here is the list of the pages that have gone
 * and been reported.
 *
 * A block is refused at the outermost functions that free blocks, before any page is freed: see
 * guard/hooks.c. All other frees are of single pages, save for a compound page that goes with
 * the last reference. These frees come to the page allocator's own tracepoint,
 * kmem:mm_page_free, where a free cannot be stopped. But the allocator does not take a single
 * page that is marked as hardware-poisoned, and tests the mark after the tracepoint. So the
 * hook has a page marked that must not go; page/heal.c makes the page as before. A kernel without
 * CONFIG_MEMORY_FAILURE has no such mark: there the free is only reported.
 *
 * The hook sees every page that is freed anywhere, so the hook looks at the struct page first,
 * and at the table only if the page may be tagged.
 */
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "core/table.h"
#include "guard/find.h"
#include "guard/hook.h"
#include "page/heal.h"

/* As lab_guard_found(), of a free: whoever frees is on the stack. Context: Any. */
bool lab_rawfree_found(struct lab_hook *hook, lab_tag_t tag, bool can_refuse)
{
	return lab_guard_found(hook, tag,
			       &(struct lab_offender) { lab_offender_on_stack() }, can_refuse);
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
	struct lab_slot *slot;
	lab_tag_t tag;

	slot = lab_table_search(&labyrinth_hot.table, page_to_pfn(page), &tag);
	if (!slot || lab_guard_is_off())
		return;
	if (!(can_refuse && lab_guard_refuses()) && let_page_go(tag))
		return;
	if (lab_rawfree_found(hook, tag, can_refuse))
		lab_heal_keep(slot, page);
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
	int err = tp ? lab_heal_init() : -ENOENT;

	return err ?: tracepoint_probe_register(tp, page_is_freed, hook);
}

/* Returns once no free is in the hook any more. Context: Task; may sleep. */
int lab_rawfree_disarm(struct lab_hook *hook)
{
	int err = tracepoint_probe_unregister(find_tracepoint(hook->name), page_is_freed,
					      hook);

	tracepoint_synchronize_unregister();
	return err;
}
