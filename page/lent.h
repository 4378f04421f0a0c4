/* SPDX-License-Identifier: GPL-2.0-only */
/* The queue of the pages that an owner has lent. See page/lent.c. */
#ifndef LABYRINTH_LENT_H
#define LABYRINTH_LENT_H

#include "core/owner.h"

/*
 * How many of the pages lent longest are looked at before another page is asked for. Pages come
 * back mostly in the order of lending. While a page is out, some of the next may be home: a few
 * looks are cheaper than a page from the system, and keep few pages in use.
 */
#define LAB_LENT_TRIES	16U

int lab_lent_init(struct lab_owner *owner, unsigned int limit);
void lab_lent_exit(struct lab_owner *owner);
bool lab_lent_push(struct lab_owner *owner, struct lab_cached page, struct lab_cached *oldest);
bool lab_lent_is_out(const struct lab_cached *lent);
bool lab_lent_turn(struct lab_owner *owner, struct lab_cached *oldest, bool *out);
bool lab_lent_pop(struct lab_owner *owner, struct lab_cached *oldest);

#endif /* LABYRINTH_LENT_H */
