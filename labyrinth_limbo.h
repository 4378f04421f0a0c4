/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a page leaves Labyrinth: to the page allocator if nobody refers to it any
 * more, else to limbo until nobody does.
 */
#ifndef LABYRINTH_LIMBO_H
#define LABYRINTH_LIMBO_H

#include "labyrinth_owner.h"

bool lab_frame_untag(struct lab_owner *owner, struct lab_frame *frame,
		     lab_tag_t *lost);
void lab_report_lost(const struct lab_owner *owner, lab_tag_t tag);
void lab_limbo_add(struct lab_owner *owner, struct lab_frame *frame);
long lab_limbo_count(void);
void lab_limbo_exit(void);

#endif /* LABYRINTH_LIMBO_H */
