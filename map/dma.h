/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is left mapped for DMA when an owner goes. See map/dma.c.
 */
#ifndef LABYRINTH_DMA_H
#define LABYRINTH_DMA_H

#include "page/mapping.h"

void lab_dma_end_all(struct lab_owner *owner, struct lab_slot *slot);

#endif /* LABYRINTH_DMA_H */
