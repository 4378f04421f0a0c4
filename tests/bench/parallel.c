// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several CPUs at once. In the cases "own", each CPU allocates and frees pages that no other
 * CPU has, window after window, until all CPUs have as many windows as are wanted: so each CPU
 * is measured while all are at work. In the cases "across", a CPU allocates the pages that
 * another CPU frees, in turns: so instructions can be counted. In the cases "both", the two are at
 * work at the same time, and a ring leads the pages from CPU to CPU.
 *
 * The median of the windows counts, not the cheapest: the cheapest window may by chance have
 * had the machine alone.
 */
#include <linux/cpu.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "bench.h"

#define WINDOWS		200U
#define HANDED_OVER	128U

struct team;

struct worker {
	struct work_struct work;
	struct team *team;
	struct bench_set *set;
	u64 ns[WINDOWS];
};

struct team {
	const struct bench_case *bench;
	unsigned int nr;
	atomic_t ready;			/* workers that stand at the start */
	atomic_t done;			/* workers that have all their windows */
};

static int compare_ns(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 median(u64 *ns, unsigned int nr)
{
	sort(ns, nr, sizeof(*ns), compare_ns, NULL);
	return ns[nr / 2];
}

static void stand_at_start(struct team *team)
{
	atomic_inc(&team->ready);
	while (atomic_read(&team->ready) < team->nr)
		cond_resched();
}

static void work_own(struct work_struct *work)
{
	struct worker *worker = container_of(work, struct worker, work);
	struct team *team = worker->team;
	unsigned int i;

	stand_at_start(team);
	for (i = 0; atomic_read(&team->done) < team->nr; i++) {
		u64 ns = bench_window(team->bench, worker->set, bench_ops).ns;

		if (i < WINDOWS)
			worker->ns[i] = ns;
		if (i == WINDOWS - 1)
			atomic_inc(&team->done);
		cond_resched();
	}
}

static void run_own(const struct bench_case *bench, struct worker *workers,
		    struct bench_set *sets, unsigned int nr)
{
	struct team team = { .bench = bench, .nr = nr };
	struct bench_cost cost = {};
	unsigned int i;

	for (i = 0; i < nr; i++) {
		workers[i].team = &team;
		workers[i].set = &sets[i];
		INIT_WORK(&workers[i].work, work_own);
		schedule_work_on(i, &workers[i].work);
	}
	for (i = 0; i < nr; i++)
		flush_work(&workers[i].work);
	/* The slowest CPU's. */
	for (i = 0; i < nr; i++)
		cost.ns = max(cost.ns, median(workers[i].ns, WINDOWS));
	bench_print("own", bench->name, nr, 0, bench_ops, cost);
}

/* The hot cases that say something about several CPUs at once. */
static bool is_wanted(const struct bench_case *bench)
{
	static const char * const wanted[] = {
		"single-pair", "single-burst64", "any-pair", "any-burst64",
		"owns", "pool-direct-pair", "pool-ring-pair", "raw-pair",
	};

	return match_string(wanted, ARRAY_SIZE(wanted), bench->name) >= 0;
}

static void run_all_own(struct worker *workers, struct bench_set *sets,
			unsigned int cpus)
{
	unsigned int nr, i;

	for (i = 0; i < bench_nr_hot_cases; i++) {
		if (!is_wanted(&bench_hot_cases[i]))
			continue;
		for (nr = 1; nr <= cpus; nr *= 2)
			run_own(&bench_hot_cases[i], workers, sets, nr);
	}
}

/* Across: the pages that the first side took, for the other side to give back. */
static void *handed_over[HANDED_OVER];

static void take_any(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		handed_over[ops] = bench_take(set->any);
}

static void give_any(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		bench_give(set->any, handed_over[ops]);
}

static void take_pool(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		handed_over[ops] = page_pool_dev_alloc_pages(set->pool);
}

static void give_pool(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		page_pool_put_full_page(set->pool, handed_over[ops], false);
}

static void take_raw(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		handed_over[ops] = alloc_page(GFP_ATOMIC);
}

static void give_raw(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		__free_page(handed_over[ops]);
}

static const struct bench_case across[][2] = {
	{ { "any", take_any }, { "any", give_any } },
	{ { "pool-ring", take_pool }, { "pool-ring", give_pool } },
	{ { "raw", take_raw }, { "raw", give_raw } },
};

struct side {
	struct work_struct work;
	const struct bench_case *bench;
	struct bench_set *set;
	struct bench_cost cost;
};

static void work_side(struct work_struct *work)
{
	struct side *side = container_of(work, struct side, work);

	side->cost = bench_window(side->bench, side->set, HANDED_OVER);
}

static struct bench_cost run_side(const struct bench_case *bench, struct bench_set *set,
				  unsigned int cpu)
{
	struct side side = { .bench = bench, .set = set };

	INIT_WORK_ONSTACK(&side.work, work_side);
	schedule_work_on(cpu, &side.work);
	flush_work(&side.work);
	destroy_work_on_stack(&side.work);
	return side.cost;
}

static void run_across(const struct bench_case sides[2], struct bench_set *set)
{
	static u64 ns[WINDOWS], count[WINDOWS];
	unsigned int nr = min(bench_rounds, WINDOWS), i;
	struct bench_cost take, give;

	for (i = 0; i < nr; i++) {
		take = run_side(&sides[0], set, 0);
		give = run_side(&sides[1], set, 1);
		ns[i] = take.ns + give.ns;
		count[i] = take.count + give.count;
	}
	bench_print("across", sides[0].name, 2, 0, HANDED_OVER, (struct bench_cost) {
		.ns = median(ns, nr), .count = median(count, nr),
	});
}

/* With CPUs 0 and 1. */
static void run_all_across(struct bench_set *set)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(across); i++)
		run_across(across[i], set);
}

/* Both: pages on the way between the CPU that allocates and the CPU that frees. */
#define RELAY		64U
#define RELAYED		2048U

struct relay {
	void *pages[RELAY];
	u32 put ____cacheline_aligned;	/* free-running; the first CPU's */
	u32 got ____cacheline_aligned;	/* likewise; the second CPU's */
};

static struct relay relay;

struct runner {
	struct work_struct work;
	void (*pass)(struct bench_set *set);
	struct team *team;
	struct bench_set *set;
	u64 ns;
};

static __always_inline void put_relay(void *page)
{
	u32 put = relay.put;

	/* Pairs with the release in get_relay(): the place is read before. */
	while (put - smp_load_acquire(&relay.got) == RELAY)
		cpu_relax();
	relay.pages[put % RELAY] = page;
	/* Pairs with the acquire in get_relay(). */
	smp_store_release(&relay.put, put + 1);
}

static __always_inline void *get_relay(void)
{
	u32 got = relay.got;
	void *page;

	/* Pairs with the release in put_relay(). */
	while (smp_load_acquire(&relay.put) == got)
		cpu_relax();
	page = relay.pages[got % RELAY];
	/* Pairs with the acquire in put_relay(). */
	smp_store_release(&relay.got, got + 1);
	return page;
}

static void relay_any(struct bench_set *set)
{
	unsigned int i;

	for (i = 0; i < RELAYED; i++)
		put_relay(bench_take(set->any));
}

static void end_any(struct bench_set *set)
{
	unsigned int i;

	for (i = 0; i < RELAYED; i++)
		bench_give(set->any, get_relay());
}

static void relay_pool(struct bench_set *set)
{
	unsigned int i;

	for (i = 0; i < RELAYED; i++)
		put_relay(page_pool_dev_alloc_pages(set->pool));
}

static void end_pool(struct bench_set *set)
{
	unsigned int i;

	for (i = 0; i < RELAYED; i++) {
		struct page *page = get_relay();

		if (page)
			page_pool_put_full_page(set->pool, page, false);
	}
}

static void relay_raw(struct bench_set *set)
{
	unsigned int i;

	for (i = 0; i < RELAYED; i++)
		put_relay(alloc_page(GFP_ATOMIC));
}

static void end_raw(struct bench_set *set)
{
	unsigned int i;

	for (i = 0; i < RELAYED; i++) {
		struct page *page = get_relay();

		if (page)
			__free_page(page);
	}
}

static const struct {
	const char *name;
	void (*take)(struct bench_set *set);
	void (*give)(struct bench_set *set);
} relays[] = {
	{ "any", relay_any, end_any },
	{ "pool-ring", relay_pool, end_pool },
	{ "raw", relay_raw, end_raw },
};

static void work_runner(struct work_struct *work)
{
	struct runner *runner = container_of(work, struct runner, work);

	stand_at_start(runner->team);
	local_bh_disable();
	runner->ns = ktime_get_ns();
	runner->pass(runner->set);
	runner->ns = ktime_get_ns() - runner->ns;
	local_bh_enable();
}

/* How long the slower of the two took. */
static u64 run_relay(unsigned int which, struct bench_set *set)
{
	struct runner runners[2];
	struct team team = { .nr = 2 };
	unsigned int cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		runners[cpu] = (struct runner) {
			.pass = cpu ? relays[which].give : relays[which].take,
			.team = &team, .set = set,
		};
		INIT_WORK_ONSTACK(&runners[cpu].work, work_runner);
		schedule_work_on(cpu, &runners[cpu].work);
	}
	for (cpu = 0; cpu < 2; cpu++) {
		flush_work(&runners[cpu].work);
		destroy_work_on_stack(&runners[cpu].work);
	}
	return max(runners[0].ns, runners[1].ns);
}

/* With CPUs 0 and 1; a window of each kind in turn. */
static void run_all_both(struct bench_set *set)
{
	unsigned int nr = min(bench_rounds, WINDOWS), i, k;
	static u64 ns[ARRAY_SIZE(relays)][WINDOWS];

	for (i = 0; i < nr; i++)
		for (k = 0; k < ARRAY_SIZE(relays); k++)
			ns[k][i] = run_relay(k, set);
	for (k = 0; k < ARRAY_SIZE(relays); k++)
		bench_print("both", relays[k].name, 2, 0, RELAYED,
			    (struct bench_cost) { .ns = median(ns[k], nr) });
}

static bool have_cpus(unsigned int cpus)
{
	unsigned int cpu;

	for (cpu = 0; cpu < cpus; cpu++)
		if (!cpu_online(cpu))
			return false;
	return true;
}

/* With CPUs 0 to @cpus - 1, and a set for each. */
int bench_run_parallel(struct bench_set *sets, unsigned int cpus)
{
	struct worker *workers;

	if (!have_cpus(cpus))
		return -ENXIO;
	workers = vcalloc(cpus, sizeof(*workers));
	if (!workers)
		return -ENOMEM;
	run_all_own(workers, sets, cpus);
	if (cpus > 1) {
		run_all_across(&sets[0]);
		run_all_both(&sets[0]);
	}
	vfree(workers);
	return 0;
}
