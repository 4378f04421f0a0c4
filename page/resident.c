// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that stay mapped for their owner's device, as long as the pages are the owner's. The
 * state owned here is the address in each struct lab_resident, and the parameter.
 *
 * A page is mapped before the page gets the owner's tag, and unmapped after the tag went: so a
 * tagged page of a LABYRINTH_OWNER_DMA owner is mapped, and no page is handed on while the
 * former owner's device can reach the page. Exceptions are marked LAB_DMA_GONE: a page lent with
 * unmap_lent=1, and a page whose owner went while the page was lent or POSTED.
 *
 * The DMA API takes spinlocks, which sleep on PREEMPT_RT. So a page comes where the page
 * allocator may be asked anyway, and leaves in task context alone: full caches spill into the
 * reserve, and the owner's worker gives the excess back. Release and transfer, which take a page
 * away at once, unmap after lab_call_end(), while RCU keeps the owner and the device.
 *
 * Whether the core must copy or flush, at each turn of a page between device and processor, is
 * decided once, when the page is mapped: LAB_DMA_SYNC_CPU and LAB_DMA_SYNC_DEV. Some kernels'
 * dma_need_sync() says yes for every device behind an IOMMU. There nothing is to be done for a
 * coherent device, if the IOMMU leads to the page itself and not to a bounce buffer.
 */
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "core/param.h"
#include "page/resident.h"

static struct lab_switch unmap_lent;
module_param_cb(unmap_lent, &lab_switch_ops, &unmap_lent, 0644);
MODULE_PARM_DESC(unmap_lent,
		 "Unmap receive buffers while they are lent, so that an IOMMU stops a late write of the device (default 0)");

/* Whether a page lent by labyrinth_rx_give() is unmapped. Context: Any. */
bool lab_resident_unmaps_lent(void)
{
	return READ_ONCE(unmap_lent.on);
}

static bool wants_sync(struct device *dev, dma_addr_t dma, struct page *page)
{
	struct iommu_domain *domain;

	if (!dma_need_sync(dev, dma))
		return false;
	domain = iommu_get_domain_for_dev(dev);
	return !domain || !dev_is_dma_coherent(dev) ||
	       iommu_iova_to_phys(domain, dma) != page_to_phys(page);
}

/* Nothing is copied to a bounce buffer from which a coherent device does not read. */
static u64 sync_bits(const struct lab_owner *owner, dma_addr_t dma, struct page *page)
{
	if (!wants_sync(owner->dev, dma, page))
		return 0;
	if (owner->dma_dir == DMA_FROM_DEVICE && dev_is_dma_coherent(owner->dev))
		return LAB_DMA_SYNC_CPU;
	return LAB_DMA_SYNC_CPU | LAB_DMA_SYNC_DEV;
}

/*
 * What is kept of the mapping @dma of @page, just made: LAB_DMA_NONE if the mapping failed. An
 * address in the middle of a page, as only a bounce buffer could have, has no room for the
 * bits; then the mapping is ended.
 * Context: As lab_resident_map().
 */
u64 lab_resident_judge(const struct lab_owner *owner, dma_addr_t dma, struct page *page)
{
	struct device *dev = owner->dev;

	if (dma_mapping_error(dev, dma))
		return LAB_DMA_NONE;
	if (dma & LAB_DMA_BITS) {
		dma_unmap_page(dev, dma, PAGE_SIZE, owner->dma_dir);
		return LAB_DMA_NONE;
	}
	return dma | sync_bits(owner, dma, page);
}

/*
 * Maps @page, which has no tag, for @owner's device; LAB_DMA_NONE if that fails, or if the
 * owner's pages are not mapped.
 * Context: Where lab_may_lock() is true; the owner stays.
 */
u64 lab_resident_map(const struct lab_owner *owner, struct page *page)
{
	if (!lab_owner_is_dma(owner))
		return LAB_DMA_NONE;
	return lab_resident_judge(owner, dma_map_page(owner->dev, page, 0, PAGE_SIZE,
						      owner->dma_dir), page);
}

/*
 * The rest of lab_resident_unmap(). Nothing is copied from a bounce buffer: a page
 * that the device wrote was synced when the owner looked.
 * Context: Where lab_may_lock() is true; the owner stays.
 */
void lab_resident_unmap_mapped(const struct lab_owner *owner, u64 dma)
{
	dma_unmap_page_attrs(owner->dev, dma & ~LAB_DMA_BITS, PAGE_SIZE, owner->dma_dir,
			     DMA_ATTR_SKIP_CPU_SYNC);
}

/*
 * Ends the mapping of the page of @tag, unless the page has left the owner, and taken the mapping
 * along, see take_lent() of page/lend.c: another page may have the slot then.
 * Context: As lab_resident_unmap().
 */
void lab_resident_end(struct lab_owner *owner, const struct lab_slot *slot, lab_tag_t tag)
{
	u64 dma = LAB_DMA_NONE;
	unsigned long flags;
	lab_tag_t now;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	now = READ_ONCE(slot->tag);
	if (lab_tag_pfn(now) == lab_tag_pfn(tag) && lab_tag_owner(now) == lab_tag_owner(tag)) {
		dma = lab_resident_of(owner, slot);
		if (!(dma & LAB_DMA_GONE))
			WRITE_ONCE(lab_resident_at(slot)->dma, LAB_DMA_NONE);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	lab_resident_unmap(owner, dma);
}
