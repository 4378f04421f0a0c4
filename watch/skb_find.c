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

#define MAX_HITS	8192

static void add_hit(struct watch_skbs *hits, const struct sk_buff *skb, unsigned long pfn,
		    const void *word, const char *part)
{
	if (hits->nr == MAX_HITS) {
		hits->left_out++;
		return;
	}
	hits->skb[hits->nr++] = (struct watch_skb){
		.at = skb, .pfn = pfn, .word = word, .part = part,
	};
}

static void look_at_fragments(struct watch_search *search, struct watch_skbs *hits,
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

static void look_at_skb(struct watch_search *search, struct watch_skbs *hits,
			const struct sk_buff *at)
{
	unsigned long pfn;
	struct sk_buff skb;

	if (!watch_peek(&skb, at, sizeof(skb)) || !watch_skb_fits(&skb))
		return;
	pfn = watch_word_pfn((unsigned long)skb.head);
	if (watch_wanted(search, pfn))
		add_hit(hits, at, pfn, skb.head, "the head");
	if (skb.data_len)
		look_at_fragments(search, hits, at, skb_shinfo(&skb));
}

void watch_find_in_skbs(struct watch_search *search)
{
	struct watch_skbs hits = { .skb = vcalloc(MAX_HITS, sizeof(struct watch_skb)) };

	if (!hits.skb)
		return;
	watch_skb_each(search, &hits, look_at_skb);
	watch_skb_place(search, &hits);
	watch_skb_tell(search, &hits);
	vfree(hits.skb);
}
