/* SPDX-License-Identifier: GPL-2.0-only */
/* Stamps of hand-outs; see page/stamp.c. */
#ifndef LABYRINTH_STAMP_H
#define LABYRINTH_STAMP_H

#include "page/call.h"

u32 lab_stamp_next(const struct lab_owner *owner);
void lab_stamp_note(const struct lab_owner *owner, struct lab_slot *slot);
int lab_stamp_check(struct lab_call *call);

/* The stamp of @owner's page in @slot; 0 if the owner is not for stamps. Context: Any. */
static inline u32 lab_stamp_of(const struct lab_owner *owner, const struct lab_slot *slot)
{
	return lab_owner_is_stamped(owner) ? READ_ONCE(slot->when) >> 32 : 0;
}

/* Whether @call, if stamped, is about the present hand-out of the page that @call has found. */
static inline bool lab_stamp_fits(const struct lab_call *call)
{
	return likely(!call->stamped) || lab_stamp_of(call->owner, call->slot) == call->stamp;
}

#endif /* LABYRINTH_STAMP_H */
