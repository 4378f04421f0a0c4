// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transmit ring: a descriptor for each frame, since the driver does not set NETIF_F_SG, so
 * the stack gives every frame in a single piece.
 *
 * Head and tail are free-running. Only nic_xmit() and tx_send_frames() move the head, under the
 * core's transmit lock, and only NAPI the tail.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>
#include <net/xdp.h>

#include "nic.h"

static unsigned int tx_room(const struct nic_tx *tx)
{
	return NIC_RING - 1 - (READ_ONCE(tx->head) - READ_ONCE(tx->tail));
}

/* In the lowest bit of an entry of sent[]. */
#define SENT_XDP	1UL

static int tx_post(struct nic *nic, void *data, unsigned int len, void *sent)
{
	struct nic_tx *tx = &nic->tx;
	unsigned int i = tx->head % NIC_RING;
	dma_addr_t dma = dma_map_single(&nic->pdev->dev, data, len, DMA_TO_DEVICE);

	if (dma_mapping_error(&nic->pdev->dev, dma))
		return -ENOMEM;
	tx->sent[i] = sent;
	tx->desc[i] = (struct tx_desc) {
		.addr = cpu_to_le64(dma),
		.length = cpu_to_le16(len),
		.command = TXD_EOP | TXD_IFCS | TXD_RS,
	};
	return 0;
}

static void tx_stop_if_full(struct nic *nic)
{
	if (tx_room(&nic->tx))
		return;
	netif_stop_queue(nic->dev);
	/*
	 * Pairs with the smp_mb() in tx_poll(): tx_poll() sees the queue stopped, or this
	 * function sees the tail that tx_poll() moved.
	 */
	smp_mb();
	if (tx_room(&nic->tx))
		netif_start_queue(nic->dev);
}

static void tx_queue(struct nic *nic, struct sk_buff *skb)
{
	struct nic_tx *tx = &nic->tx;
	unsigned int len = skb->len;

	if (tx_post(nic, skb->data, len, skb)) {
		nic_count(nic, NIC_TX_DROPPED, 1);
		dev_kfree_skb_any(skb);
		return;
	}
	nic_count(nic, NIC_TX_PACKETS, 1);
	nic_count(nic, NIC_TX_BYTES, len);
	skb_tx_timestamp(skb);
	netdev_sent_queue(nic->dev, len);
	/* Pairs with tx_is_done(): NAPI, once the head is seen, sees the descriptor and the skb. */
	smp_store_release(&tx->head, tx->head + 1);
	tx_stop_if_full(nic);
}

/* A dropped frame may be the last of several: the card is then told of the frames before. */
netdev_tx_t nic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct nic *nic = netdev_priv(dev);

	tx_queue(nic, skb);
	if (!netdev_xmit_more() || netif_queue_stopped(dev))
		nic_write(nic, TDT, nic->tx.head % NIC_RING);
	return NETDEV_TX_OK;
}

/* Under the core's transmit lock. */
static bool tx_queue_frame(struct nic *nic, struct xdp_frame *frame)
{
	struct nic_tx *tx = &nic->tx;

	if (!tx_room(tx) || tx_post(nic, frame->data, frame->len,
				    (void *)((unsigned long)frame | SENT_XDP))) {
		nic_count(nic, NIC_TX_DROPPED, 1);
		return false;
	}
	nic_count(nic, NIC_TX_PACKETS, 1);
	nic_count(nic, NIC_TX_BYTES, frame->len);
	/* Pairs with tx_is_done(), as in tx_queue(). */
	smp_store_release(&tx->head, tx->head + 1);
	return true;
}

/* XDP's frames: those that were not queued are the caller's. Return: how many were. */
int tx_send_frames(struct nic *nic, int nr, struct xdp_frame **frames)
{
	struct netdev_queue *queue = netdev_get_tx_queue(nic->dev, 0);
	int sent = 0;

	local_bh_disable();
	__netif_tx_lock(queue, smp_processor_id());
	if (netif_running(nic->dev))
		while (sent < nr && tx_queue_frame(nic, frames[sent]))
			sent++;
	tx_stop_if_full(nic);
	nic_write(nic, TDT, nic->tx.head % NIC_RING);
	__netif_tx_unlock(queue);
	local_bh_enable();
	return sent;
}

static unsigned int tx_free_skb(struct sk_buff *skb, int budget)
{
	unsigned int len = skb->len;

	napi_consume_skb(skb, budget);
	return len;
}

/* Frees the frame at the tail, sent or never to be sent. Returns an skb's length. */
static unsigned int tx_free_one(struct nic *nic, int budget)
{
	struct nic_tx *tx = &nic->tx;
	unsigned int i = tx->tail % NIC_RING, len = 0;
	unsigned long sent = (unsigned long)tx->sent[i];

	dma_unmap_single(&nic->pdev->dev, le64_to_cpu(tx->desc[i].addr),
			 le16_to_cpu(tx->desc[i].length), DMA_TO_DEVICE);
	if (sent & SENT_XDP)
		xdp_return_frame((struct xdp_frame *)(sent & ~SENT_XDP));
	else
		len = tx_free_skb((struct sk_buff *)sent, budget);
	WRITE_ONCE(tx->tail, tx->tail + 1);
	return len;
}

static bool tx_is_done(const struct nic_tx *tx)
{
	unsigned int i = tx->tail % NIC_RING;

	/* Pairs with the store of the head in tx_queue(): the posted descriptor is complete. */
	return smp_load_acquire(&tx->head) != tx->tail &&
	       READ_ONCE(tx->desc[i].status) & TXD_DD;
}

/* Context: NAPI. */
void tx_poll(struct nic *nic, int budget)
{
	unsigned int frames = 0, bytes = 0;

	while (frames < NIC_RING && tx_is_done(&nic->tx)) {
		bytes += tx_free_one(nic, budget);
		frames++;
	}
	if (!frames)
		return;
	nic_count(nic, NIC_TX_DONE, frames);
	netdev_completed_queue(nic->dev, frames, bytes);
	/* Pairs with the smp_mb() in tx_stop_if_full(). */
	smp_mb();
	if (netif_queue_stopped(nic->dev))
		netif_wake_queue(nic->dev);
}

static size_t tx_bytes(void)
{
	return NIC_RING * sizeof(struct tx_desc);
}

/* Context: Task; the card is reset. Return: 0 or -ENOMEM. */
int tx_open(struct nic *nic)
{
	struct nic_tx *tx = &nic->tx;

	tx->desc = dma_alloc_coherent(&nic->pdev->dev, tx_bytes(),
				      &tx->desc_dma, GFP_KERNEL);
	if (!tx->desc)
		return -ENOMEM;
	tx->head = 0;
	tx->tail = 0;
	nic_write(nic, TDBAL, lower_32_bits(tx->desc_dma));
	nic_write(nic, TDBAH, upper_32_bits(tx->desc_dma));
	nic_write(nic, TDLEN, tx_bytes());
	nic_write(nic, TDH, 0);
	nic_write(nic, TDT, 0);
	return 0;
}

/* Context: Task; the card is reset, NAPI and the queue disabled. */
void tx_close(struct nic *nic)
{
	struct nic_tx *tx = &nic->tx;

	while (tx->tail != tx->head)
		tx_free_one(nic, 0);
	netdev_reset_queue(nic->dev);
	dma_free_coherent(&nic->pdev->dev, tx_bytes(), tx->desc, tx->desc_dma);
}
