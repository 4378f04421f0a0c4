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
/* No datagram is made of more fragments. */
#define MAX_MEMBERS	8192

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

	if (!is_linked((unsigned long)hit->outer, &next))
		return false;
	while (watch_skb_kind(next) >= 0)
		if (hops++ == MAX_HOPS || !watch_peek(&next, (void *)next, sizeof(next)))
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
	const struct rb_node *node = &hit->outer->rbnode, *parent;
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

/*
 * Whether the clone of a pair is a trace of the past: when freed, a clone keeps all fields. Where a
 * pair has a single user, the user is the clone only if both have the same buffer.
 */
static bool is_past_clone(const struct sk_buff *at, const struct sk_buff *skb)
{
	const struct sk_buff_fclones *pair = container_of(at, struct sk_buff_fclones, skb2);
	unsigned char *head;
	int users;

	if (skb->fclone != SKB_FCLONE_CLONE)
		return false;
	return !watch_peek(&users, &pair->fclone_ref.refs.counter, sizeof(users)) ||
	       !watch_peek(&head, &pair->skb1.head, sizeof(head)) ||
	       (users < 2 && head != skb->head);
}

static void place_by_charge(struct watch_skb *hit)
{
	struct sk_buff skb;
	const struct sock *sk;

	if (!watch_peek(&skb, hit->outer, sizeof(skb)) || !skb.destructor ||
	    is_past_clone(hit->outer, &skb))
		return;
	sk = watch_sock_at((unsigned long)skb.sk);
	if (sk) {
		hit->place = WATCH_SKB_CHARGED;
		hit->sk = sk;
	}
}

/* An skb that is charged to a socket may yet be found in a tree of the socket. */
static void place_first(struct watch_skb *hit)
{
	struct watch_slab_object object;

	if (place_in_list(hit))
		return;
	if (watch_slab_find(hit->outer, &object))
		hit->life = object.life;
	if (hit->life == WATCH_LIFE_FREED)
		return;
	climb(hit);
	place_by_charge(hit);
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

/* Lists of fragments. Clones of the outer skb share the list. */

/*
 * Adds, for each hit in the skb @at, a hit where @outer is: @outer may be a trace of the past, and
 * then the skb is elsewhere.
 */
static void claim_member(struct watch_skbs *hits, const struct sk_buff *at,
			 const struct watch_skb *outer)
{
	const struct watch_skb *hit;
	struct watch_skb claimed = *outer;

	for (hit = hits->skb; hit < hits->skb + hits->nr_found; hit++) {
		if (hit->at != at || hit->place || hit->life == WATCH_LIFE_FREED)
			continue;
		claimed.at = at;
		claimed.pfn = hit->pfn;
		claimed.word = hit->word;
		claimed.part = hit->part;
		claimed.clones = outer->clones + max(hit->clones, 1U) - 1;
		watch_skb_add(hits, &claimed);
	}
}

/* Return: how many users @member has but for a single list of fragments, as further lists. */
static unsigned int further_users(const struct sk_buff *member)
{
	struct sk_buff skb;

	return watch_peek(&skb, member, sizeof(skb)) ? max(refcount_read(&skb.users), 1U) - 1 : 0;
}

static void claim_members(struct watch_search *search, struct watch_skbs *hits,
			  const struct sk_buff *at)
{
	struct watch_skb outer = { .at = at, .outer = at };
	unsigned int members = 0, clones;
	const struct sk_buff *member;
	struct sk_buff skb;

	if (!watch_peek(&skb, at, sizeof(skb)) || !watch_skb_fits(&skb) || !skb.data_len ||
	    !watch_peek(&member, &skb_shinfo(&skb)->frag_list, sizeof(member)) ||
	    watch_skb_kind((unsigned long)member) < 0)
		return;
	place_first(&outer);
	clones = watch_skb_clones(&skb);
	while (outer.life != WATCH_LIFE_FREED && watch_skb_kind((unsigned long)member) >= 0 &&
	       members++ < MAX_MEMBERS && !watch_pause(search)) {
		outer.clones = clones + further_users(member);
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
	hits->nr_found = hits->nr;
	if (any_nowhere(hits))
		watch_skb_each(search, hits, claim_members);
	if (hits->nr)
		watch_each_file(search, place_by_socket, hits);
}
