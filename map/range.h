/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several of an owner's pages mapped at once, side by side: each has its record.
 * See map/range.c.
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
 * struct lab_range - the pages of one mapping
 * @owner: whose they are; or whose they were, of those whose record is unlinked.
 * @nr: how many.
 * @pages: in their order.
 */
struct lab_range {
	struct lab_owner *owner;
	unsigned int nr;
	struct lab_range_page pages[];
};

bool lab_range_fits(void **addrs, unsigned int nr);
int lab_range_attach(struct lab_range *range, struct lab_call *call,
		     void **addrs, const struct lab_map_note *what);
void lab_range_detach(struct lab_range *range);

#endif /* LABYRINTH_RANGE_H */
