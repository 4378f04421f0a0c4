// SPDX-License-Identifier: GPL-2.0-only
/* The calls of ethtool. */
#include <linux/ethtool.h>
#include <linux/string.h>

#include "nic.h"

static const char nic_count_names[][ETH_GSTRING_LEN] = {
	[NIC_RX_PACKETS] = "rx_packets",
	[NIC_RX_BYTES] = "rx_bytes",
	[NIC_RX_COPIED] = "rx_copied",
	[NIC_RX_PAGES] = "rx_pages",
	[NIC_RX_TAKEN_BACK] = "rx_taken_back",
	[NIC_RX_LET_GO] = "rx_let_go",
	[NIC_RX_ERRORS] = "rx_errors",
	[NIC_RX_DROPPED] = "rx_dropped",
	[NIC_TX_DONE] = "tx_done",
	[NIC_TX_PACKETS] = "tx_packets",
	[NIC_TX_BYTES] = "tx_bytes",
	[NIC_TX_DROPPED] = "tx_dropped",
	[NIC_NR_COUNTS] = "rx_missed",
};

static_assert(ARRAY_SIZE(nic_count_names) == NIC_NR_COUNTS + 1);

static int nic_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? ARRAY_SIZE(nic_count_names) : -EOPNOTSUPP;
}

static void nic_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		memcpy(data, nic_count_names, sizeof(nic_count_names));
}

static void nic_get_ethtool_stats(struct net_device *dev,
				  struct ethtool_stats *stats, u64 *data)
{
	struct nic *nic = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < NIC_NR_COUNTS; i++)
		data[i] = READ_ONCE(nic->counts[i]);
	/* The card's counter: cleared by each read, but never by qemu's card. */
	data[i] = nic_read(nic, MPC);
}

static int nic_get_link_ksettings(struct net_device *dev,
				  struct ethtool_link_ksettings *ks)
{
	struct nic *nic = netdev_priv(dev);
	bool up = netif_carrier_ok(dev);

	ks->base.autoneg = AUTONEG_ENABLE;
	ks->base.port = PORT_TP;
	ks->base.speed = up ? card_speed(nic) : SPEED_UNKNOWN;
	ks->base.duplex = up ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	return 0;
}

static int nic_nway_reset(struct net_device *dev)
{
	struct nic *nic = netdev_priv(dev);
	int err;

	if (!netif_running(dev))
		return -ENETDOWN;
	err = card_restart_link(nic);
	/* The card interrupts when the link comes up, but not when the link goes down. */
	nic_link_update(nic);
	return err;
}

static void nic_get_ringparam(struct net_device *dev,
			      struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kernel_ring,
			      struct netlink_ext_ack *extack)
{
	ring->rx_max_pending = NIC_RING;
	ring->rx_pending = NIC_RING;
	ring->tx_max_pending = NIC_RING;
	ring->tx_pending = NIC_RING;
}

const struct ethtool_ops nic_ethtool_ops = {
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = nic_get_link_ksettings,
	.nway_reset = nic_nway_reset,
	.get_ringparam = nic_get_ringparam,
	.get_sset_count = nic_get_sset_count,
	.get_strings = nic_get_strings,
	.get_ethtool_stats = nic_get_ethtool_stats,
};
