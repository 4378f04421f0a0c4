// SPDX-License-Identifier: GPL-2.0-only
/*
 * Half pages that the driver flips, as igb and ixgbe do: the stack gets one half, and if it has
 * dropped the other, the card gets the other half next. The page stays mapped meanwhile. The driver
 * takes many references at a time, and counts in page->private how many it has left: so a frame
 * costs no reference. For comparison with rx_frags.c.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "../../labyrinth_compat.h"
#include "nic.h"

#include LAB_PAGE_FRAG_H

#define FLIP_PAGES	(2 * NIC_RING)

/* Pages of which the card gets the other half next, oldest first. */
struct rx_flip {
	unsigned int head;
	unsigned int tail;
	struct rx_page pages[FLIP_PAGES];
};

static void take_references(struct page *page)
{
	page_ref_add(page, USHRT_MAX - 1);
	set_page_private(page, USHRT_MAX);
}

static void let_go(struct nic_rx *rx, struct rx_page *page)
{
	struct page *p = virt_to_page(page->addr);
	unsigned int left = page_private(p);

	dma_unmap_page_attrs(rx->dev, page->dma & PAGE_MASK, PAGE_SIZE, DMA_FROM_DEVICE,
			     DMA_ATTR_SKIP_CPU_SYNC);
	set_page_private(p, 0);
	__page_frag_cache_drain(p, left);
}

static int rx_flip_create(struct nic_rx *rx)
{
	struct rx_flip *flip = kzalloc(sizeof(*flip), GFP_KERNEL);

	rx->private = flip;
	return flip ? 0 : -ENOMEM;
}

static void rx_flip_destroy(struct nic_rx *rx)
{
	struct rx_flip *flip = rx->private;

	for (; flip->tail != flip->head; flip->tail++)
		let_go(rx, &flip->pages[flip->tail % FLIP_PAGES]);
	kfree(flip);
}

static int fresh_page(struct nic_rx *rx, struct rx_page *page)
{
	struct page *p = dev_alloc_page();

	if (!p)
		return -ENOMEM;
	page->addr = page_address(p);
	page->dma = dma_map_page_attrs(rx->dev, p, 0, PAGE_SIZE, DMA_FROM_DEVICE,
				       DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(rx->dev, page->dma)) {
		__free_page(p);
		return -EIO;
	}
	take_references(p);
	return 0;
}

static int rx_flip_get(struct nic_rx *rx, struct rx_page *page)
{
	struct rx_flip *flip = rx->private;
	int err;

	if (likely(flip->tail != flip->head)) {
		*page = flip->pages[flip->tail++ % FLIP_PAGES];
	} else {
		err = fresh_page(rx, page);
		if (err)
			return err;
	}
	dma_sync_single_for_device(rx->dev, page->dma, NIC_HALF, DMA_FROM_DEVICE);
	return 0;
}

static void rx_flip_put(struct nic_rx *rx, struct rx_page *page)
{
	let_go(rx, page);
}

/* Whether the stack has dropped the other half, and the page is worth keeping. */
static bool can_flip(struct rx_flip *flip, struct page *p)
{
	return !page_is_pfmemalloc(p) && page_to_nid(p) == numa_mem_id() &&
	       page_ref_count(p) - page_private(p) == 1 && flip->head - flip->tail < FLIP_PAGES;
}

static int rx_flip_give(struct nic_rx *rx, struct rx_page *page,
			struct sk_buff *skb, unsigned int len)
{
	struct rx_flip *flip = rx->private;
	struct page *p = virt_to_page(page->addr);

	dma_sync_single_for_cpu(rx->dev, page->dma, len, DMA_FROM_DEVICE);
	prefetchw(p);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, p, offset_in_page(page->addr), len,
			NIC_HALF);
	set_page_private(p, page_private(p) - 1);
	if (!can_flip(flip, p)) {
		let_go(rx, page);
		return 0;
	}
	if (unlikely(page_private(p) == 1))
		take_references(p);
	flip->pages[flip->head++ % FLIP_PAGES] = (struct rx_page) {
		.addr = (void *)((unsigned long)page->addr ^ NIC_HALF),
		.dma = page->dma ^ NIC_HALF,
	};
	return 0;
}

const struct page_source rx_flip_source = {
	.name = "flip",
	.bytes = NIC_HALF,
	.create = rx_flip_create,
	.destroy = rx_flip_destroy,
	.get = rx_flip_get,
	.put = rx_flip_put,
	.read = rx_sync_read,
	.again = rx_sync_again,
	.give = rx_flip_give,
};
