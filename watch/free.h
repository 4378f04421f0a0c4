/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_FREE_H
#define WATCH_FREE_H

struct page;

void watch_free_unmapped(struct page *page);
void watch_free_kept(void);
void watch_free_exit(void);

#endif /* WATCH_FREE_H */
