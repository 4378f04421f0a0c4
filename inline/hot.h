/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fast paths read: one cache line that is written once, at load, and of
 * each owner the first line.
 *
 * The public header's inline code is compiled into drivers, so this layout is
 * part of the binary interface: a driver is built against the same sources as the
 * module it is loaded beside. Where the kernel has MODVERSIONS, the module loader
 * sees to it.
 */
#ifndef LABYRINTH_HOT_H
#define LABYRINTH_HOT_H

#include <linux/cache.h>
#include <linux/types.h>

#include "table.h"

struct lab_cached;
struct lab_cpu_cache;
struct lab_frame;
struct labyrinth_owner;
struct task_struct;

/*
 * What every call reads of an owner. Written when the owner comes, goes or
 * changes its ways, but for @top, which is the one user's of a SINGLE owner: one cache
 * line serves its allocations and frees.
 *
 * Each handle is the owner's, or lab_owner_dead(), which fits none. The first two
 * are it only while the owner has no quota, no thread, needs no zeroing and nobody
 * watches: a pop or a push is all there is to do. So is the last of them, of an owner whose
 * pages are sealed.
 */
struct lab_front {
	unsigned long single_handle;	/* and it is SINGLE */
	unsigned long shared_handle;	/* and it is not */
	unsigned long handle;
	lab_tag_t key;			/* lab_tag_make(0, id, LAB_HELD) */
	union {
		struct lab_cached *top;	/* SINGLE: see struct lab_stack */
		struct lab_cpu_cache __percpu *cpu_cache;
	};
	struct task_struct *task;	/* NULL: not bound; holds a reference */
	u16 flags;			/* LABYRINTH_OWNER_* */
	u16 busy;			/* SINGLE, debug builds: its user is at it */
	unsigned long sealed_handle;	/* and its pages are sealed */
} ____cacheline_aligned;

/*
 * The cache of a SINGLE owner: its CACHED pages, the one to be handed out next on top.
 * front->top points behind that. Below the first stands a page that is never ready, so an
 * empty stack needs no look of its own. Aligned to its size: when front->top is at the end,
 * its lower bits are 0.
 */
#define LAB_STACK_BYTES		8192

struct lab_cached {
	struct lab_slot *slot;
	struct lab_frame *frame;
};

#define LAB_STACK_PAGES		(LAB_STACK_BYTES / sizeof(struct lab_cached))

struct lab_stack {
	struct lab_cached pages[LAB_STACK_PAGES];
};

static_assert(sizeof(struct lab_stack) == LAB_STACK_BYTES);

/*
 * A handle's bits that say which owner's slot, in bytes, and how large that is: two or more
 * cache lines, and some architectures have lines of 256 bytes.
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

/* The owner's slot that @handle leads to, whether or not it is that slot's handle. */
static __always_inline struct lab_front *
lab_front_of(const struct labyrinth_owner *handle)
{
	return labyrinth_hot.owners + ((unsigned long)handle & labyrinth_hot.owner_mask);
}

#endif /* LABYRINTH_HOT_H */
