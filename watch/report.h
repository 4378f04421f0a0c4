/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_REPORT_H
#define WATCH_REPORT_H

#include <linux/types.h>

struct seq_file;
struct watch_search;

void watch_report_show(struct seq_file *m, struct watch_search *search, u64 took_ns);

#endif /* WATCH_REPORT_H */
