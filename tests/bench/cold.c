// SPDX-License-Identifier: GPL-2.0-only
/*
 * The longest single call. An allocation is longest when the owner's cache is empty, so that
 * the call asks the page allocator for a batch, and the page allocator's own list is empty as
 * well; a free, when the cache is full, so that the call gives a batch back. Each call is
 * measured alone, and the dearest counts.
 */
#include <linux/sched.h>

#include "bench.h"

#define TRIES		128
/* More than a cache takes. */
#define FREES		300

static void *batch[FREES];

static struct bench_cost one(void (*fn)(struct labyrinth_owner *, void **),
			     struct labyrinth_owner *owner, void **page)
{
	struct bench_cost cost;
	unsigned long flags;

	local_bh_disable();
	local_irq_save(flags);
	cost.ns = ktime_get_ns();
	cost.count = get_cycles();
	fn(owner, page);
	cost.count = get_cycles() - cost.count;
	cost.ns = ktime_get_ns() - cost.ns;
	local_irq_restore(flags);
	local_bh_enable();
	return cost;
}

static void dearest(struct bench_cost *worst, struct bench_cost cost)
{
	worst->count = max(worst->count, cost.count);
	worst->ns = max(worst->ns, cost.ns);
}

static void take_one(struct labyrinth_owner *owner, void **page)
{
	*page = bench_take(owner);
}

static void give_one(struct labyrinth_owner *owner, void **page)
{
	bench_give(owner, *page);
}

/*
 * Takes pages straight from the page allocator, a page more after each try: so the tries meet
 * the allocator's own list, which is refilled by the batch, at every level.
 */
static void take_between(struct list_head *between, unsigned int nr)
{
	while (nr--) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NOWARN);

		if (page)
			list_add(&page->lru, between);
	}
}

static void give_between(struct list_head *between)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, between, lru)
		__free_page(page);
}

/* The first allocation of a new owner. */
static int longest_alloc(const char *name, unsigned long flags,
			 struct list_head *between)
{
	struct bench_cost worst = {}, best = BENCH_NO_COST;
	unsigned int try;
	int err = 0;

	for (try = 0; try < TRIES && !err; try++) {
		struct labyrinth_owner *owner = bench_owner("bench-cold", flags);
		struct bench_cost cost;
		void *page;

		if (IS_ERR(owner)) {
			err = PTR_ERR(owner);
			break;
		}
		cost = one(take_one, owner, &page);
		dearest(&worst, cost);
		bench_cheapest(&best, cost);
		if (page)
			labyrinth_free_page(owner, page);
		else
			err = -ENOMEM;
		labyrinth_owner_destroy(owner);
		take_between(between, try);
		cond_resched();
	}
	if (!err) {
		bench_print("longest", name, 1, 0, 1, worst);
		bench_print("refill", name, 1, 0, 1, best);
	}
	return err;
}

/* As longest_alloc(), while a worker keeps pages ahead. */
static int longest_ahead(struct list_head *between)
{
	int err;

	bench_write("/sys/module/labyrinth/parameters/ahead", "32");
	err = longest_alloc("ahead-any-alloc", 0, between) ?:
	      longest_alloc("ahead-single-alloc", LABYRINTH_OWNER_SINGLE, between) ?:
	      longest_alloc("ahead-zero-alloc", LABYRINTH_OWNER_ZERO, between);
	bench_write("/sys/module/labyrinth/parameters/ahead", "0");
	return err;
}

/* Frees in a row, until the cache is full and beyond. */
static int longest_free(const char *name, unsigned long flags)
{
	struct labyrinth_owner *owner = bench_owner("bench-cold", flags);
	struct bench_cost worst = {};
	unsigned int nr, i;

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	nr = labyrinth_alloc_bulk(owner, FREES, batch);
	for (i = 0; i < nr; i++)
		dearest(&worst, one(give_one, owner, &batch[i]));
	labyrinth_owner_destroy(owner);
	if (nr < FREES)
		return -ENOMEM;
	bench_print("longest", name, 1, 0, 1, worst);
	return 0;
}

/*
 * What a page costs from the page allocator into an owner's reserve, and back: of a sealed owner
 * that includes sealing and unsealing, in batches. The first try, which splits the direct map,
 * is not counted. Interrupts are enabled, since these calls sleep.
 */
#define LIFE_TRIES	8
#define LIFE_PAGES	512U

static struct bench_cost spent(struct bench_cost start)
{
	return (struct bench_cost) {
		.count = get_cycles() - start.count,
		.ns = ktime_get_ns() - start.ns,
	};
}

static struct bench_cost now(void)
{
	return (struct bench_cost) { .count = get_cycles(), .ns = ktime_get_ns() };
}

static int whole_life(const char *create, const char *destroy, unsigned long flags)
{
	struct bench_cost made = BENCH_NO_COST, ended = BENCH_NO_COST, start;
	struct labyrinth_owner_attrs attrs = {
		.name = "bench-life", .nid = NUMA_NO_NODE, .flags = flags,
		.reserve = LIFE_PAGES,
	};
	unsigned int try;

	for (try = 0; try <= LIFE_TRIES; try++) {
		struct labyrinth_owner *owner;

		start = now();
		owner = labyrinth_owner_create(&attrs);
		if (IS_ERR(owner))
			return owner == ERR_PTR(-EOPNOTSUPP) ? 0 : PTR_ERR(owner);
		if (try)
			bench_cheapest(&made, spent(start));
		start = now();
		labyrinth_owner_destroy(owner);
		if (try)
			bench_cheapest(&ended, spent(start));
	}
	bench_print("life", create, 1, 0, LIFE_PAGES, made);
	bench_print("life", destroy, 1, 0, LIFE_PAGES, ended);
	return 0;
}

int bench_run_cold(void)
{
	LIST_HEAD(between);
	int err;

	err = longest_alloc("any-alloc", 0, &between) ?:
	      longest_alloc("single-alloc", LABYRINTH_OWNER_SINGLE, &between);
	if (!err)
		err = longest_ahead(&between);
	/* Only now, or the allocator's list would not be empty any more. */
	give_between(&between);
	return err ?: longest_free("any-free", 0) ?:
		      longest_free("single-free", LABYRINTH_OWNER_SINGLE) ?:
		      whole_life("create", "destroy", 0) ?:
		      whole_life("create-sealed", "destroy-sealed", LABYRINTH_OWNER_SEALED);
}
