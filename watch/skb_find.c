// SPDX-License-Identifier: GPL-2.0-only
/*
 * The searcher of socket buffers. skb_place.c looks for the queue, but only of skbs that have
 * something of a target. No state.
 */
#include <linux/skbuff.h>
#include <linux/vmalloc.h>

#include "watch/peek.h"
#include "watch/search.h"
#include "watch/searchers.h"
#include "watch/skb.h"

/* @hit is the skb, without the part in question. */
static void look_at_fragments(struct watch_search *search, struct watch_skbs *hits,
			      struct watch_skb *hit, const struct skb_shared_info *info)
{
	struct skb_shared_info copy;
	unsigned int i;

	if (!watch_peek(&copy, info, sizeof(copy)))
		return;
	hit->part = "a fragment";
	for (i = 0; i < copy.nr_frags && i < MAX_SKB_FRAGS; i++) {
		hit->pfn = watch_word_pfn(*(unsigned long *)&copy.frags[i]);
		hit->word = &info->frags[i];
		if (watch_wanted(search, hit->pfn))
			watch_skb_add(hits, hit);
	}
}

static void look_at_skb(struct watch_search *search, struct watch_skbs *hits,
			const struct sk_buff *at)
{
	struct watch_skb hit = { .at = at, .outer = at };
	struct sk_buff skb;

	if (!watch_peek(&skb, at, sizeof(skb)) || !watch_skb_fits(&skb))
		return;
	hit.clones = watch_skb_clones(&skb);
	hit.pfn = watch_word_pfn((unsigned long)skb.head);
	hit.word = skb.head;
	hit.part = "the head";
	if (watch_wanted(search, hit.pfn))
		watch_skb_add(hits, &hit);
	if (skb.data_len)
		look_at_fragments(search, hits, &hit, skb_shinfo(&skb));
}

void watch_find_in_skbs(struct watch_search *search)
{
	struct watch_skbs hits = { .skb = vcalloc(WATCH_SKB_MAX, sizeof(struct watch_skb)) };

	if (!hits.skb)
		return;
	watch_skb_each(search, &hits, look_at_skb);
	watch_skb_place(search, &hits);
	watch_skb_tell(search, &hits);
	vfree(hits.skb);
}
