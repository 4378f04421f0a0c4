// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages from Labyrinth, mapped by the driver for each frame: the ring owns the pages, the card is
 * the only device that may write to the pages, and the stack borrows the pages.
 *
 * A lent page is taken back, for the next frame, when the stack has dropped all references:
 * mostly in the order in which pages were lent, so lent pages stand in a queue. When the queue
 * is full, the oldest page is let go for good.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "../../labyrinth_alloc.h"
#include "nic.h"
#include "rx_mapped.h"

static int rx_mapped_create(struct nic_rx *rx)
{
	struct rx_mapped *lab = kzalloc(sizeof(*lab), GFP_KERNEL);
	struct labyrinth_owner_attrs attrs = {
		.name = "nic-rx",
		.dev = rx->dev,
		.reserve = NIC_RING,
		.nid = NUMA_NO_NODE,
		.flags = LABYRINTH_OWNER_SINGLE,
	};
	int err;

	if (!lab)
		return -ENOMEM;
	lab->owner = labyrinth_owner_create(&attrs);
	err = PTR_ERR_OR_ZERO(lab->owner);
	if (err)
		kfree(lab);
	else
		rx->private = lab;
	return err;
}

/* The stack keeps it: if references are left, the page becomes an ordinary page of the stack. */
static void rx_let_go(struct nic_rx *rx, void *addr)
{
	struct rx_mapped *lab = rx->private;
	struct page *p;

	if (!labyrinth_reclaim(lab->owner, addr)) {
		labyrinth_free_page(lab->owner, addr);
		return;
	}
	p = labyrinth_release_lent(lab->owner, addr);
	if (IS_ERR(p))
		return;
	put_page(p);
	rx_count(rx, NIC_RX_LET_GO, 1);
}

static void rx_mapped_destroy(struct nic_rx *rx)
{
	struct rx_mapped *lab = rx->private;
	unsigned int out;

	while (lab->tail != lab->head)
		rx_let_go(rx, lab->lent[lab->tail++ % RX_LENT]);
	out = labyrinth_owner_destroy(lab->owner);
	if (out)
		dev_err(rx->dev, "%u pages were still out\n", out);
	kfree(lab);
}

/*
 * Return: the oldest lent page, taken back; or NULL where the stack still has that page, which
 * then goes to the end of the queue.
 */
static void *rx_take_back(struct nic_rx *rx)
{
	struct rx_mapped *lab = rx->private;
	void *addr;

	if (lab->tail == lab->head)
		return NULL;
	addr = lab->lent[lab->tail++ % RX_LENT];
	if (!labyrinth_reclaim(lab->owner, addr)) {
		rx_count(rx, NIC_RX_TAKEN_BACK, 1);
		return addr;
	}
	lab->lent[lab->head++ % RX_LENT] = addr;
	return NULL;
}

static int rx_mapped_get(struct nic_rx *rx, struct rx_page *page)
{
	struct rx_mapped *lab = rx->private;
	int err;

	page->addr = rx_take_back(rx);
	if (!page->addr)
		page->addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(lab->owner);
	if (!page->addr)
		return -ENOMEM;
	err = labyrinth_dma_map(lab->owner, rx->dev, page->addr, 0, PAGE_SIZE,
				DMA_FROM_DEVICE, &page->dma);
	if (err)
		labyrinth_free_page(lab->owner, page->addr);
	return err;
}

static int rx_mapped_unmap(struct nic_rx *rx, struct rx_page *page)
{
	struct rx_mapped *lab = rx->private;

	return labyrinth_dma_unmap(lab->owner, rx->dev, page->addr, page->dma,
				   PAGE_SIZE, DMA_FROM_DEVICE);
}

static void rx_mapped_put(struct nic_rx *rx, struct rx_page *page)
{
	struct rx_mapped *lab = rx->private;

	rx_mapped_unmap(rx, page);
	labyrinth_free_page(lab->owner, page->addr);
}

static int rx_mapped_give(struct nic_rx *rx, struct rx_page *page,
			  struct sk_buff *skb, unsigned int len)
{
	struct rx_mapped *lab = rx->private;
	struct page *p;

	rx_mapped_unmap(rx, page);
	p = labyrinth_lend(lab->owner, page->addr);
	/* Somebody else has a reference: the page may go neither to the stack nor to the card. */
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (lab->head - lab->tail == RX_LENT)
		rx_let_go(rx, lab->lent[lab->tail++ % RX_LENT]);
	lab->lent[lab->head++ % RX_LENT] = page->addr;
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, p, 0, len, PAGE_SIZE);
	return 0;
}

const struct page_source rx_mapped_source = {
	.name = "mapped",
	.bytes = PAGE_SIZE,
	.create = rx_mapped_create,
	.destroy = rx_mapped_destroy,
	.get = rx_mapped_get,
	.put = rx_mapped_put,
	.read = rx_sync_read,
	.again = rx_sync_again,
	.give = rx_mapped_give,
};
