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
#include "core/table.h"
#include "inline/frame.h"
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

static atomic_long_t counts[LAB_NR_CLASSES];

unsigned long lab_report_count(enum lab_class class)
{
	return atomic_long_read(&counts[class]);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_report_count);

static void act(const struct lab_refusal *refusal)
{
	switch (READ_ONCE(on_refusal.chosen)) {
	case ON_REFUSAL_WARN:
		WARN(1, "labyrinth: %s-%s in %pS\n",
		     lab_class_name(refusal->class), lab_op_name(refusal->op),
		     (void *)refusal->ip);
		break;
	case ON_REFUSAL_PANIC:
		panic("labyrinth: %s-%s in %pS\n", lab_class_name(refusal->class),
		      lab_op_name(refusal->op), (void *)refusal->ip);
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
