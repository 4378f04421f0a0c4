/* SPDX-License-Identifier: GPL-2.0-only */
/* The steps of lending that other calls share. See page/lend.c. */
#ifndef LABYRINTH_LEND_H
#define LABYRINTH_LEND_H

#include "page/call.h"

int lab_lend_frozen(struct lab_call *call);
int lab_lend_find(struct lab_call *call, const struct lab_cached *lent);
int lab_lend_hinted(int err);
int lab_lend_reclaim(struct lab_call *call, u32 stamp);
int lab_lend_untag(struct lab_call *call);
void lab_lend_queue(struct lab_owner *owner, struct lab_cached page, unsigned long ip);
bool lab_lend_let_go(struct lab_owner *owner, const struct lab_cached *lent, unsigned long ip);

#endif /* LABYRINTH_LEND_H */
