// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict on a call that names a held page: counted, reported, refused. The state owned
 * here is the value of guard=.
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

static_assert(ARRAY_SIZE(mode_names) == LAB_NR_GUARD_MODES);

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

static void report_call(const struct lab_hook *hook, lab_tag_t tag, bool refuse,
			const struct lab_offender *offender)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_FOREIGN,
		.op = class_ops[hook->class],
		.err = refuse ? -EPERM : 0,
		.addr = lab_pfn_address(lab_tag_pfn(tag)),
		.tag = tag,
		.note = lab_page_note(NULL, tag),
		.function = hook->name,
		.ip = offender->ip,
		.back = offender->back,
	});
}

/* Whether the guard refuses calls that can be refused. Context: Any. */
bool lab_guard_refuses(void)
{
	return READ_ONCE(lab_guard_mode.chosen) == LAB_GUARD_REFUSE;
}

/* Whether the guard is off, and the hooks about to be disarmed. Context: Any. */
bool lab_guard_is_off(void)
{
	return READ_ONCE(lab_guard_mode.chosen) == LAB_GUARD_OFF;
}

/*
 * Counts and reports a call by @offender in which @hook found @tag's page. @can_refuse says
 * whether such a call can be refused. The lock against recursion disables preemption for the
 * report, so that on PREEMPT_RT no part of the report takes a lock that sleeps.
 * Context: Any. Return: whether to refuse the call.
 */
bool lab_guard_found(struct lab_hook *hook, lab_tag_t tag,
		     const struct lab_offender *offender, bool can_refuse)
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
	bit = ftrace_test_recursion_trylock(_THIS_IP_, offender->ip);
	if (bit < 0)
		return refuse;
	report_call(hook, tag, refuse, offender);
	ftrace_test_recursion_unlock(bit);
	return refuse;
}

/* lab_guard_refill() acts when no more references than these are left. */
#define REFS_LOW	(LAB_REFS_EXCLUSIVE / 2)

/*
 * For the refused call the core drops a reference of @tag's page, which the caller should have
 * taken before. A caller that took none would use up Labyrinth's own references, call by call.
 * So when half of Labyrinth's references are gone, all are put back, and the loss is reported.
 *
 * Races with the owner's calls: the count is 0 while a call has the frame frozen, and full
 * after the thaw. The compare-and-exchange succeeds only on the low count that was read.
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

	/* Nothing is to spare: takes the reference that the caller should have taken. */
	if (tag & LAB_TAG_THIN) {
		atomic_inc_not_zero(count);
		return;
	}
	if (refs <= 0 || refs > REFS_LOW ||
	    !atomic_try_cmpxchg(count, &refs, LAB_REFS_EXCLUSIVE + 1))
		return;
	bit = ftrace_test_recursion_trylock(_THIS_IP_, caller);
	if (bit < 0)
		return;
	lab_report(&refusal);
	ftrace_test_recursion_unlock(bit);
}
