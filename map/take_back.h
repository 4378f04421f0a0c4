/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that end a process's mapping of the page first. See map/take_back.c.
 */
#ifndef LABYRINTH_TAKE_BACK_H
#define LABYRINTH_TAKE_BACK_H

#include "page/call.h"

/* Whether the only obstacle to the call may be a process that has the page mapped. */
static inline bool lab_call_is_mapped(const struct lab_call *call, int err)
{
	return unlikely(err == -EBUSY && lab_tag_state(call->tag) == LAB_MAPPED);
}

bool lab_call_is_referred_to(const struct lab_call *call);
int lab_call_take_back(struct lab_call *call);

#endif /* LABYRINTH_TAKE_BACK_H */
