/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_RECLAIM_H
#define LABYRINTH_RECLAIM_H

int lab_shrinker_init(void);
void lab_shrinker_exit(void);

#endif /* LABYRINTH_RECLAIM_H */
