// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of a CPU a search takes. A search works in slices. After each slice the searching
 * task sleeps, to keep to the share that the parameter says, and looks for a signal.
 */
#include <linux/kstrtox.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/stat.h>
#include <linux/string.h>

#include "watch/pace.h"
#include "watch/search.h"

#define SLICE_NS	(5 * NSEC_PER_MSEC)

unsigned int watch_share = 50;

static int set_share(const char *text, const struct kernel_param *param)
{
	unsigned int share;

	if (kstrtouint(text, 0, &share) || !share || share > 100) {
		pr_err("labyrinth_watch: share=%.*s is no number from 1 to 100\n",
		       (int)strcspn(text, "\n"), text);
		return -EINVAL;
	}
	WRITE_ONCE(watch_share, share);
	return 0;
}

static const struct kernel_param_ops share_ops = {
	.set = set_share,
	.get = param_get_uint,
};

module_param_cb(share, &share_ops, &watch_share, 0644);
MODULE_PARM_DESC(share, "percent of one CPU that a search may take, 1 to 100 (default 50)");

void watch_pace_begin(struct watch_search *search)
{
	search->slice_began = ktime_get_ns();
}

static void sleep_off(u64 worked_ns)
{
	unsigned int share = READ_ONCE(watch_share);

	worked_ns = worked_ns * (100 - share) / share;
	if (share < 100)
		schedule_timeout_interruptible(1 + nsecs_to_jiffies(worked_ns));
}

/**
 * watch_pause() - to be called by a searcher at least once for each few pages
 * @search: the search.
 *
 * Context: Task; may sleep. Return: whether the search is to end.
 */
bool watch_pause(struct watch_search *search)
{
	u64 worked;

	cond_resched();
	worked = ktime_get_ns() - search->slice_began;
	if (search->stopped || worked < SLICE_NS)
		return search->stopped;
	sleep_off(worked);
	search->stopped = signal_pending(current);
	watch_pace_begin(search);
	return search->stopped;
}
