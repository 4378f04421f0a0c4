/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings for DMA by watched modules. See watch/mapping.c.
 */
#ifndef WATCH_DMA_H
#define WATCH_DMA_H

/* A power of two; watch/stubs.S masks with it. */
#define WATCH_DMA_BUCKETS	16384
#define WATCH_DMA_RECORDS	4	/* in a bucket */

#ifndef __ASSEMBLY__

#include <linux/types.h>

struct device;

/* A record of a mapping that has ended stays until the place is needed. */
struct watch_mapping {
	dma_addr_t dma;
	const struct device *dev;	/* NULL: the place was never used */
	u32 turn;			/* see watch/record.h */
	u32 pfn;			/* the mapping's first page; of a compound page, the head */
	u32 size;
	u32 site;			/* the call that mapped */
	u32 back;			/* the call that unmapped */
	u8 dir;
	u8 module;
};

struct watch_finding;

int watch_dma_alloc(void);
void watch_dma_free(void);

bool watch_dma_take(const struct watch_mapping *asked, struct watch_mapping *copy);
bool watch_dma_is_sure(dma_addr_t dma);
void watch_dma_describe(unsigned long pfn, struct watch_finding *finding);

/* The number of live records in each bucket. Read by watch/stubs.S as well. */
extern u8 watch_dma_used[WATCH_DMA_BUCKETS];

/* Whether no unmapping escapes: a page with a record is mapped then. */
extern bool watch_unmaps_seen;

#endif /* __ASSEMBLY__ */

#endif /* WATCH_DMA_H */
