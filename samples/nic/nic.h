/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's types, and the functions that the driver's files share.
 *
 * Only NAPI may touch the rings, and nic_open() and nic_stop() while NAPI is disabled. But for
 * the transmit ring's head: nic_xmit() and tx_send_frames() move the head, under the core's
 * transmit lock.
 */
#ifndef LABYRINTH_NIC_H
#define LABYRINTH_NIC_H

#include <linux/io.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/skbuff.h>
#include <net/xdp.h>

#include "page_source.h"
#include "regs.h"

#define NIC_RING	256U		/* descriptors of a ring */
#define NIC_HALF	2048U		/* bytes, where a page has two buffers */
#define NIC_SPARES	128U		/* empty skbs kept back */
#define NIC_MAX_MTU	9000

static_assert(NIC_RING * sizeof(struct rx_desc) % RING_ALIGN == 0);
static_assert((NIC_RING & (NIC_RING - 1)) == 0);

/*
 * Each count has a single writer at a time: nic_xmit() for NIC_TX_PACKETS, NIC_TX_BYTES and
 * NIC_TX_DROPPED; for the rest NAPI, or nic_stop() once NAPI is disabled.
 */
enum nic_count {
	NIC_RX_PACKETS,
	NIC_RX_BYTES,
	NIC_RX_COPIED,		/* short frames, copied */
	NIC_RX_PAGES,		/* pages given to the stack */
	NIC_RX_TAKEN_BACK,	/* of these, taken back (mapped) */
	NIC_RX_LET_GO,		/* pages that the stack kept for good (mapped) */
	NIC_RX_ERRORS,		/* frames that the card found bad */
	NIC_RX_DROPPED,		/* frames for which there was no memory */
	NIC_TX_DONE,		/* frames that the card has sent */
	NIC_TX_PACKETS,
	NIC_TX_BYTES,
	NIC_TX_DROPPED,
	NIC_NR_COUNTS
};

struct nic_rx {
	struct device *dev;
	struct rx_desc *desc;
	dma_addr_t desc_dma;
	struct rx_page pages[NIC_RING];
	unsigned int next;		/* the descriptor that is done next */
	unsigned int headroom;		/* where in a page the card writes: 0 without XDP */
	unsigned int parts;		/* of a frame that has not ended yet */
	bool dropping;			/* the rest of a frame, up to the last part */
	struct sk_buff_head spares;	/* for when memory is out */
	const struct page_source *source;
	void *private;			/* the source's */
};

struct nic_tx {
	struct tx_desc *desc;
	dma_addr_t desc_dma;
	void *sent[NIC_RING];		/* an skb; or with SENT_XDP an xdp_frame */
	unsigned int head;		/* free-running: filled next */
	unsigned int tail;		/* free-running: done next */
};

struct nic {
	void __iomem *regs;
	struct net_device *dev;
	struct pci_dev *pdev;
	struct napi_struct napi;
	struct nic_rx rx;
	struct nic_tx tx;
	struct bpf_prog *prog;		/* changes while the interface is down; or NULL */
	struct xdp_rxq_info xdp_rxq;
	bool redirected;		/* in this poll */
	u64 counts[NIC_NR_COUNTS];
};

static inline u32 nic_read(const struct nic *nic, unsigned int reg)
{
	return readl(nic->regs + reg);
}

static inline void nic_write(struct nic *nic, unsigned int reg, u32 value)
{
	writel(value, nic->regs + reg);
}

static inline void nic_count(struct nic *nic, enum nic_count what, u64 nr)
{
	/* Only the readers of statistics race with the store. */
	WRITE_ONCE(nic->counts[what], nic->counts[what] + nr);
}

static inline void rx_count(struct nic_rx *rx, enum nic_count what, u64 nr)
{
	nic_count(container_of(rx, struct nic, rx), what, nr);
}

/* card.c */
void card_mask_interrupts(struct nic *nic);
void card_reset(struct nic *nic);
int card_read_address(struct nic *nic, u8 *addr);
void card_write_address(struct nic *nic, const u8 *addr);
void card_set_filter(struct nic *nic);
void card_start(struct nic *nic);
bool card_link_is_up(const struct nic *nic);
unsigned int card_speed(const struct nic *nic);
int card_restart_link(struct nic *nic);

/* netdev.c */
extern const struct net_device_ops nic_netdev_ops;
void nic_link_update(struct nic *nic);
int nic_poll(struct napi_struct *napi, int budget);

/* ethtool.c */
extern const struct ethtool_ops nic_ethtool_ops;

/* rx.c */
int rx_open(struct nic *nic);
void rx_close(struct nic *nic);
int rx_poll(struct nic *nic, int budget);
int rx_sync_read(struct nic_rx *rx, struct rx_page *page, unsigned int len);
void rx_sync_again(struct nic_rx *rx, struct rx_page *page, unsigned int len);

/* tx.c */
int tx_open(struct nic *nic);
void tx_close(struct nic *nic);
void tx_poll(struct nic *nic, int budget);
int tx_send_frames(struct nic *nic, int nr, struct xdp_frame **frames);
netdev_tx_t nic_xmit(struct sk_buff *skb, struct net_device *dev);

#endif /* LABYRINTH_NIC_H */
