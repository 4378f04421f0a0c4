/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of mappings, inline: each mapping and unmapping of a watched module runs this code.
 * See watch/mapping.c.
 *
 * A record is changed by one call at a time, without a lock. @turn is a number that grows with each
 * use of the place, and a state in the two lowest bits: PAST, BUSY while a mapping is written in,
 * LIVE, BUSY while the mapping's end is written in, PAST. A call claims the record by cmpxchg() of
 * @turn, from PAST or LIVE to BUSY. If @turn has not changed since a call has read the record, the
 * record has not changed either: @turn comes round after 2^30 mappings in the place.
 *
 * No record is missed: a driver unmaps after the mapping's call has returned, so the record is LIVE
 * from before the unmapping's first look. If two mappings begin at an address, each unmapping may
 * end the record of the other mapping. But the LIVE records are as many as the mappings, and an
 * unmapping whose record was claimed by another unmapping looks again.
 */
#ifndef WATCH_RECORD_H
#define WATCH_RECORD_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "watch/dma.h"
#include "watch/note.h"

enum watch_turn_state {
	WATCH_PAST,		/* or the place was never used: then @dev is NULL */
	WATCH_BUSY,
	WATCH_LIVE,
	WATCH_TURN_STATES,
	WATCH_TURN_NEXT,	/* added to @turn for the next use */
};

struct watch_bucket {
	struct watch_mapping records[WATCH_DMA_RECORDS];
};

extern struct watch_bucket *watch_dma_buckets;
extern unsigned long watch_dma_overflowed[BITS_TO_LONGS(WATCH_DMA_BUCKETS)];

static inline unsigned int watch_dma_index(dma_addr_t dma)
{
	return (dma >> 12) & (WATCH_DMA_BUCKETS - 1);
}

static inline bool watch_is_live(u32 turn)
{
	return (turn & WATCH_TURN_STATES) == WATCH_LIVE;
}

/* Adds @change to the number of mappings in the bucket, and to the number of the page. */
static inline void watch_dma_count(unsigned int bucket, struct watch_note *note, u8 change)
{
	xadd(&watch_dma_used[bucket], change);
	if (note)
		xadd(&note->maps, change);
}

/*
 * A mapping has begun, and the driver does not know yet. The mapping is counted before the record
 * is LIVE, so the count is never below the number of LIVE records. Context: Any.
 */
static inline void watch_dma_begin(dma_addr_t dma, const struct device *dev, struct page *page,
				   u32 size, u8 dir, u32 site, u8 module)
{
	unsigned int bucket = watch_dma_index(dma);
	struct watch_mapping *record = watch_dma_buckets[bucket].records;
	struct watch_mapping *end = record + WATCH_DMA_RECORDS;
	u32 turn;

	for (; record < end; record++) {
		turn = READ_ONCE(record->turn);
		if ((turn & WATCH_TURN_STATES) == WATCH_PAST &&
		    cmpxchg(&record->turn, turn, turn + WATCH_BUSY) == turn)
			break;
	}
	if (unlikely(record == end)) {
		set_bit(bucket, watch_dma_overflowed);
		return;
	}
	WRITE_ONCE(record->dma, dma);
	WRITE_ONCE(record->dev, dev);
	WRITE_ONCE(record->pfn, page_to_pfn(page));
	WRITE_ONCE(record->size, size);
	WRITE_ONCE(record->site, site);
	WRITE_ONCE(record->dir, dir);
	WRITE_ONCE(record->module, module);
	watch_dma_count(bucket, watch_note_of(page), 1);
	/* Pairs with the load of @turn in watch_dma_find(). */
	smp_store_release(&record->turn, turn + WATCH_LIVE);
}

/* The live record with the same size and direction, or NULL. *@turn: as it was read. */
static inline struct watch_mapping *watch_dma_find(dma_addr_t dma, const struct device *dev,
						   u32 size, u8 dir, u32 *turn)
{
	struct watch_mapping *record = watch_dma_buckets[watch_dma_index(dma)].records;
	struct watch_mapping *end = record + WATCH_DMA_RECORDS;

	for (; record < end; record++) {
		/* Pairs with the store of @turn in watch_dma_begin(). */
		*turn = smp_load_acquire(&record->turn);
		if (watch_is_live(*turn) && READ_ONCE(record->dma) == dma &&
		    READ_ONCE(record->dev) == dev && READ_ONCE(record->size) == size &&
		    READ_ONCE(record->dir) == dir)
			return record;
	}
	return NULL;
}

/* Return: whether this call ends the record, which was LIVE with @turn. */
static inline bool watch_dma_claim(struct watch_mapping *record, u32 turn)
{
	return cmpxchg(&record->turn, turn, turn - WATCH_LIVE + WATCH_BUSY) == turn;
}

/* After watch_dma_claim(), by @back. Return: the note of the mapping's page, or NULL. */
static inline struct watch_note *watch_dma_end(struct watch_mapping *record, u32 turn, u32 back)
{
	struct watch_note *note = watch_note_of(pfn_to_page(record->pfn));

	watch_dma_count(watch_dma_index(record->dma), note, -1);
	WRITE_ONCE(record->back, back);
	/* Pairs with the cmpxchg() in watch_dma_begin(): the next mapping writes later. */
	smp_store_release(&record->turn, turn - WATCH_LIVE + WATCH_TURN_NEXT);
	return note;
}

#endif /* WATCH_RECORD_H */
