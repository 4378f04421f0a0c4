/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters of three kinds, and the one sentence in which a wrong value is
 * refused. See core/param.c.
 */
#ifndef LABYRINTH_PARAM_H
#define LABYRINTH_PARAM_H

#include <linux/moduleparam.h>
#include <linux/types.h>

/**
 * struct lab_switch - a parameter that is 0 or 1; while it is 1, somebody watches
 * @on: its value. Read with READ_ONCE() in any context.
 * @prepare: called before it becomes 1, and may say no with an errno; or NULL.
 */
struct lab_switch {
	bool on;
	int (*prepare)(void);
};

/**
 * struct lab_choice - a parameter that is one of a list of words
 * @chosen: its value, an index of @words. Read with READ_ONCE() in any context.
 * @nr: how many words there are.
 * @words: what can be written, and is read.
 */
struct lab_choice {
	int chosen;
	unsigned int nr;
	const char * const *words;
};

/* For module_param_cb(). The argument is a struct lab_switch, a struct lab_choice, an int. */
extern const struct kernel_param_ops lab_switch_ops;
extern const struct kernel_param_ops lab_choice_ops;
extern const struct kernel_param_ops lab_count_ops;

int lab_param_refuse(const struct kernel_param *kp, const char *val, const char *why);

#endif /* LABYRINTH_PARAM_H */
