// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports of refusals. The state owned here is the counts and the rate limit. report/text.c
 * writes the text, report/kept.c keeps and prints the text.
 *
 * Called after the decision, with no spinlock held, from any context. So no code here sleeps or
 * allocates, or takes a lock of Labyrinth's but an owner's map_lock.
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
#include "report/noted.h"
#include "report/report.h"
#include "report/site.h"
#include "report/trace.h"

enum on_refusal {
	ON_REFUSAL_REPORT,
	ON_REFUSAL_WARN,
	ON_REFUSAL_PANIC,
	NR_ON_REFUSAL
};

static const char * const on_refusal_names[] = {
	[ON_REFUSAL_REPORT] = "report",
	[ON_REFUSAL_WARN] = "warn",
	[ON_REFUSAL_PANIC] = "panic",
};

static_assert(ARRAY_SIZE(on_refusal_names) == NR_ON_REFUSAL);

static struct lab_choice on_refusal = {
	.chosen = ON_REFUSAL_REPORT,
	.words = on_refusal_names,
	.nr = ARRAY_SIZE(on_refusal_names),
};

module_param_cb(on_refusal, &lab_choice_ops, &on_refusal, 0644);
MODULE_PARM_DESC(on_refusal,
		 "What a refusal does beside its errno: report (dmesg; default), warn (WARN(), so panic_on_warn counts) or panic");

/* report/kept.c counts the reports that the limit leaves out, and says how many. */
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

static void act_on_refusal(const struct lab_refusal *refusal)
{
	switch ((enum on_refusal)READ_ONCE(on_refusal.chosen)) {
	case ON_REFUSAL_WARN:
		WARN(1, "labyrinth: %s-%s in %s\n",
		     lab_class_name(refusal->class), lab_op_name(refusal->op),
		     lab_site_name(refusal->ip).text);
		break;
	case ON_REFUSAL_PANIC:
		panic("labyrinth: %s-%s in %s\n", lab_class_name(refusal->class),
		      lab_op_name(refusal->op), lab_site_name(refusal->ip).text);
	case ON_REFUSAL_REPORT:
	case NR_ON_REFUSAL:
		break;
	}
}

/*
 * Reports that list, table, frame and allocator do not agree on a page.
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
 * Says, only the first time, that the owner table has no room for a page. Callers count each
 * time.
 * Context: Any.
 */
void lab_report_full(void)
{
	pr_warn_once("labyrinth: the owner table is full with %lu pages: load with a larger capacity= than %llu\n",
		     lab_table_used(&labyrinth_hot.table),
		     labyrinth_hot.table.capacity);
}

/*
 * Counts and traces @refusal. Prints @refusal if no earlier report has the same class and call
 * site, or if the rate limit has room. Then does as on_refusal= says.
 * Context: Any.
 */
void lab_report(const struct lab_refusal *refusal)
{
	atomic_long_inc(&counts[refusal->class]);
	trace_refusal(refusal);
	lab_kept_report(refusal, &report_limit);
	lab_noted_after(refusal);
	act_on_refusal(refusal);
}
