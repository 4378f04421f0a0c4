// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stamps: a stale pointer is told from the pointer of the present hand-out, also where page,
 * owner and state are the same (ABA).
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "../../core/table.h"
#include "../../labyrinth_alloc.h"
#include "../../page/mapping.h"
#include "../../report/report.h"

#include "context.h"
#include "fixture.h"

static struct labyrinth_owner *make_stamped(struct kunit *test, unsigned long flags)
{
	return make_owner(test, "kunit-stamped", LABYRINTH_OWNER_STAMPED | flags);
}

/* Frees @page, and allocates until the same page comes again, the last freed first. */
static void hand_out_again(struct kunit *test, struct labyrinth_owner *owner, void *page)
{
	void *next;

	migrate_disable();
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, page), 0);
	next = alloc_exclusive(owner);
	migrate_enable();
	KUNIT_ASSERT_PTR_EQ(test, next, page);
}

static void each_hand_out_has_a_stamp(struct kunit *test)
{
	struct labyrinth_owner *owner = make_stamped(test, 0);
	void *page = make_page(test, owner);
	u32 first = labyrinth_stamp(owner, page);

	KUNIT_EXPECT_NE(test, first, 0);
	KUNIT_EXPECT_EQ(test, labyrinth_stamp(owner, page), first);
	hand_out_again(test, owner, page);
	KUNIT_EXPECT_NE(test, labyrinth_stamp(owner, page), 0);
	KUNIT_EXPECT_NE(test, labyrinth_stamp(owner, page), first);
}

static const unsigned long flags_params[] = {
	0, LABYRINTH_OWNER_SINGLE, LABYRINTH_OWNER_ZERO,
};

static void flags_desc(const unsigned long *flags, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "flags 0x%lx", *flags);
}

KUNIT_ARRAY_PARAM(flags, flags_params, flags_desc);

/* The free of an earlier hand-out looks right in every other respect. */
static void stale_free_is_refused(struct kunit *test)
{
	struct labyrinth_owner *owner = make_stamped(test, *(unsigned long *)test->param_value);
	unsigned long count = lab_report_count(LAB_STALE);
	void *page = make_page(test, owner);
	u32 stale = labyrinth_stamp(owner, page), stamp;
	struct page_view before, after;

	hand_out_again(test, owner, page);
	stamp = labyrinth_stamp(owner, page);
	before = view_page(page);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, stale), -ESTALE);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_STALE), count + 1);
	after = view_page(page);
	expect_same_page(test, &before, &after, "stale");
	KUNIT_EXPECT_EQ(test, labyrinth_stamp(owner, page), stamp);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, stamp), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, stamp), -ENOENT);
}

static void no_stamp_fits_no_page(struct kunit *test)
{
	struct labyrinth_owner *owner = make_stamped(test, 0);
	void *page = make_page(test, owner);

	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, 0), -ESTALE);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, page), 0);
}

static void stale_transfer_is_refused(struct kunit *test)
{
	struct labyrinth_owner *from = make_stamped(test, 0), *to = make_stamped(test, 0);
	void *page = make_page(test, from);
	u32 stale = labyrinth_stamp(from, page), stamp;

	hand_out_again(test, from, page);
	stamp = labyrinth_stamp(from, page);
	KUNIT_EXPECT_EQ(test, labyrinth_transfer_stamped(from, to, page, stale), -ESTALE);
	KUNIT_EXPECT_TRUE(test, labyrinth_owns(from, page));
	KUNIT_EXPECT_EQ(test, labyrinth_transfer_stamped(from, to, page, stamp), 0);
	KUNIT_EXPECT_TRUE(test, labyrinth_owns(to, page));
	KUNIT_EXPECT_NE(test, labyrinth_stamp(to, page), stamp);
	/* The former owner's stamp comes too late in any case. */
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(from, page, stamp), -EPERM);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(to, page, stamp), -ESTALE);
}

static void stamp_lasts_over_a_loan(struct kunit *test)
{
	struct labyrinth_owner *owner = make_stamped(test, 0);
	void *page = make_page(test, owner);
	u32 stamp = labyrinth_stamp(owner, page);
	struct page *lent = labyrinth_lend(owner, page);

	KUNIT_ASSERT_FALSE(test, IS_ERR(lent));
	KUNIT_EXPECT_EQ(test, labyrinth_stamp(owner, page), stamp);
	put_page(lent);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, page), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, stamp), 0);
}

static struct labyrinth_owner *make_lender(struct kunit *test, unsigned long flags)
{
	return make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-lender", .nid = NUMA_NO_NODE, .flags = flags, .lent = 1,
	});
}

/* A page that the owner's queue of lent pages brings back is handed out like any other. */
static void a_page_that_comes_home_has_a_new_stamp(struct kunit *test)
{
	struct labyrinth_owner *owner = make_lender(test, LABYRINTH_OWNER_STAMPED);
	void *page = make_page(test, owner);
	u32 stale = labyrinth_stamp(owner, page), stamp;
	struct page *lent = labyrinth_lend(owner, page);

	KUNIT_ASSERT_FALSE(test, IS_ERR(lent));
	put_page(lent);
	KUNIT_ASSERT_TRUE(test, comes_home(owner, page));
	stamp = labyrinth_stamp(owner, page);
	KUNIT_EXPECT_NE(test, stamp, 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, stale), -ESTALE);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, stamp), 0);
}

static void a_page_that_comes_home_is_zeroed(struct kunit *test)
{
	struct labyrinth_owner *owner = make_lender(test, LABYRINTH_OWNER_ZERO);
	void *page = make_page(test, owner);
	struct page *lent;

	fill_page(page, 1);
	lent = labyrinth_lend(owner, page);
	KUNIT_ASSERT_FALSE(test, IS_ERR(lent));
	put_page(lent);
	KUNIT_ASSERT_TRUE(test, comes_home(owner, page));
	KUNIT_EXPECT_NULL(test, memchr_inv(page, 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, page), 0);
}

/*
 * A free that waited for a process, and in between the page was handed out again, and mapped again:
 * the last look at the stamp is under the lock.
 */
static void stale_free_leaves_a_mapped_page_alone(struct kunit *test)
{
	struct labyrinth_owner *owner = make_stamped(test, 0);
	void *page = make_page(test, owner);
	struct lab_mapping map = { .what.kind = LAB_MAP_PROCESS };
	struct lab_call call = {
		.op = LAB_OP_MAP, .handle = owner, .owner = lab_owner_slot(owner), .addr = page,
		.stamped = true, .stamp = labyrinth_stamp(owner, page) - 1,
	};
	lab_tag_t mapped;

	call.slot = lab_table_search(&labyrinth_hot.table, page_to_pfn(virt_to_page(page)),
				     &call.tag);
	KUNIT_ASSERT_NOT_NULL(test, call.slot);
	mapped = lab_tag_step(call.tag, LAB_MAPPED);
	KUNIT_ASSERT_EQ(test, lab_mapping_attach(&call, &map), 0);
	KUNIT_EXPECT_FALSE(test, lab_mapping_retire(call.owner, call.slot, mapped, &call));
	KUNIT_EXPECT_EQ(test, READ_ONCE(call.slot->tag), mapped);
	call.stamp++;
	KUNIT_EXPECT_TRUE(test, lab_mapping_retire(call.owner, call.slot, mapped, &call));
	lab_mapping_detach(call.owner, call.slot, &map, _THIS_IP_);
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
}

/* Others pay nothing, and have no stamps. */
static void other_owners_have_no_stamps(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-plain", 0);
	void *page = make_page(test, owner);

	KUNIT_EXPECT_EQ(test, labyrinth_stamp(owner, page), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, 1), -ESTALE);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page_stamped(owner, page, 0), 0);
}

static struct kunit_case stamp_cases[] = {
	KUNIT_CASE(each_hand_out_has_a_stamp),
	KUNIT_CASE_PARAM(stale_free_is_refused, flags_gen_params),
	KUNIT_CASE(no_stamp_fits_no_page),
	KUNIT_CASE(stale_transfer_is_refused),
	KUNIT_CASE(stamp_lasts_over_a_loan),
	KUNIT_CASE(a_page_that_comes_home_has_a_new_stamp),
	KUNIT_CASE(a_page_that_comes_home_is_zeroed),
	KUNIT_CASE(stale_free_leaves_a_mapped_page_alone),
	KUNIT_CASE(other_owners_have_no_stamps),
	{}
};

static struct kunit_suite stamp_suite = {
	.name = "labyrinth_stamp",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = context_case_init,
	.test_cases = stamp_cases,
};

kunit_test_suite(stamp_suite);
