/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_TURN_H
#define WATCH_TURN_H

#include <linux/mutex.h>

/*
 * One search or census at a time. Protects the register of page_pools, the last search and
 * what its searchers keep. Outermost: nothing else is held when it is taken.
 */
extern struct mutex watch_turn;

#endif /* WATCH_TURN_H */
