// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends frames to a network card while there is no memory: all that atomic allocations can have is
 * taken, and memory that comes free meanwhile too. The same frame is sent over and over, so that
 * the sender allocates nothing.
 */
#define pr_fmt(fmt) "labyrinth_probe: " fmt

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/ip.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/udp.h>
#include <net/ip.h>

#include "../../labyrinth_compat.h"
#include "probe_starve.h"

#define HOG_PERIOD ns_to_ktime(NSEC_PER_MSEC)

/* The same values as in tests/selftests/nic/wire.sh. */
#define STARVE_DEVICE	"eth0"
#define STARVE_PEER	"eth1"		/* in another network namespace */
#define STARVE_MAC	{ 0x52, 0x54, 0, 0, 0, 2 }
#define STARVE_FROM	0x0a000001
#define STARVE_TO	0x0a000002
#define STARVE_PORT	7777
#define STARVE_SIZE	8000		/* of a datagram: two pages */
#define STARVE_HEADROOM	64

/* Only the timer accesses these while the timer runs. */
static LIST_HEAD(hogged);
static unsigned long nr_hogged;
static struct hrtimer hog_timer;

static void hog(gfp_t gfp)
{
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN))) {
		list_add(&page->lru, &hogged);
		nr_hogged++;
	}
}

static enum hrtimer_restart hog_more(struct hrtimer *timer)
{
	hog(GFP_ATOMIC);
	hrtimer_forward_now(timer, HOG_PERIOD);
	return HRTIMER_RESTART;
}

static void hog_begin(void)
{
	hog(GFP_KERNEL | __GFP_NORETRY);
	hog(GFP_ATOMIC);
	lab_hrtimer_setup(&hog_timer, hog_more, CLOCK_MONOTONIC,
			  HRTIMER_MODE_REL_SOFT);
	hrtimer_start(&hog_timer, HOG_PERIOD, HRTIMER_MODE_REL_SOFT);
}

static void hog_end(void)
{
	struct page *page, *next;

	hrtimer_cancel(&hog_timer);
	list_for_each_entry_safe(page, next, &hogged, lru)
		__free_page(page);
	INIT_LIST_HEAD(&hogged);
	pr_info("%lu pages were hogged\n", nr_hogged);
	nr_hogged = 0;
}

static void put_headers(struct sk_buff *skb, const struct net_device *dev)
{
	static const u8 to[ETH_ALEN] = STARVE_MAC;
	struct udphdr *udp = skb_push(skb, sizeof(*udp));
	struct iphdr *ip = skb_push(skb, sizeof(*ip));
	struct ethhdr *eth = skb_push(skb, sizeof(*eth));

	*udp = (struct udphdr) {
		.source = htons(STARVE_PORT),
		.dest = htons(STARVE_PORT),
		.len = htons(sizeof(*udp) + STARVE_SIZE),
	};
	*ip = (struct iphdr) {
		.version = 4,
		.ihl = sizeof(*ip) / 4,
		.tot_len = htons(skb->len - sizeof(*eth)),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(STARVE_FROM),
		.daddr = htonl(STARVE_TO),
	};
	ip_send_check(ip);
	ether_addr_copy(eth->h_dest, to);
	ether_addr_copy(eth->h_source, dev->dev_addr);
	eth->h_proto = htons(ETH_P_IP);
}

static struct sk_buff *make_frame(struct net_device *dev)
{
	struct sk_buff *skb = alloc_skb(STARVE_HEADROOM + STARVE_SIZE,
					GFP_KERNEL);

	if (!skb)
		return NULL;
	skb_reserve(skb, STARVE_HEADROOM);
	skb_put_zero(skb, STARVE_SIZE);
	put_headers(skb, dev);
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	skb_reset_mac_header(skb);
	return skb;
}

static struct net_device *find_peer(void)
{
	struct net_device *dev = NULL;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net) {
		dev = dev_get_by_name_rcu(net, STARVE_PEER);
		if (dev)
			break;
	}
	dev_hold(dev);
	rcu_read_unlock();
	return dev;
}

/* How many frames have arrived, dropped frames included. */
static u64 arrived(struct net_device *peer)
{
	struct rtnl_link_stats64 stats;

	dev_get_stats(peer, &stats);
	return stats.rx_packets + stats.rx_dropped;
}

/* Sends a frame, and waits until the frame has arrived and the driver is done with @skb. */
static int send_frame(struct sk_buff *skb, struct net_device *peer)
{
	u64 before = arrived(peer);
	unsigned int tries = 1000;
	int err;

	skb_get(skb);
	err = dev_direct_xmit(skb, 0);
	while ((refcount_read(&skb->users) > 1 || arrived(peer) == before) &&
	       --tries)
		usleep_range(10, 20);
	return err == NET_XMIT_SUCCESS && tries ? 0 : -EIO;
}

static int send_frames(struct net_device *dev, struct net_device *peer,
		       unsigned long frames)
{
	struct sk_buff *skb = make_frame(dev);
	int err = 0;

	if (!skb)
		return -ENOMEM;
	hog_begin();
	while (frames-- && !err)
		err = send_frame(skb, peer);
	hog_end();
	kfree_skb(skb);
	return err;
}

/* Context: Task. Return: 0, or -ENODEV, -ENOMEM, or -EIO if not all have arrived. */
int probe_starve(unsigned long frames)
{
	struct net_device *dev = dev_get_by_name(&init_net, STARVE_DEVICE);
	struct net_device *peer = find_peer();
	int err = -ENODEV;

	if (dev && peer)
		err = send_frames(dev, peer, frames);
	dev_put(peer);
	dev_put(dev);
	return err;
}
