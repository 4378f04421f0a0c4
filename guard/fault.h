/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_FAULT_H
#define LABYRINTH_FAULT_H

#include "labyrinth_compat.h"

struct dentry;

#ifdef LAB_SEAL_POSSIBLE

int lab_fault_arm(void);
void lab_fault_exit(void);
void lab_fault_debugfs(struct dentry *root);

#else

static inline int lab_fault_arm(void)
{
	return 0;
}

static inline void lab_fault_exit(void)
{
}

static inline void lab_fault_debugfs(struct dentry *root)
{
}

#endif /* LAB_SEAL_POSSIBLE */

#endif /* LABYRINTH_FAULT_H */
