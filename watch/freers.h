/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_FREERS_H
#define WATCH_FREERS_H

#include <linux/types.h>

struct seq_file;
struct tracepoint;

bool watch_freers_arm(const struct tracepoint *tp);
void watch_freers_disarm(void);
bool watch_freers_armed(void);
void watch_freers_show(struct seq_file *m);

#endif /* WATCH_FREERS_H */
