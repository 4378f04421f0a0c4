// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers of owners whose pages stay mapped. No state is owned here: a call changes the
 * tag of a page, page/resident.c has the mappings, page/lent.c the queue of lent pages.
 * inline/rx.h has the same calls for a SINGLE owner, when each check gives the common answer.
 * page/frag.c has the buffers that are parts of pages.
 *
 * A buffer is POSTED from labyrinth_rx_get() to labyrinth_rx_give() or labyrinth_rx_put(), and
 * meanwhile the device may write to the buffer at any moment. So every other call is -EBUSY.
 *
 * As in map/dma.c, RCU keeps the owner alive here, and preemption stays as the caller had it.
 * Two calls about the same buffer race as two frees do: one compare-and-exchange of the tag
 * wins. read and again change no tag; beside a give or put of the same buffer, which is the
 * driver's mistake, either may come first.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "core/context.h"
#include "core/table.h"
#include "labyrinth_alloc.h"
#include "map/dma.h"
#include "page/cache.h"
#include "page/frag.h"
#include "page/home.h"
#include "page/lend.h"
#include "page/lent.h"
#include "page/limbo.h"
#include "page/poison.h"
#include "page/resident.h"
#include "report/trace.h"

/* The functions are defined here, not the inline forms. */
#undef labyrinth_rx_get
#undef labyrinth_rx_read
#undef labyrinth_rx_again
#undef labyrinth_rx_give
#undef labyrinth_rx_put
#undef labyrinth_void_alloc_page_gfp_atomic_exclusive
#undef labyrinth_free_page

/**
 * lab_rx_sync() - give a buffer to the processor or the device
 * @handle: a SINGLE owner's handle.
 * @dma: the buffer's address for the device, with LAB_DMA_*.
 * @offset: where in the buffer.
 * @len: how many bytes.
 * @for_cpu: to the processor; else to the device.
 *
 * For inline/rx.h, not for drivers.
 *
 * Context: Any.
 * Return: false if the buffer is not mapped.
 */
bool lab_rx_sync(const struct labyrinth_owner *handle, u64 dma, size_t offset, size_t len,
		 bool for_cpu)
{
	lab_resident_sync(lab_owner_slot(handle), dma, offset, len, for_cpu);
	return !(dma & LAB_DMA_GONE);
}
EXPORT_SYMBOL_NS_GPL(lab_rx_sync, LAB_NS);

/**
 * lab_rx_put_aside() - move the first entry of a queue of lent pages to the end
 * @rx: of a SINGLE owner; the queue is not empty.
 * @lent: the tag of a page that is still lent, but for R and E (see inline/tag.h).
 *
 * The entry of a page that is not lent any more is dropped. For inline/rx.h, not for drivers: the
 * entry is no argument, so that the caller's copy of the entry stays in registers.
 *
 * Context: Any.
 */
void lab_rx_put_aside(struct lab_rx *rx, lab_tag_t lent)
{
	struct lab_cached page = rx->lent[rx->tail++ & rx->mask];
	lab_tag_t tag = READ_ONCE(page.slot->tag);

	if ((tag & ~(LAB_TAG_REMOTE | LAB_TAG_EMERGENCY)) == lent)
		rx->lent[rx->head++ & rx->mask] = page;
}
EXPORT_SYMBOL_NS_GPL(lab_rx_put_aside, LAB_NS);

/* Whether buffer calls are allowed in this context: they take the DMA API's locks. */
static int check_context(struct lab_call *call)
{
	if (likely(lab_may_lock()))
		return 0;
	call->class = LAB_BAD_MAPPING;
	return -EINVAL;
}

static int begin(struct lab_call *call)
	__acquires(RCU)
{
	int err = lab_call_begin_rcu(call) ?: check_context(call);

	return err ?: lab_call_page(call, call->addr);
}

/* Maps a page again that was unmapped while lent. */
static int remap_page(struct lab_call *call)
{
	struct lab_resident *resident = lab_resident_at(call->slot);

	if (likely(!(resident->dma & LAB_DMA_GONE)))
		return 0;
	WRITE_ONCE(resident->dma, lab_dma_map_resident(call->owner,
						       lab_frame_page(call->frame)));
	return resident->dma & LAB_DMA_GONE ? -ENOMEM : 0;
}

/* HELD -> POSTED for the page of @call, which was just handed out. */
static int post_held(struct lab_call *call, dma_addr_t *dma)
{
	int err = remap_page(call) ?: lab_call_await(call);
	u64 addr;

	if (err)
		return err;
	addr = lab_resident_at(call->slot)->dma;
	lab_resident_sync(call->owner, addr, 0, PAGE_SIZE, false);
	lab_slot_note(call->slot, call->ip);
	if (!lab_call_commit(call, lab_tag_step(call->tag, LAB_POSTED)))
		return lab_call_again(call);
	*dma = addr & ~LAB_DMA_BITS;
	lab_step(LAB_OP_RX_GET, lab_tag_pfn(call->tag), call->owner, call->ip);
	return 0;
}

static int post(struct labyrinth_owner *owner, void *addr, dma_addr_t *dma, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RX_GET, .handle = owner, .addr = addr, .ip = ip, .silent = true,
	};
	int err = begin(&call);

	if (err >= 0)
		err = post_held(&call, dma);
	return lab_call_end_rcu(&call, err);
}

/* A page of @handle's that was lent and has come back, HELD; or NULL. */
static void *take_back(struct labyrinth_owner *handle, unsigned long ip)
{
	struct lab_owner *owner;
	void *addr = NULL;

	rcu_read_lock();
	owner = lab_owner_get(handle);
	if (likely(owner && lab_owner_may_use(owner))) {
		lab_cache_serve(owner);
		addr = lab_home_take_back(owner, ip);
	}
	rcu_read_unlock();
	return addr;
}

/* Puts the page away, which is CACHED now, on no list and so this call's alone. */
static void put_away(struct lab_call *call, bool referred)
{
	if (unlikely(referred || lab_tag_is_passing(call->tag))) {
		lab_retire(call->owner, call->slot, referred);
		return;
	}
	preempt_disable();
	lab_cache_push(call->owner, call->slot);
	preempt_enable();
}

/* As free_held() of labyrinth_alloc.c. */
static int put_posted(struct lab_call *call)
{
	int err = lab_call_await(call);
	bool referred = err == -EBUSY && call->class == LAB_BUSY &&
			lab_tag_state(call->tag) == LAB_POSTED;

	if (unlikely(err && !referred))
		return err;
	if (unlikely(!lab_call_commit(call, lab_tag_step(call->tag, LAB_CACHED))))
		return lab_call_again(call);
	WRITE_ONCE(call->slot->last,
		   lab_last_make(LAB_LAST_FREE, lab_context_now() + 1, call->ip));
	if (!referred)
		lab_poison_cached(call->slot);
	lab_owner_quota_give(call->owner, 1);
	lab_step(LAB_OP_RX_PUT, lab_tag_pfn(call->tag), call->owner, call->ip);
	put_away(call, referred);
	return 0;
}

static int put_buffer(struct lab_call *call)
{
	int err = begin(call);

	if (err >= 0)
		err = put_posted(call);
	err = lab_call_end_rcu(call, err);
	if (!err)
		lab_cache_trim(lab_owner_slot(call->handle), call->handle);
	return err;
}

/* Puts a page that was POSTED as a whole. */
static void put_page_posted(struct labyrinth_owner *owner, void *addr, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RX_PUT, .handle = owner, .addr = addr, .ip = ip,
	};

	put_buffer(&call);
}

/* The inline form, some times: each time another page is the one that was lent longest. */
static void *get_single(struct labyrinth_owner *owner, dma_addr_t *dma, unsigned long ip)
{
	struct lab_front *front = lab_front_of(owner);
	unsigned int tries = LAB_LENT_TRIES;
	void *buf = NULL;

	while (lab_handle_is(&front->rx.handle, owner) && !buf && tries--)
		buf = lab_rx_get_single(owner, front, ip, dma);
	return buf;
}

/* A page, POSTED, and its address for the device in @dma; or NULL. */
static void *get_page_posted(struct labyrinth_owner *owner, dma_addr_t *dma, unsigned long ip)
{
	void *addr = take_back(owner, ip) ?:
		     (labyrinth_void_alloc_page_gfp_atomic_exclusive)(owner);

	if (addr && post(owner, addr, dma, ip)) {
		labyrinth_free_page(owner, addr);
		addr = NULL;
	}
	return addr;
}

/* Whether @handle's owner, if alive, has buffers that are parts of pages. */
static bool has_frags(const struct labyrinth_owner *handle)
{
	return lab_front_of(handle)->frag_shift;
}

/* Whether @handle is of a SINGLE owner with such buffers, whose calls only pop or push. */
static bool has_single_frags(const struct labyrinth_owner *handle)
{
	return lab_handle_is(&lab_front_of(handle)->rx.frag_handle, handle);
}

/*
 * A buffer that is part of a page. If another CPU has opened a page meanwhile, that page's buffers
 * come first.
 */
static void *get_frag(struct labyrinth_owner *owner, dma_addr_t *dma, unsigned long ip)
{
	void *buf = NULL, *page;
	dma_addr_t whole;

	while (!buf) {
		buf = lab_frag_next(owner, dma, ip);
		page = buf ? NULL : get_page_posted(owner, &whole, ip);
		if (!page)
			break;
		if (!lab_frag_open(owner, page))
			put_page_posted(owner, page, ip);
	}
	return buf;
}

/* Whether @handle's owner, if alive, has receive buffers. */
static bool has_buffers(const struct labyrinth_owner *handle)
{
	return lab_front_of(handle)->flags & LABYRINTH_OWNER_DMA;
}

static void *refuse_get(struct labyrinth_owner *owner, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RX_GET, .handle = owner, .ip = ip,
	};

	lab_call_refuse(&call, LAB_BAD_MAPPING);
	return NULL;
}

static noinline void *get_slow(struct labyrinth_owner *owner, dma_addr_t *dma, unsigned long ip)
{
	void *buf;

	if (unlikely(!dma || !has_buffers(owner) || !lab_may_lock()))
		return refuse_get(owner, ip);
	buf = get_single(owner, dma, ip);
	if (likely(buf))
		return buf;
	return has_frags(owner) ? get_frag(owner, dma, ip) : get_page_posted(owner, dma, ip);
}

/**
 * labyrinth_rx_get() - get a receive buffer, ready for the device
 * @owner: an owner made with %LABYRINTH_OWNER_DMA.
 * @dma: receives the buffer's address for the device; untouched on failure.
 *
 * A page that was lent and has come back, else a new page as from
 * labyrinth_void_alloc_page_gfp_atomic_exclusive(). After success the buffer is POSTED: @owner's,
 * given to the device as dma_sync_single_for_device() does. The driver may touch neither buffer
 * nor struct page until labyrinth_rx_read() or labyrinth_rx_give(). A page that has come back
 * is not zeroed, whatever the owner's flags.
 *
 * Context: Any but NMI; on PREEMPT_RT with preemption enabled. Never sleeps.
 * Return: the buffer's address, or NULL: counted like an allocation that fails, and reported
 * only if @dma is NULL, the owner is not of that kind, or the context is wrong.
 */
void *labyrinth_rx_get(struct labyrinth_owner *owner, dma_addr_t *dma)
{
	void *buf = NULL;

	if (has_single_frags(owner) && likely(dma && lab_may_lock()))
		buf = lab_frag_get_single(owner, lab_front_of(owner), dma, _RET_IP_);
	return likely(buf) ? buf : get_slow(owner, dma, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_rx_get, LAB_NS);

static int begin_frag(struct lab_call *call)
	__acquires(RCU)
{
	return lab_call_begin_rcu(call) ?: check_context(call);
}

static int turn_frag(struct lab_call *call, size_t offset, size_t len, bool for_cpu)
{
	int err = begin_frag(call) ?: lab_frag_turn(call, (void *)call->addr, offset, len, for_cpu);

	return lab_call_end_rcu(call, err);
}

/* read and again: the buffer stays POSTED. */
static int turn(struct lab_call *call, size_t offset, size_t len, bool for_cpu)
{
	int err = begin(call);

	if (err >= 0 && !lab_rx_fits(offset, len)) {
		call->class = LAB_BAD_MAPPING;
		err = -EINVAL;
	}
	if (err >= 0)
		lab_resident_sync_page(call->owner, call->slot, offset, len, for_cpu);
	return lab_call_end_rcu(call, err);
}

static noinline int turn_slow(enum lab_op op, struct labyrinth_owner *owner, void *buf,
			      size_t offset, size_t len, unsigned long ip)
{
	struct lab_call call = {
		.op = op, .handle = owner, .addr = buf, .ip = ip,
	};

	return has_frags(owner) ? turn_frag(&call, offset, len, op == LAB_OP_RX_READ) :
				  turn(&call, offset, len, op == LAB_OP_RX_READ);
}

static bool turn_frag_single(struct labyrinth_owner *owner, void *buf, size_t offset, size_t len,
			     bool for_cpu)
{
	return has_single_frags(owner) &&
	       lab_frag_turn_single(owner, lab_front_of(owner), buf, offset, len, for_cpu);
}

/**
 * labyrinth_rx_read() - read from a buffer, and keep the buffer
 * @owner: the owner of the buffer.
 * @buf: a buffer from labyrinth_rx_get(), which the device has written to.
 * @offset: where the bytes to be read begin.
 * @len: how many bytes.
 *
 * For frames that are copied. The bytes may be read until labyrinth_rx_again() gives the buffer
 * to the device again. The buffer stays POSTED.
 *
 * Context: As labyrinth_rx_get().
 * Return: 0; -EPERM the page has another owner, or the caller is not the bound thread; -ENOENT no
 * Labyrinth page; -EINVAL not POSTED, or the bytes are not within the buffer, or not in this
 * context, or as labyrinth_free_page().
 */
int labyrinth_rx_read(struct labyrinth_owner *owner, void *buf, size_t offset, size_t len)
{
	if (turn_frag_single(owner, buf, offset, len, true))
		return 0;
	return turn_slow(LAB_OP_RX_READ, owner, buf, offset, len, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_rx_read, LAB_NS);

/**
 * labyrinth_rx_again() - give a buffer that was read to the device again
 * @owner: the owner of the buffer.
 * @buf: a buffer from labyrinth_rx_get(), after labyrinth_rx_read().
 *
 * The address for the device is the same as before.
 *
 * Context: As labyrinth_rx_get().
 * Return: As labyrinth_rx_read().
 */
int labyrinth_rx_again(struct labyrinth_owner *owner, void *buf)
{
	size_t len = has_frags(owner) ? lab_frag_bytes(owner) : PAGE_SIZE;

	if (turn_frag_single(owner, buf, 0, len, false))
		return 0;
	return turn_slow(LAB_OP_RX_AGAIN, owner, buf, 0, len, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_rx_again, LAB_NS);

/*
 * The page is LENT, and the borrower's reference still this call's, so nobody takes the page back.
 * By an older entry of the queue another call may let go of the page: then the mapping goes with
 * the page. Not before: a buffer that stays POSTED stays mapped.
 */
static void finish_loan(struct lab_call *call)
{
	struct lab_cached page = { call->slot, call->frame };

	if (unlikely(lab_resident_unmaps_lent()))
		lab_resident_end(call->owner, call->slot, call->tag);
	if (call->owner->front.rx.limit)
		lab_lend_queue(call->owner, page, call->ip);
}

static int give_posted(struct lab_call *call, size_t offset, size_t len)
{
	int err;

	if (!lab_rx_fits(offset, len)) {
		call->class = LAB_BAD_MAPPING;
		return -EINVAL;
	}
	err = lab_call_await(call);
	if (err)
		return err;
	lab_resident_sync_page(call->owner, call->slot, offset, len, true);
	/* Others of the owner's calls wait for the thaw, but not for long. */
	preempt_disable();
	err = lab_call_freeze(call) ?: lab_lend_frozen(call);
	preempt_enable();
	if (!err)
		finish_loan(call);
	return err;
}

static int give_page(struct lab_call *call, size_t offset, size_t len)
{
	int err = begin(call);

	if (err >= 0)
		err = give_posted(call, offset, len);
	return lab_call_end_rcu(call, err);
}

static int give_frag(struct lab_call *call, size_t offset, size_t len)
{
	int err = begin_frag(call) ?: lab_frag_give(call, (void *)call->addr, offset, len);

	return lab_call_end_rcu(call, err);
}

static noinline struct page *give_slow(struct labyrinth_owner *owner, void *buf, size_t offset,
				       size_t len, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RX_GIVE, .handle = owner, .addr = buf, .ip = ip,
	};
	int err = has_frags(owner) ? give_frag(&call, offset, len) :
				     give_page(&call, offset, len);

	return err ? ERR_PTR(err) : lab_frame_page(call.frame);
}

/**
 * labyrinth_rx_give() - give a buffer that the device has filled to the network stack
 * @owner: the owner of the buffer.
 * @buf: a buffer from labyrinth_rx_get(), which the device has written to.
 * @offset: where the bytes begin that the stack is to see.
 * @len: how many bytes.
 *
 * After success the page is LENT, with a single reference for the stack, to be dropped with
 * put_page(), as skb_add_rx_frag() and kfree_skb() do. The page stays mapped for the device,
 * which must not write any more; with unmap_lent=1 an IOMMU makes sure. If the owner was made
 * with @lent, the page stands in the owner's queue, and labyrinth_rx_get() takes it back; when
 * the queue is full, the page lent longest is left to its borrowers. A page of several buffers
 * comes to the queue, and with unmap_lent=1 is unmapped, when all buffers have been given or put.
 *
 * After failure the buffer is still POSTED. An overwritten word of struct page is no failure: the
 * word is put right and reported.
 *
 * Context: As labyrinth_rx_get().
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as labyrinth_rx_read(); -EBUSY something
 * refers to the page.
 */
struct page *labyrinth_rx_give(struct labyrinth_owner *owner, void *buf, size_t offset,
			       size_t len)
{
	struct page *page = NULL;

	if (has_single_frags(owner))
		page = lab_frag_give_single(owner, lab_front_of(owner), buf, offset, len);
	return likely(page) ? page : give_slow(owner, buf, offset, len, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_rx_give, LAB_NS);

/* The page is put with the last buffer, unless the stack has had one. */
static int put_frag(struct lab_call *call)
{
	int err = begin_frag(call) ?: lab_frag_put(call, (void *)call->addr);

	if (err > 0)
		err = lab_frag_settle(call, put_posted(call));
	err = lab_call_end_rcu(call, err);
	if (!err)
		lab_cache_trim(lab_owner_slot(call->handle), call->handle);
	return err;
}

/**
 * labyrinth_rx_put() - give a buffer back that is not needed any more
 * @owner: the owner of the buffer.
 * @buf: a buffer from labyrinth_rx_get(). The device must not write to it any more.
 *
 * For a buffer that the stack does not get, like labyrinth_free_page() for any other page.
 *
 * Context: As labyrinth_rx_get().
 * Return: As labyrinth_rx_read(). A buffer to which somebody refers is given up, and waits in
 * limbo.
 */
int labyrinth_rx_put(struct labyrinth_owner *owner, void *buf)
{
	struct lab_call call = {
		.op = LAB_OP_RX_PUT, .handle = owner, .addr = buf, .ip = _RET_IP_,
	};

	return has_frags(owner) ? put_frag(&call) : put_buffer(&call);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_rx_put, LAB_NS);
