// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of the network core: up, down, interrupts, NAPI, the link, MTU and statistics.
 */
#include <linux/etherdevice.h>
#include <linux/interrupt.h>

#include "bug.h"
#include "nic.h"
#include "xdp.h"

/* Context: Any. */
void nic_link_update(struct nic *nic)
{
	bool up = card_link_is_up(nic);

	if (up == netif_carrier_ok(nic->dev))
		return;
	if (up)
		netif_carrier_on(nic->dev);
	else
		netif_carrier_off(nic->dev);
}

/*
 * The line may be shared with another device, whose interrupts call this handler while NAPI
 * runs. The handler then reads, and so clears, causes of this card. No cause is lost, since
 * napi_schedule_prep() makes NAPI poll once more.
 */
static irqreturn_t nic_interrupt(int irq, void *data)
{
	struct nic *nic = data;
	u32 causes = nic_read(nic, ICR);

	if (!causes)
		return IRQ_NONE;
	if (causes & INT_LSC)
		nic_link_update(nic);
	if (causes & INT_RINGS && napi_schedule_prep(&nic->napi)) {
		nic_write(nic, IMC, INT_RINGS);
		__napi_schedule(&nic->napi);
	}
	return IRQ_HANDLED;
}

int nic_poll(struct napi_struct *napi, int budget)
{
	struct nic *nic = container_of(napi, struct nic, napi);
	int frames;

	tx_poll(nic, budget);
	frames = rx_poll(nic, budget);
	bug_look(nic);
	if (frames < budget && napi_complete_done(napi, frames))
		nic_write(nic, IMS, INT_RINGS);
	return frames;
}

static int nic_open_rings(struct nic *nic)
{
	int err = tx_open(nic);

	if (err)
		return err;
	err = rx_open(nic);
	if (err)
		tx_close(nic);
	return err;
}

static void nic_go(struct nic *nic)
{
	struct net_device *dev = nic->dev;

	napi_enable(&nic->napi);
	netif_start_queue(dev);
	card_start(nic);
	netif_addr_lock_bh(dev);
	card_set_filter(nic);
	netif_addr_unlock_bh(dev);
	nic_write(nic, IMS, INT_RINGS | INT_LSC);
	nic_link_update(nic);
}

static int nic_open(struct net_device *dev)
{
	struct nic *nic = netdev_priv(dev);
	int err;

	card_reset(nic);
	err = nic_open_rings(nic);
	if (err)
		return err;
	err = request_irq(nic->pdev->irq, nic_interrupt, IRQF_SHARED,
			  dev->name, nic);
	if (err) {
		rx_close(nic);
		tx_close(nic);
		return err;
	}
	nic_go(nic);
	return 0;
}

static int nic_stop(struct net_device *dev)
{
	struct nic *nic = netdev_priv(dev);

	/* First, or NAPI would wake the queue, and enable the interrupts, again. */
	napi_disable(&nic->napi);
	netif_tx_disable(dev);
	card_mask_interrupts(nic);
	free_irq(nic->pdev->irq, nic);
	netif_carrier_off(dev);
	card_reset(nic);
	rx_close(nic);
	tx_close(nic);
	return 0;
}

static void nic_set_rx_mode(struct net_device *dev)
{
	card_set_filter(netdev_priv(dev));
}

static int nic_set_address(struct net_device *dev, void *addr)
{
	int err = eth_mac_addr(dev, addr);

	if (!err)
		card_write_address(netdev_priv(dev), dev->dev_addr);
	return err;
}

/* The ring's pages serve any length of frame: only the card must know. */
static int nic_change_mtu(struct net_device *dev, int mtu)
{
	const struct nic *nic = netdev_priv(dev);

	if (nic->prog && !xdp_can_do(nic, mtu))
		return -EINVAL;
	WRITE_ONCE(dev->mtu, mtu);
	if (netif_running(dev)) {
		netif_addr_lock_bh(dev);
		card_set_filter(netdev_priv(dev));
		netif_addr_unlock_bh(dev);
	}
	return 0;
}

/* A page has a headroom with a program, and none without: the ring is filled anew. */
static int nic_set_prog(struct nic *nic, struct netdev_bpf *bpf)
{
	bool running = netif_running(nic->dev);

	if (bpf->prog && !xdp_can_do(nic, nic->dev->mtu)) {
		NL_SET_ERR_MSG(bpf->extack, "XDP needs pages=labyrinth and an MTU of 1500");
		return -EOPNOTSUPP;
	}
	if (running)
		nic_stop(nic->dev);
	xdp_set_prog(nic, bpf->prog);
	return running ? nic_open(nic->dev) : 0;
}

static int nic_bpf(struct net_device *dev, struct netdev_bpf *bpf)
{
	return bpf->command == XDP_SETUP_PROG ? nic_set_prog(netdev_priv(dev), bpf) : -EINVAL;
}

static int nic_xdp_xmit(struct net_device *dev, int nr, struct xdp_frame **frames, u32 flags)
{
	return netif_running(dev) ? tx_send_frames(netdev_priv(dev), nr, frames) : -ENETDOWN;
}

static void nic_get_stats64(struct net_device *dev,
			    struct rtnl_link_stats64 *stats)
{
	struct nic *nic = netdev_priv(dev);

	stats->rx_packets = READ_ONCE(nic->counts[NIC_RX_PACKETS]);
	stats->rx_bytes = READ_ONCE(nic->counts[NIC_RX_BYTES]);
	stats->rx_errors = READ_ONCE(nic->counts[NIC_RX_ERRORS]);
	stats->rx_dropped = READ_ONCE(nic->counts[NIC_RX_DROPPED]);
	stats->tx_packets = READ_ONCE(nic->counts[NIC_TX_PACKETS]);
	stats->tx_bytes = READ_ONCE(nic->counts[NIC_TX_BYTES]);
	stats->tx_dropped = READ_ONCE(nic->counts[NIC_TX_DROPPED]);
}

const struct net_device_ops nic_netdev_ops = {
	.ndo_open = nic_open,
	.ndo_stop = nic_stop,
	.ndo_start_xmit = nic_xmit,
	.ndo_set_rx_mode = nic_set_rx_mode,
	.ndo_set_mac_address = nic_set_address,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_change_mtu = nic_change_mtu,
	.ndo_get_stats64 = nic_get_stats64,
	.ndo_bpf = nic_bpf,
	.ndo_xdp_xmit = nic_xdp_xmit,
};
