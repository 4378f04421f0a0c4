/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_HOOKS_H
#define WATCH_HOOKS_H

#include <linux/types.h>

struct seq_file;

int watch_hooks_arm(void);
bool watch_hooks_disarm(void);
void watch_hooks_exit(void);
void watch_hooks_settle(void);
void watch_hooks_show(struct seq_file *m);

#endif /* WATCH_HOOKS_H */
