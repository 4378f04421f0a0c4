// SPDX-License-Identifier: GPL-2.0-only
/*
 * What grows with the number of owners, of CPUs, or of pages: the end of many owners, the end of
 * an owner with a page out beside a large table, and pages that go from CPU to CPU. Needs two
 * CPUs: with a single CPU there is no grace period to wait for.
 */
#include <linux/sched.h>
#include <linux/slab.h>
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
		bench_print("scale", name, 2, 0, nr, measure(end, owners, nr));
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
	bench_print("scale", "end-one-out", 2, 0, 1, best);
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
	      run_one_out(owners);
	vfree(owners);
	return err;
}
