// SPDX-License-Identifier: GPL-2.0-only
/*
 * The main call, free and owns. No state is owned here: each call changes the tag of a page,
 * and with the tag the frame and the owner's counts. page/call.c has the shape that all calls
 * share; labyrinth_transfer.c has transfer, release and adopt, page/lend.c lend and reclaim,
 * page/query.c query.
 *
 * Which of all these calls can race, transition by transition. All racing calls use the same
 * owner's handle, since a foreigner is turned away before anything is written. A "freezer" is a
 * call that freezes the frame.
 *
 * - free/free: both read HELD. The compare-and-exchange of either wins; the other call finds
 *   CACHED, and is -ENOENT.
 * - free against a freezer (release, lend, transfer), which has the count at 0:
 *   If free looks at the count then, free looks again for a while, and then gives the page up
 *   to limbo, which waits for the thaw. If free looked before, the compare-and-exchanges of
 *   free and of the freezer decide; a freezer that loses thaws and is -ENOENT. If free looked
 *   so long before that the page is HELD by the same owner again, free frees the page, like a
 *   free that came later. A tag is HELD only when notes and type are written. Only the thaw
 *   comes later: if the page is CACHED by then, with the count at 0, the page is not handed out
 *   before the thaw.
 * - a freezer that looked so long before that the page is another owner's by now, or is handed
 *   out again, has the count at 0 for a moment, and loses. A right call that comes in this
 *   moment is -EBUSY: the price of two calls of an owner about the same page at a time, of
 *   which the first gives the page away.
 * - lend/lend, release/release, reclaim/reclaim, adopt/adopt: the first call freezes, the
 *   second is -EBUSY.
 * - release of a lent page, which cannot be frozen, against itself or reclaim: the tag's
 *   compare-and-exchange decides. A reclaim that has frozen and loses thaws. Then only release
 *   changes the count, see lab_frame_disown().
 * - reclaim against a borrower's last put_page(): a freeze needs the count at exactly what the
 *   owner alone has, so reclaim comes before the put_page(), and is -EBUSY, or after.
 * - any of these calls against destroy: see the top of labyrinth_owner.c.
 * - the reference count is looked at before the commit. A foreigner may take or drop a
 *   reference in between, or at any time after: the next free or return of the page notices.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "core/context.h"
#include "core/table.h"
#include "inline/address.h"
#include "map/mmap.h"
#include "map/take_back.h"
#include "page/cache.h"
#include "page/call.h"
#include "page/home.h"
#include "page/hunt.h"
#include "page/limbo.h"
#include "page/mapping.h"
#include "page/poison.h"
#include "page/quarantine.h"
#include "page/reseal.h"
#include "page/seal.h"
#include "page/stamp.h"
#include "report/stack.h"
#include "report/trace.h"

/* The functions are defined here, not the inline forms. */
#undef labyrinth_void_alloc_page_gfp_atomic_exclusive
#undef labyrinth_free_page
#undef labyrinth_owns

/* The address of page @pfn, whose owner wants more than most. */
static noinline void *prepare(struct lab_owner *owner, const struct lab_slot *slot,
			      unsigned long pfn)
{
	void *addr = lab_page_address(owner, pfn);

	if (owner->front.flags & LABYRINTH_OWNER_ZERO &&
	    READ_ONCE(slot->when) != LAB_CONTENT_ZEROES)
		clear_page(addr);
	return addr;
}

/*
 * Hands the CACHED page of @slot out to the caller at @ip. The page is on no list, and
 * lab_vet() let the page pass.
 */
static void *hand_out(struct lab_owner *owner, struct lab_slot *slot,
		      unsigned long ip)
{
	lab_tag_t tag = READ_ONCE(slot->tag);
	unsigned long pfn = lab_tag_pfn(tag);
	void *addr = lab_pfn_address(pfn);

	lab_poison_check(owner, slot, ip);
	if (owner->front.flags & (LABYRINTH_OWNER_ZERO | LABYRINTH_OWNER_SEALED))
		addr = prepare(owner, slot, pfn);
	lab_slot_note(slot, ip);
	lab_stack_note(slot);
	lab_stamp_note(owner, slot);
	/*
	 * CACHED -> HELD. Pairs with the compare-and-exchange of the call that finds the
	 * page HELD, and with lab_slot_glance(): the notes are written before.
	 */
	smp_store_release(&slot->tag, lab_tag_step(tag, LAB_HELD));
	lab_hunt_thin(owner, slot);
	lab_step(LAB_OP_ALLOC, pfn, owner, ip);
	return addr;
}

static void *take_cached(struct lab_owner *owner, unsigned long ip)
{
	struct lab_slot *slot = lab_cache_take(owner, ip);

	return slot ? hand_out(owner, slot, ip) : NULL;
}

static void *alloc_failed(struct lab_call *call, enum lab_fail fail)
{
	lab_owner_fail(call->owner, fail);
	trace_alloc_failed(call->owner, fail, call->ip);
	return NULL;
}

/* The reserve may have a page when the page allocator has none. */
static void *take_reserved(struct lab_owner *owner, unsigned long ip,
			   enum lab_fail fail)
{
	struct lab_slot *slot = lab_reserve_take(owner, ip);

	lab_reserve_kick(owner, fail);
	return slot ? hand_out(owner, slot, ip) : NULL;
}

static void *take_fresh(struct lab_call *call, struct lab_batch *batch)
{
	struct lab_owner *owner = call->owner;
	struct lab_slot *slot = lab_batch_put_in(batch, owner);
	void *addr;

	if (likely(slot))
		addr = hand_out(owner, slot, call->ip);
	else
		addr = take_reserved(owner, call->ip, batch->fail);
	if (!addr) {
		lab_owner_quota_give(owner, 1);
		alloc_failed(call, batch->fail);
	}
	return addr;
}

/*
 * A page that the owner lent, and that has come back: its quota was never given. The content is
 * what the borrowers read.
 */
static void *take_home(struct lab_call *call)
{
	void *addr = lab_home_take_back(call->owner, call->ip);

	if (unlikely(addr) && call->owner->front.flags & LABYRINTH_OWNER_ZERO)
		clear_page(addr);
	return addr;
}

/*
 * The quota is used up, perhaps by pages that have come back: takes such a page, or takes from the
 * quota once more, which a page of those may have left. Preemption as in alloc_fresh().
 * Return: the page's address, or NULL; then @room is whether the call goes on.
 */
static noinline void *alloc_home(struct lab_call *call, bool *room)
{
	void *addr;

	rcu_read_lock();
	preempt_enable();
	addr = take_home(call);
	preempt_disable();
	*room = !addr && lab_owner_is(call->owner, call->handle);
	if (*room && !lab_owner_quota_take(call->owner, 1)) {
		*room = false;
		alloc_failed(call, LAB_FAIL_QUOTA);
	}
	rcu_read_unlock();
	return addr;
}

/*
 * The cache is empty: takes back a page that was lent, or asks the page allocator, with
 * preemption as the API's caller had it. Meanwhile the owner may go, and the owner's counts with
 * the owner.
 */
static void *alloc_fresh(struct lab_call *call)
{
	struct lab_batch batch;
	void *addr;

	/* The owner's slot stays what it is, and the device for which pages are mapped. */
	rcu_read_lock();
	preempt_enable();
	addr = take_home(call);
	if (likely(!addr)) {
		lab_batch_get(&batch, call->owner);
	} else {
		lab_owner_quota_give(call->owner, 1);
		lab_batch_begin(&batch, LAB_FAIL_MEMORY);
	}
	preempt_disable();
	if (likely(!addr && lab_owner_is(call->owner, call->handle))) {
		addr = take_fresh(call, &batch);
		lab_cache_missed(call->owner);
	}
	preempt_enable();
	lab_batch_give_back(&batch);
	preempt_disable();
	rcu_read_unlock();
	return addr;
}

static void *alloc_within_quota(struct lab_call *call)
{
	bool room = true;
	void *addr = NULL;

	if (unlikely(!lab_owner_quota_take(call->owner, 1)))
		addr = alloc_home(call, &room);
	if (unlikely(!room))
		return addr;
	addr = take_cached(call->owner, call->ip);
	return likely(addr) ? addr : alloc_fresh(call);
}

/* The main call, off the fast paths. */
static noinline void *lab_alloc(struct labyrinth_owner *handle,
				unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_ALLOC, .handle = handle, .ip = ip,
	};
	int err = lab_call_begin(&call);
	void *addr = NULL;

	if (likely(!err))
		addr = alloc_within_quota(&call);
	else if (call.owner)
		alloc_failed(&call, LAB_FAIL_THREAD);
	lab_call_end(&call, err);
	return addr;
}

/*
 * CACHED -> HELD for @page, which was just popped and is ready; no watcher is on. Stores the
 * tag's state byte alone: the next free compares and exchanges the tag, and waits for the store
 * in any case.
 */
static __always_inline void *take_shared(const struct lab_cached *page,
					 unsigned long ip)
{
	lab_slot_note(page->slot, ip);
	/* Pairs with the same as in hand_out(). */
	smp_wmb();
	lab_tag_store_state(&page->slot->tag, LAB_HELD);
	return lab_frame_address(page->frame);
}

/**
 * labyrinth_void_alloc_page_gfp_atomic_exclusive() - get a page that only
 *	@owner holds
 * @owner: the holder of the page.
 *
 * A page of %PAGE_SIZE bytes in the direct map, or out of the direct map if the owner was made
 * with %LABYRINTH_OWNER_SEALED. The page is zeroed if the owner was made with
 * %LABYRINTH_OWNER_ZERO, otherwise the content is undefined: init_on_alloc zeroes a page that
 * comes from the system, not a page that is used again. The page comes from the pages that the
 * owner keeps ready; if there are none, from alloc_page(GFP_ATOMIC); if that fails, from the
 * owner's reserve. Sealed pages come from the pages kept ready and from the reserve alone, which
 * a worker refills.
 *
 * The page is the owner's until labyrinth_free_page(), labyrinth_transfer() or
 * labyrinth_release(). Until then the holder must not write to the struct page. Labyrinth
 * follows no word of struct page: a foreign write there is put right, and reported, when the
 * page is lent, handed on or leaves.
 *
 * Context: Any: task, softirq, hardirq, NMI. Never sleeps. In NMI, and on PREEMPT_RT wherever
 * preemption is disabled, the page comes only from the pages kept ready and the reserve.
 * Return: the page's address, or NULL. There is no status code; the reason is
 * counted in debugfs (labyrinth/owners) and carried by the tracepoint
 * labyrinth:alloc_failed.
 */
void *
labyrinth_void_alloc_page_gfp_atomic_exclusive(struct labyrinth_owner *owner)
{
	struct lab_owner *o = lab_owner_slot(owner);
	struct lab_cached page;
	void *addr;

	preempt_disable();
	/* Unless the owner is SINGLE, see lab_alloc_inline(), or there is more to do. */
	if (!lab_handle_is(&o->front.shared_handle, owner))
		goto sealed;
	if (unlikely(!lab_cache_pop_ready(o, &page)))
		goto slow;
	addr = take_shared(&page, _RET_IP_);
	preempt_enable();
	return addr;
sealed:
	if (!lab_handle_is(&o->front.sealed_handle, owner) ||
	    unlikely(!lab_cache_pop_ready(o, &page)))
		goto slow;
	take_shared(&page, _RET_IP_);
	preempt_enable();
	return lab_alias_of_frame(page.frame);
slow:
	preempt_enable();
	return lab_alloc(owner, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_void_alloc_page_gfp_atomic_exclusive, LAB_NS);

static unsigned int bulk_single(struct lab_front *front, unsigned int nr,
				void **addrs, unsigned long ip)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (unlikely(!lab_take_single(front, ip, &addrs[i])))
			break;
	return i;
}

/* Disables preemption for no more pages than a cache holds. */
static unsigned int bulk_shared(struct labyrinth_owner *handle,
				unsigned int nr, void **addrs, unsigned long ip)
{
	struct lab_owner *owner = lab_owner_slot(handle);
	struct lab_cached page;
	unsigned int i = 0;

	nr = min(nr, LAB_CACHE_MAX);
	preempt_disable();
	if (!lab_handle_is(&owner->front.shared_handle, handle))
		nr = 0;
	while (i < nr && lab_cache_pop_ready(owner, &page))
		addrs[i++] = take_shared(&page, ip);
	preempt_enable();
	return i;
}

/**
 * labyrinth_alloc_bulk() - get several pages that only @owner holds
 * @owner: the holder of the pages.
 * @nr: how many pages.
 * @addrs: where the pages' addresses go; room for @nr.
 *
 * As @nr calls of labyrinth_void_alloc_page_gfp_atomic_exclusive(), up to
 * the first call that returns NULL.
 *
 * Context: Any. Never sleeps.
 * Return: how many pages @addrs holds now.
 */
unsigned int labyrinth_alloc_bulk(struct labyrinth_owner *owner,
				  unsigned int nr, void **addrs)
{
	unsigned int i = 0;

	if (!addrs)
		return 0;
	if (lab_handle_is(&lab_front_of(owner)->single_handle, owner))
		i = bulk_single(lab_front_of(owner), nr, addrs, _RET_IP_);
	else
		i = bulk_shared(owner, nr, addrs, _RET_IP_);
	for (; i < nr; i++) {
		addrs[i] = lab_alloc(owner, _RET_IP_);
		if (!addrs[i])
			break;
	}
	return i;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_alloc_bulk, LAB_NS);

/*
 * Puts a sealed owner's page away that was lent: into the cache, or where pages wait that are
 * not sealed again yet. The page is CACHED, on no list and the call's alone, so no other code
 * writes the tag. False if the owner's pages are not sealed, or the page is of another node.
 */
static bool keep_opened(const struct lab_call *call)
{
	if (!lab_owner_is_sealed(call->owner) ||
	    !lab_owner_is_near(call->owner, lab_frame_page(call->frame)))
		return false;
	WRITE_ONCE(call->slot->tag, lab_tag_step(call->tag, LAB_CACHED) & ~LAB_TAG_REMOTE);
	if (!lab_reseal_put(call->owner, call->slot))
		lab_cache_push(call->owner, call->slot);
	return true;
}

/*
 * Gives away a page that passes through (R or E, see inline/tag.h): to @leaving, for the system,
 * or to limbo if @leaving is NULL.
 */
static void let_go(struct lab_call *call, struct page **leaving)
{
	if (keep_opened(call))
		return;
	if (!leaving || lab_owner_leaves_late(call->owner)) {
		lab_retire(call->owner, call->slot, false);
		return;
	}
	*leaving = lab_leave(call->owner, call->slot, call->ip);
	lab_step_batch(LAB_OP_RETURN, !!*leaving, call->owner, call->ip);
}

/* Puts the page away, which is CACHED now, on no list and so this call's alone. */
static void put_freed(struct lab_call *call, bool referred, struct page **leaving)
{
	if (unlikely(referred))
		lab_retire(call->owner, call->slot, true);
	else if (unlikely(lab_tag_is_passing(call->tag)))
		let_go(call, leaving);
	else if (!lab_quarantine_put(call->owner, call->slot))
		lab_cache_push(call->owner, call->slot);
}

/*
 * A right free is not refused because somebody else refers to the page, as the core does for a
 * moment now and then: nobody looks at a free's result. The page waits in limbo instead.
 */
static int free_held(struct lab_call *call, struct page **leaving)
{
	int err = lab_call_await(call);
	bool referred = err == -EBUSY && call->class == LAB_BUSY &&
			lab_tag_state(call->tag) == LAB_HELD;

	if (unlikely(err && !referred))
		return err;
	if (unlikely(!lab_call_commit(call, lab_tag_step(call->tag,
							 LAB_CACHED))))
		return lab_call_again(call);
	/*
	 * The page was freed and handed out again since the look-up, to the same owner. Nobody
	 * else writes the tag of a CACHED page that is on no list.
	 */
	err = lab_stamp_check(call);
	if (unlikely(err)) {
		/* Pairs with the same as in hand_out(). */
		smp_store_release(&call->slot->tag, call->tag);
		return err;
	}
	/* The content tells lab_page_note() that the note is of this free. */
	WRITE_ONCE(call->slot->last,
		   lab_last_make(LAB_LAST_FREE, lab_context_now() + 1, call->ip));
	if (!referred)
		lab_poison_cached(call->slot);
	lab_owner_quota_give(call->owner, 1);
	lab_step(LAB_OP_FREE, lab_tag_pfn(call->tag), call->owner, call->ip);
	put_freed(call, referred, leaving);
	return 0;
}

/* Of a page that can be freed as @next says, the stamp is looked at. */
static int check_stamp(struct lab_call *call, int next)
{
	return next >= 0 || lab_call_is_mapped(call, next) ? lab_stamp_check(call) : 0;
}

/* If only a process still has the page mapped, the free succeeds, and the page goes to limbo. */
static int free_mapped(struct lab_call *call, struct page **leaving)
{
	int err = lab_call_take_back(call), stale = check_stamp(call, err);

	/* Meanwhile the page may have been freed and handed out again. */
	if (unlikely(stale))
		return stale;
	if (lab_call_is_mapped(call, err) && !lab_call_is_referred_to(call) &&
	    lab_mapping_retire(call->owner, call->slot, call->tag, call)) {
		lab_mmap_kick(call->owner, call->slot);
		lab_owner_quota_give(call->owner, 1);
		lab_step(LAB_OP_FREE, lab_tag_pfn(call->tag), call->owner, call->ip);
		return 0;
	}
	/* The page may have been unmapped just now. */
	if (err == -EBUSY)
		err = lab_call_page(call, call->addr);
	return err < 0 ? check_stamp(call, err) ?: err : free_held(call, leaving);
}

static int free_found(struct lab_call *call, int next, struct page **leaving)
{
	int err = check_stamp(call, next);

	if (unlikely(err))
		return err;
	if (next >= 0)
		return free_held(call, leaving);
	return lab_call_is_mapped(call, next) ? free_mapped(call, leaving) : next;
}

static noinline int free_for(struct lab_call *call)
{
	struct page *page = NULL, **leaving = lab_may_lock() ? &page : NULL;
	bool over = false;
	int err = lab_call_begin(call);

	if (!err) {
		err = lab_call_page(call, call->addr);
		err = free_found(call, err, leaving);
	}
	if (!err)
		over = lab_cache_is_over(call->owner);
	err = lab_call_end(call, err);
	if (unlikely(page))
		__free_page(page);
	if (unlikely(over))
		lab_cache_trim(call->owner, call->handle);
	return err;
}

static noinline int lab_free(struct labyrinth_owner *handle, void *addr,
			     unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_FREE, .handle = handle, .addr = addr, .ip = ip,
	};

	return free_for(&call);
}

/*
 * The first half of the fast path of an owner that any CPU and any context may use: HELD ->
 * CACHED for page @pfn, if the tag is in @slot and every check gives the common answer. False if
 * the slow path must look. Preemption is disabled.
 */
static __always_inline bool claim_shared(struct lab_owner *owner, struct lab_slot *slot,
					 unsigned long pfn, struct lab_cached *page)
{
	lab_tag_t held = owner->front.key + pfn;

	page->slot = slot;
	if (!lab_is_held_at(slot, &owner->front, pfn))
		return false;
	page->frame = lab_frame_of_pfn(pfn);
	if (!lab_frame_is_exclusive(page->frame))
		return false;
	/* Pairs as in lab_call_commit(). */
	return likely(cmpxchg(&slot->tag, held, held - LAB_HAND_OUT) == held);
}

/* Of the second half, the rest if the cache is full or the interrupted call uses the cache. */
static noinline void put_aside(struct lab_owner *owner, struct labyrinth_owner *handle,
			       struct lab_slot *slot)
{
	bool over;

	lab_cache_push(owner, slot);
	over = lab_cache_is_over(owner);
	preempt_enable();
	if (unlikely(over))
		lab_cache_trim(owner, handle);
}

/*
 * Whether the tag of the page at @addr, an address of the direct map, is in one of the two slots
 * at which the fast paths look.
 */
static bool is_quick(const void *addr)
{
	unsigned long pfn;

	return lab_address_pfn(addr, &pfn) &&
	       (lab_tag_pfn(READ_ONCE(lab_slot_preferred(pfn)->tag)) == pfn ||
		lab_tag_pfn(READ_ONCE(lab_slot_hinted(pfn)->tag)) == pfn);
}

/*
 * The common free of a page whose tag is in neither slot at which the fast paths look: every check
 * of the fast paths gives the common answer but the first. False if lab_free() must look.
 * Context: As labyrinth_free_page(); preemption disabled.
 */
static bool free_elsewhere(struct labyrinth_owner *handle, void *addr)
{
	struct lab_owner *owner = lab_owner_slot(handle);
	struct lab_fast page;

	if (is_quick(addr) || !lab_fast_find(handle, addr, LAB_HELD, &page) ||
	    !lab_frame_is_exclusive(page.frame) || lab_cache_is_over(owner) ||
	    !lab_fast_commit(&page, LAB_CACHED))
		return false;
	lab_cache_push(owner, page.slot);
	return true;
}

static noinline int free_slow(struct labyrinth_owner *handle, void *addr, unsigned long ip)
{
	bool done;

	preempt_disable();
	done = free_elsewhere(handle, addr);
	preempt_enable();
	return done ? 0 : lab_free(handle, addr, ip);
}

/* The second half. Enables preemption. */
static __always_inline int put_claimed(struct lab_owner *owner, struct labyrinth_owner *handle,
				       struct lab_cached page)
{
	if (unlikely(!lab_cache_push_cpu(this_cpu_ptr(owner->front.cpu_cache), page))) {
		put_aside(owner, handle, page.slot);
		return 0;
	}
	preempt_enable();
	return 0;
}

/*
 * labyrinth_free_page() of a page whose tag is not in the preferred slot: looks where the hint
 * says. A function of its own, to which the first look jumps, so that the first look needs no
 * register for the second. No frame has the number that lab_address_pfn() makes of a sealed page's
 * address.
 * Preemption is disabled.
 */
static noinline int free_hinted(struct labyrinth_owner *handle, void *addr, unsigned long ip)
{
	struct lab_owner *owner = lab_owner_slot(handle);
	struct lab_cached page;
	unsigned long pfn;

	if (likely(lab_address_pfn(addr, &pfn) &&
		   claim_shared(owner, lab_slot_hinted(pfn), pfn, &page)))
		return put_claimed(owner, handle, page);
	preempt_enable();
	return free_slow(handle, addr, ip);
}

/**
 * labyrinth_free_page() - give a page back
 * @owner: the holder of the page.
 * @addr: the page's address, as handed out.
 *
 * After success nobody may use the page, which may be handed out again at once. After failure
 * the page's owner is the same as before. A process that has the page mapped loses the mapping:
 * before this function returns, if the caller may sleep and the process is not just changing
 * mappings itself; otherwise a worker ends the mapping later, and the page is not used again
 * before.
 *
 * Context: Any: task, softirq, hardirq, NMI. Does not sleep, but for MMU notifiers, if the
 * caller may sleep and a process has the page mapped.
 * Return: 0; -EPERM the page has another owner, or the caller is not the bound
 * thread; -ENOENT no Labyrinth page, or freed before; -EBUSY lent, POSTED, mapped
 * otherwise, or mapped into a process and referred to (otherwise a page to which something refers
 * waits in limbo, and this is 0); -EINVAL NULL, not page-aligned, not an
 * address of the direct map, or not a live owner's handle.
 */
int labyrinth_free_page(struct labyrinth_owner *owner, void *addr)
{
	struct lab_owner *o = lab_owner_slot(owner);
	struct lab_cached page;
	unsigned long pfn;

	preempt_disable();
	if (lab_handle_is(&o->front.shared_handle, owner)) {
		if (unlikely(!lab_address_pfn(addr, &pfn)))
			goto slow;
	} else if (!lab_handle_is(&o->front.sealed_handle, owner) ||
		   unlikely(!lab_alias_pfn(addr, &pfn))) {
		goto slow;
	}
	if (unlikely(!claim_shared(o, lab_slot_preferred(pfn), pfn, &page)))
		return free_hinted(owner, addr, _RET_IP_);
	return put_claimed(o, owner, page);
slow:
	preempt_enable();
	return free_slow(owner, addr, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_free_page, LAB_NS);

/**
 * labyrinth_free_page_stamped() - give a page back, if the hand-out is the one meant
 * @owner: the holder of the page, made with %LABYRINTH_OWNER_STAMPED.
 * @addr: the page's address, as handed out.
 * @stamp: as labyrinth_stamp() told after that hand-out.
 *
 * As labyrinth_free_page(); but if the page was freed and handed out again since, to the same
 * owner, the page stays with the present holder, and the report names both.
 *
 * Context: As labyrinth_free_page().
 * Return: as labyrinth_free_page(); or -ESTALE the page has been handed out again since.
 */
int labyrinth_free_page_stamped(struct labyrinth_owner *owner, void *addr, u32 stamp)
{
	struct lab_call call = {
		.op = LAB_OP_FREE, .handle = owner, .addr = addr, .ip = _RET_IP_,
		.stamped = true, .stamp = stamp,
	};

	return free_for(&call);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_free_page_stamped, LAB_NS);

/**
 * labyrinth_owns() - ask whether a page is an owner's
 * @owner: a handle; any value at all.
 * @addr: an address; any value at all.
 *
 * Context: Any. Never sleeps, reports nothing.
 * Return: true if @owner is a live owner to whom the page at @addr is handed
 * out, lent, mapped and posted pages included.
 */
bool labyrinth_owns(struct labyrinth_owner *owner, const void *addr)
{
	struct lab_owner *o = lab_owner_slot(owner);
	unsigned long pfn;
	lab_tag_t tag;

	if (!lab_owner_is(o, owner))
		return false;
	if (lab_address_pfn(addr, &pfn) &&
	    likely(lab_table_find(&labyrinth_hot.table, o->front.key + pfn)))
		return true;
	return lab_call_search(addr, &tag) &&
	       lab_tag_owner(tag) == lab_owner_id(o) &&
	       (lab_tag_state(tag) == LAB_HELD || lab_tag_state(tag) == LAB_LENT ||
		lab_tag_state(tag) == LAB_MAPPED || lab_tag_state(tag) == LAB_POSTED);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_owns, LAB_NS);
