// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hook on the page allocator's own tracepoint kmem:mm_page_free: a tagged page
 * that comes there has been given away by somebody who dropped one reference after
 * the other until none was left. No state but what the guard keeps of each hook.
 *
 * The free cannot be called off. But the allocator does not take a page that is
 * marked as hardware-poisoned, and it looks after the tracepoint: so a
 * page that is to be refused is marked. It stays tagged, without a reference, and
 * is not used again; that costs its 4 KiB, and nobody two owners. A kernel without
 * CONFIG_MEMORY_FAILURE has no such mark: there it is reported alone.
 *
 * The hook sees every page that anybody frees, so it asks the page first, and the
 * table only where that may know it.
 */
#include <linux/mm.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "labyrinth_guard.h"

#define STACK_DEPTH	16

/*
 * Whom to name: the innermost module on the stack, for what of the core is there
 * was called on its behalf; else where the core's part begins.
 */
static unsigned long find_offender(void)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int nr = stack_trace_save(entries, STACK_DEPTH, 0);
	unsigned long first = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (lab_guard_is_ours(entries[i]))
			continue;
		if (entries[i] >= MODULES_VADDR && entries[i] < MODULES_END)
			return entries[i];
		first = first ?: entries[i];
	}
	return first;
}

static const bool can_mark = IS_ENABLED(CONFIG_MEMORY_FAILURE);

static noinline void look_up(struct lab_hook *hook, struct page *page,
			     unsigned int order)
{
	lab_tag_t tag;

	lab_table_search(&labyrinth_hot.table, page_to_pfn(page), &tag);
	if (!tag)
		return;
	/* Of a block of pages the allocator would not look at the mark. */
	if (lab_guard_found(hook, tag, find_offender(), can_mark && !order))
		SetPageHWPoison(page);
}

static void freed(void *data, struct page *page, unsigned int order)
{
	struct lab_hook *hook = data;

	this_cpu_inc(*hook->hits);
	if (unlikely(lab_guard_may_know(lab_frame(page))))
		look_up(hook, page, order);
}

struct search {
	const char *name;
	struct tracepoint *found;
};

static void compare(struct tracepoint *tp, void *arg)
{
	struct search *search = arg;

	if (!strcmp(tp->name, search->name))
		search->found = tp;
}

/* It is not exported, but can be found. */
static struct tracepoint *find_tracepoint(const char *name)
{
	struct search search = { .name = name };

	for_each_kernel_tracepoint(compare, &search);
	return search.found;
}

/* Context: Task; may sleep. Return: 0, -ENOENT, -ENOMEM. */
int lab_rawfree_arm(struct lab_hook *hook)
{
	struct tracepoint *tp = find_tracepoint(hook->name);

	return tp ? tracepoint_probe_register(tp, freed, hook) : -ENOENT;
}

/* Returns once no free is in the hook any more. Context: Task; may sleep. */
int lab_rawfree_disarm(struct lab_hook *hook)
{
	int err = tracepoint_probe_unregister(find_tracepoint(hook->name), freed,
					      hook);

	tracepoint_synchronize_unregister();
	return err;
}
