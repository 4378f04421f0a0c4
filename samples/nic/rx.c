// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receive ring. Every descriptor has a page at all times: a page is passed on to the stack
 * only once another page is there for the descriptor. Without another page the frame is
 * dropped, so the ring never runs dry for want of memory. Some skbs are kept back as well, or
 * the pages of a reserve would be of no use.
 *
 * A frame longer than a page takes several descriptors, and becomes as many
 * fragments of one skb, which NAPI keeps until the frame ends.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/moduleparam.h>
#include <linux/skbuff.h>

#include "nic.h"
#include "xdp.h"

static unsigned int copybreak = 256;
module_param(copybreak, uint, 0644);
MODULE_PARM_DESC(copybreak,
		 "Frames up to this many bytes are copied (default 256)");

static void rx_post(struct nic_rx *rx, unsigned int i)
{
	rx->desc[i] = (struct rx_desc) {
		.addr = cpu_to_le64(rx->pages[i].dma + rx->headroom),
	};
}

/* The card has NIC_RING - 1 descriptors: an equal head and tail would mean no descriptor. */
static void rx_tell_card(struct nic *nic)
{
	nic_write(nic, RDT, (nic->rx.next - 1) % NIC_RING);
}

/* The read and again of a source that maps pages by the DMA API itself. */
int rx_sync_read(struct nic_rx *rx, struct rx_page *page, unsigned int len)
{
	dma_sync_single_for_cpu(rx->dev, page->dma, len, DMA_FROM_DEVICE);
	return 0;
}

void rx_sync_again(struct nic_rx *rx, struct rx_page *page, unsigned int len)
{
	dma_sync_single_for_device(rx->dev, page->dma, len, DMA_FROM_DEVICE);
}

/* A short frame is copied, and the page stays in the ring. */
static int rx_copy(struct nic *nic, struct rx_page *page, unsigned int len)
{
	struct sk_buff *skb = napi_alloc_skb(&nic->napi, len);
	int err;

	if (!skb)
		return -ENOMEM;
	err = nic->rx.source->read(&nic->rx, page, len);
	if (err) {
		kfree_skb(skb);
		return err;
	}
	skb_put_data(skb, page->addr, len);
	nic->rx.source->again(&nic->rx, page, len);
	skb->protocol = eth_type_trans(skb, nic->dev);
	nic_count(nic, NIC_RX_COPIED, 1);
	nic_count(nic, NIC_RX_PACKETS, 1);
	nic_count(nic, NIC_RX_BYTES, len);
	napi_gro_receive(&nic->napi, skb);
	return 0;
}

/* Like the skbs of napi_get_frags(), but of slab memory, which a free gives back to the slab. */
static void rx_fill_spares(struct nic *nic)
{
	while (skb_queue_len(&nic->rx.spares) < NIC_SPARES) {
		struct sk_buff *skb = alloc_skb(NET_SKB_PAD + NET_IP_ALIGN +
						MAX_HEADER + 128,
						GFP_ATOMIC | __GFP_NOWARN);

		if (!skb)
			return;
		skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
		skb->dev = nic->dev;
		__skb_queue_tail(&nic->rx.spares, skb);
	}
}

static struct sk_buff *rx_get_skb(struct nic *nic)
{
	struct sk_buff *skb = napi_get_frags(&nic->napi);

	if (unlikely(!skb)) {
		skb = __skb_dequeue(&nic->rx.spares);
		nic->napi.skb = skb;
	}
	return skb;
}

/* The frame so far is a fragment, or several, of the skb that NAPI keeps. */
static int rx_append(struct nic *nic, struct rx_page *page, unsigned int len)
{
	struct nic_rx *rx = &nic->rx;
	struct sk_buff *skb = rx_get_skb(nic);
	struct rx_page fresh;
	int err;

	if (!skb)
		return -ENOMEM;
	if (rx->parts == MAX_SKB_FRAGS)
		return -EMSGSIZE;
	err = rx->source->get(rx, &fresh);
	if (err)
		return err;
	err = rx->source->give(rx, page, skb, len);
	*page = fresh;
	rx->parts += !err;
	nic_count(nic, NIC_RX_PAGES, !err);
	return err;
}

static void rx_pass_on(struct nic *nic)
{
	nic->rx.parts = 0;
	nic_count(nic, NIC_RX_PACKETS, 1);
	nic_count(nic, NIC_RX_BYTES, nic->napi.skb->len);
	napi_gro_frags(&nic->napi);
}

static void rx_discard(struct nic *nic)
{
	if (nic->rx.parts)
		napi_free_frags(&nic->napi);
	nic->rx.parts = 0;
}

static int rx_part(struct nic *nic, struct rx_page *page,
		   const struct rx_desc *desc)
{
	unsigned int len = le16_to_cpu(desc->length);
	bool last = desc->status & RXD_EOP;
	int err;

	/* Only the last part's descriptor has the frame's errors. */
	if (last && desc->errors & RXD_ERRORS)
		return -EIO;
	if (unlikely(nic->prog))
		return last ? xdp_receive(nic, page, len) : -EMSGSIZE;
	if (last && !nic->rx.parts && len <= READ_ONCE(copybreak))
		return rx_copy(nic, page, len);
	err = rx_append(nic, page, len);
	if (!err && last)
		rx_pass_on(nic);
	return err;
}

static void rx_drop(struct nic *nic, int err)
{
	rx_discard(nic);
	nic->rx.dropping = true;
	nic_count(nic, err == -EIO ? NIC_RX_ERRORS : NIC_RX_DROPPED, 1);
}

/* Returns whether a frame has ended. */
static bool rx_desc_done(struct nic *nic)
{
	struct nic_rx *rx = &nic->rx;
	unsigned int i = rx->next;
	bool last = rx->desc[i].status & RXD_EOP;
	int err;

	if (!rx->dropping) {
		err = rx_part(nic, &rx->pages[i], &rx->desc[i]);
		if (err)
			rx_drop(nic, err);
	}
	if (last)
		rx->dropping = false;
	rx_post(rx, i);
	rx->next = (i + 1) % NIC_RING;
	return last;
}

static bool rx_is_done(const struct nic_rx *rx)
{
	return READ_ONCE(rx->desc[rx->next].status) & RXD_DD;
}

/* Context: NAPI. Return: how many frames there were, at most @budget. */
int rx_poll(struct nic *nic, int budget)
{
	unsigned int first = nic->rx.next;
	int frames = 0;

	while (frames < budget && rx_is_done(&nic->rx)) {
		/* The rest of the descriptor was written before its status. */
		dma_rmb();
		frames += rx_desc_done(nic);
	}
	if (nic->rx.next != first)
		rx_tell_card(nic);
	xdp_flush(nic);
	rx_fill_spares(nic);
	return frames;
}

static void rx_empty(struct nic_rx *rx, unsigned int pages)
{
	while (pages--)
		rx->source->put(rx, &rx->pages[pages]);
}

static int rx_fill(struct nic_rx *rx)
{
	unsigned int i;
	int err;

	for (i = 0; i < NIC_RING; i++) {
		err = rx->source->get(rx, &rx->pages[i]);
		if (err) {
			rx_empty(rx, i);
			return err;
		}
		rx_post(rx, i);
	}
	return 0;
}

static int rx_open_source(struct nic_rx *rx)
{
	int err = rx->source->create(rx);

	if (err)
		return err;
	err = rx_fill(rx);
	if (err)
		rx->source->destroy(rx);
	return err;
}

static size_t rx_bytes(void)
{
	return NIC_RING * sizeof(struct rx_desc);
}

static void rx_free_ring(struct nic_rx *rx)
{
	if (rx->desc)
		dma_free_coherent(rx->dev, rx_bytes(), rx->desc, rx->desc_dma);
	__skb_queue_purge(&rx->spares);
}

/* Context: Task; the card is reset. Return: 0 or an errno. */
int rx_open(struct nic *nic)
{
	struct nic_rx *rx = &nic->rx;
	int err;

	err = xdp_open(nic);
	if (err)
		return err;
	rx->next = 0;
	__skb_queue_head_init(&rx->spares);
	rx_fill_spares(nic);
	rx->desc = dma_alloc_coherent(rx->dev, rx_bytes(), &rx->desc_dma,
				      GFP_KERNEL);
	err = rx->desc ? rx_open_source(rx) : -ENOMEM;
	if (err) {
		rx_free_ring(rx);
		xdp_close(nic);
		return err;
	}
	nic_write(nic, RDBAL, lower_32_bits(rx->desc_dma));
	nic_write(nic, RDBAH, upper_32_bits(rx->desc_dma));
	nic_write(nic, RDLEN, rx_bytes());
	nic_write(nic, RDH, 0);
	rx_tell_card(nic);
	return 0;
}

/* Context: Task; the card is reset, NAPI disabled. */
void rx_close(struct nic *nic)
{
	struct nic_rx *rx = &nic->rx;

	rx_discard(nic);
	rx->dropping = false;
	rx_empty(rx, NIC_RING);
	rx->source->destroy(rx);
	rx_free_ring(rx);
	xdp_close(nic);
}
