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
 * so the owner may be gone when the pages are there. What is put into a cache
 * is put there with preemption disabled, after a look whether the handle still
 * lives; destroy takes the handle back first, waits until every such section is
 * over, and only then drains the caches.
 *
 * The caches are arrays of slots, so freeing and handing out touch no link. The reserve,
 * which any CPU may use at any moment, is a lock-free list.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "core/context.h"
#include "core/table.h"
#include "page/cache.h"
#include "page/limbo.h"
#include "page/poison.h"
#include "page/seal.h"
#include "report/report.h"
#include "report/trace.h"

/* When the reserve is tried again that could not be filled. */
#define REFILL_RETRY	(HZ / 10)

static gfp_t owner_gfp(const struct lab_owner *owner, gfp_t gfp)
{
	return owner->front.flags & LABYRINTH_OWNER_ZERO ? gfp | __GFP_ZERO :
							   gfp;
}

struct lab_slot lab_no_slot;

/*
 * How many references those may have by right who had a page in @state, which was stolen:
 * a borrower may not have put its own yet.
 */
static int others_refs(enum lab_state state)
{
	return state == LAB_LENT || state == LAB_LIMBO;
}

/*
 * The page allocator gave a page that is tagged: somebody freed it again and
 * again until the allocator had it. So it is out of the allocator's hands now, and what it
 * was before: its owner's, with all its references, and one for a borrower, if it was
 * lent: nobody knows whether the borrower's is among those that were dropped.
 */
static void restore_stolen(struct lab_owner *owner, struct lab_frame *frame,
			   struct lab_slot *slot, lab_tag_t tag)
{
	enum lab_state state = lab_tag_state(tag);
	/* If nobody is at it: its owner would put back what is found missing. */
	int refs = lab_frame_freeze(frame, 1) ? 0 : 1;

	lab_frame_enter(frame);
	if (state == LAB_LENT)
		lab_frame_clear_type(frame);
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE + others_refs(state) - refs);
	lab_report_corrupt(LAB_OP_REFILL, owner, slot, tag, _RET_IP_);
}

enum entry {
	TAGGED,
	NO_ROOM,		/* the table is full */
	NOT_WANTED,		/* somebody refers to it, or it is not to be cached */
	STOLEN
};

/*
 * Notes what the page holds: zeroes if the page allocator was asked for them. Of a sealed page
 * it never is.
 */
static void note_content(struct lab_owner *owner, struct lab_slot *slot)
{
	if (lab_owner_is_sealed(owner))
		lab_slot_note_content(slot, LAB_CONTENT_ANY);
	else if (owner->front.flags & LABYRINTH_OWNER_ZERO)
		lab_slot_note_content(slot, LAB_CONTENT_ZEROES);
	else
		lab_poison_cached(slot);
}

/* What a page that is just out of the page allocator is marked as. */
static lab_tag_t marks_of(const struct lab_owner *owner, const struct page *page)
{
	return (page_is_pfmemalloc(page) ? LAB_TAG_EMERGENCY : 0) |
	       (lab_owner_is_near(owner, page) ? 0 : LAB_TAG_STRAY);
}

/* Tags the frozen @frame's page. */
static struct lab_slot *enter_frozen(struct lab_owner *owner, struct lab_frame *frame,
				     lab_tag_t tag)
{
	struct lab_slot *slot = lab_table_insert(&labyrinth_hot.table, tag);

	if (slot) {
		lab_frame_enter(frame);
		WRITE_ONCE(slot->site, 0);
		note_content(owner, slot);
	}
	lab_frame_thaw(frame, slot ? LAB_REFS_EXCLUSIVE : 1);
	return slot;
}

/*
 * Tags @page, which is just out of the page allocator. One that is to pass through is
 * wanted only as the @first, which is handed out at once.
 */
static enum entry enter(struct lab_owner *owner, struct page *page, bool first,
			struct lab_slot **slot)
{
	unsigned long pfn = page_to_pfn(page);
	struct lab_frame *frame = lab_frame(page);
	lab_tag_t tag, marks = marks_of(owner, page);

	*slot = lab_table_search(&labyrinth_hot.table, pfn, &tag);
	if (unlikely(*slot)) {
		restore_stolen(owner, frame, *slot, tag);
		return STOLEN;
	}
	if (!lab_pfn_fits(pfn) || (marks && !first) || !lab_frame_freeze(frame, 1))
		return NOT_WANTED;
	tag = lab_tag_make(pfn, lab_owner_id(owner), LAB_CACHED) | marks;
	*slot = enter_frozen(owner, frame, tag);
	if (!*slot)
		return NO_ROOM;
	lab_step(LAB_OP_REFILL, pfn, owner, _RET_IP_);
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
	batch->nr = !!batch->pages[0];
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
	batch->fail = LAB_FAIL_SEALED;
	if (lab_owner_is_sealed(owner))
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
 * Return: the slot of the one page that is on no list, or NULL.
 */
struct lab_slot *lab_batch_put_in(struct lab_batch *batch,
				  struct lab_owner *owner)
{
	struct lab_slot *first = NULL, *slot;
	unsigned int i, in = 0, left = 0;

	for (i = 0; i < batch->nr; i++) {
		struct page *page = batch->pages[i];
		enum entry entry = enter(owner, page, !first, &slot);

		if (entry == NO_ROOM)
			batch->fail = LAB_FAIL_TABLE;
		if (entry == NO_ROOM || entry == NOT_WANTED)
			batch->pages[left++] = page;
		if (entry != TAGGED)
			continue;
		in++;
		if (first)
			lab_cache_push(owner, slot);
		else
			first = slot;
	}
	batch->nr = left;
	lab_owner_account(owner, in);
	return first;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_batch_put_in);

/*
 * Gives what is in @batch to the page allocator.
 * Context: Any that may use the allocator; preemption as the API's caller had
 * it.
 */
void lab_batch_give_back(struct lab_batch *batch)
{
	if (unlikely(batch->fail == LAB_FAIL_TABLE))
		lab_report_full();
	while (batch->nr)
		__free_page(batch->pages[--batch->nr]);
}

/* Makes up to @most pages that @pop yields ready to be given back. */
static void take_out(struct lab_owner *owner, struct lab_batch *batch,
		     struct lab_slot *(*pop)(struct lab_owner *owner),
		     unsigned int most)
{
	struct lab_slot *slot;
	struct page *page;

	while (most-- && (slot = pop(owner))) {
		page = lab_leave(owner, slot);
		if (page)
			batch->pages[batch->nr++] = page;
	}
}

static void reserve_push(struct lab_owner *owner, struct lab_slot *slot)
{
	lab_list_push(&owner->reserve, slot);
	atomic_inc(&owner->reserve_held);
}

/* With preemption disabled, as core/list.h wants it. */
static struct lab_slot *pop_from_reserve(struct lab_owner *owner)
{
	struct lab_slot *slot;

	preempt_disable();
	slot = lab_list_pop(&owner->reserve);
	preempt_enable();
	return slot;
}

/* Context: Any. */
static struct lab_slot *reserve_pop(struct lab_owner *owner)
{
	struct lab_slot *slot = pop_from_reserve(owner);

	if (slot)
		atomic_dec(&owner->reserve_held);
	return slot;
}

/* How many pages the worker is to keep on the reserve's list: fits an int. */
static int reserve_wanted(const struct lab_owner *owner)
{
	return owner->reserve_target +
	       (READ_ONCE(owner->starved) ? LAB_BATCH : 0);
}

static unsigned int reserve_excess(const struct lab_owner *owner)
{
	int excess = atomic_read(&owner->reserve_held) - reserve_wanted(owner);

	return max(excess, 0);
}

/*
 * Pops a page that the reserve has too much. The page is uncounted first: of two that
 * look at once, or of one and an allocation, neither takes what is to stay.
 */
static struct lab_slot *pop_excess(struct lab_owner *owner)
{
	int held = atomic_read(&owner->reserve_held);
	struct lab_slot *slot;

	do {
		if (held <= reserve_wanted(owner))
			return NULL;
	} while (!atomic_try_cmpxchg(&owner->reserve_held, &held, held - 1));
	slot = pop_from_reserve(owner);
	if (!slot)
		atomic_inc(&owner->reserve_held);
	return slot;
}

/* The slot on top of @owner's stack, ready or not; NULL where there is none. */
static struct lab_slot *pop_single(struct lab_owner *owner)
{
	struct lab_slot *slot;

	lab_single_enter(&owner->front);
	slot = owner->front.top[-1].slot;
	if (slot == &lab_no_slot)
		slot = NULL;
	else
		owner->front.top--;
	lab_single_leave(&owner->front);
	return slot;
}

static struct lab_frame *frame_of(const struct lab_slot *slot)
{
	return lab_frame_of_tag(READ_ONCE(slot->tag));
}

static bool push_single(struct lab_owner *owner, struct lab_slot *slot)
{
	bool room;

	lab_single_enter(&owner->front);
	room = !lab_single_is_full(&owner->front);
	if (room)
		lab_single_push(&owner->front, slot, frame_of(slot));
	lab_single_leave(&owner->front);
	return room;
}

/* Context: That of @cache's changes, or nobody else uses it. */
static struct lab_slot *pop_cache(struct lab_cpu_cache *cache)
{
	struct lab_slot *slot = NULL;

	if (!lab_cpu_cache_enter(cache))
		return NULL;
	if (lab_cpu_cache_count(cache)) {
		slot = cache->top[-1].slot;
		WRITE_ONCE(cache->top, cache->top - 1);
	}
	lab_cpu_cache_leave(cache);
	return slot;
}

/*
 * The next page of the cache, ready or not. NULL also where the call that this one
 * interrupted is at it.
 * Context: Any; preemption disabled, and of a SINGLE owner its one user.
 */
static struct lab_slot *cache_pop(struct lab_owner *owner)
{
	return lab_owner_is_single(owner) ? pop_single(owner) :
					    pop_cache(this_cpu_ptr(owner->front.cpu_cache));
}

static bool cache_push(struct lab_owner *owner, struct lab_slot *slot)
{
	if (lab_owner_is_single(owner))
		return push_single(owner, slot);
	return lab_cache_push_cpu(this_cpu_ptr(owner->front.cpu_cache),
				  (struct lab_cached) { slot, frame_of(slot) });
}

/*
 * Puts a CACHED page that is on no list into the cache. Where that is full, another page
 * goes to the reserve's list instead; where the call that this one interrupted is at the
 * cache, this page does. From there cached pages are taken when the cache is empty.
 * Context: Any; preemption disabled, and of a SINGLE owner its one user.
 */
void lab_cache_push(struct lab_owner *owner, struct lab_slot *slot)
{
	struct lab_slot *other;

	if (cache_push(owner, slot))
		return;
	other = cache_pop(owner);
	if (other)
		reserve_push(owner, other);
	if (!other || !cache_push(owner, slot))
		reserve_push(owner, slot);
}

/* Context: Any; preemption disabled. */
bool lab_cache_is_over(struct lab_owner *owner)
{
	if (lab_owner_is_single(owner))
		return lab_single_count(&owner->front) >= LAB_SINGLE_MAX;
	return lab_cpu_cache_count(this_cpu_ptr(owner->front.cpu_cache)) >= LAB_CACHE_MAX;
}

/*
 * A CACHED page that is ready to be handed out, on no list any more; NULL if none is
 * kept but the reserve.
 * Context: Any; preemption disabled, and of a SINGLE owner its one user.
 */
struct lab_slot *lab_cache_take(struct lab_owner *owner, unsigned long ip)
{
	struct lab_slot *slot;

	do {
		slot = cache_pop(owner) ?: pop_excess(owner);
	} while (slot && !lab_vet(owner, slot, ip));
	return slot;
}

/* Likewise from the reserve. Context: Any. */
struct lab_slot *lab_reserve_take(struct lab_owner *owner, unsigned long ip)
{
	struct lab_slot *slot;

	do {
		slot = reserve_pop(owner);
	} while (slot && !lab_vet(owner, slot, ip));
	return slot;
}

/*
 * Moves up to @most pages of this CPU's cache, or the SINGLE one, to the reserve's list.
 * Context: Any; preemption disabled, the owner alive.
 */
static void move_to_reserve(struct lab_owner *owner, unsigned int most)
{
	struct lab_slot *slot;

	while (most-- && (slot = cache_pop(owner)))
		reserve_push(owner, slot);
}

/* Context: Any; preemption disabled, the owner alive. */
static void spill(struct lab_owner *owner)
{
	move_to_reserve(owner, LAB_BATCH);
	irq_work_queue(&owner->kick);
}

/*
 * Takes one batch off a cache that is full: back to the allocator or, where that may not
 * be used or the pages are sealed, to where the worker finds it.
 * Context: Any; preemption as the API's caller had it.
 */
void lab_cache_trim(struct lab_owner *owner,
		    const struct labyrinth_owner *handle)
{
	struct lab_batch batch = { .fail = LAB_FAIL_MEMORY };
	bool give_back = lab_may_lock() && !lab_owner_is_sealed(owner);

	preempt_disable();
	if (lab_owner_is(owner, handle) && lab_cache_is_over(owner)) {
		if (give_back)
			take_out(owner, &batch, cache_pop, LAB_BATCH);
		else
			spill(owner);
	}
	preempt_enable();
	lab_batch_give_back(&batch);
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

/* Tags @page, which is sealed, and puts it on the reserve's list, or gives it back. */
static int enter_sealed(struct lab_owner *owner, struct page *page)
{
	struct lab_slot *slot;
	enum entry entry = enter(owner, page, false, &slot);

	if (entry == TAGGED) {
		lab_owner_account(owner, 1);
		reserve_push(owner, slot);
		return 0;
	}
	if (entry != STOLEN)
		lab_seal_put(page);
	if (entry != NO_ROOM)
		return -EAGAIN;
	lab_report_full();
	return -ENOSPC;
}

/* As reserve_fill(), of an owner whose pages are sealed. */
static int fill_sealed(struct lab_owner *owner)
{
	struct page *pages[LAB_BATCH];
	int err = 0, want, i, nr;

	while (!err && (want = reserve_wanted(owner) - atomic_read(&owner->reserve_held)) > 0) {
		nr = lab_seal_get(owner->nid, pages, min_t(unsigned int, want, LAB_BATCH), want);
		if (nr < 0)
			return nr;
		for (i = 0; i < nr; i++)
			err = enter_sealed(owner, pages[i]) ?: err;
		cond_resched();
	}
	/* Somebody looks at a page just now: there are others, and another time. */
	return err == -EAGAIN ? -ENOMEM : err;
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
	unsigned int unwanted = 0;
	struct lab_slot *slot;

	if (lab_owner_is_sealed(owner))
		return fill_sealed(owner);
	while (atomic_read(&owner->reserve_held) < reserve_wanted(owner)) {
		struct page *page = alloc_pages_node(owner->nid,
						     near_gfp(owner, gfp), 0);
		enum entry entry;

		if (!page)
			return -ENOMEM;
		entry = enter(owner, page, false, &slot);
		if (entry == NO_ROOM || entry == NOT_WANTED)
			__free_page(page);
		if (entry == NO_ROOM) {
			lab_report_full();
			return -ENOSPC;
		}
		/* Somebody looks at it just now: there are other pages. */
		if (entry == NOT_WANTED && ++unwanted > LAB_BATCH)
			return -ENOMEM;
		if (entry == TAGGED) {
			lab_owner_account(owner, 1);
			reserve_push(owner, slot);
		}
		cond_resched();
	}
	return 0;
}

static void give_back_sealed(struct lab_batch *batch)
{
	while (batch->nr)
		lab_seal_put(batch->pages[--batch->nr]);
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
		if (lab_owner_is_sealed(owner))
			give_back_sealed(&batch);
		else
			lab_batch_give_back(&batch);
		cond_resched();
	} while (nr);
	return given;
}

/*
 * How many pages the system could have back. To unseal one takes a lock under which memory is
 * allocated, so sealed pages are given back by their worker alone.
 * Context: Task; the owner stays.
 */
unsigned int lab_cache_shrinkable(const struct lab_owner *owner)
{
	unsigned int count = reserve_excess(owner);
	int cpu;

	if (lab_owner_is_sealed(owner))
		return 0;
	if (lab_owner_is_single(owner))
		return count;
	for_each_possible_cpu(cpu)
		count += lab_cpu_cache_count(per_cpu_ptr(owner->front.cpu_cache, cpu));
	return count;
}

/*
 * Moves this CPU's cache to the reserve's list.
 * Context: Interrupt from the shrinker, the owner alive.
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
	struct lab_slot *slot;

	if (lab_owner_is_single(owner))
		return;
	while ((slot = pop_cache(per_cpu_ptr(owner->front.cpu_cache, cpu))))
		reserve_push(owner, slot);
}

static void refill_work(struct work_struct *work)
{
	struct lab_owner *owner = container_of(to_delayed_work(work),
					       struct lab_owner, refill);

	/*
	 * Nobody kicks when there are pages again: the owner may well live on
	 * the pages that it frees, until memory is out once more.
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

/* What stands at the bottom of each stack. */
static struct lab_cached no_page(void)
{
	return (struct lab_cached) { &lab_no_slot, frame_of(&lab_no_slot) };
}

static int make_stack(struct lab_owner *owner)
{
	struct lab_stack *stack = kmalloc(sizeof(*stack), GFP_KERNEL);

	if (!stack)
		return -ENOMEM;
	stack->pages[0] = no_page();
	owner->front.top = &stack->pages[1];
	return 0;
}

static void free_stack(struct lab_owner *owner)
{
	/* Empty: the top is right behind the first entry. */
	kfree(owner->front.top - 1);
	owner->front.top = NULL;
}

static int make_cpu_caches(struct lab_owner *owner)
{
	struct lab_cpu_cache *cache;
	int cpu;

	owner->front.cpu_cache = alloc_percpu(struct lab_cpu_cache);
	if (!owner->front.cpu_cache)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		cache = per_cpu_ptr(owner->front.cpu_cache, cpu);
		cache->pages[0] = no_page();
		cache->top = cache->pages + 1;
	}
	return 0;
}

/*
 * Readies @owner's lists, empty, and fills its reserve.
 * Context: Task; may sleep. Return: 0, -ENOMEM, -ENOSPC.
 */
int lab_cache_init(struct lab_owner *owner)
{
	int err;

	owner->starved = false;
	init_irq_work(&owner->kick, kick_work);
	INIT_DELAYED_WORK(&owner->refill, refill_work);
	if (owner->reserve_target > labyrinth_hot.table.capacity)
		return -ENOSPC;
	err = lab_owner_is_single(owner) ? make_stack(owner) : make_cpu_caches(owner);
	if (err)
		return err;
	err = reserve_fill(owner);
	if (err)
		lab_cache_exit(owner);
	return err;
}

static void drain(struct lab_owner *owner,
		  struct lab_slot *(*pop)(struct lab_owner *owner))
{
	struct lab_slot *slot;

	while ((slot = pop(owner))) {
		lab_settle(owner, slot);
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
		drain(owner, pop_single);
	for_each_possible_cpu(cpu)
		lab_cache_gather_cpu(owner, cpu);
	drain(owner, reserve_pop);
	if (lab_owner_is_single(owner))
		free_stack(owner);
	else
		free_percpu(owner->front.cpu_cache);
	owner->front.cpu_cache = NULL;
}
