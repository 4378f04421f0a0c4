// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of labyrinth_alloc.h that name a page or get one. No state is owned
 * here: each call changes one tag, and with it the frame and the owner's counts.
 * The shape that they have in common is page/call.c's.
 *
 * Who can race, transition by transition (all by the same owner's handle, since
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

#include "inline/address.h"
#include "map/mmap.h"
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

/* A tag's state is told to callers as it is. */
static_assert(LABYRINTH_PAGE_ABSENT == (int)LAB_ABSENT);
static_assert(LABYRINTH_PAGE_CACHED == (int)LAB_CACHED);
static_assert(LABYRINTH_PAGE_HELD == (int)LAB_HELD);
static_assert(LABYRINTH_PAGE_LENT == (int)LAB_LENT);
static_assert(LABYRINTH_PAGE_LIMBO == (int)LAB_LIMBO);
static_assert(LABYRINTH_PAGE_MAPPED == (int)LAB_MAPPED);

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
 * with %LABYRINTH_OWNER_SEALED; zeroed if it was made with %LABYRINTH_OWNER_ZERO and else of undefined content: init_on_alloc zeroes
 * a page when it comes from the system, not when it is used again. It
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

/* Whether all that stands in the call's way may be that a process has the page. */
static bool is_mapped(const struct lab_call *call, int err)
{
	return unlikely(err == -EBUSY && lab_tag_state(call->tag) == LAB_MAPPED);
}

/* Nothing is taken away for a call that is refused all the same. */
static bool is_referred_to(const struct lab_call *call)
{
	return lab_frame_refs(call->frame) > LAB_REFS_EXCLUSIVE;
}

/*
 * The page, which is_mapped(), is taken away from the process that has it, if the
 * caller may sleep, as far as can be known. While preemption is enabled the owner may
 * go, and its slot become another's: lab_mmap_revoke() looks at the handle again. That
 * the process stands in the way just now is no fault of the caller's, to be reported.
 * Return: as lab_call_page() then; the page may be back all by itself.
 */
static int take_back(struct lab_call *call)
{
	if (is_referred_to(call))
		return -EBUSY;
	preempt_enable();
	if (preemptible() && !rcu_preempt_depth())
		call->silent = lab_mmap_revoke(call->owner, call->slot,
					       call->handle) == LAB_REVOKE_LATER;
	preempt_disable();
	/* With preemption enabled, the owner may have gone. */
	if (lab_owner_is(call->owner, call->handle))
		return lab_call_page(call, call->addr);
	call->class = LAB_BAD_HANDLE;
	return -EINVAL;
}

/* If only a process has it mapped still, the page is free, by way of limbo. */
static int free_mapped(struct lab_call *call, struct page **leaving)
{
	int err = take_back(call);

	if (is_mapped(call, err) && !is_referred_to(call) &&
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
	else if (is_mapped(&call, err))
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

/* A page that comes from elsewhere may be of another node than its new owner's. */
static lab_tag_t stray_mark(const struct lab_owner *owner, struct lab_frame *frame)
{
	return lab_owner_is_near(owner, lab_frame_page(frame)) ? 0 : LAB_TAG_STRAY;
}

/*
 * Hands out the page of a frozen frame that @call just tagged CACHED, as @tag. The page is
 * on no list, so nobody else writes its tag. A free that read HELD in the page's life
 * before, and is still under way, does not take the page before the notes are written.
 */
static void hand_over(const struct lab_call *call, lab_tag_t tag)
{
	lab_slot_note(call->slot, call->ip);
	/* Pairs with the compare-and-exchange of such a free, as in hand_out(). */
	smp_store_release(&call->slot->tag, lab_tag_step(tag, LAB_HELD));
}

static int transfer_frozen(struct lab_call *call, struct lab_owner *heir)
{
	lab_tag_t tag = lab_tag_make(lab_tag_pfn(call->tag),
				     lab_owner_id(heir), LAB_CACHED) |
			(call->tag & LAB_TAG_EMERGENCY) | stray_mark(heir, call->frame);

	if (!lab_owner_quota_take(heir, 1)) {
		lab_owner_fail(heir, LAB_FAIL_QUOTA);
		return -ENOSPC;
	}
	lab_owner_account(heir, 1);
	if (!lab_call_commit(call, tag)) {
		lab_owner_account(heir, -1);
		lab_owner_quota_give(heir, 1);
		return lab_call_again(call);
	}
	hand_over(call, tag);
	lab_owner_account(call->owner, -1);
	lab_owner_quota_give(call->owner, 1);
	return 0;
}

/* A page is sealed, or is not, as long as it is Labyrinth's. */
static int decline_sealed(struct lab_call *call)
{
	call->class = LAB_SEALED;
	return -EOPNOTSUPP;
}

static struct lab_owner *find_heir(struct lab_call *call, struct labyrinth_owner *to)
{
	struct lab_owner *heir = lab_owner_get(to);

	if (unlikely(!heir)) {
		call->class = LAB_BAD_HANDLE;
		call->handle = to;
	}
	return heir;
}

static int transfer_held(struct lab_call *call, struct labyrinth_owner *to)
{
	struct lab_owner *heir = find_heir(call, to);
	int err;

	if (!heir)
		return -EINVAL;
	if (heir == call->owner)
		return lab_call_exclusive(call);
	if (lab_owner_is_sealed(heir) != lab_owner_is_sealed(call->owner))
		return decline_sealed(call);
	err = lab_call_freeze(call);
	if (err)
		return err;
	err = transfer_frozen(call, heir);
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	if (!err)
		lab_step_transfer(lab_tag_pfn(call->tag), call->owner, heir, call->ip);
	return err;
}

/* Whether @to will have a page that is to be taken away from a process first. */
static int ask_heir(struct lab_call *call, struct labyrinth_owner *to)
{
	struct lab_owner *heir = find_heir(call, to);

	if (!heir)
		return -EINVAL;
	if (heir == call->owner || !lab_owner_quota_full(heir))
		return 0;
	lab_owner_fail(heir, LAB_FAIL_QUOTA);
	return -ENOSPC;
}

/**
 * labyrinth_transfer() - make a page another owner's
 * @from: who holds it.
 * @to: who is to hold it; may be bound to another thread than the caller.
 * @addr: its address.
 *
 * After success the page is @to's, as if it had been handed out by this call;
 * after failure it is still @from's. A process that has it mapped loses it; where the
 * caller may not sleep, that is -EBUSY; so it is, and not reported, where the process is
 * at its mappings itself, unmaps the page or ends: try again. It is always -EBUSY on a
 * kernel that does not count preemption (CONFIG_PREEMPT_COUNT), where nobody can tell
 * who may sleep.
 *
 * Context: Any. Sleeps no more than labyrinth_free_page().
 * Return: 0; -EPERM the page has another owner, or the caller is not the thread
 * that @from is bound to; -ENOENT no Labyrinth page, or freed before; -EBUSY lent,
 * mapped, or something refers to it; -ENOSPC @to has as many pages as it may;
 * -EOPNOTSUPP one of the two has sealed pages and the other has not; -EINVAL
 * as labyrinth_free_page(), of either handle.
 */
int labyrinth_transfer(struct labyrinth_owner *from,
		       struct labyrinth_owner *to, void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_TRANSFER, .handle = from, .addr = addr,
		.ip = _RET_IP_,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (is_mapped(&call, err))
		err = ask_heir(&call, to) ?: take_back(&call);
	if (err >= 0)
		err = transfer_held(&call, to);
	return lab_call_end(&call, err);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_transfer, LAB_NS);

static int untag_held(struct lab_call *call)
{
	int err = lab_call_freeze(call);

	if (err)
		return err;
	/* As in page/limbo.c, not a type without a tag. */
	lab_frame_clear_type(call->frame);
	if (!lab_table_remove(&labyrinth_hot.table, call->slot, call->tag)) {
		lab_frame_set_type(call->frame);
		lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
		return lab_call_again(call);
	}
	lab_frame_clear(call->frame);
	lab_frame_thaw(call->frame, 1);
	return 0;
}

/*
 * The borrowers keep their references, of which there may be any number. None of them is
 * the releaser's, so nobody can freeze the frame: what is taken off it, the mark and the
 * spare references, no borrower looks at.
 */
static int untag_lent(struct lab_call *call)
{
	int err = lab_frame_refs(call->frame) <= LAB_REFS_EXCLUSIVE ?
		  lab_call_exclusive(call) : 0;

	if (!err && !lab_frame_is_ours(call->frame)) {
		call->class = LAB_CORRUPT;
		err = -EBUSY;
	}
	if (err)
		return err;
	if (!lab_table_remove(&labyrinth_hot.table, call->slot, call->tag))
		return lab_call_again(call);
	/* The last of the borrowers will free the page. */
	lab_frame_mend_lent(call->frame, lab_tag_pfn(call->tag), &call->damage);
	lab_frame_disown(call->frame);
	return 0;
}

static int release_page(struct lab_call *call)
{
	int err;

	if (lab_owner_is_sealed(call->owner))
		return decline_sealed(call);
	err = lab_tag_state(call->tag) == LAB_LENT ? untag_lent(call) : untag_held(call);
	if (err)
		return err;
	lab_owner_account(call->owner, -1);
	lab_owner_quota_give(call->owner, 1);
	lab_step(LAB_OP_RELEASE, lab_tag_pfn(call->tag), call->owner, call->ip);
	return 0;
}

static struct page *release(struct lab_call *call)
{
	int err = lab_call_begin(call);

	if (!err)
		err = lab_call_page(call, call->addr);
	if (is_mapped(call, err))
		err = take_back(call);
	if (err >= 0)
		err = release_page(call);
	err = lab_call_end(call, err);
	return err ? ERR_PTR(err) : lab_frame_page(call->frame);
}

/**
 * labyrinth_release() - take a page out of Labyrinth
 * @owner: who holds it.
 * @addr: its address.
 *
 * After success it is an ordinary page with one reference, which is the
 * caller's: put_page() or __free_page() ends it. After failure it is whose it was.
 * Of a page that a process has mapped, as labyrinth_transfer().
 *
 * Context: Any. Sleeps no more than labyrinth_free_page().
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EBUSY, -EINVAL as
 * labyrinth_free_page(); -EOPNOTSUPP it is sealed.
 */
struct page *labyrinth_release(struct labyrinth_owner *owner, void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_RELEASE, .handle = owner, .addr = addr,
		.ip = _RET_IP_,
	};

	return release(&call);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_release, LAB_NS);

/**
 * labyrinth_release_lent() - take a page out of Labyrinth that others refer to
 * @owner: who lent it.
 * @addr: its address.
 *
 * For borrowers who keep a page too long. After success it is an ordinary page with
 * one reference more than the borrowers have, which is the caller's: put_page()
 * ends it, and whoever is last frees the page. After failure it is whose it was. Of
 * a page that is not lent, or not any more, as labyrinth_release().
 *
 * Context: Any. Sleeps no more than labyrinth_free_page().
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as
 * labyrinth_free_page(); -EBUSY mapped, or not lent and something refers to it;
 * -EOPNOTSUPP @owner's pages are sealed.
 */
struct page *labyrinth_release_lent(struct labyrinth_owner *owner, void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_RELEASE_LENT, .handle = owner, .addr = addr,
		.ip = _RET_IP_,
	};

	return release(&call);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_release_lent, LAB_NS);

/*
 * Whether @page is one that alloc_page() could have given to its caller: on no
 * list of the core's, mapped nowhere, nobody's buffer or pool. A page that is charged to
 * a memory cgroup would stay charged while it goes from one holder to the next.
 */
static bool is_ordinary(struct page *page)
{
	return !PageCompound(page) && !PageHWPoison(page) && !PageLRU(page) &&
	       !PageSlab(page) && !folio_mapped(page_folio(page)) && !page_has_type(page) &&
	       !page->mapping && !PagePrivate(page) &&
	       !lab_page_is_pool(page) && !lab_page_charged(page);
}

/* Tags the frozen frame; the page is the owner's after that. */
static int adopt_frozen(struct lab_call *call, unsigned long pfn)
{
	lab_tag_t tag = lab_tag_make(pfn, lab_owner_id(call->owner), LAB_CACHED) |
			stray_mark(call->owner, call->frame);

	if (page_is_pfmemalloc(lab_frame_page(call->frame)))
		tag |= LAB_TAG_EMERGENCY;
	if (!lab_owner_quota_take(call->owner, 1)) {
		lab_owner_fail(call->owner, LAB_FAIL_QUOTA);
		return -ENOSPC;
	}
	call->slot = lab_table_insert(&labyrinth_hot.table, tag);
	if (!call->slot) {
		lab_owner_quota_give(call->owner, 1);
		lab_owner_fail(call->owner, LAB_FAIL_TABLE);
		call->full = true;
		return -ENOSPC;
	}
	lab_frame_enter(call->frame);
	hand_over(call, tag);
	lab_owner_account(call->owner, 1);
	return 0;
}

/* Whether it can be adopted at all, and is not a Labyrinth page already. */
static int adoptable(struct lab_call *call, struct page *page)
{
	int err;

	if (!lab_page_valid(page)) {
		call->class = LAB_BAD_PAGE;
		return -EINVAL;
	}
	/* The table first: of a page that is tagged, no word is believed. */
	err = lab_call_page(call, lab_pfn_address(lab_page_pfn(page)));
	/* A page that the table does not know is just what is asked for. */
	if (call->slot)
		return err < 0 ? err : -EBUSY;
	call->class = LAB_BAD_PAGE;
	call->frame = lab_frame(page);
	if (PageCompound(page) || PageReserved(page) || !lab_pfn_fits(lab_page_pfn(page)))
		return -EINVAL;
	return is_ordinary(page) ? 0 : -EBUSY;
}

static int adopt_page(struct lab_call *call, struct page *page)
{
	int err = adoptable(call, page);
	unsigned long pfn;

	if (!err && lab_owner_is_sealed(call->owner))
		err = decline_sealed(call);
	if (err)
		return err;
	pfn = page_to_pfn(page);
	if (!lab_frame_freeze(call->frame, 1))
		return -EBUSY;
	/* Once more, now that nobody can make it anything else. */
	err = is_ordinary(page) ? adopt_frozen(call, pfn) : -EBUSY;
	lab_frame_thaw(call->frame, err ? 1 : LAB_REFS_EXCLUSIVE);
	if (!err)
		lab_step(LAB_OP_ADOPT, pfn, call->owner, call->ip);
	return err;
}

/**
 * labyrinth_adopt() - bring an ordinary page under ownership
 * @owner: who is to hold it.
 * @page: a page of order 0 as alloc_page() gives it without __GFP_ACCOUNT, to which
 *	nobody refers but the caller.
 *
 * After success the caller's reference is Labyrinth's, and the page is @owner's
 * as if it had been handed out by this call; after failure it is the caller's.
 *
 * Nobody may have the page mapped. A mapping into a process by vm_insert_page() and its
 * like is seen, and refused. A mapping by frame number (remap_pfn_range(),
 * vmf_insert_pfn()), by vmap() or for DMA leaves no trace in struct page: whoever made
 * it must have ended it, or the process, the kernel code or the device goes on to
 * reach a page that is exclusive now. The same is so of a page that was given to the page
 * allocator while such a mapping was left, and that an owner then gets from there.
 *
 * Context: Any. Never sleeps.
 * Return: the page's address; or ERR_PTR: -EPERM the page has an owner, and it is
 * another, or the caller is not the bound thread; -EBUSY it is @owner's
 * already, or mapped, or referred to, or on a list of the core's, or charged to a
 * memory cgroup; -EOPNOTSUPP @owner's pages are sealed; -ENOSPC the quota or the table is full; -EINVAL not a page of order 0
 * of system memory, or not a live owner's handle.
 */
void *labyrinth_adopt(struct labyrinth_owner *owner, struct page *page)
{
	struct lab_call call = {
		.op = LAB_OP_ADOPT, .handle = owner, .ip = _RET_IP_,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = adopt_page(&call, page);
	err = lab_call_end(&call, err);
	if (unlikely(call.full))
		lab_report_full();
	return err ? ERR_PTR(err) : page_address(page);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_adopt, LAB_NS);

/* NULL where more must be asked. */
static struct page *lend_quick(struct labyrinth_owner *owner, void *addr)
{
	struct lab_quick page;
	bool done;

	if (!lab_quick_find(owner, addr, LAB_HELD, &page) ||
	    unlikely(!lab_frame_freeze(page.frame, LAB_REFS_EXCLUSIVE)))
		return NULL;
	done = likely(lab_frame_is_clean(page.frame)) &&
	       lab_frame_is_at_home(page.frame, lab_tag_pfn(page.tag)) &&
	       lab_quick_commit(&page, LAB_LENT);
	if (likely(done))
		lab_frame_clear_type(page.frame);
	lab_frame_thaw(page.frame, done ? LAB_REFS_LENT : LAB_REFS_EXCLUSIVE);
	return done ? lab_frame_page(page.frame) : NULL;
}

/* A borrower sees what alloc_page() would have left in struct page. */
static void lend_frozen(struct lab_call *call)
{
	lab_frame_clear_type(call->frame);
	if (call->tag & LAB_TAG_EMERGENCY)
		WRITE_ONCE(call->frame->lru, LAB_FRAME_PFMEMALLOC);
}

/*
 * Puts a sealed page back into the direct map. That somebody strayed there just now is no
 * fault of the owner's.
 */
static int open_sealed(struct lab_call *call)
{
	if (!lab_owner_is_sealed(call->owner) || !lab_seal_open(lab_tag_pfn(call->tag)))
		return 0;
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	call->class = LAB_BUSY;
	call->silent = true;
	return -EBUSY;
}

static int lend_held(struct lab_call *call)
{
	int err = lab_call_freeze(call) ?: open_sealed(call);

	if (err)
		return err;
	if (!lab_call_commit(call, lab_tag_step(call->tag, LAB_LENT))) {
		lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
		return lab_call_again(call);
	}
	lend_frozen(call);
	lab_frame_thaw(call->frame, LAB_REFS_LENT);
	lab_step(LAB_OP_LEND, lab_tag_pfn(call->tag), call->owner, call->ip);
	return 0;
}

static noinline struct page *lend(struct labyrinth_owner *owner, void *addr,
				  unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_LEND, .handle = owner, .addr = addr, .ip = ip,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = lend_held(&call);
	err = lab_call_end(&call, err);
	return err ? ERR_PTR(err) : lab_frame_page(call.frame);
}

/**
 * labyrinth_lend() - let others read a page by reference
 * @owner: who holds it.
 * @addr: its address.
 *
 * After success the page is still @owner's, but an ordinary page in others' hands:
 * the one reference that is added is the borrower's, to be dropped with
 * put_page(), and the borrower may take more. The owner must not write to it, and
 * gets it back with labyrinth_reclaim().
 *
 * A sealed page is back in the direct map as long as it is lent, and for up to a second after
 * labyrinth_reclaim(). Where somebody has just strayed there, it is not reported, and the page
 * can be lent some milliseconds later.
 *
 * Context: Any. Never sleeps.
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as
 * labyrinth_free_page(); -EBUSY lent already, mapped, or something refers to it; or it is
 * sealed and was strayed to.
 */
struct page *labyrinth_lend(struct labyrinth_owner *owner, void *addr)
{
	struct page *page;

	preempt_disable();
	page = lend_quick(owner, addr);
	preempt_enable();
	return likely(page) ? page : lend(owner, addr, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_lend, LAB_NS);

/*
 * LENT -> HELD, of a frozen frame whose words have been put right. While it is frozen the
 * page stays LENT, but for a moment that repair() has the tag CACHED, unless release_lent
 * takes the tag: nothing of Labyrinth's may be left on the frame then. HELD is written
 * last, as in hand_over().
 */
static bool reclaim_frozen(struct lab_frame *frame, struct lab_slot *slot,
			   lab_tag_t lent, unsigned long ip)
{
	if (READ_ONCE(slot->tag) != lent)
		return false;
	lab_slot_note(slot, ip);
	lab_frame_set_type(frame);
	/* Pairs as in lab_call_commit(). */
	if (cmpxchg(&slot->tag, lent, lab_tag_step(lent, LAB_HELD)) == lent)
		return true;
	lab_frame_clear_type(frame);
	if (lab_tag_pfn(READ_ONCE(slot->tag)) != lab_tag_pfn(lent))
		lab_frame_clear(frame);
	return false;
}

/*
 * Whether the words of a frozen page that was lent are those that a borrower may change,
 * and the others as they must be.
 */
static bool is_clean_lent(const struct lab_frame *frame)
{
	return likely((READ_ONCE(frame->flags) & (LAB_FRAME_BAD_FLAGS | LAB_FRAME_MARK)) ==
		      LAB_FRAME_MARK && !READ_ONCE(frame->mapping) &&
		      READ_ONCE(frame->type) == LAB_TYPE_NONE);
}

/* Return: 0, -EBUSY, or 1 where more must be asked. */
static int reclaim_quick(struct labyrinth_owner *owner, void *addr,
			 unsigned long ip)
{
	struct lab_quick page;
	bool done;

	if (!lab_quick_find(owner, addr, LAB_LENT, &page))
		return 1;
	if (!lab_frame_freeze(page.frame, LAB_REFS_EXCLUSIVE))
		return lab_frame_refs(page.frame) > LAB_REFS_EXCLUSIVE ? -EBUSY : 1;
	done = is_clean_lent(page.frame) &&
	       lab_frame_is_at_home(page.frame, lab_tag_pfn(page.tag));
	if (likely(done)) {
		lab_frame_reset_words(page.frame);
		done = reclaim_frozen(page.frame, page.slot, page.tag, ip);
	}
	lab_frame_thaw(page.frame, LAB_REFS_EXCLUSIVE);
	return done ? 0 : 1;
}

static int reclaim_lent(struct lab_call *call)
{
	bool done;
	int err;

	if (lab_tag_state(call->tag) == LAB_HELD)
		return lab_call_exclusive(call);
	err = lab_call_freeze(call);
	if (err)
		return err;
	done = reclaim_frozen(call->frame, call->slot, call->tag, call->ip);
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	if (!done)
		return lab_call_again(call);
	lab_step(LAB_OP_RECLAIM, lab_tag_pfn(call->tag), call->owner, call->ip);
	if (lab_owner_is_sealed(call->owner))
		lab_seal_kick();
	return 0;
}

static noinline int reclaim(struct labyrinth_owner *owner, void *addr,
			    unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RECLAIM, .handle = owner, .addr = addr, .ip = ip,
		.silent = true,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = reclaim_lent(&call);
	return lab_call_end(&call, err);
}

/**
 * labyrinth_reclaim() - take a lent page back
 * @owner: who lent it.
 * @addr: its address.
 *
 * After success only @owner holds the page again. Of a page that is not lent
 * it asks only whether that is so.
 *
 * A borrower's mapping by frame number (remap_pfn_range(), vmf_insert_pfn()), by
 * vmap() or for DMA has no reference and leaves no trace in struct page. It outlives
 * the loan: 0 means that no reference is left, not that nothing reaches the page.
 * With guard=refuse mappings into processes by frame number are refused while the
 * page is LENT.
 *
 * Context: Any. Never sleeps.
 * Return: 0; -EBUSY somebody still has a reference, or it is mapped: try again later,
 * nothing is reported; -EPERM, -ENOENT, -EINVAL as labyrinth_free_page().
 */
int labyrinth_reclaim(struct labyrinth_owner *owner, void *addr)
{
	int err;

	preempt_disable();
	err = reclaim_quick(owner, addr, _RET_IP_);
	preempt_enable();
	return likely(err <= 0) ? err : reclaim(owner, addr, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_reclaim, LAB_NS);

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

/**
 * labyrinth_page() - the struct page of an owner's page
 * @owner: who holds it.
 * @addr: its address.
 *
 * What virt_to_page() is for other memory: of a sealed page that would be wrong. The struct
 * page is to be left as it is. To map the page, or to let others have it, there are calls.
 *
 * Context: Any. Never sleeps.
 * Return: the struct page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as labyrinth_free_page().
 */
struct page *labyrinth_page(struct labyrinth_owner *owner, const void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_PAGE, .handle = owner, .addr = addr, .ip = _RET_IP_,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	err = lab_call_end(&call, err);
	return err ? ERR_PTR(err) : lab_frame_page(call.frame);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_page, LAB_NS);

static void fill_info(const struct lab_glance *glance, struct labyrinth_page_info *info)
{
	const struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(glance->tag));
	bool out = lab_tag_state(glance->tag) != LAB_CACHED;

	*info = (struct labyrinth_page_info) {
		.pfn = lab_tag_pfn(glance->tag),
		.state = (enum labyrinth_page_state)lab_tag_state(glance->tag),
		.owner_id = lab_tag_owner(glance->tag),
		.refs = lab_frame_refs(lab_frame_of_tag(glance->tag)),
		.age_ms = out ? lab_when_age_ms(glance->when) : 0,
		.site = glance->site,
		.sealed = lab_owner_is_sealed(owner) &&
			  lab_seal_is_closed(lab_tag_pfn(glance->tag)),
	};
	memcpy(info->owner, owner->name, LABYRINTH_NAME_LEN);
	memcpy(info->module, owner->module_name, LABYRINTH_NAME_LEN);
}

/**
 * labyrinth_query() - say what is known of a page
 * @addr: an address; any value at all.
 * @info: where the answer goes; untouched on failure.
 *
 * A copy, consistent in itself: it was true at some moment during the call.
 *
 * Context: Any, also in NMI and in a panic. Never sleeps or waits, reports
 * nothing.
 * Return: 0; -ENOENT no Labyrinth page; -EINVAL @info is NULL, or @addr is NULL,
 * not page-aligned or not an address of the direct map.
 */
int labyrinth_query(const void *addr, struct labyrinth_page_info *info)
{
	struct labyrinth_page_info copy;
	struct lab_glance glance;
	struct lab_slot *slot;
	lab_tag_t tag;

	if (!info)
		return -EINVAL;
	/* The loop ends when nobody changes the tag while it is copied. */
	while ((slot = lab_call_search(addr, &tag))) {
		glance = lab_slot_glance(slot);
		if (glance.tag != tag)
			continue;
		fill_info(&glance, &copy);
		/* Pairs with the release by which the slot gets its next tag. */
		smp_rmb();
		if (likely(READ_ONCE(slot->tag) == tag)) {
			*info = copy;
			return 0;
		}
	}
	return lab_address_valid(addr) ? -ENOENT : -EINVAL;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_query, LAB_NS);
