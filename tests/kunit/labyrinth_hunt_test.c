// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a hunted owner, which have no references to spare, while borrowers have the pages.
 */
#include <kunit/test.h>
#include <linux/mm.h>

#include "../../inline/frame.h"
#include "../../page/hunt.h"
#include "../../report/report.h"

#include "context.h"
#include "fixture.h"

#define HUNTED	"kunit-hunted"

static struct labyrinth_owner *make_hunted(struct kunit *test, unsigned int lent)
{
	return make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = HUNTED, .nid = NUMA_NO_NODE, .lent = lent,
	});
}

static struct page *lend(struct kunit *test, struct labyrinth_owner *owner, void *page)
{
	struct page *lent = labyrinth_lend(owner, page);

	KUNIT_ASSERT_FALSE(test, IS_ERR(lent));
	return lent;
}

/* So many that the count is that of a page to which nobody but the owner refers. */
static void a_thin_page_with_many_borrowers_stays_lent(struct kunit *test)
{
	struct labyrinth_owner *owner = make_hunted(test, 0);
	void *page = make_page(test, owner);
	struct page *lent = lend(test, owner, page);
	int borrowers = 1;

	KUNIT_ASSERT_EQ(test, page_ref_count(lent), LAB_REFS_THIN + 1);
	for (; page_ref_count(lent) < LAB_REFS_EXCLUSIVE; borrowers++)
		get_page(lent);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, page), -EBUSY);
	while (borrowers--)
		put_page(lent);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, page), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, page), 0);
}

static void a_full_queue_lets_go_of_a_thin_page(struct kunit *test)
{
	struct labyrinth_owner *owner = make_hunted(test, 1);
	void *first = make_page(test, owner), *second = make_page(test, owner);
	struct page *oldest = lend(test, owner, first), *lent = lend(test, owner, second);
	struct labyrinth_page_info info;

	KUNIT_EXPECT_EQ(test, labyrinth_query(first, &info), -ENOENT);
	KUNIT_EXPECT_EQ(test, page_ref_count(oldest), 1);
	put_page(oldest);
	put_page(lent);
}

static void a_thin_page_comes_home(struct kunit *test)
{
	struct labyrinth_owner *owner = make_hunted(test, 1);
	void *page = make_page(test, owner);

	put_page(lend(test, owner, page));
	KUNIT_ASSERT_TRUE(test, comes_home(owner, page));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, page), 0);
}

static void a_thin_page_that_came_back_goes_with_its_owner(struct kunit *test)
{
	struct labyrinth_owner *owner = make_hunted(test, 1);

	put_page(lend(test, owner, make_page(test, owner)));
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 0U);
}

/* More than the page has: with the spare references the count is 0, at which counts are frozen. */
static void references_lost_at_once_are_noticed(struct kunit *test)
{
	struct labyrinth_owner *owner = make_hunted(test, 0);
	unsigned long before = lab_report_count(LAB_LOST_REFERENCE);
	void *page = make_page(test, owner);
	struct labyrinth_page_info info;

	page_ref_sub(virt_to_page(page), LAB_REFS_EXCLUSIVE);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, page), 0);
	KUNIT_ASSERT_EQ(test, labyrinth_query(page, &info), 0);
	KUNIT_EXPECT_EQ(test, info.state, LABYRINTH_PAGE_CACHED);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_LOST_REFERENCE) - before, 1UL);
}

static void a_lent_page_that_lost_references_at_once_is_reclaimed(struct kunit *test)
{
	struct labyrinth_owner *owner = make_hunted(test, 0);
	unsigned long before = lab_report_count(LAB_LOST_REFERENCE);
	void *page = make_page(test, owner);

	page_ref_sub(lend(test, owner, page), LAB_REFS_EXCLUSIVE + 1);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, page), 0);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_LOST_REFERENCE) - before, 1UL);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, page), 0);
}

static int hunt_case_init(struct kunit *test)
{
	lab_hunt_start(HUNTED);
	return context_case_init(test);
}

static void hunt_case_exit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, lab_hunt_stop(true), 0U);
}

static struct kunit_case hunt_cases[] = {
	KUNIT_CASE(a_thin_page_with_many_borrowers_stays_lent),
	KUNIT_CASE(a_full_queue_lets_go_of_a_thin_page),
	KUNIT_CASE(a_thin_page_comes_home),
	KUNIT_CASE(a_thin_page_that_came_back_goes_with_its_owner),
	KUNIT_CASE(references_lost_at_once_are_noticed),
	KUNIT_CASE(a_lent_page_that_lost_references_at_once_is_reclaimed),
	{}
};

static struct kunit_suite hunt_suite = {
	.name = "labyrinth_hunt",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = hunt_case_init,
	.exit = hunt_case_exit,
	.test_cases = hunt_cases,
};

kunit_test_suite(hunt_suite);
