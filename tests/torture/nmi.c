// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs that play: sent from CPU to CPU as an interprocessor interrupt.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#include "torture.h"

/*
 * An NMI was sent to the CPU and is not yet handled. tort_nmi_end() waits for such an NMI:
 * after the handler is unregistered, a late NMI would be nobody's.
 */
static DEFINE_PER_CPU(int, pending);

static int handle_nmi(unsigned int type, struct pt_regs *regs)
{
	if (!this_cpu_xchg(pending, 0))
		return NMI_DONE;
	tort_interrupt_steps(tort_nmi_actor());
	return NMI_HANDLED;
}

/* Context: Any. */
void tort_nmi_send(unsigned int cpu)
{
	if (!xchg(per_cpu_ptr(&pending, cpu), 1))
		lab_send_nmi(cpumask_of(cpu));
}

/* @cpu is back: an NMI sent before is lost. Context: Task. */
void tort_nmi_online(unsigned int cpu)
{
	xchg(per_cpu_ptr(&pending, cpu), 0);
}

/* Context: Task. Return: as register_nmi_handler(). */
int tort_nmi_begin(void)
{
	return register_nmi_handler(NMI_LOCAL, handle_nmi, 0,
				    "labyrinth_torture");
}

static bool is_pending(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (READ_ONCE(per_cpu(pending, cpu)))
			return true;
	return false;
}

/* Nobody sends any more. Context: Task; may sleep. */
void tort_nmi_end(void)
{
	while (is_pending())
		cond_resched();
	unregister_nmi_handler(NMI_LOCAL, "labyrinth_torture");
}
