/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's page_pools, as found by a census.
 */
#ifndef WATCH_POOLS_H
#define WATCH_POOLS_H

#include <linux/types.h>

struct page;
struct page_pool;
struct seq_file;
struct watch_search;

#define WATCH_POOL_NAME	48

struct watch_pool {
	const struct page_pool *at;
	char device[WATCH_POOL_NAME];	/* as long as it was there */
	char driver[WATCH_POOL_NAME];
	bool there;			/* in the last census */
	bool destroyed;
	unsigned int stalled_s;		/* seconds since its end, if it is destroyed */
	u32 held, released;		/* its own counts, of pages taken and given back */
	unsigned int pages, cached, in_ring;	/* as counted */
};

int watch_pools_init(void);
void watch_pools_exit(void);
void watch_pools_census(struct watch_search *search);
void watch_pools_show(struct seq_file *m);
int watch_pools_aim(struct watch_search *search, unsigned int number);
int watch_pools_aim_stalled(struct watch_search *search);

/* From 1; 0: not in the census. */
int watch_pool_number(const struct page_pool *pool);
long watch_pool_cut(const struct page_pool *pool, const struct page *page, long fragments);

#endif /* WATCH_POOLS_H */
