/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that an owner keeps ready: its caches, one per CPU or, if SINGLE, one in
 * all; and its reserve. Frames in them are CACHED, with type and references set.
 */
#ifndef LABYRINTH_CACHE_H
#define LABYRINTH_CACHE_H

#include <linux/percpu.h>
#include <linux/preempt.h>

#include "labyrinth_owner.h"

/* How many pages one refill asks for, and one trim gives back. */
#define LAB_BATCH		16U
/* How many pages a CPU's cache may hold before a free trims it. */
#define LAB_CACHE_MAX		128U
/* And a SINGLE one: longer, since to measure it takes a walk. */
#define LAB_SINGLE_MAX		512U

struct lab_cpu_cache {
	struct lab_list list;
	int count;		/* this CPU's interrupts may change it any time */
};

/*
 * Pages on their way between the page allocator and a cache. The allocator is
 * asked, and given to, with preemption as the API's caller had it; the cache is
 * changed with preemption disabled.
 */
struct lab_batch {
	struct page *pages[LAB_BATCH];
	lab_tag_t lost[LAB_BATCH];	/* of those that were short of references */
	unsigned int nr;
	unsigned int nr_lost;
	enum lab_fail fail;		/* why there is none */
};

static inline struct lab_frame *lab_cache_pop_single(struct lab_owner *owner)
{
	struct lab_frame *frame;

	lab_single_enter(&owner->front);
	frame = owner->front.head;
	if (frame)
		owner->front.head = (struct lab_frame *)frame->next;
	lab_single_leave(&owner->front);
	return frame;
}

static inline void lab_cache_push_single(struct lab_owner *owner,
					 struct lab_frame *frame)
{
	lab_single_enter(&owner->front);
	WRITE_ONCE(frame->next, (unsigned long)owner->front.head);
	owner->front.head = frame;
	lab_single_leave(&owner->front);
	if (owner->front.room)
		owner->front.room--;
}

/* Context: Any; preemption disabled. */
static __always_inline struct lab_frame *
lab_cache_pop_cpu(struct lab_owner *owner)
{
	struct lab_cpu_cache *cache = this_cpu_ptr(owner->front.cpu_cache);
	struct lab_frame *frame = lab_list_pop(&cache->list, LAB_LIST_LOCAL);

	if (likely(frame))
		this_cpu_dec(owner->front.cpu_cache->count);
	return frame;
}

/* Context: Any; preemption disabled. */
static __always_inline void lab_cache_push_cpu(struct lab_owner *owner,
					       struct lab_frame *frame,
					       unsigned long pfn)
{
	struct lab_cpu_cache *cache = this_cpu_ptr(owner->front.cpu_cache);

	lab_list_push(&cache->list, LAB_LIST_LOCAL, frame, pfn);
	this_cpu_inc(owner->front.cpu_cache->count);
}

/* Context: Any; preemption disabled, and of a SINGLE owner's its one user. */
static inline struct lab_frame *lab_cache_pop(struct lab_owner *owner)
{
	return lab_owner_is_single(owner) ? lab_cache_pop_single(owner) :
					    lab_cache_pop_cpu(owner);
}

static inline void lab_cache_push(struct lab_owner *owner,
				  struct lab_frame *frame)
{
	if (lab_owner_is_single(owner))
		lab_cache_push_single(owner, frame);
	else
		lab_cache_push_cpu(owner, frame, lab_frame_pfn(frame));
}

/* Context: Any; preemption disabled. */
static __always_inline bool lab_cache_is_over_cpu(struct lab_owner *owner)
{
	return this_cpu_read(owner->front.cpu_cache->count) > (int)LAB_CACHE_MAX;
}

static inline bool lab_cache_is_over(struct lab_owner *owner)
{
	return lab_owner_is_single(owner) ? !owner->front.room :
					    lab_cache_is_over_cpu(owner);
}

/*
 * Whether a spinlock may be taken here, which on PREEMPT_RT sleeps: so whether the page
 * allocator, the slab and the DMA API may be asked.
 */
static inline bool lab_may_lock(void)
{
	return !in_nmi() && (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

int lab_cache_init(struct lab_owner *owner);
void lab_cache_exit(struct lab_owner *owner);
void lab_batch_get(struct lab_batch *batch, struct lab_owner *owner);
struct lab_frame *lab_batch_put_in(struct lab_batch *batch,
				   struct lab_owner *owner);
void lab_batch_give_back(struct lab_batch *batch,
			 const struct lab_owner *owner);
unsigned int lab_cache_measure(struct lab_owner *owner);
void lab_cache_trim(struct lab_owner *owner,
		    const struct labyrinth_owner *handle);
unsigned int lab_cache_give_back(struct lab_owner *owner);
unsigned int lab_cache_shrinkable(const struct lab_owner *owner);
void lab_cache_gather_here(struct lab_owner *owner);
void lab_cache_gather_cpu(struct lab_owner *owner, unsigned int cpu);
struct lab_frame *lab_reserve_pop(struct lab_owner *owner);
void lab_reserve_kick(struct lab_owner *owner, enum lab_fail fail);

#endif /* LABYRINTH_CACHE_H */
