// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page_pool that is given foreign pages: as by a driver with a ring that still has pages
 * freed before. The pool's books must be right in the end, so for each foreign page that comes,
 * a page of the pool goes without the pool's counting.
 */
#include <linux/err.h>
#include <linux/mm.h>

#include "scribble.h"

#include LAB_PAGE_POOL_H

static struct page_pool *pool;
/*
 * The page of the pool that scrib_pool_put() replaces next, still in the pool's books; or NULL.
 * The thread changes the pointer between two stops.
 */
static struct page *booked;
/* The page of the pool that a foreign page replaced: an ordinary page now. */
static struct page *unbooked;

/* Context: Task; may sleep. Return: 0, or as page_pool_create(). */
int scrib_pool_begin(void)
{
	const struct page_pool_params params = {
		.pool_size = 16, .nid = NUMA_NO_NODE,
	};

	pool = page_pool_create(&params);
	return PTR_ERR_OR_ZERO(pool);
}

static void strip(struct page *page)
{
	page->pp_magic = 0;
	page->pp = NULL;
}

/*
 * Before stop_machine(): allocates a page of the pool for a foreign page to replace.
 * Context: Task; may sleep.
 */
void scrib_pool_prepare(void)
{
	if (unbooked)
		__free_page(unbooked);
	unbooked = NULL;
	if (!booked)
		booked = page_pool_alloc_pages(pool, GFP_KERNEL | __GFP_NOWARN);
}

void scrib_pool_end(void)
{
	scrib_pool_prepare();
	if (booked)
		page_pool_put_full_page(pool, booked, false);
	page_pool_destroy(pool);
}

/* Puts @op's page into the pool, marked as the pool marks pages. Context: stop_machine(). */
bool scrib_pool_put(struct scrib_op *op)
{
	struct page *page = op->page;

	if (!booked)
		return false;
	/* All words that the pool looks at, the pool's count of parts included. */
	*scrib_word(page, SCRIB_INDEX) = *scrib_word(booked, SCRIB_INDEX);
	*scrib_word(page, SCRIB_MAPPING) = *scrib_word(booked, SCRIB_MAPPING);
	*scrib_word(page, SCRIB_PRIVATE) = *scrib_word(booked, SCRIB_PRIVATE);
	page->pp_magic = booked->pp_magic;
	page->pp = pool;
	page_pool_put_full_page(pool, page, false);
	strip(booked);
	unbooked = booked;
	booked = NULL;
	return true;
}
