// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads of the machine at the moment of the call. No lock but RCU.
 */
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/vmalloc.h>

#include "watch/tasks.h"

/* Threads that begin while the list is made. */
#define SPARE	64

static unsigned int count_threads(void)
{
	struct task_struct *process, *thread;
	unsigned int nr = 0;

	rcu_read_lock();
	for_each_process_thread(process, thread)
		nr++;
	rcu_read_unlock();
	return nr;
}

static void take_threads(struct watch_tasks *tasks)
{
	struct task_struct *process, *thread;

	rcu_read_lock();
	for_each_process_thread(process, thread)
		if (tasks->nr < tasks->room)
			tasks->task[tasks->nr++] = get_task_struct(thread);
	rcu_read_unlock();
}

/* Context: Task. Return: the list, or NULL: no memory. */
struct watch_tasks *watch_tasks_get(void)
{
	unsigned int room = count_threads() + SPARE;
	struct watch_tasks *tasks = vzalloc(struct_size(tasks, task, room));

	if (!tasks)
		return NULL;
	tasks->room = room;
	take_threads(tasks);
	return tasks;
}

void watch_tasks_put(struct watch_tasks *tasks)
{
	unsigned int i;

	for (i = 0; tasks && i < tasks->nr; i++)
		put_task_struct(tasks->task[i]);
	vfree(tasks);
}
