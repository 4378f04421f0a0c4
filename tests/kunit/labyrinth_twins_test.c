// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that make, look up and end mappings for DMA have a fast form and a general form.
 * Both forms must answer alike, for every state of the page and all arguments. An owner with a
 * quota is served by the general form alone. (The suite labyrinth_api compares the two forms of
 * other calls: owners with and without a quota share the same table of answers there.)
 *
 * The expected answers are written by hand from the documentation. Where the kernel has no
 * DMA at all, as User-Mode Linux, nothing gets mapped: the rows of refused calls remain.
 */
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/platform_device.h>

#include "../../labyrinth_alloc.h"
#include "../../report/report.h"

#include "context.h"
#include "fixture.h"

enum forms { FAST, GENERAL, NR_FORMS };

enum state {
	ABSENT,		/* an ordinary page */
	CACHED,		/* freed before */
	HELD,
	LENT,
	OTHERS,		/* held by another owner */
	MAPPED,		/* by map_right() */
	MAPPED_TWICE,
	NR_STATES
};

static const char * const state_names[] = {
	"absent", "cached", "held", "lent", "another's", "mapped", "mapped twice",
};

static_assert(ARRAY_SIZE(state_names) == NR_STATES);

enum arguments {
	RIGHT,
	NO_DEVICE,
	WRONG_DEVICE,
	NO_SIZE,
	TOO_LONG,
	NO_DIRECTION,
	OTHER_SIZE,	/* map: a size as good as SIZE; unmap: not the mapping's size */
	OTHER_DIRECTION,
	OTHER_ADDRESS,	/* map: NULL for the result; unmap: not the mapping's address */
	NR_ARGUMENTS
};

static const char * const argument_names[] = {
	"right", "no device", "wrong device", "no size", "too long", "no direction",
	"other size", "other direction", "other address",
};

static_assert(ARRAY_SIZE(argument_names) == NR_ARGUMENTS);

#define SIZE	512

/* The answers of map for a page that the owner may map. */
static const int map_answers[NR_ARGUMENTS] = {
	[NO_DEVICE] = -EPERM, [WRONG_DEVICE] = -EPERM, [NO_SIZE] = -EINVAL,
	[TOO_LONG] = -EINVAL, [NO_DIRECTION] = -EINVAL, [OTHER_ADDRESS] = -EINVAL,
};

/* The answers of unmap for a page that the owner has mapped. */
static const int unmap_answers[NR_ARGUMENTS] = {
	[NO_DEVICE] = -EPERM, [WRONG_DEVICE] = -EPERM, [NO_SIZE] = -EINVAL,
	[TOO_LONG] = -EINVAL, [NO_DIRECTION] = -EINVAL, [OTHER_SIZE] = -EINVAL,
	[OTHER_DIRECTION] = -EINVAL, [OTHER_ADDRESS] = -EINVAL,
};

static const int map_states[NR_STATES] = {
	[ABSENT] = -ENOENT, [CACHED] = -ENOENT, [LENT] = -EBUSY, [OTHERS] = -EPERM,
};

static const int unmap_states[NR_STATES] = {
	[ABSENT] = -ENOENT, [CACHED] = -ENOENT, [HELD] = -ENOENT, [LENT] = -ENOENT,
	[OTHERS] = -EPERM,
};

/* The answer of a call, and the page and the reports after the call. */
struct outcome {
	int err;
	int query;
	enum labyrinth_page_state state;
	int refs;
	bool told;		/* the call has written a DMA address */
	unsigned long reports[LAB_NR_CLASSES];
};

struct twins {
	struct platform_device *device, *wrong_device;
	struct labyrinth_owner *owners[NR_FORMS], *other;
	bool has_dma;

	/* The row's page, and the page's mappings. */
	struct labyrinth_owner *owner;
	void *addr;
	dma_addr_t dma;
	unsigned int maps;
	bool lent;
};

static int map_right(struct twins *t, dma_addr_t *dma)
{
	return labyrinth_dma_map(t->owner, &t->device->dev, t->addr, 0, SIZE,
				 DMA_FROM_DEVICE, dma);
}

static void make_state(struct kunit *test, struct twins *t, enum state state)
{
	t->maps = 0;
	t->lent = state == LENT;
	if (state == ABSENT) {
		t->addr = (void *)__get_free_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, t->addr);
		return;
	}
	t->addr = make_page(test, state == OTHERS ? t->other : t->owner);
	if (state == CACHED)
		KUNIT_ASSERT_EQ(test, labyrinth_free_page(t->owner, t->addr), 0);
	if (t->lent)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, labyrinth_lend(t->owner, t->addr));
	for (; state >= MAPPED && t->maps <= state - MAPPED; t->maps++)
		KUNIT_ASSERT_EQ(test, map_right(t, &t->dma), 0);
}

static void end_state(struct kunit *test, struct twins *t, enum state state)
{
	if (state == ABSENT)
		return free_page((unsigned long)t->addr);
	if (t->lent) {
		put_page(virt_to_page(t->addr));
		KUNIT_EXPECT_EQ(test, labyrinth_reclaim(t->owner, t->addr), 0);
	}
	if (state != CACHED)
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(state == OTHERS ? t->other : t->owner,
							  t->addr), 0);
}

static struct device *device_of(const struct twins *t, enum arguments argument)
{
	if (argument == NO_DEVICE)
		return NULL;
	return argument == WRONG_DEVICE ? &t->wrong_device->dev : &t->device->dev;
}

static size_t size_of(enum arguments argument)
{
	switch (argument) {
	case NO_SIZE:
		return 0;
	case TOO_LONG:
		return PAGE_SIZE + 1;
	case OTHER_SIZE:
		return SIZE / 2;
	default:
		return SIZE;
	}
}

static enum dma_data_direction direction_of(enum arguments argument)
{
	if (argument == NO_DIRECTION)
		return DMA_NONE;
	return argument == OTHER_DIRECTION ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

#define UNTOUCHED	((dma_addr_t)0x5a5a5a5a)

static int call_map(struct twins *t, enum arguments argument, bool *told)
{
	dma_addr_t dma = UNTOUCHED;
	int err = labyrinth_dma_map(t->owner, device_of(t, argument), t->addr, 0,
				    size_of(argument), direction_of(argument),
				    argument == OTHER_ADDRESS ? NULL : &dma);

	*told = dma != UNTOUCHED;
	if (!err)
		err = labyrinth_dma_unmap(t->owner, device_of(t, argument), t->addr, dma,
					  size_of(argument), direction_of(argument));
	return err;
}

static int call_unmap(struct twins *t, enum arguments argument)
{
	int err = labyrinth_dma_unmap(t->owner, device_of(t, argument), t->addr,
				      t->dma + (argument == OTHER_ADDRESS),
				      size_of(argument), direction_of(argument));

	t->maps -= !err;
	return err;
}

static void look(struct twins *t, struct outcome *outcome)
{
	struct labyrinth_page_info info = {};
	int class;

	outcome->query = labyrinth_query(t->addr, &info);
	outcome->state = info.state;
	outcome->refs = info.refs;
	for (class = 0; class < LAB_NR_CLASSES; class++)
		outcome->reports[class] = lab_report_count(class) - outcome->reports[class];
}

static struct outcome run_form(struct kunit *test, struct twins *t, enum forms form,
			       bool unmap, enum state state, enum arguments argument)
{
	struct outcome outcome = {};
	int class;

	t->owner = t->owners[form];
	make_state(test, t, state);
	for (class = 0; class < LAB_NR_CLASSES; class++)
		outcome.reports[class] = lab_report_count(class);
	outcome.err = unmap ? call_unmap(t, argument) : call_map(t, argument, &outcome.told);
	look(t, &outcome);
	while (t->maps--)
		KUNIT_EXPECT_EQ(test, labyrinth_dma_unmap(t->owner, &t->device->dev, t->addr,
							  t->dma, SIZE, DMA_FROM_DEVICE), 0);
	end_state(test, t, state);
	return outcome;
}

static int expected_answer(const struct twins *t, bool unmap, enum state state,
			   enum arguments argument)
{
	int err = unmap ? unmap_states[state] : map_states[state];

	if (!err)
		err = unmap ? unmap_answers[argument] : map_answers[argument];
	return err || t->has_dma ? err : -ENOMEM;
}

static void run_row(struct kunit *test, struct twins *t, bool unmap, enum state state,
		    enum arguments argument)
{
	const char *what = argument_names[argument], *of = state_names[state];
	struct outcome fast = run_form(test, t, FAST, unmap, state, argument);
	struct outcome general = run_form(test, t, GENERAL, unmap, state, argument);
	int expected = expected_answer(t, unmap, state, argument);
	int class;

	context_count_task();
	KUNIT_EXPECT_EQ_MSG(test, fast.err, expected, "%s, page %s", what, of);
	KUNIT_EXPECT_EQ_MSG(test, general.err, expected, "%s, page %s", what, of);
	KUNIT_EXPECT_EQ_MSG(test, fast.query, general.query, "%s, page %s", what, of);
	KUNIT_EXPECT_EQ_MSG(test, fast.state, general.state, "%s, page %s", what, of);
	KUNIT_EXPECT_EQ_MSG(test, fast.refs, general.refs, "%s, page %s", what, of);
	KUNIT_EXPECT_EQ_MSG(test, fast.told, general.told, "%s, page %s", what, of);
	for (class = 0; class < LAB_NR_CLASSES; class++)
		KUNIT_EXPECT_EQ_MSG(test, fast.reports[class], general.reports[class],
				    "%s, page %s, class %d", what, of, class);
}

static void run_rows(struct kunit *test, bool unmap)
{
	struct twins *t = test->priv;
	enum arguments argument;
	enum state state;

	for (state = 0; state < (t->has_dma ? NR_STATES : MAPPED); state++)
		for (argument = 0; argument < NR_ARGUMENTS; argument++)
			run_row(test, t, unmap, state, argument);
}

static void both_forms_map_alike(struct kunit *test)
{
	run_rows(test, false);
}

static void both_forms_unmap_alike(struct kunit *test)
{
	run_rows(test, true);
}

/* Else the rows above would compare a form with the same form. */
static void each_form_serves_its_owner(struct kunit *test)
{
	struct twins *t = test->priv;

	context_count_task();
	KUNIT_EXPECT_TRUE(test, lab_is_fast(lab_front_of(t->owners[FAST]), t->owners[FAST]));
	KUNIT_EXPECT_FALSE(test, lab_is_fast(lab_front_of(t->owners[GENERAL]),
					     t->owners[GENERAL]));
}

static struct platform_device *make_device(const char *name)
{
	struct platform_device *device;

	device = platform_device_register_simple(name, PLATFORM_DEVID_AUTO, NULL, 0);
	return IS_ERR(device) ? NULL : device;
}

static int twins_case_init(struct kunit *test)
{
	struct twins *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int form;

	if (!t)
		return -ENOMEM;
	test->priv = t;
	t->device = make_device("labyrinth-kunit");
	t->wrong_device = make_device("labyrinth-kunit-wrong");
	if (!t->device || !t->wrong_device)
		return -ENOMEM;
	for (form = 0; form < NR_FORMS; form++)
		t->owners[form] = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
			.name = "kunit-twin", .nid = NUMA_NO_NODE,
			.dev = &t->device->dev,
			.max_pages = form == GENERAL ? 100 : 0,
		});
	t->other = make_owner(test, "kunit-other", 0);
	t->has_dma = IS_ENABLED(CONFIG_HAS_DMA);
	return 0;
}

/* KUnit destroys the owners after this exit. Until then the owners have device references. */
static void twins_case_exit(struct kunit *test)
{
	struct twins *t = test->priv;

	if (!t)
		return;
	if (t->device)
		platform_device_unregister(t->device);
	if (t->wrong_device)
		platform_device_unregister(t->wrong_device);
}

static struct kunit_case twins_cases[] = {
	KUNIT_CASE(each_form_serves_its_owner),
	KUNIT_CASE(both_forms_map_alike),
	KUNIT_CASE(both_forms_unmap_alike),
	{}
};

static struct kunit_suite twins_suite = {
	.name = "labyrinth_twins",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = twins_case_init,
	.exit = twins_case_exit,
	.test_cases = twins_cases,
};

kunit_test_suite(twins_suite);
