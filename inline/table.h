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

/* A look-up nearly always reads a single slot or two, and else a bucket or two. */
#define LAB_BUCKET_TAGS		8
#define LAB_STASH_TAGS		64
/* A table has a stash for so many slots. */
#define LAB_STASH_SLOTS		BIT_ULL(18)

struct lab_table {
	/* Read by look-ups; constant from init to exit. */
	struct lab_slot *slots;	/* nr_slots, bucket by bucket, then the stashes; in
				 * front, the hints
				 */
	u64 nr_slots;		/* < 2^32, a multiple of LAB_BUCKET_TAGS */
	u32 multiplier;		/* of the first hash */
	s32 no_hint;		/* the bits of a frame number that choose no hint, see
				 * lab_table_hinted()
				 */
	/* As @slots; NULL before the first owner with LABYRINTH_OWNER_DMA. */
	struct lab_resident *resident;

	u64 capacity;		/* how many tags fit, at least */
	long __percpu *used;	/* tags in the table; only the sum over all CPUs counts */
	/*
	 * How many tags stand in the stashes, one of which takes a tag when both buckets are
	 * full. Look-ups skip the stash while this is 0. The word stands behind the stashes.
	 */
	atomic_t *stash_used;
	/* About how many tags there are, see lab_table_rough(). */
	atomic_long_t *rough;
	u64 span;		/* nr_slots, and the slots of the stashes */
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

/*
 * The slot in which @pfn may stand if not in the preferred slot. Frame numbers that agree in all
 * bits but those of @no_hint share a hint, and the hint is right for the page inserted last. Any
 * value of @pfn leads to a slot of the table, so a caller may read the tag, and must compare.
 *
 * A hint is the slot's distance from the first slot in units of 8 bytes, and the hints stand in
 * front of the first slot: so a look-up needs no other pointer, and no shift.
 */
#define LAB_HINT_BYTES		8

static __always_inline u32 *lab_table_hint(const struct lab_table *table,
					   const struct lab_slot *slots, unsigned long pfn)
{
	return (u32 *)slots + (long)(pfn | (long)table->no_hint);
}

static __always_inline struct lab_slot *lab_table_hinted(const struct lab_table *table,
							 unsigned long pfn)
{
	/*
	 * READ_ONCE() so that the compiler loads the address again: the look at the preferred slot,
	 * which comes first, then needs no register for the address.
	 */
	struct lab_slot *slots = READ_ONCE(table->slots);
	/* Harmless: an insertion may write the word, which is read once, old or new. */
	u64 hint = data_race(*lab_table_hint(table, slots, pfn));

	return (void *)slots + hint * LAB_HINT_BYTES;
}

#endif /* LABYRINTH_TABLE_H */
