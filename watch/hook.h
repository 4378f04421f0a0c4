/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_HOOK_H
#define WATCH_HOOK_H

#include <linux/types.h>

#include "hook/board.h"

struct seq_file;

/* A hook of labyrinth_watch.ko. Protected by watch_modules_lock. */
struct watch_hook {
	const char *name;
	unsigned long addr;
	struct lab_stub stub;
	bool unmap;		/* see watch_unmaps_seen */
	bool pool;		/* see watch_pools_seen */
	bool optional;		/* see watch/freers.c */
	bool armed;
	int err;
};

void watch_hook_attach(struct watch_hook *hook);
void watch_hook_detach(struct watch_hook *hook);
void watch_hook_show(struct seq_file *m, const struct watch_hook *hook);

#endif /* WATCH_HOOK_H */
