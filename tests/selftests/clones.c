// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that keeps skbs whose pages clones share, or whose clones are free: a clone that was
 * freed keeps all fields. The module does not know Labyrinth. The parameters give the frame numbers
 * of the pages:
 *
 *	strays		of skbs in no queue, each with a free clone at a lower address; most of
 *			the buffers had other skbs before, whose clones were charged and are
 *			free, where what is freed is soon taken again (not with KASAN)
 *	member, split	of an skb in a list of fragments: two clones that have the list are
 *			each in a queue; likewise, one of which has got another buffer since
 *	lonely		likewise: the skb that has the list is in no queue
 *	acked		of an skb in a queue, whose clone was charged to a socket and is free
 */
#include <linux/in.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#define HEAD_SIZE	128
/* A free object's link overwrites some fields, and makes a part of the clones unlike an skb. */
#define MANY		4

static struct sk_buff *clones_strays[MANY], *clones_moved[MANY], *clones_lonely;
static struct sk_buff_head queues[3];
static struct socket *sock;

static unsigned long strays[MANY], member, split, lonely, acked;
module_param_array(strays, ulong, NULL, 0444);
module_param(member, ulong, 0444);
module_param(split, ulong, 0444);
module_param(lonely, ulong, 0444);
module_param(acked, ulong, 0444);

/* An skb with a page of its own, whose frame number is written to @pfn. */
static struct sk_buff *make(unsigned long *pfn, bool clonable)
{
	struct sk_buff *skb = clonable ? alloc_skb_fclone(HEAD_SIZE, GFP_KERNEL) :
					 alloc_skb(HEAD_SIZE, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);

	if (!skb || !page) {
		kfree_skb(skb);
		if (page)
			__free_page(page);
		return NULL;
	}
	skb_add_rx_frag(skb, 0, page, 0, PAGE_SIZE, PAGE_SIZE);
	*pfn = page_to_pfn(page);
	return skb;
}

static struct sk_buff *make_stray(unsigned long *pfn)
{
	struct sk_buff *skb = make(pfn, false), *clone = skb ? skb_clone(skb, GFP_KERNEL) : NULL;

	if (!clone) {
		kfree_skb(skb);
		return NULL;
	}
	kfree_skb(min(skb, clone));
	return max(skb, clone);
}

/* An skb without data that has an skb with a page in its list of fragments. */
static struct sk_buff *make_outer(unsigned long *pfn)
{
	struct sk_buff *outer = alloc_skb(HEAD_SIZE, GFP_KERNEL), *inner = make(pfn, false);

	if (!outer || !inner) {
		kfree_skb(outer);
		kfree_skb(inner);
		return NULL;
	}
	skb_shinfo(outer)->frag_list = inner;
	outer->len += inner->len;
	outer->data_len += inner->len;
	outer->truesize += inner->truesize;
	return outer;
}

static int make_member(unsigned long *pfn, bool another_buffer)
{
	struct sk_buff *outer = make_outer(pfn);
	struct sk_buff *clone = outer ? skb_clone(outer, GFP_KERNEL) : NULL;

	if (outer)
		skb_queue_tail(&queues[0], outer);
	if (clone)
		skb_queue_tail(&queues[1], clone);
	if (!clone)
		return -ENOMEM;
	return another_buffer ? pskb_expand_head(clone, HEAD_SIZE, 0, GFP_KERNEL) : 0;
}

/* As TCP sends: the clone is charged to the socket until the device has sent it. */
static struct sk_buff *make_sent(unsigned long *pfn)
{
	struct sk_buff *skb = make(pfn, true), *clone = skb ? skb_clone(skb, GFP_KERNEL) : NULL;

	if (!clone) {
		kfree_skb(skb);
		return NULL;
	}
	skb_set_owner_w(clone, sock->sk);
	kfree_skb(clone);
	return skb;
}

static int make_acked(void)
{
	struct sk_buff *skb = make_sent(&acked);

	if (skb)
		skb_queue_tail(&queues[2], skb);
	return skb ? 0 : -ENOMEM;
}

/* The skb leaves its buffer, to which the free clone still leads, to the next skb. */
static struct sk_buff *make_moved(void)
{
	unsigned long pfn;
	struct sk_buff *skb = make_sent(&pfn);

	if (skb && pskb_expand_head(skb, HEAD_SIZE, 0, GFP_KERNEL)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

static int make_all(void)
{
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		clones_strays[i] = make_stray(&strays[i]);
		clones_moved[i] = make_moved();
		if (!clones_strays[i] || !clones_moved[i])
			return -ENOMEM;
	}
	clones_lonely = make_outer(&lonely);
	if (!clones_lonely)
		return -ENOMEM;
	return make_member(&member, false) ?: make_member(&split, true) ?: make_acked();
}

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		kfree_skb(clones_strays[i]);
		kfree_skb(clones_moved[i]);
	}
	kfree_skb(clones_lonely);
	for (i = 0; i < ARRAY_SIZE(queues); i++)
		skb_queue_purge(&queues[i]);
	sock_release(sock);
}

static int __init clones_init(void)
{
	int err = sock_create_kern(&init_net, AF_INET, SOCK_DGRAM, IPPROTO_UDP, &sock);
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(queues); i++)
		skb_queue_head_init(&queues[i]);
	err = make_all();
	if (err)
		free_all();
	return err;
}

module_init(clones_init);
module_exit(free_all);

MODULE_DESCRIPTION("Labyrinth self-test: skbs that share pages, and traces of skbs");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
