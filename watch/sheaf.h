/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_SHEAF_H
#define WATCH_SHEAF_H

#include <linux/types.h>

bool watch_sheaf_has(const void *cache, const void *object);

#endif /* WATCH_SHEAF_H */
