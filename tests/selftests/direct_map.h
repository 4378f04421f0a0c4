/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The direct map looked over: for the self-tests of sealed pages.
 */
#ifndef LABYRINTH_SELFTEST_DIRECT_MAP_H
#define LABYRINTH_SELFTEST_DIRECT_MAP_H

#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pgtable.h>
#include <linux/sched.h>

/* Whether the entry of page @pfn is empty, or not as of ordinary memory's cache mode. */
static inline bool direct_map_is_odd(unsigned long pfn, unsigned long *covered)
{
	unsigned int level;
	pte_t *entry = lookup_address((unsigned long)pfn_to_kaddr(pfn), &level);

	*covered = level == PG_LEVEL_1G ? PTRS_PER_PMD * PTRS_PER_PTE :
		   level == PG_LEVEL_2M ? PTRS_PER_PTE : 1;
	if (!entry || !pte_val(*entry))
		return true;
	return level == PG_LEVEL_4K && pte_flags(*entry) & (_PAGE_PWT | _PAGE_PCD);
}

/* How many entries of the whole direct map are empty or uncached. */
static inline unsigned long direct_map_count_odd(void)
{
	unsigned long pfn, covered, nr = 0;
	int nid;

	for_each_online_node(nid) {
		for (pfn = node_start_pfn(nid); pfn < node_end_pfn(nid);
		     pfn = ALIGN_DOWN(pfn, covered) + covered) {
			covered = 1;
			if (pfn_valid(pfn))
				nr += direct_map_is_odd(pfn, &covered);
			if (!(pfn % PTRS_PER_PTE))
				cond_resched();
		}
	}
	return nr;
}

#endif /* LABYRINTH_SELFTEST_DIRECT_MAP_H */
