/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When owners may come, and that all go. See labyrinth_owner.c.
 */
#ifndef LABYRINTH_OWNER_H
#define LABYRINTH_OWNER_H

int lab_owners_start(void);
void lab_owners_stop(void);

#endif /* LABYRINTH_OWNER_H */
