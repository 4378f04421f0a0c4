/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_PLACE_H
#define WATCH_PLACE_H

#include "watch/search.h"

#define WATCH_PLACE_TEXT	160

enum watch_claim watch_place_describe(struct watch_search *search, const void *addr, char *text);

#endif /* WATCH_PLACE_H */
