// SPDX-License-Identifier: GPL-2.0-only
/*
 * The open files of all tasks. Tables of descriptors are read without a lock: of a table
 * that is exchanged or freed meanwhile, the old contents are read, or nothing. A pointer in
 * a table is believed if it leads to an object of struct file's cache.
 */
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/sizes.h>

#include "watch/files.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/search.h"
#include "watch/slab.h"
#include "watch/tasks.h"

/* fs.nr_open allows a table no more descriptors. */
#define MAX_FDS		SZ_1G
#define CHUNK		64

struct walk {
	struct watch_search *search;
	watch_file_fn *fn;
	void *context;
};

static bool read_file(const struct watch_search *search, const struct file *file,
		      struct watch_file *copy)
{
	struct inode *inode;
	typeof(inode->i_ino) ino;

	if (watch_slab_cache(file) != search->file_cache || !WATCH_PEEK(inode, &file->f_inode) ||
	    !WATCH_PEEK(ino, &inode->i_ino) || !WATCH_PEEK(copy->mode, &inode->i_mode))
		return false;
	copy->ino = ino;
	return watch_peek(&copy->private_data, &file->private_data, sizeof(copy->private_data));
}

static void walk_chunk(const struct walk *walk, struct task_struct *task, struct file **files,
		       unsigned int fd)
{
	struct watch_file copy = { .task = task };
	unsigned int i;

	for (i = 0; i < CHUNK; i++) {
		copy.fd = fd + i;
		if (files[i] && read_file(walk->search, files[i], &copy))
			walk->fn(walk->search, &copy, walk->context);
	}
}

/* The kernel's tables are multiples of a chunk. */
static void walk_table(const struct walk *walk, struct task_struct *task,
		       const struct fdtable *table)
{
	struct file *files[CHUNK];
	unsigned int fd;

	for (fd = 0; fd < table->max_fds && fd < MAX_FDS; fd += CHUNK) {
		if (watch_pause(walk->search) ||
		    !watch_peek(files, (void *)(table->fd + fd), sizeof(files)))
			return;
		walk_chunk(walk, task, files, fd);
	}
}

static void walk_task(const struct walk *walk, struct task_struct *task)
{
	struct files_struct *files = WATCH_LOAD(task->files);
	struct fdtable *pointer, table;

	if (!files || (task != WATCH_LOAD(task->group_leader) &&
		       files == WATCH_LOAD(task->group_leader->files)))
		return;
	if (watch_peek(&pointer, (void *)&files->fdt, sizeof(pointer)) &&
	    WATCH_PEEK(table, pointer))
		walk_table(walk, task, &table);
}

/**
 * watch_each_file() - call a function for each open file of each task
 * @search: has the tasks; the calls end early when the search is stopped.
 * @fn: gets a copy of the fields that searchers need.
 * @context: passed on to @fn.
 *
 * Context: Task; may sleep.
 */
void watch_each_file(struct watch_search *search, watch_file_fn *fn, void *context)
{
	struct walk walk = { search, fn, context };
	unsigned int i;

	for (i = 0; i < search->tasks->nr && !watch_pause(search); i++)
		walk_task(&walk, search->tasks->task[i]);
}
