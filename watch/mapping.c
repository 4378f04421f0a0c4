// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings for DMA by watched modules: a record for each, found by the DMA address. The state
 * owned here is the records; a page's note has the number of records of the page.
 *
 * Only mappings by watched modules get a record, but every unmapping is looked at, whatever the
 * caller: so a page with a record is mapped. If a bucket has no room for a record, the page is
 * never taken for mapped, and no unmapping in the bucket is taken for wrong any more.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "watch/dma.h"
#include "watch/note.h"
#include "watch/say.h"

#define NR_RECORDS	4

/* The lock protects the bucket, and the bucket's byte in watch_dma_used. Innermost. */
struct bucket {
	raw_spinlock_t lock;
	bool overflowed;		/* a mapping has found no room */
	struct watch_mapping records[NR_RECORDS];
};

u8 *watch_dma_used;
bool watch_unmaps_seen;
static struct bucket *buckets;

static unsigned int index_of(dma_addr_t dma)
{
	return (dma >> 12) & (WATCH_DMA_BUCKETS - 1);
}

/* Context: Task; may sleep. Return: 0 or -ENOMEM. */
int watch_dma_alloc(void)
{
	unsigned int i;

	buckets = vcalloc(WATCH_DMA_BUCKETS, sizeof(*buckets));
	watch_dma_used = vcalloc(WATCH_DMA_BUCKETS, sizeof(*watch_dma_used));
	if (!buckets || !watch_dma_used) {
		watch_dma_free();
		return -ENOMEM;
	}
	for (i = 0; i < WATCH_DMA_BUCKETS; i++)
		raw_spin_lock_init(&buckets[i].lock);
	return 0;
}

/* Context: Task; may sleep. No hook is armed any more, and no call is in a hook. */
void watch_dma_free(void)
{
	vfree(buckets);
	vfree(watch_dma_used);
	buckets = NULL;
	watch_dma_used = NULL;
}

static struct watch_mapping *free_place(struct bucket *bucket)
{
	unsigned int i;

	for (i = 0; i < NR_RECORDS; i++)
		if (!bucket->records[i].live)
			return &bucket->records[i];
	return NULL;
}

/*
 * A page can be mapped several times at once, at the same address: then the mapping with the same
 * size and direction is meant. Without a live record, a record of the past.
 */
static struct watch_mapping *find(struct bucket *bucket, const struct watch_mapping *asked)
{
	struct watch_mapping *record = bucket->records, *live = NULL, *past = NULL;

	for (; record < bucket->records + NR_RECORDS; record++) {
		if (record->dma != asked->dma || record->dev != asked->dev)
			continue;
		if (!record->live) {
			past = record;
			continue;
		}
		live = record;
		if (record->size == asked->size && record->dir == asked->dir)
			break;
	}
	return live ?: past;
}

/* Two buckets may have mappings of a page. */
static void count_map(u32 pfn, int change)
{
	struct watch_note *note = watch_note_of(pfn_to_page(pfn));
	u8 maps;

	if (!note)
		return;
	maps = READ_ONCE(note->maps);
	while (!try_cmpxchg(&note->maps, &maps, maps + change))
		;
}

/* Context: Any. */
void watch_dma_note(const struct watch_mapping *mapping)
{
	unsigned int i = index_of(mapping->dma);
	struct watch_mapping *place;
	unsigned long flags;

	raw_spin_lock_irqsave(&buckets[i].lock, flags);
	place = free_place(&buckets[i]);
	if (place) {
		*place = *mapping;
		WRITE_ONCE(watch_dma_used[i], watch_dma_used[i] + 1);
		count_map(mapping->pfn, 1);
	} else {
		buckets[i].overflowed = true;
	}
	raw_spin_unlock_irqrestore(&buckets[i].lock, flags);
}

static void end_record(unsigned int i, struct watch_mapping *record)
{
	record->live = false;
	WRITE_ONCE(watch_dma_used[i], watch_dma_used[i] - 1);
	count_map(record->pfn, -1);
}

/*
 * A mapping ends, with @asked's device, address, size and direction. Context: Any. Return: whether
 * there was a record, with a copy in @copy: live, or else of the past. *@sure: whether each
 * mapping that began there has had a record.
 */
bool watch_dma_take(const struct watch_mapping *asked, struct watch_mapping *copy, bool *sure)
{
	unsigned int i = index_of(asked->dma);
	struct watch_mapping *record;
	unsigned long flags;

	raw_spin_lock_irqsave(&buckets[i].lock, flags);
	*sure = !buckets[i].overflowed;
	record = find(&buckets[i], asked);
	if (record)
		*copy = *record;
	if (record && record->live)
		end_record(i, record);
	raw_spin_unlock_irqrestore(&buckets[i].lock, flags);
	return record;
}

/*
 * Adds the mapping of frame @pfn to a report, after a look through all records. Context: Any. No
 * lock is taken; a report of a record that changes meanwhile may be wrong.
 */
void watch_dma_describe(unsigned long pfn, struct watch_finding *finding)
{
	const struct watch_mapping *mapping;
	unsigned int i;

	for (i = 0; i < WATCH_DMA_BUCKETS * NR_RECORDS; i++) {
		mapping = &buckets[i / NR_RECORDS].records[i % NR_RECORDS];
		if (READ_ONCE(mapping->live) && READ_ONCE(mapping->pfn) == pfn) {
			finding->mapped_at = READ_ONCE(mapping->site);
			finding->mapped_size = READ_ONCE(mapping->size);
		}
	}
}
