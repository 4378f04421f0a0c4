// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of followed page_pools, and the look into a pool that a refusal needs. A reader takes
 * no lock: a pool is in the table before the pool's creator has the pool's address, and stays
 * there until the pool is destroyed.
 */
#define pr_fmt(fmt) "labyrinth_watch: " fmt

#include <linux/printk.h>
#include <linux/ptr_ring.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "watch/peek.h"
#include "watch/poolset.h"

struct watch_followed watch_followed[WATCH_MAX_FOLLOWED];
u8 watch_pool_map[WATCH_POOL_MAP];
bool watch_pools_seen;

/* Protects the table against a second writer. Innermost. */
static DEFINE_RAW_SPINLOCK(followed_lock);

static unsigned int search(const struct page_pool *at)
{
	unsigned int i;

	for (i = 1; i < WATCH_MAX_FOLLOWED; i++)
		if (READ_ONCE(watch_followed[i].at) == at)
			return i;
	return 0;
}

static unsigned int free_place(void)
{
	unsigned int i;

	for (i = 1; i < WATCH_MAX_FOLLOWED; i++)
		if (!watch_followed[i].module)
			return i;
	return 0;
}

static u8 *map_of(const struct page_pool *at)
{
	return &watch_pool_map[((unsigned long)at >> 10) % WATCH_POOL_MAP];
}

/*
 * 0: not followed; most other pools are told by a single load, and most that are followed by one
 * comparison. Context: Any.
 */
unsigned int watch_followed_index(const struct page_pool *at)
{
	unsigned int i = READ_ONCE(*map_of(at));

	if (likely(!i))
		return 0;
	return likely(READ_ONCE(watch_followed[i].at) == at) ? i : search(at);
}

/* Context: Task. Return: the pool's index, or 0: no room. */
unsigned int watch_follow_pool(const struct page_pool *at, unsigned int module,
			       const char *name)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&followed_lock, flags);
	i = watch_followed_index(at) ?: free_place();
	if (i) {
		strscpy(watch_followed[i].name, name, WATCH_POOL_NAME);
		WRITE_ONCE(watch_followed[i].module, module);
		WRITE_ONCE(watch_followed[i].at, at);
		WRITE_ONCE(*map_of(at), i);
	}
	raw_spin_unlock_irqrestore(&followed_lock, flags);
	if (!i)
		pr_warn_ratelimited("page_pool of %s is not followed: %u others are\n", name,
				    WATCH_MAX_FOLLOWED - 1);
	return i;
}

/* Another pool that is found by the same byte of the map, or 0. Under followed_lock. */
static unsigned int neighbour_of(unsigned int i)
{
	unsigned int k;

	for (k = 1; k < WATCH_MAX_FOLLOWED; k++)
		if (k != i && watch_followed[k].at &&
		    map_of(watch_followed[k].at) == map_of(watch_followed[i].at))
			return k;
	return 0;
}

/* Under followed_lock. */
static void lose_pool(unsigned int i)
{
	if (!watch_followed[i].at)
		return;
	WRITE_ONCE(*map_of(watch_followed[i].at), neighbour_of(i));
	WRITE_ONCE(watch_followed[i].at, NULL);
}

/*
 * The pool is about to be destroyed: the address may soon be another pool's. @name: of the device,
 * which may have had no name when the pool was made. Context: Task.
 */
void watch_lose_pool(unsigned int i, const char *name)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&followed_lock, flags);
	strscpy(watch_followed[i].name, name, WATCH_POOL_NAME);
	lose_pool(i);
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

/* From now on no call with one of @module's pools begins to be noted. Context: Task. */
void watch_lose_pools(unsigned int module)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&followed_lock, flags);
	for (i = 1; i < WATCH_MAX_FOLLOWED; i++)
		if (watch_followed[i].module == module)
			lose_pool(i);
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

/* After watch_lose_pools() and watch_hooks_settle(). Context: Task. */
void watch_unfollow(unsigned int module)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&followed_lock, flags);
	for (i = 1; i < WATCH_MAX_FOLLOWED; i++)
		if (watch_followed[i].module == module)
			watch_followed[i] = (struct watch_followed){};
	raw_spin_unlock_irqrestore(&followed_lock, flags);
}

static bool is_in_cache(const struct page_pool *pool, const struct page *page)
{
	u32 i, count = min_t(u32, WATCH_LOAD(pool->alloc.count), PP_ALLOC_CACHE_SIZE);

	for (i = 0; i < count; i++)
		if ((unsigned long)WATCH_LOAD(pool->alloc.cache[i]) == (unsigned long)page)
			return true;
	return false;
}

/*
 * From the consumer's head on to the first empty entry, but not beyond the consumer's tail:
 * entries from the tail to the head were consumed, and not yet emptied.
 */
static bool is_in_ring(const struct ptr_ring *ring, const struct page *page)
{
	int tail = WATCH_LOAD(ring->consumer_tail), head, i, left = ring->size;
	void *entry;

	/*
	 * Pairs with the order of the consumer's writes, head before tail: a tail that is older
	 * than the head only hides entries.
	 */
	smp_rmb();
	head = WATCH_LOAD(ring->consumer_head);
	for (i = head; left--; i++) {
		i = i >= ring->size ? 0 : i;
		if (i == tail && tail != head)
			return false;
		entry = WATCH_LOAD(ring->queue[i]);
		if (!entry)
			return false;
		if (entry == page)
			return true;
	}
	return false;
}

/*
 * Whether @page is in @pool, and was there all the time from the first look to the second. The
 * pool is in use by the caller, so the pool does not go. Context: Any.
 */
bool watch_is_in_pool(const struct page_pool *pool, const struct page *page)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!is_in_cache(pool, page) && !is_in_ring(&pool->ring, page))
			return false;
		cpu_relax();
	}
	return true;
}
