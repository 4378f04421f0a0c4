// SPDX-License-Identifier: GPL-2.0-only
/*
 * Foreign writes to a page's struct page, or to the reference count, while nobody has the page.
 * Labyrinth believes no such word, and never hands out, caches or gives back a wrong page
 * because of such a write.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/swap.h>

#include "../../labyrinth_alloc.h"
#include "../../page/cache.h"
#include "../../report/report.h"

#include "../selftests/give_away.h"
#include "context.h"
#include "fixture.h"

#define INTERRUPTS	2000
#define PERIOD_NS	(30 * NSEC_PER_USEC)
#define LONGEST_MS	3000

static struct lab_owner *slot_of(const struct labyrinth_owner *handle)
{
	return lab_owner_slot(handle);
}

static const unsigned long kinds[] = { 0, LABYRINTH_OWNER_SINGLE };

static void kind_desc(const unsigned long *flags, char *desc)
{
	strscpy(desc, *flags ? "single" : "any", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(kind, kinds, kind_desc);

static struct labyrinth_owner *make_kind(struct kunit *test)
{
	return make_owner(test, "kunit-words",
			  *(const unsigned long *)test->param_value);
}

static int state_of(const void *addr)
{
	struct labyrinth_page_info info;

	return labyrinth_query(addr, &info) ?: info.state;
}

/* Frees a page, which the next allocation on this CPU will hand out. */
static void *make_cached(struct kunit *test, struct labyrinth_owner *owner)
{
	void *addr = make_page(test, owner);

	KUNIT_ASSERT_EQ(test, labyrinth_free_page(owner, addr), 0);
	KUNIT_ASSERT_EQ(test, state_of(addr), LABYRINTH_PAGE_CACHED);
	return addr;
}

/* Each word of the struct page that may hold a pointer in turn points to another page. */
static void word_of_a_cached_page_is_not_believed(struct kunit *test)
{
	struct labyrinth_owner *owner = make_kind(test);
	void *elsewhere = make_page(test, owner), *addr = make_page(test, owner), *got;
	struct lab_frame *frame = lab_frame(virt_to_page(addr));
	unsigned long *words[] = { &frame->index, &frame->private, &frame->mapping,
				   &frame->seal };
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		migrate_disable();
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
		WRITE_ONCE(*words[i], (unsigned long)elsewhere);
		got = alloc_exclusive(owner);
		migrate_enable();
		KUNIT_ASSERT_PTR_EQ(test, got, addr);
	}
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, elsewhere), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

#define FEW	64

/* Allocates until the page allocator gives @wanted. The caller has to free @nr of @pages. */
static bool alloc_until(struct page *wanted, struct page **pages, int *nr)
{
	for (*nr = 0; *nr < FEW; ) {
		pages[*nr] = alloc_page(GFP_ATOMIC);
		if (!pages[*nr])
			return false;
		if (pages[(*nr)++] == wanted)
			return true;
	}
	return false;
}

static void free_pages_of(struct page **pages, int nr)
{
	while (nr--)
		if (pages[nr])
			__free_page(pages[nr]);
}

/* The page allocator has given the cached page to somebody else, for good. */
static void page_that_was_given_away_is_not_handed_out(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_CORRUPT);
	struct labyrinth_owner *owner = make_kind(test);
	void *addr = make_cached(test, owner), *got;
	struct page *page = virt_to_page(addr), *pages[FEW];
	int nr;

	migrate_disable();
	give_away(page);
	if (alloc_until(page, pages, &nr)) {
		got = alloc_exclusive(owner);
		KUNIT_EXPECT_PTR_NE(test, got, addr);
		KUNIT_EXPECT_EQ(test, state_of(addr), -ENOENT);
		KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
		KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT) - before, 1);
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, got), 0);
	} else {
		KUNIT_FAIL(test, "the page allocator gives others");
	}
	migrate_enable();
	free_pages_of(pages, nr);
}

/*
 * The same of a lent page: its borrower will not bring it back, and the owner is told so, whether
 * somebody has the page already or not. The owner goes before the pages do, which its worker might
 * find otherwise.
 */
static void page_that_was_given_away_while_lent_is_told_of(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_CORRUPT);
	struct labyrinth_owner *owner = make_owner(test, "kunit-lender", 0);
	void *addr = make_page(test, owner);
	struct page *page = virt_to_page(addr), *pages[FEW];
	int nr;

	KUNIT_ASSERT_PTR_EQ(test, labyrinth_lend(owner, addr), page);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, addr), -EBUSY);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT), before);
	migrate_disable();
	give_away(page);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, addr), -EBUSY);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT) - before, 1);
	KUNIT_EXPECT_TRUE(test, alloc_until(page, pages, &nr));
	migrate_enable();
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, addr), -EBUSY);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT) - before, 2);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 1U);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT) - before, 3);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	free_pages_of(pages, nr);
}

/*
 * Likewise one that the owner has on its queue, which is looked at once, and has no place then. At
 * the owner's end it is reported as the others that are out.
 */
static void page_that_was_given_away_leaves_the_queue(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_CORRUPT);
	struct labyrinth_owner *owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-lender", .nid = NUMA_NO_NODE, .lent = 4, .max_pages = 1,
	});
	void *addr = make_page(test, owner);
	struct page *page = virt_to_page(addr), *pages[FEW];
	int nr, i;

	KUNIT_ASSERT_PTR_EQ(test, labyrinth_lend(owner, addr), page);
	migrate_disable();
	give_away(page);
	KUNIT_EXPECT_TRUE(test, alloc_until(page, pages, &nr));
	migrate_enable();
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_NULL(test, alloc_exclusive(owner));
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT) - before, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 1U);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT) - before, 2);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	free_pages_of(pages, nr);
}

/* Likewise one that is met on the queue when the owner goes. */
static void page_that_was_given_away_ends_with_its_owner(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_CORRUPT);
	struct labyrinth_owner *owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-lender", .nid = NUMA_NO_NODE, .lent = 4,
	});
	void *addr = make_page(test, owner);
	struct page *page = virt_to_page(addr), *pages[FEW];
	int nr;

	KUNIT_ASSERT_PTR_EQ(test, labyrinth_lend(owner, addr), page);
	migrate_disable();
	give_away(page);
	KUNIT_EXPECT_TRUE(test, alloc_until(page, pages, &nr));
	migrate_enable();
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 1U);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_CORRUPT) - before, 2);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	free_pages_of(pages, nr);
}

/* Pages below the watermarks are for emergencies: a free gives such a page to the system. */
static void page_of_the_emergency_reserve_is_not_kept(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-emergency", 0);
	struct page *page = alloc_page(GFP_KERNEL);
	void *addr;

	KUNIT_ASSERT_NOT_NULL(test, page);
	set_page_pfmemalloc(page);
	addr = labyrinth_adopt(owner, page);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, addr);
	KUNIT_EXPECT_EQ(test, state_of(addr), LABYRINTH_PAGE_HELD);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
	KUNIT_EXPECT_EQ(test, state_of(addr), -ENOENT);
}

static struct page *lend_to_keep(struct kunit *test, struct labyrinth_owner *owner,
				 void *addr)
{
	struct page *page = labyrinth_lend(owner, addr);

	KUNIT_ASSERT_PTR_EQ(test, page, virt_to_page(addr));
	return page;
}

/* The reference and the count of a borrower's vm_insert_page(), and the end of the mapping. */
static void count_mapping(struct page *page)
{
	get_page(page);
	atomic_inc(&page->_mapcount);
}

static void uncount_mapping(struct page *page)
{
	atomic_dec(&page->_mapcount);
	put_page(page);
}

/* Mapped by TCP_ZEROCOPY_RECEIVE, say: the core counts in the word that had the page type. */
static void lent_page_that_is_left_stays_mapped(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_OVERWRITTEN);
	struct labyrinth_owner *owner = make_owner(test, "kunit-left", 0);
	void *addr = make_page(test, owner);
	struct page *page = lend_to_keep(test, owner, addr);

	count_mapping(page);
	count_mapping(page);
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_release_lent(owner, addr), page);
	KUNIT_EXPECT_EQ(test, atomic_read(&page->_mapcount), 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 4);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_OVERWRITTEN), before);
	uncount_mapping(page);
	uncount_mapping(page);
	put_page(page);
	put_page(page);
}

/* A borrower put the page into a file: the words are as in a page of the page cache. */
static void lent_page_that_is_left_stays_in_its_file(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_OVERWRITTEN);
	struct labyrinth_owner *owner = make_owner(test, "kunit-left", 0);
	void *addr = make_page(test, owner);
	struct page *page = lend_to_keep(test, owner, addr);
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);
	struct address_space *file = &inode->i_data;

	KUNIT_ASSERT_NOT_NULL(test, inode);
	file->host = inode;
	inode->i_mapping = file;
	page->mapping = file;
	set_bit(PG_locked, &lab_frame(page)->flags);
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_release_lent(owner, addr), page);
	KUNIT_EXPECT_PTR_EQ(test, page->mapping, file);
	KUNIT_EXPECT_TRUE(test, PageLocked(page));
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_OVERWRITTEN), before);
	page->mapping = NULL;
	clear_bit(PG_locked, &lab_frame(page)->flags);
	put_page(page);
	put_page(page);
}

/* At least as many as the core collects before they go to the lists. */
#define COLLECTED	64U

/*
 * The core's lists are looked at without a lock, so there must be one CPU; and the pages have no
 * file, so no memory cgroup is charged. guard.sh has a page in a file everywhere.
 */
static void skip_without_quiet_lists(struct kunit *test)
{
	if (num_online_cpus() > 1)
		kunit_skip(test, "another CPU may change the lists");
	if (!mem_cgroup_disabled())
		kunit_skip(test, "the lists are a memory cgroup's");
}

/* Puts @page on the core's lists of file pages. The lists keep no reference. */
static void put_on_list(struct kunit *test, struct page *page)
{
	struct page **pages = kunit_kcalloc(test, COLLECTED, sizeof(*pages), GFP_KERNEL);
	int refs = page_ref_count(page), i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	migrate_disable();
	folio_add_lru(page_folio(page));
	for (i = 0; i < COLLECTED; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
		folio_add_lru(page_folio(pages[i]));
	}
	migrate_enable();
	for (i = 0; i < COLLECTED; i++)
		put_page(pages[i]);
	KUNIT_ASSERT_TRUE(test, PageLRU(page));
	KUNIT_ASSERT_EQ(test, page_ref_count(page), refs);
}

/* A page of the owner's, lent, that a file had until now. No borrower has a reference any more. */
static struct page *make_listed(struct kunit *test, struct labyrinth_owner *owner)
{
	struct page *page;

	skip_without_quiet_lists(test);
	page = lend_to_keep(test, owner, make_page(test, owner));
	put_on_list(test, page);
	put_page(page);
	return page;
}

static bool is_linked(struct page *page)
{
	return PageLRU(page) && page->lru.next->prev == &page->lru &&
	       page->lru.prev->next == &page->lru;
}

/* The core would follow the links, so only the core takes the page off the list. */
static void page_on_a_list_of_the_core_is_not_taken_back(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_OVERWRITTEN);
	struct labyrinth_owner *owner = make_owner(test, "kunit-listed", 0);
	struct page *page = make_listed(test, owner);

	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, page_address(page)), -EBUSY);
	KUNIT_EXPECT_TRUE(test, is_linked(page));
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_release_lent(owner, page_address(page)), page);
	KUNIT_EXPECT_TRUE(test, is_linked(page));
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_OVERWRITTEN), before);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
}

/* As the owner goes, the page leaves by way of the core's list, or by way of limbo. */
static void page_on_a_list_of_the_core_leaves_with_its_owner(struct kunit *test)
{
	unsigned long before = lab_report_count(LAB_OVERWRITTEN);
	struct labyrinth_owner *owner = make_owner(test, "kunit-listed", 0);
	struct page *page = make_listed(test, owner);
	struct list_head *before_it = page->lru.prev, *behind_it = page->lru.next;

	labyrinth_owner_destroy(owner);
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
	KUNIT_EXPECT_EQ(test, state_of(page_address(page)), -ENOENT);
	KUNIT_EXPECT_FALSE(test, PageLRU(page));
	KUNIT_EXPECT_PTR_NE(test, before_it->next, &page->lru);
	KUNIT_EXPECT_PTR_NE(test, behind_it->prev, &page->lru);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_OVERWRITTEN), before);
}

/* The queue lets go of the page, or an owner with a quota might never get a page again. */
static void page_on_a_list_of_the_core_leaves_the_queue(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-listed", .nid = NUMA_NO_NODE, .lent = 4, .max_pages = 1,
	});
	struct page *page = make_listed(test, owner);
	void *addr = alloc_exclusive(owner);

	KUNIT_ASSERT_NOT_NULL(test, addr);
	KUNIT_EXPECT_PTR_NE(test, addr, page_address(page));
	KUNIT_EXPECT_FALSE(test, PageLRU(page));
	KUNIT_EXPECT_EQ(test, state_of(page_address(page)), -ENOENT);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/*
 * A call that will lose against destroy has the count frozen. Destroy puts the page into limbo
 * and leaves the count as the call froze it.
 */
static void retired_page_keeps_its_frozen_count(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-retired", 0);
	void *addr = make_page(test, owner);
	struct lab_frame *frame = lab_frame(virt_to_page(addr));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, labyrinth_vmap(owner, &addr, 1));
	KUNIT_ASSERT_TRUE(test, lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE));
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 1U);
	KUNIT_ASSERT_EQ(test, state_of(addr), LABYRINTH_PAGE_LIMBO);
	KUNIT_ASSERT_EQ(test, lab_frame_refs(frame), 0);
	KUNIT_ASSERT_TRUE(test, PageOffline(lab_frame_page(frame)));
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE);
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
	KUNIT_EXPECT_EQ(test, state_of(addr), -ENOENT);
}

/* The cache as in an interrupt that came in the middle of a push or pop: @busy is set. */
static void interrupted_cache_is_left_alone(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-busy", 0);
	void *addr = make_cached(test, owner), *got;
	struct lab_cpu_cache *cache;
	struct lab_cached *top, *popped, *pushed;
	int err;

	preempt_disable();
	cache = this_cpu_ptr(slot_of(owner)->front.cpu_cache);
	WRITE_ONCE(cache->busy, 1);
	top = cache->top;
	got = alloc_exclusive(owner);
	popped = cache->top;
	err = labyrinth_free_page(owner, got);
	pushed = cache->top;
	WRITE_ONCE(cache->busy, 0);
	preempt_enable();
	KUNIT_EXPECT_PTR_EQ(test, popped, top);
	KUNIT_EXPECT_PTR_EQ(test, pushed, top);
	KUNIT_EXPECT_PTR_NE(test, got, addr);
	KUNIT_EXPECT_EQ(test, err, 0);
}

/* The core may still look at a page that the page allocator has given out again. */
static void page_that_is_referred_to_does_not_enter(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-enter", 0);
	struct page *page = alloc_page(GFP_KERNEL);
	struct lab_batch batch = { .nr = 1, .pages = { page } };
	struct lab_slot *slot;

	KUNIT_ASSERT_NOT_NULL(test, page);
	get_page(page);
	preempt_disable();
	slot = lab_batch_put_in(&batch, slot_of(owner));
	preempt_enable();
	KUNIT_ASSERT_NULL(test, slot);
	KUNIT_EXPECT_EQ(test, batch.nr, 1U);
	KUNIT_EXPECT_PTR_EQ(test, batch.pages[0], page);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 2);
	KUNIT_EXPECT_EQ(test, state_of(page_address(page)), -ENOENT);
	put_page(page);
	__free_page(page);
}

/* A slot whose words say the same number, but for the moment of a change. */
struct watched {
	struct interrupter interrupter;
	struct lab_slot slot;
	unsigned long life;
	unsigned long looks;
	unsigned int torn;
};

/* Two lives in a row have the same page. */
static unsigned long pfn_of_life(unsigned long life)
{
	return 1 + life / 2;
}

static void change_slot(struct watched *w)
{
	unsigned long life = ++w->life;
	lab_tag_t tag = lab_tag_make(pfn_of_life(life), 1, LAB_CACHED);

	WRITE_ONCE(w->slot.tag, tag);
	WRITE_ONCE(w->slot.when, life);
	WRITE_ONCE(w->slot.site, life);
	/* Pairs with lab_slot_glance(), as when a page is handed out. */
	smp_store_release(&w->slot.tag, lab_tag_step(tag, LAB_HELD));
}

static void change_slot_in_irq(void *arg)
{
	change_slot(arg);
}

static void look(struct watched *w)
{
	struct lab_glance glance = lab_slot_glance(&w->slot);

	w->torn += glance.site != glance.when ||
		   lab_tag_pfn(glance.tag) != pfn_of_life(glance.when);
	w->looks++;
}

static void glance_is_of_one_moment(struct kunit *test)
{
	struct watched *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	ktime_t end = ktime_add_ms(ktime_get(), LONGEST_MS);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	change_slot(w);
	interrupter_start(&w->interrupter, PERIOD_NS, change_slot_in_irq, w);
	while (READ_ONCE(w->interrupter.fired) < INTERRUPTS && ktime_before(ktime_get(), end))
		for (i = 0; i < 1000; i++)
			look(w);
	interrupter_stop(&w->interrupter);
	kunit_info(test, "%lu looks, %u interrupts\n", w->looks, w->interrupter.fired);
	KUNIT_EXPECT_GE(test, w->interrupter.fired, INTERRUPTS / 10U);
	KUNIT_EXPECT_EQ(test, w->interrupter.elsewhere, 0U);
	KUNIT_EXPECT_EQ(test, w->torn, 0U);
}

static struct kunit_case words_cases[] = {
	KUNIT_CASE_PARAM(word_of_a_cached_page_is_not_believed, kind_gen_params),
	KUNIT_CASE_PARAM(page_that_was_given_away_is_not_handed_out, kind_gen_params),
	KUNIT_CASE(page_that_was_given_away_while_lent_is_told_of),
	KUNIT_CASE(page_that_was_given_away_leaves_the_queue),
	KUNIT_CASE(page_that_was_given_away_ends_with_its_owner),
	KUNIT_CASE(page_of_the_emergency_reserve_is_not_kept),
	KUNIT_CASE(lent_page_that_is_left_stays_mapped),
	KUNIT_CASE(lent_page_that_is_left_stays_in_its_file),
	KUNIT_CASE(page_on_a_list_of_the_core_is_not_taken_back),
	KUNIT_CASE(page_on_a_list_of_the_core_leaves_with_its_owner),
	KUNIT_CASE(page_on_a_list_of_the_core_leaves_the_queue),
	KUNIT_CASE(retired_page_keeps_its_frozen_count),
	KUNIT_CASE(interrupted_cache_is_left_alone),
	KUNIT_CASE(page_that_is_referred_to_does_not_enter),
	KUNIT_CASE(glance_is_of_one_moment),
	{}
};

static struct kunit_suite words_suite = {
	.name = "labyrinth_words",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = context_case_init,
	.test_cases = words_cases,
};

kunit_test_suite(words_suite);
