// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two requests that are completed with each other's addresses: the report of an unmap says which
 * page has the address. The state owned here is the limit of how often the whole owner table is
 * looked through.
 *
 * Only the mapping made last of each page is compared.
 */
#include <linux/jiffies.h>
#include <linux/pfn.h>
#include <linux/ratelimit.h>

#include "core/table.h"
#include "inline/hot.h"
#include "map/elsewhere.h"

/*
 * The table may have a million slots, read here without a break, and a driver may make the mistake
 * for each packet.
 */
static struct ratelimit_state scan_limit =
	RATELIMIT_STATE_INIT_FLAGS("labyrinth", HZ, 1, RATELIMIT_MSG_ON_RELEASE);

static bool has_address(struct lab_slot *slot, lab_tag_t tag, u64 addr,
			struct lab_elsewhere *found)
{
	struct lab_page_note note;

	if (lab_tag_state(tag) != LAB_MAPPED)
		return false;
	note = lab_page_note(slot, tag);
	if (!note.mappings || note.map.kind != LAB_MAP_DMA || note.map.addr != addr)
		return false;
	found->pfn = lab_tag_pfn(tag);
	found->map = note.map;
	return true;
}

/* Where no IOMMU translates, the address has the page's number in it. */
static bool find_direct(u64 addr, struct lab_elsewhere *found)
{
	lab_tag_t tag;
	struct lab_slot *slot = lab_table_search(&labyrinth_hot.table, PHYS_PFN(addr), &tag);

	return slot && has_address(slot, tag, addr, found);
}

static bool find_anywhere(u64 addr, struct lab_elsewhere *found)
{
	const struct lab_table *table = &labyrinth_hot.table;
	u64 i;

	if (!___ratelimit(&scan_limit, "labyrinth"))
		return false;
	for (i = 0; i < lab_table_span(table); i++)
		if (has_address(&table->slots[i], READ_ONCE(table->slots[i].tag), addr, found))
			return true;
	return false;
}

/*
 * Finds the page, other than the @named, that is mapped for a device at @addr.
 * Context: Any but NMI; no map_lock held.
 */
bool lab_elsewhere_find(unsigned long named, u64 addr, struct lab_elsewhere *found)
{
	return (find_direct(addr, found) || find_anywhere(addr, found)) && found->pfn != named;
}
