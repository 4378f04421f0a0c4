// SPDX-License-Identifier: GPL-2.0-only
/*
 * Labyrinth's pages, if labyrinth.ko is loaded: this module does not need labyrinth.ko, and
 * asks by labyrinth_query(). Labyrinth keeps many references on each of its pages. Together
 * these count as a single reference, of a single holder; the rest remains to be explained.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "labyrinth_alloc.h"
#include "watch/owner.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/search.h"
#include "watch/searchers.h"

/* A page that other code may have. */
static bool is_out(const struct labyrinth_page_info *info)
{
	return info->state == LABYRINTH_PAGE_LENT || info->state == LABYRINTH_PAGE_LIMBO;
}

static int aim(struct watch_search *search, const char *name,
	       int (*query)(const void *addr, struct labyrinth_page_info *info))
{
	struct labyrinth_page_info info;
	unsigned long pfn;
	int err = -ENOENT;

	for (pfn = 1; pfn < watch_end_pfn && (!err || err == -ENOENT); pfn++) {
		if (!(pfn % 256) && watch_pause(search))
			return 0;
		if (pfn_to_online_page(pfn) && !query(pfn_to_kaddr(pfn), &info) &&
		    !strcmp(info.owner, name))
			err = is_out(&info) ? watch_search_add(search, pfn) : 0;
	}
	return err == -ENOSPC ? 0 : err;
}

/**
 * watch_owner_aim() - ask about the pages of an owner that are lent or in limbo
 * @search: the search.
 * @name: the owner's name.
 *
 * Context: Task; may sleep. Return: 0; -ENODEV: labyrinth.ko is not loaded; -ENOENT: no
 * page is an owner's of that name.
 */
int watch_owner_aim(struct watch_search *search, const char *name)
{
	int (*query)(const void *addr, struct labyrinth_page_info *info) =
		symbol_get(labyrinth_query);
	int err;

	if (!query)
		return -ENODEV;
	err = aim(search, name, query);
	symbol_put(labyrinth_query);
	return err;
}

/* Count Labyrinth's own references as 1. */
static void hold_by_owner(struct watch_search *search, struct watch_target *target,
			  const struct labyrinth_page_info *info)
{
	target->refs -= min_t(long, target->refs, LAB_REFS_EXCLUSIVE) - 1;
	watch_hold(search, target->pfn, WATCH_REFERENCE, NULL,
		   "Labyrinth, for owner %s of module %s", info->owner, info->module);
}

void watch_find_in_labyrinth(struct watch_search *search)
{
	int (*query)(const void *addr, struct labyrinth_page_info *info) =
		symbol_get(labyrinth_query);
	struct labyrinth_page_info info;
	unsigned int i;

	for (i = 0; query && i < search->nr_targets; i++)
		if (!query(pfn_to_kaddr(search->targets[i].pfn), &info))
			hold_by_owner(search, &search->targets[i], &info);
	if (query)
		symbol_put(labyrinth_query);
}
