// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many frames there are. Written when a search begins; watch_turn admits a single search.
 */
#include <linux/memory_hotplug.h>
#include <linux/mmzone.h>

#include "watch/peek.h"

unsigned long watch_end_pfn;

/* Context: Task. The caller holds watch_turn, or is module init. */
void watch_peek_init(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, (unsigned long)node_end_pfn(nid));
	watch_end_pfn = end;
}

struct page *watch_page_at(const void *addr)
{
	unsigned long direct = (unsigned long)addr;

	return watch_is_direct(direct) ? pfn_to_online_page(watch_direct_pfn(direct)) : NULL;
}
