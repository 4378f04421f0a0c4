// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions of the direct map, and the aliases: addresses by which owners reach sealed pages. The
 * state owned here is the area of the aliases, the place of each region in the area, and the
 * small entries into which a region's large entry in the direct map is split.
 *
 * The area is made when the first sealed owner comes, and stays until the module goes. The area
 * consists of places, each of the size of a region. A region with sealed pages has a place, so
 * a single load leads from a frame number to the alias, and another from an alias to the frame
 * number.
 *
 * vmap() maps the area once, to make the page tables, and empty_area() empties the entries.
 * From then on lab_region_alias() writes the entries directly. VM_IOREMAP keeps readers of
 * /proc/kcore out of the area. (With VM_MAP alone such a reader is sent to the direct map
 * instead, which some kernels repeat for ever.)
 *
 * All functions but lab_region_entry() are called under seal_lock of page/seal.c, or in any
 * context where the comment says so.
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

#include "hook/own.h"
#include "page/region.h"

/* Without sealed_max=, a page in so many may be sealed, but at least so many regions. */
#define SHARE		16
#define PLACES_LEAST	16UL

static unsigned long sealed_max;
module_param(sealed_max, ulong, 0444);
MODULE_PARM_DESC(sealed_max,
		 "Pages that can be sealed at a time, at 16 bytes each once there is a sealed owner (default 0: a sixteenth of RAM)");

struct lab_aliases lab_aliases __read_mostly;

LIST_HEAD(lab_regions);

/* What could not be had last: for a message alone, so two owners' attempts may mix it up. */
static const char *lacking;

static unsigned long *places;		/* of the area: which are taken */
static unsigned int nr_places;
static unsigned long nr_split;

/* Notes that pages cannot be sealed for want of @what. Context: Any. Return: @err. */
int lab_region_lacks(const char *what, int err)
{
	WRITE_ONCE(lacking, what);
	return err;
}

/* Context: Any. Return: the last @what of lab_region_lacks(), or NULL. */
const char *lab_region_lacking(void)
{
	return READ_ONCE(lacking);
}

/* The frames of the kernel's image: between the first and the last there may be others. */
static struct {
	unsigned long first, end;
} image;

static void find_image(void)
{
	unsigned long offset, pfn;
	unsigned int level;

	for (offset = 0; offset < KERNEL_IMAGE_SIZE; offset += PMD_SIZE) {
		if (!lookup_address(__START_KERNEL_map + offset, &level))
			continue;
		pfn = PHYS_PFN(offset + phys_base);
		image.first = image.end ? image.first : pfn;
		image.end = pfn + LAB_REGION_PAGES;
	}
}

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
	/* vmap() refuses more pages than the machine has. */
	return clamp(asked, 1UL, max(most - 1, 1UL));
}

static pte_t *entry_at(unsigned long addr)
{
	unsigned int level;
	pte_t *entry = lookup_address(addr, &level);

	return entry && level == PG_LEVEL_4K ? entry : NULL;
}

/*
 * The small entry of page @pfn in the direct map; NULL under a large entry. The pointer is good
 * only while a page of the region is sealed: after that the core may free the page table.
 * Context: Any.
 */
pte_t *lab_region_entry(unsigned long pfn)
{
	return entry_at((unsigned long)lab_pfn_address(pfn));
}

/* Flushes without INVPCID: a change of CR4.PGE invalidates every translation of this CPU. */
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

/* Not with INVLPG, which leaves the translations of other address space identifiers. */
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
 * Flushes all CPUs: none keeps a translation that left the page tables before the call.
 * Context: Task.
 */
void lab_region_flush(void)
{
	on_each_cpu(flush_here, NULL, 1);
}

/* Empties the entries that vmap() wrote. */
static void empty_area(unsigned long addr, unsigned long nr)
{
	for (; nr--; addr += PAGE_SIZE)
		set_pte(entry_at(addr), __pte(0));
	lab_region_flush();
}

/* Makes room for @nr aliases, all of which lead nowhere. */
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
		return lab_region_lacks("memory for addresses", -ENOMEM);
	}
	nr_places = parts;
	a->nr_regions = nr_regions;
	/* Pairs with the loads of @nr by lab_alias_pfn() and lab_region_of(). */
	smp_store_release(&a->nr, nr);
	return 0;
}

/*
 * Makes the area, unless an earlier call did.
 * Context: Task; may sleep. Return: 0, -ENOMEM.
 */
int lab_region_init(void)
{
	if (lab_aliases.nr)
		return 0;
	find_image();
	return make_area(choose_places(), count_regions());
}

/*
 * Frees the regions and the area. No page has an alias, and no CPU searches for a region.
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

/* Enters the aliases of @region's place in the tables of lab_aliases, or removes them. */
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
		return lab_region_lacks("room for addresses", -ENOSPC);
	}
	__set_bit(place, places);
	region->place = place;
	set_place(region, true);
	return 0;
}

/*
 * Gives up @region's place, unless pages of the region have aliases.
 * Context: Task. The other aliases lead nowhere, and all CPUs were flushed since.
 */
void lab_region_put(struct lab_region *region)
{
	if (region->nr)
		return;
	set_place(region, false);
	__clear_bit(region->place, places);
}

/*
 * Splits the large entry over page @pfn. To make the page uncached the core must split the
 * large entry; the page is made cached again at once, even if that failed. A page that goes into
 * quarantine is an owner's, so for the guard this is Labyrinth's own call.
 */
static int split(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	int err;

	if (lab_region_entry(pfn))
		return 0;
	err = LAB_OWN(set_pages_array_uc)(&page, 1);
	set_pages_array_wb(&page, 1);
	if (!err && !lab_region_entry(pfn))
		err = -EOPNOTSUPP;
	if (err)
		return lab_region_lacks("small entries in the direct map", err);
	nr_split++;
	return 0;
}

/*
 * The region of page @pfn, with small entries in the direct map. With @bounded, no large entry
 * is split if as many were as there are places: pages in quarantine come from anywhere, and
 * would have the whole direct map split by and by. The page is the caller's and not sealed yet.
 * Context: Task; may sleep. Return: the region, or ERR_PTR: -ENOMEM, -ENOSPC, -EOPNOTSUPP.
 */
struct lab_region *lab_region_find(unsigned long pfn, bool bounded)
{
	unsigned long index = pfn >> LAB_REGION_SHIFT;
	struct lab_region *region;
	int err;

	if (index >= lab_aliases.nr_regions)
		return ERR_PTR(lab_region_lacks("memory that was there at first", -ENOSPC));
	if (bounded && nr_split >= nr_places && !lab_region_entry(pfn))
		return ERR_PTR(-ENOSPC);
	region = lab_aliases.regions[index] ?: new_region(index);
	if (!region)
		return ERR_PTR(lab_region_lacks("memory for a region's record", -ENOMEM));
	err = split(pfn);
	return err ? ERR_PTR(err) : region;
}

/* lab_region_find(), without a bound, and with a place for aliases. */
struct lab_region *lab_region_get(unsigned long pfn)
{
	struct lab_region *region = lab_region_find(pfn, false);
	int err = 0;

	if (!IS_ERR(region) && !region->nr)
		err = take_place(region);
	return err ? ERR_PTR(err) : region;
}

/*
 * With @on, makes the alias of page @pfn lead to the page; else nowhere, and the caller flushes
 * the CPUs' translations. The page's region has a place.
 * Context: Task.
 */
void lab_region_alias(unsigned long pfn, bool on)
{
	pte_t *entry = entry_at((unsigned long)lab_alias_address(pfn));

	set_pte(entry, on ? pfn_pte(pfn, PAGE_KERNEL) : __pte(0));
}

static bool is_in_image(unsigned long pfn)
{
	unsigned int level;
	pte_t *entry = lookup_address(PFN_PHYS(pfn) - phys_base + __START_KERNEL_map, &level);

	return entry && pte_present(*entry);
}

/*
 * Whether any of @nr pages is mapped where the kernel's image is, too. The memory of which only
 * the kernel's start had a need is the page allocator's, but stays mapped there, unless the CPU
 * needs page-table isolation.
 * Context: Any, after lab_region_init().
 */
bool lab_region_in_image(unsigned long pfn, unsigned long nr)
{
	unsigned long end = min(pfn + nr, image.end);

	for (pfn = max(pfn, image.first); pfn < end; pfn++)
		if (is_in_image(pfn))
			return true;
	return false;
}

/* How many large entries of the direct map were split. Context: Any. */
unsigned long lab_region_split(void)
{
	return READ_ONCE(nr_split);
}

/* How many regions can have sealed pages at a time. Context: Any. */
unsigned int lab_region_places(void)
{
	return READ_ONCE(nr_places);
}
