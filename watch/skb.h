/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Socket buffers that have something of a target: found by skb_find.c, placed in the holder's
 * queue by skb_place.c, and told by skb_tell.c.
 */
#ifndef WATCH_SKB_H
#define WATCH_SKB_H

#include <linux/sched.h>
#include <linux/skbuff.h>

#include "watch/slab.h"

struct sock;
struct watch_search;

/* The caches that skbs are in: plain skbs, and skbs with room for a clone behind. */
enum { WATCH_SKB_PLAIN, WATCH_SKB_CLONABLE, WATCH_SKB_NR_KINDS };

extern struct watch_slab_kind watch_skb_kinds[WATCH_SKB_NR_KINDS];

enum watch_skb_where {
	WATCH_SKB_NOWHERE,
	WATCH_SKB_IN_LIST,	/* of a socket, or of somebody else */
	WATCH_SKB_IN_TREE,
	WATCH_SKB_CHARGED,
};

/*
 * An skb that has something of a target. An skb in the list of fragments of an outer skb is where
 * the outer skb is. Most skbs are in no such list: @outer is @at.
 */
struct watch_skb {
	const struct sk_buff *at, *outer;
	const struct sk_buff *root;	/* of the tree that the outer skb may be in */
	unsigned long pfn;
	const void *word;		/* stands for the reference; clones have the same word */
	const char *part, *queue;
	const struct sock *sk;
	unsigned long head;		/* of the list that the outer skb is in */
	unsigned int clones;		/* at most so many skbs share the word */
	enum watch_skb_where place;
	enum watch_life life;		/* of the outer skb; not looked for if in a list */
	/* The task that has the socket open. */
	char comm[TASK_COMM_LEN];
	pid_t pid;
	unsigned int fd;
};

#define WATCH_SKB_MAX	8192

struct watch_skbs {
	struct watch_skb *skb;
	unsigned int nr, left_out;
	unsigned int nr_found;		/* without the outer skbs */
};

void watch_skb_add(struct watch_skbs *skbs, const struct watch_skb *skb);

int watch_skb_init(void);

int watch_skb_kind(unsigned long addr);
bool watch_skb_fits(const struct sk_buff *skb);
unsigned int watch_skb_clones(const struct sk_buff *skb);

typedef void watch_skb_fn(struct watch_search *search, struct watch_skbs *skbs,
			  const struct sk_buff *at);

void watch_skb_each(struct watch_search *search, struct watch_skbs *skbs, watch_skb_fn *fn);
void watch_skb_place(struct watch_search *search, struct watch_skbs *skbs);
void watch_skb_tell(struct watch_search *search, const struct watch_skbs *skbs);

#endif /* WATCH_SKB_H */
