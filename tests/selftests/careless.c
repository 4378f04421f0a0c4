// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that does not know Labyrinth, and its bugs. A word written to
 * /sys/module/labyrinth_careless/parameters/do is done at once:
 *	take	takes a page and keeps the page
 *	give	gives back the page that was taken last
 *	release	gives it back with a list of pages
 *	again	takes a page, gives the page back, and gives the page back once more
 *	mapped	takes a page, maps the page for DMA, gives the page back, and unmaps the page
 *	keep	takes two pages as a block, splits the block, gives the second page back, maps
 *		the first for DMA, and gives that page back
 *	map	maps the page that was taken last
 *	unmap	unmaps the page of "keep" or of "map", whichever was mapped last
 *	both	as "mapped", but maps half of the page as well, and unmaps the whole page first
 *	size	maps a page, and unmaps half of it
 *	twice	maps a page, and unmaps the page twice
 *	pool	makes a page_pool, unless there is one, and takes a page from the pool
 *	put	puts that page back
 *	put-again	takes a page from the pool, and puts the page back twice
 *	put_page	takes a page from the pool, and gives the page to the page allocator
 *	share	makes the pool have one more user, as an XDP queue is
 *	pools	makes 256 pools, and destroys them
 *	no-pool	destroys the pool, for one user
 *	late	puts the page of "pool" back, and counts the page of "put_page" as released: if
 *		both were done before, the destroyed pool then goes
 * The parameter refs is the page's count after the page was given back for the last time: -1 after
 * "again", and 0 after "mapped" and "both", if nobody refused. The parameter pfn is the page of
 * "keep". When the module goes, the module forgets the pages that it has.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/string.h>

#include "labyrinth_compat.h"

#include LAB_PAGE_POOL_H

static struct platform_device *pdev;
static struct page *taken[16];
static unsigned int nr_taken;

static struct page_pool *pool;
static struct page *received;

static bool same;
module_param(same, bool, 0444);
static int refs;
module_param(refs, int, 0444);
static unsigned long pfn;
module_param(pfn, ulong, 0444);
static dma_addr_t kept;

static noinline struct page *careless_refill(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	/* Not the last call, which the compiler would make a jump. */
	barrier();
	return page;
}

static noinline void careless_complete(struct page *page)
{
	__free_page(page);
	/* As above. */
	barrier();
}

static int careless_take(void)
{
	struct page *page = nr_taken < ARRAY_SIZE(taken) ? careless_refill() : NULL;

	if (page)
		taken[nr_taken++] = page;
	return page ? 0 : -ENOMEM;
}

static int careless_give(void)
{
	if (nr_taken)
		careless_complete(taken[--nr_taken]);
	return 0;
}

static int careless_release(void)
{
	if (nr_taken)
		release_pages(&taken[--nr_taken], 1);
	return 0;
}

/* With interrupts off, so that nobody takes the page in between. */
static int careless_again(void)
{
	struct page *page = careless_refill();
	unsigned long flags;

	if (!page)
		return -ENOMEM;
	local_irq_save(flags);
	careless_complete(page);
	careless_complete(page);
	refs = page_ref_count(page);
	if (refs < 0)
		set_page_count(page, 0);
	local_irq_restore(flags);
	return 0;
}

static noinline dma_addr_t careless_map(struct page *page, size_t size)
{
	dma_addr_t dma = dma_map_page(&pdev->dev, page, 0, size, DMA_FROM_DEVICE);

	barrier();
	return dma;
}

static noinline void careless_unmap(dma_addr_t dma, size_t size)
{
	dma_unmap_page(&pdev->dev, dma, size, DMA_FROM_DEVICE);
	barrier();
}

static int careless_mapped(void)
{
	struct page *page = careless_refill();
	dma_addr_t dma;

	if (!page)
		return -ENOMEM;
	dma = careless_map(page, PAGE_SIZE);
	careless_complete(page);
	refs = page_ref_count(page);
	careless_unmap(dma, PAGE_SIZE);
	return 0;
}

/* Without an IOMMU both mappings have the same address. */
static int careless_both(void)
{
	struct page *page = careless_refill();
	dma_addr_t whole, half;

	if (!page)
		return -ENOMEM;
	whole = careless_map(page, PAGE_SIZE);
	half = careless_map(page, PAGE_SIZE / 2);
	careless_unmap(whole, PAGE_SIZE);
	careless_complete(page);
	refs = page_ref_count(page);
	careless_unmap(half, PAGE_SIZE / 2);
	return 0;
}

static noinline struct page *careless_split(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);

	if (page)
		split_page(page, 1);
	return page;
}

static int careless_keep(void)
{
	struct page *page = careless_split();

	if (!page)
		return -ENOMEM;
	careless_complete(page + 1);
	pfn = page_to_pfn(page);
	kept = careless_map(page, PAGE_SIZE);
	careless_complete(page);
	return 0;
}

static int careless_map_taken(void)
{
	if (!nr_taken)
		return -ENOENT;
	kept = careless_map(taken[nr_taken - 1], PAGE_SIZE);
	return 0;
}

static int careless_unmap_kept(void)
{
	careless_unmap(kept, PAGE_SIZE);
	return 0;
}

static int unmap_wrongly(size_t size, bool twice)
{
	struct page *page = careless_refill();
	dma_addr_t dma;

	if (!page)
		return -ENOMEM;
	dma = careless_map(page, PAGE_SIZE);
	careless_unmap(dma, size);
	if (twice)
		careless_unmap(dma, size);
	careless_complete(page);
	return 0;
}

static int careless_size(void)
{
	return unmap_wrongly(PAGE_SIZE / 2, false);
}

static int careless_twice(void)
{
	return unmap_wrongly(PAGE_SIZE, true);
}

static noinline struct page *careless_receive(void)
{
	struct page *page = page_pool_alloc_pages(pool, GFP_KERNEL);

	barrier();
	return page;
}

static noinline void careless_recycle(struct page *page)
{
	page_pool_put_full_page(pool, page, false);
	barrier();
}

static int careless_pool(void)
{
	struct page_pool_params params = {
		.pool_size = 64,
		.nid = NUMA_NO_NODE,
		.dev = &pdev->dev,
	};

	if (!pool)
		pool = page_pool_create(&params);
	received = careless_receive();
	return received ? 0 : -ENOMEM;
}

static int careless_put(void)
{
	careless_recycle(received);
	return 0;
}

/* What is in the pool's cache. Return: how many. */
static unsigned int careless_drain(struct page **pages)
{
	unsigned int nr = 0;

	while (pool->alloc.count)
		pages[nr++] = careless_receive();
	return nr;
}

/*
 * The parameter same: whether the pool then gives the page out twice. With pages in its cache the
 * pool gives out those first, and the page is in its ring.
 */
static int careless_put_again(void)
{
	static struct page *others[PP_ALLOC_CACHE_SIZE];
	struct page *page = careless_receive(), *first, *second;
	unsigned int nr = page ? careless_drain(others) : 0;

	if (!page)
		return -ENOMEM;
	careless_recycle(page);
	careless_recycle(page);
	first = careless_receive();
	second = careless_receive();
	same = first == second;
	while (nr)
		careless_recycle(others[--nr]);
	if (first)
		careless_recycle(first);
	if (second && !same)
		careless_recycle(second);
	return 0;
}

static int careless_put_page(void)
{
	struct page *page = careless_receive();

	if (!page)
		return -ENOMEM;
	put_page(page);
	barrier();
	return 0;
}

static int careless_pools(void)
{
	static struct page_pool *many[256];
	struct page_pool_params params = {
		.pool_size = 1,
		.nid = NUMA_NO_NODE,
		.dev = &pdev->dev,
	};
	unsigned int i, failed = 0;

	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = page_pool_create(&params);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		if (IS_ERR(many[i]))
			failed++;
		else
			page_pool_destroy(many[i]);
	}
	return failed ? -ENOMEM : 0;
}

static int careless_share(void)
{
	refcount_inc(&pool->user_cnt);
	return 0;
}

static int careless_no_pool(void)
{
	page_pool_destroy(pool);
	return 0;
}

static int careless_late(void)
{
	atomic_inc(&pool->pages_state_release_cnt);
	careless_recycle(received);
	pool = NULL;
	return 0;
}

static const struct word {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "take", careless_take },
	{ "give", careless_give },
	{ "release", careless_release },
	{ "again", careless_again },
	{ "mapped", careless_mapped },
	{ "keep", careless_keep },
	{ "map", careless_map_taken },
	{ "unmap", careless_unmap_kept },
	{ "both", careless_both },
	{ "size", careless_size },
	{ "twice", careless_twice },
	{ "pool", careless_pool },
	{ "put", careless_put },
	{ "put-again", careless_put_again },
	{ "put_page", careless_put_page },
	{ "pools", careless_pools },
	{ "share", careless_share },
	{ "no-pool", careless_no_pool },
	{ "late", careless_late },
};

static int do_set(const char *val, const struct kernel_param *kp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (sysfs_streq(val, words[i].word))
			return words[i].fn();
	return -EINVAL;
}

static const struct kernel_param_ops do_ops = { .set = do_set };

module_param_cb(do, &do_ops, NULL, 0200);
MODULE_PARM_DESC(do, "What to do, see the head of the source");

static int __init careless_init(void)
{
	int err;

	pdev = platform_device_register_simple("labyrinth_careless", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		platform_device_unregister(pdev);
	return err;
}

static void __exit careless_exit(void)
{
	platform_device_unregister(pdev);
}

module_init(careless_init);
module_exit(careless_exit);

MODULE_DESCRIPTION("Labyrinth self-test: a driver with bugs");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
