/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_NOTIFY_H
#define LABYRINTH_NOTIFY_H

int lab_notify_init(void);
void lab_notify_exit(void);

#endif /* LABYRINTH_NOTIFY_H */
