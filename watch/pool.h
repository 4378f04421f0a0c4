/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_POOL_H
#define WATCH_POOL_H

#include <linux/types.h>

#include "labyrinth_compat.h"

#include LAB_PAGE_POOL_H

struct page;
struct watch_search;

#define WATCH_POOL_NAME	48

struct watch_pool {
	const struct page_pool *at;
	char device[WATCH_POOL_NAME];	/* as read while the device was there */
	char driver[WATCH_POOL_NAME];
	bool there;			/* in the last census */
	bool destroyed;
	unsigned int stalled_s;		/* seconds since the pool was destroyed, or 0 */
	u32 held, released;		/* the pool's own counts, of pages taken and given back */
	unsigned int pages, cached, in_ring;	/* as counted */
};

/* @word is the address of the pool's pointer to the page; @where is "cache" or "ring". */
typedef void watch_kept_fn(struct watch_search *search, unsigned long pfn, const void *word,
			   const char *where, void *context);

const struct page_pool *watch_pool_of(struct page *page);
bool watch_pool_read(const struct page_pool *at, struct page_pool *copy);
void watch_pool_each_kept(struct watch_search *search, const struct page_pool *at,
			  const struct page_pool *copy, watch_kept_fn *fn, void *context);
void watch_pool_name(struct watch_pool *pool, const struct page_pool *copy);
long watch_pool_cut(const struct page_pool *copy, const struct page *page, long fragments);

#endif /* WATCH_POOL_H */
