/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast paths of a SINGLE owner, inline in the driver. Included by
 * labyrinth_alloc.h; nothing here is for a driver to call by its own name.
 *
 * Plain accesses: what the one user alone writes (the stack, its pages' tags and notes)
 * no other context writes at the same time. Of the rest (a handle, another owner's tag)
 * any value may be read, as long as it is read at once, which an aligned word is:
 * it is compared, and only if equal believed.
 */
#ifndef LABYRINTH_FAST_H
#define LABYRINTH_FAST_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/instruction_pointer.h>

#include "address.h"
#include "frame.h"
#include "hot.h"

/* Whether one of an owner's handles, which may change any moment, is @handle. */
static __always_inline bool lab_handle_is(const unsigned long *which,
					  const struct labyrinth_owner *handle)
{
	/* Harmless: compared whole; an owner that comes or goes is no reader's. */
	return likely(data_race(*which) == (unsigned long)handle);
}

/*
 * Whether an owner's calls may go the short way: it lives, has neither quota nor
 * thread, and nobody watches.
 */
static __always_inline bool lab_is_plain(const struct lab_front *front,
					 const struct labyrinth_owner *handle)
{
	return lab_handle_is(&front->single_handle, handle) ||
	       lab_handle_is(&front->shared_handle, handle);
}

/*
 * Debug builds of the kernel check the promise of a SINGLE owner's user: between
 * these two, nobody else is.
 */
static __always_inline void lab_single_enter(struct lab_front *front)
{
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		WARN_ONCE(xchg(&front->busy, 1),
			  "labyrinth: a SINGLE owner has two users at a time");
}

static __always_inline void lab_single_leave(struct lab_front *front)
{
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		xchg(&front->busy, 0);
}

/*
 * Whether the CACHED page of @frame may be handed out without a closer look: its memory is
 * not known to be broken, and nobody has dropped or taken a reference while it was cached.
 */
static __always_inline bool lab_is_ready(const struct lab_frame *frame)
{
	return lab_frame_is_exclusive(frame) && !lab_frame_is_poisoned(frame);
}

/*
 * CACHED -> HELD. Only this owner writes the tag of a CACHED page, so no compare is needed.
 * All 64 bits are stored, not just the state's byte: the next free may load the word while
 * the store is still in the store buffer, and store forwarding stalls when the load is wider
 * than the store. Pairs with lab_slot_glance(): whoever sees HELD sees the notes. On
 * x86 every store is a release; there one addition to memory does.
 */
static __always_inline void lab_single_hand_out(struct lab_slot *slot)
{
	if (IS_ENABLED(CONFIG_X86_64)) {
		barrier();
		/* Harmless: whoever looks on sees the old word or the new one. */
		data_race(slot->tag += LAB_HAND_OUT);
	} else {
		/* Pairs with lab_slot_glance(). */
		smp_store_release(&slot->tag, slot->tag + LAB_HAND_OUT);
	}
}

/*
 * The last page freed is HELD now, at @addr. False if there is none, or more must be
 * asked.
 */
static __always_inline bool lab_take_single(struct lab_front *front,
					    unsigned long site, void **addr)
{
	struct lab_frame *frame;
	struct lab_slot *slot;
	bool ready;

	lab_single_enter(front);
	slot = front->top[-1].slot;
	frame = front->top[-1].frame;
	ready = lab_is_ready(frame);
	/* The compiler then makes it one subtraction from memory. */
	barrier();
	if (likely(ready))
		front->top--;
	lab_single_leave(front);
	if (unlikely(!ready))
		return false;
	lab_slot_note(slot, site);
	lab_single_hand_out(slot);
	*addr = lab_frame_address(frame);
	return true;
}

/* The slot that page @pfn prefers: its tag stands there, or elsewhere. */
static __always_inline struct lab_slot *lab_slot_preferred(unsigned long pfn)
{
	return &labyrinth_hot.table.slots[lab_table_preferred(&labyrinth_hot.table, pfn)];
}

/* Whether @slot says that page @pfn is @front's, HELD, and not to leave with the free. */
static __always_inline bool lab_is_held_at(const struct lab_slot *slot,
					   const struct lab_front *front,
					   unsigned long pfn)
{
	/* Harmless: another owner's tag may change, and is not equal before or after. */
	return likely(data_race(slot->tag) == front->key + pfn);
}

static __always_inline bool lab_single_is_full(const struct lab_front *front)
{
	return !((unsigned long)front->top % LAB_STACK_BYTES);
}

static __always_inline void lab_single_push(struct lab_front *front, struct lab_slot *slot,
					    struct lab_frame *frame)
{
	*front->top = (struct lab_cached) { slot, frame };
	/* As in lab_take_single(). */
	barrier();
	front->top++;
}

/* CACHED and on the stack, if the common answer is the right one to every check. */
static __always_inline bool lab_put_single(struct lab_front *front,
					   const void *addr)
{
	struct lab_frame *frame;
	struct lab_slot *slot;
	unsigned long pfn;

	if (unlikely(!lab_address_pfn(addr, &pfn)))
		return false;
	slot = lab_slot_preferred(pfn);
	if (!lab_is_held_at(slot, front, pfn))
		return false;
	frame = lab_frame_of_pfn(pfn);
	if (!lab_frame_is_exclusive(frame) || unlikely(lab_single_is_full(front)))
		return false;
	/* Only the one user of a SINGLE owner writes the tag of its page. */
	WRITE_ONCE(slot->tag, front->key + pfn - LAB_HAND_OUT);
	lab_single_enter(front);
	lab_single_push(front, slot, frame);
	lab_single_leave(front);
	return true;
}

static __always_inline void *
lab_alloc_inline(struct labyrinth_owner *owner)
{
	struct lab_front *front = lab_front_of(owner);
	void *addr;

	if (lab_handle_is(&front->single_handle, owner) &&
	    lab_take_single(front, _THIS_IP_, &addr))
		return addr;
	return labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
}

static __always_inline int lab_free_inline(struct labyrinth_owner *owner,
					   void *addr)
{
	struct lab_front *front = lab_front_of(owner);

	if (lab_handle_is(&front->single_handle, owner) && lab_put_single(front, addr))
		return 0;
	return labyrinth_free_page(owner, addr);
}

static __always_inline bool lab_owns_inline(struct labyrinth_owner *owner,
					    const void *addr)
{
	struct lab_front *front = lab_front_of(owner);
	unsigned long pfn;

	if (lab_handle_is(&front->handle, owner) &&
	    lab_address_pfn(addr, &pfn) &&
	    lab_is_held_at(lab_slot_preferred(pfn), front, pfn))
		return true;
	return labyrinth_owns(owner, addr);
}

/* A call by name takes the inline path; the function is what else it was. */
#define labyrinth_void_alloc_page_gfp_atomic_exclusive(owner) \
	lab_alloc_inline(owner)
#define labyrinth_free_page(owner, addr)	lab_free_inline(owner, addr)
#define labyrinth_owns(owner, addr)		lab_owns_inline(owner, addr)

#endif /* LABYRINTH_FAST_H */
