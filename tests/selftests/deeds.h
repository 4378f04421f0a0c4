/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A word written to a test module's file in debugfs chooses a test. The write returns the test's
 * errno, and the log says what was wrong.
 */
#ifndef LABYRINTH_DEEDS_H
#define LABYRINTH_DEEDS_H

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/uaccess.h>

struct deed {
	const char *word;
	int (*deed)(void);
};

static inline int wrong(const char *what, long got, long wanted)
{
	pr_err("%s: got %ld, wanted %ld\n", what, got, wanted);
	return -EIO;
}

#define expect(what, got, wanted) ({					\
	long got_ = (long)(got), wanted_ = (long)(wanted);		\
									\
	got_ == wanted_ ? 0 : wrong(what, got_, wanted_);		\
})

/* A write of @len bytes at @from, to a module with @nr @deeds. */
static inline ssize_t do_deed(const struct deed *deeds, unsigned int nr, const char __user *from,
			      size_t len)
{
	char word[32] = "";
	unsigned int i;
	int err = -EINVAL;

	if (copy_from_user(word, from, min(len, sizeof(word) - 1)))
		return -EFAULT;
	for (i = 0; i < nr; i++)
		if (sysfs_streq(word, deeds[i].word))
			err = deeds[i].deed();
	return err ?: len;
}

#endif /* LABYRINTH_DEEDS_H */
