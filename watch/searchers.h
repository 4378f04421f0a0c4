/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The searchers. A searcher looks in a single kind of place for all targets of a search, and
 * calls watch_hold() for each find. Context: Task; a searcher calls watch_pause() regularly.
 */
#ifndef WATCH_SEARCHERS_H
#define WATCH_SEARCHERS_H

struct watch_search;

void watch_find_in_labyrinth(struct watch_search *search);
void watch_find_in_page_cache(struct watch_search *search);
void watch_find_in_pools(struct watch_search *search);
void watch_find_in_skbs(struct watch_search *search);
void watch_find_in_pipes(struct watch_search *search);
void watch_find_in_page_tables(struct watch_search *search);
void watch_find_in_memory(struct watch_search *search);

#endif /* WATCH_SEARCHERS_H */
