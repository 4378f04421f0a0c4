/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_DEBUGFS_H
#define LABYRINTH_DEBUGFS_H

int lab_debugfs_init(void);
void lab_debugfs_exit(void);

#endif /* LABYRINTH_DEBUGFS_H */
