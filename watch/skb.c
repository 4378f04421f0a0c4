// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket buffers. All objects of the two slab caches that skbs come from are looked at,
 * so an skb is found wherever it is. Which queue it is in is asked afterwards, and only of
 * those that have something of a target:
 *
 * - in a list, whose head is in a socket or elsewhere,
 * - in a tree of a TCP socket that a process has open,
 * - in the list of fragments of another skb,
 * - charged to a socket, and on its way to a device,
 * - in none of these: a driver or a queueing discipline has it, or it is free already. What
 *   is free and in its slab's list of free objects is told; what the network stack keeps
 *   for the next allocation looks as it did in use.
 *
 * A list or tree must lead back to the skb, or what leads to it is a trace of the past.
 */
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/vmalloc.h>
#include <net/sock.h>

#include "watch/files.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/search.h"
#include "watch/searchers.h"
#include "watch/skb.h"
#include "watch/slab.h"
#include "watch/sock.h"

#define LEARN		64
#define MAX_HITS	8192
/* Of a queue, so many are passed on the way to its head. */
#define MAX_HOPS	100000
#define MAX_DEPTH	64
#define MAX_HEAD	SZ_1M

enum { PLAIN, CLONABLE, NR_KINDS };

static struct watch_slab_kind kinds[NR_KINDS];

enum place {
	NOWHERE,
	IN_LIST,	/* of a socket, or of somebody else */
	IN_TREE,
	IN_SKB,
	CHARGED,
};

/* An skb that has something of a target. */
struct hit {
	const struct sk_buff *skb;
	const struct sk_buff *root;	/* of the tree that it may be in */
	unsigned long pfn;
	const void *word;		/* what says so */
	const char *part, *queue;
	const struct sock *sk;
	unsigned long head;		/* of its list */
	enum place place;
	enum watch_life life;
	/* The task that has the socket open. */
	char comm[TASK_COMM_LEN];
	pid_t pid;
	unsigned int fd;
};

struct hits {
	struct hit *hit;
	unsigned int nr, left_out;
};

/* Whether an skb is at @addr: the kind of cache it is in, or -1. */
static int kind_of(unsigned long addr)
{
	const void *cache = addr % sizeof(long) ? NULL : watch_slab_cache((void *)addr);
	int kind;

	for (kind = 0; cache && kind < NR_KINDS; kind++)
		if (kinds[kind].cache == cache)
			return kind;
	return -1;
}

/* Finding them. */

static bool fits(const struct sk_buff *skb)
{
	unsigned long head = (unsigned long)skb->head, data = (unsigned long)skb->data;
	unsigned long end = (unsigned long)skb_end_pointer(skb);

	return refcount_read(&skb->users) > 0 && (long)head < 0 && data >= head && data <= end &&
	       end > head && end - head <= MAX_HEAD && skb->data_len <= skb->len;
}

static void add_hit(struct hits *hits, const struct sk_buff *skb, unsigned long pfn,
		    const void *word, const char *part)
{
	if (hits->nr == MAX_HITS) {
		hits->left_out++;
		return;
	}
	hits->hit[hits->nr++] = (struct hit){
		.skb = skb, .pfn = pfn, .word = word, .part = part,
	};
}

static void look_at_fragments(struct watch_search *search, struct hits *hits,
			      const struct sk_buff *at, const struct skb_shared_info *info)
{
	struct skb_shared_info copy;
	unsigned long pfn;
	unsigned int i;

	if (!watch_peek(&copy, info, sizeof(copy)))
		return;
	for (i = 0; i < copy.nr_frags && i < MAX_SKB_FRAGS; i++) {
		pfn = watch_word_pfn(*(unsigned long *)&copy.frags[i]);
		if (watch_wanted(search, pfn))
			add_hit(hits, at, pfn, &info->frags[i], "a fragment");
	}
}

static void look_at_skb(struct watch_search *search, struct hits *hits, const struct sk_buff *at)
{
	unsigned long pfn;
	struct sk_buff skb;

	if (!watch_peek(&skb, at, sizeof(skb)) || !fits(&skb))
		return;
	pfn = watch_word_pfn((unsigned long)skb.head);
	if (watch_wanted(search, pfn))
		add_hit(hits, at, pfn, skb.head, "the head");
	if (skb.data_len)
		look_at_fragments(search, hits, at, skb_shinfo(&skb));
}

/* An object of the second kind has an skb, and room for a clone of it. */
static void look_at_object(struct watch_search *search, struct hits *hits, const void *object,
			   int kind)
{
	look_at_skb(search, hits, object);
	if (kind == CLONABLE)
		look_at_skb(search, hits, object + offsetof(struct sk_buff_fclones, skb2));
}

static void look_in_slab(struct watch_search *search, struct hits *hits, unsigned long pfn)
{
	const void *base = pfn_to_kaddr(pfn);
	unsigned long offset, bytes = watch_slab_bytes(pfn);
	int kind = bytes ? kind_of((unsigned long)base) : -1;

	if (kind < 0)
		return;
	for (offset = kinds[kind].first; offset + kinds[kind].stride <= bytes;
	     offset += kinds[kind].stride)
		look_at_object(search, hits, base + offset, kind);
}

static void find_all(struct watch_search *search, struct hits *hits)
{
	unsigned long pfn;

	for (pfn = 1; pfn < watch_end_pfn; pfn++) {
		look_in_slab(search, hits, pfn);
		if (!(pfn % 256) && watch_pause(search))
			return;
	}
}

/* Placing them. */

static const void *object_of(const struct hit *hit, int kind)
{
	const void *base = (const void *)hit->skb;
	unsigned long offset = offset_in_page(base);

	/* The clone's object begins at its companion. */
	if (kind == CLONABLE && (offset - kinds[kind].first) % kinds[kind].stride)
		base -= offsetof(struct sk_buff_fclones, skb2);
	return base;
}

/* Whether what @from leads to leads back to it. Sets @next. */
static bool is_linked(unsigned long from, unsigned long *next)
{
	unsigned long back;

	return watch_peek(next, (void *)from + offsetof(struct sk_buff, next), sizeof(*next)) &&
	       watch_peek(&back, (void *)*next + offsetof(struct sk_buff, prev), sizeof(back)) &&
	       back == from;
}

/*
 * Follow the list to what is no skb: its head, which must be linked as well. In a tree, a
 * parent may look like a neighbour, but what is reached at last like no head.
 */
static bool place_in_list(struct hit *hit)
{
	unsigned long next, first;
	unsigned int hops = 0;

	if (!is_linked((unsigned long)hit->skb, &next))
		return false;
	while (kind_of(next) >= 0 && hops++ < MAX_HOPS)
		if (!watch_peek(&next, (void *)next, sizeof(next)))
			return false;
	if (next % sizeof(long) || !is_linked(next, &first))
		return false;
	hit->place = IN_LIST;
	hit->head = next;
	hit->sk = watch_sock_of_queue(next, &hit->queue);
	return true;
}

static bool is_child(const struct rb_node *child, const struct rb_node *parent)
{
	struct rb_node copy;

	return kind_of((unsigned long)parent) >= 0 && WATCH_PEEK(copy, parent) &&
	       (copy.rb_left == child || copy.rb_right == child);
}

/* Climb as far as the parents know their children. */
static void climb(struct hit *hit)
{
	const struct rb_node *node = &hit->skb->rbnode, *parent;
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

static void place_first(struct hit *hit)
{
	int kind = kind_of((unsigned long)hit->skb);

	if (place_in_list(hit))
		return;
	if (kind >= 0)
		hit->life = watch_slab_life(&kinds[kind], object_of(hit, kind));
	if (hit->life != WATCH_LIFE_FREED)
		climb(hit);
}

static void note_task(struct hit *hit, const struct watch_file *file)
{
	if (hit->pid)
		return;
	hit->pid = task_pid_nr(file->task);
	hit->fd = file->fd;
	get_task_comm(hit->comm, file->task);
}

static void place_in_tree(struct hit *hit, const struct sock *sk,
			  const struct watch_sock_tree *tree)
{
	if (!hit->root || (unsigned long)hit->root != tree->root)
		return;
	hit->place = IN_TREE;
	hit->sk = sk;
	hit->queue = tree->name;
	hit->root = NULL;
}

static void place_in_socket(struct hits *hits, const struct sock *sk,
			    const struct watch_file *file)
{
	struct watch_sock_tree trees[WATCH_SOCK_TREES];
	unsigned int i, nr = watch_sock_trees(sk, trees);
	struct hit *hit;

	for (hit = hits->hit; hit < hits->hit + hits->nr; hit++) {
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

static void place_by_charge(struct hit *hit)
{
	struct sk_buff skb;
	const struct sock *sk;

	if (hit->place || hit->life == WATCH_LIFE_FREED ||
	    !watch_peek(&skb, hit->skb, sizeof(skb)) || !skb.destructor)
		return;
	sk = watch_sock_at((unsigned long)skb.sk);
	if (sk) {
		hit->place = CHARGED;
		hit->sk = sk;
	}
}

/* The skbs that have lists of fragments: who is in one is where the first one is. */

static void claim_member(struct hits *hits, const struct sk_buff *member, const struct hit *outer)
{
	struct hit *hit;

	for (hit = hits->hit; hit < hits->hit + hits->nr; hit++) {
		if (hit->skb != member || hit->place)
			continue;
		hit->place = IN_SKB;
		hit->sk = outer->sk;
		hit->head = outer->head;
		hit->queue = outer->queue;
	}
}

static void claim_members(struct hits *hits, const struct sk_buff *at)
{
	struct hit outer = { .skb = at };
	const struct skb_shared_info *info;
	const struct sk_buff *member;
	struct sk_buff skb;
	unsigned int depth;

	if (!watch_peek(&skb, at, sizeof(skb)) || !fits(&skb) || !skb.data_len)
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

static void claim_in_slab(struct hits *hits, unsigned long pfn)
{
	const void *base = pfn_to_kaddr(pfn);
	unsigned long offset, bytes = watch_slab_bytes(pfn);
	int kind = bytes ? kind_of((unsigned long)base) : -1;

	if (kind < 0)
		return;
	for (offset = kinds[kind].first; offset + kinds[kind].stride <= bytes;
	     offset += kinds[kind].stride)
		claim_members(hits, base + offset);
}

static bool any_nowhere(const struct hits *hits)
{
	unsigned int i;

	for (i = 0; i < hits->nr; i++)
		if (!hits->hit[i].place && hits->hit[i].life != WATCH_LIFE_FREED)
			return true;
	return false;
}

static void place_in_skbs(struct watch_search *search, struct hits *hits)
{
	unsigned long pfn;

	for (pfn = 1; any_nowhere(hits) && pfn < watch_end_pfn; pfn++) {
		claim_in_slab(hits, pfn);
		if (!(pfn % 256) && watch_pause(search))
			return;
	}
}

static void place_all(struct watch_search *search, struct hits *hits)
{
	unsigned int i;

	for (i = 0; i < hits->nr && !watch_pause(search); i++)
		place_first(&hits->hit[i]);
	for (i = 0; i < hits->nr; i++)
		place_by_charge(&hits->hit[i]);
	place_in_skbs(search, hits);
	if (hits->nr)
		watch_each_file(search, place_by_socket, hits);
}

/* Telling. */

static void tell_socket(struct watch_search *search, const struct hit *hit)
{
	char sock[WATCH_SOCK_TEXT], task[48] = "no task has it open";

	watch_sock_describe(hit->sk, sock, sizeof(sock));
	if (hit->pid)
		scnprintf(task, sizeof(task), "%s:%d fd %u", hit->comm, hit->pid, hit->fd);
	watch_hold(search, hit->pfn, WATCH_REFERENCE, hit->skb,
		   "%s of an skb %s%s%s a %s, %s", hit->part,
		   hit->queue ? "in the " : "charged to", hit->queue ?: "",
		   hit->queue ? " of" : "", sock, task);
}

static void tell_list(struct watch_search *search, const struct hit *hit)
{
	struct watch_slab_object object = { .name = "no cache" };

	watch_slab_find((void *)hit->head, &object);
	watch_hold(search, hit->pfn, WATCH_REFERENCE, hit->skb,
		   "%s of an skb in a list with its head at 0x%lx, which is no socket's (slab cache %s)",
		   hit->part, hit->head, object.name);
}

static void tell_stray(struct watch_search *search, const struct hit *hit)
{
	xa_store(&search->strays, watch_index(hit->skb), xa_mk_value(1), GFP_KERNEL);
	watch_hold(search, hit->pfn, WATCH_POINTER, hit->skb,
		   "%s of an skb in no queue: a driver's, a queueing discipline's, or free and kept for the next",
		   hit->part);
}

/* What clones share has one reference: who comes first has it. */
static void tell(struct watch_search *search, const struct hit *hit)
{
	if (!watch_account(search, hit->word) || watch_explained(search, hit->pfn))
		return;
	if (hit->life == WATCH_LIFE_FREED)
		watch_hold(search, hit->pfn, WATCH_TRACE, hit->skb,
			   "%s of an skb that is free", hit->part);
	else if (hit->sk)
		tell_socket(search, hit);
	else if (hit->place)
		tell_list(search, hit);
	else
		tell_stray(search, hit);
}

static void tell_all(struct watch_search *search, const struct hits *hits)
{
	unsigned int i;

	/* A clone that is in a queue is better news than one that is in none. */
	for (i = 0; i < hits->nr; i++)
		if (hits->hit[i].place)
			tell(search, &hits->hit[i]);
	for (i = 0; i < hits->nr; i++)
		if (!hits->hit[i].place)
			tell(search, &hits->hit[i]);
	if (hits->left_out)
		watch_hold(search, search->targets[0].pfn, WATCH_POINTER, NULL,
			   "%u more skbs that there was no room for", hits->left_out);
}

void watch_find_in_skbs(struct watch_search *search)
{
	struct hits hits = { .hit = vcalloc(MAX_HITS, sizeof(struct hit)) };

	if (!hits.hit)
		return;
	find_all(search, &hits);
	place_all(search, &hits);
	tell_all(search, &hits);
	vfree(hits.hit);
}

/* Learning the caches. */

static int learn(struct watch_slab_kind *kind, gfp_t gfp, bool clonable)
{
	void *skbs[LEARN];
	int i, err = 0;

	for (i = 0; i < LEARN && !err; i++) {
		skbs[i] = clonable ? alloc_skb_fclone(1, gfp) : alloc_skb(1, gfp);
		err = skbs[i] ? 0 : -ENOMEM;
	}
	if (!err)
		err = watch_slab_learn(kind, skbs, LEARN);
	while (i--)
		kfree_skb(skbs[i]);
	return err;
}

/* Context: Task. Return: 0, -ENOMEM, or -ENOENT where skbs cannot be told from others. */
int watch_skb_init(void)
{
	int err = learn(&kinds[PLAIN], GFP_KERNEL, false);

	return err ?: learn(&kinds[CLONABLE], GFP_KERNEL, true);
}
