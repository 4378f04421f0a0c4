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

static void tell_stray(struct watch_search *search, const struct watch_skb *hit)
{
	xa_store(&search->strays, watch_index(hit->at), xa_mk_value(1), GFP_KERNEL);
	watch_hold(search, hit->pfn, WATCH_POINTER, hit->at,
		   "%s of an skb in no queue: a driver's, a queueing discipline's, or free and kept for the next",
		   hit->part);
}

static void tell_queued(struct watch_search *search, const struct watch_skb *hit,
			enum watch_claim claim)
{
	if (hit->sk)
		tell_socket(search, hit, claim);
	else
		tell_list(search, hit, claim);
}

static void tell_first(struct watch_search *search, const struct watch_skb *hit)
{
	if (hit->life == WATCH_LIFE_FREED)
		watch_hold(search, hit->pfn, WATCH_TRACE, hit->at,
			   "%s of an skb that is free", hit->part);
	else if (hit->place)
		tell_queued(search, hit, WATCH_REFERENCE);
	else
		tell_stray(search, hit);
}

/*
 * A page that clones share has a single reference, counted for the first clone that is told. The
 * reference goes with the last clone, so holders of further clones are told as well.
 */
static void tell(struct watch_search *search, const struct watch_skb *hit)
{
	if (!watch_account(search, hit->word)) {
		if (hit->place && hit->life != WATCH_LIFE_FREED)
			tell_queued(search, hit, WATCH_SHARED);
	} else if (!watch_explained(search, hit->pfn)) {
		tell_first(search, hit);
	}
}

/* Context: Task. */
void watch_skb_tell(struct watch_search *search, const struct watch_skbs *hits)
{
	unsigned int i;

	/* Of clones, a clone in a queue is told first: a queue names the holder. */
	for (i = 0; i < hits->nr; i++)
		if (hits->skb[i].place)
			tell(search, &hits->skb[i]);
	for (i = 0; i < hits->nr; i++)
		if (!hits->skb[i].place)
			tell(search, &hits->skb[i]);
	if (hits->left_out)
		watch_hold(search, search->targets[0].pfn, WATCH_POINTER, NULL,
			   "%u more skbs that there was no room for", hits->left_out);
}
