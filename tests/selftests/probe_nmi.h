/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_PROBE_NMI_H
#define LABYRINTH_PROBE_NMI_H

#include <linux/errno.h>

struct labyrinth_owner;

#ifdef CONFIG_X86
/* The NMIs take pages of this owner. */
extern struct labyrinth_owner *probe_nmi_owner;

int probe_nmi_begin(unsigned long unused);
int probe_nmi_end(unsigned long unused);
#else
static struct labyrinth_owner *probe_nmi_owner __maybe_unused;

static inline int probe_nmi_begin(unsigned long unused)
{
	return -EOPNOTSUPP;
}

static inline int probe_nmi_end(unsigned long unused)
{
	return -EOPNOTSUPP;
}
#endif

#endif /* LABYRINTH_PROBE_NMI_H */
