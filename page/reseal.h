/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Freed pages that wait to be sealed again. See page/reseal.c.
 */
#ifndef LABYRINTH_RESEAL_H
#define LABYRINTH_RESEAL_H

#include <linux/types.h>

#include "core/owner.h"

struct seq_file;

#ifdef LAB_SEAL_POSSIBLE

bool lab_reseal_put(struct lab_owner *owner, struct lab_slot *slot);
void lab_reseal_drain(const struct lab_owner *owner);
void lab_reseal_exit(void);
void lab_reseal_show(struct seq_file *m);

#else /* !LAB_SEAL_POSSIBLE */

static inline bool lab_reseal_put(struct lab_owner *owner, struct lab_slot *slot)
{
	return false;
}

static inline void lab_reseal_drain(const struct lab_owner *owner)
{
}

static inline void lab_reseal_exit(void)
{
}

#endif /* LAB_SEAL_POSSIBLE */

#endif /* LABYRINTH_RESEAL_H */
