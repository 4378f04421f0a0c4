/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions of the direct map, and the addresses that lead to sealed pages. See page/region.c.
 */
#ifndef LABYRINTH_REGION_H
#define LABYRINTH_REGION_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "inline/address.h"
#include "inline/frame.h"

/* The pages that a large entry of the direct map covers. */
#define LAB_REGION_SHIFT	(PMD_SHIFT - PAGE_SHIFT)
#define LAB_REGION_PAGES	BIT(LAB_REGION_SHIFT)

/**
 * struct lab_region - a region of the direct map of which pages are, or were, sealed
 * @node: on the list of regions.
 * @pfn: of the region's first page.
 * @place: the region's place in the area of aliases, while @nr is not 0.
 * @nr: how many pages of the region have an alias.
 * @home: for each page with an alias, or in quarantine, the saved entry of the direct map;
 *	else 0.
 * @spare: pages in seal.c's keeping, without an owner.
 * @open: pages whose entry is the saved entry, or is about to be: lent, or just reclaimed.
 * @closing: pages that were open, and of which a CPU may still hold a translation to the page.
 * @stale: pages of which a CPU may hold a translation that the entry has no longer.
 * @lost: pages that went to the page allocator behind Labyrinth's back.
 *
 * @node, @pfn, @place, @nr and @spare are protected by seal_lock of seal.c. @home is written
 * under seal_lock and read in any context. @open, @closing, @stale and @lost are written by
 * atomic bit operations, @closing by the worker alone, the others in any context.
 */
struct lab_region {
	struct list_head node;
	unsigned long pfn;
	unsigned int place;
	unsigned int nr;
	unsigned long home[LAB_REGION_PAGES];
	DECLARE_BITMAP(spare, LAB_REGION_PAGES);
	DECLARE_BITMAP(open, LAB_REGION_PAGES);
	DECLARE_BITMAP(closing, LAB_REGION_PAGES);
	DECLARE_BITMAP(stale, LAB_REGION_PAGES);
	DECLARE_BITMAP(lost, LAB_REGION_PAGES);
};

/**
 * struct lab_aliases - from the address of a sealed page to its frame, and back
 * @base: the first alias.
 * @nr: for how many pages there are aliases; 0 until the first sealed owner comes.
 * @pfns: by number of the alias: the frame number; 0: none.
 * @deltas: by number of the region: alias minus frame number times the size of a page; 0: the
 *	region has no place.
 * @regions: by number of the region; NULL: the region never had a sealed page.
 * @nr_regions: how many regions RAM has.
 *
 * Apart from the entries of the arrays, all is written once, @nr last.
 */
struct lab_aliases {
	unsigned long base;
	unsigned long nr;
	unsigned long *pfns;
	unsigned long *deltas;
	struct lab_region **regions;
	unsigned long nr_regions;
};

extern struct lab_aliases lab_aliases;

/*
 * Puts the frame number for the alias @addr into *@pfn. An alias that leads nowhere gives a
 * number too: of a page that no sealed owner has, or 0 in a free place. False: no alias.
 * Context: Any.
 */
static __always_inline bool lab_alias_pfn(const void *addr, unsigned long *pfn)
{
	unsigned long index = ror64((unsigned long)addr - lab_aliases.base, PAGE_SHIFT);

	/*
	 * Harmless: @nr is read once, as 0 or as the final value. x86 loads in order, so after
	 * a load of the final value the load of @pfns sees the array.
	 */
	if (index >= data_race(lab_aliases.nr))
		return false;
	/* Harmless: set_place() may write the word, which is read once, old or new. */
	*pfn = data_race(lab_aliases.pfns[index]);
	return true;
}

/* The address of page @pfn, which has an alias. Context: Any. */
static __always_inline void *lab_alias_address(unsigned long pfn)
{
	/* Harmless: set_place() writes the delta before a page of the region has an alias. */
	return (void *)(data_race(lab_aliases.deltas[pfn >> LAB_REGION_SHIFT]) +
			(pfn << PAGE_SHIFT));
}

/* The same for the page of @frame, from the offset of the struct page in the memory map. */
static __always_inline void *lab_alias_of_frame(const struct lab_frame *frame)
{
	unsigned long offset = (unsigned long)frame - (unsigned long)pfn_to_page(0);
	unsigned long region = offset / (sizeof(struct page) * LAB_REGION_PAGES);

	if (PAGE_SIZE % sizeof(struct page) || !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))
		return lab_alias_address(page_to_pfn((struct page *)frame));
	/* Harmless: as in lab_alias_address(). */
	return (void *)(data_race(lab_aliases.deltas[region]) +
			offset * (PAGE_SIZE / sizeof(struct page)));
}

/* The region of page @pfn, or NULL. Regions stay until the module goes. Context: Any. */
static inline struct lab_region *lab_region_of(unsigned long pfn)
{
	unsigned long index = pfn >> LAB_REGION_SHIFT;

	/* Pairs with the release in make_area(): the array and its size are there. */
	if (!smp_load_acquire(&lab_aliases.nr) || index >= lab_aliases.nr_regions)
		return NULL;
	/* Pairs with the release by which new_region() publishes the region. */
	return smp_load_acquire(&lab_aliases.regions[index]);
}

static inline unsigned int lab_region_index(unsigned long pfn)
{
	return pfn & (LAB_REGION_PAGES - 1);
}

/* The processor sets these flags in an entry at an access or a write. */
#define LAB_ENTRY_USED	((unsigned long)(_PAGE_ACCESSED | _PAGE_DIRTY))

/* Whether two entries are the same but for LAB_ENTRY_USED. */
static inline bool lab_entry_is(unsigned long entry, unsigned long other)
{
	return !((entry ^ other) & ~LAB_ENTRY_USED);
}

int lab_region_lacks(const char *what, int err);
const char *lab_region_lacking(void);
int lab_region_init(void);
void lab_region_exit(void);
struct lab_region *lab_region_find(unsigned long pfn, bool bounded);
struct lab_region *lab_region_get(unsigned long pfn);
void lab_region_put(struct lab_region *region);
pte_t *lab_region_entry(unsigned long pfn);
void lab_region_alias(unsigned long pfn, bool on);
void lab_region_flush(void);
bool lab_region_in_image(unsigned long pfn, unsigned long nr);
unsigned long lab_region_split(void);
unsigned int lab_region_places(void);
extern struct list_head lab_regions;

#endif /* LABYRINTH_REGION_H */
