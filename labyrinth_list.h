/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stack of cached pages that any context may push to and pop from, an NMI in
 * the middle of another push or pop included.
 *
 * The head is one word: the first frame's number, and below it a sequence number
 * that every push and pop increments (Treiber's stack with IBM's tag against ABA:
 * "Systems Programming: Coping with Parallelism", 1986; SLUB's per-CPU free list
 * is the same idea). lab_frame.next is the head as it was, with no sequence
 * number; 0 is the end, since frame 0 is never tagged.
 *
 * Why a pop is safe: between reading the head and its compare-and-exchange,
 * others may pop that frame, hand it out, even give it back to the system, so
 * what is read through it may be nonsense. But it is readable: the struct page of
 * a frame that was tagged a moment ago, whose memory could not have been taken
 * offline since. Nonsense is never used, for whoever popped the frame has changed
 * the sequence number. For that to fail, exactly 2^24 pushes and pops, or a
 * multiple, must fall between the two. On a list of the CPU's own they would all
 * have to be made by interrupts in that place. On a shared one, which the reserve
 * is, other CPUs may make them, in some 20 ns each at the least: this CPU would have
 * to stand still in that place, where preemption is disabled, for a third of a
 * second, and go on at one of 16 million moments.
 *
 * A list is either one CPU's, used on it with preemption disabled and so with
 * an unlocked compare-and-exchange, or shared, used from anywhere.
 */
#ifndef LABYRINTH_LIST_H
#define LABYRINTH_LIST_H

#include <linux/types.h>

#include "labyrinth_frame.h"

#define LAB_LIST_SEQ_BITS	24
#define LAB_LIST_SEQ_MASK	GENMASK_ULL(LAB_LIST_SEQ_BITS - 1, 0)

static_assert(LAB_PFN_BITS + LAB_LIST_SEQ_BITS <= 64);

struct lab_list {
	u64 head;
};

enum lab_list_kind {
	LAB_LIST_LOCAL,
	LAB_LIST_SHARED,
};

/* The head after a push or pop: @first, and the next sequence number. */
static __always_inline u64 lab_list_word(u64 old, u64 first)
{
	return first | ((old + 1) & LAB_LIST_SEQ_MASK);
}

/* Full ordering if shared; against the own CPU's interrupts only if local. */
static __always_inline bool lab_list_advance(struct lab_list *list,
					     enum lab_list_kind kind,
					     u64 *old, u64 new)
{
	u64 seen = *old;

	if (kind == LAB_LIST_LOCAL)
		*old = cmpxchg_local(&list->head, seen, new);
	else
		*old = cmpxchg(&list->head, seen, new);
	return likely(*old == seen);
}

/*
 * @frame, of number @pfn, is the caller's alone, tagged and on no list.
 * Context: Any; preemption disabled if local.
 */
static __always_inline void lab_list_push(struct lab_list *list,
					  enum lab_list_kind kind,
					  struct lab_frame *frame,
					  unsigned long pfn)
{
	u64 first = (u64)pfn << LAB_LIST_SEQ_BITS;
	u64 old = READ_ONCE(list->head);

	do {
		WRITE_ONCE(frame->next, old & ~LAB_LIST_SEQ_MASK);
	} while (!lab_list_advance(list, kind, &old,
				   lab_list_word(old, first)));
}

/*
 * Takes the last frame pushed; NULL if there is none.
 * Context: Any; preemption disabled, unless nobody else uses the list.
 */
static __always_inline struct lab_frame *
lab_list_pop(struct lab_list *list, enum lab_list_kind kind)
{
	u64 old = READ_ONCE(list->head);
	struct lab_frame *frame;

	do {
		if (old <= LAB_LIST_SEQ_MASK)
			return NULL;
		frame = lab_frame(pfn_to_page(old >> LAB_LIST_SEQ_BITS));
	} while (!lab_list_advance(list, kind, &old,
				   lab_list_word(old, READ_ONCE(frame->next))));
	return frame;
}

#endif /* LABYRINTH_LIST_H */
