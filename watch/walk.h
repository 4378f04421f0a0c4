/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks over page tables, a process's or the kernel's, without a lock. Entries are read as
 * copies that survive a fault, so the kernel may free a table meanwhile.
 */
#ifndef WATCH_WALK_H
#define WATCH_WALK_H

#include <linux/mm.h>
#include <linux/pgtable.h>

struct watch_search;

struct watch_walk {
	struct watch_search *search;
	/* Called for each entry that maps @nr pages from @pfn on at @addr. */
	void (*leaf)(struct watch_walk *walk, unsigned long addr, unsigned long pfn,
		     unsigned long nr, pteval_t flags);
	pte_t ptes[PTRS_PER_PTE];
};

void watch_walk(struct watch_walk *walk, pgd_t *pgd, unsigned long addr, unsigned long end);

#endif /* WATCH_WALK_H */
