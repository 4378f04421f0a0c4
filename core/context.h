/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a context allows.
 */
#ifndef LABYRINTH_CONTEXT_H
#define LABYRINTH_CONTEXT_H

#include <linux/preempt.h>
#include <linux/types.h>

/*
 * Whether a spinlock may be taken here, which on PREEMPT_RT sleeps: so whether the page
 * allocator, the slab and the DMA API may be asked.
 */
static inline bool lab_may_lock(void)
{
	return !in_nmi() && (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

#endif /* LABYRINTH_CONTEXT_H */
