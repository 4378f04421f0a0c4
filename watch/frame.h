/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contents of a frame's struct page. Nothing is locked: each answer may be old.
 */
#ifndef WATCH_FRAME_H
#define WATCH_FRAME_H

#include <linux/mm.h>

#include "watch/peek.h"

void watch_frame_block(struct page *page, unsigned long *first, unsigned long *nr);
long watch_frame_refs(unsigned long pfn);
void watch_frame_describe(unsigned long pfn, char *text, size_t size);

/* Of a page_pool's page: the fragments that are out, each of which is a reference too. */
static inline long watch_frame_fragments(struct page *page)
{
	return WATCH_LOAD(*(long *)(&page->dma_addr + 1));
}

#endif /* WATCH_FRAME_H */
