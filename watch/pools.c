// SPDX-License-Identifier: GPL-2.0-only
/*
 * The census of the machine's page_pools, and searches for the pages of pools. No state but
 * for the time of a census.
 *
 * A pool is found by the mark on the pool's pages, and among the slab objects of fitting
 * size, where a pool without pages is found as well.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "labyrinth_compat.h"
#include "watch/frame.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/pool.h"
#include "watch/pools.h"
#include "watch/register.h"
#include "watch/search.h"
#include "watch/searchers.h"
#include "watch/slab.h"

#include LAB_PAGE_POOL_H

#define MAX_CACHES	64

/* The caches of the slabs seen in this census, and whether pools may be among the objects. */
static struct {
	const void *cache;
	unsigned int stride;	/* 0: the cache has no pools */
} caches[MAX_CACHES];

static unsigned int nr_caches;

/* The census. */

static unsigned int stride_of_pools(const void *in)
{
	struct watch_slab_object object;

	if (!watch_slab_find(in, &object) || strncmp(object.name, "kmalloc", 7) ||
	    object.stride != roundup_pow_of_two(sizeof(struct page_pool)))
		return 0;
	return object.stride;
}

/* Return: the distance of the objects in the slab at @in, 0 if no object is a pool. */
static unsigned int pools_stride(const void *in)
{
	const void *cache = watch_slab_cache(in);
	unsigned int i;

	for (i = 0; i < nr_caches; i++)
		if (caches[i].cache == cache)
			return caches[i].stride;
	if (!cache || nr_caches == MAX_CACHES)
		return cache ? stride_of_pools(in) : 0;
	caches[nr_caches].cache = cache;
	caches[nr_caches].stride = stride_of_pools(in);
	return caches[nr_caches++].stride;
}

static void look_in_slab(struct watch_search *search, unsigned long pfn)
{
	unsigned long bytes = watch_slab_bytes(pfn), offset;
	const void *base = pfn_to_kaddr(pfn);
	struct watch_slab_object object;
	unsigned int stride = bytes ? pools_stride(base) : 0;

	for (offset = 0; stride && offset + stride <= bytes; offset += stride)
		if (watch_slab_find(base + offset, &object) && object.life != WATCH_LIFE_FREED)
			watch_register_enter(search, base + offset);
}

static void look_at_frame(struct watch_search *search, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	const struct page_pool *at;
	struct watch_pool *pool;

	if (!page)
		return;
	at = watch_pool_of(page);
	pool = at ? watch_register_enter(search, at) : NULL;
	if (pool)
		pool->pages++;
	else
		look_in_slab(search, pfn);
}

/**
 * watch_pools_census() - bring the register up to date
 * @search: for the pace alone.
 *
 * Context: Task; may sleep.
 */
void watch_pools_census(struct watch_search *search)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < watch_register.nr; i++)
		watch_register.pools[i].there = false;
	nr_caches = 0;
	watch_register.left_out = 0;
	for (pfn = 1; pfn < watch_end_pfn; pfn++) {
		look_at_frame(search, pfn);
		if (!(pfn % 256) && watch_pause(search))
			return;
	}
}

static void show_pool(struct seq_file *m, const struct watch_pool *pool)
{
	seq_printf(m, "pool %ld: %s, driver %s, %s, held %u, released %u, pages %u, cached %u, in its ring %u, out %u",
		   pool - watch_register.pools + 1,
		   pool->device[0] ? pool->device : "unknown device",
		   pool->driver[0] ? pool->driver : "unknown",
		   pool->destroyed ? "STALLED" : "in use", pool->held, pool->released,
		   pool->pages, pool->cached, pool->in_ring,
		   pool->pages - min(pool->pages, pool->cached + pool->in_ring));
	if (pool->destroyed)
		seq_printf(m, ", destroyed %u s ago", pool->stalled_s);
	seq_putc(m, '\n');
}

void watch_pools_show(struct seq_file *m)
{
	unsigned int i, nr = 0;

	for (i = 0; i < watch_register.nr; i++) {
		if (!watch_register.pools[i].there)
			continue;
		show_pool(m, &watch_register.pools[i]);
		nr++;
	}
	if (!nr)
		seq_puts(m, "no page_pool\n");
	if (watch_register.left_out)
		seq_printf(m, "%u more page_pools that there was no room for\n",
			   watch_register.left_out);
}

/* Searches. */

static void note_kept(struct watch_search *search, unsigned long pfn, const void *word,
		      const char *where, void *context)
{
	xa_store(context, pfn, xa_mk_value(1), GFP_KERNEL);
}

/* Ask about each page that has the mark of @pool, but is not in the pool's cache or ring. */
static int aim_at(struct watch_search *search, const struct watch_pool *pool)
{
	unsigned long pfn;
	struct xarray kept;
	struct page *page;
	int err = 0;

	xa_init(&kept);
	if (watch_pool_read(pool->at, watch_register.copy))
		watch_pool_each_kept(search, pool->at, watch_register.copy, note_kept, &kept);
	for (pfn = 1; pfn < watch_end_pfn && !err; pfn++) {
		page = pfn_to_online_page(pfn);
		if (page && watch_pool_of(page) == pool->at && !xa_load(&kept, pfn))
			err = watch_search_add(search, pfn);
		if (!(pfn % 256) && watch_pause(search))
			break;
	}
	xa_destroy(&kept);
	return err == -ENOSPC ? 0 : err;
}

/**
 * watch_pools_aim() - ask about the pages that a pool has out
 * @search: the search.
 * @number: the pool's number, as watch_pools_show() says.
 *
 * Context: Task; may sleep. Return: 0, or -ENOENT: no such pool.
 */
int watch_pools_aim(struct watch_search *search, unsigned long number)
{
	watch_pools_census(search);
	if (!number || number > watch_register.nr || !watch_register.pools[number - 1].there)
		return -ENOENT;
	return aim_at(search, &watch_register.pools[number - 1]);
}

/* Ask about the pages that all stalled pools have out. Needs a census. */
int watch_pools_aim_stalled(struct watch_search *search)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < watch_register.nr && !err; i++)
		if (watch_register.pools[i].there && watch_register.pools[i].destroyed)
			err = aim_at(search, &watch_register.pools[i]);
	return err;
}

static void hold_kept(struct watch_search *search, unsigned long pfn, const void *word,
		      const char *where, void *context)
{
	const struct watch_pool *pool = context;

	if (watch_wanted(search, pfn) && watch_account(search, word))
		watch_hold(search, pfn, WATCH_REFERENCE, word,
			   "the %s of page_pool %ld (%s)", where, pool - watch_register.pools + 1,
			   pool->device);
}

static void hold_cut(struct watch_search *search, const struct watch_pool *pool)
{
	unsigned long pfn = watch_word_pfn((unsigned long)watch_register.copy->frag_page);

	if (watch_register.copy->frag_page && watch_wanted(search, pfn) &&
	    watch_account(search, &pool->at->frag_page))
		watch_hold(search, pfn, WATCH_REFERENCE, &pool->at->frag_page,
			   "page_pool %ld (%s), which cuts fragments of it",
			   pool - watch_register.pools + 1, pool->device);
}

void watch_find_in_pools(struct watch_search *search)
{
	unsigned int i;

	watch_pools_census(search);
	for (i = 0; i < watch_register.nr && !watch_pause(search); i++) {
		struct watch_pool *pool = &watch_register.pools[i];

		if (!pool->there || !watch_pool_read(pool->at, watch_register.copy))
			continue;
		watch_pool_each_kept(search, pool->at, watch_register.copy, hold_kept, pool);
		hold_cut(search, pool);
	}
}
