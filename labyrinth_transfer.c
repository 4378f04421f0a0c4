// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that change hands: from owner to owner, out of Labyrinth, into Labyrinth. No state is
 * owned here. The top of labyrinth_alloc.c says which calls can race.
 */
#include <linux/mm.h>
#include <linux/module.h>

#include "core/context.h"
#include "core/table.h"
#include "inline/address.h"
#include "map/dma.h"
#include "map/take_back.h"
#include "page/lend.h"
#include "page/resident.h"
#include "page/stamp.h"
#include "report/trace.h"

/* A page that comes from elsewhere may be of another node than the new owner asked for. */
static lab_tag_t remote_mark(const struct lab_owner *owner, struct lab_frame *frame)
{
	return lab_owner_is_near(owner, lab_frame_page(frame)) ? 0 : LAB_TAG_REMOTE;
}

/* The marks of a page that the next owner must know of: see inline/tag.h. */
static lab_tag_t marks_for(const struct lab_call *call, const struct lab_owner *heir)
{
	lab_tag_t kept = LAB_TAG_EMERGENCY | (lab_owner_is_sealed(heir) ? LAB_TAG_REMOTE : 0);

	return (call->tag & kept) | remote_mark(heir, call->frame);
}

/*
 * Hands out the page of a frozen frame that @call just tagged CACHED, as @tag. The page is on
 * no list, so no other code writes the tag. A free may be under way that read HELD in the
 * page's former life. That free cannot take the page before the notes are written: HELD is
 * written last.
 */
static void hand_over(const struct lab_call *call, lab_tag_t tag)
{
	lab_slot_note(call->slot, call->ip);
	lab_stamp_note(lab_owner_by_id(lab_tag_owner(tag)), call->slot);
	/* Pairs with the compare-and-exchange of such a free, as in hand_out(). */
	smp_store_release(&call->slot->tag, lab_tag_step(tag, LAB_HELD));
}

/* Whether a page of @from's is mapped right for @to as it is. */
static bool is_mapped_alike(const struct lab_owner *from, const struct lab_owner *to)
{
	return lab_owner_is_dma(from) && lab_owner_is_dma(to) && from->dev == to->dev &&
	       from->dma_dir == to->dma_dir;
}

/* The page is the heir's: changes the mapping. What is left over is ended after the call. */
static void exchange_mappings(struct lab_call *call, const struct lab_owner *heir)
{
	if (is_mapped_alike(call->owner, heir))
		return;
	call->dma = lab_resident_of(call->owner, call->slot);
	if (lab_owner_is_dma(heir))
		lab_resident_enter(call->slot, call->frame, call->fresh);
	call->fresh = LAB_DMA_NONE;
}

static void take_from_heir(const struct lab_call *call, struct lab_owner *heir)
{
	lab_owner_lose(heir, call->slot);
	lab_owner_quota_give(heir, 1);
}

/*
 * The stamp is looked at when the page is on no list and the call's alone: a hand-out may have
 * looked at the count before the freeze, and write the stamp after that.
 */
static int transfer_frozen(struct lab_call *call, struct lab_owner *heir)
{
	lab_tag_t tag = lab_tag_make(lab_tag_pfn(call->tag),
				     lab_owner_id(heir), LAB_CACHED) |
			marks_for(call, heir);
	int err;

	if (!lab_owner_quota_take(heir, 1)) {
		lab_owner_fail(heir, LAB_FAIL_QUOTA);
		return -ENOSPC;
	}
	lab_owner_gain(heir, call->slot);
	if (!lab_call_commit(call, tag)) {
		take_from_heir(call, heir);
		return lab_call_again(call);
	}
	err = lab_stamp_check(call);
	if (unlikely(err)) {
		/* Pairs with the compare-and-exchange of the next call, as in free_held(). */
		smp_store_release(&call->slot->tag, call->tag);
		take_from_heir(call, heir);
		return err;
	}
	exchange_mappings(call, heir);
	hand_over(call, tag);
	lab_owner_lose(call->owner, call->slot);
	lab_owner_quota_give(call->owner, 1);
	return 0;
}

/* A page is sealed, or is not, as long as it is Labyrinth's. */
static int decline_sealed(struct lab_call *call)
{
	call->class = LAB_SEALED;
	return -EOPNOTSUPP;
}

/* The mapping of a page would have to be made or ended, which takes a lock. */
static int decline_context(struct lab_call *call)
{
	call->class = LAB_BAD_MAPPING;
	return -EINVAL;
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
		return lab_call_await(call);
	if (lab_owner_is_sealed(heir) != lab_owner_is_sealed(call->owner))
		return decline_sealed(call);
	if (lab_owner_is_dma(heir) && !is_mapped_alike(call->owner, heir) &&
	    call->fresh & LAB_DMA_GONE)
		return -ENOMEM;
	err = lab_call_freeze(call);
	if (err)
		return err;
	err = transfer_frozen(call, heir);
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	if (!err)
		lab_step_transfer(lab_tag_pfn(call->tag), call->owner, heir, call->ip);
	return err;
}

/*
 * Asks whether @to can take a page, before the page is taken away from a process. Return: 0,
 * -EINVAL, -ENOSPC, -EOPNOTSUPP.
 */
static int ask_heir(struct lab_call *call, struct labyrinth_owner *to)
{
	struct lab_owner *heir = find_heir(call, to);

	if (!heir)
		return -EINVAL;
	if (lab_owner_is_sealed(heir) != lab_owner_is_sealed(call->owner))
		return decline_sealed(call);
	if (heir == call->owner || !lab_owner_quota_full(heir))
		return 0;
	lab_owner_fail(heir, LAB_FAIL_QUOTA);
	return -ENOSPC;
}

static int transfer_page(struct lab_call *call, struct labyrinth_owner *to)
{
	int err = lab_call_begin(call);

	if (!err)
		err = lab_call_page(call, call->addr);
	if (err >= 0 || lab_call_is_mapped(call, err))
		err = lab_stamp_check(call) ?: err;
	if (lab_call_is_mapped(call, err))
		err = ask_heir(call, to) ?: lab_call_take_back(call);
	if (err >= 0)
		err = transfer_held(call, to);
	return lab_call_end(call, err);
}

/*
 * Whether a transfer makes or ends a mapping. A wrong handle is for the call to find. No page of a
 * sealed owner is mapped: such a transfer is refused, and to fill a bounce buffer would be an
 * access that strays.
 */
static bool wants_mapping(const struct lab_owner *from, const struct lab_owner *to)
{
	return from && to && (lab_owner_is_dma(from) || lab_owner_is_dma(to)) &&
	       !lab_owner_is_sealed(from) && !lab_owner_is_sealed(to) &&
	       !is_mapped_alike(from, to);
}

/* Maps the page for @to, if the page is @from's, and not mapped so already. */
static u64 map_for_heir(const struct lab_owner *from, const struct lab_owner *to,
			const void *addr)
{
	lab_tag_t tag = 0;

	if (!wants_mapping(from, to))
		return LAB_DMA_NONE;
	lab_call_search(addr, &tag);
	if (!tag || lab_tag_owner(tag) != lab_owner_id(from) || lab_tag_state(tag) != LAB_HELD)
		return LAB_DMA_NONE;
	return lab_dma_map_resident(to, lab_frame_page(lab_frame_of_tag(tag)));
}

/* Whether @heir can have a page of @owner's: a look, which counts no failure. */
static bool may_inherit(const struct lab_owner *owner, const struct lab_owner *heir)
{
	return heir && lab_owner_is_sealed(heir) == lab_owner_is_sealed(owner) &&
	       (heir == owner || !lab_owner_quota_full(heir));
}

/*
 * Takes the page away from a process that has the page mapped, which may sleep: before RCU is
 * held. Errors are the call's to find: a page that the call will refuse stays with the process. But
 * that the process stands in the way is known here alone, see lab_call_take_back().
 * @to is the next owner's handle, of a transfer.
 */
static void take_from_process(struct lab_call *call, const struct labyrinth_owner *to)
{
	struct lab_call first = *call;
	int err = lab_call_begin(&first);

	if (!err)
		err = lab_call_page(&first, first.addr);
	if (lab_call_is_mapped(&first, err) && !lab_stamp_check(&first) &&
	    (call->op != LAB_OP_TRANSFER || may_inherit(first.owner, lab_owner_get(to))))
		lab_call_take_back(&first);
	call->silent = first.silent;
	preempt_enable();
}

/*
 * A transfer from or to an owner whose pages stay mapped. The mapping is made before the call
 * and ended after it, where preemption is as the caller had it; RCU keeps both owners.
 */
static int transfer_resident(struct lab_call *call, struct labyrinth_owner *to)
{
	struct lab_owner *from, *heir;
	int err;

	take_from_process(call, to);
	rcu_read_lock();
	from = lab_owner_get(call->handle);
	heir = lab_owner_get(to);
	if (!lab_may_lock() && wants_mapping(from, heir)) {
		err = lab_call_refuse(call, LAB_BAD_MAPPING);
	} else {
		call->fresh = map_for_heir(from, heir, call->addr);
		err = transfer_page(call, to);
		if (heir)
			lab_resident_unmap(heir, call->fresh);
		if (from)
			lab_resident_unmap(from, call->dma);
	}
	rcu_read_unlock();
	return err;
}

static int transfer_for(struct lab_call *call, struct labyrinth_owner *to)
{
	u16 flags = lab_front_of(call->handle)->flags | lab_front_of(to)->flags;

	return unlikely(flags & LABYRINTH_OWNER_DMA) ? transfer_resident(call, to) :
						       transfer_page(call, to);
}

/**
 * labyrinth_transfer() - make a page another owner's
 * @from: the holder of the page.
 * @to: the next holder; may be bound to another thread than the caller.
 * @addr: the page's address.
 *
 * After success the page is @to's, as if handed out by this call; after failure the page is
 * still @from's.
 *
 * A process that has the page mapped loses the mapping. If the caller may not sleep, the result
 * is -EBUSY instead. If the process itself just changes mappings, unmaps the page or ends, the
 * result is -EBUSY too, and not reported: try again. So it is of a sealed page that a worker is
 * about to seal again. A kernel that does not count preemption
 * (CONFIG_PREEMPT_COUNT) cannot tell whether a caller may sleep: there, a page that a process
 * has mapped is always -EBUSY.
 *
 * Context: Any. Sleeps no more than labyrinth_free_page().
 * Return: 0; -EPERM the page has another owner, or the caller is not the thread
 * that @from is bound to; -ENOENT no Labyrinth page, or freed before; -EBUSY lent,
 * mapped, POSTED, or something refers to the page; -ENOSPC @to's quota is used up;
 * -ENOMEM @to's pages stay mapped, and there is no room for the mapping; -EOPNOTSUPP either
 * owner has sealed pages and the other has not; -EINVAL as labyrinth_free_page(), of either
 * handle, or the pages of either owner stay mapped, and this context does not allow
 * labyrinth_dma_map().
 */
int labyrinth_transfer(struct labyrinth_owner *from,
		       struct labyrinth_owner *to, void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_TRANSFER, .handle = from, .addr = addr,
		.ip = _RET_IP_, .dma = LAB_DMA_NONE, .fresh = LAB_DMA_NONE,
	};

	return transfer_for(&call, to);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_transfer, LAB_NS);

/**
 * labyrinth_transfer_stamped() - make a page another owner's, if the hand-out is the one meant
 * @from: the holder of the page, made with %LABYRINTH_OWNER_STAMPED.
 * @to: the next holder.
 * @addr: the page's address.
 * @stamp: as labyrinth_stamp() told after the page was handed out to @from.
 *
 * As labyrinth_transfer(); but if the page was handed out again to @from since, nothing changes,
 * and the report names both ends. For @to the page has a new stamp.
 *
 * Context: As labyrinth_transfer().
 * Return: as labyrinth_transfer(); or -ESTALE the page has been handed out again since.
 */
int labyrinth_transfer_stamped(struct labyrinth_owner *from, struct labyrinth_owner *to,
			       void *addr, u32 stamp)
{
	struct lab_call call = {
		.op = LAB_OP_TRANSFER, .handle = from, .addr = addr, .ip = _RET_IP_,
		.stamped = true, .stamp = stamp, .dma = LAB_DMA_NONE, .fresh = LAB_DMA_NONE,
	};

	return transfer_for(&call, to);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_transfer_stamped, LAB_NS);

static int untag_held(struct lab_call *call)
{
	int err = lab_call_freeze(call);

	if (err)
		return err;
	call->dma = lab_resident_of(call->owner, call->slot);
	/* The type goes before the tag, as in untag_page() of page/limbo.c. */
	lab_frame_clear_type(call->frame);
	if (!lab_table_remove(&labyrinth_hot.table, call->slot, call->tag)) {
		call->dma = LAB_DMA_NONE;
		lab_frame_set_type(call->frame);
		lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
		return lab_call_again(call);
	}
	lab_frame_clear(call->frame);
	lab_frame_thaw(call->frame, 1);
	return 0;
}

/* Whether a page of the owner's may leave at all: asked before a process loses the page. */
static int ask_release(struct lab_call *call)
{
	if (lab_owner_is_sealed(call->owner))
		return decline_sealed(call);
	if (lab_owner_is_dma(call->owner) && !call->may_lock)
		return decline_context(call);
	return 0;
}

static int release_page(struct lab_call *call)
{
	int err = lab_tag_state(call->tag) == LAB_LENT ? lab_lend_untag(call) : untag_held(call);

	if (err)
		return err;
	lab_owner_lose(call->owner, call->slot);
	lab_owner_quota_give(call->owner, 1);
	lab_step(LAB_OP_RELEASE, lab_tag_pfn(call->tag), call->owner, call->ip);
	return 0;
}

static int release_page_of(struct lab_call *call)
{
	int err = lab_call_begin(call);

	if (!err)
		err = lab_call_page(call, call->addr);
	if (err >= 0 || lab_call_is_mapped(call, err))
		err = ask_release(call) ?: err;
	if (lab_call_is_mapped(call, err))
		err = lab_call_take_back(call);
	if (err >= 0)
		err = release_page(call);
	return lab_call_end(call, err);
}

/* Of an owner whose pages stay mapped: as transfer_resident(). */
static int release_resident(struct lab_call *call)
{
	int err;

	take_from_process(call, NULL);
	rcu_read_lock();
	call->may_lock = lab_may_lock();
	err = release_page_of(call);
	if (call->owner)
		lab_resident_unmap(call->owner, call->dma);
	rcu_read_unlock();
	return err;
}

static struct page *release_for(struct lab_call *call)
{
	int err = unlikely(lab_front_of(call->handle)->flags & LABYRINTH_OWNER_DMA) ?
		  release_resident(call) : release_page_of(call);

	return err ? ERR_PTR(err) : lab_frame_page(call->frame);
}

/**
 * labyrinth_release() - take a page out of Labyrinth
 * @owner: the holder of the page.
 * @addr: the page's address.
 *
 * After success the page is an ordinary page with a single reference, the caller's, to be
 * dropped with put_page() or __free_page(). After failure the page is still @owner's, or as
 * before. For a page that a process has mapped, as labyrinth_transfer().
 *
 * Context: Any. Sleeps no more than labyrinth_free_page().
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EBUSY, -EINVAL as labyrinth_free_page();
 * -EBUSY also if something refers to the page; -EOPNOTSUPP it is sealed; -EINVAL also if
 * @owner's pages stay mapped, and this context does not allow labyrinth_dma_unmap().
 */
struct page *labyrinth_release(struct labyrinth_owner *owner, void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_RELEASE, .handle = owner, .addr = addr,
		.ip = _RET_IP_, .dma = LAB_DMA_NONE,
	};

	return release_for(&call);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_release, LAB_NS);

/**
 * labyrinth_release_lent() - take a page out of Labyrinth that borrowers refer to
 * @owner: the owner that lent the page.
 * @addr: the page's address.
 *
 * For borrowers that keep a page too long. After success the page is an ordinary page, with
 * the borrowers' references and a further reference, the caller's, to be dropped with
 * put_page(). The last put_page() frees the page. After failure the page's owner is the same
 * as before. For a page that is not lent, or no longer, as labyrinth_release().
 *
 * Context: Any. Sleeps no more than labyrinth_free_page().
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as labyrinth_free_page(); -EBUSY
 * mapped, POSTED, lent with buffers still out, or not lent and something refers to the page;
 * -EOPNOTSUPP @owner's pages are sealed; -EINVAL also as labyrinth_release().
 */
struct page *labyrinth_release_lent(struct labyrinth_owner *owner, void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_RELEASE_LENT, .handle = owner, .addr = addr,
		.ip = _RET_IP_, .dma = LAB_DMA_NONE,
	};

	return release_for(&call);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_release_lent, LAB_NS);

/*
 * Whether alloc_page() could have given @page to the caller: on no list of the core's, mapped
 * nowhere, nobody's buffer or pool. A page that is charged to a memory cgroup would stay
 * charged as the page goes from holder to holder.
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
			remote_mark(call->owner, call->frame);

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
	WRITE_ONCE(call->slot->last, 0);
	if (lab_owner_is_dma(call->owner))
		lab_resident_enter(call->slot, call->frame, call->fresh);
	call->fresh = LAB_DMA_NONE;
	hand_over(call, tag);
	lab_owner_gain(call->owner, call->slot);
	return 0;
}

/* Whether @page can be adopted at all, and is not a Labyrinth page already. */
static int adoptable(struct lab_call *call, struct page *page)
{
	int err;

	if (!lab_page_valid(page)) {
		call->class = LAB_BAD_PAGE;
		return -EINVAL;
	}
	/* The table first: no word of a tagged page's struct page is believed. */
	err = lab_call_page(call, lab_pfn_address(lab_page_pfn(page)));
	/* Only a page that the table does not know may be adopted. */
	if (call->slot)
		return err < 0 ? err : -EBUSY;
	call->class = LAB_BAD_PAGE;
	call->frame = lab_frame(page);
	if (PageCompound(page) || PageReserved(page) || !lab_pfn_fits(lab_page_pfn(page)))
		return -EINVAL;
	return is_ordinary(page) ? 0 : -EBUSY;
}

/* The core may refer to the page just now. */
static bool claim_single(struct lab_frame *frame)
{
	unsigned int tries = LAB_MOMENT_TRIES;

	while (unlikely(!lab_frame_freeze(frame, 1))) {
		if (!--tries)
			return false;
		cpu_relax();
	}
	return true;
}

static int adopt_page(struct lab_call *call, struct page *page)
{
	int err = adoptable(call, page);
	unsigned long pfn;
	lab_tag_t tag;

	if (!err && lab_owner_is_sealed(call->owner))
		err = decline_sealed(call);
	if (!err && lab_owner_is_dma(call->owner) && call->fresh & LAB_DMA_GONE)
		err = call->may_lock ? -ENOMEM : decline_context(call);
	if (err)
		return err;
	pfn = page_to_pfn(page);
	if (!claim_single(call->frame))
		return -EBUSY;
	/*
	 * Once more, now that no other user can take the page. A thin page of Labyrinth's, lent and
	 * come back, looks like an ordinary page.
	 */
	if (is_ordinary(page) && !lab_table_search(&labyrinth_hot.table, pfn, &tag))
		err = adopt_frozen(call, pfn);
	else
		err = -EBUSY;
	lab_frame_thaw(call->frame, err ? 1 : LAB_REFS_EXCLUSIVE);
	if (!err)
		lab_step(LAB_OP_ADOPT, pfn, call->owner, call->ip);
	return err;
}

/* Maps the page, unless adopt_page() will refuse the page anyway. */
static void map_for_adopt(struct lab_call *call, struct page *page)
{
	const struct lab_owner *owner = lab_owner_get(call->handle);
	lab_tag_t tag;

	call->may_lock = lab_may_lock();
	if (!owner || !call->may_lock || !lab_page_valid(page) ||
	    lab_table_search(&labyrinth_hot.table, lab_page_pfn(page), &tag) ||
	    PageReserved(page) || !is_ordinary(page))
		return;
	call->fresh = lab_resident_map(owner, page);
}

/**
 * labyrinth_adopt() - bring an ordinary page under ownership
 * @owner: the next holder.
 * @page: a page of order 0, as from alloc_page() without __GFP_ACCOUNT, to which
 *	nobody refers but the caller.
 *
 * After success the caller's reference is Labyrinth's, and the page is @owner's as if handed
 * out by this call; after failure the page is the caller's.
 *
 * Nobody may have the page mapped. A mapping into a process by vm_insert_page() or the
 * like is seen, and refused. A mapping by frame number (remap_pfn_range(),
 * vmf_insert_pfn()), by vmap() or for DMA leaves no trace in struct page. Such a mapping must
 * have ended, or the process, the kernel code or the device goes on to reach a page that is
 * exclusive now. The same holds for a page that was given to the page allocator while such a
 * mapping was left, and that an owner then gets from there.
 *
 * Context: Any. Never sleeps.
 * Return: the page's address; or ERR_PTR: -EPERM the page has another owner,
 * or the caller is not the bound thread; -EBUSY the page is @owner's
 * already, or mapped, or referred to, or on a list of the core's, or charged to a
 * memory cgroup; -EOPNOTSUPP @owner's pages are sealed; -ENOSPC the quota or the table is
 * full; -ENOMEM @owner's pages stay mapped, and there is no room for the mapping; -EINVAL not a
 * page of order 0 of system memory, or not a live owner's handle, or @owner's pages stay mapped,
 * and this context does not allow labyrinth_dma_map().
 */
void *labyrinth_adopt(struct labyrinth_owner *owner, struct page *page)
{
	struct lab_call call = {
		.op = LAB_OP_ADOPT, .handle = owner, .ip = _RET_IP_, .fresh = LAB_DMA_NONE,
	};
	int err;

	/* As in transfer_resident(). */
	rcu_read_lock();
	if (unlikely(lab_front_of(owner)->flags & LABYRINTH_OWNER_DMA))
		map_for_adopt(&call, page);
	err = lab_call_begin(&call);
	if (!err)
		err = adopt_page(&call, page);
	err = lab_call_end(&call, err);
	/* Also if the owner has gone since the page was mapped: RCU keeps the device. */
	lab_resident_unmap(lab_owner_slot(owner), call.fresh);
	rcu_read_unlock();
	if (unlikely(call.full))
		lab_report_full();
	return err ? ERR_PTR(err) : page_address(page);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_adopt, LAB_NS);
