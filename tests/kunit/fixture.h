/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the suites that call the public API: owners that end with the test, and snapshots
 * of the state that a refused call must not change.
 */
#ifndef LABYRINTH_KUNIT_FIXTURE_H
#define LABYRINTH_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "../../core/owner.h"
#include "../../labyrinth_alloc.h"

#define alloc_exclusive labyrinth_void_alloc_page_gfp_atomic_exclusive

struct labyrinth_owner *make_owner_attrs(struct kunit *test,
					 struct labyrinth_owner_attrs attrs);
struct labyrinth_owner *make_owner(struct kunit *test, const char *name,
				   unsigned long flags);

/* A handle whose owner is gone. */
struct labyrinth_owner *make_stale(struct kunit *test);

/* Allocates a page for @owner; the test fails if there is no page. */
void *make_page(struct kunit *test, struct labyrinth_owner *owner);

/*
 * Whether @page, lent and dropped by the borrower, is handed out again by @owner's queue of lent
 * pages, once the cache is empty. All pages handed out before are freed again.
 */
bool comes_home(struct labyrinth_owner *owner, const void *page);

static inline bool handle_lives(const struct labyrinth_owner *handle)
{
	return lab_owner_is(lab_owner_slot(handle), handle);
}

/* How many tags of each state an owner has. May sleep. */
struct census {
	unsigned int nr[LAB_NR_STATES];
};

struct census count_tags(const struct labyrinth_owner *handle);

/* All that can be seen of a page, but the page's age. */
struct page_view {
	int err;		/* of labyrinth_query() */
	enum labyrinth_page_state state;
	unsigned int owner_id;
	unsigned long site;
	int refs;
	bool offline;		/* carries the page type */
	u32 content;		/* a checksum of all bytes */
};

struct page_view view_page(void *addr);
void expect_same_page(struct kunit *test, const struct page_view *was,
		      const struct page_view *is, const char *what);

/* Bytes that differ from page to page, and from zeroes. */
void fill_page(void *addr, unsigned int seed);

/* Waits until no page is in limbo, for a few seconds at most. */
bool wait_for_limbo(void);

#endif /* LABYRINTH_KUNIT_FIXTURE_H */
