/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of hooked functions, on behalf of a page's owner. LAB_OWN(fn) is called as fn is. The
 * guard knows such a call by the return address or by the caller's frame: see lab_call_mark().
 * So of hooked functions that call one another, fn must be the innermost.
 */
#ifndef LABYRINTH_OWN_H
#define LABYRINTH_OWN_H

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "labyrinth_compat.h"

#ifdef LAB_GUARD_POSSIBLE

#define LAB_OWN(fn)	lab_own_##fn

void *lab_own_vmap(struct page **pages, unsigned int count, unsigned long flags,
		   pgprot_t prot);
int lab_own_set_pages_array_uc(struct page **pages, int nr);
vm_fault_t lab_own_vmf_insert_pfn_prot(struct vm_area_struct *vma, unsigned long addr,
				       unsigned long pfn, pgprot_t prot);
dma_addr_t lab_own_dma_map_page_attrs(struct device *dev, struct page *page,
				      size_t offset, size_t size,
				      enum dma_data_direction dir,
				      unsigned long attrs);
dma_addr_t lab_own_dma_map_phys(struct device *dev, phys_addr_t phys, size_t size,
				enum dma_data_direction dir, unsigned long attrs);
void lab_own_dma_unmap_page_attrs(struct device *dev, dma_addr_t addr, size_t size,
				  enum dma_data_direction dir, unsigned long attrs);
void lab_own_dma_unmap_phys(struct device *dev, dma_addr_t addr, size_t size,
			    enum dma_data_direction dir, unsigned long attrs);

#else

#define LAB_OWN(fn)	fn

#endif

#endif /* LABYRINTH_OWN_H */
