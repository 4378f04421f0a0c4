/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An owner's depot: pages that one CPU has too many of, ready for a CPU that has none. The pages
 * lie in boxes, and go in and out by the box. See page/depot.c.
 */
#ifndef LABYRINTH_DEPOT_H
#define LABYRINTH_DEPOT_H

#include <linux/types.h>

#include "inline/hot.h"

/* How many pages a box holds. */
#define LAB_BOX_PAGES		32U
/* How many boxes a depot has: a bit for each, twice, in a word. */
#define LAB_DEPOT_BOXES		32U

struct lab_depot;

struct lab_depot *lab_depot_make(unsigned int boxes);
void lab_depot_free(struct lab_depot *depot);
bool lab_depot_put(struct lab_depot *depot, const struct lab_cached *pages);
bool lab_depot_take(struct lab_depot *depot, struct lab_cached *pages);
unsigned int lab_depot_count(const struct lab_depot *depot);

#endif /* LABYRINTH_DEPOT_H */
