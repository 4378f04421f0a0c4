/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hook/stubs.S: the functions that a refused call runs, and the range of addresses to which
 * Labyrinth's own calls return.
 */
#ifndef LABYRINTH_STUBS_H
#define LABYRINTH_STUBS_H

#include <linux/types.h>

#include "hook/board.h"

void lab_return_zero(void);
void lab_return_eperm(void);
void lab_return_sigbus(void);
void lab_return_no_dma(void);
extern const char lab_own_calls[], lab_own_calls_end[];

/*
 * Whether the call that returns to @caller is Labyrinth's own, on behalf of the page's owner.
 * All such calls stand side by side in hook/stubs.S. A return address elsewhere in the module
 * proves nothing: a probe on a tracepoint of the module may end with a jump into a hooked
 * function.
 */
static inline bool lab_is_own_call(unsigned long caller)
{
	return caller >= (unsigned long)lab_own_calls &&
	       caller < (unsigned long)lab_own_calls_end;
}

/* The same, and labyrinth_watch's calls, by the token. */
static inline bool lab_has_token(unsigned long token)
{
	return token == lab_call_token;
}

#endif /* LABYRINTH_STUBS_H */
