/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that end a process's mapping of the page first. See map/take_back.c.
 */
#ifndef LABYRINTH_TAKE_BACK_H
#define LABYRINTH_TAKE_BACK_H

#include "page/call.h"

/* Whether all that stands in the call's way may be that a process has the page. */
static inline bool lab_call_is_mapped(const struct lab_call *call, int err)
{
	return unlikely(err == -EBUSY && lab_tag_state(call->tag) == LAB_MAPPED);
}

/* Nothing is taken away for a call that is refused all the same. */
static inline bool lab_call_is_referred_to(const struct lab_call *call)
{
	return lab_frame_refs(call->frame) > LAB_REFS_EXCLUSIVE;
}

int lab_call_take_back(struct lab_call *call);

#endif /* LABYRINTH_TAKE_BACK_H */
