/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ends the mappings for DMA that an owner leaves behind. See map/dma.c.
 */
#ifndef LABYRINTH_DMA_H
#define LABYRINTH_DMA_H

#include "page/mapping.h"

void lab_dma_end_all(struct lab_owner *owner, struct lab_slot *slot);
void lab_dma_end_posted(struct lab_owner *owner, struct lab_slot *slot);
u64 lab_dma_map_resident(const struct lab_owner *owner, struct page *page);

#endif /* LABYRINTH_DMA_H */
