/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that a context allows.
 */
#ifndef LABYRINTH_CONTEXT_H
#define LABYRINTH_CONTEXT_H

#include <linux/preempt.h>
#include <linux/types.h>

/*
 * Whether the context may take a spinlock, which sleeps on PREEMPT_RT. The page allocator, the
 * slab allocator and the DMA API need such a context.
 */
static inline bool lab_may_lock(void)
{
	return !in_nmi() && (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

#endif /* LABYRINTH_CONTEXT_H */
