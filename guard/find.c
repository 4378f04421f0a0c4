// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks frames up for hooks: plain loads, in any context, of any frame number. No state is
 * owned here.
 *
 * Each page of a range is looked up, but a range of more pages than an eighth of the table's
 * slots is compared with all tags of the table instead. A look-up costs about as much as eight
 * slots in a row. So no call costs more than a pass over the table, which takes no longer than
 * the core takes to map that many pages.
 */
#include <linux/mm.h>

#include "core/table.h"
#include "guard/find.h"
#include "guard/hook.h"

#define WALK_RATIO	8

/* The order of the largest block; any larger value is no order. */
#define MAX_BLOCK_ORDER	18

/*
 * Whether a tagged page must not be mapped. A LENT page is an ordinary page, and passes unless
 * @lent_too.
 */
static bool refusable(lab_tag_t tag, bool lent_too)
{
	return tag && (lent_too || lab_tag_state(tag) != LAB_LENT);
}

/* The tag of @pfn, in any state, or 0. */
static lab_tag_t find_tagged(unsigned long pfn)
{
	lab_tag_t tag;

	if (!pfn_valid(pfn) || likely(!lab_guard_may_know(lab_frame_of_pfn(pfn))))
		return 0;
	lab_table_search(&labyrinth_hot.table, pfn, &tag);
	return tag;
}

/*
 * A LENT page that its owner lets go of is CACHED on the way, for some nanoseconds: no fault of a
 * borrower's. A page that is longer is on a list.
 */
#define LASTING_TRIES	64

/* The tag of @pfn, not of a page that is about to leave. */
static lab_tag_t find_lasting(unsigned long pfn)
{
	unsigned int tries = LASTING_TRIES;
	lab_tag_t tag = find_tagged(pfn);

	while (unlikely(lab_tag_state(tag) == LAB_CACHED) && --tries) {
		cpu_relax();
		tag = find_tagged(pfn);
	}
	return tag;
}

/* Does not sleep, as lab_table_for_each() would. */
static lab_tag_t walk_table(unsigned long pfn, unsigned long nr, bool lent_too)
{
	u64 i, span = lab_table_span(&labyrinth_hot.table);

	for (i = 0; i < span; i++) {
		lab_tag_t tag = READ_ONCE(labyrinth_hot.table.slots[i].tag);

		if (!refusable(tag, lent_too) || lab_tag_pfn(tag) - pfn >= nr)
			continue;
		tag = find_lasting(lab_tag_pfn(tag));
		if (refusable(tag, lent_too))
			return tag;
	}
	return 0;
}

/*
 * The first refusable tag among @nr pages; also of pages that are lent, if @lent_too.
 * Context: Any. Return: the tag or 0.
 */
lab_tag_t lab_guard_find_among(unsigned long pfn, unsigned long nr, bool lent_too)
{
	unsigned long i;

	if (nr > lab_table_span(&labyrinth_hot.table) / WALK_RATIO)
		return walk_table(pfn, nr, lent_too);
	for (i = 0; i < nr; i++) {
		lab_tag_t tag = find_lasting(pfn + i);

		if (refusable(tag, lent_too))
			return tag;
	}
	return 0;
}

/* Whether the page is in limbo since its owner went while borrowers had the page. */
static bool is_left_to_borrowers(unsigned long pfn)
{
	lab_tag_t tag;
	struct lab_slot *slot = lab_table_search(&labyrinth_hot.table, pfn, &tag);
	struct lab_glance glance;

	if (!slot || lab_tag_state(tag) != LAB_LIMBO)
		return false;
	glance = lab_slot_glance(slot);
	/* The page's owner may be an heir by now. */
	return lab_tag_pfn(glance.tag) == pfn && lab_tag_state(glance.tag) == LAB_LIMBO &&
	       glance.when & LAB_LIMBO_LENT;
}

/*
 * The tag of @pfn, for a call that gives references back, or 0 if a borrower may do so.
 * Context: Any.
 */
lab_tag_t lab_guard_find_given(unsigned long pfn)
{
	lab_tag_t tag = lab_guard_find_among(pfn, 1, false);

	return unlikely(tag) && is_left_to_borrowers(pfn) ? 0 : tag;
}

/* As lab_guard_find_among(), of the pages that @size bytes from @start on are in. */
lab_tag_t lab_guard_find_bytes(phys_addr_t start, size_t size)
{
	return lab_guard_find_among(PHYS_PFN(start), PFN_UP(offset_in_page(start) + size),
				    false);
}

/*
 * The first tag, in any state, among @nr pages that are to be freed as a block: a LENT page,
 * too, must not be given back as a part of a block. The core would not survive a frame that
 * does not exist.
 * Context: Any. Return: the tag or 0.
 */
lab_tag_t lab_guard_find_tagged(unsigned long pfn, unsigned long nr)
{
	lab_tag_t tag = 0;
	unsigned long i;

	for (i = 0; i < nr && !tag && pfn_valid(pfn + i); i++)
		tag = find_tagged(pfn + i);
	return tag;
}

/* The first tag in the block that @order, or the compound page's order, says. */
lab_tag_t lab_guard_find_block(struct page *page, unsigned int order)
{
	unsigned int order_of_page = compound_order(page);

	order = min_t(unsigned int, max(order, order_of_page), MAX_BLOCK_ORDER);
	return lab_guard_find_tagged(page_to_pfn(page), 1UL << order);
}
