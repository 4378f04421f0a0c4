/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast paths of a SINGLE owner, inline in the driver through labyrinth_alloc.h. A driver
 * calls none of these functions by name.
 *
 * All accesses are plain. Only the user of a SINGLE owner writes the owner's stack, and the
 * tags and notes of the owner's pages. A handle, or another owner's tag, may change at any
 * moment. An aligned word is loaded whole, so the load gives the old value or the new value.
 * Such a value is compared, and used only if equal.
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

/* Whether @which, a handle of an owner that may change at any moment, is @handle. */
static __always_inline bool lab_handle_is(const unsigned long *which,
					  const struct labyrinth_owner *handle)
{
	/* Harmless: compared as a whole word, and nobody creates or destroys an owner in use. */
	return likely(data_race(*which) == (unsigned long)handle);
}

/*
 * Whether calls with @handle may take the fast path: the owner is alive, has neither quota nor
 * bound thread, and no watcher is on, see lab_watch_begin().
 */
static __always_inline bool lab_is_fast(const struct lab_front *front,
					const struct labyrinth_owner *handle)
{
	return lab_handle_is(&front->single_handle, handle) ||
	       lab_handle_is(&front->shared_handle, handle);
}

/*
 * Debug builds of the kernel check the promise of a SINGLE owner's user: no second user is
 * between lab_single_enter() and lab_single_leave().
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
 * Whether the CACHED page of @frame may be handed out without a closer look: the memory is not
 * known to be broken, and the type and the reference count are as Labyrinth left them.
 */
static __always_inline bool lab_is_ready(const struct lab_frame *frame)
{
	return lab_frame_is_exclusive(frame) && !lab_frame_is_poisoned(frame);
}

/*
 * A LAB_STEP() of the tag in @slot. Only this owner's user writes the tag, so a plain store is
 * enough. Store all 64 bits, not just the state byte: the next call may load the word while the
 * store is still in the store buffer, and store forwarding stalls when the load is wider than the
 * store. The store is a release. Pairs with lab_slot_glance(): a reader that sees the new state
 * sees the notes. On x86 every store is a release, so an addition to memory does.
 */
static __always_inline void lab_single_step(struct lab_slot *slot, u64 step)
{
	if (IS_ENABLED(CONFIG_X86_64)) {
		barrier();
		/* Harmless: a lockless reader sees the old word or the new word. */
		data_race(slot->tag += step);
	} else {
		/* Pairs with lab_slot_glance(). */
		smp_store_release(&slot->tag, slot->tag + step);
	}
}

/*
 * CACHED -> HELD for the page on top of the stack, and @addr is the page's address. False if
 * the stack is empty, or the page needs a closer look.
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
	/* The compiler loads front->top again, so the pop is a single subtraction in memory. */
	barrier();
	if (likely(ready))
		front->top--;
	lab_single_leave(front);
	if (unlikely(!ready))
		return false;
	lab_slot_note(slot, site);
	lab_single_step(slot, LAB_HAND_OUT);
	*addr = lab_frame_address(frame);
	return true;
}

/* The slot that page @pfn prefers. The tag of @pfn may stand in another slot. */
static __always_inline struct lab_slot *lab_slot_preferred(unsigned long pfn)
{
	return &labyrinth_hot.table.slots[lab_table_preferred(&labyrinth_hot.table, pfn)];
}

/* Another slot in which the tag of @pfn may stand, see lab_table_hinted(). */
static __always_inline struct lab_slot *lab_slot_hinted(unsigned long pfn)
{
	return lab_table_hinted(&labyrinth_hot.table, pfn);
}

static __always_inline bool lab_tag_is_at(const struct lab_slot *slot, lab_tag_t tag)
{
	/* Harmless: another owner's tag may change, and is not equal before or after. */
	return likely(data_race(slot->tag) == tag);
}

/* Whether @slot has the tag of page @pfn, HELD by @front's owner, without R or E (see tag.h). */
static __always_inline bool lab_is_held_at(const struct lab_slot *slot,
					   const struct lab_front *front,
					   unsigned long pfn)
{
	return lab_tag_is_at(slot, front->key + pfn);
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

/*
 * HELD -> CACHED, and a push on the stack. False if any check fails: labyrinth_free_page() then
 * frees the page or refuses.
 */
static __always_inline bool lab_put_single(struct lab_front *front,
					   const void *addr)
{
	struct lab_frame *frame;
	struct lab_slot *slot;
	unsigned long pfn;

	if (unlikely(!lab_address_pfn(addr, &pfn)))
		return false;
	slot = lab_slot_preferred(pfn);
	if (!lab_is_held_at(slot, front, pfn)) {
		slot = lab_slot_hinted(pfn);
		if (!lab_is_held_at(slot, front, pfn))
			return false;
	}
	frame = lab_frame_of_pfn(pfn);
	if (!lab_frame_is_exclusive(frame) || unlikely(lab_single_is_full(front)))
		return false;
	/* No compare: only the user of a SINGLE owner writes the tag of the owner's HELD page. */
	WRITE_ONCE(slot->tag, front->key + pfn - LAB_HAND_OUT);
	/*
	 * Pairs with lab_slot_glance(): whoever sees a note of the page's next life, or a
	 * link, sees HELD no more. Nothing but the compiler on x86.
	 */
	smp_wmb();
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
	struct lab_slot *slot;
	lab_tag_t held;

	if (!lab_handle_is(&front->handle, owner) || !lab_address_pfn(addr, &pfn))
		return labyrinth_owns(owner, addr);
	slot = lab_slot_preferred(pfn);
	/*
	 * The hint is looked up by the tag, whose upper bits do not count, and the key is loaded
	 * here, so that the compiler makes the tag of @pfn in place, without a copy.
	 */
	held = pfn + READ_ONCE(front->key);
	if (lab_tag_is_at(slot, held) || lab_tag_is_at(lab_slot_hinted(held), held))
		return true;
	return labyrinth_owns(owner, addr);
}

/* A call by name takes the inline path, which calls the function when a check fails. */
#define labyrinth_void_alloc_page_gfp_atomic_exclusive(owner) \
	lab_alloc_inline(owner)
#define labyrinth_free_page(owner, addr)	lab_free_inline(owner, addr)
#define labyrinth_owns(owner, addr)		lab_owns_inline(owner, addr)

#endif /* LABYRINTH_FAST_H */
