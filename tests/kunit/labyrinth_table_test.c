// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner table, tested with small separate tables: the slots that tags go to, the search for
 * tags, and how full a table gets before the first refusal.
 */
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "../../core/table.h"

#include "context.h"

#define OWNER	7

static int table_case_init(struct kunit *test)
{
	context_count_task();
	test->priv = kunit_kzalloc(test, sizeof(struct lab_table), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void table_case_exit(struct kunit *test)
{
	lab_table_exit(test->priv);
}

static struct lab_table *make_table(struct kunit *test, u64 capacity)
{
	struct lab_table *table = test->priv;

	KUNIT_ASSERT_EQ(test, lab_table_init(table, capacity, 0), 0);
	return table;
}

static lab_tag_t held(unsigned long pfn)
{
	return lab_tag_make(pfn, OWNER, LAB_HELD);
}

static void expect_found(struct kunit *test, struct lab_table *table,
			 unsigned long pfn)
{
	lab_tag_t tag;
	struct lab_slot *slot = lab_table_search(table, pfn, &tag);

	KUNIT_ASSERT_NOT_NULL_MSG(test, slot, "pfn %#lx", pfn);
	KUNIT_EXPECT_EQ(test, tag, held(pfn));
	KUNIT_EXPECT_EQ(test, slot->tag, held(pfn));
	KUNIT_EXPECT_PTR_EQ(test, lab_table_find(table, held(pfn)), slot);
}

static void expect_absent(struct kunit *test, struct lab_table *table,
			  unsigned long pfn)
{
	lab_tag_t tag = 1;

	KUNIT_EXPECT_NULL(test, lab_table_search(table, pfn, &tag));
	KUNIT_EXPECT_EQ(test, tag, 0ULL);
	KUNIT_EXPECT_NULL(test, lab_table_find(table, held(pfn)));
}

static void inserted_is_found_removed_is_not(struct kunit *test)
{
	static const unsigned long pfns[] = { 0, 1, 0x12345, BIT(LAB_PFN_BITS) - 1 };
	struct lab_table *table = make_table(test, 64);
	struct lab_slot *slot;
	int i;

	for (i = 0; i < ARRAY_SIZE(pfns); i++) {
		expect_absent(test, table, pfns[i]);
		slot = lab_table_insert(table, held(pfns[i]));
		KUNIT_ASSERT_NOT_NULL(test, slot);
		expect_found(test, table, pfns[i]);
		KUNIT_EXPECT_TRUE(test, lab_table_remove(table, slot,
							 held(pfns[i])));
		expect_absent(test, table, pfns[i]);
	}
	KUNIT_EXPECT_EQ(test, lab_table_used(table), 0UL);
}

/* lab_table_find(), the hot form, compares whole tags: owner and state must match, too. */
static void find_wants_owner_and_state(struct kunit *test)
{
	struct lab_table *table = make_table(test, 64);
	int state;

	KUNIT_ASSERT_NOT_NULL(test, lab_table_insert(table, held(42)));
	for (state = LAB_CACHED; state < LAB_NR_STATES; state++)
		KUNIT_EXPECT_EQ(test, state == LAB_HELD,
				!!lab_table_find(table,
						 lab_tag_make(42, OWNER, state)));
	KUNIT_EXPECT_NULL(test, lab_table_find(table,
					       lab_tag_make(42, OWNER + 1,
							    LAB_HELD)));
}

/* A call that lost the race for a page must not remove the winner's tag. */
static void remove_refuses_another_tag(struct kunit *test)
{
	struct lab_table *table = make_table(test, 64);
	struct lab_slot *slot = lab_table_insert(table, held(42));

	KUNIT_ASSERT_NOT_NULL(test, slot);
	KUNIT_EXPECT_FALSE(test, lab_table_remove(table, slot,
						  lab_tag_make(42, OWNER,
							       LAB_CACHED)));
	expect_found(test, table, 42);
	KUNIT_EXPECT_EQ(test, lab_table_used(table), 1UL);
}

static void pfn_of_too_many_bits_is_absent(struct kunit *test)
{
	struct lab_table *table = make_table(test, 64);
	lab_tag_t tag;
	int bit;

	KUNIT_ASSERT_NOT_NULL(test, lab_table_insert(table, held(42)));
	for (bit = LAB_PFN_BITS; bit < 64; bit++)
		KUNIT_EXPECT_NULL(test, lab_table_search(table,
							 42 | BIT_ULL(bit),
							 &tag));
}

enum place {
	FIRST,
	SECOND,
	STASH,
	NR_PLACES
};

static enum place place_of(const struct lab_table *table,
			   const struct lab_slot *slot)
{
	u64 index = slot - table->slots;
	u64 preferred = lab_table_preferred(table, lab_tag_pfn(slot->tag));

	if (index >= table->nr_slots)
		return STASH;
	if (index / LAB_BUCKET_TAGS == preferred / LAB_BUCKET_TAGS)
		return FIRST;
	return SECOND;
}

/* The lowest pfn, from @pfn on, that has bucket 0 as the first bucket. */
static unsigned long next_collision(const struct lab_table *table,
				    unsigned long pfn)
{
	while (lab_table_preferred(table, pfn) >= LAB_BUCKET_TAGS)
		pfn++;
	return pfn;
}

#define COLLISIONS	96

/*
 * Inserts colliding pfns until both buckets and the stash are full. Returns the number of pfns
 * inserted.
 */
static unsigned int collide(struct kunit *test, struct lab_table *table,
			    unsigned long *pfns, struct lab_slot **slots,
			    unsigned int nr_at[NR_PLACES])
{
	unsigned long pfn = 0;
	unsigned int nr;

	for (nr = 0; nr < COLLISIONS; nr++) {
		pfn = next_collision(table, pfn + 1);
		slots[nr] = lab_table_insert(table, held(pfn));
		if (!slots[nr])
			break;
		pfns[nr] = pfn;
		nr_at[place_of(table, slots[nr])]++;
	}
	return nr;
}

struct collision {
	unsigned long pfns[COLLISIONS];
	struct lab_slot *slots[COLLISIONS];
	unsigned int nr_at[NR_PLACES];
	unsigned int nr;
};

/* A table with two full buckets, and a full stash. */
static struct collision *make_collision(struct kunit *test,
					struct lab_table *table)
{
	struct collision *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->nr = collide(test, table, c->pfns, c->slots, c->nr_at);
	KUNIT_ASSERT_EQ(test, c->nr, 2U * LAB_BUCKET_TAGS + LAB_STASH_TAGS);
	return c;
}

static void colliding_pfns_fill_both_buckets_and_stash(struct kunit *test)
{
	struct lab_table *table = make_table(test, 12);
	struct collision *c = make_collision(test, table);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, c->nr_at[FIRST], (unsigned int)LAB_BUCKET_TAGS);
	KUNIT_EXPECT_EQ(test, c->nr_at[SECOND], (unsigned int)LAB_BUCKET_TAGS);
	KUNIT_EXPECT_EQ(test, c->nr_at[STASH], (unsigned int)LAB_STASH_TAGS);
	for (i = 0; i < c->nr; i++)
		expect_found(test, table, c->pfns[i]);
}

static void full_table_refuses_and_loses_nothing(struct kunit *test)
{
	struct lab_table *table = make_table(test, 12);
	struct collision *c = make_collision(test, table);
	unsigned long pfn = next_collision(table, c->pfns[c->nr - 1] + 1);
	unsigned int i;

	KUNIT_EXPECT_NULL(test, lab_table_insert(table, held(pfn)));
	expect_absent(test, table, pfn);
	KUNIT_EXPECT_EQ(test, lab_table_used(table), (unsigned long)c->nr);
	KUNIT_EXPECT_EQ(test, atomic_read(table->stash_used), LAB_STASH_TAGS);
	for (i = 0; i < c->nr; i++)
		expect_found(test, table, c->pfns[i]);
}

/* Removal leaves no tombstone: a tag removed and inserted again gets the same slot. */
static void removal_makes_room(struct kunit *test)
{
	struct lab_table *table = make_table(test, 12);
	struct collision *c = make_collision(test, table);
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		lab_tag_t tag = held(c->pfns[i]);

		KUNIT_ASSERT_TRUE(test, lab_table_remove(table, c->slots[i], tag));
		KUNIT_EXPECT_PTR_EQ(test, lab_table_insert(table, tag),
				    c->slots[i]);
	}
}

/*
 * Removes the tags, in the order of insertion or backwards. After each removal, the remaining
 * tags must still be found, in both buckets and in the stash.
 */
static void expect_others_found(struct kunit *test, bool backwards)
{
	struct lab_table *table = make_table(test, 12);
	struct collision *c = make_collision(test, table);
	unsigned int i, j, at;

	for (i = 0; i < c->nr; i++) {
		at = backwards ? c->nr - 1 - i : i;
		KUNIT_ASSERT_TRUE(test, lab_table_remove(table, c->slots[at],
							 held(c->pfns[at])));
		expect_absent(test, table, c->pfns[at]);
		for (j = i + 1; j < c->nr; j++)
			expect_found(test, table,
				     c->pfns[backwards ? c->nr - 1 - j : j]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(table->stash_used), 0);
	KUNIT_EXPECT_EQ(test, lab_table_used(table), 0UL);
}

static void removal_from_buckets_keeps_the_stash(struct kunit *test)
{
	expect_others_found(test, false);
}

static void removal_from_the_stash_keeps_the_rest(struct kunit *test)
{
	expect_others_found(test, true);
}

static void walk_visits_every_tag_once(struct kunit *test)
{
	struct lab_table *table = make_table(test, 12);
	struct collision *c = make_collision(test, table);
	DECLARE_BITMAP(seen, COLLISIONS) = {};
	unsigned int i, visits = 0;
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(table, index, tag) {
		visits++;
		KUNIT_EXPECT_EQ(test, table->slots[index].tag, tag);
		for (i = 0; i < c->nr; i++)
			if (held(c->pfns[i]) == tag)
				__set_bit(i, seen);
	}
	KUNIT_EXPECT_EQ(test, visits, c->nr);
	KUNIT_EXPECT_EQ(test, bitmap_weight(seen, COLLISIONS), c->nr);
}

static void walk_of_an_empty_table_ends(struct kunit *test)
{
	struct lab_table *table = make_table(test, 1000);
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(table, index, tag)
		KUNIT_FAIL(test, "tag %#llx at %llu", tag, index);
	KUNIT_EXPECT_EQ(test, index, lab_table_span(table));
}

static void stats_of_one_tag(struct kunit *test)
{
	struct lab_table *table = make_table(test, 64);
	struct lab_table_stats stats;

	KUNIT_ASSERT_NOT_NULL(test, lab_table_insert(table, held(42)));
	lab_table_stats(table, &stats);
	KUNIT_EXPECT_EQ(test, stats.used, 1UL);
	KUNIT_EXPECT_EQ(test, stats.preferred, 1UL);
	KUNIT_EXPECT_EQ(test, stats.second_bucket, 0UL);
	KUNIT_EXPECT_EQ(test, stats.stash_used, 0U);
	KUNIT_EXPECT_EQ(test, stats.longest_probe, 1U);
}

static void stats_of_a_full_table(struct kunit *test)
{
	struct lab_table *table = make_table(test, 12);
	struct collision *c = make_collision(test, table);
	struct lab_table_stats stats;

	lab_table_stats(table, &stats);
	KUNIT_EXPECT_EQ(test, stats.used, (unsigned long)c->nr);
	KUNIT_EXPECT_EQ(test, stats.second_bucket,
			(unsigned long)c->nr_at[SECOND]);
	KUNIT_EXPECT_EQ(test, stats.stash_used, c->nr_at[STASH]);
	/* The preferred slot, two buckets, and all of the stash. */
	KUNIT_EXPECT_EQ(test, stats.longest_probe,
			1U + 2 * LAB_BUCKET_TAGS + LAB_STASH_TAGS);
}

static void impossible_capacities_are_refused(struct kunit *test)
{
	struct lab_table *table = test->priv;

	KUNIT_EXPECT_EQ(test, lab_table_init(table, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, lab_table_init(table, 1ULL << 32, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, lab_table_init(table, U64_MAX, 0), -EINVAL);
}

/* The contract is 16 bytes for each page that may be owned, or less. */
static void table_costs_at_most_16_bytes_a_page(struct kunit *test)
{
	struct lab_table *table = make_table(test, 65536);

	KUNIT_EXPECT_LE(test, lab_table_span(table) * sizeof(lab_tag_t),
			16 * table->capacity);
}

#define FILL_CAPACITY	65536

struct fill {
	const char *name;
	unsigned int stride;	/* 0: at random */
};

static const struct fill fills[] = {
	{ "contiguous", 1 },
	{ "stride 7", 7 },
	{ "stride 512", 512 },
	{ "stride 4096", 4096 },
	{ "random", 0 },
};

static void fill_desc(const struct fill *fill, char *desc)
{
	strscpy(desc, fill->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fill, fills, fill_desc);

/* A pfn that is not in the table yet: nobody may insert a pfn twice. */
static unsigned long random_pfn(struct lab_table *table, struct rnd_state *rnd)
{
	unsigned long pfn;
	lab_tag_t tag;

	do {
		pfn = (u64)prandom_u32_state(rnd) << 8;
		pfn ^= prandom_u32_state(rnd);
		pfn &= BIT(LAB_PFN_BITS) - 1;
	} while (lab_table_search(table, pfn, &tag));
	return pfn;
}

/* Inserts frames until the table refuses a frame. Returns the number of frames inserted. */
static unsigned long fill_up(struct lab_table *table, const struct fill *fill)
{
	unsigned long pfn = 0x100000;
	struct rnd_state rnd;
	unsigned long nr = 0;

	prandom_seed_state(&rnd, 20240229);
	do {
		pfn = fill->stride ? pfn + fill->stride :
				     random_pfn(table, &rnd);
		nr++;
	} while (lab_table_insert(table, held(pfn)));
	return nr - 1;
}

static void fill_reaches_nine_tenths(struct kunit *test)
{
	const struct fill *fill = test->param_value;
	struct lab_table *table = make_table(test, FILL_CAPACITY);
	unsigned long nr = fill_up(table, fill);
	unsigned long permille = nr * 1000 / FILL_CAPACITY;

	kunit_info(test, "fill %s: %lu.%lu %% of %u before the first refusal\n",
		   fill->name, permille / 10, permille % 10, FILL_CAPACITY);
	KUNIT_EXPECT_GE(test, nr * 10, 9UL * FILL_CAPACITY);
	KUNIT_EXPECT_EQ(test, lab_table_used(table), nr);
}

/* Machines too large for a table in this test: the slots are simulated, a bit each. */
struct large {
	const char *name;
	u64 capacity;
	u64 frames;
};

static const struct large larges[] = {
	{ "12.6M of 16.8M", 12582912, 16777216 },
	{ "12.6M of 16.8M, odd", 12600001, 16800001 },
	{ "16M of 16.8M", 16000000, 16777216 },
	{ "201M of 268M", 201326592, 268435456 },
};

static void large_desc(const struct large *large, char *desc)
{
	strscpy(desc, large->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(large, larges, large_desc);

struct simulated {
	struct lab_table table;
	u8 *buckets;			/* a bit for each slot in use */
	unsigned int stash;
	u64 elsewhere;			/* tags outside their preferred slot */
};

static bool simulate_bucket(u8 *bucket, unsigned int start)
{
	unsigned int i;

	for (i = 0; i < LAB_BUCKET_TAGS; i++) {
		u8 bit = BIT((start + i) % LAB_BUCKET_TAGS);

		if (!(*bucket & bit)) {
			*bucket |= bit;
			return true;
		}
	}
	return false;
}

/* As lab_table_insert(), by the same hashes. */
static bool simulate_insert(struct simulated *sim, unsigned long pfn)
{
	u64 preferred = lab_table_preferred(&sim->table, pfn);
	u8 *first = &sim->buckets[preferred / LAB_BUCKET_TAGS];
	u8 *second = &sim->buckets[lab_table_second(&sim->table, pfn) / LAB_BUCKET_TAGS];
	unsigned int start = preferred % LAB_BUCKET_TAGS;

	if (!(*first & BIT(start))) {
		*first |= BIT(start);
		return true;
	}
	sim->elsewhere++;
	if (hweight8(*first) <= hweight8(*second) && simulate_bucket(first, start))
		return true;
	return simulate_bucket(second, 0) || simulate_bucket(first, start) ||
	       sim->stash++ < LAB_STASH_TAGS;
}

/* The stated capacity is kept at any size, and each frame has a slot of its own. */
static void large_table_keeps_its_capacity(struct kunit *test)
{
	const struct large *large = test->param_value;
	struct simulated sim = {};
	u64 i, refused = 0;

	lab_table_shape(&sim.table, large->capacity, large->frames);
	sim.buckets = vzalloc(sim.table.nr_slots / LAB_BUCKET_TAGS);
	KUNIT_ASSERT_NOT_NULL(test, sim.buckets);
	for (i = 0; i < large->capacity; i++) {
		refused += !simulate_insert(&sim, div64_u64(i * large->frames, large->capacity));
		if (!(i % SZ_1M))
			cond_resched();
	}
	vfree(sim.buckets);
	kunit_info(test, "%s: %llu slots, %llu tags elsewhere, %u in the stash\n", large->name,
		   sim.table.nr_slots, sim.elsewhere, sim.stash);
	KUNIT_EXPECT_EQ(test, refused, 0);
	KUNIT_EXPECT_EQ(test, sim.elsewhere, 0);
	KUNIT_EXPECT_LE(test, sim.table.nr_slots, large->capacity * 3 / 2 + LAB_BUCKET_TAGS);
}

/* In a table with a slot for every frame, every tag is in the preferred slot. */
static void frame_has_its_own_slot_if_there_are_as_many(struct kunit *test)
{
	struct lab_table *table = make_table(test, 1024);
	struct lab_table_stats stats;
	unsigned long pfn;

	lab_table_exit(table);
	KUNIT_ASSERT_EQ(test, lab_table_init(table, 30000, 40000), 0);
	for (pfn = 1; pfn < 40000; pfn += 2)
		KUNIT_EXPECT_NOT_NULL(test, lab_table_insert(table, held(pfn)));
	lab_table_stats(table, &stats);
	KUNIT_EXPECT_EQ(test, stats.preferred, stats.used);
}

/* A table with fewer slots than frames, and a hint for each frame: 1,376 slots, 4,096 frames. */
#define HINTED_CAPACITY	1000
#define HINTED_FRAMES	4096

/* Inserts every fourth frame. Returns how many stand in other slots than the preferred. */
static unsigned int fill_hinted(struct kunit *test, struct lab_table *table)
{
	unsigned int displaced = 0;
	unsigned long pfn;

	KUNIT_ASSERT_EQ(test, lab_table_init(table, HINTED_CAPACITY, HINTED_FRAMES), 0);
	for (pfn = 3; pfn < HINTED_FRAMES; pfn += 4) {
		/* Far from each other, in an order that no hash has. */
		unsigned long at = pfn * 2731 % HINTED_FRAMES;
		struct lab_slot *slot = lab_table_insert(table, held(at));

		KUNIT_ASSERT_NOT_NULL(test, slot);
		displaced += slot != &table->slots[lab_table_preferred(table, at)];
	}
	return displaced;
}

/* Each page that is not in the preferred slot is where the hint says: a look-up reads two tags. */
static void displaced_page_is_where_the_hint_says(struct kunit *test)
{
	struct lab_table *table = test->priv;
	unsigned int displaced = fill_hinted(test, table), seen = 0;
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(table, index, tag) {
		unsigned long pfn = lab_tag_pfn(tag);

		if (index == lab_table_preferred(table, pfn))
			continue;
		seen++;
		KUNIT_EXPECT_PTR_EQ(test, lab_table_hinted(table, pfn), &table->slots[index]);
	}
	kunit_info(test, "%u of %lu pages are not in their preferred slot\n", displaced,
		   lab_table_used(table));
	KUNIT_EXPECT_EQ(test, seen, displaced);
	KUNIT_EXPECT_GT(test, displaced, 100U);
}

/* Whatever the hints say, each page that is there is found, and no other. */
static void wrong_hint_does_no_harm(struct kunit *test)
{
	struct lab_table *table = test->priv;
	unsigned long pfn;

	fill_hinted(test, table);
	for (pfn = 0; pfn < HINTED_FRAMES; pfn++)
		*lab_table_hint(table, table->slots, pfn) =
			*lab_table_hint(table, table->slots, pfn ^ 4);
	for (pfn = 0; pfn < HINTED_FRAMES; pfn++) {
		/* The frames of fill_hinted(). */
		if (pfn % 4 == 1)
			expect_found(test, table, pfn);
		else
			expect_absent(test, table, pfn);
	}
}

/* Any number at all has a hint, and the hint leads to a slot of the table. */
static void hint_of_any_number_is_in_the_table(struct kunit *test)
{
	struct lab_table *table = test->priv;
	int bit;

	fill_hinted(test, table);
	for (bit = 0; bit < 64; bit++) {
		struct lab_slot *slot = lab_table_hinted(table, BIT_ULL(bit) - 1);

		KUNIT_EXPECT_GE(test, slot - table->slots, 0L);
		KUNIT_EXPECT_LT(test, slot - table->slots, (long)lab_table_span(table));
	}
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(inserted_is_found_removed_is_not),
	KUNIT_CASE(find_wants_owner_and_state),
	KUNIT_CASE(remove_refuses_another_tag),
	KUNIT_CASE(pfn_of_too_many_bits_is_absent),
	KUNIT_CASE(colliding_pfns_fill_both_buckets_and_stash),
	KUNIT_CASE(full_table_refuses_and_loses_nothing),
	KUNIT_CASE(removal_makes_room),
	KUNIT_CASE(removal_from_buckets_keeps_the_stash),
	KUNIT_CASE(removal_from_the_stash_keeps_the_rest),
	KUNIT_CASE(walk_visits_every_tag_once),
	KUNIT_CASE(walk_of_an_empty_table_ends),
	KUNIT_CASE(stats_of_one_tag),
	KUNIT_CASE(stats_of_a_full_table),
	KUNIT_CASE(impossible_capacities_are_refused),
	KUNIT_CASE(table_costs_at_most_16_bytes_a_page),
	KUNIT_CASE(frame_has_its_own_slot_if_there_are_as_many),
	KUNIT_CASE(displaced_page_is_where_the_hint_says),
	KUNIT_CASE(wrong_hint_does_no_harm),
	KUNIT_CASE(hint_of_any_number_is_in_the_table),
	KUNIT_CASE_PARAM(large_table_keeps_its_capacity, large_gen_params),
	KUNIT_CASE_PARAM(fill_reaches_nine_tenths, fill_gen_params),
	{}
};

static struct kunit_suite table_suite = {
	.name = "labyrinth_table",
	.suite_init = context_suite_init,
	.suite_exit = context_suite_exit,
	.init = table_case_init,
	.exit = table_case_exit,
	.test_cases = table_cases,
};

kunit_test_suite(table_suite);
