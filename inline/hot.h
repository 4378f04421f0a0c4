/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data of the fast paths: a cache line that is written once, at load, and the first line of
 * each owner.
 *
 * The public header's inline code is compiled into drivers, so this layout is part of the
 * binary interface: a driver is built from the same sources as the module in the kernel. Where
 * the kernel has MODVERSIONS, the module loader checks that.
 */
#ifndef LABYRINTH_HOT_H
#define LABYRINTH_HOT_H

#include <linux/cache.h>
#include <linux/types.h>

#include "table.h"

struct lab_cpu_cache;
struct lab_frame;
struct labyrinth_owner;
struct task_struct;

/* A page of an owner's, by its slot and frame. */
struct lab_cached {
	struct lab_slot *slot;
	struct lab_frame *frame;
};

/*
 * What the calls of receive buffers read, in the cache line behind the line that every call
 * reads. The entries of @lent are hints: a page may have been taken back or have left since, so
 * the tag is compared before an entry is used.
 *
 * Of a SINGLE owner, only the owner's user touches the ring; of any other owner, only code that
 * holds the owner's map_lock.
 */
struct lab_rx {
	unsigned long handle;		/* of a SINGLE owner with LABYRINTH_OWNER_DMA */
	struct lab_cached *lent;	/* a ring of pages lent; NULL: there is none */
	u32 head;			/* free-running: for the next page lent */
	u32 tail;			/* free-running: the oldest page */
	u32 mask;			/* entries of @lent, less 1 */
	u32 limit;			/* attrs.lent; 0: there is no ring */
	u32 taken_back;			/* how many pages came back to the owner */
	u32 let_go;			/* how many pages were left to the borrowers */
	/* Of an owner whose buffers are parts of pages: see page/frag.c. */
	unsigned long frag_handle;	/* of a SINGLE owner */
	struct lab_cached open;		/* the page with fresh buffers; no slot: none */
};

/*
 * The words of an owner that every call reads, in one cache line, and a second line for the
 * calls of receive buffers. Written when the owner comes,
 * goes or changes its ways. The exception is @top of a SINGLE owner: the owner's user moves
 * @top with every allocation and free.
 *
 * Each handle field is the owner's handle, or lab_owner_dead(), which no handle equals. The
 * first two hold the handle only while the owner has neither quota nor bound thread, needs no
 * zeroing, and no watcher is on: then a call only pops or pushes. Under the same conditions
 * @sealed_handle, in place of @shared_handle, holds the handle of a sealed owner, and
 * @rx.handle the handle of a SINGLE owner with LABYRINTH_OWNER_DMA; @rx.frag_handle in place of all
 * of these, if the owner's buffers are parts of pages.
 */
struct lab_front {
	unsigned long single_handle;	/* of a SINGLE owner */
	unsigned long shared_handle;	/* of an owner neither SINGLE nor SEALED */
	unsigned long handle;
	lab_tag_t key;			/* lab_tag_make(0, id, LAB_HELD) */
	union {
		struct lab_cached *top;	/* SINGLE: see struct lab_stack */
		struct lab_cpu_cache __percpu *cpu_cache;
	};
	struct task_struct *task;	/* NULL: not bound; holds a reference */
	u16 flags;			/* LABYRINTH_OWNER_* */
	u8 frag_shift;			/* log2 of a buffer's bytes; 0: a buffer is a page */
	/* Not every architecture can exchange less than 32 bits. */
	u32 busy;			/* SINGLE, debug builds: a user is in the stack */
	unsigned long sealed_handle;	/* of a SEALED owner */
	struct lab_rx rx ____cacheline_aligned;
} ____cacheline_aligned;

/*
 * The cache of a SINGLE owner: the owner's CACHED pages, the next page to be handed out on top.
 * front->top points behind the top entry. Below the first entry stands a page that is never
 * ready, so no test for an empty stack is needed. The stack is aligned to its size: front->top
 * at the end has zeroes in the lower bits, so the test for a full stack needs no second load.
 */
#define LAB_STACK_BYTES		8192

#define LAB_STACK_PAGES		(LAB_STACK_BYTES / sizeof(struct lab_cached))

struct lab_stack {
	struct lab_cached pages[LAB_STACK_PAGES];
};

static_assert(sizeof(struct lab_stack) == LAB_STACK_BYTES);
/* A line each: see struct lab_front. */
static_assert(sizeof(struct lab_rx) <= 64);

/*
 * The bits of a handle that give the offset, in bytes, of the owner's slot. A slot is at least
 * two cache lines, and some architectures have lines of 256 bytes.
 */
#define LAB_OWNER_SLOT_SHIFT	(SMP_CACHE_BYTES > 128 ? 10 : 9)

struct labyrinth_hot {
	void *owners;			/* the slots of owners, struct lab_owner each */
	unsigned long owner_mask;
	unsigned long direct_map;	/* where frame 0 would be mapped */
	unsigned long pfn_limit;	/* all frame numbers are below */
	struct lab_table table;
} ____cacheline_aligned;

extern struct labyrinth_hot labyrinth_hot;

/* The front line of the slot to which @handle leads. The caller compares the handle. */
static __always_inline struct lab_front *
lab_front_of(const struct labyrinth_owner *handle)
{
	return labyrinth_hot.owners + ((unsigned long)handle & labyrinth_hot.owner_mask);
}

#endif /* LABYRINTH_HOT_H */
