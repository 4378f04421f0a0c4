// SPDX-License-Identifier: GPL-2.0-only
/*
 * How caches and reserve take pages from the page allocator, and give pages back. The state
 * owned here is the lists in struct lab_owner, from refill to drain.
 *
 * Where memory may be asked for: the page allocator takes spinlocks, so not in an NMI; on
 * PREEMPT_RT those locks sleep, so only with preemption enabled. In all other contexts the
 * pages in caches and reserve must do: an empty cache is not refilled there, and a full cache
 * spills into the reserve's list. Later a worker, which may sleep, brings the reserve back to
 * its target, up or down.
 *
 * Against destroy: the allocator is asked with preemption as the caller had it, so the owner
 * may be gone when the pages arrive. So pages are put into a cache with preemption disabled,
 * after a check that the handle still lives. Destroy first takes the handle back, then waits
 * until every such section is over, and only then drains the caches.
 *
 * The caches are arrays of slots, so a free or a hand-out touches no link. The reserve, which
 * any CPU may use at any moment, is a lock-free list.
 */
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "core/context.h"
#include "core/param.h"
#include "core/table.h"
#include "page/cache.h"
#include "page/depot.h"
#include "page/hunt.h"
#include "page/limbo.h"
#include "page/poison.h"
#include "page/resident.h"
#include "page/seal.h"
#include "report/report.h"
#include "report/trace.h"

/*
 * How many pages may wait on the reserve's list, above its target, for the worker to give back.
 * A free that finds more gives pages back itself.
 */
#define SPILL_MAX	256U

/*
 * How many pages an owner may keep ahead, so that no allocation has to ask the page allocator.
 * Parameter ahead. No more than AHEAD_MAX, so that the sum in reserve_wanted() fits an int.
 */
#define AHEAD_MAX	65536U

static int ahead_most;
module_param_cb(ahead, &lab_count_ops, &ahead_most, 0644);
MODULE_PARM_DESC(ahead,
		 "Pages that a worker keeps ready for each owner that needs them, at most (default 0: none)");

/*
 * How many pages an owner keeps ready beside the reserve, in all caches and the depot together.
 * Parameter cached_max; read when an owner comes. A cache takes CACHE_LEAST pages at the least.
 */
#define CACHE_LEAST	40U

static int cached_max = 4096;
module_param_cb(cached_max, &lab_count_ops, &cached_max, 0644);
MODULE_PARM_DESC(cached_max,
		 "Pages that each new owner keeps ready beside its reserve, at most, but for 40 a CPU (default 4096)");

/* A half is for the caches, a half for the depot. */
static unsigned int cpu_cache_max(void)
{
	return clamp(READ_ONCE(cached_max) / 2 / num_possible_cpus(), CACHE_LEAST,
		     LAB_CACHE_MAX);
}

static unsigned int depot_boxes(void)
{
	return clamp(READ_ONCE(cached_max) / 2 / LAB_BOX_PAGES, 1U, LAB_DEPOT_BOXES);
}

/* The time after which a refill of the reserve that failed is tried again. */
#define REFILL_RETRY	(HZ / 10)

/* What an owner has beside the caches, as long as the owner lives. */
struct lab_stock {
	struct lab_owner *owner;
	struct lab_depot *depot;	/* NULL until a CPU's cache has been full */
	unsigned int base;		/* SINGLE: entries of the stack that are not used */
	unsigned int ahead;		/* pages to keep ready on the reserve's list, beside
					 * the reserve
					 */
	bool wanted;			/* SINGLE: the shrinker wants the cache's pages; set
					 * under owners_lock
					 */
	struct irq_work kick;		/* from anywhere: schedule @refill */
	struct delayed_work refill;	/* fills the reserve, where sleeping is allowed */
	struct rcu_head rcu;
};

static gfp_t owner_gfp(const struct lab_owner *owner, gfp_t gfp)
{
	return owner->front.flags & LABYRINTH_OWNER_ZERO ? gfp | __GFP_ZERO :
							   gfp;
}

struct lab_slot lab_no_slot;

/*
 * How many references a former user may hold by right on a page that was stolen in @state: a
 * borrower may still have to drop a reference.
 */
static int others_refs(enum lab_state state)
{
	return state == LAB_LENT || state == LAB_LIMBO;
}

/*
 * The page allocator handed out a page that is tagged: a foreigner had freed the page again and
 * again, until the allocator had the page. The page is out of the allocator's hands now. Makes
 * the page the owner's again, with all of Labyrinth's references. A page that may be lent gets
 * a further reference, since the borrower's may be among the dropped references or not.
 */
static void restore_stolen(struct lab_owner *owner, struct lab_frame *frame,
			   struct lab_slot *slot, lab_tag_t tag)
{
	enum lab_state state = lab_tag_state(tag);
	/* May fail: a call of the owner's may be putting back missing references. */
	int refs = lab_frame_freeze(frame, 1) ? 0 : 1;

	lab_frame_enter(frame);
	if (state == LAB_LENT)
		lab_frame_clear_type(frame);
	/* Of a CACHED page, the note of the content: somebody else had the page. */
	cmpxchg(&slot->when, LAB_CONTENT_ZEROES, LAB_CONTENT_ANY);
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE + others_refs(state) - refs);
	lab_hunt_forget(slot);
	lab_report_corrupt(LAB_OP_REFILL, owner, slot, tag, _RET_IP_);
}

enum entry {
	TAGGED,
	NO_ROOM,		/* the table is full */
	NOT_WANTED,		/* somebody refers to the page, or the page is not to be cached,
				 * or cannot be mapped
				 */
	STOLEN,
	NO_MEMORY		/* there is no page */
};

/*
 * Notes the page's content: zeroes if the page allocator was asked for zeroes. A sealed page's
 * content is never known.
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

/* The marks of a page that is just out of the page allocator. */
static lab_tag_t marks_of(const struct lab_owner *owner, const struct page *page)
{
	return (page_is_pfmemalloc(page) ? LAB_TAG_EMERGENCY : 0) |
	       (lab_owner_is_near(owner, page) ? 0 : LAB_TAG_REMOTE);
}

/* Tags the frozen @frame's page, mapped as @dma says. */
static struct lab_slot *tag_frozen(struct lab_owner *owner, struct lab_frame *frame,
				   lab_tag_t tag, u64 dma)
{
	struct lab_slot *slot = lab_table_insert(&labyrinth_hot.table, tag);

	if (slot) {
		lab_frame_enter(frame);
		WRITE_ONCE(slot->site, 0);
		WRITE_ONCE(slot->last, 0);
		note_content(owner, slot);
		if (lab_owner_is_dma(owner))
			lab_resident_enter(slot, frame, dma);
	}
	lab_frame_thaw(frame, slot ? LAB_REFS_EXCLUSIVE : 1);
	if (slot)
		lab_owner_gain(owner, slot);
	return slot;
}

/* Whether the page is mapped, if it has to be. */
static bool is_mapped_enough(const struct lab_owner *owner, u64 dma)
{
	return !lab_owner_is_dma(owner) || !(dma & LAB_DMA_GONE);
}

/*
 * Tags @page, which is just out of the page allocator, and mapped as @dma says. A page that
 * passes through (R or E, see inline/tag.h) is wanted only as the @first, which is handed out at
 * once.
 */
static enum entry tag_fresh_page(struct lab_owner *owner, struct page *page, u64 dma,
				 bool first, struct lab_slot **slot)
{
	unsigned long pfn = page_to_pfn(page);
	struct lab_frame *frame = lab_frame(page);
	lab_tag_t tag, marks = marks_of(owner, page);

	*slot = lab_table_search(&labyrinth_hot.table, pfn, &tag);
	if (unlikely(*slot)) {
		restore_stolen(owner, frame, *slot, tag);
		return STOLEN;
	}
	if (!lab_pfn_fits(pfn) || (marks && !first) || !is_mapped_enough(owner, dma) ||
	    !lab_frame_freeze(frame, 1))
		return NOT_WANTED;
	tag = lab_tag_make(pfn, lab_owner_id(owner), LAB_CACHED) | marks;
	*slot = tag_frozen(owner, frame, tag, dma);
	if (!*slot)
		return NO_ROOM;
	lab_step_cached(LAB_OP_REFILL, pfn, owner, _RET_IP_);
	return TAGGED;
}

/* Only pages of the owner's node go into a cache. */
static gfp_t near_gfp(const struct lab_owner *owner, gfp_t gfp)
{
	return owner->nid == NUMA_NO_NODE ? gfp : gfp | __GFP_THISNODE;
}

/*
 * The owner's node has no page left, so takes a page of another node. That page is handed out,
 * and goes back to the system when freed.
 */
static void get_remote(struct lab_batch *batch, struct lab_owner *owner,
		       gfp_t gfp)
{
	batch->pages[0] = alloc_pages_node(owner->nid, gfp, 0);
	batch->nr = !!batch->pages[0];
}

static void map_batch(struct lab_batch *batch, const struct lab_owner *owner)
{
	unsigned int i;

	batch->mapped = owner;
	for (i = 0; i < batch->nr; i++)
		batch->dma[i] = lab_resident_map(owner, batch->pages[i]);
}

/*
 * Asks the page allocator for a batch.
 * Context: Any; preemption as the API's caller had it, RCU keeps the owner.
 */
void lab_batch_get(struct lab_batch *batch, struct lab_owner *owner)
{
	gfp_t gfp = owner_gfp(owner, GFP_ATOMIC | __GFP_NOWARN);

	lab_batch_begin(batch, LAB_FAIL_CONTEXT);
	/* Bulk allocation fills empty entries. */
	memset(batch->pages, 0, sizeof(batch->pages));
	if (!lab_may_lock())
		return;
	batch->fail = LAB_FAIL_SEALED;
	if (lab_owner_is_sealed(owner))
		return;
	batch->fail = LAB_FAIL_MEMORY;
	batch->nr = lab_alloc_pages_bulk_node(near_gfp(owner, gfp), owner->nid,
					      LAB_BATCH, batch->pages);
	if (!batch->nr && owner->nid != NUMA_NO_NODE)
		get_remote(batch, owner, gfp);
	if (lab_owner_is_dma(owner))
		map_batch(batch, owner);
}

/* Leaves entry @i, with no page if it was @stolen, for lab_batch_give_back(). */
static void leave_in_batch(struct lab_batch *batch, unsigned int i, bool stolen,
			   unsigned int *left)
{
	if (stolen && !batch->mapped)
		return;
	batch->pages[*left] = stolen ? NULL : batch->pages[i];
	if (batch->mapped)
		batch->dma[*left] = batch->dma[i];
	(*left)++;
}

/*
 * Tags the pages in @batch. The first page is on no list, the rest go into the cache. Pages
 * that cannot be taken stay in @batch, for lab_batch_give_back().
 * Context: Any; preemption disabled, the owner alive.
 * Return: the slot of the first page, or NULL.
 */
struct lab_slot *lab_batch_put_in(struct lab_batch *batch,
				  struct lab_owner *owner)
{
	struct lab_slot *first = NULL, *slot;
	unsigned int i, in = 0, left = 0;

	for (i = 0; i < batch->nr; i++) {
		u64 dma = batch->mapped ? batch->dma[i] : LAB_DMA_NONE;
		enum entry entry = tag_fresh_page(owner, batch->pages[i], dma, !first, &slot);

		if (entry == NO_ROOM)
			batch->fail = LAB_FAIL_TABLE;
		if (entry != TAGGED) {
			leave_in_batch(batch, i, entry == STOLEN, &left);
			continue;
		}
		in++;
		if (first)
			lab_cache_push(owner, slot);
		else
			first = slot;
	}
	batch->nr = left;
	lab_step_batch(LAB_OP_REFILL, in, owner, _RET_IP_);
	return first;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_batch_put_in);

/* Ends the mappings, and drops the entries without a page. */
static noinline void unmap_batch(struct lab_batch *batch)
{
	unsigned int i, left = 0;

	for (i = 0; i < batch->nr; i++) {
		lab_resident_unmap(batch->mapped, batch->dma[i]);
		if (batch->pages[i])
			batch->pages[left++] = batch->pages[i];
	}
	batch->nr = left;
}

/*
 * Gives the pages in @batch to the page allocator.
 * Context: Any that may use the allocator; preemption as the API's caller had it.
 */
void lab_batch_give_back(struct lab_batch *batch)
{
	if (unlikely(batch->fail == LAB_FAIL_TABLE))
		lab_report_full();
	if (unlikely(batch->mapped))
		unmap_batch(batch);
	while (batch->nr)
		__free_page(batch->pages[--batch->nr]);
}

/* Takes up to @most pages by @pop out of Labyrinth, into @batch. */
static void take_out_batch(struct lab_owner *owner, struct lab_batch *batch,
			   struct lab_slot *(*pop)(struct lab_owner *owner),
			   unsigned int most)
{
	struct lab_slot *slot;
	struct page *page;

	while (most-- && (slot = pop(owner))) {
		page = lab_leave(owner, slot, _THIS_IP_);
		if (page)
			batch->pages[batch->nr++] = page;
	}
	lab_step_batch(LAB_OP_RETURN, batch->nr, owner, _THIS_IP_);
}

static void reserve_push(struct lab_owner *owner, struct lab_slot *slot)
{
	lab_list_push(&owner->reserve, slot);
	atomic_inc(&owner->reserve_held);
}

/* Disables preemption, as core/list.h wants. */
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

/* How many pages on the reserve's list are for when the page allocator has none: fits an int. */
static int reserve_floor(const struct lab_owner *owner)
{
	return owner->reserve_target +
	       (READ_ONCE(owner->starved) ? LAB_BATCH : 0);
}

/* How many pages the worker is to keep on the reserve's list: fits an int. */
static int reserve_wanted(const struct lab_owner *owner)
{
	return reserve_floor(owner) + READ_ONCE(owner->stock->ahead);
}

static unsigned int reserve_excess(const struct lab_owner *owner)
{
	int excess = atomic_read(&owner->reserve_held) - reserve_wanted(owner);

	return max(excess, 0);
}

/*
 * Pops a page if the reserve has more than @keep. The count goes down before the pop: when two
 * such calls race, or a call and an allocation, no page is popped that should stay.
 */
static struct lab_slot *pop_above(struct lab_owner *owner, int keep)
{
	int held = atomic_read(&owner->reserve_held);
	struct lab_slot *slot;

	do {
		if (held <= keep)
			return NULL;
	} while (!atomic_try_cmpxchg(&owner->reserve_held, &held, held - 1));
	slot = pop_from_reserve(owner);
	if (!slot)
		atomic_inc(&owner->reserve_held);
	return slot;
}

static struct lab_slot *pop_excess(struct lab_owner *owner)
{
	return pop_above(owner, reserve_wanted(owner));
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

/* Context: As for changes of @cache, or no other code uses @cache. */
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
 * Pops the next page of the cache, ready or not. NULL if the cache is empty, or the interrupted
 * call uses the cache.
 * Context: Any; preemption disabled, and of a SINGLE owner the one user.
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

/* Of an owner that any CPU may use; NULL if there is none yet. */
static struct lab_depot *depot_of(const struct lab_owner *owner)
{
	/* Pairs with make_depot(): the depot is ready to be used. */
	return smp_load_acquire(&owner->stock->depot);
}

/*
 * Moves a box of pages from the top of this CPU's cache to the depot.
 * Context: Any; preemption disabled, the owner alive. Return: whether there is room now.
 */
static bool stow(struct lab_owner *owner)
{
	struct lab_depot *depot = depot_of(owner);
	struct lab_cpu_cache *cache;
	struct lab_cached *from;
	bool stowed = false;

	if (!depot)
		return false;
	cache = this_cpu_ptr(owner->front.cpu_cache);
	if (!lab_cpu_cache_enter(cache))
		return false;
	from = cache->top - LAB_BOX_PAGES;
	if (lab_cpu_cache_count(cache) >= LAB_BOX_PAGES)
		stowed = lab_depot_put(depot, from);
	if (stowed)
		WRITE_ONCE(cache->top, from);
	lab_cpu_cache_leave(cache);
	return stowed;
}

/*
 * Moves a box of pages from the depot to this CPU's cache, which is empty or nearly.
 * Context: Any; preemption disabled, the owner alive. Return: whether there are pages now.
 */
static bool restock(struct lab_owner *owner)
{
	struct lab_depot *depot = depot_of(owner);
	struct lab_cpu_cache *cache;
	bool restocked = false;

	if (!depot)
		return false;
	cache = this_cpu_ptr(owner->front.cpu_cache);
	if (!lab_cpu_cache_enter(cache))
		return false;
	if (lab_cpu_cache_room(cache) >= LAB_BOX_PAGES)
		restocked = lab_depot_take(depot, cache->top);
	if (restocked)
		WRITE_ONCE(cache->top, cache->top + LAB_BOX_PAGES);
	lab_cpu_cache_leave(cache);
	return restocked;
}

/*
 * Moves up to @most pages of this CPU's cache, or of the SINGLE owner's, to the reserve's list.
 * Context: Any; preemption disabled, the owner alive.
 */
static void move_to_reserve(struct lab_owner *owner, unsigned int most)
{
	struct lab_slot *slot;

	while (most-- && (slot = cache_pop(owner)))
		reserve_push(owner, slot);
}

/* How many pages the SINGLE owner's cache holds: a look. */
static unsigned int single_count(const struct lab_owner *owner)
{
	return lab_single_count(&owner->front) - owner->stock->base;
}

/* The worker is to look at @owner. Context: Any. */
static void kick(struct lab_owner *owner)
{
	irq_work_queue(&owner->stock->kick);
}

/*
 * The shrinker wants the pages of a SINGLE owner's cache, and the owner's user is here: a batch
 * of them at each call, until the cache is empty. The worker gives the pages back, and lets the
 * user take the fast path again.
 * Context: Any; the owner's one user.
 */
static void serve_shrinker(struct lab_owner *owner)
{
	move_to_reserve(owner, LAB_BATCH);
	if (single_count(owner))
		return;
	WRITE_ONCE(owner->stock->wanted, false);
	kick(owner);
}

/*
 * For a call that neither takes a page from the cache nor puts one in: the shrinker's wish would
 * wait, and keep the owner's user off the fast path, as long as no other call comes.
 * Context: Any; the owner alive, and of a SINGLE owner the caller is the one user.
 */
void lab_cache_serve(struct lab_owner *owner)
{
	if (likely(!READ_ONCE(owner->stock->wanted)))
		return;
	preempt_disable();
	serve_shrinker(owner);
	preempt_enable();
}

/*
 * Puts a CACHED page that is on no list into the cache. If the cache is full, a box of pages
 * moves to the depot; if the depot is full as well, a page moves to the reserve's list. If the
 * interrupted call uses the cache, @slot's page goes to the reserve's list. Allocations take
 * pages above the target from there when the cache is empty.
 * Context: Any; preemption disabled, and of a SINGLE owner the one user.
 */
void lab_cache_push(struct lab_owner *owner, struct lab_slot *slot)
{
	struct lab_slot *other;

	if (unlikely(READ_ONCE(owner->stock->wanted)))
		serve_shrinker(owner);
	if (cache_push(owner, slot) || (stow(owner) && cache_push(owner, slot)))
		return;
	other = cache_pop(owner);
	if (other)
		reserve_push(owner, other);
	if (!other || !cache_push(owner, slot))
		reserve_push(owner, slot);
}

/* Moves a batch of the pages kept ahead from the reserve's list to the cache. */
static bool restock_ahead(struct lab_owner *owner)
{
	int floor = reserve_floor(owner);
	struct lab_slot *slot = NULL;
	unsigned int nr = 0;

	while (nr < LAB_BATCH && (slot = pop_above(owner, floor))) {
		if (!cache_push(owner, slot)) {
			reserve_push(owner, slot);
			break;
		}
		nr++;
	}
	/* Half of what is to be ahead has gone. */
	if (atomic_read(&owner->reserve_held) - floor < (int)READ_ONCE(owner->stock->ahead) / 2)
		kick(owner);
	return nr;
}

/*
 * An allocation had to ask the page allocator: has the worker keep more pages ahead.
 * Context: Any; preemption disabled, the owner alive.
 */
void lab_cache_missed(struct lab_owner *owner)
{
	unsigned int ahead = READ_ONCE(owner->stock->ahead);
	unsigned int most = min_t(unsigned int, READ_ONCE(ahead_most), AHEAD_MAX);

	if (ahead == most || lab_owner_is_sealed(owner))
		return;
	WRITE_ONCE(owner->stock->ahead, min(max(2 * ahead, LAB_BATCH), most));
	kick(owner);
}

/* Context: Any; preemption disabled. */
bool lab_cache_is_over(struct lab_owner *owner)
{
	if (lab_owner_is_single(owner))
		return lab_single_is_full(&owner->front);
	return !lab_cpu_cache_room(this_cpu_ptr(owner->front.cpu_cache));
}

/*
 * Takes a CACHED page that may be handed out off its list. NULL if there is no such page but
 * the reserve's.
 * Context: Any; preemption disabled, and of a SINGLE owner the one user.
 */
struct lab_slot *lab_cache_take(struct lab_owner *owner, unsigned long ip)
{
	struct lab_slot *slot;

	if (unlikely(READ_ONCE(owner->stock->wanted)))
		serve_shrinker(owner);
	do {
		slot = cache_pop(owner);
		if (!slot && (restock(owner) || restock_ahead(owner)))
			slot = cache_pop(owner);
		/* The interrupted call uses the cache. */
		slot = slot ?: pop_above(owner, reserve_floor(owner));
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
 * Puts a CACHED page that is on no list on the reserve's list. If much more is there than
 * allocations take soon, the worker gives the excess back to the system.
 * Context: Any; the owner not drained yet by lab_cache_exit().
 */
void lab_reserve_put(struct lab_owner *owner, struct lab_slot *slot)
{
	reserve_push(owner, slot);
	if (reserve_excess(owner) > LAB_CACHE_MAX)
		kick(owner);
}

/* Context: Any; preemption disabled, the owner alive. */
static void spill_cache(struct lab_owner *owner)
{
	move_to_reserve(owner, LAB_BATCH);
	kick(owner);
}

/*
 * Takes pages off a full cache: to the depot or, if the depot is full, to the reserve's list, for
 * the worker to give back. Where many pages wait for the worker, a batch goes back to the page
 * allocator at once, if the context may use the allocator.
 * Context: Any; preemption as the API's caller had it.
 */
void lab_cache_trim(struct lab_owner *owner,
		    const struct labyrinth_owner *handle)
{
	struct lab_batch batch;
	bool give_back = lab_may_lock() && !lab_owner_leaves_late(owner);

	lab_batch_begin(&batch, LAB_FAIL_MEMORY);
	preempt_disable();
	if (lab_owner_is(owner, handle) && lab_cache_is_over(owner) && !stow(owner)) {
		if (give_back && reserve_excess(owner) >= SPILL_MAX)
			take_out_batch(owner, &batch, cache_pop, LAB_BATCH);
		else
			spill_cache(owner);
	}
	preempt_enable();
	lab_batch_give_back(&batch);
}

/*
 * The reserve was asked for a page after @fail: has the worker refill the reserve. An owner
 * that once found no page where the allocator may not be asked gets a batch beside the reserve
 * from then on.
 * Context: Any.
 */
void lab_reserve_kick(struct lab_owner *owner, enum lab_fail fail)
{
	if (fail == LAB_FAIL_CONTEXT && !READ_ONCE(owner->starved))
		WRITE_ONCE(owner->starved, true);
	if (atomic_read(&owner->reserve_held) < reserve_wanted(owner))
		kick(owner);
}

/* Tags the sealed @page for the reserve's list, or gives @page back by lab_seal_put(). */
static int enter_sealed(struct lab_owner *owner, struct page *page)
{
	struct lab_slot *slot;
	enum entry entry = tag_fresh_page(owner, page, LAB_DMA_NONE, false, &slot);

	if (entry == TAGGED) {
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

/* Fills the reserve of a sealed owner. Context and Return: as reserve_fill(). */
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
	/* -EAGAIN: a page could not be tagged for now. The next call asks for another page. */
	return err == -EAGAIN ? -ENOMEM : err;
}

/* A page for the reserve's list, mapped if need be, or NULL. @effort: GFP flags. */
static struct page *get_reserve_page(struct lab_owner *owner, gfp_t effort, u64 *dma)
{
	gfp_t gfp = owner_gfp(owner, GFP_KERNEL | __GFP_NOWARN | effort);
	struct page *page = alloc_pages_node(owner->nid, near_gfp(owner, gfp), 0);

	*dma = page ? lab_resident_map(owner, page) : LAB_DMA_NONE;
	return page;
}

/* Puts one more page on the reserve's list. */
static enum entry add_to_reserve(struct lab_owner *owner, gfp_t effort)
{
	struct lab_slot *slot;
	enum entry entry;
	u64 dma;
	struct page *page = get_reserve_page(owner, effort, &dma);

	if (!page)
		return NO_MEMORY;
	entry = tag_fresh_page(owner, page, dma, false, &slot);
	if (entry == TAGGED) {
		reserve_push(owner, slot);
		return entry;
	}
	lab_resident_unmap(owner, dma);
	if (entry != STOLEN)
		__free_page(page);
	return entry;
}

/* Fills the reserve's list up to @wanted pages. Context and Return: as reserve_fill(). */
static int list_fill(struct lab_owner *owner, int wanted, gfp_t effort)
{
	unsigned int unwanted = 0;

	while (atomic_read(&owner->reserve_held) < wanted) {
		enum entry entry = add_to_reserve(owner, effort);

		if (entry == NO_MEMORY)
			return -ENOMEM;
		if (entry == NO_ROOM) {
			lab_report_full();
			return -ENOSPC;
		}
		/* Somebody refers to the page just now: there are other pages. */
		if (entry == NOT_WANTED && ++unwanted > LAB_BATCH)
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* Moves the pages of the depot to the reserve's list. Context: Task; the owner stays. */
static void empty_depot(struct lab_owner *owner)
{
	struct lab_cached pages[LAB_BOX_PAGES];
	struct lab_depot *depot = depot_of(owner);
	unsigned int i;

	while (depot && lab_depot_take(depot, pages))
		for (i = 0; i < LAB_BOX_PAGES; i++)
			reserve_push(owner, pages[i].slot);
}

/*
 * Of an owner that is not sealed. The reserve is worth a wait, but not another process's life;
 * pages ahead are worth no effort, and no word where there are none.
 */
static int fill_ordinary(struct lab_owner *owner)
{
	int err = list_fill(owner, reserve_floor(owner), __GFP_RETRY_MAYFAIL);

	if (!err)
		list_fill(owner, reserve_wanted(owner), __GFP_NORETRY);
	return err;
}

/*
 * Fills the reserve up to the target.
 * Context: Task; may sleep. Return: 0, -ENOMEM, or -ENOSPC where the table is full.
 */
static int reserve_fill(struct lab_owner *owner)
{
	int before = atomic_read(&owner->reserve_held);
	int err = lab_owner_is_sealed(owner) ? fill_sealed(owner) : fill_ordinary(owner);
	int more = atomic_read(&owner->reserve_held) - before;

	/* Pages may be taken meanwhile. */
	lab_step_batch(LAB_OP_REFILL, max(more, 0), owner, _RET_IP_);
	return err;
}

static void give_back_sealed(struct lab_batch *batch)
{
	while (batch->nr)
		lab_seal_put(batch->pages[--batch->nr]);
}

/*
 * Gives the pages that the reserve has above the target back to the system.
 * Context: Task; may sleep. Return: how many pages.
 */
unsigned int lab_cache_give_back(struct lab_owner *owner)
{
	unsigned int given = 0, nr;

	do {
		struct lab_batch batch;

		lab_batch_begin(&batch, LAB_FAIL_MEMORY);
		take_out_batch(owner, &batch, pop_excess, LAB_BATCH);
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
 * Gives the pages that the reserve has above the target, those ahead, and the depot's, back to
 * the system. The pages of a SINGLE owner's cache come later, when the owner's user has moved
 * them to the reserve's list: see serve_shrinker().
 * Context: Within lab_owners_try_some(). Return: how many pages.
 */
unsigned int lab_cache_shrink(struct lab_owner *owner)
{
	WRITE_ONCE(owner->stock->ahead, 0);
	empty_depot(owner);
	if (lab_owner_is_single(owner) && single_count(owner)) {
		lab_owner_slow_down(owner);
		/*
		 * Pairs with irq_work_queue() in kick(): the worker, which that call may
		 * wake at once, finds the owner slow.
		 */
		smp_store_release(&owner->stock->wanted, true);
	}
	return lab_cache_give_back(owner);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_cache_shrink);

/*
 * How many pages the system could have back. Of a sealed owner none: the shrinker must not
 * take seal_lock, under which memory is allocated. The owner's worker gives sealed pages back.
 * Context: Task; the owner stays.
 */
unsigned int lab_cache_shrinkable(const struct lab_owner *owner)
{
	int count = atomic_read(&owner->reserve_held) - reserve_floor(owner);
	struct lab_depot *depot = depot_of(owner);
	int cpu;

	count = max(count, 0);
	if (lab_owner_is_sealed(owner))
		return 0;
	if (lab_owner_is_single(owner))
		return count + (READ_ONCE(owner->stock->wanted) ? 0 :
				single_count(owner));
	if (depot)
		count += lab_depot_count(depot);
	/* A dead CPU's cache is empty. */
	for_each_online_cpu(cpu)
		count += lab_cpu_cache_count(per_cpu_ptr(owner->front.cpu_cache, cpu));
	return count;
}

/* Whether the cache of @cpu holds pages: a look. */
bool lab_cache_has_cpu(const struct lab_owner *owner, unsigned int cpu)
{
	return !lab_owner_is_single(owner) &&
	       lab_cpu_cache_count(per_cpu_ptr(owner->front.cpu_cache, cpu));
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
EXPORT_SYMBOL_FOR_LAB_TEST(lab_cache_gather_here);

/*
 * Likewise the cache of @cpu, which is dead or on which nobody uses the owner any more.
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

/* The owner's pages go from CPU to CPU. Without memory there is no depot for now. */
static void make_depot(struct lab_owner *owner)
{
	if (lab_owner_is_single(owner) || depot_of(owner) || !reserve_excess(owner))
		return;
	/* Pairs with depot_of(). */
	smp_store_release(&owner->stock->depot, lab_depot_make(depot_boxes()));
}

static void refill_work(struct work_struct *work)
{
	struct lab_stock *stock = container_of(to_delayed_work(work), struct lab_stock, refill);
	struct lab_owner *owner = stock->owner;

	/*
	 * Nobody kicks when the system has pages again: the owner may well live on the pages
	 * that come back by free, until memory is out once more.
	 */
	if (reserve_fill(owner))
		schedule_delayed_work(&stock->refill, REFILL_RETRY);
	make_depot(owner);
	lab_cache_give_back(owner);
	if (READ_ONCE(owner->slow))
		lab_owner_speed_up(owner, &stock->wanted);
}

static void kick_work(struct irq_work *kick)
{
	struct lab_stock *stock = container_of(kick, struct lab_stock, kick);

	schedule_delayed_work(&stock->refill, 0);
}

/* The entry at the bottom of each stack. */
static struct lab_cached no_page(void)
{
	return (struct lab_cached) { &lab_no_slot, frame_of(&lab_no_slot) };
}

static int make_stack(struct lab_owner *owner)
{
	struct lab_stack *stack = kmalloc(sizeof(*stack), GFP_KERNEL);

	if (!stack)
		return -ENOMEM;
	owner->stock->base = LAB_SINGLE_MAX - clamp_t(unsigned int, READ_ONCE(cached_max),
						      CACHE_LEAST, LAB_SINGLE_MAX);
	stack->pages[owner->stock->base] = no_page();
	owner->front.top = &stack->pages[owner->stock->base + 1];
	return 0;
}

static void free_stack(struct lab_owner *owner)
{
	/* Empty: the top is right behind the lowest entry in use. */
	kfree(owner->front.top - 1 - owner->stock->base);
	owner->front.top = NULL;
}

static int make_cpu_caches(struct lab_owner *owner)
{
	unsigned int max = cpu_cache_max();
	struct lab_cpu_cache *cache;
	int cpu;

	owner->front.cpu_cache = alloc_percpu(struct lab_cpu_cache);
	if (!owner->front.cpu_cache)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		cache = per_cpu_ptr(owner->front.cpu_cache, cpu);
		cache->base = LAB_CACHE_MAX - max;
		cache->pages[cache->base] = no_page();
		cache->top = &cache->pages[cache->base + 1];
	}
	return 0;
}

static int make_stock(struct lab_owner *owner)
{
	struct lab_stock *stock = kzalloc(sizeof(*stock), GFP_KERNEL);

	if (!stock)
		return -ENOMEM;
	stock->owner = owner;
	if (!lab_owner_is_sealed(owner))
		stock->ahead = min_t(int, READ_ONCE(ahead_most), LAB_BATCH);
	/* Hard: else irq_work_sync() on PREEMPT_RT waits for a grace period, owner by owner. */
	stock->kick = IRQ_WORK_INIT_HARD(kick_work);
	INIT_DELAYED_WORK(&stock->refill, refill_work);
	owner->stock = stock;
	return 0;
}

/*
 * On PREEMPT_RT irq_work_single() reads the flags of a hard @kick after irq_work_sync() has seen it
 * idle, in a hard interrupt. So the memory stays for a grace period, for which nobody waits.
 */
static void free_stock(struct lab_owner *owner)
{
	lab_depot_free(owner->stock->depot);
	kfree_rcu(owner->stock, rcu);
	owner->stock = NULL;
}

/*
 * Readies @owner's lists, empty, and fills its reserve.
 * Context: Task; may sleep. Return: 0, -ENOMEM, -ENOSPC.
 */
int lab_cache_init(struct lab_owner *owner)
{
	int err;

	owner->starved = false;
	if (owner->reserve_target > labyrinth_hot.table.capacity)
		return -ENOSPC;
	err = make_stock(owner);
	if (err)
		return err;
	err = lab_owner_is_single(owner) ? make_stack(owner) : make_cpu_caches(owner);
	if (err) {
		free_stock(owner);
		return err;
	}
	err = reserve_fill(owner);
	if (err)
		lab_cache_exit(owner, _RET_IP_);
	return err;
}

static void drain_list(struct lab_owner *owner,
		       struct lab_slot *(*pop)(struct lab_owner *owner), unsigned long ip)
{
	struct lab_slot *slot;

	while ((slot = pop(owner))) {
		lab_settle(owner, slot, ip);
		cond_resched();
	}
}

/*
 * Gives back all pages that @owner keeps ready, for the caller at @ip. Nobody uses the handle
 * any more.
 * Context: Task; may sleep.
 */
void lab_cache_exit(struct lab_owner *owner, unsigned long ip)
{
	int cpu;

	irq_work_sync(&owner->stock->kick);
	cancel_delayed_work_sync(&owner->stock->refill);
	if (lab_owner_is_single(owner))
		drain_list(owner, pop_single, ip);
	for_each_possible_cpu(cpu)
		lab_cache_gather_cpu(owner, cpu);
	empty_depot(owner);
	drain_list(owner, reserve_pop, ip);
	if (lab_owner_is_single(owner))
		free_stack(owner);
	else
		free_percpu(owner->front.cpu_cache);
	owner->front.cpu_cache = NULL;
	free_stock(owner);
}
