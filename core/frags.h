/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive buffers that are parts of pages: a word for each slot of the owner table, beside the tag.
 * See page/frag.c.
 */
#ifndef LABYRINTH_CORE_FRAGS_H
#define LABYRINTH_CORE_FRAGS_H

#include "core/owner.h"
#include "inline/hot.h"

/* A page has so many buffers at the most. */
#define LAB_FRAGS_MAX	16U

static inline bool lab_owner_has_frags(const struct lab_owner *owner)
{
	return owner->front.frag_shift;
}

/* The word of a page of an owner with parts of pages: see page/frag.c. */
static inline u64 *lab_frags_at(const struct lab_slot *slot)
{
	unsigned long offset = (unsigned long)slot - (unsigned long)labyrinth_hot.table.slots;

	BUILD_BUG_ON(sizeof(struct lab_slot) != 4 * sizeof(u64));
	return (void *)labyrinth_hot.table.frags + offset / 4;
}

/* Whether a buffer of the page is with the device, or still to be handed out. */
static inline bool lab_frags_are_out(const struct lab_owner *owner, const struct lab_slot *slot)
{
	return lab_owner_has_frags(owner) && (u32)READ_ONCE(*lab_frags_at(slot));
}

#endif /* LABYRINTH_CORE_FRAGS_H */
