/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a kernel address to a frame number, for any value that a caller may pass.
 */
#ifndef LABYRINTH_ADDRESS_H
#define LABYRINTH_ADDRESS_H

#include <linux/bitops.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "hot.h"

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

/*
 * The address of page @pfn. Where the kernel tags pointers, the tag is the page's, and
 * only page_address() knows it.
 */
static __always_inline void *lab_pfn_address(unsigned long pfn)
{
	if (IS_ENABLED(CONFIG_KASAN_SW_TAGS) || IS_ENABLED(CONFIG_KASAN_HW_TAGS))
		return page_address(pfn_to_page(pfn));
	return (void *)labyrinth_hot.direct_map + (pfn << PAGE_SHIFT);
}

/*
 * The address of @frame's page, by arithmetic where the struct pages stand in one row and
 * the size of one divides that of a page. Frame 0's counts as if it were there, if it is not.
 */
static __always_inline void *lab_frame_address(struct lab_frame *frame)
{
	unsigned long offset = (unsigned long)frame - (unsigned long)pfn_to_page(0);

	if (PAGE_SIZE % sizeof(struct page) || !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) ||
	    IS_ENABLED(CONFIG_KASAN_SW_TAGS) || IS_ENABLED(CONFIG_KASAN_HW_TAGS))
		return page_address((struct page *)frame);
	return (void *)labyrinth_hot.direct_map + offset * (PAGE_SIZE / sizeof(struct page));
}

/* Whether the address is that of a page of memory at all. */
static inline bool lab_address_valid(const void *addr)
{
	return addr && PAGE_ALIGNED(addr) && virt_addr_valid(addr);
}

/*
 * Copies from where a pointer of any value leads; false if that is nowhere. Below the
 * direct map there is nothing of the kernel's. It is not left to the copy to find that
 * out: on a processor with more bits of address than the kernel uses, it tries.
 */
static inline bool lab_copy_from(void *to, const void *from, size_t size)
{
	return (unsigned long)from >= PAGE_OFFSET &&
	       !copy_from_kernel_nofault(to, from, size);
}

#ifdef SECTION_IN_PAGE_FLAGS
/*
 * The frame number that goes with @page if that is a struct page, else any. Here
 * (SPARSEMEM without VMEMMAP) page_to_pfn() would believe what it reads: so that is
 * read where no fault matters, and the section that it names is looked up first.
 */
static inline unsigned long lab_page_pfn(const struct page *page)
{
	struct page copy;
	unsigned long first;

	if (!lab_copy_from(&copy, page, sizeof(copy)))
		return ULONG_MAX;
	first = section_nr_to_pfn(page_to_section(&copy));
	return pfn_valid(first) ? first + (page - pfn_to_page(first)) : ULONG_MAX;
}
#else
static inline unsigned long lab_page_pfn(const struct page *page)
{
	return page_to_pfn(page);
}
#endif

/* Whether @page, any value at all, is the struct page of a frame of memory. */
static inline bool lab_page_valid(const struct page *page)
{
	unsigned long pfn = lab_page_pfn(page);

	/* Or the compiler takes page_to_pfn() and back for nothing at all. */
	OPTIMIZER_HIDE_VAR(pfn);
	return pfn_valid(pfn) && pfn_to_page(pfn) == page;
}

#endif /* LABYRINTH_ADDRESS_H */
