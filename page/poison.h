/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poison=1: pages that an owner keeps ready are filled with a pattern, which is
 * looked for when they are handed out. See page/poison.c.
 */
#ifndef LABYRINTH_POISON_H
#define LABYRINTH_POISON_H

#include <linux/types.h>

struct lab_slot;
struct lab_owner;

void lab_poison_cached(struct lab_slot *slot);
void lab_poison_check(const struct lab_owner *owner, struct lab_slot *slot,
		      unsigned long ip);

#endif /* LABYRINTH_POISON_H */
