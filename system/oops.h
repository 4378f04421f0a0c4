/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_OOPS_H
#define LABYRINTH_OOPS_H

int lab_oops_init(void);
void lab_oops_exit(void);

#endif /* LABYRINTH_OOPS_H */
