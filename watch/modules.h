/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which modules are watched. See watch/modules.c.
 */
#ifndef WATCH_MODULES_H
#define WATCH_MODULES_H

#include <linux/mutex.h>

#include "labyrinth_compat.h"
#include "watch/watched.h"

/* Protects the table and the notes against going; see watch/modules.c. */
extern struct mutex watch_modules_lock;

struct dentry;

#ifdef LAB_FOLLOW_POSSIBLE

int watch_modules_init(void);
void watch_modules_exit(void);
void watch_pages_debugfs(struct dentry *folder);

#else

static inline int watch_modules_init(void)
{
	return 0;
}

static inline void watch_modules_exit(void)
{
}

static inline void watch_pages_debugfs(struct dentry *folder)
{
}

#endif /* LAB_FOLLOW_POSSIBLE */

#endif /* WATCH_MODULES_H */
