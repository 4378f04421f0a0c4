/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's page_pools, as found by a census.
 */
#ifndef WATCH_POOLS_H
#define WATCH_POOLS_H

#include <linux/types.h>

struct seq_file;
struct watch_search;

void watch_pools_census(struct watch_search *search);
void watch_pools_show(struct seq_file *m);
int watch_pools_aim(struct watch_search *search, unsigned long number);
int watch_pools_aim_stalled(struct watch_search *search);

#endif /* WATCH_POOLS_H */
