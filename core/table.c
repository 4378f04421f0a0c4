// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner table. The state owned here is the memory of tags and notes. The comments beside
 * the states in inline/tag.h say which code may change a tag.
 *
 * A table with a slot for every frame keeps each tag in the slot that the pfn prefers. In a
 * smaller table a pfn has two candidate buckets: the bucket of the preferred slot, and a bucket
 * from an independent hash. A new tag goes into the preferred slot while the first bucket is less
 * than half full, else into the emptier of the two (Azar, Broder, Karlin, Upfal, "Balanced
 * allocations", 1994), else into a stash. Three eighths more slots than the stated capacity keep
 * the stash unused: scripts/simulate.sh and tests/kunit/labyrinth_table_test.c print the figures.
 *
 * Why no lock is needed:
 *
 * - A tag stays in the same slot from insertion to removal, so no look-up misses a tag that
 *   moves.
 * - A pfn is in the table at most once. The CPU that inserts a pfn has the frame to itself: the
 *   frame is just out of the page allocator, or frozen by adopt. So no other CPU inserts that
 *   pfn.
 * - Insertion is a compare-and-exchange of an empty slot. Two CPUs that race for a slot insert
 *   different pfns; the loser takes the next slot.
 * - Removal is a compare-and-exchange of the tag for 0.
 * - A look-up is plain loads of single words. Code that was given a page finds the tag, since
 *   the insertion's cmpxchg() is a full barrier before anything that publishes the page. A
 *   look-up of a foreign page may race with a change of the tag, and finds the old tag or the
 *   new; both answers were true a moment ago.
 * - A hint says in which slot a tag stands that is not in the preferred slot. A look-up compares
 *   the tag there, as anywhere. Where the hint says another slot, since another page of the same
 *   hint was inserted since, the look-up goes on in the buckets. So a hint may be written at any
 *   time, by a plain store.
 * - A look-up in an NMI or in a panic finds every slot before or after each change, and never
 *   waits.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "core/table.h"
#include "inline/resident.h"
#include "labyrinth_compat.h"

/*
 * How many hints there are for each slot, at most: half of the slots' bytes. The fewest fill a
 * page, so that the slots begin at a page.
 */
#define HINTS_MIN	(PAGE_SIZE / sizeof(u32))
#define HINTS_EACH_SLOT	4
/* So that lab_table.no_hint fits. */
#define HINTS_MAX	BIT_ULL(30)

/* How far apart the counts behind the stash are. */
#define COUNTS_SLOTS	(SMP_CACHE_BYTES / sizeof(struct lab_slot))

/* With more tags, slot numbers would not fit 31 bits, see LAB_LIMBO_NEXT_BITS. */
#define LAB_CAPACITY_MAX	(S32_MAX / 3 * 2U - LAB_STASH_TAGS)

/* See count_tag(). */
#define ROUGH_STEP	64L

/* An owner has a count for each segment. */
#define LAB_SEGMENT_SHIFT_MIN	8
#define LAB_SEGMENTS_MAX	2048

/* How often a whole table was walked: a walk's cost is the table's size. */
static atomic_long_t nr_walks;

static u64 bucket_of(u64 index)
{
	return index & ~(u64)(LAB_BUCKET_TAGS - 1);
}

static unsigned int bucket_free(const struct lab_slot *bucket)
{
	unsigned int i, nr = 0;

	for (i = 0; i < LAB_BUCKET_TAGS; i++)
		nr += !READ_ONCE(bucket[i].tag);
	return nr;
}

/* Whether each frame prefers a different slot. */
static bool is_direct(const struct lab_table *table)
{
	return table->multiplier != GOLDEN_RATIO_32;
}

/*
 * Notes that @pfn stands in @slot. Of slots so far behind that the word has no room there is no
 * hint.
 */
static void note_hint(const struct lab_table *table, unsigned long pfn, const struct lab_slot *slot)
{
	u64 hint = ((const void *)slot - (const void *)table->slots) / LAB_HINT_BYTES;

	if (hint <= U32_MAX)
		WRITE_ONCE(*lab_table_hint(table, table->slots, pfn), hint);
}

/* Puts @tag into the first empty slot of @nr slots, beginning at @start. */
static struct lab_slot *slots_insert(struct lab_slot *slots, unsigned int nr,
				     unsigned int start, lab_tag_t tag)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct lab_slot *slot = &slots[(start + i) % nr];

		/*
		 * A full barrier: the tag is in the table before the page is published. Pairs
		 * with the way by which the page's address comes to a reader; see the top of
		 * this file.
		 */
		if (!READ_ONCE(slot->tag) && !cmpxchg(&slot->tag, 0, tag))
			return slot;
	}
	return NULL;
}

static struct lab_slot *stash_insert(struct lab_table *table, lab_tag_t tag)
{
	struct lab_slot *slot;

	/*
	 * The count rises before the tag goes in, and (in lab_table_remove()) falls after the
	 * tag is out: a reader that must find the tag also finds the count. The cmpxchg() in
	 * slots_insert() orders the two. Pairs with the smp_rmb() in stash_search().
	 */
	atomic_inc(table->stash_used);
	slot = slots_insert(&table->slots[lab_table_stash(table, lab_tag_pfn(tag))],
			    LAB_STASH_TAGS, 0, tag);
	if (!slot)
		atomic_dec(table->stash_used);
	return slot;
}

static bool in_stash(const struct lab_table *table, const struct lab_slot *slot)
{
	return slot >= table->slots + table->nr_slots;
}

/*
 * The CPUs' counts in steps of ROUGH_STEP: a CPU whose count passes a multiple of the step, up or
 * down, changes table->rough by a step.
 */
static void count_tag(const struct lab_table *table)
{
	if (unlikely(!(this_cpu_inc_return(*table->used) % ROUGH_STEP)))
		atomic_long_add(ROUGH_STEP, table->rough);
}

static void uncount_tag(const struct lab_table *table)
{
	if (unlikely(!((this_cpu_dec_return(*table->used) + 1) % ROUGH_STEP)))
		atomic_long_sub(ROUGH_STEP, table->rough);
}

/*
 * Returns the slot that now holds @tag, or NULL where neither bucket nor the stash has room.
 * The caller has the frame to itself.
 * Context: Any.
 */
struct lab_slot *lab_table_insert(struct lab_table *table, lab_tag_t tag)
{
	unsigned long pfn = lab_tag_pfn(tag);
	u64 preferred = lab_table_preferred(table, pfn);
	struct lab_slot *first = &table->slots[bucket_of(preferred)];
	struct lab_slot *second = &table->slots[lab_table_second(table, pfn)];
	unsigned int start = preferred % LAB_BUCKET_TAGS;
	unsigned int room = bucket_free(first);
	struct lab_slot *slot = NULL;

	if (is_direct(table) || room > LAB_BUCKET_TAGS / 2)
		slot = slots_insert(&table->slots[preferred], 1, 0, tag);
	if (!slot && room >= bucket_free(second))
		slot = slots_insert(first, LAB_BUCKET_TAGS, start, tag);
	if (!slot)
		slot = slots_insert(second, LAB_BUCKET_TAGS, 0, tag);
	if (!slot)
		slot = slots_insert(first, LAB_BUCKET_TAGS, start, tag);
	if (!slot)
		slot = stash_insert(table, tag);
	if (!slot)
		return NULL;
	if (slot != &table->slots[preferred])
		note_hint(table, pfn, slot);
	count_tag(table);
	return slot;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_insert);

/*
 * Empties @slot if the slot still holds @tag.
 * Context: Any. Return: false where another call changed the tag first.
 */
bool lab_table_remove(struct lab_table *table, struct lab_slot *slot, lab_tag_t tag)
{
	/*
	 * A full barrier. Pairs with the cmpxchg() of the insertion that takes the slot next:
	 * all work under the old tag is over before a new tag stands here.
	 */
	if (cmpxchg(&slot->tag, tag, 0) != tag)
		return false;
	if (unlikely(in_stash(table, slot)))
		atomic_dec(table->stash_used);
	uncount_tag(table);
	return true;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_remove);

static const struct lab_slot *slots_search(const struct lab_slot *slots, unsigned int nr,
					   unsigned long pfn, lab_tag_t *tag)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		*tag = READ_ONCE(slots[i].tag);
		if (*tag && lab_tag_pfn(*tag) == pfn)
			return &slots[i];
	}
	return NULL;
}

static const struct lab_slot *stash_search(const struct lab_table *table,
					   unsigned long pfn, lab_tag_t *tag)
{
	/*
	 * Pairs with atomic_inc() and cmpxchg() in stash_insert(): a reader to whom the page
	 * came after the insertion sees the count.
	 */
	smp_rmb();
	if (likely(!atomic_read(table->stash_used)))
		return NULL;
	return slots_search(&table->slots[lab_table_stash(table, pfn)], LAB_STASH_TAGS, pfn, tag);
}

/* The two slots in which nearly every tag stands: the preferred slot, and the hinted. */
static const struct lab_slot *quick_search(const struct lab_table *table, unsigned long pfn,
					   lab_tag_t *tag)
{
	const struct lab_slot *slot = &table->slots[lab_table_preferred(table, pfn)];

	return slots_search(slot, 1, pfn, tag) ?:
	       slots_search(lab_table_hinted(table, pfn), 1, pfn, tag);
}

/*
 * Finds the tag of @pfn, of any owner: the slot, and a copy of the tag in @tag. NULL, and 0 in
 * @tag, where @pfn has no tag.
 * Context: Any, NMI included. Never waits.
 */
struct lab_slot *lab_table_search(const struct lab_table *table, unsigned long pfn,
				  lab_tag_t *tag)
{
	const struct lab_slot *slot = NULL;

	if (likely(pfn <= LAB_PFN_MASK)) {
		u64 first = bucket_of(lab_table_preferred(table, pfn));

		slot = quick_search(table, pfn, tag);
		if (!slot)
			slot = slots_search(&table->slots[first], LAB_BUCKET_TAGS, pfn, tag);
		if (!slot)
			slot = slots_search(&table->slots[lab_table_second(table, pfn)],
					    LAB_BUCKET_TAGS, pfn, tag);
		if (!slot)
			slot = stash_search(table, pfn, tag);
	}
	if (!slot)
		*tag = 0;
	return (struct lab_slot *)slot;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_search);

static __always_inline struct lab_slot *
slots_find(struct lab_slot *slots, unsigned int nr, lab_tag_t expected)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (READ_ONCE(slots[i].tag) == expected)
			return &slots[i];
	return NULL;
}

static noinline struct lab_slot *stash_find(const struct lab_table *table, lab_tag_t expected)
{
	/* Pairs with stash_insert(), as in stash_search(). */
	smp_rmb();
	if (likely(!atomic_read(table->stash_used)))
		return NULL;
	return slots_find(&table->slots[lab_table_stash(table, lab_tag_pfn(expected))],
			  LAB_STASH_TAGS, expected);
}

/* lab_table_find(), where the preferred and the hinted slot have other tags. */
struct lab_slot *lab_table_find_slow(const struct lab_table *table,
				     lab_tag_t expected)
{
	unsigned long pfn = lab_tag_pfn(expected);
	u64 first = bucket_of(lab_table_preferred(table, pfn));
	struct lab_slot *slot = slots_find(&table->slots[first], LAB_BUCKET_TAGS, expected);

	if (likely(slot))
		return slot;
	slot = slots_find(&table->slots[lab_table_second(table, pfn)], LAB_BUCKET_TAGS, expected);
	return slot ?: stash_find(table, expected);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_find_slow);

/*
 * About how many tags are in the table, from a single word: too few by less than ROUGH_STEP for
 * each CPU. Context: Any.
 */
unsigned long lab_table_rough(const struct lab_table *table)
{
	return max(atomic_long_read(table->rough), 0L);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_rough);

unsigned long lab_table_used(const struct lab_table *table)
{
	long used = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		used += READ_ONCE(*per_cpu_ptr(table->used, cpu));
	/* Tags come and go while the loop runs, so the sum may be negative. */
	return max(used, 0L);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_used);

/* Context: Task; may sleep. */
lab_tag_t lab_table_next(const struct lab_table *table, u64 *index)
{
	if (!*index)
		atomic_long_inc(&nr_walks);
	for (; *index < lab_table_span(table); (*index)++) {
		lab_tag_t tag = READ_ONCE(table->slots[*index].tag);

		if (!(*index % SZ_4K))
			cond_resched();
		if (tag)
			return tag;
	}
	return 0;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_next);

/* How many slots a search compares before it finds @tag at @index. */
static unsigned int probe_length(const struct lab_table *table, lab_tag_t tag,
				 u64 index)
{
	u64 preferred = lab_table_preferred(table, lab_tag_pfn(tag));

	if (index == preferred)
		return 1;
	if (index >= table->nr_slots)
		return 1 + 2 * LAB_BUCKET_TAGS + (index - table->nr_slots) % LAB_STASH_TAGS + 1;
	if (bucket_of(index) == bucket_of(preferred))
		return 1 + index % LAB_BUCKET_TAGS + 1;
	return 1 + LAB_BUCKET_TAGS + index % LAB_BUCKET_TAGS + 1;
}

static void stats_add(const struct lab_table *table, lab_tag_t tag, u64 index,
		      struct lab_table_stats *stats)
{
	u64 preferred = lab_table_preferred(table, lab_tag_pfn(tag));

	stats->preferred += index == preferred;
	stats->second_bucket += index < table->nr_slots &&
				bucket_of(index) != bucket_of(preferred);
	stats->longest_probe = max(stats->longest_probe,
				   probe_length(table, tag, index));
}

/*
 * Reads the whole table while calls go on: the figures need not be of the same moment.
 * Context: Task; may sleep.
 */
void lab_table_stats(const struct lab_table *table,
		     struct lab_table_stats *stats)
{
	lab_tag_t tag;
	u64 index;

	*stats = (struct lab_table_stats) {
		.used = lab_table_used(table),
		.stash_used = atomic_read(table->stash_used),
		.walks = atomic_long_read(&nr_walks),
	};
	lab_table_for_each(table, index, tag)
		stats_add(table, tag, index, stats);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_stats);

static unsigned int choose_segment_shift(u64 span)
{
	unsigned int shift = LAB_SEGMENT_SHIFT_MIN;

	while (span >> shift >= LAB_SEGMENTS_MAX)
		shift++;
	return shift;
}

/* A direct table may be so much larger than asked for: an eighth. */
#define DIRECT_EXTRA	8

/*
 * The multiplier of a direct table, for frame numbers below @frames: the largest at which no
 * product is 2^32 or more, so products of neighbours are as far apart as can be. A table with
 * 2^32 / multiplier slots or more has a slot for each product.
 */
static u32 direct_multiplier(u64 frames)
{
	return min_t(u64, div64_u64(BIT_ULL(32), frames), U32_MAX);
}

/* How many slots a direct table needs. */
static u64 direct_slots(u64 frames)
{
	return roundup(DIV64_U64_ROUND_UP(BIT_ULL(32), direct_multiplier(frames)),
		       (u64)LAB_BUCKET_TAGS);
}

/*
 * How many hints a table of @slots slots has: one for each frame number below @frames, if the
 * slots are many enough, else one for several. A direct table needs none, and has the fewest that
 * fill a page.
 */
static u64 choose_hints(u64 slots, u64 frames, bool direct)
{
	u64 most = rounddown_pow_of_two(clamp_t(u64, HINTS_EACH_SLOT * slots, HINTS_MIN,
						HINTS_MAX));

	if (direct)
		return HINTS_MIN;
	return frames ? clamp_t(u64, roundup_pow_of_two(frames), HINTS_MIN, most) : most;
}

/*
 * Chooses the size and the first hash of a table for @capacity tags, on a machine with frame
 * numbers below @frames; 0: unknown.
 */
void lab_table_shape(struct lab_table *table, u64 capacity, u64 frames)
{
	u64 slots = roundup(capacity + capacity / 3, (u64)LAB_BUCKET_TAGS);
	u64 hashed = roundup(capacity + capacity * 3 / 8, (u64)LAB_BUCKET_TAGS);
	bool direct = frames && frames <= slots &&
		      direct_slots(frames) <= slots + slots / DIRECT_EXTRA;

	table->capacity = capacity;
	table->nr_slots = direct ? max(slots, direct_slots(frames)) : hashed;
	table->multiplier = direct ? direct_multiplier(frames) : GOLDEN_RATIO_32;
	table->no_hint = -(s32)choose_hints(table->nr_slots, frames, direct);
	table->span = table->nr_slots + lab_table_stashes(table) * LAB_STASH_TAGS;
	table->segment_shift = choose_segment_shift(lab_table_span(table));
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_shape);

static size_t hint_bytes(const struct lab_table *table)
{
	return -(long)table->no_hint * sizeof(u32);
}

/*
 * Makes an empty table for @capacity tags, on a machine with frame numbers below @frames; 0:
 * unknown.
 * Context: Task; may sleep. Return: 0, -EINVAL for a capacity of 0 or with too many slots for
 * slot numbers, -ENOMEM.
 */
int lab_table_init(struct lab_table *table, u64 capacity, u64 frames)
{
	void *memory;

	if (!capacity || capacity > LAB_CAPACITY_MAX)
		return -EINVAL;
	*table = (struct lab_table) {};
	lab_table_shape(table, capacity, frames);
	/* Page-aligned, so that no slot lies across two cache lines. */
	memory = vzalloc(size_add(hint_bytes(table),
				  array_size(lab_table_span(table) + 1 + COUNTS_SLOTS,
					     sizeof(struct lab_slot))));
	if (!memory)
		return -ENOMEM;
	table->slots = memory + hint_bytes(table);
	table->used = alloc_percpu(long);
	if (!table->used) {
		lab_table_exit(table);
		return -ENOMEM;
	}
	table->stash_used = (atomic_t *)&table->slots[lab_table_span(table)];
	/* On a line of its own. */
	table->rough = (atomic_long_t *)&table->slots[lab_table_span(table) + COUNTS_SLOTS];
	return 0;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_init);

/*
 * Makes sure that there is a struct lab_resident for each slot, for an owner that is about to
 * come.
 * Context: Task; may sleep. Return: 0 or -ENOMEM.
 */
int lab_table_provide_resident(struct lab_table *table)
{
	struct lab_resident *all;

	if (READ_ONCE(table->resident))
		return 0;
	all = vzalloc(array_size(lab_table_span(table), sizeof(*all)));
	if (!all)
		return -ENOMEM;
	/* A full barrier. Pairs with the way by which the owner's handle comes to a caller. */
	if (cmpxchg(&table->resident, NULL, all))
		vfree(all);
	return 0;
}

/* Likewise of words for parts of pages: see page/frag.c. */
int lab_table_provide_frags(struct lab_table *table)
{
	u64 *all;

	if (READ_ONCE(table->frags))
		return 0;
	all = vzalloc(array_size(lab_table_span(table), sizeof(*all)));
	if (!all)
		return -ENOMEM;
	/* As above. */
	if (cmpxchg(&table->frags, NULL, all))
		vfree(all);
	return 0;
}

void lab_table_exit(struct lab_table *table)
{
	free_percpu(table->used);
	vfree(table->frags);
	table->frags = NULL;
	vfree(table->resident);
	table->resident = NULL;
	if (table->slots)
		vfree((void *)table->slots - hint_bytes(table));
	table->used = NULL;
	table->slots = NULL;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_table_exit);
