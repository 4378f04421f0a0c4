/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poison=1: pages that an owner keeps ready are filled with a pattern, which is
 * looked for when they are handed out. See labyrinth_poison.c.
 */
#ifndef LABYRINTH_POISON_H
#define LABYRINTH_POISON_H

#include <linux/types.h>

struct lab_frame;
struct lab_owner;

void lab_poison_cached(struct lab_frame *frame);
void lab_poison_check(const struct lab_owner *owner, struct lab_frame *frame,
		      unsigned long ip);

#endif /* LABYRINTH_POISON_H */
