/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages that stay mapped for the owner's device. See page/resident.c. */
#ifndef LABYRINTH_PAGE_RESIDENT_H
#define LABYRINTH_PAGE_RESIDENT_H

#include <linux/dma-mapping.h>

#include "core/owner.h"
#include "inline/resident.h"

u64 lab_resident_judge(const struct lab_owner *owner, dma_addr_t dma, struct page *page);
u64 lab_resident_map(const struct lab_owner *owner, struct page *page);
void lab_resident_unmap_mapped(const struct lab_owner *owner, u64 dma);
void lab_resident_end(struct lab_owner *owner, const struct lab_slot *slot, lab_tag_t tag);
bool lab_resident_unmaps_lent(void);

/*
 * A page came to a LABYRINTH_OWNER_DMA owner, mapped as @dma says. The page is on no list and
 * the caller's alone, the words of struct page are right.
 */
static inline void lab_resident_enter(const struct lab_slot *slot, const struct lab_frame *frame,
				      u64 dma)
{
	*lab_resident_at(slot) = (struct lab_resident) {
		.dma = dma,
		.flags = (READ_ONCE(frame->flags) & ~PAGE_FLAGS_CHECK_AT_PREP) | LAB_FRAME_MARK,
	};
}

/*
 * A page is about to leave @owner: the page's mapping, for lab_resident_unmap(). Read before the
 * tag goes, since another page may get the slot then.
 */
static inline u64 lab_resident_of(const struct lab_owner *owner, const struct lab_slot *slot)
{
	return lab_owner_is_dma(owner) ? READ_ONCE(lab_resident_at(slot)->dma) : LAB_DMA_NONE;
}

/*
 * Ends a mapping that lab_resident_of() gave, if there is one.
 * Context: Where lab_may_lock() is true; the owner stays.
 */
static inline void lab_resident_unmap(const struct lab_owner *owner, u64 dma)
{
	if (unlikely(!(dma & LAB_DMA_GONE)))
		lab_resident_unmap_mapped(owner, dma);
}

/* Gives @len bytes to the processor, or to the device, where that takes a step. Context: Any. */
static inline void lab_resident_sync(const struct lab_owner *owner, u64 dma, size_t offset,
				     size_t len, bool for_cpu)
{
	dma_addr_t addr = dma & ~LAB_DMA_BITS;

	if (dma & LAB_DMA_GONE || !len)
		return;
	if (for_cpu && dma & LAB_DMA_SYNC_CPU)
		dma_sync_single_range_for_cpu(owner->dev, addr, offset, len, owner->dma_dir);
	if (!for_cpu && dma & LAB_DMA_SYNC_DEV)
		dma_sync_single_range_for_device(owner->dev, addr, offset, len, owner->dma_dir);
}

/*
 * lab_resident_sync() of the page at @slot. Another call about the same buffer may just end the
 * mapping: then the caller's call fails.
 */
static inline void lab_resident_sync_page(const struct lab_owner *owner,
					  const struct lab_slot *slot, size_t offset, size_t len,
					  bool for_cpu)
{
	lab_resident_sync(owner, READ_ONCE(lab_resident_at(slot)->dma), offset, len, for_cpu);
}

#endif /* LABYRINTH_PAGE_RESIDENT_H */
