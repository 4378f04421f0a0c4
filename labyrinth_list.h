/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stack of cached pages that any context may push to and pop from, an NMI in
 * the middle of another push or pop included.
 *
 * The frames are linked through lab_frame.next by the number of their tag's
 * slot, plus one. The head is one word: that number, and above it a sequence
 * number that every push and pop increments (Treiber's stack with IBM's tag
 * against ABA: "Systems Programming: Coping with Parallelism", 1986; SLUB's
 * per-CPU free list is the same idea).
 *
 * Why a pop is safe: between reading the head and its compare-and-exchange,
 * others may pop that frame, hand it out, even give it back to the system, so
 * what is read through it may be nonsense. But it is readable: the slot number
 * is within the table, and a tag's pfn has a struct page. Nonsense is never
 * used, since whoever popped the frame has changed the sequence number.
 * For that to fail, exactly 2^32 pushes and pops must fall between the two.
 *
 * A list is either one CPU's, used on it with preemption disabled and so with
 * an unlocked compare-and-exchange, or shared, used from anywhere.
 */
#ifndef LABYRINTH_LIST_H
#define LABYRINTH_LIST_H

#include <linux/types.h>

#include "labyrinth_frame.h"
#include "labyrinth_table.h"

struct lab_list {
	u64 head;
};

enum lab_list_kind {
	LAB_LIST_LOCAL,
	LAB_LIST_SHARED,
};

extern struct lab_table lab_table;

static __always_inline u64 lab_list_word(u64 old, u32 ref)
{
	return ((old & ~(u64)U32_MAX) + BIT_ULL(32)) | ref;
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
 * @frame is the caller's alone, tagged and on no list.
 * Context: Any; preemption disabled if local.
 */
static __always_inline void lab_list_push(struct lab_list *list,
					  enum lab_list_kind kind,
					  struct lab_frame *frame)
{
	u32 ref = frame->tag - lab_table.tags + 1;
	u64 old = READ_ONCE(list->head);

	do {
		WRITE_ONCE(frame->next, (u32)old);
	} while (!lab_list_advance(list, kind, &old, lab_list_word(old, ref)));
}

/*
 * Takes the last frame pushed; NULL if there is none.
 * Context: Any; preemption disabled if local.
 */
static __always_inline struct lab_frame *
lab_list_pop(struct lab_list *list, enum lab_list_kind kind)
{
	u64 old = READ_ONCE(list->head);
	struct lab_frame *frame;
	lab_tag_t tag;
	u64 seen;

	do {
		seen = old;
		if (!(u32)old)
			return NULL;
		tag = READ_ONCE(lab_table.tags[(u32)old - 1]);
		if (unlikely(!tag)) {
			/*
			 * The frame was popped and its tag removed since the
			 * head was read, so the head has changed. Pairs with
			 * the cmpxchg() of that pop. If it has not, the list
			 * leads nowhere: better no page than somebody else's.
			 */
			smp_rmb();
			old = READ_ONCE(list->head);
			if (WARN_ON_ONCE(old == seen))
				return NULL;
			continue;
		}
		frame = lab_frame_of_tag(tag);
	} while (!tag ||
		 !lab_list_advance(list, kind, &old,
				   lab_list_word(old, READ_ONCE(frame->next))));
	return frame;
}

#endif /* LABYRINTH_LIST_H */
