// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of the records of mappings. The state owned here is the records, the number of live
 * records in each bucket, and which buckets had no room for a record. See watch/record.h.
 */
#include <linux/bitmap.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "watch/record.h"

u8 watch_dma_used[WATCH_DMA_BUCKETS];
unsigned long watch_dma_overflowed[BITS_TO_LONGS(WATCH_DMA_BUCKETS)];
struct watch_bucket *watch_dma_buckets;

/* Context: Task; may sleep. Return: 0 or -ENOMEM. */
int watch_dma_alloc(void)
{
	memset(watch_dma_used, 0, sizeof(watch_dma_used));
	bitmap_zero(watch_dma_overflowed, WATCH_DMA_BUCKETS);
	watch_dma_buckets = vcalloc(WATCH_DMA_BUCKETS, sizeof(*watch_dma_buckets));
	return watch_dma_buckets ? 0 : -ENOMEM;
}

/* Context: Task; may sleep. No hook is armed any more, and no call is in a hook. */
void watch_dma_free(void)
{
	vfree(watch_dma_buckets);
	watch_dma_buckets = NULL;
}

/* Whether each mapping that began at @dma has had a record. Context: Any. */
bool watch_dma_is_sure(dma_addr_t dma)
{
	return !test_bit(watch_dma_index(dma), watch_dma_overflowed);
}
