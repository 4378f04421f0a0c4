/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tag: one 64-bit word with a page's owner and state, and the table of what may
 * happen to a page. No other file shifts a tag's bits.
 *
 *	 63 62           48 47     40 39 38 37                               0
 *	+--+---------------+---------+--+--+----------------------------------+
 *	|R |   owner id    |  state  |E |T |               pfn                |
 *	+--+---------------+---------+--+--+----------------------------------+
 *
 * R (%LAB_TAG_REMOTE): the page is of another NUMA node than the owner asked for. E
 * (%LAB_TAG_EMERGENCY): the page is from the kernel's emergency reserve. Pages with R or E
 * pass through: a free gives such a page to the system, not to a cache. A sealed owner's page has
 * R also if the page was lent, until the free: the page may not be sealed again yet, see
 * page/reseal.c. The fast paths compare whole tags, so R or E sends a page to the slow paths
 * without a test of the bits.
 * So does T (%LAB_TAG_THIN): the page has no references to spare, see page/hunt.c.
 *
 * The state fills a byte, so a context that has a tag to itself changes the state by one
 * store, without reading the rest.
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

#define LAB_PFN_BITS		38
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
#define LAB_TAG_THIN		BIT_ULL(38)
#define LAB_TAG_EMERGENCY	BIT_ULL(39)
#define LAB_TAG_REMOTE		BIT_ULL(63)

static_assert(LAB_PFN_BITS + 2 <= LAB_STATE_SHIFT);
static_assert(LAB_STATE_SHIFT + LAB_STATE_BITS <= LAB_OWNER_SHIFT);
static_assert(LAB_OWNER_SHIFT + LAB_OWNER_BITS <= 63);
/* The state fills a byte, see lab_tag_store_state(). */
static_assert(LAB_STATE_BITS == BITS_PER_BYTE);
static_assert(LAB_STATE_SHIFT % BITS_PER_BYTE == 0);

/*
 * The states, numbered as in &enum labyrinth_page_state, and which code moves a page on from
 * each. "The owner" is a call that presents the owner's handle. Every change of a tag in the
 * table is a compare-and-exchange, or a plain store where the comment says that no other
 * context can write the tag.
 */
enum lab_state {
	/*
	 * No tag. The frame is the page allocator's or somebody else's. Left by
	 * refill, to which the allocator just gave the frame, and by adopt, which has
	 * the reference count frozen: both have the frame to themselves.
	 */
	LAB_ABSENT,
	/*
	 * On exactly one list of the owner, or for a moment on no list and a single call's
	 * alone. Left by the call that took the page off the list, so a plain store will do:
	 * alloc, return, limbo, transfer, adopt, release_lent.
	 */
	LAB_CACHED,
	/*
	 * Handed out. Left by the owner alone: to CACHED (free), to another
	 * owner's HELD (transfer), LENT (lend), MAPPED (dma_map, vmap, mmap),
	 * ABSENT (release), LIMBO or ABSENT (destroy). Two of the owner's calls
	 * may race: one compare-and-exchange wins, and the loser sees the winner's
	 * result.
	 */
	LAB_HELD,
	/*
	 * An ordinary page to which borrowers have references. Left by reclaim when the
	 * frozen reference count proves that no borrower is left, by release_lent, which
	 * leaves the page to the borrowers, and by destroy.
	 */
	LAB_LENT,
	/*
	 * Given up. Left only under limbo_lock, when the last reference is gone:
	 * by the limbo worker, or by destroy.
	 */
	LAB_LIMBO,
	/*
	 * Handed out, and mapped by the owner: for DMA, into the kernel, into a
	 * process. The slot has a list of the mappings. Left under the owner's map_lock
	 * only: to HELD with the last mapping, to LIMBO by destroy, and by a free of a page
	 * that only a process has mapped.
	 */
	LAB_MAPPED,
	/*
	 * A buffer that the owner's device may write to at any moment. Left by the owner alone:
	 * to LENT (rx_give), CACHED (rx_put), LIMBO (destroy). Two of the owner's calls may
	 * race, as from HELD.
	 */
	LAB_POSTED,
	LAB_NR_STATES
};

static_assert(LAB_NR_STATES <= BIT(LAB_STATE_BITS));

enum lab_op {
	/* Internal: no call of the API asks for these. */
	LAB_OP_REFILL,
	LAB_OP_RETURN,
	LAB_OP_LIMBO,
	LAB_OP_ALLOC,
	LAB_OP_RX_GET,
	/* Calls that name a page. */
	LAB_OP_FREE,
	LAB_OP_TRANSFER,
	LAB_OP_RELEASE,
	LAB_OP_RELEASE_LENT,
	LAB_OP_ADOPT,
	LAB_OP_LEND,
	LAB_OP_RECLAIM,
	/* Into a process, into the kernel, for a device; and the end of a mapping. */
	LAB_OP_MAP,
	LAB_OP_VMAP,
	LAB_OP_DMA,
	LAB_OP_UNMAP,
	/* A receive buffer. */
	LAB_OP_RX_READ,
	LAB_OP_RX_AGAIN,
	LAB_OP_RX_GIVE,
	LAB_OP_RX_PUT,
	/* Asks, and changes nothing. */
	LAB_OP_PAGE,
	LAB_NR_OPS,
	/* Operations that change no tag, but that reports name. */
	LAB_OP_DESTROY = LAB_NR_OPS,
	LAB_OP_FAULT,
	LAB_OP_READ,
	LAB_OP_WRITE,
	LAB_NR_OP_NAMES
};

/*
 * The table of transitions: for each operation by the page's owner, and each state, the
 * next state, or the errno of the refusal. (A foreigner's call is -EPERM before this table
 * is asked.)
 *
 * The first five operations are internal. REFILL: from the page allocator into a cache.
 * RETURN: to the page allocator, once nobody refers to the page. LIMBO: given up while
 * somebody still refers to the page. ALLOC: handed out. RX_GET: made a receive buffer.
 * -EUCLEAN marks a state that the operation cannot meet: the list that led to the page is
 * corrupt then.
 *
 * UNMAP: the end of the last mapping; a page with further mappings stays MAPPED. FREE,
 * TRANSFER and RELEASE of a page that only a process has mapped end that mapping first,
 * and find the page HELD.
 */
#define LAB_TRANSITIONS(T)						\
/*          ABSENT      CACHED      HELD        LENT        LIMBO       MAPPED      POSTED */ \
T(REFILL,      LAB_CACHED, -EUCLEAN,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN) \
T(RETURN,      -EUCLEAN,   LAB_ABSENT, LAB_ABSENT, LAB_ABSENT, LAB_ABSENT, -EUCLEAN,   -EUCLEAN) \
T(LIMBO,       -EUCLEAN,   LAB_LIMBO,  LAB_LIMBO,  LAB_LIMBO,  -EUCLEAN,   LAB_LIMBO,  LAB_LIMBO) \
T(ALLOC,       -EUCLEAN,   LAB_HELD,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN,   -EUCLEAN) \
T(RX_GET,      -EUCLEAN,   LAB_POSTED, LAB_POSTED, LAB_POSTED, -EUCLEAN,   -EUCLEAN,   -EUCLEAN) \
T(FREE,        -ENOENT,    -ENOENT,    LAB_CACHED, -EBUSY,     -ENOENT,    -EBUSY,     -EBUSY) \
T(TRANSFER,    -ENOENT,    -ENOENT,    LAB_HELD,   -EBUSY,     -ENOENT,    -EBUSY,     -EBUSY) \
T(RELEASE,     -ENOENT,    -ENOENT,    LAB_ABSENT, -EBUSY,     -ENOENT,    -EBUSY,     -EBUSY) \
T(RELEASE_LENT, -ENOENT,    -ENOENT,    LAB_ABSENT, LAB_ABSENT, -ENOENT,    -EBUSY,     -EBUSY) \
T(ADOPT,       LAB_HELD,   -EBUSY,     -EBUSY,     -EBUSY,     -EBUSY,     -EBUSY,     -EBUSY) \
T(LEND,        -ENOENT,    -ENOENT,    LAB_LENT,   -EBUSY,     -ENOENT,    -EBUSY,     -EBUSY) \
T(RECLAIM,     -ENOENT,    -ENOENT,    LAB_HELD,   LAB_HELD,   -ENOENT,    -EBUSY,     -EBUSY) \
T(MAP,         -ENOENT,    -ENOENT,    LAB_MAPPED, -EBUSY,     -ENOENT,    LAB_MAPPED, -EBUSY) \
T(VMAP,        -ENOENT,    -ENOENT,    LAB_MAPPED, -EBUSY,     -ENOENT,    LAB_MAPPED, -EBUSY) \
T(DMA,         -ENOENT,    -ENOENT,    LAB_MAPPED, -EBUSY,     -ENOENT,    LAB_MAPPED, -EBUSY) \
T(UNMAP,       -ENOENT,    -ENOENT,    -ENOENT,    -ENOENT,    -ENOENT,    LAB_HELD,   -ENOENT) \
T(RX_READ,     -ENOENT,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    LAB_POSTED) \
T(RX_AGAIN,    -ENOENT,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    LAB_POSTED) \
T(RX_GIVE,     -ENOENT,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    LAB_LENT) \
T(RX_PUT,      -ENOENT,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    -EINVAL,    LAB_CACHED) \
T(PAGE,        -ENOENT,    -ENOENT,    LAB_HELD,   LAB_LENT,   -ENOENT,    LAB_MAPPED, LAB_POSTED)

#define LAB_TRANSITION_ROW(op, next...)	[LAB_OP_##op] = { next },

/* A row for each operation, with an entry for each state. */
#define LAB_TRANSITION_ONE(op, next...)	+ 1
#define LAB_TRANSITION_FITS(op, next...) \
	static_assert(sizeof((s8[]) { next }) == LAB_NR_STATES);
LAB_TRANSITIONS(LAB_TRANSITION_FITS)
static_assert((LAB_TRANSITIONS(LAB_TRANSITION_ONE)) == LAB_NR_OPS);

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

/* Whether a free gives the page to the system instead of a cache. */
static __always_inline bool lab_tag_is_passing(lab_tag_t tag)
{
	return tag & (LAB_TAG_REMOTE | LAB_TAG_EMERGENCY);
}

/* The same page of the same owner, in another state. */
static __always_inline lab_tag_t lab_tag_step(lab_tag_t tag,
					      enum lab_state state)
{
	return (tag & ~LAB_STATE_MASK) | ((u64)state << LAB_STATE_SHIFT);
}

/* The difference between a page's tags in two states. */
#define LAB_STEP(from, to)	(((u64)(to) - (u64)(from)) << LAB_STATE_SHIFT)
#define LAB_HAND_OUT		LAB_STEP(LAB_CACHED, LAB_HELD)

/*
 * Changes the state of a tag that only the caller may write. A lockless reader of the
 * whole word sees the old state or the new one.
 */
static __always_inline void lab_tag_store_state(lab_tag_t *slot,
						enum lab_state state)
{
	unsigned int byte = LAB_STATE_SHIFT / BITS_PER_BYTE;

	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		byte = sizeof(*slot) - 1 - byte;
	WRITE_ONCE(((u8 *)slot)[byte], state);
}

/* The state that @op, by the owner, leads to from @state, or an errno. */
static __always_inline int lab_transition(enum lab_op op, enum lab_state state)
{
	return lab_transitions[op][state];
}

/*
 * Whether a frame may be tagged. No machine has frame numbers that a tag cannot hold. Frame 0
 * never is tagged: lists use 0 as the end.
 */
static __always_inline bool lab_pfn_fits(unsigned long pfn)
{
	return pfn && !(pfn >> LAB_PFN_BITS);
}

#endif /* LABYRINTH_TAG_H */
