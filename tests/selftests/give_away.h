/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frees a page of Labyrinth's behind Labyrinth's back, until the page allocator has the page.
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
	/* The page allocator would refuse a page with a type. */
	if (PageOffline(page))
		__ClearPageOffline(page);
	__free_page(page);
}

/*
 * Adopts a page for @owner that the page allocator, if given the page now, hands out to the next
 * caller: a trial just showed that. Some pages are put aside, for requests of another kind.
 * Return: the page's address; -EAGAIN where no page passed the trial; or labyrinth_adopt()'s
 * errno.
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
 * Gives @addr's page away. Then @finder allocates until the page is Labyrinth's again: other code
 * may have given more pages to the page allocator meanwhile.
 * Return: whether the page is Labyrinth's again.
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
