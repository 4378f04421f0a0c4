// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages from a page_pool: the pages stay mapped for the card, and the stack gives each page
 * back to the pool.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>

#include "../../labyrinth_compat.h"
#include "nic.h"

#include LAB_PAGE_POOL_H

static int rx_pool_create(struct nic_rx *rx)
{
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size = NIC_RING,
		.nid = NUMA_NO_NODE,
		.dev = rx->dev,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE,
	};

	rx->private = page_pool_create(&params);
	return PTR_ERR_OR_ZERO(rx->private);
}

static void rx_pool_destroy(struct nic_rx *rx)
{
	page_pool_destroy(rx->private);
}

static int rx_pool_get(struct nic_rx *rx, struct rx_page *page)
{
	struct page *p = page_pool_dev_alloc_pages(rx->private);

	if (!p)
		return -ENOMEM;
	page->addr = page_address(p);
	page->dma = page_pool_get_dma_addr(p);
	return 0;
}

static void rx_pool_put(struct nic_rx *rx, struct rx_page *page)
{
	page_pool_put_full_page(rx->private, virt_to_page(page->addr), false);
}

static int rx_pool_give(struct nic_rx *rx, struct rx_page *page,
			struct sk_buff *skb, unsigned int len)
{
	dma_sync_single_for_cpu(rx->dev, page->dma, len, DMA_FROM_DEVICE);
	skb_mark_for_recycle(skb);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags,
			virt_to_page(page->addr), 0, len, PAGE_SIZE);
	return 0;
}

const struct page_source rx_pool_source = {
	.name = "pool",
	.bytes = PAGE_SIZE,
	.create = rx_pool_create,
	.destroy = rx_pool_destroy,
	.get = rx_pool_get,
	.put = rx_pool_put,
	.read = rx_sync_read,
	.again = rx_sync_again,
	.give = rx_pool_give,
};
