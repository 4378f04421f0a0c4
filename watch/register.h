/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The register of the machine's page_pools; see register.c.
 */
#ifndef WATCH_REGISTER_H
#define WATCH_REGISTER_H

#include "watch/pool.h"

#define WATCH_MAX_POOLS	256

/**
 * struct watch_register - all page_pools that a census found
 * @pools: the entries; a pool's number is the index plus 1.
 * @nr: the number of entries in use.
 * @left_out: the number of pools that found no room in the last census.
 * @copy: room for a copy of the pool under examination.
 */
struct watch_register {
	struct watch_pool pools[WATCH_MAX_POOLS];
	unsigned int nr, left_out;
	struct page_pool *copy;
};

extern struct watch_register watch_register;

int watch_register_init(void);
void watch_register_exit(void);
struct watch_pool *
watch_register_enter(struct watch_search *search, const struct page_pool *at);

/* From 1; 0: not in the census. */
int watch_pool_number(const struct page_pool *pool);
long watch_register_cut(const struct page_pool *pool, const struct page *page, long fragments);

#endif /* WATCH_REGISTER_H */
