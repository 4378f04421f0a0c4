/* SPDX-License-Identifier: GPL-2.0-only */
/* Stamps of hand-outs; see page/stamp.c. */
#ifndef LABYRINTH_STAMP_H
#define LABYRINTH_STAMP_H

#include "page/call.h"

u32 lab_stamp_next(const struct lab_owner *owner);
void lab_stamp_note(const struct lab_owner *owner, struct lab_slot *slot);
u32 lab_stamp_of(const struct lab_owner *owner, const struct lab_slot *slot);
bool lab_stamp_fits(const struct lab_call *call);
int lab_stamp_check(struct lab_call *call);

#endif /* LABYRINTH_STAMP_H */
