// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket buffers: all objects of the two slab caches that skbs come from, in any queue or in
 * none. State: the caches, learnt at load and constant afterwards.
 */
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/skb.h"
#include "watch/slab.h"

#define LEARN		64
#define MAX_HEAD	SZ_1M

struct watch_slab_kind watch_skb_kinds[WATCH_SKB_NR_KINDS];

/* Return: the kind of skb cache that has @addr, or -1: no skb is at @addr. */
int watch_skb_kind(unsigned long addr)
{
	const void *cache = addr % sizeof(long) ? NULL : watch_slab_cache((void *)addr);
	int kind;

	for (kind = 0; cache && kind < WATCH_SKB_NR_KINDS; kind++)
		if (watch_skb_kinds[kind].cache == cache)
			return kind;
	return -1;
}

/* Whether the copy of an skb is consistent: the object that was copied may be free. */
bool watch_skb_fits(const struct sk_buff *skb)
{
	unsigned long head = (unsigned long)skb->head, data = (unsigned long)skb->data;
	unsigned long end = (unsigned long)skb_end_pointer(skb);

	return refcount_read(&skb->users) > 0 && (long)head < 0 && data >= head && data <= end &&
	       end > head && end - head <= MAX_HEAD && skb->data_len <= skb->len;
}

/* Return: how many skbs have the buffer of @skb, which is a copy; 0: not known. */
unsigned int watch_skb_clones(const struct sk_buff *skb)
{
	int dataref;

	return watch_peek(&dataref, &skb_shinfo(skb)->dataref.counter, sizeof(dataref)) ?
	       dataref & SKB_DATAREF_MASK : 0;
}

void watch_skb_add(struct watch_skbs *hits, const struct watch_skb *hit)
{
	if (hits->nr == WATCH_SKB_MAX)
		hits->left_out++;
	else
		hits->skb[hits->nr++] = *hit;
}

/* An object of the second kind has an skb, and room for a clone. */
static void call_for_object(struct watch_search *search, struct watch_skbs *hits,
			    watch_skb_fn *fn, const void *object, int kind)
{
	fn(search, hits, object);
	if (kind == WATCH_SKB_CLONABLE)
		fn(search, hits, object + offsetof(struct sk_buff_fclones, skb2));
}

static void call_for_slab(struct watch_search *search, struct watch_skbs *hits,
			  watch_skb_fn *fn, unsigned long pfn)
{
	const void *base = pfn_to_kaddr(pfn);
	unsigned long offset, bytes = watch_slab_bytes(pfn);
	int kind = bytes ? watch_skb_kind((unsigned long)base) : -1;

	if (kind < 0)
		return;
	for (offset = watch_skb_kinds[kind].first;
	     offset + watch_skb_kinds[kind].stride <= bytes;
	     offset += watch_skb_kinds[kind].stride)
		call_for_object(search, hits, fn, base + offset, kind);
}

/**
 * watch_skb_each() - call a function for each object that is, was or will be an skb
 * @search: for the pace, and passed on to @fn.
 * @hits: passed on to @fn.
 * @fn: the function.
 *
 * Context: Task; may sleep.
 */
void watch_skb_each(struct watch_search *search, struct watch_skbs *hits, watch_skb_fn *fn)
{
	unsigned long pfn;

	for (pfn = 1; pfn < watch_end_pfn; pfn++) {
		call_for_slab(search, hits, fn, pfn);
		if (!(pfn % 256) && watch_pause(search))
			return;
	}
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
	int err = learn(&watch_skb_kinds[WATCH_SKB_PLAIN], GFP_KERNEL, false);

	return err ?: learn(&watch_skb_kinds[WATCH_SKB_CLONABLE], GFP_KERNEL, true);
}
