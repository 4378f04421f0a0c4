// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page_pools that a driver made before the driver was watched: found by the pages, told by
 * the name of the device's driver. No state.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "watch/adopt.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/pool.h"
#include "watch/poolset.h"

#define NR_OTHERS	32

/* Pools that are another driver's need not be read once for each page. */
struct scan {
	struct page_pool *copy;
	const struct page_pool *others[NR_OTHERS];
	unsigned int nr;
};

static bool is_other(const struct scan *scan, const struct page_pool *at)
{
	unsigned int i;

	for (i = 0; i < NR_OTHERS; i++)
		if (scan->others[i] == at)
			return true;
	return false;
}

static void look_at_pool(struct scan *scan, const struct page_pool *at, unsigned int module)
{
	struct watch_pool pool = { .at = at };

	scan->others[scan->nr++ % NR_OTHERS] = at;
	if (!watch_pool_read(at, scan->copy) || !refcount_read(&scan->copy->user_cnt))
		return;
	watch_pool_name(&pool, scan->copy);
	strreplace(pool.driver, '-', '_');
	if (!strcmp(pool.driver, watch_modules[module].name))
		watch_follow_pool(at, module, pool.device);
}

/* Context: Task; may sleep. */
void watch_adopt_pools(unsigned int module)
{
	struct scan scan = { .copy = kmalloc(sizeof(*scan.copy), GFP_KERNEL) };
	const struct page_pool *at;
	unsigned long pfn;
	struct page *page;

	for (pfn = 1; scan.copy && pfn < watch_nr_notes; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		page = pfn_to_online_page(pfn);
		at = page ? watch_pool_of(page) : NULL;
		if (at && !is_other(&scan, at) && !watch_followed_index(at))
			look_at_pool(&scan, at, module);
	}
	kfree(scan.copy);
}
