/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a kernel address to a frame number, for any value that a caller may pass.
 */
#ifndef LABYRINTH_ADDRESS_H
#define LABYRINTH_ADDRESS_H

#include <linux/bitops.h>
#include <linux/kasan.h>
#include <linux/mm.h>

#include "labyrinth_hot.h"

/*
 * The frame number of a page-aligned address in the direct map, or some number
 * that no tag has, or false. Whether there is such a frame at all is the owner
 * table's to say.
 *
 * The rotation puts an offset into the page on top, where it makes the number
 * as wrong as an address outside the direct map does: one comparison for both.
 */
static __always_inline bool lab_address_pfn(const void *addr,
					    unsigned long *pfn)
{
	*pfn = ror64((unsigned long)kasan_reset_tag(addr) - labyrinth_hot.direct_map,
		     PAGE_SHIFT);
	return likely(*pfn < labyrinth_hot.pfn_limit);
}

/* Whether the address is that of a page of memory at all. */
static inline bool lab_address_valid(const void *addr)
{
	return addr && PAGE_ALIGNED(addr) && virt_addr_valid(addr);
}

/*
 * Whether @page, any value at all, is the struct page of a frame of memory. Where the
 * frame's number is kept in struct page (SPARSEMEM without VMEMMAP), a value that is
 * neither NULL nor a struct page cannot be told.
 */
static inline bool lab_page_valid(const struct page *page)
{
	unsigned long pfn;

	if (!page)
		return false;
	pfn = page_to_pfn(page);
	/* Or the compiler takes page_to_pfn() and back for nothing at all. */
	OPTIMIZER_HIDE_VAR(pfn);
	return pfn_valid(pfn) && pfn_to_page(pfn) == page;
}

#endif /* LABYRINTH_ADDRESS_H */
