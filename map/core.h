/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that code of the core maps for DMA on the driver's behalf. See map/core.c.
 */
#ifndef LABYRINTH_MAP_CORE_H
#define LABYRINTH_MAP_CORE_H

#include <linux/dma-mapping.h>

#include "inline/tag.h"

unsigned int lab_core_count(const struct device *dev, int change);
void lab_core_trust(bool trust);
bool lab_core_knows(const struct device *dev);
bool lab_core_serves(const struct device *dev, lab_tag_t tag);
dma_addr_t lab_core_map_page(struct device *dev, struct page *page, size_t offset, size_t size,
			     enum dma_data_direction dir, unsigned long attrs);
dma_addr_t lab_core_map_phys(struct device *dev, phys_addr_t phys, size_t size,
			     enum dma_data_direction dir, unsigned long attrs);
void lab_core_unmap(struct device *dev, dma_addr_t dma, size_t size,
		    enum dma_data_direction dir, unsigned long attrs);

#endif /* LABYRINTH_MAP_CORE_H */
