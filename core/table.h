/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The owner table: every tag, keyed by pfn. The one authority on ownership.
 *
 * Why it is right without a lock is written at the top of core/table.c.
 */
#ifndef LABYRINTH_CORE_TABLE_H
#define LABYRINTH_CORE_TABLE_H

#include "inline/hot.h"
#include "inline/table.h"

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

#endif /* LABYRINTH_CORE_TABLE_H */
