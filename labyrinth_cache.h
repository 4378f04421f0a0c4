/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that an owner keeps ready: its caches, one per CPU or, if SINGLE, one in
 * all; and its reserve. Frames in them are CACHED, with type and references set.
 */
#ifndef LABYRINTH_CACHE_H
#define LABYRINTH_CACHE_H

#include <linux/percpu.h>

#include "labyrinth_owner.h"

/* How many pages one refill asks for, and one trim gives back. */
#define LAB_BATCH		16
/* How many pages a cache may hold before a free trims it. */
#define LAB_CACHE_MAX		128

struct lab_cpu_cache {
	struct lab_list list;
	int count;		/* this CPU's interrupts may change it any time */
};

static __always_inline struct lab_frame *
lab_cache_pop_single(struct lab_owner *owner)
{
	struct lab_frame *frame = owner->head;

	if (likely(frame)) {
		owner->head = (struct lab_frame *)READ_ONCE(frame->next);
		owner->room++;
	}
	return frame;
}

static __always_inline void lab_cache_push_single(struct lab_owner *owner,
						  struct lab_frame *frame)
{
	WRITE_ONCE(frame->next, (unsigned long)owner->head);
	owner->head = frame;
	owner->room--;
}

/* Context: Any; preemption disabled. */
static __always_inline struct lab_frame *
lab_cache_pop_cpu(struct lab_owner *owner)
{
	struct lab_cpu_cache *cache = this_cpu_ptr(owner->cpu_cache);
	struct lab_frame *frame = lab_list_pop(&cache->list, LAB_LIST_LOCAL);

	if (likely(frame))
		this_cpu_dec(owner->cpu_cache->count);
	return frame;
}

/* Context: Any; preemption disabled. */
static __always_inline void lab_cache_push_cpu(struct lab_owner *owner,
					       struct lab_frame *frame)
{
	struct lab_cpu_cache *cache = this_cpu_ptr(owner->cpu_cache);

	lab_list_push(&cache->list, LAB_LIST_LOCAL, frame);
	this_cpu_inc(owner->cpu_cache->count);
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
		lab_cache_push_cpu(owner, frame);
}

static __always_inline bool lab_cache_is_over(struct lab_owner *owner)
{
	if (lab_owner_is_single(owner))
		return owner->room < 0;
	return this_cpu_read(owner->cpu_cache->count) > LAB_CACHE_MAX;
}

int lab_cache_init(struct lab_owner *owner);
void lab_cache_exit(struct lab_owner *owner);
int lab_cache_refill(struct lab_owner *owner,
		     const struct labyrinth_owner *handle);
void lab_cache_trim(struct lab_owner *owner,
		    const struct labyrinth_owner *handle);
long lab_cache_count(const struct lab_owner *owner);
struct lab_frame *lab_reserve_pop(struct lab_owner *owner);
int lab_reserve_fill(struct lab_owner *owner);

#endif /* LABYRINTH_CACHE_H */
