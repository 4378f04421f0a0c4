// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters. No state is owned here: each parameter's value is where its
 * module_param_cb() says.
 *
 * The kernel calls these functions one at a time for all parameters of the module: at load
 * before the module's init, later for each write to /sys/module. So a value has one writer,
 * and readers in any context see the old value or the new one.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "core/owner.h"
#include "core/param.h"

/* Room for all words of a struct lab_choice. */
#define WORDS_LEN 64

/*
 * Says that @val, in which echo has left its newline, is not for the parameter @kp.
 * Context: Task. Return: -EINVAL.
 */
int lab_param_refuse(const struct kernel_param *kp, const char *val, const char *why)
{
	pr_err("%s=%.*s is %s\n", kp->name, (int)strcspn(val, "\n"), val, why);
	return -EINVAL;
}

static int switch_set(const char *val, const struct kernel_param *kp)
{
	struct lab_switch *sw = kp->arg;
	bool was = sw->on;
	bool on;
	int err = 0;

	if (kstrtobool(val ?: "1", &on))
		return lab_param_refuse(kp, val, "neither 0 nor 1");
	if (on && sw->prepare)
		err = sw->prepare();
	if (err)
		return err;
	WRITE_ONCE(sw->on, on);
	if (on && !was)
		lab_watch_begin();
	else if (!on && was)
		lab_watch_end();
	return 0;
}

static int switch_get(char *buf, const struct kernel_param *kp)
{
	const struct lab_switch *sw = kp->arg;

	return sysfs_emit(buf, "%c\n", sw->on ? 'Y' : 'N');
}

const struct kernel_param_ops lab_switch_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = switch_set,
	.get = switch_get,
};

static int refuse_word(const struct kernel_param *kp, const char *val)
{
	const struct lab_choice *choice = kp->arg;
	char why[WORDS_LEN] = "none of";
	unsigned int i;

	for (i = 0; i < choice->nr; i++) {
		strlcat(why, i ? ", " : " ", sizeof(why));
		strlcat(why, choice->words[i], sizeof(why));
	}
	return lab_param_refuse(kp, val, why);
}

static int choice_set(const char *val, const struct kernel_param *kp)
{
	struct lab_choice *choice = kp->arg;
	int chosen = __sysfs_match_string(choice->words, choice->nr, val);

	if (chosen < 0)
		return refuse_word(kp, val);
	WRITE_ONCE(choice->chosen, chosen);
	return 0;
}

static int choice_get(char *buf, const struct kernel_param *kp)
{
	const struct lab_choice *choice = kp->arg;

	return sysfs_emit(buf, "%s\n", choice->words[READ_ONCE(choice->chosen)]);
}

const struct kernel_param_ops lab_choice_ops = {
	.set = choice_set,
	.get = choice_get,
};

static int count_set(const char *val, const struct kernel_param *kp)
{
	int count;

	if (kstrtoint(val, 0, &count) || count < 0)
		return lab_param_refuse(kp, val, "no number from 0 to 2147483647");
	WRITE_ONCE(*(int *)kp->arg, count);
	return 0;
}

const struct kernel_param_ops lab_count_ops = {
	.set = count_set,
	.get = param_get_int,
};
