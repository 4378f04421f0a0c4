/* SPDX-License-Identifier: GPL-2.0-only */
/* Owners whose frees are noted, after a double free; see report/noted.c. */
#ifndef LABYRINTH_NOTED_H
#define LABYRINTH_NOTED_H

struct lab_refusal;

void lab_noted_after(const struct lab_refusal *refusal);
void lab_noted_exit(void);

#endif /* LABYRINTH_NOTED_H */
