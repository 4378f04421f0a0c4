/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that an owner keeps ready: in caches and in the reserve. A SINGLE owner has a single
 * cache, any other owner a cache on each CPU. Pages in a cache or the reserve are CACHED, with
 * type and references set.
 */
#ifndef LABYRINTH_CACHE_H
#define LABYRINTH_CACHE_H

#include <linux/percpu.h>
#include <linux/preempt.h>

#include "core/owner.h"

/* How many pages one refill asks for, and one trim gives back. */
#define LAB_BATCH		16U
/*
 * How many pages a CPU's cache may hold, or fewer: see cached_max. A free that finds the cache
 * full trims the cache.
 */
#define LAB_CACHE_MAX		128U
/* How many pages a SINGLE owner's cache may hold, or fewer. */
#define LAB_SINGLE_MAX		((unsigned int)LAB_STACK_PAGES - 1)

/*
 * The cache of a CPU: a stack like a SINGLE owner's, see struct lab_stack. Changed on that CPU
 * alone, with preemption disabled, between lab_cpu_cache_enter() and lab_cpu_cache_leave(). An
 * interrupt or NMI in between finds @busy set, and uses the reserve's list instead. An
 * interrupt or NMI before or after ends, with all its changes, before the interrupted code goes
 * on. So plain loads and stores are enough.
 */
struct lab_cpu_cache {
	struct lab_cached *top;		/* behind the page to be handed out next */
	u32 busy;
	u32 base;			/* entries at the bottom that are not used */
	struct lab_cached pages[1 + LAB_CACHE_MAX];	/* @base is never ready */
};

/* The slot at the bottom of each stack. The tag is of a page that is never ready. */
extern struct lab_slot lab_no_slot;

/*
 * Pages on the way between the page allocator and a cache. The allocator is called with
 * preemption as the API's caller had it; the cache is changed with preemption disabled. RCU
 * keeps the owner, and the device for which the pages are mapped.
 */
struct lab_batch {
	struct page *pages[LAB_BATCH];	/* NULL: only a mapping is left */
	u64 dma[LAB_BATCH];		/* if the owner's pages stay mapped */
	const struct lab_owner *mapped;	/* the owner, if so */
	unsigned int nr;
	enum lab_fail fail;		/* why there is no page */
};

/* An empty batch. */
static inline void lab_batch_begin(struct lab_batch *batch, enum lab_fail fail)
{
	batch->mapped = NULL;
	batch->nr = 0;
	batch->fail = fail;
}

static __always_inline bool lab_cpu_cache_enter(struct lab_cpu_cache *cache)
{
	if (unlikely(READ_ONCE(cache->busy)))
		return false;
	WRITE_ONCE(cache->busy, 1);
	/* This CPU's interrupts see @busy before any change. */
	barrier();
	return true;
}

static __always_inline void lab_cpu_cache_leave(struct lab_cpu_cache *cache)
{
	/* This CPU's interrupts see all changes before @busy is clear. */
	barrier();
	WRITE_ONCE(cache->busy, 0);
}

/*
 * Takes the page on top if the page may be handed out without a closer look. False if not, or
 * if the interrupted call uses the cache.
 * Context: Any; preemption disabled.
 */
static __always_inline bool lab_cache_pop_ready(struct lab_owner *owner,
						struct lab_cached *page)
{
	struct lab_cpu_cache *cache = this_cpu_ptr(owner->front.cpu_cache);
	struct lab_cached *top;
	bool ready;

	if (unlikely(!lab_cpu_cache_enter(cache)))
		return false;
	top = cache->top - 1;
	*page = *top;
	ready = lab_is_ready(page->frame);
	if (likely(ready))
		WRITE_ONCE(cache->top, top);
	lab_cpu_cache_leave(cache);
	return ready;
}

/*
 * Puts @page on top. False if there is no room, or the interrupted call uses the cache.
 * Context: Any; preemption disabled, @cache this CPU's.
 */
static __always_inline bool lab_cache_push_cpu(struct lab_cpu_cache *cache,
					       struct lab_cached page)
{
	struct lab_cached *top;
	bool room;

	if (unlikely(!lab_cpu_cache_enter(cache)))
		return false;
	top = cache->top;
	room = likely(top != cache->pages + ARRAY_SIZE(cache->pages));
	if (room) {
		*top = page;
		WRITE_ONCE(cache->top, top + 1);
	}
	lab_cpu_cache_leave(cache);
	return room;
}

/* How many pages a CPU's cache holds: a look. */
static inline unsigned int lab_cpu_cache_count(const struct lab_cpu_cache *cache)
{
	return READ_ONCE(cache->top) - cache->pages - 1 - cache->base;
}

/* How many pages more the cache takes: a look. */
static inline unsigned int lab_cpu_cache_room(const struct lab_cpu_cache *cache)
{
	return cache->pages + ARRAY_SIZE(cache->pages) - READ_ONCE(cache->top);
}

/* How many entries the stack of a SINGLE owner holds, unused entries at the bottom included. */
static inline unsigned int lab_single_count(const struct lab_front *front)
{
	unsigned long bytes = (unsigned long)READ_ONCE(front->top) % LAB_STACK_BYTES;

	return (bytes ?: LAB_STACK_BYTES) / sizeof(struct lab_cached) - 1;
}

int lab_cache_init(struct lab_owner *owner);
void lab_cache_exit(struct lab_owner *owner, unsigned long ip);
void lab_batch_get(struct lab_batch *batch, struct lab_owner *owner);
struct lab_slot *lab_batch_put_in(struct lab_batch *batch,
				  struct lab_owner *owner);
void lab_batch_give_back(struct lab_batch *batch);
void lab_cache_serve(struct lab_owner *owner);
void lab_cache_push(struct lab_owner *owner, struct lab_slot *slot);
struct lab_slot *lab_cache_take(struct lab_owner *owner, unsigned long ip);
bool lab_cache_is_over(struct lab_owner *owner);
void lab_cache_trim(struct lab_owner *owner,
		    const struct labyrinth_owner *handle);
unsigned int lab_cache_give_back(struct lab_owner *owner);
unsigned int lab_cache_shrink(struct lab_owner *owner);
bool lab_cache_has_cpu(const struct lab_owner *owner, unsigned int cpu);
void lab_cache_missed(struct lab_owner *owner);
unsigned int lab_cache_shrinkable(const struct lab_owner *owner);
void lab_cache_gather_here(struct lab_owner *owner);
void lab_cache_gather_cpu(struct lab_owner *owner, unsigned int cpu);
struct lab_slot *lab_reserve_take(struct lab_owner *owner, unsigned long ip);
void lab_reserve_put(struct lab_owner *owner, struct lab_slot *slot);
void lab_reserve_kick(struct lab_owner *owner, enum lab_fail fail);

#endif /* LABYRINTH_CACHE_H */
