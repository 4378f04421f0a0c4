// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals made known. The state owned here is the counts and the rate limit.
 *
 * Called after the decision, with no spinlock held; from any context, so nothing here
 * sleeps or allocates, or takes a lock of Labyrinth's but an owner's map_lock.
 */
#include <linux/device.h>
#include <linux/dma-direction.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "labyrinth_address.h"
#include "labyrinth_frame.h"
#include "labyrinth_mapping.h"
#include "labyrinth_owner.h"
#include "labyrinth_param.h"
#include "labyrinth_report.h"
#include "labyrinth_trace.h"

#define LAB_STACK_DEPTH		16
#define LAB_STACK_SHOWN		6U

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

static DEFINE_RATELIMIT_STATE(report_limit, 5 * HZ, 10);
module_param_cb(report_burst, &lab_count_ops, &report_limit.burst, 0644);
MODULE_PARM_DESC(report_burst,
		 "Reports printed in full within 5 seconds; the rest are counted, and traced (default 10)");

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
	[LAB_OP_DESTROY] = "destroy",
	[LAB_OP_FAULT] = "fault",
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

static const char *context_name(void)
{
	if (in_nmi())
		return "NMI";
	if (in_hardirq())
		return "hardirq";
	if (in_serving_softirq())
		return "softirq";
	return "task";
}

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

static void print_page(const struct lab_refusal *refusal)
{
	pr_err(" page:    pfn 0x%lx at %p, %s, %d references\n",
	       lab_tag_pfn(refusal->tag),
	       lab_pfn_address(lab_tag_pfn(refusal->tag)),
	       lab_state_name(lab_tag_state(refusal->tag)),
	       refusal->note.refs);
}

static void print_depot(u32 stack)
{
	unsigned long *entries;
	unsigned int nr = stack_depot_fetch(stack, &entries);

	stack_trace_print(entries, min(nr, LAB_STACK_SHOWN), 1);
}

/*
 * The slot's name is read while the owner might go and another come: at worst
 * it is the next owner's, and its last byte is always 0.
 */
static void print_holder(const struct lab_refusal *refusal)
{
	const struct lab_page_note *note = &refusal->note;
	unsigned int id = lab_tag_owner(refusal->tag);
	const struct lab_owner *owner = lab_owner_by_id(id);

	pr_err(" owner:   \"%s\" (id %u) of module %s\n", owner->name, id,
	       owner->module_name);
	if (!note->site)
		return;
	pr_err(" since:   %u.%03u s, allocated at %pS\n", note->age_ms / 1000,
	       note->age_ms % 1000, (void *)note->site);
	if (note->stack)
		print_depot(note->stack);
}

static const char *direction(const struct lab_map_note *map)
{
	switch (map->dir) {
	case DMA_TO_DEVICE:
		return "to the device";
	case DMA_FROM_DEVICE:
		return "from the device";
	case DMA_BIDIRECTIONAL:
		return "both ways";
	default:
		return "no way";
	}
}

static void print_mapping(const struct lab_page_note *note)
{
	const struct lab_map_note *map = &note->map;

	switch (map->kind) {
	case LAB_MAP_DMA:
		pr_err(" mapped:  for DMA, %u bytes at 0x%llx, %s, by %pS\n",
		       map->size, map->addr, direction(map), (void *)map->site);
		break;
	case LAB_MAP_KERNEL:
		pr_err(" mapped:  into the kernel at %p, by %pS\n",
		       (void *)(unsigned long)map->addr, (void *)map->site);
		break;
	case LAB_MAP_PROCESS:
		pr_err(" mapped:  into a process at 0x%llx, by %pS\n",
		       map->addr, (void *)map->site);
		break;
	}
	if (note->mappings > 1)
		pr_err("          and %u times more\n", note->mappings - 1);
}

/* What the caller says is a device may be anything at all: it is read with care. */
static void print_device(const struct device *wrong, const struct device *right)
{
	char copy[LABYRINTH_NAME_LEN] = "";
	const char *name;

	if (!lab_copy_from(&name, &wrong->kobj.name, sizeof(name)) ||
	    !lab_copy_from(copy, name, sizeof(copy) - 1))
		strscpy(copy, "no device", sizeof(copy));
	pr_err(" device:  %s; the owner's is %s\n", copy,
	       right ? dev_name(right) : "none");
}

static void print_asked(const struct lab_refusal *refusal)
{
	const struct lab_map_note *asked = refusal->asked;

	if (asked)
		pr_err(" asked:   %u bytes at 0x%llx, %s\n", asked->size,
		       asked->addr, direction(asked));
	if (refusal->class == LAB_WRONG_DEVICE)
		print_device(refusal->dev, refusal->caller->dev);
	if (refusal->class == LAB_WRONG_VMA)
		pr_err(" vma:     not one of the process's own\n");
}

static void print_stray(const struct lab_stray *stray)
{
	unsigned int shown = min_t(size_t, stray->length, sizeof(stray->bytes));

	pr_err(" content: written to from offset 0x%x on, %u bytes, the first are %*ph\n",
	       stray->offset, stray->length, (int)shown, stray->bytes);
}

static void print_damage(const struct lab_damage *damage)
{
	pr_err(" content: %s of the page's struct page held 0x%lx, and holds 0x%lx again\n",
	       damage->word, damage->held, damage->right);
	if (damage->more)
		pr_err("          and %u of its other words were wrong too\n", damage->more);
}

static void print_caller(const struct lab_refusal *refusal)
{
	const struct lab_owner *owner = refusal->caller;

	if (owner)
		pr_err(" caller:  owner \"%s\" (id %u) of module %s\n",
		       owner->name, lab_owner_id(owner), owner->module_name);
	else if (refusal->function)
		pr_err(" caller:  no owner's handle: a call of %s()\n",
		       refusal->function);
	else
		pr_err(" caller:  handle %p, which is no live owner's\n",
		       refusal->handle);
	pr_err(" context: %s, CPU %d, task %s:%d\n", context_name(),
	       raw_smp_processor_id(), current->comm, task_pid_nr(current));
}

/* The way to the call, beginning with the caller that the report names. */
static void print_stack(unsigned long ip)
{
	unsigned long entries[LAB_STACK_DEPTH];
	unsigned int nr = stack_trace_save(entries, LAB_STACK_DEPTH, 0);
	unsigned int i;

	for (i = 0; i < nr && entries[i] != ip; i++)
		;
	if (i < nr)
		stack_trace_print(entries + i, min(nr - i, LAB_STACK_SHOWN), 1);
}

static void print_report(const struct lab_refusal *refusal)
{
	pr_err("BUG: labyrinth: %s-%s in %pS\n",
	       class_names[refusal->class], op_names[refusal->op],
	       (void *)refusal->ip);
	if (refusal->err)
		pr_err(" refused: %s(%p), errno %d\n", op_names[refusal->op],
		       refusal->addr, -refusal->err);
	else
		pr_err(" noticed: during %s\n", op_names[refusal->op]);
	if (refusal->tag) {
		print_page(refusal);
		print_holder(refusal);
	}
	if (refusal->note.mappings)
		print_mapping(&refusal->note);
	if (refusal->damage)
		print_damage(refusal->damage);
	if (refusal->stray)
		print_stray(refusal->stray);
	print_asked(refusal);
	print_caller(refusal);
	print_stack(refusal->ip);
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
 * Counts, traces and, within the rate limit, prints @refusal; then does what
 * on_refusal= asks for.
 * Context: Any.
 */
void lab_report(const struct lab_refusal *refusal)
{
	atomic_long_inc(&counts[refusal->class]);
	trace_refusal(refusal);
	if (__ratelimit(&report_limit))
		print_report(refusal);
	act(refusal);
}
