// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of an exclusive page, beside the cost of a page without Labyrinth. All cases run in
 * the same load of the module, interleaved: a window of each in turn, again and again.
 * Interrupts are off during a window.
 *
 * Under qemu's icount the TSC counts instructions, which repeat to the digit. On a real machine
 * the nanoseconds mean something, and only as ratios.
 *
 * scripts/bench.sh loads the module, and reads the lines "result ..." that the module prints.
 * With the last line printed, all work is done.
 */
#define pr_fmt(fmt) "labyrinth_bench: " fmt

#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/string.h>

#include "bench.h"

/*
 * Of the data that all owners share, the fast paths read a single cache line, which nothing
 * writes after load. Of each owner the fast paths read a single line, too.
 */
#define HOT_CONSTANT	sizeof(struct labyrinth_hot)

static_assert(offsetofend(struct labyrinth_hot, table.multiplier) <=
	      L1_CACHE_BYTES);
static_assert(__alignof__(struct labyrinth_hot) % L1_CACHE_BYTES == 0);
static_assert(offsetof(struct lab_front, rx) == L1_CACHE_BYTES);
static_assert(__alignof__(struct lab_front) % L1_CACHE_BYTES == 0);

unsigned int bench_ops = 1024;
module_param_named(ops, bench_ops, uint, 0444);
MODULE_PARM_DESC(ops,
		 "Operations in a window, a multiple of 64 (default 1024)");

unsigned int bench_rounds = 20;
module_param_named(rounds, bench_rounds, uint, 0444);
MODULE_PARM_DESC(rounds,
		 "Windows of each case of which the cheapest counts (default 20)");

static unsigned int cpus = 1;
module_param(cpus, uint, 0444);
MODULE_PARM_DESC(cpus,
		 "Measure also on 1, 2, 4 ... up to so many CPUs at once (default 1: do not)");

static unsigned int owners;
module_param(owners, uint, 0444);
MODULE_PARM_DESC(owners,
		 "Measure also what grows with the number of owners, with so many (default 0: do not)");

static unsigned int tags[8];
static unsigned int nr_tags;
module_param_array(tags, uint, &nr_tags, 0444);
MODULE_PARM_DESC(tags,
		 "Measure also with so many pages handed out, in growing steps (default none)");

static struct bench_set sets[BENCH_MAX_CPUS];

/* Context: Any; a window is a run of the case with interrupts off. */
struct bench_cost bench_window(const struct bench_case *bench,
			       struct bench_set *set, unsigned int ops)
{
	struct bench_cost cost;
	unsigned long flags;

	local_bh_disable();
	local_irq_save(flags);
	cost.ns = ktime_get_ns();
	cost.count = get_cycles();
	bench->fn(set, ops);
	cost.count = get_cycles() - cost.count;
	cost.ns = ktime_get_ns() - cost.ns;
	local_irq_restore(flags);
	local_bh_enable();
	return cost;
}

void bench_cheapest(struct bench_cost *best, struct bench_cost cost)
{
	best->count = min(best->count, cost.count);
	best->ns = min(best->ns, cost.ns);
}

void bench_print(const char *group, const char *name, unsigned int nr_cpus,
		 unsigned int nr, unsigned int ops, struct bench_cost cost)
{
	pr_info("result %s %s cpus=%u tags=%u ops=%u count=%llu ns=%llu\n",
		group, name, nr_cpus, nr, ops, cost.count, cost.ns);
}

struct labyrinth_owner *bench_owner(const char *name, unsigned long flags)
{
	struct labyrinth_owner_attrs attrs = {
		.name = name,
		.nid = NUMA_NO_NODE,
		.flags = flags,
		.reserve = flags & LABYRINTH_OWNER_SEALED ? BENCH_BURST : 0,
	};

	return labyrinth_owner_create(&attrs);
}

/* Writes @text to a file of the kernel's. Context: Task; may sleep. */
void bench_write(const char *path, const char *text)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	loff_t pos = 0;

	if (IS_ERR(file))
		return;
	kernel_write(file, text, strlen(text), &pos);
	filp_close(file, NULL);
}

/* The objects that each CPU has alone. */
static int set_init(struct bench_set *set)
{
	struct page_pool_params params = {
		.pool_size = 256,
		.nid = NUMA_NO_NODE,
	};

	set->single = bench_owner("bench-single", LABYRINTH_OWNER_SINGLE);
	if (IS_ERR(set->single))
		return PTR_ERR(set->single);
	set->nr_held = labyrinth_alloc_bulk(set->single, BENCH_BURST,
					    set->held);
	set->pool = page_pool_create(&params);
	if (IS_ERR(set->pool))
		return PTR_ERR(set->pool);
	return set->nr_held == BENCH_BURST ? 0 : -ENOMEM;
}

static void set_exit(struct bench_set *set)
{
	if (!IS_ERR_OR_NULL(set->pool))
		page_pool_destroy(set->pool);
	while (set->nr_held)
		labyrinth_free_page(set->single, set->held[--set->nr_held]);
	if (!IS_ERR_OR_NULL(set->single))
		labyrinth_owner_destroy(set->single);
}

/* The objects that the first set has and all sets share. */
static int shared_init(struct bench_set *set)
{
	set->any = bench_owner("bench-any", 0);
	if (IS_ERR(set->any))
		return PTR_ERR(set->any);
	set->sealed = bench_owner("bench-sealed", LABYRINTH_OWNER_SEALED);
	if (IS_ERR(set->sealed))
		set->sealed = NULL;
	set->slab = kmem_cache_create("labyrinth_bench", PAGE_SIZE, PAGE_SIZE,
				      0, NULL);
	set->mempool = mempool_create_page_pool(BENCH_BURST, 0);
	return set->slab && set->mempool ? 0 : -ENOMEM;
}

static void shared_exit(struct bench_set *set)
{
	mempool_destroy(set->mempool);
	kmem_cache_destroy(set->slab);
	if (set->sealed)
		labyrinth_owner_destroy(set->sealed);
	if (!IS_ERR_OR_NULL(set->any))
		labyrinth_owner_destroy(set->any);
}

static int sets_init(void)
{
	int err = shared_init(&sets[0]);
	unsigned int i;

	for (i = 0; i < cpus && !err; i++) {
		sets[i].any = sets[0].any;
		sets[i].sealed = sets[0].sealed;
		sets[i].slab = sets[0].slab;
		sets[i].mempool = sets[0].mempool;
		err = set_init(&sets[i]);
	}
	return err;
}

static void sets_exit(void)
{
	unsigned int i;

	for (i = 0; i < cpus; i++)
		set_exit(&sets[i]);
	shared_exit(&sets[0]);
}

static int run_all(void)
{
	int err;

	bench_run_hot(&sets[0]);
	err = bench_run_cold() ?: bench_run_beside(&sets[0]);
	if (!err && cpus > 1)
		err = bench_run_parallel(sets, cpus);
	err = err ?: bench_run_crowd(tags, nr_tags);
	if (!err && owners)
		err = bench_run_scale(owners);
	return err;
}

/* Runs all cases, and checks that the constant part of labyrinth_hot was not written to. */
static int run(void)
{
	static char before[HOT_CONSTANT];
	int err;

	pr_info("start\n");
	memcpy(before, &labyrinth_hot, sizeof(before));
	err = run_all();
	if (!err && memcmp(before, &labyrinth_hot, sizeof(before))) {
		pr_err("labyrinth_hot has been written to\n");
		err = -EIO;
	}
	return err;
}

static int __init bench_init(void)
{
	int err;

	if (!bench_ops || bench_ops % BENCH_BURST || !bench_rounds || !cpus ||
	    cpus > BENCH_MAX_CPUS)
		return -EINVAL;
	err = sets_init() ?: run();
	sets_exit();
	if (err)
		pr_err("failed: %d\n", err);
	else
		pr_info("done\n");
	return err;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Labyrinth: what it costs beside its peers");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
