/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context that code runs in, and the calls that a context allows.
 */
#ifndef LABYRINTH_CONTEXT_H
#define LABYRINTH_CONTEXT_H

#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/types.h>

enum lab_context {
	LAB_CONTEXT_TASK,
	LAB_CONTEXT_SOFTIRQ,
	LAB_CONTEXT_HARDIRQ,
	LAB_CONTEXT_NMI,
	LAB_NR_CONTEXTS
};

/* Context: Any. Return: the context. */
static inline enum lab_context lab_context_now(void)
{
	if (in_nmi())
		return LAB_CONTEXT_NMI;
	if (in_hardirq())
		return LAB_CONTEXT_HARDIRQ;
	return in_serving_softirq() ? LAB_CONTEXT_SOFTIRQ : LAB_CONTEXT_TASK;
}

/*
 * Whether the context may take a spinlock, which sleeps on PREEMPT_RT. The page allocator, the
 * slab allocator and the DMA API need such a context.
 */
static inline bool lab_may_lock(void)
{
	return !in_nmi() && (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

#endif /* LABYRINTH_CONTEXT_H */
