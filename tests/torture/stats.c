// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counts and the verdict: in dmesg, and while the module is loaded in
 * /sys/kernel/debug/labyrinth_torture:
 *
 *   state      running, resting until the scribbler is gone, ok or not ok
 *   steps      steps and calls until now
 *   expected   refusals by class: by how many labyrinth/refusals must have grown; and how many
 *              more of the class there may be
 */
#define pr_fmt(fmt) "labyrinth_torture: " fmt

#include <linux/bitops.h>
#include <linux/debugfs.h>
#include <linux/printk.h>
#include <linux/seq_file.h>

#include "torture.h"

static const char * const context_names[] = {
	[TORT_TASK] = "task",
	[TORT_SOFTIRQ] = "softirq",
	[TORT_HARDIRQ] = "hardirq",
	[TORT_IRQ_WORK] = "irq_work",
	[TORT_NMI] = "nmi",
	[TORT_PROCESS] = "process",
};

static_assert(ARRAY_SIZE(context_names) == TORT_NR_CONTEXTS);

static const char * const class_names[] = {
	[TORT_FOREIGN] = "foreign",
	[TORT_WRONG_THREAD] = "wrong-thread",
	[TORT_UNOWNED] = "unowned",
	[TORT_DOUBLE] = "double",
	[TORT_BUSY] = "busy",
	[TORT_BAD_ADDRESS] = "bad-address",
	[TORT_BAD_HANDLE] = "bad-handle",
	[TORT_BAD_PAGE] = "bad-page",
	[TORT_BAD_MAPPING] = "bad-mapping",
	[TORT_WRONG_DEVICE] = "wrong-device",
	[TORT_LOST_REFERENCE] = "lost-reference",
	[TORT_LEAKED] = "leaked",
	[TORT_LEFT_BEHIND] = "left-behind",
	[TORT_CORRUPT] = "corrupt",
	[TORT_OVERWRITTEN] = "overwritten",
	[TORT_NOT_POSTED] = "not-posted",
};

static_assert(ARRAY_SIZE(class_names) == TORT_NR_CLASSES);

static struct dentry *root;
static const char *state = "running";

const char *tort_context_name(enum tort_context context)
{
	return context_names[context];
}

#define ANY_CONTEXT	(-1)

/* The sum of a counter over all actors, or over the actors of a context. */
static unsigned long sum(size_t counter, int context)
{
	unsigned long total = 0;
	unsigned int i;

	for (i = 0; i < tort_nr_actors; i++) {
		const void *a = tort_actors[i];

		if (context == ANY_CONTEXT ||
		    context == (int)tort_actors[i]->context)
			total += READ_ONCE(*(unsigned long *)(a + counter));
	}
	return total;
}

#define sum_all(counter) \
	sum(offsetof(struct tort_actor, counter), ANY_CONTEXT)
#define sum_context(counter, context) \
	sum(offsetof(struct tort_actor, counter), context)

static int state_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%s\n", READ_ONCE(state));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

/* The most reports that the scribbler's deeds may cause: the scribbler keeps no account. */
static unsigned long by_scribbler(enum tort_class class)
{
	if (!tort_scribbled)
		return 0;
	if (class == TORT_CORRUPT)
		return tort_scribbled > 1 ? INT_MAX : 0;
	return class == TORT_LOST_REFERENCE || class == TORT_OVERWRITTEN ?
	       INT_MAX : 0;
}

static int expected_show(struct seq_file *m, void *unused)
{
	enum tort_class class;

	for (class = 0; class < TORT_NR_CLASSES; class++)
		seq_printf(m, "%s: %lu %lu\n", class_names[class],
			   sum_all(refused[class]),
			   sum_all(perhaps[class]) + by_scribbler(class));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(expected);

static int steps_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%lu steps, %lu calls\n", sum_all(step), sum_all(calls));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(steps);

/* Context: Task. Works without debugfs. */
void tort_stats_begin(void)
{
	root = debugfs_create_dir("labyrinth_torture", NULL);
	debugfs_create_file("state", 0400, root, NULL, &state_fops);
	debugfs_create_file("steps", 0400, root, NULL, &steps_fops);
	debugfs_create_file("expected", 0400, root, NULL, &expected_fops);
}

void tort_stats_end(void)
{
	debugfs_remove(root);
}

static void print_ops(void)
{
	enum tort_op op;

	for (op = 0; op < TORT_NR_OPS; op++)
		pr_info("op %s: steps %lu calls %lu\n", tort_op_name(op),
			sum_all(ops[op]), sum_all(op_calls[op]));
}

static void print_contexts(void)
{
	unsigned int context;

	for_each_set_bit(context, &tort_contexts, TORT_NR_CONTEXTS)
		pr_info("context %s: steps %lu calls %lu interrupts %lu in-a-call %lu\n",
			context_names[context],
			sum_context(step, context),
			sum_context(calls, context),
			sum_context(entries, context),
			sum_context(landed, context));
}

static void print_refusals(void)
{
	enum tort_class class;

	for (class = 0; class < TORT_NR_CLASSES; class++)
		pr_info("refused %s %lu\n", class_names[class],
			sum_all(refused[class]));
}

static unsigned long all_refusals(void)
{
	unsigned long total = 0;
	enum tort_class class;

	for (class = 0; class < TORT_NR_CLASSES; class++)
		total += sum_all(refused[class]);
	return total;
}

/* No actor plays any more; only the scribbler may. Context: Task. */
void tort_stats_rest(void)
{
	WRITE_ONCE(state, "resting");
}

/* The run is over. Context: Task. */
void tort_stats_print(bool ok)
{
	print_ops();
	print_refusals();
	print_contexts();
	pr_info("total: %lu steps, %lu calls, %lu refusals as expected, %lu allocations without a page, seed %llu\n",
		sum_all(step), sum_all(calls),
		all_refusals(), sum_all(empty_handed),
		tort_seed);
	WRITE_ONCE(state, ok ? "ok" : "not ok");
	pr_info("%s 1 labyrinth_torture\n", state);
}
