/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that a process has mapped are taken away. See map/mmap.c.
 */
#ifndef LABYRINTH_MMAP_H
#define LABYRINTH_MMAP_H

#include "page/mapping.h"

/* The result of taking a page away from a process. */
enum lab_revoke {
	LAB_REVOKE_NONE,	/* no process has the page, or the page has other mappings too */
	LAB_REVOKED,
	LAB_REVOKE_LATER,	/* not now: a work item must try, see lab_mmap_kick() */
};

enum lab_revoke lab_mmap_revoke(struct lab_owner *owner, struct lab_slot *slot,
				const struct lab_call *call);
void lab_mmap_kick(struct lab_owner *owner, struct lab_slot *slot);
int lab_mmap_init(void);
void lab_mmap_exit(void);

#endif /* LABYRINTH_MMAP_H */
