// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of a mapping of several pages. No state is owned here: a struct
 * lab_range is its user's.
 */
#include <linux/mm.h>

#include "map/range.h"

/* Whether a range of @nr pages makes sense at all. */
bool lab_range_fits(void **addrs, unsigned int nr)
{
	return addrs && nr && nr <= labyrinth_hot.table.capacity;
}

static int attach_page(struct lab_range *range, unsigned int index,
		       struct lab_call *call, const void *addr,
		       const struct lab_map_note *what)
{
	struct lab_range_page *page = &range->pages[index];
	int err = lab_call_page(call, addr);

	if (err < 0)
		return err;
	page->slot = call->slot;
	page->pfn = lab_tag_pfn(call->tag);
	page->map.range = range;
	page->map.what = *what;
	page->map.what.size = PAGE_SIZE;
	page->map.what.addr += index * PAGE_SIZE;
	return lab_mapping_attach(call, &page->map);
}

/*
 * Makes every page of @addrs MAPPED, all of which must be the owner's whom @call
 * has found, or none. @what is said of the first. @range is zeroed, but for how many
 * it has room for.
 * Context: Any but NMI; the owner alive.
 * Return: 0; or why not, as the call's class and tag tell.
 */
int lab_range_attach(struct lab_range *range, struct lab_call *call,
		     void **addrs, const struct lab_map_note *what)
{
	unsigned int i;
	int err = 0;

	range->owner = call->owner;
	for (i = 0; i < range->nr && !err; i++)
		err = attach_page(range, i, call, addrs[i], what);
	if (err)
		lab_range_detach(range);
	return err;
}

/* Ends the records of all pages that are still linked. Context: Any but NMI. */
void lab_range_detach(struct lab_range *range)
{
	unsigned int i;

	for (i = 0; i < range->nr && range->pages[i].slot; i++)
		lab_mapping_detach(range->owner, range->pages[i].slot,
				   &range->pages[i].map, _RET_IP_);
}
