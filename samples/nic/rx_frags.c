// SPDX-License-Identifier: GPL-2.0-only
/*
 * As rx_labyrinth.c, with two buffers of 2048 bytes to a page of 4096: for a card whose frames are
 * mostly of 1500 bytes. Each buffer goes to the stack by itself, and the page comes back with the
 * last.
 *
 * The inline paths are for whole pages. A name in parentheses is no macro, and calls the function
 * at once.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>

#include "../../labyrinth_alloc.h"
#include "nic.h"

#define RX_LENT		1024U		/* pages that may be lent at a time */

/*
 * Pages kept back for when memory is out: a poll's worth of buffers. The ring never runs dry, see
 * rx.c, so the reserve bridges the time until the stack has dropped what a poll gave. A frame that
 * finds no page is dropped, which is what a driver that flips does at once.
 */
#define RX_RESERVE	(NAPI_POLL_WEIGHT / 2)

static int rx_frags_create(struct nic_rx *rx)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "nic-rx",
		.dev = rx->dev,
		.dma_dir = DMA_FROM_DEVICE,
		.frag_size = NIC_HALF,
		.reserve = RX_RESERVE,
		.lent = RX_LENT,
		.nid = NUMA_NO_NODE,
		.flags = LABYRINTH_OWNER_SINGLE | LABYRINTH_OWNER_DMA,
	};

	rx->private = labyrinth_owner_create(&attrs);
	return PTR_ERR_OR_ZERO(rx->private);
}

static void rx_frags_destroy(struct nic_rx *rx)
{
	unsigned int out = labyrinth_owner_destroy(rx->private);

	if (out)
		dev_err(rx->dev, "%u pages were still out\n", out);
}

static int rx_frags_get(struct nic_rx *rx, struct rx_page *page)
{
	page->addr = (labyrinth_rx_get)(rx->private, &page->dma);
	return page->addr ? 0 : -ENOMEM;
}

static void rx_frags_put(struct nic_rx *rx, struct rx_page *page)
{
	(labyrinth_rx_put)(rx->private, page->addr);
}

static int rx_frags_read(struct nic_rx *rx, struct rx_page *page, unsigned int len)
{
	return (labyrinth_rx_read)(rx->private, page->addr, 0, len);
}

static void rx_frags_again(struct nic_rx *rx, struct rx_page *page, unsigned int len)
{
	(labyrinth_rx_again)(rx->private, page->addr);
}

static int rx_frags_give(struct nic_rx *rx, struct rx_page *page,
			 struct sk_buff *skb, unsigned int len)
{
	struct page *p = (labyrinth_rx_give)(rx->private, page->addr, 0, len);

	if (IS_ERR(p))
		return PTR_ERR(p);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, p, offset_in_page(page->addr), len,
			NIC_HALF);
	return 0;
}

const struct page_source rx_frags_source = {
	.name = "frags",
	.bytes = NIC_HALF,
	.create = rx_frags_create,
	.destroy = rx_frags_destroy,
	.get = rx_frags_get,
	.put = rx_frags_put,
	.read = rx_frags_read,
	.again = rx_frags_again,
	.give = rx_frags_give,
};
