/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_TASKS_H
#define WATCH_TASKS_H

#include <linux/sched.h>

/* A reference on each, so that a search may sleep between two of them. */
struct watch_tasks {
	unsigned int nr;
	unsigned int room;
	struct task_struct *task[];
};

struct watch_tasks *watch_tasks_get(void);
void watch_tasks_put(struct watch_tasks *tasks);

#endif /* WATCH_TASKS_H */
