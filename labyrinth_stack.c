// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation stacks. The state owned here is the parameter; the stacks are the
 * stack depot's, which never forgets one.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/module.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>

#include "labyrinth_compat.h"
#include "labyrinth_owner.h"
#include "labyrinth_stack.h"

#define STACK_DEPTH 16

static bool stacks;

static int stacks_set(const char *val, const struct kernel_param *kp)
{
	bool was = stacks;
	bool want;
	int err = kstrtobool(val ?: "1", &want);

	if (err)
		pr_err("stacks=%s is neither 0 nor 1\n", val);
	else if (want)
		err = stack_depot_init();
	if (err)
		return err;
	WRITE_ONCE(stacks, want);
	if (want && !was)
		lab_watch_begin();
	else if (!want && was)
		lab_watch_end();
	return 0;
}

static const struct kernel_param_ops stacks_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = stacks_set,
	.get = param_get_bool,
};

module_param_cb(stacks, &stacks_ops, &stacks, 0644);
MODULE_PARM_DESC(stacks,
		 "Keep the call stack of every allocation, for reports (default 0)");

/*
 * Notes the stack of the allocation under way. Not in NMI, where the depot's
 * lock may be held by whoever was interrupted. On PREEMPT_RT the depot may not
 * ask for memory here, so a stack that is new to it may go unnoted.
 * Context: Any.
 */
void lab_stack_note(struct lab_slot *slot)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int nr;
	u32 stack;

	if (!READ_ONCE(stacks) || in_nmi())
		return;
	nr = stack_trace_save(entries, STACK_DEPTH, 2);
	stack = lab_stack_depot_save(entries, nr, GFP_NOWAIT | __GFP_NOWARN,
				     IS_ENABLED(CONFIG_PREEMPT_RT) ?
				     0 : LAB_DEPOT_CAN_ALLOC);
	lab_slot_note_stack(slot, stack);
}
