/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner table as the inline paths read the table: the slot where a look-up begins. The rest
 * is in core/table.h.
 */
#ifndef LABYRINTH_TABLE_H
#define LABYRINTH_TABLE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "slot.h"

struct lab_resident;

/* A look-up nearly always reads a single slot, and else a bucket or two. */
#define LAB_BUCKET_TAGS		8
#define LAB_STASH_TAGS		64

struct lab_table {
	/* Read by look-ups; constant from init to exit. */
	struct lab_slot *slots;	/* nr_slots, bucket by bucket, then the stash */
	u64 nr_slots;		/* < 2^32, a multiple of LAB_BUCKET_TAGS */
	u32 multiplier;		/* of the first hash */
	/* As @slots; NULL before the first owner with LABYRINTH_OWNER_DMA. */
	struct lab_resident *resident;

	u64 capacity;		/* how many tags fit, at least */
	long __percpu *used;	/* tags in the table; only the sum over all CPUs counts */
	/*
	 * How many tags stand in the stash, which takes a tag when both buckets are full.
	 * Look-ups skip the stash while this is 0. The word stands behind the stash.
	 */
	atomic_t *stash_used;
	/* About how many tags there are, see lab_table_rough(). */
	atomic_long_t *rough;
	/* Of 2^segment_shift slots each: see lab_owner_gain(). */
	unsigned int segment_shift;
	/* As @slots; NULL before the first owner with parts of pages: see page/frag.c. */
	u64 *frags;
};

/*
 * The slot where a look-up of @pfn begins: Fibonacci hashing (Knuth, The Art of Computer
 * Programming, vol. 3, 6.4), reduced to the table's size by a multiplication (Lemire, "Fast
 * random integer generation in an interval", 2019). Frames in a row, or at any stride, come out
 * evenly spread. In a table with a slot for every frame of the machine, the multiplier gives
 * each frame a slot of its own.
 */
static __always_inline u64 lab_table_preferred(const struct lab_table *table,
					       unsigned long pfn)
{
	return ((u64)((u32)pfn * table->multiplier) * table->nr_slots) >> 32;
}

#endif /* LABYRINTH_TABLE_H */
