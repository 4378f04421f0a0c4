// SPDX-License-Identifier: GPL-2.0-only
/*
 * A single page_pool: whether an address is a pool's, which pages the pool keeps, and the
 * names of the pool's device and driver. Memory is believed to be a pool only if all fields
 * fit together. No state.
 */
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/ptr_ring.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <net/net_namespace.h>

#include "labyrinth_compat.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/pool.h"

#define MAX_RING	32768
#define MAX_ORDER_POOL	10
#define MAX_USERS	16

/* No pool has so many pages out. */
#define MAX_INFLIGHT	SZ_256M

/* A pool's BIAS_MAX, by kernel. */
#define FRAGMENTS_FULL	LONG_MAX
#define FRAGMENTS_HALF	(LONG_MAX >> 1)

static int inflight(const struct page_pool *pool)
{
	return pool->pages_state_hold_cnt - (u32)atomic_read(&pool->pages_state_release_cnt);
}

/* Whether memory is a pool. */

static bool params_fit(const struct page_pool *pool)
{
	return pool->p.order <= MAX_ORDER_POOL && pool->p.pool_size <= MAX_RING &&
	       pool->p.nid >= NUMA_NO_NODE && pool->p.nid < MAX_NUMNODES &&
	       (!pool->p.dev || (unsigned long)pool->p.dev >= PAGE_OFFSET);
}

static bool ring_fits(const struct ptr_ring *ring)
{
	return ring->size > 0 && ring->size <= MAX_RING && ring->producer < ring->size &&
	       ring->consumer_head <= ring->size && (unsigned long)ring->queue >= PAGE_OFFSET;
}

/* A destroyed pool stays as long as pages are out. No user and no page out: freed memory. */
static bool counts_fit(const struct page_pool *pool)
{
	int users = refcount_read(&pool->user_cnt), out = inflight(pool);

	return pool->alloc.count <= PP_ALLOC_CACHE_SIZE && users >= 0 && users <= MAX_USERS &&
	       out >= (users ? 0 : 1) && out < MAX_INFLIGHT;
}

/* Context: Task. Return: whether there is a pool at @at; then @copy is a copy of it. */
bool watch_pool_read(const struct page_pool *at, struct page_pool *copy)
{
	void *first;

	return (unsigned long)at % sizeof(long) == 0 && watch_page_at(at) &&
	       watch_peek(copy, at, sizeof(*copy)) && params_fit(copy) && ring_fits(&copy->ring) &&
	       counts_fit(copy) && WATCH_PEEK(first, copy->ring.queue);
}

/* The pages that a pool keeps. */

static void each_cached(struct watch_search *search, const struct page_pool *at,
			const struct page_pool *copy, watch_kept_fn *fn, void *context)
{
	unsigned int i;

	for (i = 0; i < copy->alloc.count; i++)
		fn(search, watch_word_pfn((unsigned long)copy->alloc.cache[i]),
		   &at->alloc.cache[i], "cache", context);
}

/* From the consumer's head on to the first empty entry. Earlier entries were consumed. */
static void each_in_ring(struct watch_search *search, const struct ptr_ring *ring,
			 watch_kept_fn *fn, void *context)
{
	unsigned int i, index = ring->consumer_head;
	void *entry;

	for (i = 0; i < ring->size && !watch_pause(search); i++, index++) {
		if (index >= ring->size)
			index = 0;
		if (!WATCH_PEEK(entry, &ring->queue[index]) || !entry)
			return;
		fn(search, watch_word_pfn((unsigned long)entry), &ring->queue[index], "ring",
		   context);
	}
}

/**
 * watch_pool_each_kept() - the pages that a pool keeps in the cache and the ring
 * @search: for the pace, and passed on to @fn.
 * @at: the pool.
 * @copy: the copy of @at from watch_pool_read().
 * @fn: called for each page.
 * @context: passed on to @fn.
 *
 * Context: Task; may sleep.
 */
void watch_pool_each_kept(struct watch_search *search, const struct page_pool *at,
			  const struct page_pool *copy, watch_kept_fn *fn, void *context)
{
	each_cached(search, at, copy, fn, context);
	each_in_ring(search, &copy->ring, fn, context);
}

/* Names. */

static bool read_name(char *name, const char *from)
{
	size_t i;

	if (!watch_peek(name, from, WATCH_POOL_NAME - 1))
		return false;
	name[WATCH_POOL_NAME - 1] = '\0';
	for (i = 0; name[i]; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;
	return i;
}

static bool read_name_at(char *name, const char *const *from)
{
	const char *text;

	return watch_peek(&text, from, sizeof(text)) && read_name(name, text);
}

static bool is_registered(const struct net_device *netdev)
{
	const struct net_device *known;
	const struct net *net;
	bool found = false;

	rcu_read_lock();
	for_each_net_rcu(net)
		for_each_netdev_rcu(net, known)
			found |= known == netdev;
	rcu_read_unlock();
	return found;
}

/*
 * A network device without a bus has no driver: the symbol of the operations names the code. When
 * the device has gone, another module may have been loaded to where the code was.
 */
static void name_by_ops(char *driver, const struct net_device *netdev)
{
	const void *ops;

	if (is_registered(netdev) && watch_peek(&ops, &netdev->netdev_ops, sizeof(ops)))
		scnprintf(driver, WATCH_POOL_NAME, "%ps", ops);
}

static bool name_driver(char *driver, const struct device *dev)
{
	struct device_driver *found;

	return WATCH_PEEK(found, &dev->driver) && found && read_name_at(driver, &found->name);
}

static bool is_netdev(const struct device *dev)
{
	struct class *class;
	char name[WATCH_POOL_NAME];

	return watch_peek(&class, &dev->class, sizeof(class)) && class &&
	       read_name_at(name, &class->name) && !strcmp(name, "net");
}

static void name_netdev(struct watch_pool *pool, const struct net_device *netdev)
{
	struct device *parent;

	if (!read_name(pool->device, netdev->name))
		return;
	if (!WATCH_PEEK(parent, &netdev->dev.parent) || !parent ||
	    !name_driver(pool->driver, parent))
		name_by_ops(pool->driver, netdev);
}

static void name_device(struct watch_pool *pool, const struct device *dev)
{
	char name[WATCH_POOL_NAME];

	if (is_netdev(dev)) {
		name_netdev(pool, container_of(dev, struct net_device, dev));
	} else if (read_name_at(name, &dev->kobj.name)) {
		strscpy(pool->device, name, sizeof(pool->device));
		name_driver(pool->driver, dev);
	}
}

static bool is_named(const struct watch_pool *pool)
{
	return pool->device[0] && strcmp(pool->device, "lo");
}

/*
 * When a pool's network device leaves the namespace, even for another namespace, the kernel
 * makes the pool name the "lo" of the old namespace. The NAPI instance of a pool in use still
 * leads to the true device. Failing that, the device that the pool maps pages for may do.
 */
static void name_by_device(struct watch_pool *pool, const struct page_pool *copy)
{
	const struct net_device *netdev = lab_pool_netdev(copy);
	const struct napi_struct *napi = lab_pool_napi(copy);

	pool->device[0] = '\0';
	if (netdev && watch_page_at(netdev))
		name_netdev(pool, netdev);
	if (!is_named(pool) && napi && watch_peek(&netdev, &napi->dev, sizeof(netdev)) &&
	    watch_page_at(netdev))
		name_netdev(pool, netdev);
	if (!is_named(pool) && copy->p.dev && watch_page_at(copy->p.dev))
		name_device(pool, copy->p.dev);
}

/*
 * The device of a stalled pool may be gone, and the device's memory reused. A name read while
 * the pool was in use is therefore kept. A stalled pool's device is read only if @pool has no
 * name yet.
 */
void watch_pool_name(struct watch_pool *pool, const struct page_pool *copy)
{
	if (pool->destroyed && pool->device[0])
		return;
	if (lab_pool_netdev(copy) || copy->p.dev)
		name_by_device(pool, copy);
	else
		strscpy(pool->device, "no device", sizeof(pool->device));
}

/*
 * While the pool @copy cuts fragments of @page, the page's count, @fragments, has the uncut
 * fragments in advance. Return: the fragments that are out, with the pool's uncut rest as 1;
 * 0 if the pool cuts another page.
 */
long watch_pool_cut(const struct page_pool *copy, const struct page *page, long fragments)
{
	long full = fragments > FRAGMENTS_HALF ? FRAGMENTS_FULL : FRAGMENTS_HALF;

	if (watch_word_pfn((unsigned long)copy->frag_page) != page_to_pfn(page))
		return 0;
	return fragments - (full - copy->frag_users) + 1;
}

/* Return: the page_pool that @page belongs to, or NULL. */
const struct page_pool *watch_pool_of(struct page *page)
{
	if ((WATCH_LOAD(page->pp_magic) & LAB_POOL_MASK) != PP_SIGNATURE ||
	    !page_ref_count(page))
		return NULL;
	return WATCH_LOAD(page->pp);
}
