// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a search runs: the table of searchers, called in turn. The state owned here is the
 * name of the stage, for the readers of holders.
 */
#include <linux/kernel.h>
#include <linux/sort.h>

#include "watch/search.h"
#include "watch/searchers.h"

const char *watch_stage = "idle";

/*
 * In this order: searchers that can name a holder come first, and account for the words
 * explained. The last searcher sees only words, and skips all accounted words.
 */
static const struct {
	const char *name;
	void (*find)(struct watch_search *search);
} searchers[] = {
	{ "Labyrinth", watch_find_in_labyrinth },
	{ "page cache", watch_find_in_page_cache },
	{ "page pools", watch_find_in_pools },
	{ "skbs", watch_find_in_skbs },
	{ "pipes", watch_find_in_pipes },
	{ "page tables", watch_find_in_page_tables },
	{ "kernel memory", watch_find_in_memory },
};

static int by_pfn(const void *a, const void *b)
{
	const struct watch_target *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/* Context: Task. Ends early if a signal comes: @search->stopped. */
void watch_search_run(struct watch_search *search)
{
	unsigned int i;

	sort(search->targets, search->nr_targets, sizeof(*search->targets), by_pfn, NULL);
	for (i = 0; i < ARRAY_SIZE(searchers) && !search->stopped; i++) {
		WRITE_ONCE(watch_stage, searchers[i].name);
		searchers[i].find(search);
	}
	WRITE_ONCE(watch_stage, "idle");
}
