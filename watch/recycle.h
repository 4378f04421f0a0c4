/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_RECYCLE_H
#define WATCH_RECYCLE_H

#include <linux/types.h>

struct page;
struct page_pool;
struct watch_note;

void watch_pool_holds(void *data, const struct page_pool *pool, unsigned long ref, u32 count);
void watch_pool_releases(void *data, const struct page_pool *pool, unsigned long ref, u32 count);
void watch_pool_page_freed(struct page *page, struct watch_note *note);

#endif /* WATCH_RECYCLE_H */
