/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner table as the inline paths read it: the slot in which a tag is looked for first.
 * All else is core/table.h's.
 */
#ifndef LABYRINTH_TABLE_H
#define LABYRINTH_TABLE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "slot.h"

/* A look-up reads one slot nearly always, one bucket or two else. */
#define LAB_BUCKET_TAGS		8
#define LAB_STASH_TAGS		64

struct lab_table {
	/* What a look-up reads; constant from init to exit. */
	struct lab_slot *slots;	/* nr_slots, bucket by bucket, then the stash */
	u64 nr_slots;		/* < 2^32, a multiple of LAB_BUCKET_TAGS */
	u32 multiplier;		/* of the first hash */

	u64 capacity;		/* how many tags it is stated to take */
	long __percpu *used;	/* tags in it; only the sum means anything */
	/*
	 * The stash is where a tag goes whose two buckets are full. It is
	 * looked into only while this, which stands behind it, says that there
	 * is something in it.
	 */
	atomic_t *stash_used;
};

/*
 * The slot where the tag of @pfn is looked for first: Fibonacci hashing (Knuth,
 * The Art of Computer Programming, vol. 3, 6.4), reduced to the table's size by
 * a multiplication (Lemire, "Fast random integer generation in an interval",
 * 2019). Frames in a row, or at any stride, come out evenly spread. In a table
 * with a slot for every frame of the machine, the multiplier is such that each
 * frame has, but for rounding, a slot of its own.
 */
static __always_inline u64 lab_table_preferred(const struct lab_table *table,
					       unsigned long pfn)
{
	return ((u64)((u32)pfn * table->multiplier) * table->nr_slots) >> 32;
}

#endif /* LABYRINTH_TABLE_H */
