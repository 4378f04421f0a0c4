/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast paths of a SINGLE owner, inline in the driver. Included by
 * labyrinth_alloc.h; nothing here is for a driver to call by its own name.
 *
 * Plain accesses: of what the one user alone writes (head, room, its pages' tags
 * and frames) there is no race to speak of. Of the rest (a handle, another's tag)
 * any value may be read, as long as it is read at once, which an aligned word is:
 * it is compared, and only if equal believed.
 */
#ifndef LABYRINTH_FAST_H
#define LABYRINTH_FAST_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/instruction_pointer.h>

#include "labyrinth_address.h"
#include "labyrinth_frame.h"
#include "labyrinth_hot.h"

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

/* The page's address, from where its struct page is. */
static __always_inline void *lab_frame_direct(const struct lab_frame *frame)
{
	unsigned long offset = (unsigned long)frame -
			       (unsigned long)pfn_to_page(0);

	/* Frame 0's struct page counts as if it were there, if it is not. */
	if (PAGE_SIZE % sizeof(struct page) ||
	    !(IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) || IS_ENABLED(CONFIG_FLATMEM)))
		return (void *)frame->address;
	return (void *)labyrinth_hot.direct_map +
	       offset * (PAGE_SIZE / sizeof(struct page));
}

/* The last page freed is HELD now. There is one. */
static __always_inline void *lab_take_single(struct lab_front *front,
					     unsigned long site)
{
	struct lab_frame *frame;

	lab_single_enter(front);
	frame = front->head;
	front->head = (struct lab_frame *)frame->next;
	lab_single_leave(front);
	lab_frame_note(frame, site);
	/*
	 * Nobody else writes the tag of a cached page. The whole word, since the
	 * free that reads it may come so soon that the store is still on its
	 * way: a load gets from it what is in one store, and waits for else.
	 * Harmless to who looks on: one store of a word, as any other.
	 */
	data_race(*frame->tag += LAB_HAND_OUT);
	/* Sooner there than frame->address, and the next free waits for it. */
	return lab_frame_direct(frame);
}

/*
 * Whether the tag in slot @index, which page @pfn prefers, says that the page is
 * @front's, HELD. If not, it may still stand elsewhere.
 */
static __always_inline bool lab_is_held_at(u64 index,
					   const struct lab_front *front,
					   unsigned long pfn)
{
	const lab_tag_t *tags = labyrinth_hot.table.tags;

	/* Harmless: another's tag may change, and is not equal before or after. */
	return likely(data_race(tags[index]) == front->key + pfn);
}

/* CACHED and on the list, if the common answer is the right one to every check. */
static __always_inline bool lab_put_single(struct lab_front *front,
					   const void *addr)
{
	struct lab_frame *frame;
	unsigned long pfn;
	u64 index;

	if (unlikely(!lab_address_pfn(addr, &pfn)))
		return false;
	index = lab_table_preferred(&labyrinth_hot.table, pfn);
	if (!lab_is_held_at(index, front, pfn))
		return false;
	frame = lab_frame(pfn_to_page(pfn));
	if (!lab_frame_is_exclusive(frame))
		return false;
	/* One instruction where a test before it would be three. */
	if (unlikely(--front->room < 0)) {
		front->room = 0;
		return false;
	}
	/* Only the one user of a SINGLE owner writes the tag of its page. */
	WRITE_ONCE(labyrinth_hot.table.tags[index],
		   front->key + pfn - LAB_HAND_OUT);
	lab_single_enter(front);
	WRITE_ONCE(frame->next, (unsigned long)front->head);
	front->head = frame;
	lab_single_leave(front);
	return true;
}

static __always_inline void *
lab_alloc_inline(struct labyrinth_owner *owner)
{
	struct lab_front *front = lab_front_of(owner);

	if (lab_handle_is(&front->single_handle, owner) && likely(front->head))
		return lab_take_single(front, _THIS_IP_);
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
	    lab_is_held_at(lab_table_preferred(&labyrinth_hot.table, pfn),
			   front, pfn))
		return true;
	return labyrinth_owns(owner, addr);
}

/* A call by name takes the inline path; the function is what else it was. */
#define labyrinth_void_alloc_page_gfp_atomic_exclusive(owner) \
	lab_alloc_inline(owner)
#define labyrinth_free_page(owner, addr)	lab_free_inline(owner, addr)
#define labyrinth_owns(owner, addr)		lab_owns_inline(owner, addr)

#endif /* LABYRINTH_FAST_H */
