/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hooked core function, and the declarations that the guard's files share. guard/hooks.c has
 * the table of hooks, guard/verdict.c judges the calls, guard/guard.c arms the hooks.
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

struct device;
struct lab_choice;
struct lab_stub;

#ifdef LAB_GUARD_POSSIBLE

/* The values of guard=. */
enum lab_guard_mode {
	LAB_GUARD_OFF,
	LAB_GUARD_REPORT,
	LAB_GUARD_REFUSE,
	LAB_NR_GUARD_MODES
};

/* Hooks are armed and disarmed by class, since not every user wants the cost of all classes. */
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
	LAB_HOOK_DISARMED,	/* the function is as in the kernel */
	LAB_HOOK_ARMED,		/* the hook looks at each call */
	LAB_HOOK_MISSING,	/* this kernel has no such function */
	LAB_HOOK_FAILED,	/* ftrace refused: see hook->err */
	LAB_HOOK_STUCK,		/* ftrace refused to disarm: armed for ever */
	LAB_NR_HOOK_STATES
};

/**
 * struct lab_hook - a hooked core function
 * @name: the function's name.
 * @addr: the function's address; 0: not exported, or not in this kernel.
 * @by_name: the function is not exported; ftrace finds the function by name.
 * @tracepoint: a tracepoint, not a function: see guard/rawfree.c.
 * @class: all hooks of a class are armed together.
 * @refusal: the function of hook/stubs.h that a refused call runs instead of the hooked
 *	function: returns the hooked function's value for failure.
 * @direct: the stub to call from the function's first instruction without ftrace's callback,
 *	unless other code has the function's direct call. The stub looks at the arguments in
 *	place of @find. NULL: none.
 * @stub: with @direct: the stub's words.
 * @stub_of: with @direct: where the function behind the stub finds this hook.
 * @find: the first tag, of a page in the arguments, that nobody may map or free; 0: none. Plain
 *	loads alone; any context.
 * @offender: the address to report, for a call that returns to @ip; or NULL: @ip.
 * @serve: the function to run in place of the hooked function, for a call that @serves; 0: none.
 * @serves: whether the call, in which @find found a tag, is the core's on behalf of the page's
 *	owner: see map/core.c. NULL: each such call is.
 * @unmaps: armed only while there are owners for whom the core maps pages.
 * @notice: a call is never refused, only reported.
 * @spend: a refusal makes the core drop a reference of the page: see lab_guard_refill().
 * @by_direct: armed by @direct. Written under guard_lock.
 * @state: &enum lab_hook_state. Written under guard_lock.
 * @err: the errno with LAB_HOOK_FAILED or LAB_HOOK_STUCK.
 * @hits: calls looked at; of mm_page_free those that the first look did not pass.
 * @found: calls that named a held page.
 * @refused: how many of @found were refused; the rest went on, reported.
 * @ops: ftrace's part of the hook.
 */
struct lab_hook {
	const char *name;
	unsigned long addr;
	bool by_name;
	bool tracepoint;
	enum lab_hook_class class;
	unsigned long refusal;
	void (*direct)(void);
	struct lab_stub *stub;
	struct lab_hook **stub_of;
	lab_tag_t (*find)(struct ftrace_regs *regs);
	unsigned long (*offender)(struct ftrace_regs *regs, unsigned long ip);
	unsigned long serve;
	bool (*serves)(struct ftrace_regs *regs, lab_tag_t tag);
	bool unmaps;
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

/* Whether @frame has one of the words of a tagged page. All have the mark and the seal. */
static __always_inline bool lab_guard_looks_tagged(struct lab_frame *frame)
{
	return READ_ONCE(frame->flags) & LAB_FRAME_MARK ||
	       READ_ONCE(frame->seal) == LAB_FRAME_SEAL ||
	       PageOffline(lab_frame_page(frame));
}

/*
 * Whether @frame's page may be tagged: a look at a single cache line, while a look-up of a page
 * without a tag reads two buckets of the table. A foreign write, or a borrower, may have destroyed
 * a word, and all words of a page that is in limbo now.
 */
static inline bool lab_guard_may_know(struct lab_frame *frame)
{
	return lab_guard_looks_tagged(frame) ||
	       lab_limbo_may_have(page_to_pfn(lab_frame_page(frame)));
}

/**
 * struct lab_offender - who made a call
 * @ip: the address to report.
 * @back: where the call returns to, if that is core code and @ip a driver's function; else 0.
 */
struct lab_offender {
	unsigned long ip;
	unsigned long back;
};

extern struct lab_choice lab_guard_mode;

bool lab_guard_found(struct lab_hook *hook, lab_tag_t tag,
		     const struct lab_offender *offender, bool can_refuse);
bool lab_guard_refuses(void);
bool lab_guard_is_off(void);
void lab_guard_refill(const struct lab_hook *hook, lab_tag_t tag, unsigned long caller);
unsigned long lab_offender_on_stack(void);
unsigned long lab_offender_of_free(struct ftrace_regs *regs, unsigned long ip);
struct lab_offender lab_offender_of(const struct lab_hook *hook, struct ftrace_regs *regs,
				    unsigned long ip);
int lab_rawfree_arm(struct lab_hook *hook);
int lab_rawfree_disarm(struct lab_hook *hook);
void lab_rawfree_forget(void);
bool lab_rawfree_can_refuse(void);
bool lab_rawfree_found(struct lab_hook *hook, lab_tag_t tag, bool can_refuse);

#endif /* LAB_GUARD_POSSIBLE */

#endif /* LABYRINTH_HOOK_H */
