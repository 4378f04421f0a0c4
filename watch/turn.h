/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_TURN_H
#define WATCH_TURN_H

#include <linux/mutex.h>

/*
 * A single search or census at a time. Protects the register of page_pools, the last search
 * and the searchers' data. Outermost: taken with no other lock of this module held.
 */
extern struct mutex watch_turn;

#endif /* WATCH_TURN_H */
