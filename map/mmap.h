/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages mapped into a process, to be taken away from it. See map/mmap.c.
 */
#ifndef LABYRINTH_MMAP_H
#define LABYRINTH_MMAP_H

#include "page/mapping.h"

/* Of a page that is to be taken away from a process. */
enum lab_revoke {
	LAB_REVOKE_NONE,	/* no process has it, or not only one */
	LAB_REVOKED,
	LAB_REVOKE_LATER,	/* the process is at its mappings itself */
};

enum lab_revoke lab_mmap_revoke(struct lab_owner *owner, struct lab_slot *slot,
				const struct labyrinth_owner *handle);
void lab_mmap_kick(struct lab_owner *owner, struct lab_slot *slot);
void lab_mmap_end_all(const struct lab_owner *owner);
int lab_mmap_init(void);
void lab_mmap_exit(void);

#endif /* LABYRINTH_MMAP_H */
