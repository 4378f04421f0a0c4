/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_PACE_H
#define WATCH_PACE_H

#include <linux/types.h>

struct watch_search;

/* Percent of a CPU. */
extern unsigned int watch_share;

void watch_pace_begin(struct watch_search *search);
bool watch_pause(struct watch_search *search);

#endif /* WATCH_PACE_H */
