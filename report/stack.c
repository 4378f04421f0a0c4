// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation stacks. The state owned here is the parameter; the stack depot has the stacks, and
 * never forgets a stack.
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>

#include "core/owner.h"
#include "core/param.h"
#include "labyrinth_compat.h"
#include "report/stack.h"

#define STACK_DEPTH 16U

static struct lab_switch stacks = { .prepare = stack_depot_init };
module_param_cb(stacks, &lab_switch_ops, &stacks, 0644);
MODULE_PARM_DESC(stacks,
		 "Keep the call stack of every allocation, for reports (default 0)");

/*
 * Notes the stack of the allocation under way. Not in NMI, where the interrupted context may
 * hold the depot's lock. On PREEMPT_RT the depot may not ask for memory here, so a stack that
 * is new to the depot may go unnoted.
 * Context: Any.
 */
void lab_stack_note(struct lab_slot *slot)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int nr;
	u32 stack;

	if (!READ_ONCE(stacks.on) || in_nmi())
		return;
	nr = stack_trace_save(entries, STACK_DEPTH, 2);
	stack = lab_stack_depot_save(entries, nr, GFP_NOWAIT | __GFP_NOWARN,
				     IS_ENABLED(CONFIG_PREEMPT_RT) ?
				     0 : LAB_DEPOT_CAN_ALLOC);
	lab_slot_note_stack(slot, stack);
}

/*
 * Has @after replace each site of @stack. The depot changes no stack, so the result is another
 * stack; or @stack, where no site differs or the depot has no room.
 * Context: Task; may sleep.
 */
u32 lab_stack_after(u32 stack, unsigned long (*after)(unsigned long site, void *arg), void *arg)
{
	unsigned long entries[STACK_DEPTH], *sites;
	unsigned int i, nr = min(stack_depot_fetch(stack, &sites), STACK_DEPTH);
	bool same = true;

	for (i = 0; i < nr; i++) {
		entries[i] = after(sites[i], arg);
		same &= entries[i] == sites[i];
	}
	if (same)
		return stack;
	return lab_stack_depot_save(entries, nr, GFP_KERNEL, LAB_DEPOT_CAN_ALLOC) ?: stack;
}
