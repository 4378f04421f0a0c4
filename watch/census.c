// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file pools: each page_pool of the machine, and the holders of the pages that stalled
 * pools have out. Opening the file takes the census; reads show the census.
 */
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "watch/census.h"
#include "watch/pools.h"
#include "watch/report.h"
#include "watch/search.h"
#include "watch/turn.h"

struct census {
	struct watch_search search;
	u64 census_ns, took_ns;
};

/* With watch_turn held. */
static int take(struct census *census)
{
	u64 began = ktime_get_ns();
	int err = watch_search_init(&census->search);

	if (err)
		return err;
	watch_pools_census(&census->search);
	census->census_ns = ktime_get_ns() - began;
	err = watch_pools_aim_stalled(&census->search);
	if (!err && census->search.nr_targets)
		watch_search_run(&census->search);
	watch_search_finish(&census->search);
	census->took_ns = ktime_get_ns() - began;
	return err ?: census->search.stopped ? -EINTR : 0;
}

static int pools_show(struct seq_file *m, void *unused)
{
	struct census *census = m->private;
	int err = mutex_lock_interruptible(&watch_turn);

	if (err)
		return err;
	watch_pools_show(m);
	if (census->search.nr_targets) {
		seq_puts(m, "pages that stalled pools have out:\n");
		watch_report_show(m, &census->search, census->took_ns);
	}
	mutex_unlock(&watch_turn);
	seq_printf(m, "census: %llu ms\n", census->census_ns / NSEC_PER_MSEC);
	return 0;
}

static void drop(struct census *census)
{
	watch_search_exit(&census->search);
	kfree(census);
}

static int pools_open(struct inode *inode, struct file *file)
{
	struct census *census = kzalloc(sizeof(*census), GFP_KERNEL);
	int err;

	if (!census)
		return -ENOMEM;
	err = mutex_lock_interruptible(&watch_turn);
	if (err) {
		kfree(census);
		return err;
	}
	err = take(census);
	mutex_unlock(&watch_turn);
	err = err ?: single_open(file, pools_show, census);
	if (err)
		drop(census);
	return err;
}

static int pools_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	drop(m->private);
	return single_release(inode, file);
}

static const struct file_operations pools_fops = {
	.owner = THIS_MODULE,
	.open = pools_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = pools_release,
};

void watch_census_debugfs(struct dentry *folder)
{
	debugfs_create_file("pools", 0400, folder, NULL, &pools_fops);
}
