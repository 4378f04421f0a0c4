/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocation stacks, kept in the stack depot while stacks=1.
 */
#ifndef LABYRINTH_STACK_H
#define LABYRINTH_STACK_H

#include "inline/frame.h"

void lab_stack_note(struct lab_slot *slot);
u32 lab_stack_after(u32 stack, unsigned long (*after)(unsigned long site, void *arg), void *arg);

#endif /* LABYRINTH_STACK_H */
