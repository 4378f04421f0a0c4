// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call has looked up is old when the call acts: another call has led the page on since. Each
 * case puts the call's steps into that order.
 */
#include <kunit/test.h>
#include <linux/mm.h>

#include "../../core/table.h"
#include "../../labyrinth_alloc.h"
#include "../../page/call.h"
#include "../../page/lend.h"
#include "../../page/mapping.h"
#include "../../report/report.h"

#include "context.h"
#include "fixture.h"

/*
 * A call of @op about @addr, which has found the page in @state; then the page came to be as it is.
 */
static struct lab_call late_call(struct kunit *test, struct labyrinth_owner *owner, void *addr,
				 enum lab_op op, enum lab_state state)
{
	struct lab_call call = {
		.op = op, .handle = owner, .owner = lab_owner_slot(owner), .addr = addr,
		.frame = lab_frame(virt_to_page(addr)),
	};

	call.slot = lab_table_search(&labyrinth_hot.table, page_to_pfn(virt_to_page(addr)),
				     &call.tag);
	KUNIT_ASSERT_NOT_NULL(test, call.slot);
	call.tag = lab_tag_step(call.tag, state);
	return call;
}

/* The page's last other mapping has ended. */
static void mapping_begins_after_the_last_has_ended(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-late", 0);
	void *addr = make_page(test, owner);
	struct lab_mapping map = { .what.kind = LAB_MAP_KERNEL };
	struct lab_call call = late_call(test, owner, addr, LAB_OP_VMAP, LAB_MAPPED);

	KUNIT_ASSERT_EQ(test, lab_mapping_attach(&call, &map), 0);
	KUNIT_EXPECT_EQ(test, lab_tag_state(READ_ONCE(call.slot->tag)), LAB_MAPPED);
	lab_mapping_detach(call.owner, call.slot, &map, _THIS_IP_);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/* It has been lent since, and is no page to be mapped. */
static void mapping_does_not_begin_on_a_page_that_was_lent(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-late", 0);
	void *addr = make_page(test, owner);
	struct lab_mapping map = { .what.kind = LAB_MAP_KERNEL };
	struct lab_call call = late_call(test, owner, addr, LAB_OP_VMAP, LAB_HELD);

	KUNIT_ASSERT_PTR_EQ(test, labyrinth_lend(owner, addr), virt_to_page(addr));
	KUNIT_EXPECT_EQ(test, lab_mapping_attach(&call, &map), -EBUSY);
	put_page(virt_to_page(addr));
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, addr), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/*
 * Another call has taken the page back, and its caller holds the page. A reference is missing, as
 * of a hunted page, so that the look at the count looks the page up again.
 */
static void page_is_taken_back_once(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-late", 0);
	void *addr = make_page(test, owner);
	struct lab_call call = late_call(test, owner, addr, LAB_OP_RECLAIM, LAB_LENT);

	put_page(virt_to_page(addr));
	KUNIT_EXPECT_EQ(test, lab_lend_reclaim(&call, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, call.damage.word ? 1 : 0, 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

static struct kunit_case late_cases[] = {
	KUNIT_CASE(mapping_begins_after_the_last_has_ended),
	KUNIT_CASE(mapping_does_not_begin_on_a_page_that_was_lent),
	KUNIT_CASE(page_is_taken_back_once),
	{}
};

static struct kunit_suite late_suite = {
	.name = "labyrinth_late",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = context_case_init,
	.test_cases = late_cases,
};

kunit_test_suite(late_suite);
