/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_OWNER_H
#define WATCH_OWNER_H

struct watch_search;

int watch_owner_aim(struct watch_search *search, const char *name);

#endif /* WATCH_OWNER_H */
