// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where an skb is:
 *
 * - in a list, whose head is in a socket or elsewhere,
 * - in a tree of a TCP socket that a task has open,
 * - in the list of fragments of another skb,
 * - charged to a socket, and on its way to a device,
 * - in none of these: a driver or a queueing discipline has the skb, or the skb is free
 *   already. An skb in the slab's list of free objects is known to be free. An skb that the
 *   network stack keeps for the next allocation looks like an skb in use.
 *
 * A list or tree must lead back to the skb; if not, the skb's own links are a trace of the
 * past.
 */
#include <linux/skbuff.h>
#include <linux/stat.h>
#include <net/sock.h>

#include "watch/files.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/search.h"
#include "watch/skb.h"
#include "watch/slab.h"
#include "watch/sock.h"

/* At most so many skbs of a queue are passed on the way to the queue's head. */
#define MAX_HOPS	100000
#define MAX_DEPTH	64

/* Whether the element after @from leads back to @from. Sets @next to that element. */
static bool is_linked(unsigned long from, unsigned long *next)
{
	unsigned long back;

	return watch_peek(next, (void *)from + offsetof(struct sk_buff, next), sizeof(*next)) &&
	       watch_peek(&back, (void *)*next + offsetof(struct sk_buff, prev), sizeof(back)) &&
	       back == from;
}

/*
 * Follow the list to the first element that is no skb: the head, which must be linked as
 * well. In a tree, a parent may look like the next skb of a list, but no head is reached.
 */
static bool place_in_list(struct watch_skb *hit)
{
	unsigned long next, first;
	unsigned int hops = 0;

	if (!is_linked((unsigned long)hit->at, &next))
		return false;
	while (watch_skb_kind(next) >= 0 && hops++ < MAX_HOPS)
		if (!watch_peek(&next, (void *)next, sizeof(next)))
			return false;
	if (next % sizeof(long) || !is_linked(next, &first))
		return false;
	hit->place = WATCH_SKB_IN_LIST;
	hit->head = next;
	hit->sk = watch_sock_of_queue(next, &hit->queue);
	return true;
}

static bool is_child(const struct rb_node *child, const struct rb_node *parent)
{
	struct rb_node copy;

	return watch_skb_kind((unsigned long)parent) >= 0 && WATCH_PEEK(copy, parent) &&
	       (copy.rb_left == child || copy.rb_right == child);
}

/* Climb as far as the parents know their children. */
static void climb(struct watch_skb *hit)
{
	const struct rb_node *node = &hit->at->rbnode, *parent;
	struct rb_node copy;
	unsigned int depth;

	for (depth = 0; depth < MAX_DEPTH && WATCH_PEEK(copy, node); depth++) {
		parent = rb_parent(&copy);
		if (!parent || !is_child(node, parent))
			break;
		node = parent;
	}
	hit->root = rb_entry(node, struct sk_buff, rbnode);
}

static void place_first(struct watch_skb *hit)
{
	struct watch_slab_object object;

	if (place_in_list(hit))
		return;
	if (watch_slab_find(hit->at, &object))
		hit->life = object.life;
	if (hit->life != WATCH_LIFE_FREED)
		climb(hit);
}

static void note_task(struct watch_skb *hit, const struct watch_file *file)
{
	if (hit->pid)
		return;
	hit->pid = task_pid_nr(file->task);
	hit->fd = file->fd;
	get_task_comm(hit->comm, file->task);
}

static void place_in_tree(struct watch_skb *hit, const struct sock *sk,
			  const struct watch_sock_tree *tree)
{
	if (!hit->root || (unsigned long)hit->root != tree->root)
		return;
	hit->place = WATCH_SKB_IN_TREE;
	hit->sk = sk;
	hit->queue = tree->name;
	hit->root = NULL;
}

static void place_in_socket(struct watch_skbs *hits, const struct sock *sk,
			    const struct watch_file *file)
{
	struct watch_sock_tree trees[WATCH_SOCK_TREES];
	unsigned int i, nr = watch_sock_trees(sk, trees);
	struct watch_skb *hit;

	for (hit = hits->skb; hit < hits->skb + hits->nr; hit++) {
		for (i = 0; i < nr; i++)
			place_in_tree(hit, sk, &trees[i]);
		if (hit->sk == sk)
			note_task(hit, file);
	}
}

static void place_by_socket(struct watch_search *search, const struct watch_file *file,
			    void *context)
{
	const struct socket *socket = file->private_data;
	const struct sock *sk;

	if (S_ISSOCK(file->mode) && watch_peek(&sk, &socket->sk, sizeof(sk)) &&
	    watch_sock_at((unsigned long)sk))
		place_in_socket(context, sk, file);
}

static void place_by_charge(struct watch_skb *hit)
{
	struct sk_buff skb;
	const struct sock *sk;

	if (hit->place || hit->life == WATCH_LIFE_FREED ||
	    !watch_peek(&skb, hit->at, sizeof(skb)) || !skb.destructor)
		return;
	sk = watch_sock_at((unsigned long)skb.sk);
	if (sk) {
		hit->place = WATCH_SKB_CHARGED;
		hit->sk = sk;
	}
}

/* The skbs that have lists of fragments: a member of the list is placed where the outer skb is. */

static void claim_member(struct watch_skbs *hits, const struct sk_buff *member,
			 const struct watch_skb *outer)
{
	struct watch_skb *hit;

	for (hit = hits->skb; hit < hits->skb + hits->nr; hit++) {
		if (hit->at != member || hit->place)
			continue;
		hit->place = WATCH_SKB_IN_SKB;
		hit->sk = outer->sk;
		hit->head = outer->head;
		hit->queue = outer->queue;
	}
}

static void claim_members(struct watch_search *search, struct watch_skbs *hits,
			  const struct sk_buff *at)
{
	struct watch_skb outer = { .at = at };
	const struct skb_shared_info *info;
	const struct sk_buff *member;
	struct sk_buff skb;
	unsigned int depth;

	if (!watch_peek(&skb, at, sizeof(skb)) || !watch_skb_fits(&skb) || !skb.data_len)
		return;
	info = skb_shinfo(&skb);
	if (!watch_peek(&member, &info->frag_list, sizeof(member)) || !member)
		return;
	place_first(&outer);
	for (depth = 0; member && depth < MAX_HOPS; depth++) {
		claim_member(hits, member, &outer);
		if (!watch_peek(&member, &member->next, sizeof(member)))
			return;
	}
}

static bool any_nowhere(const struct watch_skbs *hits)
{
	unsigned int i;

	for (i = 0; i < hits->nr; i++)
		if (!hits->skb[i].place && hits->skb[i].life != WATCH_LIFE_FREED)
			return true;
	return false;
}

/* Context: Task; may sleep. */
void watch_skb_place(struct watch_search *search, struct watch_skbs *hits)
{
	unsigned int i;

	for (i = 0; i < hits->nr && !watch_pause(search); i++)
		place_first(&hits->skb[i]);
	for (i = 0; i < hits->nr; i++)
		place_by_charge(&hits->skb[i]);
	if (any_nowhere(hits))
		watch_skb_each(search, hits, claim_members);
	if (hits->nr)
		watch_each_file(search, place_by_socket, hits);
}
