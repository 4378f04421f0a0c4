// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals made known. The state owned here is the counts and the rate limit. The text is
 * made by report/text.c, and kept and printed by report/kept.c.
 *
 * Called after the decision, with no spinlock held; from any context, so nothing here
 * sleeps or allocates, or takes a lock of Labyrinth's but an owner's map_lock.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include "core/owner.h"
#include "core/param.h"
#include "inline/frame.h"
#include "page/mapping.h"
#include "report/kept.h"
#include "report/report.h"
#include "report/trace.h"

enum on_refusal {
	ON_REFUSAL_REPORT,
	ON_REFUSAL_WARN,
	ON_REFUSAL_PANIC,
};

static const char * const on_refusal_names[] = {
	[ON_REFUSAL_REPORT] = "report",
	[ON_REFUSAL_WARN] = "warn",
	[ON_REFUSAL_PANIC] = "panic",
};

static struct lab_choice on_refusal = {
	.chosen = ON_REFUSAL_REPORT,
	.words = on_refusal_names,
	.nr = ARRAY_SIZE(on_refusal_names),
};

module_param_cb(on_refusal, &lab_choice_ops, &on_refusal, 0644);
MODULE_PARM_DESC(on_refusal,
		 "What a refusal does beside its errno: report (dmesg; default), warn (WARN(), so panic_on_warn counts) or panic");

/* What it leaves out is counted, and said, by report/kept.c. */
static struct ratelimit_state report_limit =
	RATELIMIT_STATE_INIT_FLAGS("labyrinth", 5 * HZ, 10, RATELIMIT_MSG_ON_RELEASE);
module_param_cb(report_burst, &lab_count_ops, &report_limit.burst, 0644);
MODULE_PARM_DESC(report_burst,
		 "Repeated reports printed in full within 5 seconds (default 10); the first of each class and call site always is, the rest are counted, and traced");

static const char * const class_names[] = {
	[LAB_FOREIGN] = "foreign",
	[LAB_WRONG_THREAD] = "wrong-thread",
	[LAB_UNOWNED] = "unowned",
	[LAB_DOUBLE] = "double",
	[LAB_BUSY] = "busy",
	[LAB_BAD_ADDRESS] = "bad-address",
	[LAB_BAD_HANDLE] = "bad-handle",
	[LAB_BAD_PAGE] = "bad-page",
	[LAB_BAD_MAPPING] = "bad-mapping",
	[LAB_WRONG_DEVICE] = "wrong-device",
	[LAB_WRONG_VMA] = "wrong-vma",
	[LAB_SEALED] = "sealed",
	[LAB_LOST_REFERENCE] = "lost-reference",
	[LAB_OVERWRITTEN] = "overwritten",
	[LAB_STRAY_WRITE] = "stray-write",
	[LAB_LEAKED] = "leaked",
	[LAB_LEFT_BEHIND] = "left-behind",
	[LAB_CORRUPT] = "corrupt",
};

static_assert(ARRAY_SIZE(class_names) == LAB_NR_CLASSES);

static const char * const op_names[] = {
	[LAB_OP_REFILL] = "refill",
	[LAB_OP_RETURN] = "return",
	[LAB_OP_LIMBO] = "limbo",
	[LAB_OP_ALLOC] = "alloc",
	[LAB_OP_FREE] = "free",
	[LAB_OP_TRANSFER] = "transfer",
	[LAB_OP_RELEASE] = "release",
	[LAB_OP_RELEASE_LENT] = "release-lent",
	[LAB_OP_ADOPT] = "adopt",
	[LAB_OP_LEND] = "lend",
	[LAB_OP_RECLAIM] = "reclaim",
	[LAB_OP_MAP] = "map",
	[LAB_OP_VMAP] = "vmap",
	[LAB_OP_DMA] = "dma",
	[LAB_OP_UNMAP] = "unmap",
	[LAB_OP_PAGE] = "page",
	[LAB_OP_DESTROY] = "destroy",
	[LAB_OP_FAULT] = "fault",
	[LAB_OP_READ] = "read",
	[LAB_OP_WRITE] = "write",
};

static_assert(ARRAY_SIZE(op_names) == LAB_NR_OP_NAMES);

static const char * const state_names[] = {
	[LAB_ABSENT] = "ABSENT",
	[LAB_CACHED] = "CACHED",
	[LAB_HELD] = "HELD",
	[LAB_LENT] = "LENT",
	[LAB_LIMBO] = "LIMBO",
	[LAB_MAPPED] = "MAPPED",
};

static_assert(ARRAY_SIZE(state_names) == LAB_NR_STATES);

static atomic_long_t counts[LAB_NR_CLASSES];

const char *lab_class_name(enum lab_class class)
{
	return class_names[class];
}

const char *lab_op_name(enum lab_op op)
{
	return op_names[op];
}

const char *lab_state_name(enum lab_state state)
{
	return state < LAB_NR_STATES ? state_names[state] : "?";
}

unsigned long lab_report_count(enum lab_class class)
{
	return atomic_long_read(&counts[class]);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_report_count);

/*
 * Notes what is known of the page that had @tag in @slot a moment ago, for a report that is
 * made after the page may have moved on: then its references alone are noted. @slot may be
 * NULL: then it is looked for.
 * Context: Any.
 */
struct lab_page_note lab_page_note(struct lab_slot *slot, lab_tag_t tag)
{
	struct lab_page_note note = { .refs = lab_frame_refs(lab_frame_of_tag(tag)) };
	enum lab_state state = lab_tag_state(tag);
	struct lab_glance glance;
	lab_tag_t now;

	if (!slot)
		slot = lab_table_search(&labyrinth_hot.table, lab_tag_pfn(tag), &now);
	if (!tag || !slot)
		return note;
	glance = lab_slot_glance(slot);
	if (glance.tag != tag)
		return note;
	note.site = glance.site;
	note.age_ms = lab_when_age_ms(glance.when);
	if (state == LAB_HELD || state == LAB_MAPPED)
		note.stack = lab_when_stack(glance.when);
	if (state == LAB_MAPPED)
		lab_mapping_note(slot, tag, &note);
	return note;
}

static void act(const struct lab_refusal *refusal)
{
	switch (READ_ONCE(on_refusal.chosen)) {
	case ON_REFUSAL_WARN:
		WARN(1, "labyrinth: %s-%s in %pS\n",
		     class_names[refusal->class], op_names[refusal->op],
		     (void *)refusal->ip);
		break;
	case ON_REFUSAL_PANIC:
		panic("labyrinth: %s-%s in %pS\n", class_names[refusal->class],
		      op_names[refusal->op], (void *)refusal->ip);
	}
}

/*
 * List, table, frame and allocator do not agree on a page.
 * Context: Any.
 */
void lab_report_corrupt(enum lab_op op, const struct lab_owner *owner,
			struct lab_slot *slot, lab_tag_t tag, unsigned long ip)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_CORRUPT,
		.op = op,
		.tag = tag,
		.note = tag ? lab_page_note(slot, tag) : (struct lab_page_note) {},
		.caller = owner,
		.ip = ip,
	});
}

/*
 * The owner table has no room for a page. Each time is counted where it happens;
 * that it happens at all is said once.
 * Context: Any.
 */
void lab_report_full(void)
{
	pr_warn_once("labyrinth: the owner table is full with %lu pages: load with a larger capacity= than %llu\n",
		     lab_table_used(&labyrinth_hot.table),
		     labyrinth_hot.table.capacity);
}

/*
 * Counts and traces @refusal, and prints it if it is the first of its class and call site,
 * or the rate limit has room; then does what on_refusal= asks for.
 * Context: Any.
 */
void lab_report(const struct lab_refusal *refusal)
{
	atomic_long_inc(&counts[refusal->class]);
	trace_refusal(refusal);
	lab_kept_report(refusal, &report_limit);
	act(refusal);
}
