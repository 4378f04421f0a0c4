// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pipes that a task has open. A pipe that is only in flight over a socket is no task's open
 * file: only the search of kernel memory sees that pipe, as an object of a slab.
 */
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/stat.h>

#include "watch/files.h"
#include "watch/peek.h"
#include "watch/search.h"
#include "watch/searchers.h"

#define MAX_SLOTS	SZ_1M

static void look_at_slot(struct watch_search *search, const struct watch_file *file,
			 const struct pipe_buffer *slot)
{
	char comm[TASK_COMM_LEN];
	struct page *page;
	unsigned long pfn;

	if (!WATCH_PEEK(page, &slot->page))
		return;
	pfn = watch_word_pfn((unsigned long)page);
	if (!watch_wanted(search, pfn) || !watch_account(search, &slot->page))
		return;
	get_task_comm(comm, file->task);
	watch_hold(search, pfn, WATCH_REFERENCE, &slot->page, "the pipe %llu, %s:%d fd %u",
		   file->ino, comm, task_pid_nr(file->task), file->fd);
}

static void look_at_pipe(struct watch_search *search, const struct watch_file *file,
			 void *context)
{
	struct pipe_inode_info pipe;
	typeof(pipe.head) slot;

	if (!S_ISFIFO(file->mode) || !watch_peek(&pipe, file->private_data, sizeof(pipe)) ||
	    !is_power_of_2(pipe.ring_size) || pipe.ring_size > MAX_SLOTS ||
	    (typeof(slot))(pipe.head - pipe.tail) > pipe.ring_size)
		return;
	for (slot = pipe.tail; slot != pipe.head; slot++)
		look_at_slot(search, file, pipe.bufs + (slot & (pipe.ring_size - 1)));
}

void watch_find_in_pipes(struct watch_search *search)
{
	watch_each_file(search, look_at_pipe, NULL);
}
