// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of followed page_pools: in the pool, or out. No state but the notes.
 *
 * A put is refused on proof alone: the last call seen of the page is a put, and the page is found
 * in the pool's cache or ring, twice. Each of the two errs alone at times. A call may be hidden
 * from the hooks; and the pool counts a page of the cache in before the page's address is
 * written, so for an instant an old address counts.
 */
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/string.h>

#include "watch/leak.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/poolset.h"
#include "watch/recycle.h"
#include "watch/say.h"
#include "watch/wrap.h"

/* Memory of devices has no page: bit 0 is set. */
static struct watch_note *note_of_ref(unsigned long ref)
{
	return ref && !(ref & 1) ? watch_note_of((struct page *)ref) : NULL;
}

static void note_state(struct watch_note *note, unsigned int pool, enum watch_state state)
{
	WRITE_ONCE(note->when, (u32)jiffies);
	WRITE_ONCE(note->module, watch_followed[pool].module);
	WRITE_ONCE(note->pool, pool);
	WRITE_ONCE(note->state, state);
}

/* A page comes from a pool. */
static void got(const struct page_pool *pool, unsigned long ref, unsigned long ip)
{
	struct watch_note *note = note_of_ref(ref);
	unsigned int i = watch_followed_index(pool);

	if (!note || !i)
		return;
	/* One hooked function may have called another: the outermost caller counts. */
	WRITE_ONCE(note->site, watch_site(ip));
	note_state(note, i, WATCH_OUT);
}

/* A page goes back to a pool. Return: whether the put is right. */
static bool may_put(const struct page_pool *pool, unsigned long ref, unsigned long ip)
{
	struct watch_note *note = note_of_ref(ref);
	unsigned int i = watch_followed_index(pool);

	if (!note || !i)
		return true;
	if (READ_ONCE(note->state) == WATCH_POOLED && READ_ONCE(watch_pools_seen) &&
	    watch_is_in_pool(pool, (struct page *)ref)) {
		watch_say(&(struct watch_finding) {
			.class = "double-put", .function = "page_pool_put_page",
			.page = (struct page *)ref, .ip = ip,
			.module = watch_followed[i].module, .refused = true,
		});
		return false;
	}
	WRITE_ONCE(note->back, watch_site(ip));
	note_state(note, i, WATCH_POOLED);
	return true;
}

WATCH_CORE(pool_get, lab_core_pool_get);

lab_pool_ref watch_pool_get(struct page_pool *pool, gfp_t gfp)
{
	lab_pool_ref ref;

	watch_enter();
	ref = watch_core_pool_get(pool, gfp);
	got(pool, (__force unsigned long)ref, WATCH_CALLER);
	watch_leave();
	return ref;
}

WATCH_CORE(pool_frag, lab_core_pool_frag);

lab_pool_ref watch_pool_frag(struct page_pool *pool, unsigned int *offset, unsigned int size,
			     gfp_t gfp)
{
	lab_pool_ref ref;

	watch_enter();
	ref = watch_core_pool_frag(pool, offset, size, gfp);
	got(pool, (__force unsigned long)ref, WATCH_CALLER);
	watch_leave();
	return ref;
}

WATCH_CORE(pool_put, lab_core_pool_put);

void watch_pool_put(struct page_pool *pool, lab_pool_ref ref, unsigned int sync_size,
		    bool direct)
{
	watch_enter();
	if (may_put(pool, (__force unsigned long)ref, WATCH_CALLER))
		watch_core_pool_put(pool, ref, sync_size, direct);
	watch_leave();
}

#ifdef LAB_HAS_POOL_NETMEM

WATCH_CORE(pool_get_page, page_pool_alloc_pages);

struct page *watch_pool_get_page(struct page_pool *pool, gfp_t gfp)
{
	struct page *page;

	watch_enter();
	page = watch_core_pool_get_page(pool, gfp);
	got(pool, (unsigned long)page, WATCH_CALLER);
	watch_leave();
	return page;
}

WATCH_CORE(pool_frag_page, page_pool_alloc_frag);

struct page *watch_pool_frag_page(struct page_pool *pool, unsigned int *offset,
				  unsigned int size, gfp_t gfp)
{
	struct page *page;

	watch_enter();
	page = watch_core_pool_frag_page(pool, offset, size, gfp);
	got(pool, (unsigned long)page, WATCH_CALLER);
	watch_leave();
	return page;
}

#endif

/* A network device that is not registered yet has a pattern for a name. */
static const char *device_name(const struct page_pool *pool)
{
	const struct net_device *netdev = lab_pool_netdev(pool);

	if (netdev && !strchr(netdev->name, '%'))
		return netdev->name;
	return pool->p.dev ? dev_name(pool->p.dev) : "no device";
}

WATCH_CORE(pool_create, page_pool_create);

struct page_pool *watch_pool_create(const struct page_pool_params *params)
{
	struct page_pool *pool;
	unsigned int module;

	watch_enter();
	pool = watch_core_pool_create(params);
	/* Not before: the call may have slept. See watch_hooks_settle(). */
	module = watch_module_at(WATCH_CALLER);
	if (module && !IS_ERR_OR_NULL(pool))
		watch_follow_pool(pool, module, device_name(pool));
	watch_leave();
	return pool;
}

WATCH_CORE(pool_destroy, page_pool_destroy);

/*
 * A pool has a second user while an XDP queue has the pool registered. The last user to destroy the
 * pool ends it: the driver destroys the pool for both, one after the other.
 */
static unsigned int index_of_ending(const struct page_pool *pool)
{
	return pool && refcount_read(&pool->user_cnt) == 1 ? watch_followed_index(pool) : 0;
}

void watch_pool_destroy(struct page_pool *pool)
{
	unsigned int i = index_of_ending(pool);

	watch_enter();
	/* Not after the call, which may sleep. See watch_hooks_settle(). */
	if (i) {
		watch_lose_pool(i, device_name(pool));
		watch_leak_pool_ends(i);
	}
	watch_core_pool_destroy(pool);
	watch_leave();
}

/* page_pool's tracepoints: a pool takes a page from the page allocator, or gives a page back. */

void watch_pool_holds(void *data, const struct page_pool *pool, unsigned long ref, u32 count)
{
	unsigned int i = watch_followed_index(pool);
	struct watch_note *note = i ? note_of_ref(ref) : NULL;

	if (note) {
		WRITE_ONCE(note->site, 0);
		WRITE_ONCE(note->back, 0);
		note_state(note, i, WATCH_POOLED);
	}
}

void watch_pool_releases(void *data, const struct page_pool *pool, unsigned long ref, u32 count)
{
	struct watch_note *note = note_of_ref(ref);

	if (note && watch_is_pool_state(READ_ONCE(note->state)))
		WRITE_ONCE(note->state, WATCH_NONE);
}

/* A pool's page comes to the page allocator, and the pool has not released the page. */
void watch_pool_page_freed(struct page *page, struct watch_note *note)
{
	watch_say(&(struct watch_finding) {
		.class = "pool-page-freed", .function = "put_page", .page = page,
		.ip = watch_caller_on_stack(), .module = READ_ONCE(note->module),
	});
	WRITE_ONCE(note->state, WATCH_NONE);
}
