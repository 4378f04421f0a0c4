// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches and reserve: what they take from the page allocator and give back. The
 * state owned here is the lists in struct lab_owner, from refill to drain.
 *
 * Who may be asked for memory where: the page allocator takes spinlocks, so not
 * in an NMI; on PREEMPT_RT those locks sleep, so only where preemption is
 * enabled. Everywhere else what is cached and the reserve must do, and a worker
 * refills the reserve from where it may sleep.
 *
 * Against destroy: the allocator is asked with preemption as the caller had it,
 * so the owner may be gone when the pages are there. What is put into a list
 * is put there with preemption disabled, after a look whether the handle still
 * lives; destroy takes the handle back first, waits until every such section is
 * over, and only then drains the lists.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "labyrinth_cache.h"
#include "labyrinth_limbo.h"
#include "labyrinth_report.h"
#include "labyrinth_trace.h"

static bool may_use_allocator(void)
{
	return !in_nmi() && (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

static gfp_t owner_gfp(const struct lab_owner *owner, gfp_t gfp)
{
	return owner->flags & LABYRINTH_OWNER_ZERO ? gfp | __GFP_ZERO : gfp;
}

static void report_stolen(struct lab_owner *owner, lab_tag_t tag)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_CORRUPT,
		.op = LAB_OP_REFILL,
		.tag = tag,
		.note = lab_page_note(tag),
		.caller = owner,
		.ip = _THIS_IP_,
	});
}

/*
 * Tags @page, which is just out of the page allocator. NULL where the table is
 * full; the page is then still the caller's.
 *
 * A page that is tagged already was given to the allocator behind its owner's
 * back. It is somebody's still: it is left out of circulation for good.
 */
static struct lab_frame *tag_page(struct lab_owner *owner, struct page *page,
				  bool *stolen)
{
	unsigned long pfn = page_to_pfn(page);
	struct lab_frame *frame = lab_frame(page);
	lab_tag_t tag;
	lab_tag_t *slot;

	*stolen = lab_table_search(&lab_table, pfn, &tag);
	if (unlikely(*stolen)) {
		report_stolen(owner, tag);
		return NULL;
	}
	if (!lab_pfn_fits(pfn))
		return NULL;
	slot = lab_table_insert(&lab_table, lab_tag_make(pfn,
							 lab_owner_id(owner),
							 LAB_CACHED));
	if (!slot)
		return NULL;
	lab_frame_enter(frame, slot);
	frame->when = !!(owner->flags & LABYRINTH_OWNER_ZERO);
	page_ref_add(page, LAB_REFS_EXCLUSIVE - 1);
	return frame;
}

/*
 * Tags @nr pages and puts them where @push says; those that it could not take
 * are moved to the front of @pages. Returns their number.
 */
static unsigned int take_in(struct lab_owner *owner, struct page **pages,
			    unsigned int nr,
			    void (*push)(struct lab_owner *owner,
					 struct lab_frame *frame))
{
	unsigned int i, in = 0, left = 0;

	for (i = 0; i < nr; i++) {
		bool stolen;
		struct lab_frame *frame = tag_page(owner, pages[i], &stolen);

		if (!frame) {
			if (!stolen)
				pages[left++] = pages[i];
			continue;
		}
		push(owner, frame);
		lab_step(LAB_OP_REFILL, frame, owner, _THIS_IP_);
		in++;
	}
	lab_owner_account(owner, in);
	return left;
}

static void untake(struct page **pages, unsigned int nr)
{
	while (nr)
		__free_page(pages[--nr]);
}

/*
 * Fills this CPU's cache, or the SINGLE one, by at most LAB_BATCH pages.
 * Context: Any; preemption as the API's caller had it.
 * Return: 0 if there is at least one page more, else the &enum lab_fail that
 * says why not. The owner may be gone by then, and @owner another's.
 */
int lab_cache_refill(struct lab_owner *owner,
		     const struct labyrinth_owner *handle)
{
	gfp_t gfp = owner_gfp(owner, GFP_ATOMIC | __GFP_NOWARN);
	struct page *pages[LAB_BATCH] = {};
	unsigned int nr, left;

	if (!may_use_allocator())
		return LAB_FAIL_CONTEXT;
	nr = alloc_pages_bulk_node(gfp, owner->nid, LAB_BATCH, pages);
	if (!nr)
		return LAB_FAIL_MEMORY;
	left = nr;
	preempt_disable();
	if (lab_owner_is(owner, handle))
		left = take_in(owner, pages, nr, lab_cache_push);
	preempt_enable();
	untake(pages, left);
	return left < nr ? 0 : LAB_FAIL_TABLE;
}

/* One batch on its way out of Labyrinth. */
struct batch {
	struct page *pages[LAB_BATCH];
	lab_tag_t lost[LAB_BATCH];	/* of those a reference short */
	unsigned int nr;
	unsigned int nr_lost;
};

/*
 * Untags up to LAB_BATCH frames that @pop yields; those that something still
 * refers to go to limbo.
 */
static void take_out(struct lab_owner *owner, struct batch *batch,
		     struct lab_frame *(*pop)(struct lab_owner *owner))
{
	lab_tag_t *lost = &batch->lost[batch->nr_lost];
	struct lab_frame *frame;

	while (batch->nr < LAB_BATCH) {
		frame = pop(owner);
		if (!frame)
			break;
		if (!lab_frame_untag(owner, frame, lost)) {
			lab_limbo_add(owner, frame);
			continue;
		}
		batch->pages[batch->nr++] = lab_frame_page(frame);
		if (*lost)
			lost = &batch->lost[++batch->nr_lost];
	}
}

static void finish(const struct lab_owner *owner, const struct batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr_lost; i++)
		lab_report_lost(owner, batch->lost[i]);
	for (i = 0; i < batch->nr; i++)
		__free_page(batch->pages[i]);
}

/*
 * Gives one batch of a cache that has grown too long back to the allocator.
 * Context: Any; preemption as the API's caller had it.
 */
void lab_cache_trim(struct lab_owner *owner,
		    const struct labyrinth_owner *handle)
{
	struct batch batch = {};

	if (!may_use_allocator())
		return;
	preempt_disable();
	if (lab_owner_is(owner, handle))
		take_out(owner, &batch, lab_cache_pop);
	preempt_enable();
	finish(owner, &batch);
}

static void reserve_push(struct lab_owner *owner, struct lab_frame *frame)
{
	lab_list_push(&owner->reserve, LAB_LIST_SHARED, frame);
	atomic_inc(&owner->reserve_held);
}

/* Context: Any. */
struct lab_frame *lab_reserve_pop(struct lab_owner *owner)
{
	struct lab_frame *frame = lab_list_pop(&owner->reserve,
					       LAB_LIST_SHARED);

	if (frame)
		atomic_dec(&owner->reserve_held);
	return frame;
}

/*
 * Brings the reserve up to what the owner asked for.
 * Context: Task; may sleep. Return: 0, -ENOMEM, or -ENOSPC where the table is
 * full.
 */
int lab_reserve_fill(struct lab_owner *owner)
{
	gfp_t gfp = owner_gfp(owner, GFP_KERNEL | __GFP_NOWARN);

	while (atomic_read(&owner->reserve_held) < owner->reserve_target) {
		struct page *page = alloc_pages_node(owner->nid, gfp, 0);

		if (!page)
			return -ENOMEM;
		if (take_in(owner, &page, 1, reserve_push)) {
			__free_page(page);
			return -ENOSPC;
		}
		cond_resched();
	}
	return 0;
}

static void refill_work(struct work_struct *work)
{
	struct lab_owner *owner = container_of(work, struct lab_owner, refill);

	/* Without a page now, the next allocation that misses kicks again. */
	lab_reserve_fill(owner);
}

static void kick_work(struct irq_work *kick)
{
	struct lab_owner *owner = container_of(kick, struct lab_owner, kick);

	schedule_work(&owner->refill);
}

/*
 * Readies @owner's lists, empty, and fills its reserve.
 * Context: Task; may sleep. Return: 0, -ENOMEM, -ENOSPC.
 */
int lab_cache_init(struct lab_owner *owner)
{
	int err;

	owner->head = NULL;
	owner->room = LAB_CACHE_MAX;
	init_irq_work(&owner->kick, kick_work);
	INIT_WORK(&owner->refill, refill_work);
	if (!lab_owner_is_single(owner)) {
		owner->cpu_cache = alloc_percpu(struct lab_cpu_cache);
		if (!owner->cpu_cache)
			return -ENOMEM;
	}
	err = lab_reserve_fill(owner);
	if (err)
		lab_cache_exit(owner);
	return err;
}

static void drain(struct lab_owner *owner,
		  struct lab_frame *(*pop)(struct lab_owner *owner))
{
	unsigned int nr;

	do {
		struct batch batch = {};

		take_out(owner, &batch, pop);
		finish(owner, &batch);
		nr = batch.nr;
		cond_resched();
	} while (nr == LAB_BATCH);
}

/* Moves every CPU's cache to the reserve's list, from where it is drained. */
static void gather(struct lab_owner *owner)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct lab_cpu_cache *cache = per_cpu_ptr(owner->cpu_cache,
							  cpu);
		struct lab_frame *frame;

		while ((frame = lab_list_pop(&cache->list, LAB_LIST_SHARED)))
			reserve_push(owner, frame);
		cond_resched();
	}
}

/*
 * Gives back all that @owner keeps ready. Nobody uses the handle any more.
 * Context: Task; may sleep.
 */
void lab_cache_exit(struct lab_owner *owner)
{
	irq_work_sync(&owner->kick);
	cancel_work_sync(&owner->refill);
	if (lab_owner_is_single(owner))
		drain(owner, lab_cache_pop_single);
	else
		gather(owner);
	drain(owner, lab_reserve_pop);
	free_percpu(owner->cpu_cache);
	owner->cpu_cache = NULL;
}

/*
 * How many pages are ready, the reserve included: a snapshot for statistics.
 * Context: Task; the owner stays.
 */
long lab_cache_count(const struct lab_owner *owner)
{
	long count = atomic_read(&owner->reserve_held);
	int cpu;

	if (lab_owner_is_single(owner))
		return count + LAB_CACHE_MAX - READ_ONCE(owner->room);
	for_each_possible_cpu(cpu)
		count += READ_ONCE(per_cpu_ptr(owner->cpu_cache, cpu)->count);
	return count;
}
