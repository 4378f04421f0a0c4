/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_RECLAIM_H
#define LABYRINTH_RECLAIM_H

int lab_reclaim_init(void);
void lab_reclaim_exit(void);

#endif /* LABYRINTH_RECLAIM_H */
