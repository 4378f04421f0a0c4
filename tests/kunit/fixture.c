// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners that end with the test that made them, and snapshots. No state is
 * owned here: KUnit's list of a test's resources holds the owners.
 */
#include <kunit/resource.h>
#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "../../core/table.h"
#include "../../page/limbo.h"

#include "fixture.h"

static int owner_init(struct kunit_resource *res, void *attrs)
{
	res->data = labyrinth_owner_create(attrs);
	return PTR_ERR_OR_ZERO(res->data);
}

/* The test may have destroyed the owner already. */
static void owner_free(struct kunit_resource *res)
{
	if (handle_lives(res->data))
		labyrinth_owner_destroy(res->data);
}

struct labyrinth_owner *make_owner_attrs(struct kunit *test,
					 struct labyrinth_owner_attrs attrs)
{
	struct labyrinth_owner *owner;

	owner = kunit_alloc_resource(test, owner_init, owner_free, GFP_KERNEL,
				     &attrs);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owner);
	return owner;
}

struct labyrinth_owner *make_owner(struct kunit *test, const char *name,
				   unsigned long flags)
{
	return make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .flags = flags,
	});
}

struct labyrinth_owner *make_stale(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-stale", 0);

	KUNIT_ASSERT_EQ(test, labyrinth_owner_destroy(owner), 0U);
	return owner;
}

void *make_page(struct kunit *test, struct labyrinth_owner *owner)
{
	void *addr = alloc_exclusive(owner);

	KUNIT_ASSERT_NOT_NULL(test, addr);
	return addr;
}

/* More than a cache takes from the page allocator at a time. */
#define CACHE_MOST	200U

bool comes_home(struct labyrinth_owner *owner, const void *page)
{
	static void *others[CACHE_MOST];
	unsigned int nr = 0;
	void *next;

	while ((next = alloc_exclusive(owner)) && next != page && nr < CACHE_MOST)
		others[nr++] = next;
	if (next && next != page)
		labyrinth_free_page(owner, next);
	while (nr)
		labyrinth_free_page(owner, others[--nr]);
	return next == page;
}

struct census count_tags(const struct labyrinth_owner *handle)
{
	unsigned int id = lab_owner_id(lab_owner_slot(handle));
	struct census census = {};
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(&labyrinth_hot.table, index, tag)
		if (lab_tag_owner(tag) == id)
			census.nr[lab_tag_state(tag)]++;
	return census;
}

struct page_view view_page(void *addr)
{
	struct page *page = virt_to_page(addr);
	struct labyrinth_page_info info = {};
	int err = labyrinth_query(addr, &info);

	return (struct page_view) {
		.err = err,
		.state = info.state,
		.owner_id = info.owner_id,
		.site = info.site,
		.refs = page_ref_count(page),
		.offline = PageOffline(page),
		.content = crc32_le(~0, addr, PAGE_SIZE),
	};
}

void expect_same_page(struct kunit *test, const struct page_view *was,
		      const struct page_view *is, const char *what)
{
	KUNIT_EXPECT_EQ_MSG(test, is->err, was->err, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, is->state, was->state, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, is->owner_id, was->owner_id, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, is->site, was->site, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, is->refs, was->refs, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, is->offline, was->offline, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, is->content, was->content, "%s", what);
}

void fill_page(void *addr, unsigned int seed)
{
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	prandom_bytes_state(&rnd, addr, PAGE_SIZE);
}

bool wait_for_limbo(void)
{
	int i;

	for (i = 0; i < 100 && lab_limbo_count(); i++)
		msleep(50);
	return !lab_limbo_count();
}
