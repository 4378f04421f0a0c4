// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a call that names a held page: counted, reported, refused. The state owned
 * here is what guard= asks for.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/trace_recursion.h>

#include "core/note.h"
#include "core/param.h"
#include "guard/hook.h"
#include "inline/address.h"
#include "inline/frame.h"
#include "report/report.h"

static const char * const mode_names[] = {
	[LAB_GUARD_OFF] = "off",
	[LAB_GUARD_REPORT] = "report",
	[LAB_GUARD_REFUSE] = "refuse",
};

/* Written under the lock of guard/guard.c; read in any context. */
struct lab_choice lab_guard_mode = {
	.chosen = LAB_GUARD_OFF,
	.words = mode_names,
	.nr = ARRAY_SIZE(mode_names),
};

static const enum lab_op class_ops[] = {
	[LAB_HOOK_MAP] = LAB_OP_MAP,
	[LAB_HOOK_FAULT] = LAB_OP_FAULT,
	[LAB_HOOK_VMAP] = LAB_OP_VMAP,
	[LAB_HOOK_DMA] = LAB_OP_DMA,
	[LAB_HOOK_FILE] = LAB_OP_LEND,
	[LAB_HOOK_FREE] = LAB_OP_FREE,
};

static_assert(ARRAY_SIZE(class_ops) == LAB_NR_HOOK_CLASSES);

static void report(const struct lab_hook *hook, lab_tag_t tag, bool refuse,
		   unsigned long caller)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_FOREIGN,
		.op = class_ops[hook->class],
		.err = refuse ? -EPERM : 0,
		.addr = lab_pfn_address(lab_tag_pfn(tag)),
		.tag = tag,
		.note = lab_page_note(NULL, tag),
		.function = hook->name,
		.ip = caller,
	});
}

/* Whether the guard refuses what can be refused. Context: Any. */
bool lab_guard_refuses(void)
{
	return READ_ONCE(lab_guard_mode.chosen) == LAB_GUARD_REFUSE;
}

/* Whether the guard is off, and its hooks about to be disarmed. Context: Any. */
bool lab_guard_is_off(void)
{
	return READ_ONCE(lab_guard_mode.chosen) == LAB_GUARD_OFF;
}

/*
 * @hook has found @tag's page in what @caller does, which @can_refuse. Counts and
 * reports it.
 * Preemption is disabled for the report (the lock against recursion does that), so
 * that on PREEMPT_RT nothing in it takes a lock that sleeps.
 * Context: Any. Return: whether it is to be refused.
 */
bool lab_guard_found(struct lab_hook *hook, lab_tag_t tag, unsigned long caller,
		     bool can_refuse)
{
	int mode = READ_ONCE(lab_guard_mode.chosen);
	bool refuse = mode == LAB_GUARD_REFUSE && can_refuse;
	int bit;

	/* Off, and the hook is just about to be disarmed. */
	if (mode == LAB_GUARD_OFF)
		return false;
	atomic_long_inc(&hook->found);
	if (refuse)
		atomic_long_inc(&hook->refused);
	bit = ftrace_test_recursion_trylock(_THIS_IP_, caller);
	if (bit < 0)
		return refuse;
	report(hook, tag, refuse, caller);
	ftrace_test_recursion_unlock(bit);
	return refuse;
}

/* What is left of a page's references when lab_guard_refill() sees to it. */
#define REFS_LOW	(LAB_REFS_EXCLUSIVE / 2)

/*
 * The core drops a reference of @tag's page for the refused call, which whoever called
 * should have taken first. Who did not would use up Labyrinth's own references, call by
 * call: so when half of them are gone, they are replaced, and reported as lost.
 *
 * Races with the owner, who freezes the count: to 0, or after a full set of references is
 * there. The exchange succeeds only on the low count that was read.
 */
void lab_guard_refill(const struct lab_hook *hook, lab_tag_t tag, unsigned long caller)
{
	struct lab_frame *frame = lab_frame_of_tag(tag);
	struct lab_refusal refusal = {
		.class = LAB_LOST_REFERENCE,
		.op = class_ops[hook->class],
		.addr = lab_frame_address(frame),
		.tag = tag,
		.note = lab_page_note(NULL, tag),
		.function = hook->name,
		.ip = caller,
	};
	atomic_t *count = &lab_frame_page(frame)->_refcount;
	int bit, refs = atomic_read(count);

	if (refs <= 0 || refs > REFS_LOW ||
	    !atomic_try_cmpxchg(count, &refs, LAB_REFS_EXCLUSIVE + 1))
		return;
	bit = ftrace_test_recursion_trylock(_THIS_IP_, caller);
	if (bit < 0)
		return;
	lab_report(&refusal);
	ftrace_test_recursion_unlock(bit);
}
