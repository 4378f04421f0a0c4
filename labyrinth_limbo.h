/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a page leaves Labyrinth: to the page allocator if nobody refers to it any
 * more, else to limbo until nobody does.
 */
#ifndef LABYRINTH_LIMBO_H
#define LABYRINTH_LIMBO_H

#include "labyrinth_owner.h"

/* What became of a page that was to leave. */
enum lab_leave {
	LAB_LEFT,		/* an ordinary page now, the caller's to free */
	LAB_LEFT_SHORT,		/* likewise, and a reference had been dropped */
	LAB_IN_LIMBO,		/* something still refers to it */
	LAB_NOT_OURS,		/* not the owner's, or in no state to leave */
};

enum lab_leave lab_leave(struct lab_owner *owner, lab_tag_t *slot,
			 lab_tag_t *was);
void lab_report_lost(const struct lab_owner *owner, lab_tag_t tag);
void lab_limbo_add(struct lab_owner *owner, struct lab_frame *frame);
void lab_retire(struct lab_owner *owner, lab_tag_t *slot);
void lab_settle(struct lab_owner *owner, lab_tag_t *slot);
void lab_limbo_settle(struct lab_owner *owner, lab_tag_t *slot, lab_tag_t tag);
long lab_limbo_count(void);
void lab_limbo_exit(void);

#endif /* LABYRINTH_LIMBO_H */
