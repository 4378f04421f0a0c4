/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_SYSTEM_QUARANTINE_H
#define LABYRINTH_SYSTEM_QUARANTINE_H

int lab_quarantine_init(void);
void lab_quarantine_exit(void);

#endif /* LABYRINTH_SYSTEM_QUARANTINE_H */
