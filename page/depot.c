// SPDX-License-Identifier: GPL-2.0-only
/*
 * Depots. The state owned here is the boxes of an owner's depot, and the word that says which
 * boxes are full.
 *
 * Each box has two bits in struct lab_depot.state. A box whose bits are 0 is empty. A call claims
 * a box by a compare-and-exchange that sets the busy bit, copies the pages, and releases the box
 * by a second compare-and-exchange, which clears the busy bit and changes the full bit. Two calls
 * never claim the same box. A call that is interrupted between the two delays a single box: the
 * interrupt, or NMI, finds that box busy and uses another box, or none.
 *
 * The pages in a full box are CACHED, on no other list, and the depot's alone. Only the calls of
 * a live owner, and workers that destroy waits for, use a depot.
 *
 * The boxes are shared out among the nodes of the machine: a CPU looks first into the boxes of
 * the CPU's own node, so pages stay near the CPUs that used the pages last.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "labyrinth_compat.h"
#include "page/depot.h"

#define BUSY_SHIFT	LAB_DEPOT_BOXES

static_assert(2 * LAB_DEPOT_BOXES == BITS_PER_LONG_LONG);

struct box {
	struct lab_cached pages[LAB_BOX_PAGES];
};

struct lab_depot {
	u64 state ____cacheline_aligned;	/* bit i: box i is full; BUSY_SHIFT + i: claimed */
	u32 boxes;				/* a bit for each box that there is */
	struct box box[] ____cacheline_aligned;
};

/*
 * A depot of @boxes boxes, all empty.
 * Context: Task; may sleep. Return: NULL if there is no memory.
 */
struct lab_depot *lab_depot_make(unsigned int boxes)
{
	struct lab_depot *depot = kvzalloc(struct_size(depot, box, boxes),
					   GFP_KERNEL | __GFP_NOWARN);

	if (depot)
		depot->boxes = GENMASK(boxes - 1, 0);
	return depot;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_depot_make);

void lab_depot_free(struct lab_depot *depot)
{
	kvfree(depot);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_depot_free);

/* The first of the boxes whose bits are set in @bits, beginning with this CPU's node's. */
static unsigned int first_box(u32 bits)
{
	unsigned int start = numa_mem_id() * LAB_DEPOT_BOXES / nr_node_ids % LAB_DEPOT_BOXES;

	return (__ffs(ror32(bits, start)) + start) % LAB_DEPOT_BOXES;
}

/*
 * Claims a box that is full, or empty, as @full says.
 * Return: the box's number, or LAB_DEPOT_BOXES if there is none.
 */
static unsigned int claim_box(struct lab_depot *depot, bool full)
{
	u64 old = READ_ONCE(depot->state), seen;
	unsigned int box;
	u32 bits;

	do {
		seen = old;
		bits = (full ? (u32)seen : ~(u32)seen) & ~(u32)(seen >> BUSY_SHIFT) & depot->boxes;
		if (!bits)
			return LAB_DEPOT_BOXES;
		box = first_box(bits);
		/* A full barrier. Pairs with release_box(): sees what was copied before. */
		old = cmpxchg(&depot->state, seen, seen | BIT_ULL(BUSY_SHIFT + box));
	} while (unlikely(old != seen));
	return box;
}

/* Ends the claim of @box, which changes from full to empty or from empty to full. */
static void release_box(struct lab_depot *depot, unsigned int box)
{
	u64 change = BIT_ULL(BUSY_SHIFT + box) | BIT_ULL(box);
	u64 old = READ_ONCE(depot->state), seen;

	do {
		seen = old;
		/* A full barrier. Pairs with claim_box(): the pages were copied before. */
		old = cmpxchg(&depot->state, seen, seen ^ change);
	} while (unlikely(old != seen));
}

/*
 * Puts LAB_BOX_PAGES pages into a box. The pages are CACHED and the caller's alone.
 * Context: Any. Return: false if no box is empty.
 */
bool lab_depot_put(struct lab_depot *depot, const struct lab_cached *pages)
{
	unsigned int box = claim_box(depot, false);

	if (box == LAB_DEPOT_BOXES)
		return false;
	memcpy(depot->box[box].pages, pages, sizeof(depot->box[box].pages));
	release_box(depot, box);
	return true;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_depot_put);

/*
 * Takes the pages of a box: LAB_BOX_PAGES, the caller's alone after that.
 * Context: Any. Return: false if no box is full.
 */
bool lab_depot_take(struct lab_depot *depot, struct lab_cached *pages)
{
	unsigned int box = claim_box(depot, true);

	if (box == LAB_DEPOT_BOXES)
		return false;
	memcpy(pages, depot->box[box].pages, sizeof(depot->box[box].pages));
	release_box(depot, box);
	return true;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_depot_take);

/* How many pages the depot holds: a look. */
unsigned int lab_depot_count(const struct lab_depot *depot)
{
	return hweight32((u32)READ_ONCE(depot->state)) * LAB_BOX_PAGES;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_depot_count);
