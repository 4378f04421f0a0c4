// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cases that find everything ready: caches filled, lists warm. Each case is run on a single
 * CPU here, and some on several CPUs at once in parallel.c.
 */
#include "bench.h"

/* The cost of the loop, which every other case includes. */
static void loop(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		bench_forget(set);
}

static __always_inline void pairs(struct labyrinth_owner *owner,
				  unsigned int ops)
{
	while (ops--)
		bench_give(owner, bench_take(owner));
}

static void single_pair(struct bench_set *set, unsigned int ops)
{
	pairs(set->single, ops);
}

static void any_pair(struct bench_set *set, unsigned int ops)
{
	pairs(set->any, ops);
}

/* Without sealed pages the case costs nothing, and bench_run_hot() prints no result. */
static void sealed_pair(struct bench_set *set, unsigned int ops)
{
	if (set->sealed)
		pairs(set->sealed, ops);
}

static __always_inline void bursts(struct labyrinth_owner *owner, void **kept,
				   unsigned int ops)
{
	unsigned int i, k;

	for (i = 0; i < ops; i += BENCH_BURST) {
		for (k = 0; k < BENCH_BURST; k++)
			kept[k] = bench_take(owner);
		while (k)
			bench_give(owner, kept[--k]);
	}
}

static void single_burst(struct bench_set *set, unsigned int ops)
{
	bursts(set->single, set->kept, ops);
}

static void any_burst(struct bench_set *set, unsigned int ops)
{
	bursts(set->any, set->kept, ops);
}

/*
 * Nearly all pages go from the full cache to the depot, and from the depot to the empty cache: as
 * when one CPU allocates and another frees, but on a single CPU, where instructions can be counted.
 */
static void any_flood(struct bench_set *set, unsigned int ops)
{
	static void *flood[1024];
	unsigned int nr = min_t(unsigned int, ops, ARRAY_SIZE(flood)), i, k;

	for (i = 0; i < ops; i += nr) {
		for (k = 0; k < nr; k++)
			flood[k] = bench_take(set->any);
		while (k)
			bench_give(set->any, flood[--k]);
	}
}

static __always_inline void bulks(struct labyrinth_owner *owner, void **kept,
				  unsigned int ops)
{
	unsigned int i, nr;

	for (i = 0; i < ops; i += BENCH_BULK) {
		nr = labyrinth_alloc_bulk(owner, BENCH_BULK, kept);
		while (nr)
			bench_give(owner, kept[--nr]);
	}
}

static void single_bulk(struct bench_set *set, unsigned int ops)
{
	bulks(set->single, set->kept, ops);
}

static void any_bulk(struct bench_set *set, unsigned int ops)
{
	bulks(set->any, set->kept, ops);
}

static void owns(struct bench_set *set, unsigned int ops)
{
	struct labyrinth_owner *owner = set->single;
	void *page = set->held[0];

	do {
		bench_forget_memory(page);
		if (!labyrinth_owns(owner, page))
			break;
	} while (--ops);
}

/* The length of a query depends on the page: measures the mean of many pages. */
static void query(struct bench_set *set, unsigned int ops)
{
	struct labyrinth_page_info info;

	while (ops--)
		labyrinth_query(set->held[ops % BENCH_BURST], &info);
}

/* A free by an owner that does not have the page: -EPERM, counted, traced. */
static void refused_free(struct bench_set *set, unsigned int ops)
{
	while (ops--)
		bench_give(set->any, set->held[ops % BENCH_BURST]);
}

static void pool_direct(struct bench_set *set, unsigned int ops)
{
	struct page_pool *pool = set->pool;

	while (ops--) {
		struct page *page = page_pool_dev_alloc_pages(pool);

		bench_forget(page);
		page_pool_recycle_direct(pool, page);
	}
}

static void pool_direct_burst(struct bench_set *set, unsigned int ops)
{
	struct page_pool *pool = set->pool;
	unsigned int i, k;

	for (i = 0; i < ops; i += BENCH_BURST) {
		for (k = 0; k < BENCH_BURST; k++)
			set->kept[k] = page_pool_dev_alloc_pages(pool);
		while (k)
			page_pool_recycle_direct(pool, set->kept[--k]);
	}
}

static void pool_ring(struct bench_set *set, unsigned int ops)
{
	struct page_pool *pool = set->pool;

	while (ops--) {
		struct page *page = page_pool_dev_alloc_pages(pool);

		bench_forget(page);
		page_pool_put_full_page(pool, page, false);
	}
}

static void pool_ring_burst(struct bench_set *set, unsigned int ops)
{
	struct page_pool *pool = set->pool;
	unsigned int i, k;

	for (i = 0; i < ops; i += BENCH_BURST) {
		for (k = 0; k < BENCH_BURST; k++)
			set->kept[k] = page_pool_dev_alloc_pages(pool);
		while (k)
			page_pool_put_full_page(pool, set->kept[--k], false);
	}
}

static void raw_pair(struct bench_set *set, unsigned int ops)
{
	while (ops--) {
		struct page *page = alloc_page(GFP_ATOMIC);

		bench_forget(page);
		__free_page(page);
	}
}

static void raw_burst(struct bench_set *set, unsigned int ops)
{
	unsigned int i, k;

	for (i = 0; i < ops; i += BENCH_BURST) {
		for (k = 0; k < BENCH_BURST; k++)
			set->kept[k] = alloc_page(GFP_ATOMIC);
		while (k)
			__free_page(set->kept[--k]);
	}
}

static void raw_bulk(struct bench_set *set, unsigned int ops)
{
	struct page *pages[BENCH_BULK];
	unsigned int i, nr;

	for (i = 0; i < ops; i += BENCH_BULK) {
		memset(pages, 0, sizeof(pages));
		nr = lab_alloc_pages_bulk_node(GFP_ATOMIC, NUMA_NO_NODE,
					       BENCH_BULK, pages);
		while (nr)
			__free_page(pages[--nr]);
	}
}

static void slab_pair(struct bench_set *set, unsigned int ops)
{
	while (ops--) {
		void *object = kmem_cache_alloc(set->slab, GFP_ATOMIC);

		bench_forget(object);
		kmem_cache_free(set->slab, object);
	}
}

static void mempool_pair(struct bench_set *set, unsigned int ops)
{
	while (ops--) {
		void *page = mempool_alloc(set->mempool, GFP_ATOMIC);

		bench_forget(page);
		mempool_free(page, set->mempool);
	}
}

const struct bench_case bench_hot_cases[] = {
	{ "loop", loop },
	{ "single-pair", single_pair },
	{ "single-burst64", single_burst },
	{ "single-bulk16", single_bulk },
	{ "any-pair", any_pair },
	{ "any-burst64", any_burst },
	{ "any-bulk16", any_bulk },
	{ "any-flood", any_flood },
	{ "sealed-pair", sealed_pair },
	{ "owns", owns },
	{ "query", query },
	{ "refused-free", refused_free },
	{ "pool-direct-pair", pool_direct },
	{ "pool-direct-burst64", pool_direct_burst },
	{ "pool-ring-pair", pool_ring },
	{ "pool-ring-burst64", pool_ring_burst },
	{ "raw-pair", raw_pair },
	{ "raw-burst64", raw_burst },
	{ "raw-bulk16", raw_bulk },
	{ "slab-pair", slab_pair },
	{ "mempool-pair", mempool_pair },
};

const unsigned int bench_nr_hot_cases = ARRAY_SIZE(bench_hot_cases);

/* A window of each in turn, again and again; of each the cheapest counts. */
void bench_run_hot(struct bench_set *set)
{
	struct bench_cost best[ARRAY_SIZE(bench_hot_cases)];
	unsigned int round, i;

	for (i = 0; i < ARRAY_SIZE(best); i++)
		best[i] = BENCH_NO_COST;
	for (round = 0; round < bench_rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(best); i++)
			bench_cheapest(&best[i],
				       bench_window(&bench_hot_cases[i], set,
						    bench_ops));
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(best); i++)
		if (set->sealed || bench_hot_cases[i].fn != sealed_pair)
			bench_print("hot", bench_hot_cases[i].name, 1, 0, bench_ops,
				    best[i]);
}
