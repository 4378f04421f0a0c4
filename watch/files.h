/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_FILES_H
#define WATCH_FILES_H

#include <linux/types.h>

struct task_struct;
struct watch_search;

/* A descriptor of a task, by copies. */
struct watch_file {
	struct task_struct *task;
	unsigned int fd;
	umode_t mode;
	u64 ino;
	const void *private_data;
};

typedef void watch_file_fn(struct watch_search *search, const struct watch_file *file,
			   void *context);

void watch_each_file(struct watch_search *search, watch_file_fn *fn, void *context);

#endif /* WATCH_FILES_H */
