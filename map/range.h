/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several of an owner's pages mapped at once, side by side, with a record for each page. See
 * map/range.c.
 */
#ifndef LABYRINTH_RANGE_H
#define LABYRINTH_RANGE_H

#include <linux/overflow.h>

#include "page/mapping.h"

struct lab_range_page {
	struct lab_mapping map;
	struct lab_slot *slot;
	unsigned long pfn;
};

/**
 * struct lab_range - the pages of a mapping
 * @process: the process, if the mapping is a process's. First, see struct lab_mapping.
 * @owner: the owner of the pages with a linked record; the former owner of the rest.
 * @nr: how many pages.
 * @pages: the pages, in the order of the mapping.
 */
struct lab_range {
	struct lab_process process;
	struct lab_owner *owner;
	unsigned int nr;
	struct lab_range_page pages[];
};

static_assert(offsetof(struct lab_range, process) == 0);

bool lab_range_fits(void **addrs, unsigned int nr);
int lab_range_attach(struct lab_range *range, struct lab_call *call,
		     void **addrs, const struct lab_map_note *what);
void lab_range_detach(struct lab_range *range);

#endif /* LABYRINTH_RANGE_H */
