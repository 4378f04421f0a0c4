/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_NIC_BUG_H
#define LABYRINTH_NIC_BUG_H

#include <linux/compiler.h>
#include <linux/types.h>

struct nic;

extern bool bug_pending;

int bug_init(void);
void bug_strike(struct nic *nic);

static inline void bug_look(struct nic *nic)
{
	if (unlikely(READ_ONCE(bug_pending)))
		bug_strike(nic);
}

#endif /* LABYRINTH_NIC_BUG_H */
