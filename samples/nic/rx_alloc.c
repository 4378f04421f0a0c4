// SPDX-License-Identifier: GPL-2.0-only
/* Pages from the page allocator: a fresh page for each page that the stack gets. */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/skbuff.h>

#include "nic.h"

static int rx_alloc_create(struct nic_rx *rx)
{
	return 0;
}

static void rx_alloc_destroy(struct nic_rx *rx)
{
}

static int rx_alloc_get(struct nic_rx *rx, struct rx_page *page)
{
	struct page *p = alloc_page(GFP_ATOMIC | __GFP_NOWARN);

	if (!p)
		return -ENOMEM;
	page->addr = page_address(p);
	page->dma = dma_map_page(rx->dev, p, 0, PAGE_SIZE, DMA_FROM_DEVICE);
	if (dma_mapping_error(rx->dev, page->dma)) {
		__free_page(p);
		return -EIO;
	}
	return 0;
}

static void rx_alloc_put(struct nic_rx *rx, struct rx_page *page)
{
	dma_unmap_page(rx->dev, page->dma, PAGE_SIZE, DMA_FROM_DEVICE);
	__free_page(virt_to_page(page->addr));
}

static int rx_alloc_give(struct nic_rx *rx, struct rx_page *page,
			 struct sk_buff *skb, unsigned int len)
{
	dma_unmap_page(rx->dev, page->dma, PAGE_SIZE, DMA_FROM_DEVICE);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags,
			virt_to_page(page->addr), 0, len, PAGE_SIZE);
	return 0;
}

const struct page_source rx_alloc_source = {
	.name = "alloc",
	.bytes = PAGE_SIZE,
	.create = rx_alloc_create,
	.destroy = rx_alloc_destroy,
	.get = rx_alloc_get,
	.put = rx_alloc_put,
	.read = rx_sync_read,
	.again = rx_sync_again,
	.give = rx_alloc_give,
};
