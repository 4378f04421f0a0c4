/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_MODULES_H
#define LABYRINTH_MODULES_H

int lab_modules_init(void);
void lab_modules_exit(void);

#endif /* LABYRINTH_MODULES_H */
