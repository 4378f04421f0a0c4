// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP, with pages from Labyrinth that stay mapped (pages=labyrinth). A program sees a frame in the
 * buffer, which stays the card's in name:
 *
 * - drop: the card gets the buffer again. Nothing else happens.
 * - pass: the frame is copied to an skb, and the card gets the buffer again.
 * - tx, redirect: the page is given away as to the stack, with one reference, and becomes an
 *   xdp_frame of MEM_TYPE_PAGE_ORDER0. Whoever has sent the frame ends the loan with put_page().
 *   The page comes back by Labyrinth's queue of lent pages.
 *
 * A buffer has a headroom while there is a program, so a card writes half a page at the most, and a
 * frame must fit into that.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/netdevice.h>
#include <net/xdp.h>

#include "../../labyrinth_alloc.h"
#include "nic.h"
#include "xdp.h"

static_assert(XDP_PACKET_HEADROOM + NIC_HALF +
	      SKB_DATA_ALIGN(sizeof(struct skb_shared_info)) <= 4096);

static int pass_on(struct nic *nic, const struct xdp_buff *xdp)
{
	unsigned int len = xdp->data_end - xdp->data;
	struct sk_buff *skb = napi_alloc_skb(&nic->napi, len);

	if (!skb)
		return -ENOMEM;
	skb_put_data(skb, xdp->data, len);
	skb->protocol = eth_type_trans(skb, nic->dev);
	nic_count(nic, NIC_RX_PACKETS, 1);
	nic_count(nic, NIC_RX_BYTES, len);
	napi_gro_receive(&nic->napi, skb);
	return 0;
}

/* The frame in @page is lent, and another page takes the place in the ring. NULL: neither. */
static struct page *take(struct nic *nic, struct rx_page *page)
{
	struct nic_rx *rx = &nic->rx;
	struct rx_page fresh;
	struct page *p;

	if (rx->source->get(rx, &fresh))
		return NULL;
	/* What the program changed must not be copied over: the processor has the bytes already. */
	p = labyrinth_rx_give(rx->private, page->addr, 0, 0);
	if (IS_ERR(p)) {
		rx->source->put(rx, &fresh);
		return NULL;
	}
	*page = fresh;
	nic_count(nic, NIC_RX_PAGES, 1);
	return p;
}

static int send(struct nic *nic, struct xdp_buff *xdp)
{
	struct xdp_frame *frame = xdp_convert_buff_to_frame(xdp);

	return frame ? tx_send_frames(nic, 1, &frame) - 1 : -ENOSPC;
}

/* tx and redirect. */
static int send_on(struct nic *nic, struct rx_page *page, struct xdp_buff *xdp, u32 act)
{
	struct page *p = take(nic, page);
	int err;

	if (!p)
		return -ENOMEM;
	if (act == XDP_TX)
		err = send(nic, xdp);
	else
		err = xdp_do_redirect(nic->dev, xdp, nic->prog);
	nic->redirected |= act == XDP_REDIRECT;
	if (err)
		put_page(p);
	return 0;
}

static int act_on(struct nic *nic, struct rx_page *page, struct xdp_buff *xdp)
{
	u32 act = bpf_prog_run_xdp(nic->prog, xdp);
	int err = 0;

	switch (act) {
	case XDP_TX:
	case XDP_REDIRECT:
		return send_on(nic, page, xdp, act);
	case XDP_PASS:
		err = pass_on(nic, xdp);
		break;
	default:
		bpf_warn_invalid_xdp_action(nic->dev, nic->prog, act);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(nic->dev, nic->prog, act);
		fallthrough;
	case XDP_DROP:
		break;
	}
	labyrinth_rx_again(nic->rx.private, page->addr);
	return err;
}

/* A frame of @len bytes in @page. Context: NAPI. Return: 0 or an errno: the frame was dropped. */
int xdp_receive(struct nic *nic, struct rx_page *page, unsigned int len)
{
	struct xdp_buff xdp;
	int err = labyrinth_rx_read(nic->rx.private, page->addr, XDP_PACKET_HEADROOM, len);

	if (err)
		return err;
	xdp_init_buff(&xdp, PAGE_SIZE, &nic->xdp_rxq);
	xdp_prepare_buff(&xdp, page->addr, XDP_PACKET_HEADROOM, len, false);
	return act_on(nic, page, &xdp);
}

/* Context: NAPI, at the end of a poll. */
void xdp_flush(struct nic *nic)
{
	if (!nic->redirected)
		return;
	nic->redirected = false;
	xdp_do_flush();
}

/* Context: Task, the card is reset. Return: 0 or an errno. */
int xdp_open(struct nic *nic)
{
	int err;

	nic->rx.headroom = nic->prog ? XDP_PACKET_HEADROOM : 0;
	if (!nic->prog)
		return 0;
	err = xdp_rxq_info_reg(&nic->xdp_rxq, nic->dev, 0, nic->napi.napi_id);
	if (err)
		return err;
	return xdp_rxq_info_reg_mem_model(&nic->xdp_rxq, MEM_TYPE_PAGE_ORDER0, NULL);
}

void xdp_close(struct nic *nic)
{
	if (xdp_rxq_info_is_reg(&nic->xdp_rxq))
		xdp_rxq_info_unreg(&nic->xdp_rxq);
}

/* Takes over the caller's reference to @prog. Context: Task, the interface is down. */
void xdp_set_prog(struct nic *nic, struct bpf_prog *prog)
{
	struct bpf_prog *old = nic->prog;

	nic->prog = prog;
	if (old)
		bpf_prog_put(old);
}

bool xdp_can_do(const struct nic *nic, unsigned int mtu)
{
	return nic->rx.source == &rx_labyrinth_source && mtu <= ETH_DATA_LEN;
}
