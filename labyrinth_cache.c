// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches and reserve: what they take from the page allocator and give back. The
 * state owned here is the lists in struct lab_owner, from refill to drain.
 *
 * Who may be asked for memory where: the page allocator takes spinlocks, so not
 * in an NMI; on PREEMPT_RT those locks sleep, so only where preemption is
 * enabled. Everywhere else what is cached and the reserve must do. There a cache
 * that is empty is not refilled, and one that is too long spills into the
 * reserve's list; a worker, which may sleep, then sees to it that the reserve has
 * what it should, no less and no more.
 *
 * Against destroy: the allocator is asked with preemption as the caller had it,
 * so the owner may be gone when the pages are there. What is put into a list
 * is put there with preemption disabled, after a look whether the handle still
 * lives; destroy takes the handle back first, waits until every such section is
 * over, and only then drains the lists.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "labyrinth_cache.h"
#include "labyrinth_limbo.h"
#include "labyrinth_poison.h"
#include "labyrinth_report.h"
#include "labyrinth_trace.h"

/* When the reserve is tried again that could not be filled. */
#define REFILL_RETRY	(HZ / 10)

static gfp_t owner_gfp(const struct lab_owner *owner, gfp_t gfp)
{
	return owner->front.flags & LABYRINTH_OWNER_ZERO ? gfp | __GFP_ZERO :
							   gfp;
}

/* What a page in @state, which was stolen, has for those who may have it by right. */
static int others_refs(enum lab_state state)
{
	switch (state) {
	case LAB_LENT:
		return 1;
	case LAB_MAPPED:
	case LAB_LIMBO:
		return LAB_REFS_EXCLUSIVE;
	default:
		return 0;
	}
}

/*
 * The page allocator gave a page that is tagged: somebody freed it again and
 * again until it did. So it is out of the allocator's hands now, and what it
 * was before: its owner's, with all its references.
 *
 * But for one that others had by right, a borrower, a device or a process: whether
 * they are done with it nobody knows, since the list of mappings is lost, and maybe
 * the borrower's reference. It has references for them, and does not know its slot:
 * so it is not handed out again until the borrower puts his; where there may be a
 * mapping, never.
 */
static void restore_stolen(struct lab_owner *owner, struct lab_frame *frame,
			   lab_tag_t *slot, lab_tag_t tag)
{
	enum lab_state state = lab_tag_state(tag);
	int others = others_refs(state);
	/* If nobody is at it: its owner would put back what he finds missing. */
	int refs = lab_frame_freeze(frame, 1) ? 0 : 1;

	lab_frame_place(frame, others ? NULL : slot);
	/* The words of notes have been the page allocator's. */
	if (state == LAB_CACHED)
		lab_frame_note_content(frame, LAB_CONTENT_ANY);
	else
		lab_frame_note(frame, 0);
	if (state != LAB_LENT)
		lab_frame_set_type(frame);
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE + others - refs);
	lab_report_corrupt(LAB_OP_REFILL, owner, tag, _RET_IP_);
}

enum entry { TAGGED, NO_ROOM, STOLEN };

/* Tags @page, which is just out of the page allocator. */
static enum entry enter(struct lab_owner *owner, struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	struct lab_frame *frame = lab_frame(page);
	lab_tag_t tag;
	lab_tag_t *slot = lab_table_search(&labyrinth_hot.table, pfn, &tag);

	if (unlikely(slot)) {
		restore_stolen(owner, frame, slot, tag);
		return STOLEN;
	}
	if (!lab_pfn_fits(pfn))
		return NO_ROOM;
	tag = lab_tag_make(pfn, lab_owner_id(owner), LAB_CACHED);
	slot = lab_table_insert(&labyrinth_hot.table, tag);
	if (!slot)
		return NO_ROOM;
	lab_frame_enter(frame, slot);
	if (owner->front.flags & LABYRINTH_OWNER_ZERO)
		lab_frame_note_content(frame, LAB_CONTENT_ZEROES);
	else
		lab_poison_cached(frame);
	page_ref_add(page, LAB_REFS_EXCLUSIVE - 1);
	lab_step(LAB_OP_REFILL, frame, owner, _RET_IP_);
	return TAGGED;
}

/* What goes into a cache is of the owner's node and no other. */
static gfp_t near_gfp(const struct lab_owner *owner, gfp_t gfp)
{
	return owner->nid == NUMA_NO_NODE ? gfp : gfp | __GFP_THISNODE;
}

/*
 * The owner's node has no page left: one of another node is better than none. It
 * is handed out, and goes back to the system when it is freed.
 */
static void get_stray(struct lab_batch *batch, struct lab_owner *owner,
		      gfp_t gfp)
{
	batch->pages[0] = alloc_pages_node(owner->nid, gfp, 0);
	if (!batch->pages[0])
		return;
	batch->nr = 1;
	if (!lab_owner_is_near(owner, batch->pages[0]))
		lab_owner_stray(owner);
}

/*
 * Asks the page allocator for a batch.
 * Context: Any; preemption as the API's caller had it.
 */
void lab_batch_get(struct lab_batch *batch, struct lab_owner *owner)
{
	gfp_t gfp = owner_gfp(owner, GFP_ATOMIC | __GFP_NOWARN);

	*batch = (struct lab_batch) { .fail = LAB_FAIL_CONTEXT };
	if (!lab_may_lock())
		return;
	batch->fail = LAB_FAIL_MEMORY;
	batch->nr = lab_alloc_pages_bulk_node(near_gfp(owner, gfp), owner->nid,
					      LAB_BATCH, batch->pages);
	if (!batch->nr && owner->nid != NUMA_NO_NODE)
		get_stray(batch, owner, gfp);
}

/*
 * Tags what is in @batch; all but one page go into the cache. What cannot be
 * taken stays in @batch, for lab_batch_give_back().
 * Context: Any; preemption disabled, the owner alive.
 * Return: the one page that is on no list, or NULL.
 */
struct lab_frame *lab_batch_put_in(struct lab_batch *batch,
				   struct lab_owner *owner)
{
	unsigned int i, in = 0, left = 0;
	struct lab_frame *first = NULL;

	for (i = 0; i < batch->nr; i++) {
		struct page *page = batch->pages[i];
		enum entry entry = enter(owner, page);

		if (entry == NO_ROOM)
			batch->pages[left++] = page;
		if (entry != TAGGED)
			continue;
		in++;
		if (first)
			lab_cache_push(owner, lab_frame(page));
		else
			first = lab_frame(page);
	}
	batch->nr = left;
	if (left)
		batch->fail = LAB_FAIL_TABLE;
	lab_owner_account(owner, in);
	return first;
}

/*
 * Gives what is in @batch to the page allocator, and reports what must be.
 * Context: Any that may use the allocator; preemption as the API's caller had
 * it.
 */
void lab_batch_give_back(struct lab_batch *batch,
			 const struct lab_owner *owner)
{
	if (unlikely(batch->fail == LAB_FAIL_TABLE))
		lab_report_full();
	while (batch->nr_lost)
		lab_report_lost(owner, batch->lost[--batch->nr_lost]);
	while (batch->nr)
		__free_page(batch->pages[--batch->nr]);
}

/* Makes up to @most pages that @pop yields ready to be given back. */
static void take_out(struct lab_owner *owner, struct lab_batch *batch,
		     struct lab_frame *(*pop)(struct lab_owner *owner),
		     unsigned int most)
{
	struct lab_frame *frame;
	lab_tag_t was;

	while (most-- && (frame = pop(owner))) {
		switch (lab_leave(owner, frame->tag, &was)) {
		case LAB_LEFT_SHORT:
			batch->lost[batch->nr_lost++] = was;
			fallthrough;
		case LAB_LEFT:
			batch->pages[batch->nr++] = lab_frame_page(frame);
			break;
		case LAB_NOT_OURS:
			lab_report_corrupt(LAB_OP_RETURN, owner, was, _RET_IP_);
			break;
		case LAB_IN_LIMBO:
			break;
		}
	}
}

static void reserve_push(struct lab_owner *owner, struct lab_frame *frame)
{
	lab_list_push(&owner->reserve, LAB_LIST_SHARED, frame,
		      lab_frame_pfn(frame));
	atomic_inc(&owner->reserve_held);
}

/* With preemption disabled, as labyrinth_list.h wants it of a shared list. */
static struct lab_frame *pop_from_reserve(struct lab_owner *owner)
{
	struct lab_frame *frame;

	preempt_disable();
	frame = lab_list_pop(&owner->reserve, LAB_LIST_SHARED);
	preempt_enable();
	return frame;
}

/* Context: Any. */
struct lab_frame *lab_reserve_pop(struct lab_owner *owner)
{
	struct lab_frame *frame = pop_from_reserve(owner);

	if (frame)
		atomic_dec(&owner->reserve_held);
	return frame;
}

/* Moves up to @most frames of this CPU's cache, or the SINGLE one. */
static void move_to_reserve(struct lab_owner *owner, unsigned int most)
{
	struct lab_frame *frame;

	while (most-- && (frame = lab_cache_pop(owner)))
		reserve_push(owner, frame);
}

/* Context: Any; preemption disabled, the owner alive. */
static void spill(struct lab_owner *owner)
{
	move_to_reserve(owner, LAB_BATCH);
	irq_work_queue(&owner->kick);
}

/*
 * A SINGLE owner's frees are counted, its allocations are not: that would be one
 * more instruction, and one that the next free must wait for. So what is known is
 * how long the cache can be at the most; when that is too long, it is measured.
 * Context: Any; the owner's one user.
 * Return: how many frees may come before it is measured again; 0: it is too long.
 */
unsigned int lab_cache_measure(struct lab_owner *owner)
{
	struct lab_frame *frame = owner->front.head;
	unsigned int length = 0;

	for (; frame; frame = (struct lab_frame *)frame->next)
		length++;
	owner->front.room = length + LAB_BATCH < LAB_SINGLE_MAX ?
			    LAB_SINGLE_MAX - length : 0;
	return owner->front.room;
}

static bool is_too_long(struct lab_owner *owner)
{
	return !lab_owner_is_single(owner) || !lab_cache_measure(owner);
}

/*
 * Takes one batch off a cache that has, or may have, grown too long: back to the
 * allocator or, where that may not be used, to where the worker finds it.
 * Context: Any; preemption as the API's caller had it.
 */
void lab_cache_trim(struct lab_owner *owner,
		    const struct labyrinth_owner *handle)
{
	bool give_back = lab_may_lock();
	struct lab_batch batch;

	batch.nr = 0;
	batch.nr_lost = 0;
	batch.fail = LAB_FAIL_MEMORY;
	preempt_disable();
	if (lab_owner_is(owner, handle) && is_too_long(owner)) {
		if (give_back)
			take_out(owner, &batch, lab_cache_pop, LAB_BATCH);
		else
			spill(owner);
		if (lab_owner_is_single(owner))
			lab_cache_measure(owner);
	}
	preempt_enable();
	lab_batch_give_back(&batch, owner);
}

/* How many pages the worker is to keep on the reserve's list: fits an int. */
static int reserve_wanted(const struct lab_owner *owner)
{
	return owner->reserve_target +
	       (READ_ONCE(owner->starved) ? LAB_BATCH : 0);
}

/*
 * The reserve was asked for a page, after @fail: has the worker look after it.
 * An owner that once found nothing where the allocator may not be asked gets a
 * batch for such occasions, beside its reserve.
 * Context: Any.
 */
void lab_reserve_kick(struct lab_owner *owner, enum lab_fail fail)
{
	if (fail == LAB_FAIL_CONTEXT && !READ_ONCE(owner->starved))
		WRITE_ONCE(owner->starved, true);
	if (atomic_read(&owner->reserve_held) < reserve_wanted(owner))
		irq_work_queue(&owner->kick);
}

/*
 * Brings the reserve up to what it should be.
 * Context: Task; may sleep. Return: 0, -ENOMEM, or -ENOSPC where the table is
 * full.
 */
static int reserve_fill(struct lab_owner *owner)
{
	/* The reserve is worth a wait, but not another process's life. */
	gfp_t gfp = owner_gfp(owner, GFP_KERNEL | __GFP_NOWARN |
				     __GFP_RETRY_MAYFAIL);

	while (atomic_read(&owner->reserve_held) < reserve_wanted(owner)) {
		struct page *page = alloc_pages_node(owner->nid,
						     near_gfp(owner, gfp), 0);
		enum entry entry;

		if (!page)
			return -ENOMEM;
		entry = enter(owner, page);
		if (entry == NO_ROOM) {
			__free_page(page);
			lab_report_full();
			return -ENOSPC;
		}
		if (entry == TAGGED) {
			lab_owner_account(owner, 1);
			reserve_push(owner, lab_frame(page));
		}
		cond_resched();
	}
	return 0;
}

static unsigned int reserve_excess(const struct lab_owner *owner)
{
	int excess = atomic_read(&owner->reserve_held) - reserve_wanted(owner);

	return max(excess, 0);
}

/*
 * Pops a page that the reserve has too much. It is uncounted first: of two who look at
 * once, or of one and an allocation, neither takes what is to stay.
 */
static struct lab_frame *pop_excess(struct lab_owner *owner)
{
	int held = atomic_read(&owner->reserve_held);
	struct lab_frame *frame;

	do {
		if (held <= reserve_wanted(owner))
			return NULL;
	} while (!atomic_try_cmpxchg(&owner->reserve_held, &held, held - 1));
	frame = pop_from_reserve(owner);
	if (!frame)
		atomic_inc(&owner->reserve_held);
	return frame;
}

/*
 * Gives what the reserve has too much back to the system.
 * Context: Task; may sleep. Return: how many pages.
 */
unsigned int lab_cache_give_back(struct lab_owner *owner)
{
	unsigned int given = 0, nr;

	do {
		struct lab_batch batch = { .fail = LAB_FAIL_MEMORY };

		take_out(owner, &batch, pop_excess, LAB_BATCH);
		nr = batch.nr;
		given += nr;
		lab_batch_give_back(&batch, owner);
		cond_resched();
	} while (nr);
	return given;
}

/*
 * How many pages the system could have back.
 * Context: Task; the owner stays.
 */
unsigned int lab_cache_shrinkable(const struct lab_owner *owner)
{
	unsigned int count = reserve_excess(owner);
	int cpu;

	if (lab_owner_is_single(owner))
		return count;
	for_each_possible_cpu(cpu)
		count += READ_ONCE(per_cpu_ptr(owner->front.cpu_cache,
					       cpu)->count);
	return count;
}

/*
 * Moves this CPU's cache to the reserve's list.
 * Context: Interrupt from lab_reclaim, the owner alive.
 */
void lab_cache_gather_here(struct lab_owner *owner)
{
	if (!lab_owner_is_single(owner))
		move_to_reserve(owner, UINT_MAX);
}

/*
 * Likewise of @cpu, which is dead or on which nobody uses the owner any more.
 * Context: Task.
 */
void lab_cache_gather_cpu(struct lab_owner *owner, unsigned int cpu)
{
	struct lab_cpu_cache *cache;
	struct lab_frame *frame;

	if (lab_owner_is_single(owner))
		return;
	cache = per_cpu_ptr(owner->front.cpu_cache, cpu);
	while ((frame = lab_list_pop(&cache->list, LAB_LIST_SHARED))) {
		cache->count--;
		reserve_push(owner, frame);
	}
}

static void refill_work(struct work_struct *work)
{
	struct lab_owner *owner = container_of(to_delayed_work(work),
					       struct lab_owner, refill);

	/*
	 * Nobody kicks when there are pages again: the owner may well live on
	 * what he frees, until memory is out once more.
	 */
	if (reserve_fill(owner))
		schedule_delayed_work(&owner->refill, REFILL_RETRY);
	lab_cache_give_back(owner);
}

static void kick_work(struct irq_work *kick)
{
	struct lab_owner *owner = container_of(kick, struct lab_owner, kick);

	schedule_delayed_work(&owner->refill, 0);
}

/*
 * Readies @owner's lists, empty, and fills its reserve.
 * Context: Task; may sleep. Return: 0, -ENOMEM, -ENOSPC.
 */
int lab_cache_init(struct lab_owner *owner)
{
	int err;

	owner->front.head = NULL;
	owner->front.room = LAB_SINGLE_MAX;
	owner->starved = false;
	init_irq_work(&owner->kick, kick_work);
	INIT_DELAYED_WORK(&owner->refill, refill_work);
	if (owner->reserve_target > labyrinth_hot.table.capacity)
		return -ENOSPC;
	if (!lab_owner_is_single(owner)) {
		owner->front.cpu_cache = alloc_percpu(struct lab_cpu_cache);
		if (!owner->front.cpu_cache)
			return -ENOMEM;
	}
	err = reserve_fill(owner);
	if (err)
		lab_cache_exit(owner);
	return err;
}

static void drain(struct lab_owner *owner,
		  struct lab_frame *(*pop)(struct lab_owner *owner))
{
	struct lab_frame *frame;

	while ((frame = pop(owner))) {
		lab_settle(owner, frame->tag);
		cond_resched();
	}
}

/*
 * Gives back all that @owner keeps ready. Nobody uses the handle any more.
 * Context: Task; may sleep.
 */
void lab_cache_exit(struct lab_owner *owner)
{
	int cpu;

	irq_work_sync(&owner->kick);
	cancel_delayed_work_sync(&owner->refill);
	if (lab_owner_is_single(owner))
		drain(owner, lab_cache_pop_single);
	for_each_possible_cpu(cpu)
		lab_cache_gather_cpu(owner, cpu);
	drain(owner, lab_reserve_pop);
	free_percpu(owner->front.cpu_cache);
	owner->front.cpu_cache = NULL;
}
