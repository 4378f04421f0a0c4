/* SPDX-License-Identifier: GPL-2.0-only */
/* An owner hunted: the owner's pages have no spare references. See page/hunt.c. */
#ifndef LABYRINTH_HUNT_H
#define LABYRINTH_HUNT_H

#include "core/owner.h"
#include "inline/slot.h"

/* The references of a thin page that nobody else refers to, and what such a page lacks. */
#define LAB_REFS_THIN	1
#define LAB_HUNT_SPARE	(LAB_REFS_EXCLUSIVE - LAB_REFS_THIN)

void lab_hunt_take_spare(struct lab_slot *slot);
lab_tag_t lab_hunt_give_spare(struct lab_slot *slot);
void lab_hunt_forget(struct lab_slot *slot);
void lab_hunt_new_owner(struct lab_owner *owner);
void lab_hunt_start(const char *name);
unsigned int lab_hunt_stop(bool patient);
const char *lab_hunt_name(void);

static inline bool lab_owner_is_hunted(const struct lab_owner *owner)
{
	return READ_ONCE(owner->front.flags) & LAB_OWNER_HUNTED;
}

/*
 * Makes the page in @slot thin, if @owner is hunted.
 * Context: Any; the owner alive.
 */
static inline void lab_hunt_thin(const struct lab_owner *owner, struct lab_slot *slot)
{
	if (unlikely(lab_owner_is_hunted(owner)))
		lab_hunt_take_spare(slot);
}

/*
 * Ends that the page of @tag in @slot is thin.
 * Context: Any. Return: the tag now.
 */
static inline lab_tag_t lab_hunt_thick(struct lab_slot *slot, lab_tag_t tag)
{
	return unlikely(tag & LAB_TAG_THIN) ? lab_hunt_give_spare(slot) : tag;
}

#endif /* LABYRINTH_HUNT_H */
