/* SPDX-License-Identifier: GPL-2.0-only */
/* Which cache lines move between CPUs. See lines.c. */
#ifndef LABYRINTH_SIMULATE_LINES_H
#define LABYRINTH_SIMULATE_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum kind {
	KIND_OTHER,
	KIND_SLOTS,
	KIND_COUNTS,		/* of the table, behind the slots */
	KIND_PAGES,		/* struct page */
	KIND_FRONT,		/* the lines of an owner that every call reads */
	KIND_OWNER,		/* the rest of an owner */
	KIND_DEPOT,
	KIND_CACHES,		/* of each CPU, and stacks of SINGLE owners */
	NR_KINDS
};

struct tally {
	unsigned long moved;		/* lines that came from another CPU */
	unsigned long far;		/* of these, from another node */
	unsigned long shared;		/* lines that more than one CPU wrote */
};

void lines_region(const void *from, size_t size, enum kind kind);
void lines_stack(const void *top);
void lines_begin(void);
void lines_operation(void);
void lines_end(struct tally tally[NR_KINDS]);
const char *lines_name(enum kind kind);

#endif /* LABYRINTH_SIMULATE_LINES_H */
