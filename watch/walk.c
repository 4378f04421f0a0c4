// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/walk.h"

/* Whether @table, the address in an entry, is in online memory: else there is no table. */
static bool table_there(const void *table)
{
	return watch_page_at(table);
}

static void walk_ptes(struct watch_walk *walk, pmd_t pmd, unsigned long addr, unsigned long end)
{
	const pte_t *table = pte_offset_kernel(&pmd, addr & PMD_MASK);
	unsigned int i;

	if (watch_pause(walk->search) || !table_there(table) ||
	    !watch_peek(walk->ptes, table, sizeof(walk->ptes)))
		return;
	for (i = pte_index(addr); i < PTRS_PER_PTE && addr < end; i++, addr += PAGE_SIZE)
		if (pte_present(walk->ptes[i]))
			walk->leaf(walk, addr, pte_pfn(walk->ptes[i]), 1,
				   pte_flags(walk->ptes[i]));
}

static void walk_pmds(struct watch_walk *walk, pud_t pud, unsigned long addr, unsigned long end)
{
	unsigned long next;
	pmd_t *entry, pmd;

	for (; addr < end; addr = next) {
		next = pmd_addr_end(addr, end);
		entry = pmd_offset(&pud, addr);
		if (!table_there(entry) || !WATCH_PEEK(pmd, entry) || !pmd_present(pmd))
			continue;
		if (pmd_leaf(pmd))
			walk->leaf(walk, addr & PMD_MASK, pmd_pfn(pmd), PTRS_PER_PTE,
				   pmd_flags(pmd));
		else
			walk_ptes(walk, pmd, addr, next);
	}
}

static void walk_puds(struct watch_walk *walk, p4d_t p4d, unsigned long addr, unsigned long end)
{
	unsigned long next;
	pud_t *entry, pud;

	for (; addr < end; addr = next) {
		next = pud_addr_end(addr, end);
		entry = pud_offset(&p4d, addr);
		if (!table_there(entry) || !WATCH_PEEK(pud, entry) || !pud_present(pud))
			continue;
		if (pud_leaf(pud))
			walk->leaf(walk, addr & PUD_MASK, pud_pfn(pud),
				   PTRS_PER_PMD * PTRS_PER_PTE, pud_flags(pud));
		else
			walk_pmds(walk, pud, addr, next);
	}
}

/* With four levels, p4d_offset() returns @pgd's own address, so the copy is read. */
static void walk_p4ds(struct watch_walk *walk, pgd_t pgd, unsigned long addr, unsigned long end)
{
	unsigned long next;
	p4d_t p4d;

	for (; addr < end; addr = next) {
		next = p4d_addr_end(addr, end);
		if (WATCH_PEEK(p4d, p4d_offset(&pgd, addr)) && p4d_present(p4d))
			walk_puds(walk, p4d, addr, next);
	}
}

/**
 * watch_walk() - look at each entry of a page table that maps something
 * @walk: the search, and the function to call.
 * @pgd: the table's top.
 * @addr: the first address.
 * @end: the first address that is not looked at.
 *
 * Context: Task; may sleep.
 */
void watch_walk(struct watch_walk *walk, pgd_t *pgd, unsigned long addr, unsigned long end)
{
	unsigned long next;
	pgd_t copy;

	for (; addr < end && !watch_pause(walk->search); addr = next) {
		next = pgd_addr_end(addr, end);
		if (WATCH_PEEK(copy, pgd_offset_pgd(pgd, addr)) && pgd_present(copy))
			walk_p4ds(walk, copy, addr, next);
	}
}
