// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost for drivers that have nothing to do with Labyrinth, with the guard off and armed, and
 * while labyrinth_watch follows no module, another module, or this module: an ordinary page
 * mapped for DMA and unmapped, an ordinary page allocated and freed, and a page_pool's page.
 */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/platform_device.h>

#include "bench.h"

#define GUARD	"/sys/module/labyrinth/parameters/guard"
#define WATCH	"/sys/module/labyrinth_watch/parameters/watch"

static struct platform_device *pdev;
static struct page *page;

/* Made for each case anew: a page_pool that is made while the module is followed is followed. */
static struct page_pool *pool;

static void dma_pair(struct bench_set *set, unsigned int ops)
{
	while (ops--) {
		dma_addr_t dma = dma_map_page(&pdev->dev, page, 0, 2048, DMA_FROM_DEVICE);

		dma_unmap_page(&pdev->dev, dma, 2048, DMA_FROM_DEVICE);
	}
}

static void page_pair(struct bench_set *set, unsigned int ops)
{
	while (ops--) {
		struct page *page = alloc_page(GFP_ATOMIC);

		bench_forget(page);
		__free_page(page);
	}
}

static void pool_pair(struct bench_set *set, unsigned int ops)
{
	while (ops--) {
		struct page *page = page_pool_dev_alloc_pages(pool);

		bench_forget(page);
		page_pool_recycle_direct(pool, page);
	}
}

static const struct {
	struct bench_case bench;
	const char *file;
	const char *value;
	const char *after;		/* restores the file */
} cases[] = {
	{ { "dma-pair", dma_pair }, GUARD, "off", "off" },
	{ { "dma-pair-guarded", dma_pair }, GUARD, "refuse", "off" },
	{ { "page-pair", page_pair }, GUARD, "off", "off" },
	{ { "page-pair-guarded", page_pair }, GUARD, "refuse", "off" },
	{ { "pool-pair", pool_pair }, GUARD, "off", "off" },
	{ { "page-pair-beside", page_pair }, WATCH, "labyrinth_other", "\n" },
	{ { "dma-pair-beside", dma_pair }, WATCH, "labyrinth_other", "\n" },
	{ { "pool-pair-beside", pool_pair }, WATCH, "labyrinth_other", "\n" },
	{ { "page-pair-watched", page_pair }, WATCH, "labyrinth_bench", "\n" },
	{ { "dma-pair-watched", dma_pair }, WATCH, "labyrinth_bench", "\n" },
	{ { "pool-pair-watched", pool_pair }, WATCH, "labyrinth_bench", "\n" },
};

static int set(const char *name, const char *value)
{
	struct file *file = filp_open(name, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t size;

	if (IS_ERR(file))
		return PTR_ERR(file);
	size = kernel_write(file, value, strlen(value), &pos);
	filp_close(file, NULL);
	return min_t(ssize_t, size, 0);
}

static struct bench_cost measure(const struct bench_case *bench, struct bench_set *set)
{
	struct bench_cost best = BENCH_NO_COST;
	unsigned int round;

	for (round = 0; round < bench_rounds; round++) {
		bench_cheapest(&best, bench_window(bench, set, bench_ops));
		cond_resched();
	}
	return best;
}

/* A module that is not loaded costs nothing, and has no result. */
static int run_case(struct bench_set *bench_set, unsigned int i)
{
	struct page_pool_params params = { .pool_size = 256, .nid = NUMA_NO_NODE };
	int err = set(cases[i].file, cases[i].value);

	if (err)
		return err == -ENOENT ? 0 : err;
	pool = page_pool_create(&params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	bench_print("hot", cases[i].bench.name, 1, 0, bench_ops,
		    measure(&cases[i].bench, bench_set));
	page_pool_destroy(pool);
	return set(cases[i].file, cases[i].after);
}

static int run_cases(struct bench_set *bench_set)
{
	int err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases) && !err; i++)
		err = run_case(bench_set, i);
	return err;
}

/* Context: Task; may sleep. Return: 0 or an errno. */
int bench_run_beside(struct bench_set *bench_set)
{
	int err = -ENOMEM;

	page = alloc_page(GFP_KERNEL);
	pdev = platform_device_register_simple("labyrinth_bench", -1, NULL, 0);
	if (page && !IS_ERR(pdev))
		err = run_cases(bench_set);
	if (!IS_ERR(pdev))
		platform_device_unregister(pdev);
	if (page)
		__free_page(page);
	return err;
}
