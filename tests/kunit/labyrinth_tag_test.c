// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tag's encoding, and the table of transitions, compared with a second table that is
 * written here by hand from the documented state machine.
 */
#include <kunit/test.h>

#include "../../inline/tag.h"

#include "context.h"

#define LAST_PFN	(BIT_ULL(LAB_PFN_BITS) - 1)
#define LAST_OWNER	(LAB_MAX_OWNERS - 1)

static const unsigned long pfns[] = {
	0, 1, 0x80000, 0xffffffff, 0x100000000, LAST_PFN / 3, LAST_PFN - 1,
	LAST_PFN,
};

static const unsigned int owner_ids[] = {
	0, 1, 0x5555, LAST_OWNER / 2, LAST_OWNER - 1, LAST_OWNER,
};

static void expect_round_trip(struct kunit *test, unsigned long pfn,
			      unsigned int id, enum lab_state state)
{
	lab_tag_t tag = lab_tag_make(pfn, id, state);

	KUNIT_EXPECT_EQ(test, lab_tag_pfn(tag), pfn);
	KUNIT_EXPECT_EQ(test, lab_tag_owner(tag), id);
	KUNIT_EXPECT_EQ(test, (int)lab_tag_state(tag), (int)state);
}

/* Calls @expect for every combination of extremes, with every state. */
static void with_each_tag(struct kunit *test,
			  void (*expect)(struct kunit *test, unsigned long pfn,
					 unsigned int id, enum lab_state state))
{
	int pfn, id, state;

	for (pfn = 0; pfn < ARRAY_SIZE(pfns); pfn++)
		for (id = 0; id < ARRAY_SIZE(owner_ids); id++)
			for (state = 0; state < LAB_NR_STATES; state++)
				expect(test, pfns[pfn], owner_ids[id], state);
}

static void tag_round_trip(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, LAST_PFN, (1ULL << 38) - 1);
	KUNIT_EXPECT_EQ(test, LAST_OWNER, 32767UL);
	with_each_tag(test, expect_round_trip);
}

/* A fast look-up compares whole words: a tag must have nothing but pfn, owner and state. */
static void expect_layout(struct kunit *test, unsigned long pfn,
			  unsigned int id, enum lab_state state)
{
	u64 word = pfn | ((u64)state << 40) | ((u64)id << 48);

	KUNIT_EXPECT_EQ(test, lab_tag_make(pfn, id, state), word);
}

static void tag_layout_is_as_documented(struct kunit *test)
{
	with_each_tag(test, expect_layout);
}

/* A tag is the sum of the pfn and a key that all tags of the same owner and state share. */
static void expect_sum(struct kunit *test, unsigned long pfn, unsigned int id,
		       enum lab_state state)
{
	KUNIT_EXPECT_EQ(test, lab_tag_make(0, id, state) + pfn,
			lab_tag_make(pfn, id, state));
}

static void tag_is_pfn_and_key(struct kunit *test)
{
	with_each_tag(test, expect_sum);
}

static void expect_steps(struct kunit *test, unsigned long pfn,
			 unsigned int id, enum lab_state state)
{
	int to;

	for (to = 0; to < LAB_NR_STATES; to++)
		KUNIT_EXPECT_EQ(test,
				lab_tag_step(lab_tag_make(pfn, id, state), to),
				lab_tag_make(pfn, id, to));
}

static void step_changes_the_state_alone(struct kunit *test)
{
	with_each_tag(test, expect_steps);
}

static void expect_stores(struct kunit *test, unsigned long pfn,
			  unsigned int id, enum lab_state state)
{
	int to;

	for (to = 0; to < LAB_NR_STATES; to++) {
		lab_tag_t tag = lab_tag_make(pfn, id, state);

		lab_tag_store_state(&tag, to);
		KUNIT_EXPECT_EQ(test, tag, lab_tag_make(pfn, id, to));
	}
}

/* The fast path stores the state's byte and reads nothing. */
static void stored_state_changes_the_state_alone(struct kunit *test)
{
	with_each_tag(test, expect_stores);
}

static void no_tag_is_zero(struct kunit *test)
{
	int state;

	/* 0 is an empty slot of the table, and ABSENT is never stored. */
	for (state = LAB_ABSENT + 1; state < LAB_NR_STATES; state++)
		KUNIT_EXPECT_NE(test, lab_tag_make(0, 0, state), 0ULL);
}

/* Frame 0 fits a tag, but not a list, where 0 is the end. */
static void pfn_fits_from_1_up_to_38_bits(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(pfns); i++)
		KUNIT_EXPECT_EQ(test, lab_pfn_fits(pfns[i]), pfns[i] != 0);
	for (i = LAB_PFN_BITS; i < 64; i++)
		KUNIT_EXPECT_FALSE(test, lab_pfn_fits(BIT_ULL(i)));
	KUNIT_EXPECT_FALSE(test, lab_pfn_fits(ULONG_MAX));
}

/*
 * The documented state machine:
 * absent -> CACHED -> HELD -> (LENT | MAPPED) -> HELD -> CACHED | LIMBO | absent, and
 * CACHED -> POSTED -> (LENT -> POSTED | CACHED) | LIMBO.
 */
static const int documented[LAB_NR_OPS][LAB_NR_STATES] = {
	[LAB_OP_REFILL] = {
		LAB_CACHED, -EUCLEAN, -EUCLEAN, -EUCLEAN, -EUCLEAN,
		-EUCLEAN, -EUCLEAN },
	[LAB_OP_RETURN] = {
		-EUCLEAN, LAB_ABSENT, LAB_ABSENT, LAB_ABSENT, LAB_ABSENT,
		-EUCLEAN, -EUCLEAN },
	[LAB_OP_LIMBO] = {
		-EUCLEAN, LAB_LIMBO, LAB_LIMBO, LAB_LIMBO, -EUCLEAN,
		LAB_LIMBO, LAB_LIMBO },
	[LAB_OP_ALLOC] = {
		-EUCLEAN, LAB_HELD, -EUCLEAN, -EUCLEAN, -EUCLEAN,
		-EUCLEAN, -EUCLEAN },
	[LAB_OP_RX_GET] = {
		-EUCLEAN, LAB_POSTED, LAB_POSTED, LAB_POSTED, -EUCLEAN,
		-EUCLEAN, -EUCLEAN },
	[LAB_OP_FREE] = {
		-ENOENT, -ENOENT, LAB_CACHED, -EBUSY, -ENOENT,
		-EBUSY, -EBUSY },
	[LAB_OP_TRANSFER] = {
		-ENOENT, -ENOENT, LAB_HELD, -EBUSY, -ENOENT,
		-EBUSY, -EBUSY },
	[LAB_OP_RELEASE] = {
		-ENOENT, -ENOENT, LAB_ABSENT, -EBUSY, -ENOENT,
		-EBUSY, -EBUSY },
	[LAB_OP_RELEASE_LENT] = {
		-ENOENT, -ENOENT, LAB_ABSENT, LAB_ABSENT, -ENOENT,
		-EBUSY, -EBUSY },
	[LAB_OP_ADOPT] = {
		LAB_HELD, -EBUSY, -EBUSY, -EBUSY, -EBUSY,
		-EBUSY, -EBUSY },
	[LAB_OP_LEND] = {
		-ENOENT, -ENOENT, LAB_LENT, -EBUSY, -ENOENT,
		-EBUSY, -EBUSY },
	[LAB_OP_RECLAIM] = {
		-ENOENT, -ENOENT, LAB_HELD, LAB_HELD, -ENOENT,
		-EBUSY, -EBUSY },
	[LAB_OP_MAP] = {
		-ENOENT, -ENOENT, LAB_MAPPED, -EBUSY, -ENOENT,
		LAB_MAPPED, -EBUSY },
	[LAB_OP_VMAP] = {
		-ENOENT, -ENOENT, LAB_MAPPED, -EBUSY, -ENOENT,
		LAB_MAPPED, -EBUSY },
	[LAB_OP_DMA] = {
		-ENOENT, -ENOENT, LAB_MAPPED, -EBUSY, -ENOENT,
		LAB_MAPPED, -EBUSY },
	[LAB_OP_UNMAP] = {
		-ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT,
		LAB_HELD, -ENOENT },
	[LAB_OP_RX_READ] = {
		-ENOENT, -EINVAL, -EINVAL, -EINVAL, -EINVAL,
		-EINVAL, LAB_POSTED },
	[LAB_OP_RX_AGAIN] = {
		-ENOENT, -EINVAL, -EINVAL, -EINVAL, -EINVAL,
		-EINVAL, LAB_POSTED },
	[LAB_OP_RX_GIVE] = {
		-ENOENT, -EINVAL, -EINVAL, -EINVAL, -EINVAL,
		-EINVAL, LAB_LENT },
	[LAB_OP_RX_PUT] = {
		-ENOENT, -EINVAL, -EINVAL, -EINVAL, -EINVAL,
		-EINVAL, LAB_CACHED },
	[LAB_OP_PAGE] = {
		-ENOENT, -ENOENT, LAB_HELD, LAB_LENT, -ENOENT,
		LAB_MAPPED, LAB_POSTED },
};

static void transitions_are_as_documented(struct kunit *test)
{
	int op, state;

	for (op = 0; op < LAB_NR_OPS; op++)
		for (state = 0; state < LAB_NR_STATES; state++)
			KUNIT_EXPECT_EQ_MSG(test, lab_transition(op, state),
					    documented[op][state],
					    "op %d in state %d", op, state);
}

static bool is_answer(enum lab_op op, int next)
{
	if (next >= 0)
		return next < LAB_NR_STATES;
	if (op < LAB_OP_FREE)
		return next == -EUCLEAN;
	return next == -ENOENT || next == -EBUSY || next == -EINVAL;
}

/* Also for an operation that is added to the enum and not to the table above. */
static void every_transition_is_a_state_or_an_errno(struct kunit *test)
{
	int op, state;

	for (op = 0; op < LAB_NR_OPS; op++)
		for (state = 0; state < LAB_NR_STATES; state++)
			KUNIT_EXPECT_TRUE_MSG(test,
					      is_answer(op, lab_transition(op, state)),
					      "op %d in state %d", op, state);
}

/* Nobody may use a page in limbo: the only way out is the return to the page allocator. */
static void limbo_is_left_by_return_alone(struct kunit *test)
{
	int op;

	for (op = 0; op < LAB_NR_OPS; op++)
		KUNIT_EXPECT_EQ(test, lab_transition(op, LAB_LIMBO) >= 0,
				op == LAB_OP_RETURN);
}

static struct kunit_case tag_cases[] = {
	KUNIT_CASE(tag_round_trip),
	KUNIT_CASE(tag_layout_is_as_documented),
	KUNIT_CASE(tag_is_pfn_and_key),
	KUNIT_CASE(step_changes_the_state_alone),
	KUNIT_CASE(stored_state_changes_the_state_alone),
	KUNIT_CASE(no_tag_is_zero),
	KUNIT_CASE(pfn_fits_from_1_up_to_38_bits),
	KUNIT_CASE(transitions_are_as_documented),
	KUNIT_CASE(every_transition_is_a_state_or_an_errno),
	KUNIT_CASE(limbo_is_left_by_return_alone),
	{}
};

static struct kunit_suite tag_suite = {
	.name = "labyrinth_tag",
	.suite_init = context_suite_init,
	.suite_exit = context_suite_exit,
	.init = context_case_init,
	.test_cases = tag_cases,
};

kunit_test_suite(tag_suite);
