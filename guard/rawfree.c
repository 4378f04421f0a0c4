// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are given to the page allocator while they are tagged: by somebody who drops
 * one reference after the other until none is left, or as a part of a block. The state
 * owned here is which pages are to be healed, and which have gone and been reported.
 *
 * A block is refused at the outermost functions that free one, before any page of it is
 * freed: see guard/hooks.c. All other frees, which are single pages but for a compound
 * page that goes by its references, come to the page allocator's own tracepoint,
 * kmem:mm_page_free, and cannot be called off there. But the allocator does not take a
 * single page that is marked as hardware-poisoned, and it looks after the tracepoint: so
 * a page that is to be refused is marked. When the allocator is sure to have looked, the
 * mark is taken off and the page has its references again: it is its owner's as before.
 * In between, its count is below one, and nobody can do anything with it. A kernel without
 * CONFIG_MEMORY_FAILURE has no such mark: there it is reported alone.
 *
 * The hook sees every page that anybody frees, so it asks the page first, and the
 * table only where that may know it.
 */
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "core/table.h"
#include "guard/find.h"
#include "guard/hook.h"

#define STACK_DEPTH	16

/* NULL where Labyrinth is built into the kernel: there all of it is the core's. */
static bool in_labyrinth(unsigned long ip)
{
	const struct module *self = THIS_MODULE;

	return self && within_module(ip, self);
}

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
		if (in_labyrinth(entries[i]))
			continue;
		if (entries[i] >= MODULES_VADDR && entries[i] < MODULES_END)
			return entries[i];
		first = first ?: entries[i];
	}
	return first;
}

/* As find_offender(), for hooks on functions. */
unsigned long lab_rawfree_offender(struct ftrace_regs *regs)
{
	return find_offender();
}

/*
 * Pages that were refused at the tracepoint, by frame number; 0: free. Written in any
 * context by whoever finds a place free, emptied by heal() alone. A page that finds no
 * place stays marked, and lost, until the system is booted again.
 */
#define NR_WOUNDED	64
static unsigned long wounded[NR_WOUNDED];

/*
 * Gives @pfn's page its references again, if it is tagged yet. Whoever holds it finds a
 * count below one meanwhile, and takes it for frozen by another CPU, or for lost.
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
	       !atomic_try_cmpxchg(&page->_refcount, &refs, LAB_REFS_EXCLUSIVE))
		;
}

/*
 * A page in wounded[] was put there by a call that is in the allocator, between its
 * tracepoint and its look at the mark. It does not sleep in between. If it is a task that
 * was preempted, a grace period of RCU-tasks waits for it; if it is an interrupt, one of
 * RCU.
 */
static void heal(struct work_struct *work)
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

static DECLARE_WORK(heal_work, heal);

static void heal_later(struct irq_work *work)
{
	schedule_work(&heal_work);
}

static DEFINE_IRQ_WORK(heal_irq_work, heal_later);

/* The allocator will not take @page. Context: Any. */
static void keep(struct page *page)
{
	unsigned int i;

	/* Marked before, by whom knows about the memory: not to be unmarked. */
	if (TestSetPageHWPoison(page))
		return;
	for (i = 0; i < NR_WOUNDED; i++)
		if (!cmpxchg(&wounded[i], 0, page_to_pfn(page)))
			break;
	irq_work_queue(&heal_irq_work);
}

/*
 * Pages that have gone to the allocator though they are tagged, by page and owner, the
 * latest of them. Whoever has one of these pages next frees it without fault.
 */
#define NR_GONE		64
static lab_tag_t gone[NR_GONE];
static atomic_t nr_gone;

/*
 * @tag's page goes: it becomes what others think it is. Return: whether it had gone
 * before. Where the page has the type, it has been Labyrinth's in between.
 */
static bool let_go(lab_tag_t tag)
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

/* Whoever asks anew is told anew. */
void lab_rawfree_forget(void)
{
	memset(gone, 0, sizeof(gone));
}

static const bool can_mark = IS_ENABLED(CONFIG_MEMORY_FAILURE);

static noinline void look_up(struct lab_hook *hook, struct page *page,
			     bool can_refuse)
{
	lab_tag_t tag;

	lab_table_search(&labyrinth_hot.table, page_to_pfn(page), &tag);
	if (!tag || lab_guard_is_off())
		return;
	if (!(can_refuse && lab_guard_refuses()) && let_go(tag))
		return;
	if (lab_guard_found(hook, tag, find_offender(), can_refuse))
		keep(page);
}

/*
 * A block that has come here is one that no hook on a function has seen: a compound page.
 * Of a block the allocator does not look at the mark.
 */
static noinline void look_at_block(struct lab_hook *hook, struct page *page,
				   unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		if (lab_guard_may_know(lab_frame(page + i)))
			look_up(hook, page + i, false);
}

static void freed(void *data, struct page *page, unsigned int order)
{
	struct lab_hook *hook = data;

	this_cpu_inc(*hook->hits);
	if (unlikely(order))
		look_at_block(hook, page, order);
	else if (unlikely(lab_guard_may_know(lab_frame(page))))
		look_up(hook, page, can_mark);
}

struct lab_hook *lab_rawfree_pages __read_mostly;
struct lab_hook *lab_rawfree_address __read_mostly;

static noinline bool refuse_block(struct lab_hook *hook, struct page *page,
				  unsigned int order)
{
	lab_tag_t tag = lab_guard_find_block(page, order);

	this_cpu_inc(*hook->hits);
	return unlikely(tag) && lab_guard_found(hook, tag, find_offender(), true);
}

/*
 * Called by guard/block.S in place of the callback, with an @order that is not 0.
 * Context: Any. Return: whether the free is to be refused.
 */
bool lab_refuse_block(struct page *page, unsigned int order)
{
	return refuse_block(lab_rawfree_pages, page, order);
}

/* The same of an address. */
bool lab_refuse_block_at(unsigned long addr, unsigned int order)
{
	return addr && refuse_block(lab_rawfree_address, virt_to_page((void *)addr), order);
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

/* Heals what is to be healed. No hook is armed. Context: Task; may sleep. */
void lab_rawfree_exit(void)
{
	irq_work_sync(&heal_irq_work);
	flush_work(&heal_work);
}
