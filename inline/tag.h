/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tag: one 64-bit word that says who owns a page and what it is doing, and
 * the one table of what may happen to it. Nobody else shifts a tag's bits.
 *
 *	 63 62           48 47     40 39 38                                  0
 *	+--+---------------+---------+--+-------------------------------------+
 *	|S |   owner id    |  state  |E |                 pfn                 |
 *	+--+---------------+---------+--+-------------------------------------+
 *
 * S (%LAB_TAG_STRAY): the page is of another NUMA node than its owner's. E
 * (%LAB_TAG_EMERGENCY): it is from the kernel's emergency reserve. Such a page passes
 * through: a free gives it to the system, not to a cache. The fast paths compare whole
 * tags, so they leave such pages to the slow paths without looking at the bits.
 *
 * The state is a byte of its own, so that the one context that may write a tag
 * changes the state by one store, without reading the rest.
 * An empty slot of the owner table has the tag 0: every tag has a state.
 */
#ifndef LABYRINTH_TAG_H
#define LABYRINTH_TAG_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/types.h>

typedef u64 lab_tag_t;

#define LAB_PFN_BITS		39
#define LAB_STATE_SHIFT		40
#define LAB_STATE_BITS		8
#define LAB_OWNER_SHIFT		48
#define LAB_OWNER_BITS		15

#define LAB_MAX_OWNERS		BIT(LAB_OWNER_BITS)
#define LAB_PFN_MASK		GENMASK_ULL(LAB_PFN_BITS - 1, 0)
#define LAB_STATE_MASK \
	GENMASK_ULL(LAB_STATE_SHIFT + LAB_STATE_BITS - 1, LAB_STATE_SHIFT)
#define LAB_OWNER_MASK \
	GENMASK_ULL(LAB_OWNER_SHIFT + LAB_OWNER_BITS - 1, LAB_OWNER_SHIFT)
#define LAB_TAG_EMERGENCY	BIT_ULL(39)
#define LAB_TAG_STRAY		BIT_ULL(63)

static_assert(LAB_PFN_BITS < LAB_STATE_SHIFT);
static_assert(LAB_STATE_SHIFT + LAB_STATE_BITS <= LAB_OWNER_SHIFT);
static_assert(LAB_OWNER_SHIFT + LAB_OWNER_BITS <= 63);
/* The state fills one byte, see lab_tag_store_state(). */
static_assert(LAB_STATE_BITS == BITS_PER_BYTE);
static_assert(LAB_STATE_SHIFT % BITS_PER_BYTE == 0);

/*
 * The states, numbered as in &enum labyrinth_page_state, and who may leave each.
 * "The owner" is whoever presents its handle; every change of a tag in the table
 * is one compare-and-exchange, or one store where the comment says that nobody
 * else can write.
 */
enum lab_state {
	/*
	 * No tag. The frame is the page allocator's or somebody else's. Left
	 * only by whoever has the frame to himself: refill, which just got it
	 * from the allocator, and adopt, which froze its reference count.
	 */
	LAB_ABSENT,
	/*
	 * On exactly one list of its owner's, or for a moment one call's alone
	 * on its way to or from one, or to HELD. Left only by whoever took it off
	 * that list, or has it alone, so a plain store will do: alloc, return,
	 * limbo, transfer, adopt.
	 */
	LAB_CACHED,
	/*
	 * Handed out. Left by the owner alone: to CACHED (free), to another
	 * owner's HELD (transfer), LENT (lend), MAPPED (dma_map, vmap, mmap),
	 * ABSENT (release), LIMBO or ABSENT (destroy). Two of the owner's calls
	 * may race; the compare-and-exchange lets one win and the other sees its
	 * result.
	 */
	LAB_HELD,
	/*
	 * An ordinary page in others' hands, by reference. Left by reclaim
	 * when the reference count, frozen, proves that they are gone, by
	 * release_lent, which leaves it to them, and by destroy.
	 */
	LAB_LENT,
	/*
	 * Given up. Left only under limbo_lock, when the last reference is gone:
	 * by the limbo worker, or by destroy.
	 */
	LAB_LIMBO,
	/*
	 * Handed out, and mapped by its owner: for DMA, into the kernel, into a
	 * process. The slot's list of mappings says how often. Left under the
	 * owner's map_lock only: to HELD with the last of them, to LIMBO by
	 * destroy, and by free where only a process has it mapped.
	 */
	LAB_MAPPED,
	LAB_NR_STATES
};

static_assert(LAB_NR_STATES <= BIT(LAB_STATE_BITS));

enum lab_op {
	/* Internal: no caller can ask for them. */
	LAB_OP_REFILL,
	LAB_OP_RETURN,
	LAB_OP_LIMBO,
	LAB_OP_ALLOC,
	/* The calls that name a page. */
	LAB_OP_FREE,
	LAB_OP_TRANSFER,
	LAB_OP_RELEASE,
	LAB_OP_RELEASE_LENT,
	LAB_OP_ADOPT,
	LAB_OP_LEND,
	LAB_OP_RECLAIM,
	/* Into a process, into the kernel, for a device; and no longer. */
	LAB_OP_MAP,
	LAB_OP_VMAP,
	LAB_OP_DMA,
	LAB_OP_UNMAP,
	/* Asks, and changes nothing. */
	LAB_OP_PAGE,
	LAB_NR_OPS,
	/* No transition of theirs, but a report names them. */
	LAB_OP_DESTROY = LAB_NR_OPS,
	LAB_OP_FAULT,
	LAB_OP_READ,
	LAB_OP_WRITE,
	LAB_NR_OP_NAMES
};

/*
 * What each operation, called by the page's owner, makes of each state: the
 * next state, or the errno of the refusal. (By a foreigner it is -EPERM, before
 * this table is asked.)
 *
 * The first four are internal. REFILL: from the page allocator into a cache.
 * RETURN: to the page allocator, once nobody refers to the page. LIMBO: not to
 * the allocator, since something still does. Where one of them meets a state
 * that it cannot meet, the list which led to the page is corrupt: -EUCLEAN.
 *
 * UNMAP: the last mapping; before it, a MAPPED page stays so. FREE, TRANSFER and
 * RELEASE of a page that only a process has mapped end that mapping first, and
 * find it HELD.
 */
#define LAB_TRANSITIONS(T)						\
/* op	      ABSENT	   CACHED	HELD	     LENT	 LIMBO	     MAPPED */ \
T(REFILL,   LAB_CACHED, -EUCLEAN,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN, -EUCLEAN)	\
T(RETURN,   -EUCLEAN,   LAB_ABSENT, LAB_ABSENT, LAB_ABSENT, LAB_ABSENT, -EUCLEAN) \
T(LIMBO,    -EUCLEAN,   LAB_LIMBO,  LAB_LIMBO,  LAB_LIMBO,  -EUCLEAN, LAB_LIMBO) \
T(ALLOC,    -EUCLEAN,   LAB_HELD,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN, -EUCLEAN)	\
T(FREE,     -ENOENT,    -ENOENT,    LAB_CACHED, -EBUSY,     -ENOENT,  -EBUSY)	\
T(TRANSFER, -ENOENT,    -ENOENT,    LAB_HELD,   -EBUSY,     -ENOENT,  -EBUSY)	\
T(RELEASE,  -ENOENT,    -ENOENT,    LAB_ABSENT, -EBUSY,     -ENOENT,  -EBUSY)	\
T(RELEASE_LENT, -ENOENT, -ENOENT,   LAB_ABSENT, LAB_ABSENT, -ENOENT,  -EBUSY)	\
T(ADOPT,    LAB_HELD,   -EBUSY,     -EBUSY,     -EBUSY,     -EBUSY,   -EBUSY)	\
T(LEND,     -ENOENT,    -ENOENT,    LAB_LENT,   -EBUSY,     -ENOENT,  -EBUSY)	\
T(RECLAIM,  -ENOENT,    -ENOENT,    LAB_HELD,   LAB_HELD,   -ENOENT,  -EBUSY)	\
T(MAP,      -ENOENT,    -ENOENT,    LAB_MAPPED, -EBUSY,     -ENOENT,  LAB_MAPPED) \
T(VMAP,     -ENOENT,    -ENOENT,    LAB_MAPPED, -EBUSY,     -ENOENT,  LAB_MAPPED) \
T(DMA,      -ENOENT,    -ENOENT,    LAB_MAPPED, -EBUSY,     -ENOENT,  LAB_MAPPED) \
T(UNMAP,    -ENOENT,    -ENOENT,    -ENOENT,    -ENOENT,    -ENOENT,  LAB_HELD)	\
T(PAGE,     -ENOENT,    -ENOENT,    LAB_HELD,   LAB_LENT,   -ENOENT,  LAB_MAPPED)

#define LAB_TRANSITION_ROW(op, absent, cached, held, lent, limbo, mapped) \
	[LAB_OP_##op] = { absent, cached, held, lent, limbo, mapped },

/* A state is >= 0, an errno < 0. */
static const s8 lab_transitions[LAB_NR_OPS][LAB_NR_STATES] = {
	LAB_TRANSITIONS(LAB_TRANSITION_ROW)
};

static __always_inline lab_tag_t lab_tag_make(unsigned long pfn,
					      unsigned int owner_id,
					      enum lab_state state)
{
	return pfn | ((u64)state << LAB_STATE_SHIFT) |
	       ((u64)owner_id << LAB_OWNER_SHIFT);
}

static __always_inline unsigned long lab_tag_pfn(lab_tag_t tag)
{
	return tag & LAB_PFN_MASK;
}

static __always_inline unsigned int lab_tag_owner(lab_tag_t tag)
{
	return (tag & LAB_OWNER_MASK) >> LAB_OWNER_SHIFT;
}

static __always_inline enum lab_state lab_tag_state(lab_tag_t tag)
{
	return (tag & LAB_STATE_MASK) >> LAB_STATE_SHIFT;
}

/* Whether the page is not to be cached when it is freed. */
static __always_inline bool lab_tag_is_passing(lab_tag_t tag)
{
	return tag & (LAB_TAG_STRAY | LAB_TAG_EMERGENCY);
}

/* The same page of the same owner, in another state. */
static __always_inline lab_tag_t lab_tag_step(lab_tag_t tag,
					      enum lab_state state)
{
	return (tag & ~LAB_STATE_MASK) | ((u64)state << LAB_STATE_SHIFT);
}

/* What is added to a tag when its page is handed out. */
#define LAB_HAND_OUT \
	((u64)(LAB_HELD - LAB_CACHED) << LAB_STATE_SHIFT)

/*
 * Changes the state of a tag that nobody else may write. A reader of the whole
 * word sees the old state or the new one.
 */
static __always_inline void lab_tag_store_state(lab_tag_t *slot,
						enum lab_state state)
{
	unsigned int byte = LAB_STATE_SHIFT / BITS_PER_BYTE;

	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		byte = sizeof(*slot) - 1 - byte;
	WRITE_ONCE(((u8 *)slot)[byte], state);
}

/* What @op, by the owner, makes of a page in @state: a state, or an errno. */
static __always_inline int lab_transition(enum lab_op op, enum lab_state state)
{
	return lab_transitions[op][state];
}

/*
 * Whether a frame may be tagged. Numbers that a tag cannot hold do not exist on
 * any machine built; frame 0 is what the lists take for their end.
 */
static __always_inline bool lab_pfn_fits(unsigned long pfn)
{
	return pfn && !(pfn >> LAB_PFN_BITS);
}

#endif /* LABYRINTH_TAG_H */
