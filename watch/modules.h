/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which modules are watched. See watch/modules.c.
 */
#ifndef WATCH_MODULES_H
#define WATCH_MODULES_H

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "labyrinth_compat.h"

#define WATCH_MAX_MODULES	16	/* and one more, 0, that is none */

struct watch_text {
	unsigned long base;
	unsigned long size;
};

/* Read by watch/stubs.S as well. */
extern struct watch_text watch_text, watch_own_text;

struct watch_module {
	char name[MODULE_NAME_LEN];	/* empty: the place is free */
	struct watch_text text, init;	/* of size 0 while not loaded */
	atomic_long_t allocs, refused, noticed;
};

extern struct watch_module watch_modules[WATCH_MAX_MODULES];

unsigned int watch_module_at(unsigned long ip);

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
