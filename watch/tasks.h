/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_TASKS_H
#define WATCH_TASKS_H

#include <linux/sched.h>

/* The list has a reference on each task, so that a search may sleep between tasks. */
struct watch_tasks {
	unsigned int nr;
	unsigned int room;
	struct task_struct *task[];
};

struct watch_tasks *watch_tasks_get(void);
void watch_tasks_put(struct watch_tasks *tasks);

#endif /* WATCH_TASKS_H */
