// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>

#include "labyrinth_compat.h"
#include "watch/frame.h"
#include "watch/peek.h"
#include "watch/pool.h"
#include "watch/register.h"
#include "watch/slab.h"

#include LAB_PAGE_POOL_H

/* A larger count is the huge number that a pool counts in advance, see watch_frame_refs(). */
#define MANY_FRAGMENTS	(LONG_MAX / 4)

/* The block that @page is in: the compound page, or @page alone. */
void watch_frame_block(struct page *page, unsigned long *first, unsigned long *nr)
{
	struct page *head = watch_head(page) ?: page;
	/* The allocator may make or break the block meanwhile: any valid order will do. */
	unsigned int order = data_race(compound_order(head));

	*first = page_to_pfn(head);
	*nr = order <= WATCH_MAX_ORDER ? 1UL << order : 1;
}

/*
 * The references to be explained. All fragments of a pool's page share a single reference;
 * newer kernels count at least 1 fragment, older kernels may count 0. While a pool cuts
 * fragments of a page, the page's count has a huge number of fragments in advance.
 */
long watch_frame_refs(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	const struct page_pool *pool = watch_pool_of(page);
	long refs = page_ref_count(page), fragments;

	if (!pool)
		return refs;
	fragments = watch_frame_fragments(page);
	if (fragments > MANY_FRAGMENTS)
		fragments = watch_register_cut(pool, page, fragments);
	return fragments > 0 ? refs - 1 + fragments : refs;
}

static const char *ordinary(struct page *page)
{
	struct page *head = watch_head(page);

	if (WATCH_IS(PageReserved, page))
		return "reserved at boot, or no memory";
	if (WATCH_IS(PageBuddy, page) || !page_ref_count(page))
		return "free";
	if (WATCH_IS(PageOffline, page))
		return "marked offline: a balloon's, or Labyrinth's";
	if (WATCH_IS(PageTable, page))
		return "a page table";
	if (head && WATCH_IS(PageAnon, head))
		return "a process's anonymous memory";
	return WATCH_LOAD(page->mapping) ? "in the page cache" : "from the page allocator";
}

void watch_frame_describe(unsigned long pfn, char *text, size_t size)
{
	struct page *page = pfn_to_online_page(pfn);
	const struct page_pool *pool = page ? watch_pool_of(page) : NULL;
	struct watch_slab_object object;

	if (!page)
		strscpy(text, "no memory any more", size);
	else if (pool)
		scnprintf(text, size, "page_pool %d's", watch_pool_number(pool));
	else if (watch_slab_find(page_to_virt(page), &object))
		scnprintf(text, size, "a slab of cache %s", object.name);
	else
		strscpy(text, ordinary(page), size);
}
