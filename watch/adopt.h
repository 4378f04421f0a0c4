/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_ADOPT_H
#define WATCH_ADOPT_H

void watch_adopt_pools(unsigned int module);

#endif /* WATCH_ADOPT_H */
