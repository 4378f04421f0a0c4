// SPDX-License-Identifier: GPL-2.0-only
/*
 * The main call, free and owns. No state is owned here: each call changes one tag, and with
 * it the frame and the owner's counts. The shape that the calls have in common is
 * page/call.c's; transfer, release and adopt are labyrinth_transfer.c's, lend and reclaim
 * page/lend.c's, query is page/query.c's.
 *
 * Who can race, of all of them, transition by transition (all by the same owner's handle, since
 * a foreigner is turned away before anything is written):
 *
 * - free/free: both read HELD; one compare-and-exchange wins, the other caller
 *   finds CACHED, which is -ENOENT.
 * - free against release, lend or transfer: the freezer has the count at 0. If
 *   free looks at the count then, it looks again for a while, and then gives the page up
 *   to limbo, which waits for the thaw. If it looked before, its
 *   compare-and-exchange and the freezer's decide; the freezer that loses thaws
 *   and is -ENOENT. And if it looked so long before that the page is HELD by the
 *   same owner again, it frees it, like a free that came later: a tag is HELD only when
 *   notes and type are written. The thaw alone comes after: a page that is CACHED by
 *   then, with its count at 0, is not handed out before.
 * - a freezer that looked so long before that the page is another owner's by now, or
 *   is handed out again, has the count at 0 for a moment, and loses. A right call
 *   that comes in this moment is -EBUSY: the price of two of an owner's
 *   calls about one page at a time, one of which gives it away.
 * - lend/lend, release/release, reclaim/reclaim, adopt/adopt: one freezes, the
 *   other is -EBUSY.
 * - release of a lent page, which cannot be frozen, against itself or reclaim: the
 *   tag's compare-and-exchange decides. Who has frozen and loses thaws; the count
 *   is the releaser's to change after that, see lab_frame_disown().
 * - reclaim against a borrower's last put_page(): freezing needs the count at
 *   exactly what the owner alone has, so it is before the put, -EBUSY, or after.
 * - any of them against destroy: see the top of labyrinth_owner.c.
 * - the reference count is looked at before the commit. A foreigner may take
 *   or drop a reference in between, or at any time after: it is noticed when
 *   the page is freed or returned next.
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
#include "page/limbo.h"
#include "page/mapping.h"
#include "page/poison.h"
#include "page/seal.h"
#include "report/stack.h"
#include "report/trace.h"

/* What is defined here is the functions, not their inline forms. */
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
 * Hands the CACHED page of @slot, which lab_vet() let pass and which is on no list, out to
 * the caller at @ip.
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
	/*
	 * CACHED -> HELD. Pairs with the compare-and-exchange of the call that finds the
	 * page HELD, and with lab_slot_glance(): the notes are written before.
	 */
	smp_store_release(&slot->tag, lab_tag_step(tag, LAB_HELD));
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

/* What the page allocator would not give, the reserve may. */
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
 * The cache is empty: asks the page allocator, with preemption as the API's
 * caller had it. Meanwhile the owner may have gone, its counts with it.
 */
static void *alloc_fresh(struct lab_call *call)
{
	struct lab_batch batch;
	void *addr = NULL;

	preempt_enable();
	lab_batch_get(&batch, call->owner);
	preempt_disable();
	if (likely(lab_owner_is(call->owner, call->handle)))
		addr = take_fresh(call, &batch);
	preempt_enable();
	lab_batch_give_back(&batch);
	preempt_disable();
	return addr;
}

static void *alloc_within_quota(struct lab_call *call)
{
	void *addr;

	if (unlikely(!lab_owner_quota_take(call->owner, 1)))
		return alloc_failed(call, LAB_FAIL_QUOTA);
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
 * The CACHED @page was just popped, is ready, and nobody watches: it is HELD now. Of the
 * tag, the state's byte alone is stored: the free that comes next compares and exchanges
 * the tag, and waits for the store in any case.
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
 * @owner: who is to hold it.
 *
 * One page of %PAGE_SIZE bytes in the direct map, or out of it if the owner was made
 * with %LABYRINTH_OWNER_SEALED; zeroed if it was made with %LABYRINTH_OWNER_ZERO and else
 * of undefined content: init_on_alloc zeroes a page when it comes from the system, not
 * when it is used again. It
 * comes from what the owner keeps ready; if that is empty, from
 * alloc_page(GFP_ATOMIC); if that fails, from the owner's reserve. Sealed pages come from
 * what is kept ready and from the reserve alone, which a worker refills.
 *
 * The page is the owner's until labyrinth_free_page(), labyrinth_transfer() or
 * labyrinth_release(). Its struct page is to be left as it is so long. Labyrinth keeps
 * nothing in it that is followed: whatever is written there is put right, and reported,
 * when the page is lent, handed on or leaves.
 *
 * Context: Any: task, softirq, hardirq, NMI. Never sleeps. In NMI, and on
 * PREEMPT_RT wherever preemption is disabled, the page comes from what is kept
 * ready and from the reserve alone.
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
	/* Unless it is SINGLE, see lab_alloc_inline(), or there is more to do. */
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

/* No longer without preemption than a cache is long. */
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
 * @owner: who is to hold them.
 * @nr: how many.
 * @addrs: where their addresses go; room for @nr.
 *
 * As that many calls of labyrinth_void_alloc_page_gfp_atomic_exclusive(), up to
 * the first that gives nothing.
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
 * The page, which passes through, is not kept: it goes to @leaving, for the system, or to
 * limbo if the caller has no use for it there.
 */
static void let_go(struct lab_call *call, struct page **leaving)
{
	if (leaving && !lab_owner_is_sealed(call->owner))
		*leaving = lab_leave(call->owner, call->slot);
	else
		lab_retire(call->owner, call->slot, false);
}

/* Where the page goes that is CACHED now, on no list and so this call's alone. */
static void put_freed(struct lab_call *call, bool referred, struct page **leaving)
{
	if (unlikely(referred))
		lab_retire(call->owner, call->slot, true);
	else if (unlikely(lab_tag_is_passing(call->tag)))
		let_go(call, leaving);
	else
		lab_cache_push(call->owner, call->slot);
}

/*
 * A right free is not refused because somebody else refers to the page, as the core does
 * for a moment now and then: nobody looks at a free's result. The page waits in limbo.
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
	if (!referred)
		lab_poison_cached(call->slot);
	lab_owner_quota_give(call->owner, 1);
	lab_step(LAB_OP_FREE, lab_tag_pfn(call->tag), call->owner, call->ip);
	put_freed(call, referred, leaving);
	return 0;
}

/* If only a process has it mapped still, the page is free, by way of limbo. */
static int free_mapped(struct lab_call *call, struct page **leaving)
{
	int err = lab_call_take_back(call);

	if (lab_call_is_mapped(call, err) && !lab_call_is_referred_to(call) &&
	    lab_mapping_retire(call->owner, call->slot, call->tag, true)) {
		lab_mmap_kick(call->owner, call->slot);
		lab_owner_quota_give(call->owner, 1);
		lab_step(LAB_OP_FREE, lab_tag_pfn(call->tag), call->owner, call->ip);
		return 0;
	}
	/* It may have been unmapped just now. */
	if (err == -EBUSY)
		err = lab_call_page(call, call->addr);
	return err < 0 ? err : free_held(call, leaving);
}

static noinline int lab_free(struct labyrinth_owner *handle, void *addr,
			     unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_FREE, .handle = handle, .addr = addr, .ip = ip,
	};
	struct page *page = NULL, **leaving = lab_may_lock() ? &page : NULL;
	bool over = false;
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = free_held(&call, leaving);
	else if (lab_call_is_mapped(&call, err))
		err = free_mapped(&call, leaving);
	if (!err)
		over = lab_cache_is_over(call.owner);
	err = lab_call_end(&call, err);
	if (unlikely(page))
		__free_page(page);
	if (unlikely(over))
		lab_cache_trim(call.owner, handle);
	return err;
}

/*
 * The first half of the fast path of an owner that any CPU and any context may use: HELD ->
 * CACHED, if the common answer is the right one to every check. False where more must be
 * asked. Preemption is disabled.
 */
static __always_inline bool claim_shared(struct lab_owner *owner, unsigned long pfn,
					 struct lab_cached *page)
{
	lab_tag_t held;

	page->slot = lab_slot_preferred(pfn);
	held = owner->front.key + pfn;
	if (!lab_is_held_at(page->slot, &owner->front, pfn))
		return false;
	page->frame = lab_frame_of_pfn(pfn);
	if (!lab_frame_is_exclusive(page->frame))
		return false;
	/* Pairs as in lab_call_commit(). */
	return likely(cmpxchg(&page->slot->tag, held, held - LAB_HAND_OUT) == held);
}

/* The second half, where the CPU's cache is full, or an interrupted call is at it. */
static noinline void put_aside(struct lab_owner *owner, struct labyrinth_owner *handle,
			       struct lab_slot *slot)
{
	lab_cache_push(owner, slot);
	preempt_enable();
	lab_cache_trim(owner, handle);
}

/**
 * labyrinth_free_page() - give a page back
 * @owner: who holds it.
 * @addr: its address, as it was handed out.
 *
 * After success the page is nobody's to use; it may be handed out again at once.
 * After failure it is whose it was. A process that has it mapped loses it: before
 * this returns, where the caller may sleep and the process is not at its mappings
 * itself; else the page is not used again until a worker has seen to that.
 *
 * Context: Any: task, softirq, hardirq, NMI. Does not sleep, but for MMU notifiers,
 * where the caller may and a process has the page mapped.
 * Return: 0; -EPERM the page has another owner, or the caller is not the bound
 * thread; -ENOENT no Labyrinth page, or freed before; -EBUSY lent, mapped
 * otherwise, or something refers to it; -EINVAL NULL, not page-aligned, not an
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
	if (unlikely(!claim_shared(o, pfn, &page)))
		goto slow;
	if (unlikely(!lab_cache_push_cpu(this_cpu_ptr(o->front.cpu_cache), page))) {
		put_aside(o, owner, page.slot);
		return 0;
	}
	preempt_enable();
	return 0;
slow:
	preempt_enable();
	return lab_free(owner, addr, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_free_page, LAB_NS);

/**
 * labyrinth_owns() - ask whether a page is an owner's
 * @owner: a handle; any value at all.
 * @addr: an address; any value at all.
 *
 * Context: Any. Never sleeps, reports nothing.
 * Return: true if @owner is a live owner to whom the page at @addr is handed
 * out, lent and mapped pages included.
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
		lab_tag_state(tag) == LAB_MAPPED);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_owns, LAB_NS);
