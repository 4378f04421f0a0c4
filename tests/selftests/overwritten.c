// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table: word of struct page x state of the page x kind of owner x value written x next call.
 * Each call must do the same as with an untouched page. Load this module for a test only. In
 * /sys/module/labyrinth_overwritten/parameters/:
 *
 *	rows	read: lists the rows of the table: WORD STATE OWNER
 *	row	written: plays a row, every call with every value. -EUCLEAN: a call did not do
 *		as it should; dmesg has the difference
 *	hold	written: brings pages into the row's state, a page for each value, and
 *		overwrites the word
 *	drop	ends the hold, and checks that all is as it should be
 *
 * A row's calls are played twice: with untouched pages, and with pages that each have a different
 * value in the word. The call's result, and the page's state after the call, must be the same.
 *
 * A page that is handed out, or freed, may keep the value: no code follows the words while the
 * owner has the page. The words must be right after each call that lets other code follow the
 * words (lend, release, release_lent) or that checks the words (reclaim, transfer).
 *
 * Not written: PG_hwpoison, which keeps a page out of use for good; PG_lru, since compaction would
 * unlink the page; flags == -1 where the kernel asserts that flags differ from -1; types that the
 * page allocator looks for in a freed page's neighbours; of a lent page, the number in the type's
 * place that says that the borrower has mapped the page. A borrower's reference is dropped by the
 * count alone: put_page() would follow PageTail, in the core.
 */
#define pr_fmt(fmt) "labyrinth_overwritten: " fmt

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/page_ref.h>
#include <linux/platform_device.h>
#include <linux/poison.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "../../labyrinth_alloc.h"

#define MOST_VALUES	40U
#define REFS_EXCLUSIVE	32
#define MOST_MAPPED	2U	/* by set_up(), and by a call */

enum word { FLAGS, LRU_NEXT, LRU_PREV, MAPPING, INDEX, PRIVATE, TYPE, MEMCG, ALL_WORDS };

#ifdef CONFIG_MEMCG
#define NR_WORDS	ALL_WORDS
static_assert(offsetof(struct page, memcg_data) == MEMCG * sizeof(long));
#else
#define NR_WORDS	MEMCG
#endif
static_assert(offsetof(struct page, page_type) == TYPE * sizeof(long));
static_assert(offsetof(struct page, private) == PRIVATE * sizeof(long));

static const char * const word_names[] = {
	[FLAGS] = "flags",
	[LRU_NEXT] = "lru.next",
	[LRU_PREV] = "lru.prev",
	[MAPPING] = "mapping",
	[INDEX] = "index",
	[PRIVATE] = "private",
	[TYPE] = "page_type",
	[MEMCG] = "memcg_data",
};

static_assert(ARRAY_SIZE(word_names) == ALL_WORDS);

enum state { CACHED, HELD, LENT, MAPPED, VMAPPED, LIMBO, NR_STATES };

static const char * const state_names[] = {
	[CACHED] = "CACHED",
	[HELD] = "HELD",
	[LENT] = "LENT",
	[MAPPED] = "MAPPED",
	[VMAPPED] = "VMAPPED",
	[LIMBO] = "LIMBO",
};

static_assert(ARRAY_SIZE(state_names) == NR_STATES);

enum kind { SINGLE, ANY, NR_KINDS };

static const char * const kind_names[] = {
	[SINGLE] = "single",
	[ANY] = "any-context",
};

static_assert(ARRAY_SIZE(kind_names) == NR_KINDS);

struct row {
	enum word word;
	enum state state;
	enum kind kind;
};

/**
 * struct subject - a page that a row is about
 * @addr: the page's address.
 * @page: the page's struct page.
 * @dma: the page's mappings for the device; the DMA API may bounce each elsewhere.
 * @vaddr: the page's mapping in the kernel, or NULL.
 * @owner: the owner that may give the page back; NULL: the page is not handed out.
 * @loans: references that were lent.
 * @mapped: number of mappings for the device.
 * @lent: the page has to be reclaimed.
 * @ordinary: the page is out of Labyrinth.
 */
struct subject {
	void *addr;
	struct page *page;
	dma_addr_t dma[MOST_MAPPED];
	void *vaddr;
	struct labyrinth_owner *owner;
	unsigned int loans;
	unsigned int mapped;
	bool lent;
	bool ordinary;
};

/* A call's result, and the page's state after the call. */
struct outcome {
	int err;
	int state;
	int refs;
	bool wrong_words;
};

static bool dry;
module_param(dry, bool, 0444);
MODULE_PARM_DESC(dry, "Nothing is written: whether the table itself is right (default 0)");

static unsigned int left;
module_param(left, uint, 0444);
MODULE_PARM_DESC(left, "Pages whose owner went while a device had them mapped: they stay in limbo for good");

static struct platform_device *device;
static struct labyrinth_owner *owner, *other;
static struct subject subjects[MOST_VALUES];
static unsigned long values[MOST_VALUES];
static unsigned int nr_values;
static struct outcome untouched[MOST_VALUES], touched[MOST_VALUES];
static struct row held_row;
static bool holding;
static unsigned int failures;

static void fail(const struct row *row, const char *call, unsigned int i,
		 const char *what, int got, int wanted)
{
	failures++;
	pr_err("%s %s %s: 0x%lx written, then %s: %s %d, not %d\n",
	       word_names[row->word], state_names[row->state],
	       kind_names[row->kind], values[i], call, what, got, wanted);
}

static void make_owner(enum kind kind)
{
	const struct labyrinth_owner_attrs attrs = {
		.name = "overwritten", .dev = &device->dev, .nid = NUMA_NO_NODE,
		.flags = kind == SINGLE ? LABYRINTH_OWNER_SINGLE : 0,
	};

	owner = labyrinth_owner_create(&attrs);
}

/* The values written. */

static bool may_be_type(u32 value)
{
	struct page page = { .page_type = value };

	return !PageBuddy(&page) && !PageGuard(&page);
}

static bool may_be(const struct row *row, unsigned long value)
{
	if (row->word == TYPE)
		return may_be_type(value) && ((u32)value || row->state != LENT);
	return row->word != FLAGS || value != -1UL ||
	       !IS_ENABLED(CONFIG_DEBUG_VM_PGFLAGS);
}

static void add_value(const struct row *row, unsigned long value)
{
	if (may_be(row, value) && nr_values < MOST_VALUES)
		values[nr_values++] = value;
}

static void list_values(const struct row *row)
{
	unsigned long page = (unsigned long)virt_to_page(&device->dev);
	const unsigned long chosen[] = {
		0, -1UL, 1, 2, 3, 7, PAGE_SIZE, LONG_MIN, INT_MAX,
		(unsigned long)LIST_POISON1, (unsigned long)LIST_POISON2,
		(unsigned long)&_printk, (unsigned long)&chosen, (unsigned long)values,
		(unsigned long)device,
		page, page | 1, page | 2, PP_SIGNATURE, PP_SIGNATURE | 1,
		0x5a5a5a5a5a5a5a5aUL,
	};
	unsigned int i;

	nr_values = 0;
	for (i = 0; i < ARRAY_SIZE(chosen); i++)
		add_value(row, chosen[i]);
	if (row->word != FLAGS)
		return;
	/* Each small number flips a single flag: see write_flags(). */
	for (i = 0; i < __NR_PAGEFLAGS; i++)
		add_value(row, i);
}

#define ALL_FLAGS	(BIT(__NR_PAGEFLAGS) - 1)
#ifdef CONFIG_MEMORY_FAILURE
#define FLAGS_KEPT	(BIT(PG_hwpoison) | BIT(PG_lru))
#else
#define FLAGS_KEPT	BIT(PG_lru)
#endif

/*
 * A small number is the number of a flag to flip. A value without any flag is another zone and
 * node: all flags stay as they were.
 */
static void write_flags(unsigned long *at, unsigned long value)
{
	unsigned long old = READ_ONCE(*at);

	if (value < __NR_PAGEFLAGS)
		value = old ^ BIT(value);
	else if (!(value & ALL_FLAGS))
		value |= old & ALL_FLAGS;
	WRITE_ONCE(*at, (value & ~FLAGS_KEPT) | (old & FLAGS_KEPT));
}

static void overwrite(const struct row *row, struct page *page,
		      unsigned long value)
{
	unsigned long *at = (unsigned long *)page + row->word;

	if (dry)
		return;
	if (row->word == FLAGS)
		write_flags(at, value);
	else if (row->word == TYPE)
		WRITE_ONCE(*(u32 *)at, value);
	else
		WRITE_ONCE(*at, value);
}

/* Into a state, and back. */

static int take(struct subject *s)
{
	*s = (struct subject) {};
	s->addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	if (!s->addr)
		return -ENOMEM;
	s->page = virt_to_page(s->addr);
	s->owner = owner;
	return 0;
}

static int give(struct subject *s)
{
	int err = labyrinth_free_page(s->owner, s->addr);

	if (!err)
		s->owner = NULL;
	return err;
}

static int lend(struct subject *s)
{
	struct page *page = labyrinth_lend(s->owner ?: owner, s->addr);

	if (IS_ERR(page))
		return PTR_ERR(page);
	s->loans++;
	s->lent = true;
	return page == s->page ? 0 : -EUCLEAN;
}

static int end_loan(struct subject *s)
{
	s->loans--;
	return page_ref_dec_and_test(s->page) ? -EUCLEAN : 0;
}

static int map(struct subject *s)
{
	dma_addr_t dma;
	int err = labyrinth_dma_map(s->owner ?: owner, &device->dev, s->addr, 0,
				    PAGE_SIZE, DMA_TO_DEVICE, &dma);

	if (err)
		return err;
	s->dma[s->mapped++] = dma;
	return 0;
}

static int unmap(struct subject *s)
{
	/* The last mapping; of a page that is not mapped, the unused first entry. */
	dma_addr_t dma = s->dma[s->mapped ? s->mapped - 1 : 0];
	int err = labyrinth_dma_unmap(s->owner ?: owner, &device->dev, s->addr,
				      dma, PAGE_SIZE, DMA_TO_DEVICE);

	if (!err)
		s->mapped--;
	return err;
}

static int map_kernel(struct subject *s)
{
	void *vaddr;

	if (s->vaddr)
		return 0;
	vaddr = labyrinth_vmap(s->owner ?: owner, &s->addr, 1);
	if (IS_ERR(vaddr))
		return PTR_ERR(vaddr);
	s->vaddr = vaddr;
	return 0;
}

static int unmap_kernel(struct subject *s)
{
	int err = labyrinth_vunmap(owner, s->vaddr ?: s->addr);

	if (!err)
		s->vaddr = NULL;
	return err;
}

static int bring_into(enum state state, struct subject *s)
{
	switch (state) {
	case CACHED:
		return give(s);
	case LENT:
	case LIMBO:
		return lend(s);
	case MAPPED:
		return map(s);
	case VMAPPED:
		return map_kernel(s);
	default:
		return 0;
	}
}

/* Destroys the owner while the pages are lent: the pages are in limbo. */
static int send_to_limbo(enum kind kind)
{
	unsigned int i, out = labyrinth_owner_destroy(owner);

	for (i = 0; i < nr_values; i++)
		subjects[i].owner = NULL;
	make_owner(kind);
	return IS_ERR(owner) ? PTR_ERR(owner) : out == nr_values ? 0 : -EUCLEAN;
}

static int set_up(const struct row *row)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr_values && !err; i++)
		err = take(&subjects[i]);
	for (i = 0; i < nr_values && !err; i++)
		err = bring_into(row->state, &subjects[i]);
	if (!err && row->state == LIMBO)
		err = send_to_limbo(row->kind);
	if (err)
		fail(row, "set-up", 0, "gave", err, 0);
	return err;
}

/* Ends whatever was done to the page, and gives the page back. */
static int bring_home(struct subject *s)
{
	int err = 0;

	if (s->vaddr)
		err = unmap_kernel(s);
	while (s->mapped && !err)
		err = unmap(s);
	while (s->loans && !err)
		err = end_loan(s);
	if (s->lent && s->owner && !err)
		err = labyrinth_reclaim(s->owner, s->addr);
	if (s->owner && !err)
		err = give(s);
	if (s->ordinary)
		__free_page(s->page);
	return err;
}

/* The next call. */

static int call_alloc(struct subject *s)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	unsigned int i;

	if (!addr)
		return -ENOMEM;
	for (i = 0; i < nr_values; i++)
		if (subjects[i].addr == addr && !subjects[i].owner)
			break;
	/* The result for a cached subject is the subject's index; any other page goes back. */
	if (i == nr_values)
		return labyrinth_free_page(owner, addr) ?: -ENOENT;
	subjects[i].owner = owner;
	return i;
}

static int call_free(struct subject *s)
{
	return s->owner ? give(s) : labyrinth_free_page(owner, s->addr);
}

static int call_free_by_other(struct subject *s)
{
	return labyrinth_free_page(other, s->addr);
}

static int call_reclaim(struct subject *s)
{
	return labyrinth_reclaim(owner, s->addr);
}

static int call_transfer(struct subject *s)
{
	int err = labyrinth_transfer(owner, other, s->addr);

	if (!err)
		s->owner = other;
	return err;
}

static int let_go(struct subject *s, struct page *page)
{
	if (IS_ERR(page))
		return PTR_ERR(page);
	s->owner = NULL;
	s->ordinary = true;
	return page == s->page ? 0 : -EUCLEAN;
}

static int call_release(struct subject *s)
{
	return let_go(s, labyrinth_release(owner, s->addr));
}

static int call_release_lent(struct subject *s)
{
	return let_go(s, labyrinth_release_lent(owner, s->addr));
}

static int call_adopt(struct subject *s)
{
	return PTR_ERR_OR_ZERO(labyrinth_adopt(owner, s->page));
}

static int call_query(struct subject *s)
{
	struct labyrinth_page_info info;
	int err = labyrinth_query(s->addr, &info);

	return err ?: info.state;
}

static int call_owns(struct subject *s)
{
	return labyrinth_owns(owner, s->addr);
}

static int call_put(struct subject *s)
{
	return end_loan(s);
}

static int call_put_and_reclaim(struct subject *s)
{
	return end_loan(s) ?: labyrinth_reclaim(owner, s->addr);
}

#define IF(state)	BIT(state)
#define ALWAYS		(BIT(NR_STATES) - 1)
/* No code has a handle to a limbo page's owner any more. */
#define WITH_OWNER	(ALWAYS & ~IF(LIMBO))

/* How the words of struct page must be after a call that succeeded. */
enum rightness { ANYHOW, OWNED, ORDINARY, LEFT };

static const struct call {
	const char *name;
	int (*fn)(struct subject *s);
	unsigned int states;
	enum rightness held, lent;	/* of a page that was HELD, or LENT */
} calls[] = {
	{ "alloc", call_alloc, IF(CACHED) },
	{ "free", call_free, ALWAYS },
	{ "free by another", call_free_by_other, ALWAYS },
	{ "lend", lend, WITH_OWNER, .held = ORDINARY },
	{ "reclaim", call_reclaim, ALWAYS },
	{ "put_page, reclaim", call_put_and_reclaim, IF(LENT), .lent = OWNED },
	{ "transfer", call_transfer, WITH_OWNER, .held = OWNED },
	{ "release", call_release, WITH_OWNER, .held = ORDINARY },
	{ "release_lent", call_release_lent, WITH_OWNER, .held = ORDINARY, .lent = LEFT },
	{ "adopt", call_adopt, ALWAYS },
	{ "dma_map", map, WITH_OWNER },
	{ "dma_unmap", unmap, IF(HELD) | IF(MAPPED) },
	{ "vmap", map_kernel, WITH_OWNER & ~IF(VMAPPED) },
	{ "vunmap", unmap_kernel, IF(HELD) | IF(VMAPPED) },
	{ "query", call_query, ALWAYS },
	{ "owns", call_owns, ALWAYS },
	{ "put_page", call_put, IF(LENT) | IF(LIMBO) },
};

static bool is_at_home(struct page *page)
{
	int nid = page_to_nid(page);

	return nid >= 0 && nid < MAX_NUMNODES && node_online(nid) &&
	       page_zonenum(page) < MAX_NR_ZONES &&
	       zone_spans_pfn(page_zone(page), page_to_pfn(page));
}

/* Whether the core takes the page for a single page, of the zone and node where the page is. */
static bool has_structure(struct page *page)
{
	const unsigned long *words = (const unsigned long *)page;

	return !(words[LRU_NEXT] & 1) && !test_bit(PG_head, &words[FLAGS]) &&
	       is_at_home(page);
}

#ifdef CONFIG_MEMCG
static unsigned long memcg_of(struct page *page)
{
	return page->memcg_data;
}
#else
static unsigned long memcg_of(struct page *page)
{
	return 0;
}
#endif

/*
 * alloc_page() gives a page without any flag. A borrower's flags may stay when the page is
 * reclaimed, or is left to the borrower, for whom the core may have the page locked then.
 */
static unsigned long wrong_flags(enum rightness rightness)
{
	if (rightness == LEFT)
		return PAGE_FLAGS_CHECK_AT_FREE & ~(BIT(PG_locked) | BIT(PG_mlocked));
	return rightness == ORDINARY ? PAGE_FLAGS_CHECK_AT_PREP & ~BIT(PG_owner_priv_1) :
				       PAGE_FLAGS_CHECK_AT_FREE;
}

/*
 * Whether @words have content that must be gone. In a page left to the borrower, PRIVATE may stay.
 */
static bool is_used(const unsigned long *words, enum rightness rightness)
{
	if (rightness == LEFT)
		return (words[LRU_NEXT] & ~3UL) == PP_SIGNATURE;
	return words[PRIVATE];
}

static bool is_right(struct page *page, enum rightness rightness)
{
	const unsigned long *words = (const unsigned long *)page;
	u32 type = words[TYPE];

	if (rightness == ANYHOW)
		return true;
	if (!has_structure(page) ||
	    (rightness == OWNED ? !PageOffline(page) : type != LAB_TYPE_NONE))
		return false;
	return !words[MAPPING] && !memcg_of(page) && !is_used(words, rightness) &&
	       !(words[FLAGS] & wrong_flags(rightness));
}

static enum rightness rightness_after(const struct call *call, enum state state)
{
	if (state == HELD)
		return call->held;
	return state == LENT ? call->lent : ANYHOW;
}

static struct outcome outcome_of(const struct row *row, const struct call *call,
				 struct subject *s)
{
	struct labyrinth_page_info info;
	struct outcome outcome = { .err = call->fn(s) };

	/* A page leaves limbo when the worker looks, once a second: the state is not known yet. */
	if (call->fn == call_put && !s->owner)
		return outcome;
	outcome.state = labyrinth_query(s->addr, &info) ?: info.state;
	outcome.wrong_words = !outcome.err &&
			      !is_right(s->page, rightness_after(call, row->state));
	/* A page that has left Labyrinth may be in use by any code: the count says nothing. */
	outcome.refs = outcome.state < 0 && !s->ordinary && !s->loans ?
		       0 : page_ref_count(s->page);
	return outcome;
}

static int play_pass(const struct row *row, const struct call *call,
		     struct outcome *outcomes, bool write)
{
	unsigned int i;
	int err = set_up(row);

	if (err)
		return err;
	for (i = 0; i < nr_values && write; i++)
		overwrite(row, subjects[i].page, values[i]);
	for (i = 0; i < nr_values; i++)
		outcomes[i] = outcome_of(row, call, &subjects[i]);
	for (i = 0; i < nr_values; i++) {
		err = bring_home(&subjects[i]);
		if (err)
			fail(row, call->name, i, "the end gave", err, 0);
	}
	return 0;
}

static void compare(const struct row *row, const struct call *call)
{
	unsigned int i;

	for (i = 0; i < nr_values; i++) {
		const struct outcome *got = &touched[i], *wanted = &untouched[i];

		if (got->err != wanted->err)
			fail(row, call->name, i, "gave", got->err, wanted->err);
		if (got->state != wanted->state)
			fail(row, call->name, i, "state", got->state, wanted->state);
		if (got->refs != wanted->refs)
			fail(row, call->name, i, "references", got->refs,
			     wanted->refs);
		if (got->wrong_words || wanted->wrong_words)
			fail(row, call->name, i, "wrong words", got->wrong_words,
			     false);
	}
}

/* Twice as many pages as there were, so that all cached pages are seen. */
#define WALK	(2 * MOST_VALUES)
#define MARK	0x0ae1b121

static void fail_words(const struct row *row, struct page *page, const char *when)
{
	const unsigned long *words = (const unsigned long *)page;

	failures++;
	pr_err("%s %s %s: pfn 0x%lx %s has %d references, flags 0x%lx, lru.next 0x%lx, mapping 0x%lx, private 0x%lx, page_type 0x%x, memcg_data 0x%lx\n",
	       word_names[row->word], state_names[row->state],
	       kind_names[row->kind], page_to_pfn(page), when, page_ref_count(page),
	       words[FLAGS], words[LRU_NEXT], words[MAPPING], words[PRIVATE],
	       (u32)words[TYPE], memcg_of(page));
}

/* Checks a page as handed out, as lent, and as reclaimed. */
static void try_page(const struct row *row, void *addr)
{
	struct subject s = { .addr = addr, .page = virt_to_page(addr), .owner = owner };

	if (page_ref_count(s.page) != REFS_EXCLUSIVE || !PageOffline(s.page))
		fail_words(row, s.page, "handed out");
	if (lend(&s))
		fail(row, "lend again", 0, "gave", 1, 0);
	if (!is_right(s.page, ORDINARY))
		fail_words(row, s.page, "lent");
	if (!s.loans || end_loan(&s) || labyrinth_reclaim(owner, addr))
		fail(row, "reclaim again", 0, "gave", 1, 0);
	if (!is_right(s.page, OWNED))
		fail_words(row, s.page, "reclaimed");
}

/* Takes every page that the owner can have: each must come once, and have the right words. */
static void walk(const struct row *row)
{
	static void *pages[WALK];
	unsigned int nr, i;

	nr = labyrinth_alloc_bulk(owner, WALK, pages);
	if (nr != WALK)
		fail(row, "all handed out", 0, "pages", nr, WALK);
	for (i = 0; i < nr; i++) {
		if (*(unsigned int *)pages[i] == MARK)
			fail(row, "all handed out", 0, "twice", i, 0);
		*(unsigned int *)pages[i] = MARK;
		try_page(row, pages[i]);
	}
	for (i = 0; i < nr; i++) {
		*(unsigned int *)pages[i] = 0;
		if (labyrinth_free_page(owner, pages[i]))
			fail(row, "all handed out", 0, "not freed", i, 0);
	}
}

/* Destroys the owner with all pages in the row's state. */
static int destroy_pass(const struct row *row, bool write)
{
	unsigned int i;
	int out, err = set_up(row);

	if (err)
		return err;
	for (i = 0; i < nr_values && write; i++)
		overwrite(row, subjects[i].page, values[i]);
	out = labyrinth_owner_destroy(owner);
	if (row->state == MAPPED)
		left += nr_values;
	for (i = 0; i < nr_values; i++)
		while (subjects[i].loans)
			end_loan(&subjects[i]);
	make_owner(row->kind);
	return IS_ERR(owner) ? PTR_ERR(owner) : out;
}

static void play_destroy(const struct row *row)
{
	int wanted = destroy_pass(row, false), got = destroy_pass(row, true);

	if (got != wanted || got < 0)
		fail(row, "destroy", 0, "out", got, wanted);
}

static void play_calls(const struct row *row)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!(calls[i].states & BIT(row->state)))
			continue;
		if (play_pass(row, &calls[i], untouched, false) ||
		    play_pass(row, &calls[i], touched, true))
			return;
		compare(row, &calls[i]);
	}
}

/* On a single CPU: so pages come out of the cache in the order of the frees. */
static int play_row(const struct row *row)
{
	list_values(row);
	failures = 0;
	make_owner(row->kind);
	migrate_disable();
	if (!IS_ERR(owner))
		play_calls(row);
	if (!IS_ERR(owner)) {
		walk(row);
		play_destroy(row);
	}
	if (!IS_ERR(owner)) {
		walk(row);
		if (labyrinth_owner_destroy(owner))
			fail(row, "destroy", 0, "out", 1, 0);
	}
	migrate_enable();
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	return failures ? -EUCLEAN : 0;
}

/* The row's name. */

static int find(const char * const *names, size_t nr, const char *name)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return i;
	return -EINVAL;
}

static int parse(const char *line, struct row *row)
{
	char word[16], state[16], kind[16];
	int w, s, k;

	if (sscanf(line, "%15s %15s %15s", word, state, kind) != 3)
		return -EINVAL;
	w = find(word_names, NR_WORDS, word);
	s = find(state_names, NR_STATES, state);
	k = find(kind_names, NR_KINDS, kind);
	if (w < 0 || s < 0 || k < 0)
		return -EINVAL;
	*row = (struct row) { .word = w, .state = s, .kind = k };
	return 0;
}

static int set_row(const char *line, const struct kernel_param *param)
{
	struct row row;
	int err = parse(line, &row);

	if (err || holding || !device)
		return err ?: -EBUSY;
	return play_row(&row);
}
module_param_call(row, set_row, NULL, NULL, 0200);
MODULE_PARM_DESC(row, "The row to be played (after loading)");

static int set_hold(const char *line, const struct kernel_param *param)
{
	int err = parse(line, &held_row);
	unsigned int i;

	if (err || holding || !device)
		return err ?: -EBUSY;
	list_values(&held_row);
	failures = 0;
	make_owner(held_row.kind);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	holding = true;
	err = set_up(&held_row);
	for (i = 0; i < nr_values && !err; i++)
		overwrite(&held_row, subjects[i].page, values[i]);
	return err;
}
module_param_call(hold, set_hold, NULL, NULL, 0200);
MODULE_PARM_DESC(hold, "The row whose pages are to be written, and stay so (after loading)");

static int set_drop(const char *line, const struct kernel_param *param)
{
	unsigned int i;
	int err;

	if (!holding)
		return -EINVAL;
	holding = false;
	for (i = 0; i < nr_values; i++) {
		err = bring_home(&subjects[i]);
		if (err)
			fail(&held_row, "drop", i, "the end gave", err, 0);
	}
	walk(&held_row);
	if (labyrinth_owner_destroy(owner))
		fail(&held_row, "destroy", 0, "out", 1, 0);
	return failures ? -EUCLEAN : 0;
}
module_param_call(drop, set_drop, NULL, NULL, 0200);
MODULE_PARM_DESC(drop, "Ends what hold began (after loading)");

static int get_rows(char *buf, const struct kernel_param *param)
{
	int len = 0, word, state, kind;

	for (word = 0; word < NR_WORDS; word++)
		for (state = 0; state < NR_STATES; state++)
			for (kind = 0; kind < NR_KINDS; kind++)
				len += scnprintf(buf + len, PAGE_SIZE - len,
						 "%s %s %s\n", word_names[word],
						 state_names[state],
						 kind_names[kind]);
	return len;
}
module_param_call(rows, NULL, get_rows, NULL, 0400);
MODULE_PARM_DESC(rows, "All rows of the table");

static int __init overwritten_init(void)
{
	const struct labyrinth_owner_attrs attrs = {
		.name = "other", .nid = NUMA_NO_NODE,
	};

	device = platform_device_register_simple("labyrinth_overwritten", -1, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	other = labyrinth_owner_create(&attrs);
	if (!IS_ERR(other))
		return 0;
	platform_device_unregister(device);
	return PTR_ERR(other);
}

static void __exit overwritten_exit(void)
{
	labyrinth_owner_destroy(other);
	platform_device_unregister(device);
}

module_init(overwritten_init);
module_exit(overwritten_exit);

MODULE_DESCRIPTION("Labyrinth self-test: struct page overwritten, word by word, state by state");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
