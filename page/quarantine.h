/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * quarantine=N: the pages freed last are sealed, and handed out again only later. See
 * page/quarantine.c.
 */
#ifndef LABYRINTH_QUARANTINE_H
#define LABYRINTH_QUARANTINE_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "labyrinth_compat.h"

struct lab_owner;
struct lab_slot;
struct seq_file;

#ifdef LAB_SEAL_POSSIBLE

extern bool lab_quarantine_on;

bool lab_quarantine_keep(struct lab_owner *owner, struct lab_slot *slot);
int lab_quarantine_resize(unsigned int wanted);
void lab_quarantine_drain(const struct lab_owner *owner);
unsigned long lab_quarantine_count(void);
void lab_quarantine_shrink(unsigned long nr);
void lab_quarantine_show(struct seq_file *m);

/*
 * Puts a CACHED page that was just freed, and that is on no list, into quarantine.
 * Context: Any; preemption disabled, the owner alive.
 * Return: false if there is none, or no room: the page is still the caller's.
 */
static inline bool lab_quarantine_put(struct lab_owner *owner, struct lab_slot *slot)
{
	return unlikely(READ_ONCE(lab_quarantine_on)) && lab_quarantine_keep(owner, slot);
}

#else /* !LAB_SEAL_POSSIBLE */

static inline bool lab_quarantine_put(struct lab_owner *owner, struct lab_slot *slot)
{
	return false;
}

static inline int lab_quarantine_resize(unsigned int wanted)
{
	return -EOPNOTSUPP;
}

static inline void lab_quarantine_drain(const struct lab_owner *owner)
{
}

static inline unsigned long lab_quarantine_count(void)
{
	return 0;
}

static inline void lab_quarantine_shrink(unsigned long nr)
{
}

#endif /* LAB_SEAL_POSSIBLE */

#endif /* LABYRINTH_QUARANTINE_H */
