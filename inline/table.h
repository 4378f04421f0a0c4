/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner table: every tag, keyed by pfn. The one authority on ownership.
 *
 * Why it is right without a lock is written at the top of core/table.c.
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

struct lab_table_stats {
	unsigned long used;
	unsigned int stash_used;
	unsigned int longest_probe;	/* slots compared to find the worst */
	unsigned long second_bucket;	/* tags not in their first bucket */
	unsigned long preferred;	/* tags found at the first comparison */
};

int lab_table_init(struct lab_table *table, u64 capacity, u64 frames);
void lab_table_exit(struct lab_table *table);
struct lab_slot *lab_table_insert(struct lab_table *table, lab_tag_t tag);
bool lab_table_remove(struct lab_table *table, struct lab_slot *slot, lab_tag_t tag);
struct lab_slot *lab_table_search(const struct lab_table *table, unsigned long pfn,
				  lab_tag_t *tag);
unsigned long lab_table_used(const struct lab_table *table);
void lab_table_stats(const struct lab_table *table,
		     struct lab_table_stats *stats);

/* How many slots the table has: the buckets, then the stash. */
static inline u64 lab_table_span(const struct lab_table *table)
{
	return table->nr_slots + LAB_STASH_TAGS;
}

/* The first slot at @index or behind it that holds a tag; see the macro below. */
lab_tag_t lab_table_next(const struct lab_table *table, u64 *index);

/*
 * Every tag that stands in the table all the while, and perhaps some of those
 * that come or go. @index is the slot's number. May sleep between two.
 */
#define lab_table_for_each(table, index, tag)				\
	for ((index) = 0; ((tag) = lab_table_next(table, &(index)));	\
	     (index)++)

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

struct lab_slot *lab_table_find_slow(const struct lab_table *table,
				     lab_tag_t expected);

/*
 * The slot that holds exactly @expected, or NULL. The hot form of a look-up:
 * one comparison answers for pfn, owner and state together.
 */
static __always_inline struct lab_slot *
lab_table_find(const struct lab_table *table, lab_tag_t expected)
{
	unsigned long pfn = lab_tag_pfn(expected);
	struct lab_slot *slot = &table->slots[lab_table_preferred(table, pfn)];

	if (likely(READ_ONCE(slot->tag) == expected))
		return slot;
	return lab_table_find_slow(table, expected);
}

#endif /* LABYRINTH_TABLE_H */
