// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings for DMA by watched modules: a record for each, found by the DMA address. A page's note
 * has the number of records of the page. How a record is written, and why none is missed, is in
 * watch/record.h. No state but whether all unmappings are seen.
 *
 * Only mappings by watched modules get a record, but every unmapping is looked at, whatever the
 * caller: so a page with a record is mapped. If a bucket has no room for a record, the page is
 * never taken for mapped, and no unmapping in the bucket is taken for wrong any more.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>

#include "watch/dma.h"
#include "watch/note.h"
#include "watch/record.h"
#include "watch/say.h"

bool watch_unmaps_seen;

/*
 * A page can be mapped several times at once, at the same address: then the mapping with the same
 * size and direction is meant. Without a live record, a record of the past.
 */
static struct watch_mapping *find(const struct watch_mapping *asked, u32 *turn)
{
	struct watch_mapping *record = watch_dma_buckets[watch_dma_index(asked->dma)].records;
	struct watch_mapping *end = record + WATCH_DMA_RECORDS, *found = NULL;
	u32 now;

	for (; record < end; record++) {
		/* Pairs with the stores of @turn in watch_dma_begin() and watch_dma_end(). */
		now = smp_load_acquire(&record->turn);
		if ((now & WATCH_TURN_STATES) == WATCH_BUSY || record->dma != asked->dma ||
		    record->dev != asked->dev || (found && !watch_is_live(now)))
			continue;
		found = record;
		*turn = now;
		if (watch_is_live(now) && record->size == asked->size && record->dir == asked->dir)
			break;
	}
	return found;
}

/*
 * A mapping ends, with @asked's device, address, size and direction, and by the call @asked->back.
 * Context: Any. Return: whether there was a record, with a copy in @copy: live by @copy->turn, or
 * else of the past.
 */
bool watch_dma_take(const struct watch_mapping *asked, struct watch_mapping *copy)
{
	struct watch_mapping *record;
	u32 turn;

	while ((record = find(asked, &turn))) {
		/* Whatever is written meanwhile, @turn has changed then. */
		*copy = data_race(*record);
		/*
		 * Pairs with the cmpxchg() of @turn in watch_dma_begin() and watch_dma_claim():
		 * the copy comes before the second look at @turn.
		 */
		smp_rmb();
		if (READ_ONCE(record->turn) != turn)
			continue;
		if (!watch_is_live(turn))
			return true;
		if (!watch_dma_claim(record, turn))
			continue;
		watch_dma_end(record, turn, asked->back);
		return true;
	}
	return false;
}

/*
 * Adds the mapping of frame @pfn to a report, after a look through all records. Context: Any. No
 * lock is taken; a report of a record that changes meanwhile may be wrong.
 */
void watch_dma_describe(unsigned long pfn, struct watch_finding *finding)
{
	const struct watch_mapping *mapping;
	unsigned int i;

	for (i = 0; i < WATCH_DMA_BUCKETS * WATCH_DMA_RECORDS; i++) {
		mapping = &watch_dma_buckets[i / WATCH_DMA_RECORDS].records[i % WATCH_DMA_RECORDS];
		if (watch_is_live(READ_ONCE(mapping->turn)) && READ_ONCE(mapping->pfn) == pfn) {
			finding->mapped_at = READ_ONCE(mapping->site);
			finding->mapped_size = READ_ONCE(mapping->size);
		}
	}
}
