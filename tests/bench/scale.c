// SPDX-License-Identifier: GPL-2.0-only
/*
 * What grows with the number of owners or the size of the table: the end of many owners, and the
 * end of an owner with a page out. With a single CPU there is no grace period to wait for, so the
 * counts are of destroy's own work. And the shrinker, with many owners.
 */
#include <linux/kallsyms.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/vmalloc.h>

#include "bench.h"

/* A page goes out of the cache and back, so that the owner has what owners have. */
static int use(struct labyrinth_owner *owner)
{
	void *page = bench_take(owner);

	if (!page)
		return -ENOMEM;
	bench_give(owner, page);
	return 0;
}

static int make_many(struct labyrinth_owner **owners, unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		owners[i] = bench_owner("bench-many", 0);
		err = PTR_ERR_OR_ZERO(owners[i]) ?: use(owners[i]);
		cond_resched();
	}
	if (err)
		while (i--)
			if (!IS_ERR(owners[i]))
				labyrinth_owner_destroy(owners[i]);
	return err;
}

static void end_each(struct labyrinth_owner **owners, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		labyrinth_owner_destroy(owners[i]);
}

static void end_bulk(struct labyrinth_owner **owners, unsigned int nr)
{
	labyrinth_owner_destroy_bulk(owners, nr);
}

/* With interrupts on: destroy sleeps. */
static struct bench_cost measure(void (*end)(struct labyrinth_owner **, unsigned int),
				 struct labyrinth_owner **owners, unsigned int nr)
{
	struct bench_cost cost = { .count = get_cycles(), .ns = ktime_get_ns() };

	end(owners, nr);
	cost.count = get_cycles() - cost.count;
	cost.ns = ktime_get_ns() - cost.ns;
	return cost;
}

static int run_end(const char *name, void (*end)(struct labyrinth_owner **, unsigned int),
		   struct labyrinth_owner **owners, unsigned int nr)
{
	int err = make_many(owners, nr);

	if (!err)
		bench_print("scale", name, 1, 0, nr, measure(end, owners, nr));
	return err;
}

/* An owner that goes with a page out: the page is found, reported and given back. */
static int run_one_out(struct labyrinth_owner **owners)
{
	struct bench_cost best = BENCH_NO_COST;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		owners[0] = bench_owner("bench-out", 0);
		if (IS_ERR(owners[0]))
			return PTR_ERR(owners[0]);
		if (!bench_take(owners[0]))
			return -ENOMEM;
		bench_cheapest(&best, measure(end_each, owners, 1));
	}
	bench_print("scale", "end-one-out", 1, 0, 1, best);
	return 0;
}

/*
 * The shrinker, as the kernel calls it. No symbol leads there, but the kernel's tracepoint does,
 * when the kernel drops its caches.
 */

static struct shrinker *shrinker;

static void see_shrinker(void *unused, struct shrinker *seen)
{
	static char name[KSYM_SYMBOL_LEN];

	sprint_symbol(name, (unsigned long)seen->count_objects);
	if (strstr(name, "[labyrinth]"))
		shrinker = seen;
}

static void find_tracepoint(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "mm_shrink_slab_start"))
		*(struct tracepoint **)found = tp;
}

static int find_shrinker(void)
{
	struct tracepoint *tp = NULL;
	int err;

	for_each_kernel_tracepoint(find_tracepoint, &tp);
	if (!tp)
		return -ENOENT;
	err = tracepoint_probe_register(tp, see_shrinker, NULL);
	if (err)
		return err;
	bench_write("/proc/sys/vm/drop_caches", "2");
	tracepoint_probe_unregister(tp, see_shrinker, NULL);
	tracepoint_synchronize_unregister();
	return shrinker ? 0 : -ENOENT;
}

static void measure_shrinker(void)
{
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL, .nr_to_scan = 128 };
	struct bench_cost count = { .count = get_cycles(), .ns = ktime_get_ns() };
	struct bench_cost scan;
	unsigned long pages = 0, nr;

	shrinker->count_objects(shrinker, &sc);
	count.count = get_cycles() - count.count;
	count.ns = ktime_get_ns() - count.ns;
	scan = (struct bench_cost) { .count = get_cycles(), .ns = ktime_get_ns() };
	while ((nr = shrinker->scan_objects(shrinker, &sc)) != SHRINK_STOP)
		pages += nr;
	scan.count = get_cycles() - scan.count;
	scan.ns = ktime_get_ns() - scan.ns;
	bench_print("scale", "shrink-count", 1, 0, 1, count);
	bench_print("scale", "shrink-page", 1, 0, max(pages, 1UL), scan);
}

/* All owners have pages in their caches. */
static int run_shrink(struct labyrinth_owner **owners, unsigned int nr)
{
	int err = find_shrinker() ?: make_many(owners, nr);

	if (err)
		return err;
	measure_shrinker();
	labyrinth_owner_destroy_bulk(owners, nr);
	return 0;
}

int bench_run_scale(unsigned int nr)
{
	struct labyrinth_owner **owners = vcalloc(nr, sizeof(*owners));
	int err;

	if (!owners)
		return -ENOMEM;
	err = run_end("end-each", end_each, owners, nr) ?:
	      run_end("end-bulk", end_bulk, owners, nr) ?:
	      run_one_out(owners) ?:
	      run_shrink(owners, nr);
	vfree(owners);
	return err;
}
