// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions of the direct map, and the aliases: the addresses by which the owners of sealed
 * pages reach them. The state owned here is the area of the aliases, which region has which
 * place in it, and the regions' entries in the direct map, which are split into small ones.
 *
 * The area is made when the first sealed owner comes, and stays until the module goes. It is
 * in parts of the size of a region, and a region that has sealed pages has one of them. So an
 * alias is found from a frame number, and a frame number from an alias, by one load each.
 *
 * The area is mapped once with vmap(), to have its page tables, and then emptied; what it
 * leads to afterwards is written to its entries directly. With VM_IOREMAP, a reader of
 * /proc/kcore leaves it alone. (With VM_MAP alone it would read the direct map instead, which
 * some kernels repeat for ever.)
 *
 * But for lab_region_entry(), everything here is called under the lock of page/seal.c.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/cpufeature.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/invpcid.h>
#include <asm/processor-flags.h>
#include <asm/set_memory.h>

#include "page/region.h"

/* Unless the parameter says otherwise: one page of so many may be sealed. */
#define SHARE		16
#define PLACES_LEAST	16UL

static unsigned long sealed_max;
module_param(sealed_max, ulong, 0444);
MODULE_PARM_DESC(sealed_max,
		 "Pages that can be sealed at a time, at 16 bytes each once there is a sealed owner (default 0: a sixteenth of RAM)");

struct lab_aliases lab_aliases __read_mostly;

LIST_HEAD(lab_regions);

static unsigned long *places;		/* which parts of the area are taken */
static unsigned int nr_places;
static unsigned long nr_split;

static unsigned long count_regions(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, node_end_pfn(nid));
	return DIV_ROUND_UP(end, LAB_REGION_PAGES);
}

static unsigned int choose_places(void)
{
	unsigned long most = DIV_ROUND_UP(totalram_pages(), LAB_REGION_PAGES);
	unsigned long asked = DIV_ROUND_UP(sealed_max, LAB_REGION_PAGES);

	if (!asked)
		asked = max(most / SHARE, PLACES_LEAST);
	/* vmap() takes no more pages than there are. */
	return clamp(asked, 1UL, max(most - 1, 1UL));
}

static pte_t *entry_at(unsigned long addr)
{
	unsigned int level;
	pte_t *entry = lookup_address(addr, &level);

	return entry && level == PG_LEVEL_4K ? entry : NULL;
}

/*
 * The entry of page @pfn in the direct map, if it has one of its own. It is good while a
 * page of the region is sealed, and no longer: then the core may free the page table.
 * Context: Any.
 */
pte_t *lab_region_entry(unsigned long pfn)
{
	return entry_at((unsigned long)lab_pfn_address(pfn));
}

/* Without INVPCID: a change of this bit invalidates all there is. */
static void toggle_global(void)
{
	unsigned long cr3, cr4;

	asm volatile("mov %%cr4, %0" : "=r" (cr4) : : "memory");
	if (cr4 & X86_CR4_PGE) {
		asm volatile("mov %0, %%cr4" : : "r" (cr4 ^ X86_CR4_PGE) : "memory");
		asm volatile("mov %0, %%cr4" : : "r" (cr4) : "memory");
	} else {
		asm volatile("mov %%cr3, %0" : "=r" (cr3) : : "memory");
		asm volatile("mov %0, %%cr3" : : "r" (cr3) : "memory");
	}
}

/* INVLPG is not enough: it leaves what other address space identifiers have. */
static void flush_here(void *unused)
{
	unsigned long flags;

	raw_local_irq_save(flags);
	if (boot_cpu_has(X86_FEATURE_INVPCID))
		invpcid_flush_all();
	else
		toggle_global();
	raw_local_irq_restore(flags);
}

/*
 * After this no CPU has a translation that was taken out of the page tables before.
 * Context: Task.
 */
void lab_region_flush(void)
{
	on_each_cpu(flush_here, NULL, 1);
}

/* Empties the entries that vmap() has written. */
static void empty_area(unsigned long addr, unsigned long nr)
{
	for (; nr--; addr += PAGE_SIZE)
		set_pte(entry_at(addr), __pte(0));
	lab_region_flush();
}

/* Room for @nr aliases, which lead nowhere. */
static void *map_area(unsigned long nr)
{
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);
	void *area = NULL;
	unsigned long i;

	for (i = 0; i < nr && pages && page; i++)
		pages[i] = page;
	if (i)
		area = vmap(pages, nr, VM_MAP | VM_IOREMAP, PAGE_KERNEL);
	if (area)
		empty_area((unsigned long)area, nr);
	kvfree(pages);
	if (page)
		__free_page(page);
	return area;
}

static void free_area(void)
{
	vunmap((void *)lab_aliases.base);
	kvfree(lab_aliases.pfns);
	kvfree(lab_aliases.deltas);
	kvfree(lab_aliases.regions);
	bitmap_free(places);
	places = NULL;
	lab_aliases = (struct lab_aliases) {};
}

static int make_area(unsigned int parts, unsigned long nr_regions)
{
	struct lab_aliases *a = &lab_aliases;
	unsigned long nr = parts * LAB_REGION_PAGES;

	a->pfns = kvcalloc(nr, sizeof(*a->pfns), GFP_KERNEL);
	a->deltas = kvcalloc(nr_regions, sizeof(*a->deltas), GFP_KERNEL);
	a->regions = kvcalloc(nr_regions, sizeof(*a->regions), GFP_KERNEL);
	places = bitmap_zalloc(parts, GFP_KERNEL);
	if (a->pfns && a->deltas && a->regions && places)
		a->base = (unsigned long)map_area(nr);
	if (!a->base) {
		free_area();
		return -ENOMEM;
	}
	nr_places = parts;
	a->nr_regions = nr_regions;
	/* Pairs with the look at it by lab_alias_pfn() and lab_region_of(). */
	smp_store_release(&a->nr, nr);
	return 0;
}

/*
 * Makes the area, unless it is there.
 * Context: Task; may sleep. Return: 0, -ENOMEM.
 */
int lab_region_init(void)
{
	return lab_aliases.nr ? 0 : make_area(choose_places(), count_regions());
}

/*
 * No page has an alias any more, and nobody looks.
 * Context: Task; may sleep.
 */
void lab_region_exit(void)
{
	struct lab_region *region, *next;

	list_for_each_entry_safe(region, next, &lab_regions, node)
		kvfree(region);
	INIT_LIST_HEAD(&lab_regions);
	if (lab_aliases.nr)
		free_area();
}

static struct lab_region *new_region(unsigned long index)
{
	struct lab_region *region = kvzalloc(sizeof(*region), GFP_KERNEL);

	if (!region)
		return NULL;
	region->pfn = index << LAB_REGION_SHIFT;
	list_add_tail(&region->node, &lab_regions);
	/* Pairs with the acquire in lab_region_of(). */
	smp_store_release(&lab_aliases.regions[index], region);
	return region;
}

/* Writes where the region's aliases are, or that there are none. */
static void set_place(const struct lab_region *region, bool on)
{
	unsigned long first = region->place * LAB_REGION_PAGES, i;
	unsigned long start = lab_aliases.base + (first << PAGE_SHIFT);

	WRITE_ONCE(lab_aliases.deltas[region->pfn >> LAB_REGION_SHIFT],
		   on ? start - (region->pfn << PAGE_SHIFT) : 0);
	for (i = 0; i < LAB_REGION_PAGES; i++)
		WRITE_ONCE(lab_aliases.pfns[first + i], on ? region->pfn + i : 0);
}

static int take_place(struct lab_region *region)
{
	unsigned int place = find_first_zero_bit(places, nr_places);

	if (place >= nr_places) {
		pr_warn_once("no room for the aliases of more sealed pages: load with a larger sealed_max=\n");
		return -ENOSPC;
	}
	__set_bit(place, places);
	region->place = place;
	set_place(region, true);
	return 0;
}

/*
 * Gives the region's place up with its last page.
 * Context: Task. The aliases lead nowhere, and no CPU has a translation of them.
 */
void lab_region_put(struct lab_region *region)
{
	if (region->nr)
		return;
	set_place(region, false);
	__clear_bit(region->place, places);
}

/*
 * Splits the large entry that @pfn is in: to have one of them uncached for a moment needs a
 * small one. The page is nobody's yet; it is written back to what it was in any case.
 */
static int split(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	int err;

	if (lab_region_entry(pfn))
		return 0;
	err = set_pages_array_uc(&page, 1);
	set_pages_array_wb(&page, 1);
	if (err)
		return err;
	if (!lab_region_entry(pfn))
		return -EOPNOTSUPP;
	nr_split++;
	return 0;
}

/*
 * The region of page @pfn, which is not sealed yet and the caller's, with a place for
 * aliases, and with small entries in the direct map.
 * Context: Task; may sleep. Return: the region, or ERR_PTR: -ENOMEM, -ENOSPC, -EOPNOTSUPP.
 */
struct lab_region *lab_region_get(unsigned long pfn)
{
	unsigned long index = pfn >> LAB_REGION_SHIFT;
	struct lab_region *region;
	int err = 0;

	if (index >= lab_aliases.nr_regions)
		return ERR_PTR(-ENOSPC);
	region = lab_aliases.regions[index] ?: new_region(index);
	if (!region)
		return ERR_PTR(-ENOMEM);
	err = split(pfn);
	if (!err && !region->nr)
		err = take_place(region);
	return err ? ERR_PTR(err) : region;
}

/*
 * Makes the alias of page @pfn, whose region has a place, lead there, or nowhere; in which
 * case a CPU may still have the translation.
 * Context: Task.
 */
void lab_region_alias(unsigned long pfn, bool on)
{
	pte_t *entry = entry_at((unsigned long)lab_alias_address(pfn));

	set_pte(entry, on ? pfn_pte(pfn, PAGE_KERNEL) : __pte(0));
}

/* How many large entries of the direct map were split. Context: Any. */
unsigned long lab_region_split(void)
{
	return READ_ONCE(nr_split);
}

/* In how many regions there can be sealed pages at a time. Context: Any. */
unsigned int lab_region_places(void)
{
	return READ_ONCE(nr_places);
}
