// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values written to each word of struct page. Left out are only writes that would make the
 * core itself fail, whatever a module did against such a write:
 *
 *   PG_hwpoison	such a page stays out of use for good: a promise of its own
 *   PG_lru		compaction walks the frames and unlinks pages with this flag
 *   section	where page_to_pfn() finds the frame's number by the section (SPARSEMEM without
 *		VMEMMAP)
 *   flags == -1	where the kernel asserts that flags are not -1 (DEBUG_VM_PGFLAGS)
 *   PageBuddy, PageGuard	the page allocator merges a neighbour with such a page
 *   LENT, LIMBO:	a borrower may call put_page(), a function of the core:
 *     PageTail		put_page() would follow the pointer to the head
 *     page_type	some kernels' put_page() leaves alone a page with a type
 *     flags == -1, PG_head
 *   all marks together that a page has not been through the allocator: see keeps_flags();
 *     but for CACHED pages that are wrecked
 *   anytime:		the page may be on the way to the allocator, which says "Bad page" of
 *			flags, mapping, page_type, memcg_data, PageTail and a page_pool's mark.
 *			The other words the allocator overwrites.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/poison.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "scribble.h"

#define PAGE_TAIL	1UL
/* The most frames without memory below the highest frame: PCI's, below 4 GiB. */
#define HOLES		(SZ_4G >> PAGE_SHIFT)
#define FLAG_BITS	((1UL << __NR_PAGEFLAGS) - 1)
/* By these bits, where a kernel has any, page_to_pfn() finds the frame's number. */
#ifdef SECTION_IN_PAGE_FLAGS
#define SECTION_BITS	(SECTIONS_MASK << SECTIONS_PGSHIFT)
#else
#define SECTION_BITS	0UL
#endif
/* Never changed. */
#ifdef CONFIG_MEMORY_FAILURE
#define FLAGS_KEPT	(BIT(PG_hwpoison) | BIT(PG_lru) | SECTION_BITS)
#else
#define FLAGS_KEPT	(BIT(PG_lru) | SECTION_BITS)
#endif

static const char * const word_names[] = {
	[SCRIB_FLAGS] = "flags",
	[SCRIB_LRU_NEXT] = "lru.next",
	[SCRIB_LRU_PREV] = "lru.prev",
	[SCRIB_MAPPING] = "mapping",
	[SCRIB_INDEX] = "index",
	[SCRIB_PRIVATE] = "private",
	[SCRIB_TYPE] = "page_type",
	[SCRIB_MEMCG] = "memcg_data",
};

static_assert(ARRAY_SIZE(word_names) == SCRIB_NR_WORDS);
static_assert(offsetof(struct page, lru.next) == SCRIB_LRU_NEXT * sizeof(long));
static_assert(offsetof(struct page, lru.prev) == SCRIB_LRU_PREV * sizeof(long));
static_assert(offsetof(struct page, mapping) == SCRIB_MAPPING * sizeof(long));
static_assert(offsetof(struct page, private) == SCRIB_PRIVATE * sizeof(long));
static_assert(offsetof(struct page, page_type) == SCRIB_TYPE * sizeof(long));
#ifdef CONFIG_MEMCG
static_assert(offsetof(struct page, memcg_data) == SCRIB_MEMCG * sizeof(long));
#define NR_WORDS	SCRIB_NR_WORDS
#else
#define NR_WORDS	SCRIB_MEMCG
#endif

/* A record of the foreigner's own, for pointers to lead to. */
static LIST_HEAD(own_list);
/* The zone and node of each page, in the bits above the flags, as at the start. */
static unsigned long *homes;
static unsigned long nr_homes;

static unsigned long home_of(const struct page *page)
{
	return READ_ONCE(*(unsigned long *)page) & ~FLAG_BITS;
}

/* Whether the page still has the right zone and node, and is no head. Context: Any. */
bool scrib_is_home(const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	return pfn < nr_homes && home_of(page) == homes[pfn] &&
	       !test_bit(PG_head, (unsigned long *)page);
}

/* The number after the highest frame's; the kernel does not export where memory lies. */
unsigned long scrib_end_pfn(void)
{
	unsigned long pfn = get_num_physpages() + HOLES;

	while (pfn && !pfn_valid(pfn - 1))
		pfn--;
	return pfn;
}

/* Before any page is Labyrinth's. Context: Task; may sleep. Return: 0, -ENOMEM. */
int scrib_words_begin(void)
{
	unsigned long pfn;

	nr_homes = scrib_end_pfn();
	homes = vcalloc(nr_homes, sizeof(*homes));
	if (!homes)
		return -ENOMEM;
	for (pfn = 0; pfn < nr_homes; pfn++)
		if (pfn_valid(pfn))
			homes[pfn] = home_of(pfn_to_page(pfn));
	return 0;
}

void scrib_words_end(void)
{
	vfree(homes);
}

static unsigned long any_page(struct scrib_op *op)
{
	return (unsigned long)(op->page + 1 + scrib_roll(op, 64));
}

/* An address of the vmalloc area where nothing is: the page that guards the end of homes. */
static unsigned long any_hole(struct scrib_op *op)
{
	return (unsigned long)homes + PAGE_ALIGN(nr_homes * sizeof(*homes)) +
	       scrib_roll(op, PAGE_SIZE / sizeof(long)) * sizeof(long);
}

static unsigned long any_number(struct scrib_op *op)
{
	return (unsigned long)scrib_roll(op, U32_MAX) << 32 |
	       scrib_roll(op, U32_MAX);
}

/* Values found in words that other code has written, and values that lead astray. */
static unsigned long any_value(struct scrib_op *op)
{
	switch (scrib_roll(op, 17)) {
	case 0:
		return 0;
	case 1:
		return -1UL;
	case 2:
		return 1 + scrib_roll(op, 2);
	case 3:
		return scrib_roll(op, 4096);
	case 4:
		return (unsigned long)LIST_POISON1;
	case 5:
		return (unsigned long)LIST_POISON2;
	case 6:
		return (unsigned long)&_printk;
	case 7:
		return (unsigned long)&op;
	case 8:
		return any_page(op);
	case 9:
		return any_page(op) | PAGE_TAIL;
	case 10:
		return any_page(op) | 2;
	case 11:
		return PP_SIGNATURE | scrib_roll(op, 4);
	case 12:
		return (unsigned long)page_address(op->page) ^
		       scrib_roll(op, 8) << PAGE_SHIFT;
	case 13:
		return (unsigned long)&own_list;
	case 14:
		return any_hole(op);
	case 15:
		return ~any_number(op) & LONG_MAX;
	default:
		return any_number(op);
	}
}

bool scrib_is_lent(const struct scrib_op *op)
{
	return op->state == LABYRINTH_PAGE_LENT ||
	       op->state == LABYRINTH_PAGE_LIMBO;
}

/*
 * Three marks say that a page has not been through the allocator: the flags; lru.prev; the type
 * and the references. At least 1 mark must be left. Pages with an even pfn keep the flags.
 * Pages with an odd pfn keep the type, and keep lru.prev where the page has no type, or may
 * lose the type any moment.
 */
static bool keeps_flags(const struct scrib_op *op)
{
	return !(op->pfn % 2);
}

bool scrib_may_unseal(const struct scrib_op *op)
{
	return keeps_flags(op) || !(scrib_is_lent(op) || op->anytime);
}

static bool may_be_type(u32 value)
{
	struct page page = { .page_type = value };

	return !PageBuddy(&page) && !PageGuard(&page);
}

/* Half of the times a single bit is changed, as by SetPageXxx() and ClearPageXxx(). */
static unsigned long any_flags(struct scrib_op *op)
{
	unsigned long new = any_value(op), kept = FLAGS_KEPT;

	if (scrib_roll(op, 2))
		new = op->old ^ BIT(scrib_roll(op, __NR_PAGEFLAGS));
	if (scrib_is_lent(op))
		kept |= BIT(PG_head) | ~FLAG_BITS;
	return (new & ~kept) | (op->old & kept);
}

static bool may_be_flags(const struct scrib_op *op)
{
	if (op->new == -1UL && IS_ENABLED(CONFIG_DEBUG_VM_PGFLAGS))
		return false;
	return !keeps_flags(op);
}

static bool may_be(const struct scrib_op *op, enum scrib_word word)
{
	switch (word) {
	case SCRIB_FLAGS:
		return may_be_flags(op);
	case SCRIB_LRU_NEXT:
		if (op->anytime && (op->new & ~3UL) == PP_SIGNATURE)
			return false;
		return !(op->new & PAGE_TAIL) || !(scrib_is_lent(op) || op->anytime);
	case SCRIB_LRU_PREV:
		return scrib_may_unseal(op);
	case SCRIB_TYPE:
		return !scrib_is_lent(op) && may_be_type(op->new) && keeps_flags(op);
	default:
		return true;
	}
}

static enum scrib_word any_word(struct scrib_op *op)
{
	static const enum scrib_word harmless[] = {
		SCRIB_LRU_NEXT, SCRIB_LRU_PREV, SCRIB_INDEX, SCRIB_PRIVATE,
	};

	if (op->anytime)
		return harmless[scrib_roll(op, ARRAY_SIZE(harmless))];
	return scrib_roll(op, NR_WORDS);
}

static void store(struct scrib_op *op, enum scrib_word word)
{
	unsigned long *at = scrib_word(op->page, word);

	if (word == SCRIB_TYPE)
		WRITE_ONCE(*(u32 *)at, op->new);
	else
		WRITE_ONCE(*at, op->new);
}

/*
 * Writes to a word of @op's page.
 * Context: Any; the page does not go to the page allocator meanwhile.
 * Return: whether the write was done.
 */
bool scrib_write(struct scrib_op *op)
{
	enum scrib_word word = any_word(op);

	op->what = word_names[word];
	op->old = READ_ONCE(*scrib_word(op->page, word));
	if (word == SCRIB_TYPE)
		op->old = (u32)op->old;
	op->new = word == SCRIB_FLAGS ? any_flags(op) : any_value(op);
	if (word == SCRIB_TYPE)
		op->new = (u32)op->new;
	if (!scrib_is_wanted(word) || !may_be(op, word))
		return false;
	store(op, word);
	return true;
}

static u32 any_type(struct scrib_op *op)
{
	u32 type = any_number(op);

	return may_be_type(type) ? type : 0;
}

/*
 * Leaves no mark in a CACHED page's words that the page is Labyrinth's. A new user, given the
 * page by the page allocator, might have written the same words, so from now on Labyrinth must
 * hand the page to nobody.
 * Context: stop_machine().
 * Return: true.
 */
bool scrib_wreck(struct scrib_op *op)
{
	unsigned long kept = FLAGS_KEPT | ~FLAG_BITS, flags = any_number(op) & ~kept;

	op->what = "wreck";
	op->old = READ_ONCE(*scrib_word(op->page, SCRIB_FLAGS));
	op->new = flags | (op->old & kept);
	store(op, SCRIB_FLAGS);
	WRITE_ONCE(*scrib_word(op->page, SCRIB_LRU_PREV), any_value(op));
	WRITE_ONCE(*(u32 *)scrib_word(op->page, SCRIB_TYPE), any_type(op));
	return true;
}
