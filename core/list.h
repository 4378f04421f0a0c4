/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stack of cached pages that any CPU in any context may push to and pop from, an NMI in
 * the middle of another push or pop included.
 *
 * The head is one word: the number of the first page's slot in the owner table, plus one,
 * and below it a sequence number that every push and pop increments (Treiber's stack with
 * IBM's tag against ABA: "Systems Programming: Coping with Parallelism", 1986).
 * lab_slot.next is the head as it was, without the sequence number; 0 is the end.
 *
 * Why a pop is safe: between reading the head and its compare-and-exchange, others may pop
 * the first slot's page, hand it out, even give it back to the system, so what is read from
 * that slot may be nonsense. It is readable: the table stays. Nonsense is never used: the pop
 * that took the page has changed the sequence number. For that to fail, exactly 2^24
 * pushes and pops, or a multiple, must fall between the two. Other CPUs need some 20 ns
 * for each at the least: this CPU would have to stand still in that place, where
 * preemption is disabled, for a third of a second, and go on at one of 16 million moments.
 */
#ifndef LABYRINTH_LIST_H
#define LABYRINTH_LIST_H

#include <linux/types.h>

#include "inline/hot.h"

#define LAB_LIST_SEQ_BITS	24
#define LAB_LIST_SEQ_MASK	GENMASK_ULL(LAB_LIST_SEQ_BITS - 1, 0)

struct lab_list {
	u64 head;
};

/* The head after a push or pop: @first, and the next sequence number. */
static inline u64 lab_list_word(u64 old, u64 first)
{
	return first | ((old + 1) & LAB_LIST_SEQ_MASK);
}

/*
 * @slot's page is the caller's alone, CACHED and on no list.
 * Context: Any.
 */
static inline void lab_list_push(struct lab_list *list, struct lab_slot *slot)
{
	u64 index = slot - labyrinth_hot.table.slots;
	u64 first = (index + 1) << LAB_LIST_SEQ_BITS;
	u64 old = READ_ONCE(list->head), seen;

	do {
		seen = old;
		WRITE_ONCE(slot->next, seen & ~LAB_LIST_SEQ_MASK);
		/* A full barrier: the link is there before the slot can be popped. */
		old = cmpxchg(&list->head, seen, lab_list_word(seen, first));
	} while (unlikely(old != seen));
}

/*
 * Takes the last slot pushed; NULL if there is none.
 * Context: Any; preemption disabled, unless nobody else uses the list.
 */
static inline struct lab_slot *lab_list_pop(struct lab_list *list)
{
	u64 old = READ_ONCE(list->head), seen;
	struct lab_slot *slot;

	do {
		seen = old;
		if (seen <= LAB_LIST_SEQ_MASK)
			return NULL;
		slot = &labyrinth_hot.table.slots[(seen >> LAB_LIST_SEQ_BITS) - 1];
		/* Pairs with the push of @slot, as a full barrier. */
		old = cmpxchg(&list->head, seen, lab_list_word(seen, READ_ONCE(slot->next)));
	} while (unlikely(old != seen));
	return slot;
}

#endif /* LABYRINTH_LIST_H */
