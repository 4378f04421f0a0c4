/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner table: every tag, keyed by pfn. No other record decides who owns a page.
 *
 * The top of core/table.c says why look-ups and changes are right without a lock.
 */
#ifndef LABYRINTH_CORE_TABLE_H
#define LABYRINTH_CORE_TABLE_H

#include <linux/jhash.h>
#include <linux/kernel.h>

#include "inline/hot.h"
#include "inline/table.h"

struct lab_table_stats {
	unsigned long used;
	unsigned int stash_used;
	unsigned int longest_probe;	/* slots compared for the worst tag */
	unsigned long second_bucket;	/* tags outside the preferred bucket */
	unsigned long preferred;	/* tags found at the first comparison */
	unsigned long walks;		/* how often the whole table was walked */
};

void lab_table_shape(struct lab_table *table, u64 capacity, u64 frames);
int lab_table_init(struct lab_table *table, u64 capacity, u64 frames);
int lab_table_provide_resident(struct lab_table *table);
int lab_table_provide_frags(struct lab_table *table);
void lab_table_exit(struct lab_table *table);
struct lab_slot *lab_table_insert(struct lab_table *table, lab_tag_t tag);
bool lab_table_remove(struct lab_table *table, struct lab_slot *slot, lab_tag_t tag);
struct lab_slot *lab_table_search(const struct lab_table *table, unsigned long pfn,
				  lab_tag_t *tag);
unsigned long lab_table_rough(const struct lab_table *table);
unsigned long lab_table_used(const struct lab_table *table);
void lab_table_stats(const struct lab_table *table,
		     struct lab_table_stats *stats);

/* The first slot of the second bucket in which @pfn may stand. */
static inline u64 lab_table_second(const struct lab_table *table, unsigned long pfn)
{
	u64 buckets = table->nr_slots / LAB_BUCKET_TAGS;
	u32 hash = jhash_2words(lower_32_bits(pfn), upper_32_bits(pfn), 0);

	return ((hash * buckets) >> 32) * LAB_BUCKET_TAGS;
}

/* How many stashes the table has: so many that none is full before the buckets are. */
static inline u64 lab_table_stashes(const struct lab_table *table)
{
	return table->nr_slots / LAB_STASH_SLOTS + 1;
}

/* How many slots the table has: the buckets, then the stashes. */
static inline u64 lab_table_span(const struct lab_table *table)
{
	return table->span;
}

/* The first slot of the stash in which @pfn may stand, by the bits of the second hash. */
static inline u64 lab_table_stash(const struct lab_table *table, unsigned long pfn)
{
	u64 bucket = lab_table_second(table, pfn) / LAB_BUCKET_TAGS;

	return table->nr_slots + bucket % lab_table_stashes(table) * LAB_STASH_TAGS;
}

/* The segment of slot number @index. */
static inline unsigned int lab_table_segment(const struct lab_table *table, u64 index)
{
	return index >> table->segment_shift;
}

static inline unsigned int lab_table_segments(const struct lab_table *table)
{
	return lab_table_segment(table, lab_table_span(table) - 1) + 1;
}

/* The first tag at slot number @index or behind; @index moves on to that slot. 0 at the end. */
lab_tag_t lab_table_next(const struct lab_table *table, u64 *index);

/*
 * Walks every tag that stands in the table all the while, and perhaps tags that come or go
 * meanwhile. @index is the slot's number. May sleep between two tags.
 */
#define lab_table_for_each(table, index, tag)				\
	for ((index) = 0; ((tag) = lab_table_next(table, &(index)));	\
	     (index)++)

struct lab_slot *lab_table_find_slow(const struct lab_table *table,
				     lab_tag_t expected);

/*
 * The slot that holds exactly @expected, or NULL. The quick form of a look-up: a single
 * comparison answers for pfn, owner and state together.
 */
static __always_inline struct lab_slot *
lab_table_find(const struct lab_table *table, lab_tag_t expected)
{
	unsigned long pfn = lab_tag_pfn(expected);
	struct lab_slot *slot = &table->slots[lab_table_preferred(table, pfn)];

	if (likely(READ_ONCE(slot->tag) == expected))
		return slot;
	slot = lab_table_hinted(table, pfn);
	if (likely(READ_ONCE(slot->tag) == expected))
		return slot;
	return lab_table_find_slow(table, expected);
}

#endif /* LABYRINTH_CORE_TABLE_H */
