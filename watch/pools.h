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

int watch_pools_init(void);
void watch_pools_exit(void);
void watch_pools_census(struct watch_search *search);
void watch_pools_show(struct seq_file *m);
int watch_pools_aim(struct watch_search *search, unsigned int number);
int watch_pools_aim_stalled(struct watch_search *search);

/* From 1; 0: not in the census. */
int watch_pool_number(const struct page_pool *pool);
long watch_pools_cut(const struct page_pool *pool, const struct page *page, long fragments);

#endif /* WATCH_POOLS_H */
