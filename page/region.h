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

/* The pages that one large entry of the direct map covers. */
#define LAB_REGION_SHIFT	(PMD_SHIFT - PAGE_SHIFT)
#define LAB_REGION_PAGES	BIT(LAB_REGION_SHIFT)

/**
 * struct lab_region - a region of the direct map of which pages are, or were, sealed
 * @node: on the list of regions.
 * @pfn: of its first page.
 * @place: which part of the aliases is its own, while @nr is not 0.
 * @nr: how many of its pages have an alias.
 * @home: of each page that has an alias: the entry of the direct map as it was; else 0.
 * @spare: pages that are sealed and nobody's yet.
 * @open: pages whose entry is as it was: lent, or just back.
 * @stale: pages of which a CPU may have a translation that is no longer in the entry.
 * @lost: pages that went to the page allocator behind Labyrinth's back.
 *
 * @node, @pfn, @place, @nr and @spare are seal.c's, under its lock. @home is written under
 * that lock and read in any context. The other bits are atomic.
 */
struct lab_region {
	struct list_head node;
	unsigned long pfn;
	unsigned int place;
	unsigned int nr;
	unsigned long home[LAB_REGION_PAGES];
	DECLARE_BITMAP(spare, LAB_REGION_PAGES);
	DECLARE_BITMAP(open, LAB_REGION_PAGES);
	DECLARE_BITMAP(stale, LAB_REGION_PAGES);
	DECLARE_BITMAP(lost, LAB_REGION_PAGES);
};

/**
 * struct lab_aliases - from the address of a sealed page to its frame, and back
 * @base: where the aliases begin.
 * @nr: of how many pages there is room for an alias; 0 until the first sealed owner comes.
 * @pfns: by the number of the alias: the frame; 0: none.
 * @deltas: by the number of the region: what is added to the frame's number times the size
 *	of a page; 0: the region has no place.
 * @regions: by the number of the region; NULL: it never had a sealed page.
 * @nr_regions: how many regions there are.
 *
 * All but what the arrays hold is written once, @nr last.
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
 * The frame that the alias @addr leads to, or some number that no tag has, or false.
 * Context: Any.
 */
static __always_inline bool lab_alias_pfn(const void *addr, unsigned long *pfn)
{
	unsigned long index = ror64((unsigned long)addr - lab_aliases.base, PAGE_SHIFT);

	/*
	 * Harmless: a word that changes is read once, before or after. x86 loads in order, so
	 * what @nr counts is there if @nr was not 0.
	 */
	if (index >= data_race(lab_aliases.nr))
		return false;
	/* Harmless: as above. */
	*pfn = data_race(lab_aliases.pfns[index]);
	return true;
}

/* The address of page @pfn, which has an alias. Context: Any. */
static __always_inline void *lab_alias_address(unsigned long pfn)
{
	/* Harmless: it is written before the first page of the region has an alias. */
	return (void *)(data_race(lab_aliases.deltas[pfn >> LAB_REGION_SHIFT]) +
			(pfn << PAGE_SHIFT));
}

/* Likewise, from the offset of the page's struct page among all of them. */
static __always_inline void *lab_alias_of_frame(const struct lab_frame *frame)
{
	unsigned long offset = (unsigned long)frame - (unsigned long)pfn_to_page(0);
	unsigned long region = offset / (sizeof(struct page) * LAB_REGION_PAGES);

	if (PAGE_SIZE % sizeof(struct page) || !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))
		return lab_alias_address(page_to_pfn((struct page *)frame));
	/* Harmless: as above. */
	return (void *)(data_race(lab_aliases.deltas[region]) +
			offset * (PAGE_SIZE / sizeof(struct page)));
}

/* The region of page @pfn, or NULL. Regions stay until the module goes. Context: Any. */
static inline struct lab_region *lab_region_of(unsigned long pfn)
{
	unsigned long index = pfn >> LAB_REGION_SHIFT;

	if (!READ_ONCE(lab_aliases.nr) || index >= lab_aliases.nr_regions)
		return NULL;
	/* Pairs with the release by which new_region() makes it known. */
	return smp_load_acquire(&lab_aliases.regions[index]);
}

static inline unsigned int lab_region_index(unsigned long pfn)
{
	return pfn & (LAB_REGION_PAGES - 1);
}

/* The flags by which the processor says that an entry was used say nothing of what it is. */
#define LAB_ENTRY_USED	((unsigned long)(_PAGE_ACCESSED | _PAGE_DIRTY))

/* Whether two entries are the same but for that. */
static inline bool lab_entry_is(unsigned long entry, unsigned long other)
{
	return !((entry ^ other) & ~LAB_ENTRY_USED);
}

int lab_region_init(void);
void lab_region_exit(void);
struct lab_region *lab_region_get(unsigned long pfn);
void lab_region_put(struct lab_region *region);
pte_t *lab_region_entry(unsigned long pfn);
void lab_region_alias(unsigned long pfn, bool on);
void lab_region_flush(void);
unsigned long lab_region_split(void);
unsigned int lab_region_places(void);
extern struct list_head lab_regions;

#endif /* LABYRINTH_REGION_H */
