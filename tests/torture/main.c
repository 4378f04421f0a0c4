// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's parameters. The run begins when the module is loaded, and ends when the ops or
 * the seconds are up, at the first violation, or when the module is unloaded.
 */
#define pr_fmt(fmt) "labyrinth_torture: " fmt

#include <linux/bitops.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/string.h>

#include "torture.h"

unsigned long long tort_seed;
module_param_named(seed, tort_seed, ullong, 0444);
MODULE_PARM_DESC(seed, "What all choices follow from; 0: a random one (default)");

unsigned long tort_ops = 300000;
module_param_named(ops, tort_ops, ulong, 0444);
MODULE_PARM_DESC(ops, "Steps of all threads together; interrupts' come on top; 0: no end (default 300000)");

unsigned int tort_seconds;
module_param_named(seconds, tort_seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "How long at the most; 0: until the ops are done (default)");

unsigned int tort_threads = 2;
module_param_named(nthreads, tort_threads, uint, 0444);
MODULE_PARM_DESC(nthreads, "Threads on each CPU, 1 to 8 (default 2)");

unsigned int tort_irq_us = 50;
module_param_named(irq_us, tort_irq_us, uint, 0444);
MODULE_PARM_DESC(irq_us, "Microseconds between two hard interrupts on a CPU, on average (default 50)");

bool tort_shrunk;
module_param_named(shrunk, tort_shrunk, bool, 0444);
MODULE_PARM_DESC(shrunk, "Caches are emptied meanwhile from without, so that a page just freed may be anybody's at once (default 0)");

bool tort_hungry;
module_param_named(hungry, tort_hungry, bool, 0444);
MODULE_PARM_DESC(hungry, "Memory may run out meanwhile, so that any allocation may fail (default 0)");

unsigned int tort_scribbled;
module_param_named(scribbled, tort_scribbled, uint, 0444);
MODULE_PARM_DESC(scribbled, "1: labyrinth_scribbler writes to struct page meanwhile; 2: with wrecks=, so that cached pages must be given up (default 0)");

unsigned int tort_guard;
module_param_named(guard, tort_guard, uint, 0444);
MODULE_PARM_DESC(guard, "labyrinth's guard: 0: off, 1: refuses, 2: switched meanwhile (default 0)");

bool tort_hushed;
module_param_named(hushed, tort_hushed, bool, 0644);
MODULE_PARM_DESC(hushed, "The scribbler is gone: a run that was scribbled on waits for that before it winds up");

static char *contexts = "softirq,hardirq,irq_work,nmi";
module_param(contexts, charp, 0444);
MODULE_PARM_DESC(contexts, "Which interrupts play beside the threads; hardirq sets off the others (default softirq,hardirq,irq_work,nmi)");

static char *mix = "";
module_param(mix, charp, 0444);
MODULE_PARM_DESC(mix, "Weights of operations that are to differ, as in 'burst=0,lend=500' (default none)");

unsigned long tort_contexts = BIT(TORT_TASK) | BIT(TORT_PROCESS);

static int find_context(const char *name)
{
	int context;

	for (context = 0; context < TORT_NR_CONTEXTS; context++)
		if (!strcmp(name, tort_context_name(context)))
			return context;
	return -EINVAL;
}

/* Cuts up a copy: the parameter must still be readable in sysfs. */
static int parse_contexts(void)
{
	char copy[64], *rest = copy, *name;

	if (strscpy(copy, contexts, sizeof(copy)) < 0)
		return -EINVAL;
	while ((name = strsep(&rest, ","))) {
		int context = *name ? find_context(name) : TORT_TASK;

		if (context < 0) {
			pr_err("contexts: there is no '%s'\n", name);
			return context;
		}
		tort_contexts |= BIT(context);
	}
	if (!IS_ENABLED(CONFIG_X86))
		tort_contexts &= ~BIT(TORT_NMI);
	return 0;
}

static int __init torture_init(void)
{
	int err;

	if (!tort_threads || tort_threads > TORT_MAX_THREADS || !tort_irq_us)
		return -EINVAL;
	err = parse_contexts() ?: tort_mix_init(mix);
	if (err)
		return err;
	if (!tort_seed)
		tort_seed = get_random_u64();
	pr_info("begin: seed=%llu ops=%lu seconds=%u nthreads=%u irq_us=%u contexts=%s mix=%s\n",
		tort_seed, tort_ops, tort_seconds, tort_threads, tort_irq_us,
		contexts, mix);
	tort_stats_begin();
	err = tort_run_begin();
	if (err)
		tort_stats_end();
	return err;
}

static void __exit torture_exit(void)
{
	tort_stats_end();
	tort_run_end();
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_DESCRIPTION("Labyrinth under torture");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
