/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guard: hooks on core functions by which a page is mapped or freed, so that a call which
 * names a held page is refused. See guard/guard.c.
 */
#ifndef LABYRINTH_GUARD_H
#define LABYRINTH_GUARD_H

#include "labyrinth_compat.h"

struct dentry;
struct device;

#ifdef LAB_GUARD_POSSIBLE

int lab_guard_init(void);
void lab_guard_exit(void);
int lab_guard_hunt(const char *name);
void lab_guard_core_maps(const struct device *dev, int change);
void lab_guard_debugfs(struct dentry *root);

#else /* !LAB_GUARD_POSSIBLE */

static inline int lab_guard_init(void)
{
	return 0;
}

static inline void lab_guard_exit(void)
{
}

static inline void lab_guard_core_maps(const struct device *dev, int change)
{
}

static inline void lab_guard_debugfs(struct dentry *root)
{
}

#endif /* LAB_GUARD_POSSIBLE */

#endif /* LABYRINTH_GUARD_H */
