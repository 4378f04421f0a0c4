/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stack of cached pages. Any CPU may push and pop in any context, also in an NMI in the
 * middle of a push or pop.
 *
 * The head is a single word: the slot number of the first page, plus 1, and below that a
 * sequence number that every push and pop increments (Treiber's stack with IBM's tag against
 * ABA: "Systems Programming: Coping with Parallelism", 1986). lab_slot.next is the former head,
 * without the sequence number; 0 is the end.
 *
 * Why a pop is safe: between the read of the head and the compare-and-exchange, another CPU or
 * an NMI may pop the first page, hand the page out, even give the page back to the system. Then
 * lab_slot.next, as read here, may be any value. To read it is safe, since the table stays. The
 * value is not used: the other pop has changed the sequence number, so the compare-and-exchange
 * fails. The sequence number would be the same only after exactly 2^24 pushes and pops, or a
 * multiple. Other CPUs need at least 20 ns for each, so this CPU would have to stand still, with
 * preemption disabled, for a third of a second, and go on at a single one of 16 million moments.
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
 * Pushes @slot. The slot's page is CACHED, on no list, and the caller's alone.
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
		/* A full barrier: other CPUs see the link before the slot can be popped. */
		old = cmpxchg(&list->head, seen, lab_list_word(seen, first));
	} while (unlikely(old != seen));
}

/*
 * Pops the slot that was pushed last; NULL if the list is empty.
 * Context: Any; preemption disabled, unless no other code uses the list.
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
		/* A full barrier. Pairs with lab_list_push() of @slot. */
		old = cmpxchg(&list->head, seen, lab_list_word(seen, READ_ONCE(slot->next)));
	} while (unlikely(old != seen));
	return slot;
}

#endif /* LABYRINTH_LIST_H */
