/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive buffers of a SINGLE owner, inline in the driver. A driver calls none of these
 * functions by name; labyrinth_rx.c has the general form of each, and the kernel-doc.
 *
 * As in inline/fast.h, only the owner's user writes the tags and notes of the owner's pages, so
 * plain stores are enough. Nothing is frozen: the count is looked at once. A reference that
 * somebody takes after the look might as well have been taken after a freeze and thaw, and is
 * found by the next look.
 *
 * Every word of struct page is compared at each turn of a page. A word that differs sends the
 * call to the general form, which puts the word right and reports.
 */
#ifndef LABYRINTH_RX_H
#define LABYRINTH_RX_H

#include "fast.h"
#include "resident.h"

bool lab_rx_sync(const struct labyrinth_owner *owner, u64 dma, size_t offset, size_t len,
		 bool for_cpu);
void lab_rx_put_aside(struct lab_rx *rx, lab_tag_t lent);

/* The tag of @frame's page, of @front's owner, when LENT. */
static __always_inline lab_tag_t lab_rx_lent_tag(const struct lab_front *front,
						 const struct lab_cached *page)
{
	return front->key + page_to_pfn(lab_frame_page(page->frame)) +
	       LAB_STEP(LAB_HELD, LAB_LENT);
}

/*
 * Whether the words of a lent page, to which no borrower refers any more, are right, save for
 * those that a borrower may change.
 */
static __always_inline bool lab_rx_is_back(struct lab_frame *frame,
					   const struct lab_resident *resident)
{
	/* What the borrowers did came before. Pairs with the last borrower's put_page(). */
	return smp_load_acquire(&frame->type_and_refs) == LAB_FRAME_BACK &&
	       READ_ONCE(frame->flags) == resident->flags && !READ_ONCE(frame->mapping) &&
	       lab_frame_is_uncharged(frame);
}

/* Whether all words of a page are right that the owner had alone, and nobody refers to the page. */
static __always_inline bool lab_rx_is_clean(struct lab_frame *frame,
					    const struct lab_resident *resident)
{
	return lab_frame_is_exclusive(frame) && READ_ONCE(frame->flags) == resident->flags &&
	       READ_ONCE(frame->lru) == LAB_FRAME_LRU &&
	       READ_ONCE(frame->seal) == LAB_FRAME_SEAL &&
	       !READ_ONCE(frame->mapping) && !READ_ONCE(frame->private) &&
	       lab_frame_is_uncharged(frame);
}

/*
 * LENT -> POSTED for the page that was lent longest, if the page is back. Otherwise the page
 * goes to the end of the queue.
 */
static __always_inline bool lab_rx_take_back(struct lab_front *front, unsigned long site,
					     struct lab_cached *page)
{
	struct lab_rx *rx = &front->rx;
	struct lab_resident *resident;
	lab_tag_t lent;

	if (rx->tail == rx->head)
		return false;
	*page = rx->lent[rx->tail & rx->mask];
	resident = lab_resident_at(page->slot);
	lent = lab_rx_lent_tag(front, page);
	/* Harmless: a tag that another CPU changes is not this owner's, before and after. */
	if (unlikely(data_race(page->slot->tag) != lent || resident->dma & LAB_DMA_GONE) ||
	    !lab_rx_is_back(page->frame, resident)) {
		lab_rx_put_aside(rx, lent);
		return false;
	}
	rx->tail++;
	rx->taken_back++;
	/* The words that a borrower may have changed. */
	WRITE_ONCE(page->frame->lru, LAB_FRAME_LRU);
	WRITE_ONCE(page->frame->seal, LAB_FRAME_SEAL);
	WRITE_ONCE(page->frame->private, 0);
	WRITE_ONCE(page->frame->type, LAB_TYPE_OFFLINE);
	lab_slot_note(page->slot, site);
	lab_single_step(page->slot, LAB_STEP(LAB_LENT, LAB_POSTED));
	return true;
}

/* CACHED -> POSTED for the page on top of the stack, as lab_take_single(). */
static __always_inline bool lab_rx_take_cached(struct lab_front *front, unsigned long site,
					       struct lab_cached *page)
{
	*page = front->top[-1];
	/* The entry at the bottom of the stack has no struct lab_resident, and is never ready. */
	if (unlikely(!lab_is_ready(page->frame) ||
		     lab_resident_at(page->slot)->dma & LAB_DMA_GONE))
		return false;
	front->top--;
	lab_slot_note(page->slot, site);
	lab_single_step(page->slot, LAB_STEP(LAB_CACHED, LAB_POSTED));
	return true;
}

/* Posts a page that is back, or else a cached page. */
static __always_inline bool lab_rx_take_single(struct lab_front *front, unsigned long site,
					       struct lab_cached *page)
{
	bool found;

	lab_single_enter(front);
	found = lab_rx_take_back(front, site, page) || lab_rx_take_cached(front, site, page);
	lab_single_leave(front);
	return likely(found);
}

static __always_inline void *lab_rx_get_single(const struct labyrinth_owner *owner,
					       struct lab_front *front, unsigned long site,
					       dma_addr_t *dma)
{
	struct lab_cached page;
	u64 addr;

	if (!lab_rx_take_single(front, site, &page))
		return NULL;
	addr = lab_resident_at(page.slot)->dma;
	if (unlikely(addr & LAB_DMA_SYNC_DEV))
		lab_rx_sync(owner, addr, 0, PAGE_SIZE, false);
	*dma = addr & ~LAB_DMA_BITS;
	return lab_frame_address(page.frame);
}

/*
 * Finds the buffer at @buf, POSTED by @front's owner, in the slot that the page prefers or in the
 * slot that the table's hint names.
 */
static __always_inline bool lab_rx_find(const struct lab_front *front, const void *buf,
					struct lab_cached *page)
{
	unsigned long pfn;
	lab_tag_t posted;

	if (unlikely(!lab_address_pfn(buf, &pfn)))
		return false;
	posted = front->key + pfn + LAB_STEP(LAB_HELD, LAB_POSTED);
	page->slot = lab_slot_preferred(pfn);
	if (!lab_tag_is_at(page->slot, posted)) {
		page->slot = lab_slot_hinted(pfn);
		if (!lab_tag_is_at(page->slot, posted))
			return false;
	}
	page->frame = lab_frame_of_pfn(pfn);
	return true;
}

/* Whether @len bytes from @offset on are within a buffer. */
static __always_inline bool lab_rx_fits(size_t offset, size_t len)
{
	return likely(offset <= PAGE_SIZE && len <= PAGE_SIZE - offset);
}

/* Gives a part of the buffer to processor or device, if that takes a step. */
static __always_inline bool lab_rx_turn(const struct labyrinth_owner *owner,
					const struct lab_slot *slot, size_t offset, size_t len,
					bool for_cpu)
{
	u64 dma = lab_resident_at(slot)->dma;
	u64 sync = for_cpu ? LAB_DMA_SYNC_CPU : LAB_DMA_SYNC_DEV;

	return likely(!(dma & sync)) || lab_rx_sync(owner, dma, offset, len, for_cpu);
}

static __always_inline bool lab_rx_turn_single(const struct labyrinth_owner *owner,
					       const struct lab_front *front, const void *buf,
					       size_t offset, size_t len, bool for_cpu)
{
	struct lab_cached page;

	return lab_rx_find(front, buf, &page) && lab_rx_fits(offset, len) &&
	       lab_rx_turn(owner, page.slot, offset, len, for_cpu);
}

/*
 * POSTED -> LENT, with a reference for the stack and a place in the queue. NULL if a check
 * fails, or the queue has no room.
 */
static __always_inline struct page *
lab_rx_give_single(const struct labyrinth_owner *owner, struct lab_front *front, const void *buf,
		   size_t offset, size_t len)
{
	struct lab_rx *rx = &front->rx;
	struct lab_cached page;

	if (!lab_rx_find(front, buf, &page) || !lab_rx_fits(offset, len) ||
	    unlikely(!lab_rx_is_clean(page.frame, lab_resident_at(page.slot)) ||
		     rx->head - rx->tail >= rx->limit) ||
	    !lab_rx_turn(owner, page.slot, offset, len, true))
		return NULL;
	lab_single_enter(front);
	rx->lent[rx->head++ & rx->mask] = page;
	lab_single_leave(front);
	lab_single_step(page.slot, LAB_STEP(LAB_POSTED, LAB_LENT));
	lab_frame_clear_type(page.frame);
	/* Pairs with the borrower's first look: struct page is as alloc_page() leaves a page. */
	smp_mb__before_atomic();
	page_ref_inc(lab_frame_page(page.frame));
	return lab_frame_page(page.frame);
}

/* POSTED -> CACHED, as lab_put_single(). */
static __always_inline bool lab_rx_put_single(struct lab_front *front, const void *buf)
{
	struct lab_cached page;

	if (!lab_rx_find(front, buf, &page) || !lab_frame_is_exclusive(page.frame) ||
	    unlikely(lab_single_is_full(front)))
		return false;
	lab_single_step(page.slot, LAB_STEP(LAB_POSTED, LAB_CACHED));
	/* Pairs with lab_slot_glance(), as in lab_put_single(). */
	smp_wmb();
	lab_single_enter(front);
	lab_single_push(front, page.slot, page.frame);
	lab_single_leave(front);
	return true;
}

static __always_inline void *lab_rx_get_inline(struct labyrinth_owner *owner, dma_addr_t *dma)
{
	struct lab_front *front = lab_front_of(owner);
	void *buf = NULL;

	if (lab_handle_is(&front->rx.handle, owner) && likely(dma))
		buf = lab_rx_get_single(owner, front, _THIS_IP_, dma);
	return likely(buf) ? buf : labyrinth_rx_get(owner, dma);
}

static __always_inline int lab_rx_read_inline(struct labyrinth_owner *owner, void *buf,
					      size_t offset, size_t len)
{
	struct lab_front *front = lab_front_of(owner);

	if (lab_handle_is(&front->rx.handle, owner) &&
	    lab_rx_turn_single(owner, front, buf, offset, len, true))
		return 0;
	return labyrinth_rx_read(owner, buf, offset, len);
}

static __always_inline int lab_rx_again_inline(struct labyrinth_owner *owner, void *buf)
{
	struct lab_front *front = lab_front_of(owner);

	if (lab_handle_is(&front->rx.handle, owner) &&
	    lab_rx_turn_single(owner, front, buf, 0, PAGE_SIZE, false))
		return 0;
	return labyrinth_rx_again(owner, buf);
}

static __always_inline struct page *lab_rx_give_inline(struct labyrinth_owner *owner, void *buf,
						       size_t offset, size_t len)
{
	struct lab_front *front = lab_front_of(owner);
	struct page *page = NULL;

	if (lab_handle_is(&front->rx.handle, owner))
		page = lab_rx_give_single(owner, front, buf, offset, len);
	return likely(page) ? page : labyrinth_rx_give(owner, buf, offset, len);
}

static __always_inline int lab_rx_put_inline(struct labyrinth_owner *owner, void *buf)
{
	struct lab_front *front = lab_front_of(owner);

	if (lab_handle_is(&front->rx.handle, owner) && lab_rx_put_single(front, buf))
		return 0;
	return labyrinth_rx_put(owner, buf);
}

/* As in inline/fast.h. */
#define labyrinth_rx_get(owner, dma)	lab_rx_get_inline(owner, dma)
#define labyrinth_rx_read(owner, buf, offset, len) \
	lab_rx_read_inline(owner, buf, offset, len)
#define labyrinth_rx_again(owner, buf)	lab_rx_again_inline(owner, buf)
#define labyrinth_rx_give(owner, buf, offset, len) \
	lab_rx_give_inline(owner, buf, offset, len)
#define labyrinth_rx_put(owner, buf)	lab_rx_put_inline(owner, buf)

#endif /* LABYRINTH_RX_H */
