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
 * The frame number of @addr, if @addr is page-aligned and in the direct map. Of any other
 * address: a number that no tag has, or false. Whether the frame exists is for the owner table
 * to say.
 *
 * The rotation moves an offset into the page to the top bits, so a misaligned address fails the
 * comparison that an address outside the direct map fails.
 */
static __always_inline bool lab_address_pfn(const void *addr,
					    unsigned long *pfn)
{
	*pfn = ror64((unsigned long)kasan_reset_tag(addr) - labyrinth_hot.direct_map,
		     PAGE_SHIFT);
	return likely(*pfn < labyrinth_hot.pfn_limit);
}

/*
 * The address of page @pfn. Where the kernel tags pointers, only page_address() knows the tag
 * of a page's address.
 */
static __always_inline void *lab_pfn_address(unsigned long pfn)
{
	if (IS_ENABLED(CONFIG_KASAN_SW_TAGS) || IS_ENABLED(CONFIG_KASAN_HW_TAGS))
		return page_address(pfn_to_page(pfn));
	return (void *)labyrinth_hot.direct_map + (pfn << PAGE_SHIFT);
}

/*
 * The address of @frame's page: computed, without a load, where all struct pages form an array
 * (VMEMMAP) and the size of a struct page divides PAGE_SIZE. pfn_to_page(0) is the array's
 * base, also where frame 0 does not exist.
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
 * Copies @size bytes from @from, a pointer of any value. False if @from cannot be read. No
 * address below PAGE_OFFSET is the kernel's. That is tested here, since
 * copy_from_kernel_nofault() reads such addresses on a processor with more bits of address than
 * the kernel uses.
 */
static inline bool lab_copy_from(void *to, const void *from, size_t size)
{
	return (unsigned long)kasan_reset_tag(from) >= PAGE_OFFSET &&
	       !copy_from_kernel_nofault(to, from, size);
}

#ifdef SECTION_IN_PAGE_FLAGS
/*
 * The frame number of @page if @page is a struct page, else any number. On SPARSEMEM without
 * VMEMMAP page_to_pfn() trusts the section number in page->flags. So the struct page is copied
 * by a read that survives a fault, and the section is looked up first.
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

/* Whether @page, of any value, is the struct page of a frame of memory. */
static inline bool lab_page_valid(const struct page *page)
{
	unsigned long pfn = lab_page_pfn(page);

	/* Else the compiler drops page_to_pfn() and pfn_to_page() as inverse to each other. */
	OPTIMIZER_HIDE_VAR(pfn);
	return pfn_valid(pfn) && pfn_to_page(pfn) == page;
}

#endif /* LABYRINTH_ADDRESS_H */
