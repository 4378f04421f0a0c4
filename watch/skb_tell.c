// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>

#include "watch/search.h"
#include "watch/skb.h"
#include "watch/slab.h"
#include "watch/sock.h"

static void tell_socket(struct watch_search *search, const struct watch_skb *hit,
			enum watch_claim claim)
{
	char sock[WATCH_SOCK_TEXT], task[48] = "no task has it open";

	watch_sock_describe(hit->sk, sock, sizeof(sock));
	if (hit->pid)
		scnprintf(task, sizeof(task), "%s:%d fd %u", hit->comm, hit->pid, hit->fd);
	watch_hold(search, hit->pfn, claim, hit->at,
		   "%s of an skb %s%s%s a %s, %s", hit->part,
		   hit->queue ? "in the " : "charged to", hit->queue ?: "",
		   hit->queue ? " of" : "", sock, task);
}

static void tell_list(struct watch_search *search, const struct watch_skb *hit,
		      enum watch_claim claim)
{
	struct watch_slab_object object = { .name = "no cache" };

	watch_slab_find((void *)hit->head, &object);
	watch_hold(search, hit->pfn, claim, hit->at,
		   "%s of an skb in a list with its head at 0x%lx, which is no socket's (slab cache %s)",
		   hit->part, hit->head, object.name);
}

/* memory.c tells the pointers to the skb. */
static void tell_stray(struct watch_search *search, const struct watch_skb *hit,
		       enum watch_claim claim)
{
	xa_store(&search->strays, watch_index(hit->outer), xa_mk_value(1), GFP_KERNEL);
	watch_hold(search, hit->pfn, claim, hit->at,
		   "%s of an skb in no queue: a driver's, a queueing discipline's, or free and kept for the next",
		   hit->part);
}

static void tell_hit(struct watch_search *search, const struct watch_skb *hit, bool first)
{
	enum watch_claim claim = first ? WATCH_REFERENCE : WATCH_SHARED;

	if (hit->life == WATCH_LIFE_FREED)
		watch_hold(search, hit->pfn, WATCH_TRACE, hit->at,
			   "%s of an skb that is free", hit->part);
	else if (hit->sk)
		tell_socket(search, hit, claim);
	else if (hit->place)
		tell_list(search, hit, claim);
	else
		tell_stray(search, hit,
			   watch_explained(search, hit->pfn) ? WATCH_SHARED : WATCH_POINTER);
}

/*
 * Of clones, the surest is told first: a queue that leads back to the skb proves that the skb is in
 * use, and names the holder.
 */
enum { IN_QUEUE, CHARGED, NOWHERE, FREE, NR_RANKS };

static unsigned int rank_of(const struct watch_skb *hit)
{
	if (hit->life == WATCH_LIFE_FREED)
		return FREE;
	if (!hit->place)
		return NOWHERE;
	return hit->place == WATCH_SKB_CHARGED ? CHARGED : IN_QUEUE;
}

/*
 * Whether @hit adds nothing, with @in_queues clones in queues told before: where as many are in
 * queues as there are clones, any other skb is a trace of the past.
 */
static bool is_told(const struct watch_skb *hit, unsigned int rank, unsigned long in_queues)
{
	return rank == FREE || (rank != IN_QUEUE && in_queues >= hit->clones);
}

/*
 * A page that clones share has a single reference, counted for the first clone that is told. The
 * reference goes with the last clone, so holders of further clones are told as well. @told has, by
 * the word that clones share, how many are in queues. The word of an skb that may be free is not
 * accounted for: the memory may have another use by now.
 */
static void tell(struct watch_search *search, struct xarray *told, const struct watch_skb *hit)
{
	const void *known = xa_load(told, watch_index(hit->word));
	unsigned long in_queues = xa_to_value(known);
	unsigned int rank = rank_of(hit);

	if (rank <= CHARGED)
		watch_account(search, hit->word);
	if (known ? is_told(hit, rank, in_queues) : watch_explained(search, hit->pfn))
		return;
	in_queues += rank == IN_QUEUE;
	xa_store(told, watch_index(hit->word), xa_mk_value(in_queues), GFP_KERNEL);
	tell_hit(search, hit, !known);
}

/* Context: Task. */
void watch_skb_tell(struct watch_search *search, const struct watch_skbs *hits)
{
	unsigned int i, rank;
	struct xarray told;

	xa_init(&told);
	for (rank = 0; rank < NR_RANKS; rank++)
		for (i = 0; i < hits->nr; i++)
			if (rank_of(&hits->skb[i]) == rank &&
			    !(rank == NOWHERE && search->stopped))
				tell(search, &told, &hits->skb[i]);
	xa_destroy(&told);
	if (hits->left_out)
		watch_hold(search, search->targets[0].pfn, WATCH_POINTER, NULL,
			   "%u more skbs that there was no room for", hits->left_out);
}
