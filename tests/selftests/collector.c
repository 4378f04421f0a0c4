// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that leaks pages of others: of the frames that arrive, it takes a reference to the first
 * page of one, keeps the page in a static variable, and never gives the reference back. The
 * parameter pfn is the page's frame number, 0 before there is one. Whoever maps
 * /proc/labyrinth_collector has the page, with a reference of its own.
 */
#include <linux/if_ether.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/proc_fs.h>
#include <linux/skbuff.h>

static struct page *collector_page;

static unsigned long pfn;
module_param(pfn, ulong, 0444);

/* A page of the driver's; NULL: the frame was copied. */
static struct page *page_of(const struct sk_buff *skb)
{
	if (skb_shinfo(skb)->nr_frags)
		return skb_frag_page(&skb_shinfo(skb)->frags[0]);
	return skb->head_frag ? virt_to_head_page(skb->head) : NULL;
}

/* Context: Softirq, on several CPUs at once. */
static int collector_sees(struct sk_buff *skb, struct net_device *dev, struct packet_type *type,
			  struct net_device *orig)
{
	struct page *page = skb->pkt_type == PACKET_HOST && skb->len > 1000 ? page_of(skb) : NULL;

	if (page && !cmpxchg(&collector_page, NULL, page)) {
		get_page(page);
		pfn = page_to_pfn(page);
	}
	kfree_skb(skb);
	return 0;
}

static struct packet_type collector_type = {
	.type = htons(ETH_P_IP),
	.func = collector_sees,
};

static int collector_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct page *page = READ_ONCE(collector_page);

	return page ? vm_insert_page(vma, vma->vm_start, page) : -ENXIO;
}

static const struct proc_ops collector_ops = { .proc_mmap = collector_mmap };

static int __init collector_init(void)
{
	if (!proc_create(KBUILD_MODNAME, 0400, NULL, &collector_ops))
		return -ENOMEM;
	dev_add_pack(&collector_type);
	return 0;
}

/* Of the page, nothing is given back. */
static void __exit collector_exit(void)
{
	dev_remove_pack(&collector_type);
	remove_proc_entry(KBUILD_MODNAME, NULL);
}

module_init(collector_init);
module_exit(collector_exit);

MODULE_DESCRIPTION("Labyrinth self-test: keeps a page of a frame that arrived");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
