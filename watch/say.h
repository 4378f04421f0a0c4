/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_SAY_H
#define WATCH_SAY_H

#include <linux/types.h>

struct page;

/**
 * struct watch_finding - a wrong call
 * @class: for the report's first line.
 * @function: the function called.
 * @page: the page named by the call.
 * @ip: the caller.
 * @module: the watched module concerned.
 * @refused: whether the call is refused.
 * @mapped_at: the call that mapped the page for DMA; 0: a record is looked for.
 * @mapped_size: how many bytes.
 */
struct watch_finding {
	const char *class;
	const char *function;
	struct page *page;
	unsigned long ip;
	unsigned int module;
	bool refused;
	u32 mapped_at;
	u32 mapped_size;
};

/* The module, on the stack, that called the core; else the innermost function of the core. */
unsigned long watch_caller_on_stack(void);

void watch_say(const struct watch_finding *finding);

#endif /* WATCH_SAY_H */
