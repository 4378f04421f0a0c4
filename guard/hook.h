/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hooked core function, and what the guard's files know of one another. What is hooked is
 * guard/hooks.c's to say, what becomes of a call guard/verdict.c's, when a hook is armed
 * guard/guard.c's.
 */
#ifndef LABYRINTH_HOOK_H
#define LABYRINTH_HOOK_H

#include <linux/atomic.h>
#include <linux/ftrace.h>
#include <linux/types.h>

#include "inline/frame.h"
#include "inline/hot.h"
#include "labyrinth_compat.h"
#include "page/limbo.h"

struct lab_choice;

#ifdef LAB_GUARD_POSSIBLE

/* What guard= asks for. */
enum lab_guard_mode {
	LAB_GUARD_OFF,
	LAB_GUARD_REPORT,
	LAB_GUARD_REFUSE,
};

/* Hooks are armed and disarmed by class: not all are worth their cost to all. */
enum lab_hook_class {
	LAB_HOOK_MAP,		/* into a process, by mmap() */
	LAB_HOOK_FAULT,		/* into a process, by a page fault */
	LAB_HOOK_VMAP,		/* into the kernel's own address space */
	LAB_HOOK_DMA,		/* to a device */
	LAB_HOOK_FILE,		/* into a file, a pipe or a socket, by reference */
	LAB_HOOK_FREE,		/* to the page allocator */
	LAB_NR_HOOK_CLASSES
};

enum lab_hook_state {
	LAB_HOOK_DISARMED,	/* the function is as the kernel has it */
	LAB_HOOK_ARMED,		/* each call is looked at */
	LAB_HOOK_MISSING,	/* this kernel has no such function */
	LAB_HOOK_FAILED,	/* ftrace would not: see hook->err */
	LAB_HOOK_STUCK,		/* ftrace would not let it go: looked at for ever */
	LAB_NR_HOOK_STATES
};

/**
 * struct lab_hook - one hooked core function
 * @name: the function's name.
 * @addr: its address, where it is exported; 0: not exported, or not there.
 * @by_name: it is not exported, and is found by its name.
 * @tracepoint: it is no function, but a tracepoint: see guard/rawfree.c.
 * @class: with which others it is armed.
 * @refusal: what a refused call runs instead of the function: it returns what the
 *	function returns on failure. See hook/stubs.S.
 * @direct: called from the function's first instruction without ftrace's callback,
 *	where nobody else is: it asks @find's question itself. 0: none.
 * @direct_of: where whoever is called so finds this hook; or NULL.
 * @find: the first tag among the pages in the arguments that is not anybody's
 *	to map or free, or 0. Plain loads alone; any context.
 * @offender: whom to report, if not the function's caller; or NULL.
 * @notice: a call is never refused, only reported.
 * @spend: the refusal makes the core drop a reference of the page: see
 *	lab_guard_refill().
 * @by_direct: it is armed by @direct. Written under guard_lock.
 * @state: &enum lab_hook_state. Written under guard_lock.
 * @err: why it failed.
 * @hits: calls looked at.
 * @found: calls that named a held page.
 * @refused: how many of them were refused; the others went on, reported.
 * @ops: ftrace's side of it.
 */
struct lab_hook {
	const char *name;
	unsigned long addr;
	bool by_name;
	bool tracepoint;
	enum lab_hook_class class;
	unsigned long refusal;
	unsigned long direct;
	struct lab_hook **direct_of;
	lab_tag_t (*find)(struct ftrace_regs *regs);
	unsigned long (*offender)(struct ftrace_regs *regs);
	bool notice;
	bool spend;
	bool by_direct;
	enum lab_hook_state state;
	int err;
	unsigned long __percpu *hits;
	atomic_long_t found;
	atomic_long_t refused;
	struct ftrace_ops ops;
};

extern struct lab_hook lab_hooks[];
extern const unsigned int lab_nr_hooks;

/*
 * Whether @frame's page may be tagged: a look at what is on one cache line, where
 * the table's answer for a page that it does not know takes two buckets. All pages of
 * Labyrinth's have the mark, and most the type. A foreign write, or a borrower, may have
 * taken off one of them, and both off a page that is in limbo now.
 */
static inline bool lab_guard_may_know(struct lab_frame *frame)
{
	return PageOffline(lab_frame_page(frame)) || lab_frame_is_ours(frame) ||
	       unlikely(lab_limbo_count());
}

/* Of guard/block.S. */
void lab_hook_free_pages(void);
void lab_hook_free_address(void);

/* What guard/block.S calls. */
bool lab_refuse_block(struct page *page, unsigned int order);
bool lab_refuse_block_at(unsigned long addr, unsigned int order);

/* The two hooks whose direct calls end there. Written once, at load. */
extern struct lab_hook *lab_rawfree_pages, *lab_rawfree_address;

extern struct lab_choice lab_guard_mode;

bool lab_guard_found(struct lab_hook *hook, lab_tag_t tag, unsigned long caller,
		     bool can_refuse);
bool lab_guard_refuses(void);
bool lab_guard_is_off(void);
void lab_guard_refill(const struct lab_hook *hook, lab_tag_t tag, unsigned long caller);
unsigned long lab_rawfree_offender(struct ftrace_regs *regs);
int lab_rawfree_arm(struct lab_hook *hook);
int lab_rawfree_disarm(struct lab_hook *hook);
void lab_rawfree_forget(void);
void lab_rawfree_exit(void);

#endif /* LAB_GUARD_POSSIBLE */

#endif /* LABYRINTH_HOOK_H */
