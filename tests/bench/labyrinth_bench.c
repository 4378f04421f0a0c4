// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an exclusive page costs, beside what it would cost without. All cases run
 * in one load, interleaved: a round of each in turn, ROUNDS times over, and of
 * each its cheapest round counts. Interrupts are off during a round.
 *
 * Under qemu's icount the TSC counts instructions, which repeat to the digit. On
 * a real machine the nanoseconds mean something, and only as ratios.
 */
#define pr_fmt(fmt) "labyrinth_bench: " fmt

#include <linux/bottom_half.h>
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/vmalloc.h>

#include "../../labyrinth_alloc.h"

#ifdef LAB_PAGE_POOL_FOLDER
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif

#define ROUNDS		20
#define OPS		1000
#define BURST		64
#define BULK		16

static unsigned int tags;
module_param(tags, uint, 0444);
MODULE_PARM_DESC(tags,
		 "Pages held by another owner all the while, to fill the table (default 0)");

static struct labyrinth_owner *single;
static struct labyrinth_owner *any;
static struct labyrinth_owner *crowd;
static struct page_pool *pool;
static struct kmem_cache *slab;
static mempool_t *mempool;
static void **crowd_pages;
static void *kept[BURST];
static void *single_page;

static __always_inline void *take(struct labyrinth_owner *owner)
{
	return labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
}

/* Each case does OPS of what it names. */

static __always_inline void pairs(struct labyrinth_owner *owner)
{
	unsigned int i;

	for (i = 0; i < OPS; i++)
		labyrinth_free_page(owner, take(owner));
}

static void bench_single(void)
{
	pairs(single);
}

static void bench_any(void)
{
	pairs(any);
}

static __always_inline void bursts(struct labyrinth_owner *owner)
{
	unsigned int i, k;

	for (i = 0; i < OPS; i += k) {
		for (k = 0; k < BURST && i + k < OPS; k++)
			kept[k] = take(owner);
		while (k)
			labyrinth_free_page(owner, kept[--k]);
		k = min(OPS - i, (unsigned int)BURST);
	}
}

static void bench_single_burst(void)
{
	bursts(single);
}

static void bench_any_burst(void)
{
	bursts(any);
}

static __always_inline void bulks(struct labyrinth_owner *owner)
{
	unsigned int i, nr;

	for (i = 0; i < OPS; i += BULK) {
		nr = labyrinth_alloc_bulk(owner, BULK, kept);
		while (nr)
			labyrinth_free_page(owner, kept[--nr]);
	}
}

static void bench_single_bulk(void)
{
	bulks(single);
}

static void bench_any_bulk(void)
{
	bulks(any);
}

static void bench_owns(void)
{
	struct labyrinth_owner *owner = single;
	void *page = single_page;
	unsigned int i;

	for (i = 0; i < OPS; i++)
		labyrinth_owns(owner, page);
}

/* Of other pages of the crowd, one after the other. */
static void bench_owns_crowd(void)
{
	struct labyrinth_owner *owner = crowd;
	void **pages = crowd_pages;
	unsigned int i;

	for (i = 0; i < OPS; i++)
		labyrinth_owns(owner, pages[i]);
}

static void bench_query(void)
{
	struct labyrinth_page_info info;
	unsigned int i;

	for (i = 0; i < OPS; i++)
		labyrinth_query(single_page, &info);
}

static void bench_pool_direct(void)
{
	unsigned int i;

	for (i = 0; i < OPS; i++)
		page_pool_recycle_direct(pool, page_pool_dev_alloc_pages(pool));
}

static void bench_pool_ring(void)
{
	unsigned int i;

	for (i = 0; i < OPS; i++)
		page_pool_put_full_page(pool, page_pool_dev_alloc_pages(pool),
					false);
}

static void bench_raw(void)
{
	unsigned int i;

	for (i = 0; i < OPS; i++)
		__free_page(alloc_page(GFP_ATOMIC));
}

static void bench_raw_bulk(void)
{
	struct page *pages[BULK];
	unsigned int i, nr;

	for (i = 0; i < OPS; i += BULK) {
		memset(pages, 0, sizeof(pages));
		nr = alloc_pages_bulk_node(GFP_ATOMIC, NUMA_NO_NODE, BULK,
					   pages);
		while (nr)
			__free_page(pages[--nr]);
	}
}

static void bench_slab(void)
{
	unsigned int i;

	for (i = 0; i < OPS; i++)
		kmem_cache_free(slab, kmem_cache_alloc(slab, GFP_ATOMIC));
}

static void bench_mempool(void)
{
	unsigned int i;

	for (i = 0; i < OPS; i++)
		mempool_free(mempool_alloc(mempool, GFP_ATOMIC), mempool);
}

static struct bench {
	const char *name;
	void (*fn)(void);
	u64 cycles;		/* of the cheapest round */
	u64 ns;
} benches[] = {
	{ "single pair", bench_single },
	{ "single burst of 64", bench_single_burst },
	{ "single bulk of 16", bench_single_bulk },
	{ "any-context pair", bench_any },
	{ "any-context burst of 64", bench_any_burst },
	{ "any-context bulk of 16", bench_any_bulk },
	{ "owns", bench_owns },
	{ "owns, of the crowd", bench_owns_crowd },
	{ "query", bench_query },
	{ "page_pool direct pair", bench_pool_direct },
	{ "page_pool ring pair", bench_pool_ring },
	{ "alloc_page pair", bench_raw },
	{ "alloc_pages_bulk of 16", bench_raw_bulk },
	{ "kmem_cache pair", bench_slab },
	{ "mempool pair", bench_mempool },
};

static void run_round(struct bench *bench)
{
	unsigned long flags;
	u64 cycles, ns;

	local_bh_disable();
	local_irq_save(flags);
	ns = ktime_get_ns();
	cycles = get_cycles();
	bench->fn();
	cycles = get_cycles() - cycles;
	ns = ktime_get_ns() - ns;
	local_irq_restore(flags);
	local_bh_enable();
	bench->cycles = min(bench->cycles, cycles);
	bench->ns = min(bench->ns, ns);
}

static void run(void)
{
	unsigned int round, i;

	for (i = 0; i < ARRAY_SIZE(benches); i++) {
		benches[i].cycles = U64_MAX;
		benches[i].ns = U64_MAX;
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < ARRAY_SIZE(benches); i++)
			if (tags || benches[i].fn != bench_owns_crowd)
				run_round(&benches[i]);
		cond_resched();
	}
}

static void print(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(benches); i++) {
		struct bench *bench = &benches[i];

		if (bench->cycles == U64_MAX)
			continue;
		pr_info("%s: %llu.%02llu cycles, %llu.%02llu ns\n",
			bench->name, bench->cycles / OPS,
			bench->cycles % OPS * 100 / OPS, bench->ns / OPS,
			bench->ns % OPS * 100 / OPS);
	}
}

static struct labyrinth_owner *make_owner(const char *name, unsigned long flags)
{
	struct labyrinth_owner_attrs attrs = {
		.name = name,
		.nid = NUMA_NO_NODE,
		.flags = flags,
	};

	return labyrinth_owner_create(&attrs);
}

static int make_owners(void)
{
	single = make_owner("bench-single", LABYRINTH_OWNER_SINGLE);
	any = make_owner("bench-any", 0);
	crowd = make_owner("bench-crowd", 0);
	if (IS_ERR(single) || IS_ERR(any) || IS_ERR(crowd))
		return -ENOMEM;
	single_page = take(single);
	return single_page ? 0 : -ENOMEM;
}

static int make_crowd(void)
{
	unsigned int i;

	crowd_pages = vcalloc(tags ?: 1, sizeof(*crowd_pages));
	if (!crowd_pages)
		return -ENOMEM;
	for (i = 0; i < tags; i++) {
		crowd_pages[i] = take(crowd);
		if (!crowd_pages[i])
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

static int make_peers(void)
{
	struct page_pool_params params = {
		.pool_size = 256,
		.nid = NUMA_NO_NODE,
	};

	pool = page_pool_create(&params);
	slab = kmem_cache_create("labyrinth_bench", PAGE_SIZE, PAGE_SIZE, 0,
				 NULL);
	mempool = mempool_create_page_pool(64, 0);
	return IS_ERR(pool) || !slab || !mempool ? -ENOMEM : 0;
}

static void clean_up(void)
{
	unsigned int i;

	mempool_destroy(mempool);
	kmem_cache_destroy(slab);
	if (!IS_ERR_OR_NULL(pool))
		page_pool_destroy(pool);
	for (i = 0; crowd_pages && i < tags && crowd_pages[i]; i++)
		labyrinth_free_page(crowd, crowd_pages[i]);
	vfree(crowd_pages);
	if (single_page)
		labyrinth_free_page(single, single_page);
	if (!IS_ERR_OR_NULL(crowd))
		labyrinth_owner_destroy(crowd);
	if (!IS_ERR_OR_NULL(any))
		labyrinth_owner_destroy(any);
	if (!IS_ERR_OR_NULL(single))
		labyrinth_owner_destroy(single);
}

static int __init bench_init(void)
{
	int err = make_owners() ?: make_crowd() ?: make_peers();

	if (!err) {
		run();
		print();
	}
	clean_up();
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
