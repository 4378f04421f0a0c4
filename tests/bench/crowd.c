// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of a large working set. The table is filled step by step; half of the pages are a
 * SINGLE owner's, half another owner's, all handed out. Each operation is on another page,
 * picked from all over the half: the mean over the pages is measured, pages included that found
 * the preferred slot of the table taken.
 */
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define AT_A_TIME	100U

struct half {
	struct labyrinth_owner *owner;
	void **pages;
	unsigned int nr;
	void **picked;			/* bench_ops pages */
};

static void loop(struct bench_set *set, unsigned int ops)
{
	while (ops--) {
		void *page = set->picked[ops];

		bench_forget(page);
	}
}

static void owns(struct bench_set *set, unsigned int ops)
{
	struct labyrinth_owner *owner = set->any;

	while (ops--) {
		void *page = set->picked[ops];

		bench_forget(page);
		if (!labyrinth_owns(owner, page))
			break;
	}
}

static void query(struct bench_set *set, unsigned int ops)
{
	struct labyrinth_page_info info;

	while (ops--)
		labyrinth_query(set->picked[ops], &info);
}

/* The page freed last is the next to be handed out: the same page. */
static void single_pair(struct bench_set *set, unsigned int ops)
{
	struct labyrinth_owner *owner = set->single;

	while (ops--) {
		bench_give(owner, set->picked[ops]);
		set->picked[ops] = bench_take(owner);
	}
}

static void any_pair(struct bench_set *set, unsigned int ops)
{
	struct labyrinth_owner *owner = set->any;

	while (ops--) {
		bench_give(owner, set->picked[ops]);
		set->picked[ops] = bench_take(owner);
	}
}

static const struct {
	struct bench_case bench;
	bool single;			/* on pages of the SINGLE owner's half */
} cases[] = {
	{ { "loop", loop } },
	{ { "owns", owns } },
	{ { "query", query } },
	{ { "single-pair", single_pair }, true },
	{ { "any-pair", any_pair } },
};

static int half_init(struct half *half, unsigned long flags, unsigned int most)
{
	half->pages = vcalloc(most, sizeof(*half->pages));
	half->picked = vcalloc(bench_ops, sizeof(*half->picked));
	if (!half->pages || !half->picked)
		return -ENOMEM;
	half->owner = bench_owner("bench-crowd", flags);
	return PTR_ERR_OR_ZERO(half->owner);
}

static int half_grow(struct half *half, unsigned int nr)
{
	for (; half->nr < nr; half->nr++) {
		void *page = bench_take(half->owner);

		if (!page)
			return -ENOMEM;
		half->pages[half->nr] = page;
	}
	return 0;
}

/* In turns, so that neither half finds the table emptier than the other. */
static int grow(struct half *single, struct half *any, unsigned int nr)
{
	int err = 0;

	while (any->nr < nr && !err) {
		unsigned int next = min(nr, any->nr + AT_A_TIME);

		err = half_grow(single, next);
		if (!err)
			err = half_grow(any, next);
		cond_resched();
	}
	return err;
}

/* The multiplier is prime and large: neighbours come far from each other. */
static void half_pick(struct half *half)
{
	unsigned int i;

	for (i = 0; i < bench_ops; i++)
		half->picked[i] = half->pages[(i * 2654435761ULL) % half->nr];
}

static void half_exit(struct half *half)
{
	unsigned int i;

	for (i = 0; i < half->nr; i++) {
		labyrinth_free_page(half->owner, half->pages[i]);
		if (!(i % 1024))
			cond_resched();
	}
	if (!IS_ERR_OR_NULL(half->owner))
		labyrinth_owner_destroy(half->owner);
	vfree(half->picked);
	vfree(half->pages);
}

static void run_step(struct half *single, struct half *any, unsigned int tags)
{
	struct bench_set set = { .single = single->owner, .any = any->owner };
	struct bench_cost best[ARRAY_SIZE(cases)];
	unsigned int round, i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		best[i] = BENCH_NO_COST;
	for (round = 0; round < bench_rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			set.picked = any->picked;
			if (cases[i].single)
				set.picked = single->picked;
			bench_cheapest(&best[i],
				       bench_window(&cases[i].bench, &set,
						    bench_ops));
		}
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		bench_print("tags", cases[i].bench.name, 1, tags, bench_ops,
			    best[i]);
}

#define SINGLED_OUT	300U
#define TRIES		3
/* So many calls on the same page, since a window of a single call costs more than the call. */
#define REPEATS		64U

/* The cheapest of a few windows, all calls on @page. */
static struct bench_cost cost_of(const struct bench_case *bench, struct bench_set *set,
				 void *page)
{
	struct bench_cost best = BENCH_NO_COST;
	void *same[REPEATS];
	unsigned int i;

	for (i = 0; i < REPEATS; i++)
		same[i] = page;
	set->picked = same;
	for (i = 0; i < TRIES; i++)
		bench_cheapest(&best, bench_window(bench, set, REPEATS));
	return best;
}

/* Of so many pages, the page on which a call costs the least, and the page on which the most. */
static void single_out(struct half *single, struct half *any, unsigned int tags)
{
	struct bench_set set = { .single = single->owner, .any = any->owner };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct half *half = any;
		struct bench_cost best = BENCH_NO_COST, worst = {}, cost;

		if (cases[i].single)
			half = single;
		for (k = 0; k < min(SINGLED_OUT, bench_ops); k++) {
			cost = cost_of(&cases[i].bench, &set, half->picked[k]);
			bench_cheapest(&best, cost);
			worst.count = max(worst.count, cost.count);
			worst.ns = max(worst.ns, cost.ns);
		}
		bench_print("luckiest", cases[i].bench.name, 1, tags, REPEATS, best);
		bench_print("unluckiest", cases[i].bench.name, 1, tags, REPEATS, worst);
	}
}

/* @tags grows. */
int bench_run_crowd(const unsigned int *tags, unsigned int nr)
{
	struct half single = {}, any = {};
	unsigned int i;
	int err = 0;

	if (!nr)
		return 0;
	err = half_init(&single, LABYRINTH_OWNER_SINGLE, tags[nr - 1] / 2);
	if (!err)
		err = half_init(&any, 0, tags[nr - 1] / 2);
	for (i = 0; i < nr && !err; i++) {
		err = grow(&single, &any, tags[i] / 2);
		if (err)
			break;
		half_pick(&single);
		half_pick(&any);
		run_step(&single, &any, tags[i]);
		single_out(&single, &any, tags[i]);
		err = bench_run_pages(tags[i]);
	}
	half_exit(&any);
	half_exit(&single);
	return err;
}
