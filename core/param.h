/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters of three kinds, and the message about a wrong value. See core/param.c.
 */
#ifndef LABYRINTH_PARAM_H
#define LABYRINTH_PARAM_H

#include <linux/moduleparam.h>
#include <linux/types.h>

/**
 * struct lab_switch - a parameter that is 0 or 1; 1 counts as a watcher, see lab_watch_begin()
 * @on: the value. Read with READ_ONCE() in any context.
 * @prepare: called before @on becomes 1; an errno leaves @on at 0. Or NULL.
 */
struct lab_switch {
	bool on;
	int (*prepare)(void);
};

/**
 * struct lab_choice - a parameter that takes a word of a list
 * @chosen: the value, an index of @words. Read with READ_ONCE() in any context.
 * @nr: how many words there are.
 * @words: the words that can be written, and are read.
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
