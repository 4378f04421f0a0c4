// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a line of the debugfs file "pages" costs, read as a process reads the file.
 */
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "bench.h"

#define BUFFER		SZ_128K

static unsigned int count_lines(const char __user *buffer, size_t size)
{
	static char piece[1024];
	unsigned int lines = 0;
	size_t at, i, nr;

	for (at = 0; at < size; at += nr) {
		nr = min(size - at, sizeof(piece));
		if (copy_from_user(piece, buffer + at, nr))
			break;
		for (i = 0; i < nr; i++)
			lines += piece[i] == '\n';
	}
	return lines;
}

/* Reads @file to the end, as a process does. Files of debugfs can be read in no other way. */
static unsigned int read_all(struct file *file, char __user *buffer, struct bench_cost *cost)
{
	unsigned int lines = 0;
	loff_t pos = 0;
	ssize_t size;

	do {
		u64 ns = ktime_get_ns(), count = get_cycles();

		size = file->f_op->read(file, buffer, BUFFER, &pos);
		cost->count += get_cycles() - count;
		cost->ns += ktime_get_ns() - ns;
		lines += count_lines(buffer, max_t(ssize_t, size, 0));
		cond_resched();
	} while (size > 0);
	return lines;
}

/* While @tags pages are handed out. Context: Task of the process that loads the module. */
int bench_run_pages(unsigned int tags)
{
	struct file *file = filp_open("/sys/kernel/debug/labyrinth/pages", O_RDONLY, 0);
	struct bench_cost cost = {};
	unsigned long buffer;
	unsigned int lines;

	if (IS_ERR(file))
		return PTR_ERR(file);
	buffer = vm_mmap(NULL, 0, BUFFER, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (IS_ERR_VALUE(buffer)) {
		filp_close(file, NULL);
		return buffer;
	}
	/* So that no window has the faults of the first access. */
	if (clear_user((char __user *)buffer, BUFFER))
		pr_warn("the buffer cannot be written to\n");
	lines = read_all(file, (char __user *)buffer, &cost);
	vm_munmap(buffer, BUFFER);
	filp_close(file, NULL);
	bench_print("read", "pages-line", 1, tags, max(lines, 1U), cost);
	return lines < tags ? -EIO : 0;
}
