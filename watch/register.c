// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register of page_pools, in which a pool keeps number and device name from census to
 * census. The register needs watch_turn, see turn.h.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "watch/register.h"

struct watch_register watch_register;

static struct watch_pool *pool_at(const struct page_pool *at)
{
	unsigned int i;

	for (i = 0; i < watch_register.nr; i++)
		if (watch_register.pools[i].at == at)
			return &watch_register.pools[i];
	return NULL;
}

int watch_pool_number(const struct page_pool *at)
{
	struct watch_pool *pool = pool_at(at);

	return pool ? pool - watch_register.pools + 1 : 0;
}

/*
 * A pool's counts of pages only grow. Where a count went back, another pool has the memory now,
 * with another number and name.
 */
static bool is_other(const struct watch_pool *pool, const struct page_pool *copy)
{
	return (s32)(copy->pages_state_hold_cnt - pool->held) < 0 ||
	       (s32)(atomic_read(&copy->pages_state_release_cnt) - pool->released) < 0;
}

static struct watch_pool *room_for(const struct page_pool *at)
{
	unsigned int i;

	for (i = 0; i < watch_register.nr; i++)
		if (!watch_register.pools[i].there)
			break;
	if (i == WATCH_MAX_POOLS) {
		watch_register.left_out++;
		return NULL;
	}
	/* A number is given again only when all numbers were given. */
	if (watch_register.nr < WATCH_MAX_POOLS)
		i = watch_register.nr++;
	watch_register.pools[i] = (struct watch_pool){ .at = at };
	return &watch_register.pools[i];
}

static void count_kept(struct watch_search *search, unsigned long pfn, const void *word,
		       const char *where, void *context)
{
	struct watch_pool *pool = context;

	if (!strcmp(where, "ring"))
		pool->in_ring++;
	else
		pool->cached++;
}

static void fill_in(struct watch_search *search, struct watch_pool *pool)
{
	const struct page_pool *copy = watch_register.copy;

	pool->there = true;
	pool->destroyed = !refcount_read(&copy->user_cnt);
	pool->stalled_s = pool->destroyed ? (jiffies - copy->defer_start) / HZ : 0;
	pool->held = copy->pages_state_hold_cnt;
	pool->released = atomic_read(&copy->pages_state_release_cnt);
	pool->pages = 0;
	pool->cached = 0;
	pool->in_ring = 0;
	watch_pool_name(pool, copy);
	watch_pool_each_kept(search, pool->at, copy, count_kept, pool);
}

/* Return: the register's entry of the pool at @at, or NULL if there is no pool. */
struct watch_pool *
watch_register_enter(struct watch_search *search, const struct page_pool *at)
{
	struct watch_pool *pool = pool_at(at);

	if (pool && pool->there)
		return pool;
	if (!watch_pool_read(at, watch_register.copy))
		return NULL;
	if (pool && is_other(pool, watch_register.copy)) {
		pool->at = NULL;
		pool = NULL;
	}
	if (!pool)
		pool = room_for(at);
	if (pool)
		fill_in(search, pool);
	return pool;
}

/*
 * The count of @page, a page of the pool at @at, is @fragments. Return: the fragments that are
 * out, or 0: not known.
 */
long watch_register_cut(const struct page_pool *at, const struct page *page, long fragments)
{
	struct page_pool *copy = watch_register.copy;

	return watch_pool_read(at, copy) ? watch_pool_cut(copy, page, fragments) : 0;
}

int watch_register_init(void)
{
	watch_register.copy = kmalloc(sizeof(*watch_register.copy), GFP_KERNEL);
	return watch_register.copy ? 0 : -ENOMEM;
}

void watch_register_exit(void)
{
	kfree(watch_register.copy);
}
