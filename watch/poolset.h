/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page_pools of watched modules. See watch/poolset.c.
 */
#ifndef WATCH_POOLSET_H
#define WATCH_POOLSET_H

/* watch/stubs.S takes bits 10 to 21 of a pool's address for an index. */
#define WATCH_POOL_MAP		4096

#ifndef __ASSEMBLY__

#include <linux/types.h>

#include "watch/pool.h"

#define WATCH_MAX_FOLLOWED	256	/* with 0, that is none: struct watch_note has 8 bits */

struct watch_followed {
	const struct page_pool *at;	/* NULL: destroyed, or the place is free */
	u8 module;			/* 0: the place is free */
	char name[WATCH_POOL_NAME];
};

extern struct watch_followed watch_followed[WATCH_MAX_FOLLOWED];

/* Which followed pool may have an address with this index; 0: none. Read by watch/stubs.S, too. */
extern u8 watch_pool_map[WATCH_POOL_MAP];

/* Whether no page comes to a pool, or leaves a pool, unseen. */
extern bool watch_pools_seen;

unsigned int watch_followed_index(const struct page_pool *at);
unsigned int watch_follow_pool(const struct page_pool *at, unsigned int module,
			       const char *name);
void watch_lose_pool(unsigned int i, const char *name);
void watch_lose_pools(unsigned int module);
void watch_unfollow(unsigned int module);
bool watch_is_in_pool(const struct page_pool *pool, const struct page *page);

#endif /* __ASSEMBLY__ */

#endif /* WATCH_POOLSET_H */
