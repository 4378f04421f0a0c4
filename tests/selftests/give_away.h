/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that are freed, by who has no right to, until the page allocator has them.
 */
#ifndef LABYRINTH_GIVE_AWAY_H
#define LABYRINTH_GIVE_AWAY_H

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/preempt.h>

#include "../../labyrinth_alloc.h"

static inline void give_away(struct page *page)
{
	while (page_ref_count(page) > 1)
		put_page(page);
	/* The type, if it has one, goes too, or the allocator would refuse the page. */
	if (PageOffline(page))
		__ClearPageOffline(page);
	__free_page(page);
}

/*
 * A page of @owner's that the page allocator, if it is given it now, will give to who
 * asks next, as it just did: some are put aside, for who asks for another kind.
 */
static inline void *adopt_returning(struct labyrinth_owner *owner)
{
	struct page *page, *again;
	void *addr = ERR_PTR(-EAGAIN);
	int i;

	migrate_disable();
	for (i = 0; i < 100 && IS_ERR(addr); i++) {
		page = alloc_page(GFP_ATOMIC);
		if (!page)
			break;
		__free_page(page);
		again = alloc_page(GFP_ATOMIC);
		if (again == page)
			addr = labyrinth_adopt(owner, page);
		if (again && IS_ERR(addr))
			__free_page(again);
	}
	migrate_enable();
	return addr;
}

/*
 * @finder asks for pages as soon as @addr's has been given away, until that is
 * Labyrinth's again: others may have given more to the page allocator meanwhile.
 * Return: whether it is.
 */
static inline bool give_away_and_find(void *addr, struct labyrinth_owner *finder)
{
	void **other, *taken = NULL;
	int i;

	migrate_disable();
	give_away(virt_to_page(addr));
	for (i = 0; i < 1000 && page_ref_count(virt_to_page(addr)) <= 1; i++) {
		other = labyrinth_void_alloc_page_gfp_atomic_exclusive(finder);
		if (!other)
			break;
		*other = taken;
		taken = other;
	}
	migrate_enable();
	while ((other = taken)) {
		taken = *other;
		labyrinth_free_page(finder, other);
	}
	return page_ref_count(virt_to_page(addr)) > 1;
}

#endif /* LABYRINTH_GIVE_AWAY_H */
