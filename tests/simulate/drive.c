// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver, compiled as a driver is: the inline paths of labyrinth_alloc.h are compiled in. And
 * the module's start, and an owner's, as labyrinth_main.c and labyrinth_owner.c have it.
 */
#include "core/owner.h"
#include "core/table.h"
#include "page/cache.h"
#include "drive.h"
#include "lines.h"
#include "machine.h"

/* Where frame 0 would be mapped. Nobody touches a page's own memory. */
#define DIRECT_MAP	0x100000000000UL

void drive_load(unsigned long capacity, unsigned long frames, unsigned int owners)
{
	labyrinth_hot.pfn_limit = BIT(LAB_PFN_BITS);
	labyrinth_hot.direct_map = DIRECT_MAP;
	/* A page that is never ready. */
	lab_no_slot.tag = lab_tag_make(0, 0, LAB_CACHED);
	if (lab_table_init(&labyrinth_hot.table, capacity, frames) || lab_owners_init(owners))
		sim_die("the module does not load", "no memory");
}

void drive_regions(void)
{
	const struct lab_table *table = &labyrinth_hot.table;
	unsigned int i;

	lines_region(table->slots, lab_table_span(table) * sizeof(struct lab_slot), KIND_SLOTS);
	lines_region(table->slots + lab_table_span(table), 4 * SIM_LINE, KIND_COUNTS);
	lines_region(sim_pages, sim_frames * sizeof(struct page), KIND_PAGES);
	for (i = 0; i < lab_owners.nr; i++) {
		lines_region(&lab_owners.slots[i], sizeof(struct lab_owner), KIND_OWNER);
		lines_region(&lab_owners.slots[i].front, sizeof(struct lab_front), KIND_FRONT);
	}
}

unsigned long drive_slots(void)
{
	return lab_table_span(&labyrinth_hot.table);
}

struct labyrinth_owner *drive_owner(bool single)
{
	struct lab_owner *owner = lab_owner_get_slot();

	if (IS_ERR(owner))
		sim_die("no owner", "too many");
	owner->front.flags = single ? LABYRINTH_OWNER_SINGLE : 0;
	owner->nid = NUMA_NO_NODE;
	owner->max_pages = 0;
	owner->reserve_target = 0;
	if (lab_cache_init(owner))
		sim_die("no owner", "no memory");
	lab_owner_publish(owner);
	return (struct labyrinth_owner *)owner->front.handle;
}

extern void *sim_param_cached_max;

/* Of owners that come from now on. */
void drive_cached_max(int pages)
{
	*(int *)sim_param_cached_max = pages;
}

/* A separate function, as a driver's use is. */
void *drive_take(struct labyrinth_owner *owner)
{
	return labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
}

int drive_give(struct labyrinth_owner *owner, void *page)
{
	return labyrinth_free_page(owner, page);
}
