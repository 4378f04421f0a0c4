// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages from Labyrinth that stay mapped: the ring is the pages' owner, the card the only device
 * that may write to the pages, and the stack borrows the pages. Labyrinth keeps the queue of the
 * pages lent, and takes back what the stack has done with.
 */
#include <linux/dma-mapping.h>
#include <linux/moduleparam.h>
#include <linux/skbuff.h>

#include "../../labyrinth_alloc.h"
#include "nic.h"

#define RX_LENT		1024U		/* pages that may be lent at a time */

static unsigned int reserve = NIC_RING;
module_param(reserve, uint, 0644);
MODULE_PARM_DESC(reserve,
		 "Pages kept back for when memory is out (default 256)");

static int rx_labyrinth_create(struct nic_rx *rx)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "nic-rx",
		.dev = rx->dev,
		.dma_dir = DMA_FROM_DEVICE,
		.reserve = reserve,
		.lent = RX_LENT,
		.nid = NUMA_NO_NODE,
		.flags = LABYRINTH_OWNER_SINGLE | LABYRINTH_OWNER_DMA,
	};

	rx->private = labyrinth_owner_create(&attrs);
	return PTR_ERR_OR_ZERO(rx->private);
}

static void rx_labyrinth_destroy(struct nic_rx *rx)
{
	unsigned int out = labyrinth_owner_destroy(rx->private);

	if (out)
		dev_err(rx->dev, "%u pages were still out\n", out);
}

static int rx_labyrinth_get(struct nic_rx *rx, struct rx_page *page)
{
	page->addr = labyrinth_rx_get(rx->private, &page->dma);
	return page->addr ? 0 : -ENOMEM;
}

static void rx_labyrinth_put(struct nic_rx *rx, struct rx_page *page)
{
	labyrinth_rx_put(rx->private, page->addr);
}

static int rx_labyrinth_read(struct nic_rx *rx, struct rx_page *page, unsigned int len)
{
	return labyrinth_rx_read(rx->private, page->addr, 0, len);
}

static void rx_labyrinth_again(struct nic_rx *rx, struct rx_page *page, unsigned int len)
{
	labyrinth_rx_again(rx->private, page->addr);
}

static int rx_labyrinth_give(struct nic_rx *rx, struct rx_page *page,
			     struct sk_buff *skb, unsigned int len)
{
	struct page *p = labyrinth_rx_give(rx->private, page->addr, 0, len);

	/* Somebody else has a reference: the page may go neither to the stack nor to the card. */
	if (IS_ERR(p))
		return PTR_ERR(p);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, p, 0, len, PAGE_SIZE);
	return 0;
}

const struct page_source rx_labyrinth_source = {
	.name = "labyrinth",
	.bytes = PAGE_SIZE,
	.create = rx_labyrinth_create,
	.destroy = rx_labyrinth_destroy,
	.get = rx_labyrinth_get,
	.put = rx_labyrinth_put,
	.read = rx_labyrinth_read,
	.again = rx_labyrinth_again,
	.give = rx_labyrinth_give,
};
