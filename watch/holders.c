// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file holders: a write asks, and returns when the answer is there; a read shows the
 * last answer, or how far the search is. Lockdown forbids writes to debugfs, and reads of files
 * that have write permission: so the file has none, and the parameter ask takes questions too.
 * State: the last answer, under watch_turn.
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "watch/holders.h"
#include "watch/owner.h"
#include "watch/pools.h"
#include "watch/report.h"
#include "watch/search.h"
#include "watch/turn.h"

#define COMMAND_LEN	64

static struct {
	bool any;
	char command[COMMAND_LEN];
	struct watch_search search;
	u64 took_ns;
	int err;
} last;

/* A number that begins with 0 is decimal all the same. */
static unsigned int base_of(const char *text)
{
	return strncasecmp(text, "0x", 2) ? 10 : 16;
}

/* There is nothing of a number that is too large. */
static int read_number(const char *text, unsigned long *number)
{
	int err = kstrtoul(text, base_of(text), number);

	if (err == -ERANGE)
		*number = ULONG_MAX;
	return err == -ERANGE ? 0 : err;
}

static int aim_pfn(struct watch_search *search, const char *text)
{
	unsigned long pfn;
	int err = read_number(text, &pfn);

	return err ?: watch_search_add(search, pfn);
}

static int aim_pool(struct watch_search *search, const char *text)
{
	unsigned long number;
	int err = read_number(text, &number);

	return err ?: watch_pools_aim(search, number);
}

static const struct {
	const char *word;
	int (*aim)(struct watch_search *search, const char *text);
} commands[] = {
	{ "pfn ", aim_pfn },
	{ "pool ", aim_pool },
	{ "owner ", watch_owner_aim },
};

static int aim(struct watch_search *search, const char *command)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strncmp(command, commands[i].word, strlen(commands[i].word)))
			return commands[i].aim(search, skip_spaces(command +
								   strlen(commands[i].word)));
	return -EINVAL;
}

static void forget(void)
{
	if (last.any)
		watch_search_exit(&last.search);
	last.any = false;
}

/* With watch_turn held. */
static int ask(const char *command)
{
	u64 began = ktime_get_ns();

	forget();
	strscpy(last.command, command, sizeof(last.command));
	last.any = true;
	last.err = watch_search_init(&last.search) ?: aim(&last.search, command);
	if (last.search.stopped)
		last.err = -EINTR;
	if (!last.err)
		watch_search_run(&last.search);
	watch_search_finish(&last.search);
	last.took_ns = ktime_get_ns() - began;
	return last.err ?: last.search.stopped ? -EINTR : 0;
}

static int ask_in_turn(const char *command)
{
	int err;

	if (!mutex_trylock(&watch_turn))
		return -EBUSY;
	err = ask(command);
	mutex_unlock(&watch_turn);
	return err;
}

static ssize_t holders_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	char command[COMMAND_LEN] = {};

	if (size >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, from, size))
		return -EFAULT;
	return ask_in_turn(strim(command)) ?: size;
}

#define QUESTIONS	"write \"pfn N\", \"pool N\" or \"owner NAME\""

static void show_why_not(struct seq_file *m)
{
	switch (last.err) {
	case -EINTR:
		seq_puts(m, "STOPPED before its end: the pages are not known yet\n");
		break;
	case -ENODEV:
		seq_puts(m, "labyrinth.ko is not loaded, so there are no owners\n");
		break;
	case -ENOENT:
		seq_puts(m, "no page is out: there is no such pool, or no page of such an owner\n");
		break;
	case -ENXIO:
		seq_puts(m, "there is no such frame\n");
		break;
	case -EINVAL:
		seq_puts(m, "not understood: " QUESTIONS "; N is decimal, or begins with 0x\n");
		break;
	default:
		seq_printf(m, "no answer: %pe\n", ERR_PTR(last.err));
	}
}

static void show_last(struct seq_file *m)
{
	if (!last.any) {
		seq_puts(m, "nothing asked yet: " QUESTIONS "\n");
		return;
	}
	seq_printf(m, "%s\n", last.command);
	if (last.err)
		show_why_not(m);
	else if (!last.search.nr_targets)
		seq_puts(m, "no page is out\n");
	else
		watch_report_show(m, &last.search, last.took_ns);
}

static int holders_show(struct seq_file *m, void *unused)
{
	if (!mutex_trylock(&watch_turn)) {
		seq_printf(m, "busy: looking at %s\n", READ_ONCE(watch_stage));
		return 0;
	}
	show_last(m);
	mutex_unlock(&watch_turn);
	return 0;
}

static int holders_open(struct inode *inode, struct file *file)
{
	return single_open(file, holders_show, NULL);
}

static const struct file_operations holders_fops = {
	.owner = THIS_MODULE,
	.open = holders_open,
	.read = seq_read,
	.write = holders_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* Whether the module can answer yet, and still: protected by the module's param_lock. */
static bool answers;

/* The module's param_lock is held: a second question, and a write to share, wait for the answer. */
static int ask_set(const char *text, const struct kernel_param *param)
{
	char command[COMMAND_LEN];

	if (!answers)
		return -EAGAIN;
	if (strscpy(command, text, sizeof(command)) < 0)
		return -EINVAL;
	return ask_in_turn(strim(command));
}

static const struct kernel_param_ops ask_ops = {
	.set = ask_set,
};
module_param_cb(ask, &ask_ops, NULL, 0200);
MODULE_PARM_DESC(ask, "pfn N, pool N or owner NAME: as a write to debugfs' holders, which lockdown forbids");

/* The parameter's file is there before the module's init, and longer than its exit. */
static void allow_questions(bool allow)
{
	kernel_param_lock(THIS_MODULE);
	answers = allow;
	kernel_param_unlock(THIS_MODULE);
}

void watch_holders_debugfs(struct dentry *folder)
{
	debugfs_create_file("holders", 0400, folder, NULL, &holders_fops);
	allow_questions(true);
}

/* When the files are gone. */
void watch_holders_exit(void)
{
	allow_questions(false);
	forget();
}
