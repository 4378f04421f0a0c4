/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hook/stubs.S and hook/stubs_arm64.S: the functions that a refused call runs, and the range of
 * addresses in which Labyrinth's own calls are made.
 */
#ifndef LABYRINTH_STUBS_H
#define LABYRINTH_STUBS_H

#include <linux/types.h>
#include <linux/uaccess.h>

#include "hook/board.h"
#include "labyrinth_compat.h"

void lab_return_zero(void);
void lab_return_eperm(void);
void lab_return_sigbus(void);
void lab_return_no_dma(void);
extern const char lab_own_calls[], lab_own_calls_end[];

/*
 * For ftrace's callback, of a call that returns to @caller: an address between lab_own_calls and
 * lab_own_calls_end, if and only if hook/ made the call.
 */
#ifdef CONFIG_ARM64
/* Not @caller, which a kretprobe may have put there: see hook/stubs_arm64.S. */
static inline unsigned long lab_call_mark(unsigned long caller, struct ftrace_regs *regs)
{
	unsigned long *record = (unsigned long *)lab_ftrace_frame(regs), mark;

	return get_kernel_nofault(mark, record + 1) ? 0 : mark;
}
#else
static inline unsigned long lab_call_mark(unsigned long caller, struct ftrace_regs *regs)
{
	return caller;
}
#endif

/*
 * Whether the call that returns to @caller is Labyrinth's own, on behalf of the page's owner.
 * All such calls stand side by side in hook/. A return address elsewhere in the module
 * proves nothing: a probe on a tracepoint of the module may end with a jump into a hooked
 * function.
 */
static inline bool lab_is_own_call(unsigned long caller, struct ftrace_regs *regs)
{
	unsigned long mark = lab_call_mark(caller, regs);

	return mark >= (unsigned long)lab_own_calls &&
	       mark < (unsigned long)lab_own_calls_end;
}

#ifdef LAB_DIRECT_POSSIBLE
/* The same, by the token. */
static inline bool lab_has_token(unsigned long token)
{
	return token == lab_call_token;
}
#endif

#endif /* LABYRINTH_STUBS_H */
