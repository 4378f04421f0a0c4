// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver whose pages the core maps for DMA, and the core's calls: dma_map_page() and the like, by
 * code that knows no owner. A word written to /sys/kernel/debug/labyrinth_core_maps/do chooses the
 * test, see words[]. The write returns the test's errno, and the log says what was wrong.
 */
#define pr_fmt(fmt) "labyrinth_core_maps: " fmt

#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "deeds.h"
#include "labyrinth_alloc.h"

#define PART	512U

static struct dentry *root;
static struct platform_device *card, *other_card;
static struct labyrinth_owner *ring, *strict;

/* Handed on from word to word. */
static void *page;
static dma_addr_t kept;

static enum labyrinth_page_state state_of(const void *buf)
{
	struct labyrinth_page_info info;

	return labyrinth_query(buf, &info) ? LABYRINTH_PAGE_ABSENT : info.state;
}

static struct labyrinth_owner *make(const char *name, struct device *dev, unsigned long flags)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .flags = flags, .dev = dev,
		.reserve = 4,
	});
}

static int create_errno(struct device *dev, unsigned long flags)
{
	struct labyrinth_owner *owner = make("attributes", dev, flags);

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	labyrinth_owner_destroy(owner);
	return 0;
}

static int do_attributes(void)
{
	const unsigned long flags = LABYRINTH_OWNER_CORE_MAPS;
	int err = expect("good", create_errno(&card->dev, flags), 0);

	err = err ?: expect("no device", create_errno(NULL, flags), -EINVAL);
	return err ?: expect("sealed", create_errno(&card->dev, flags | LABYRINTH_OWNER_SEALED),
			     -EOPNOTSUPP);
}

static int do_begin(void)
{
	ring = make("ring", &card->dev, LABYRINTH_OWNER_CORE_MAPS);
	strict = make("strict", &card->dev, 0);
	return IS_ERR(ring) || IS_ERR(strict) ? -EIO : 0;
}

static int do_end(void)
{
	unsigned int out = labyrinth_owner_destroy(ring) + labyrinth_owner_destroy(strict);

	return expect("pages out", out, 0);
}

static void *take(struct labyrinth_owner *owner)
{
	return labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
}

/* What the core does: 0, or -EIO for an address that means failure. */
static int map(struct device *dev, void *addr, size_t offset, size_t size, dma_addr_t *dma)
{
	*dma = dma_map_page(dev, virt_to_page(addr), offset, size, DMA_FROM_DEVICE);
	return dma_mapping_error(dev, *dma) ? -EIO : 0;
}

static void unmap(dma_addr_t dma, size_t size)
{
	dma_unmap_page(&card->dev, dma, size, DMA_FROM_DEVICE);
}

/* While the core has the page mapped, the page goes nowhere. */
static int expect_stays(void *addr)
{
	int err = expect("mapped", state_of(addr), LABYRINTH_PAGE_MAPPED);

	err = err ?: expect("free", labyrinth_free_page(ring, addr), -EBUSY);
	err = err ?: expect("lend", PTR_ERR_OR_ZERO(labyrinth_lend(ring, addr)), -EBUSY);
	return err ?: expect("driver's unmap", labyrinth_dma_unmap(ring, &card->dev, addr, 0, PART,
								   DMA_FROM_DEVICE), -EINVAL);
}

static int do_round(void)
{
	void *addr = take(ring);
	dma_addr_t whole, part;
	int err = expect("map", map(&card->dev, addr, 0, PAGE_SIZE, &whole), 0);

	err = err ?: expect_stays(addr);
	err = err ?: expect("map a part", map(&card->dev, addr, PART, PART, &part), 0);
	if (err)
		return err;
	unmap(whole, PAGE_SIZE);
	err = expect_stays(addr);
	unmap(part, PART);
	err = err ?: expect("held", state_of(addr), LABYRINTH_PAGE_HELD);
	return err ?: expect("free", labyrinth_free_page(ring, addr), 0);
}

/* Many at a time, unmapped in another order; and memory that is no owner's. */
static int do_many(void)
{
	static dma_addr_t dma[64];
	static void *addr[64];
	void *memory = kmalloc(PART, GFP_KERNEL);
	unsigned int i;
	dma_addr_t own;
	int err = 0;

	for (i = 0; i < 64; i++) {
		addr[i] = take(ring);
		err = err ?: expect("map", map(&card->dev, addr[i], 0, PAGE_SIZE, &dma[i]), 0);
	}
	err = err ?: expect("plain memory", map(&card->dev, memory, offset_in_page(memory), PART,
						&own), 0);
	if (!err)
		unmap(own, PART);
	for (i = 0; i < 64 && !err; i++) {
		unsigned int at = (i * 37) % 64;

		err = expect("mapped", state_of(addr[at]), LABYRINTH_PAGE_MAPPED);
		unmap(dma[at], PAGE_SIZE);
		err = err ?: expect("free", labyrinth_free_page(ring, addr[at]), 0);
	}
	kfree(memory);
	return err;
}

/* The guard is set anew meanwhile: each mapping counts all the same. */
static int do_storm(void)
{
	unsigned long end = jiffies + HZ;
	void *addr = take(ring);
	dma_addr_t dma;
	int err = 0;

	while (!err && time_before(jiffies, end)) {
		err = expect("map", map(&card->dev, addr, 0, PART, &dma), 0);
		if (err)
			break;
		err = expect("mapped", state_of(addr), LABYRINTH_PAGE_MAPPED);
		unmap(dma, PART);
		cond_resched();
	}
	return err ?: expect("free", labyrinth_free_page(ring, addr), 0);
}

/* The driver's own mappings are as ever. */
static int do_own(void)
{
	void *addr = take(ring);
	dma_addr_t dma;
	int err = labyrinth_dma_map(ring, &card->dev, addr, 0, PART, DMA_FROM_DEVICE, &dma);

	err = err ?: expect("unmap", labyrinth_dma_unmap(ring, &card->dev, addr, dma, PART,
							 DMA_FROM_DEVICE), 0);
	return err ?: expect("free", labyrinth_free_page(ring, addr), 0);
}

/* Refused: another device, an owner without the flag, more than a page, no longer held. */
static int do_refused(void)
{
	void *addr = take(ring), *theirs = take(strict);
	dma_addr_t dma;
	int err = expect("another device", map(&other_card->dev, addr, 0, PART, &dma), -EIO);

	err = err ?: expect("another owner", map(&card->dev, theirs, 0, PART, &dma), -EIO);
	err = err ?: expect("two pages", map(&card->dev, addr, PART, PAGE_SIZE, &dma), -EIO);
	err = err ?: expect("still", state_of(addr), LABYRINTH_PAGE_HELD);
	labyrinth_free_page(ring, addr);
	labyrinth_free_page(strict, theirs);
	return err ?: expect("freed", map(&card->dev, addr, 0, PART, &dma), -EIO);
}

static int map_list(void *first, void *second)
{
	struct scatterlist list[2];
	int nr;

	sg_init_table(list, 2);
	sg_set_buf(&list[0], first, PART);
	sg_set_buf(&list[1], second, PART);
	nr = dma_map_sg(&card->dev, list, 2, DMA_FROM_DEVICE);
	if (!nr)
		return -EIO;
	dma_unmap_sg(&card->dev, list, 2, DMA_FROM_DEVICE);
	return 0;
}

static int do_list(void)
{
	void *one = take(ring), *two = take(ring), *theirs = take(strict);
	int err = expect("list", map_list(one, two), 0);

	err = err ?: expect("another owner's among them", map_list(one, theirs), -EIO);
	labyrinth_free_page(ring, one);
	labyrinth_free_page(ring, two);
	labyrinth_free_page(strict, theirs);
	return err;
}

/* The driver's mappings with attributes. */
static int do_attrs(void)
{
	void *addr = take(strict);
	dma_addr_t dma;
	int err = expect("no sync", labyrinth_dma_map_attrs(strict, &card->dev, addr, 0, PART,
							    DMA_FROM_DEVICE, &dma,
							    DMA_ATTR_SKIP_CPU_SYNC), 0);

	err = err ?: expect("unmap", labyrinth_dma_unmap(strict, &card->dev, addr, dma, PART,
							 DMA_FROM_DEVICE), 0);
	err = err ?: expect("contiguous", labyrinth_dma_map_attrs(strict, &card->dev, addr, 0, PART,
								  DMA_FROM_DEVICE, &dma,
								  DMA_ATTR_FORCE_CONTIGUOUS),
			    -EINVAL);
	err = err ?: expect("unknown", labyrinth_dma_map_attrs(strict, &card->dev, addr, 0, PART,
							       DMA_FROM_DEVICE, &dma, BIT(16)),
			    -EINVAL);
	return err ?: expect("free", labyrinth_free_page(strict, addr), 0);
}

/* Mapped, for words that follow. */
static int do_map(void)
{
	page = take(ring);
	return map(&card->dev, page, 0, PAGE_SIZE, &kept);
}

static int do_is_mapped(void)
{
	return expect("mapped", state_of(page), LABYRINTH_PAGE_MAPPED);
}

static int do_is_held(void)
{
	return expect("held", state_of(page), LABYRINTH_PAGE_HELD);
}

static int do_unmap(void)
{
	unmap(kept, PAGE_SIZE);
	return 0;
}

static int do_free(void)
{
	return labyrinth_free_page(ring, page);
}

/* The core still has the page mapped. */
static int do_destroy(void)
{
	int err = expect("pages out", labyrinth_owner_destroy(ring), 1);

	err = err ?: expect("limbo", state_of(page), LABYRINTH_PAGE_LIMBO);
	labyrinth_owner_destroy(strict);
	return err;
}

static const struct deed words[] = {
	{ "attributes", do_attributes },
	{ "begin", do_begin },
	{ "end", do_end },
	{ "round", do_round },
	{ "many", do_many },
	{ "storm", do_storm },
	{ "own", do_own },
	{ "refused", do_refused },
	{ "list", do_list },
	{ "attrs", do_attrs },
	{ "map", do_map },
	{ "is-mapped", do_is_mapped },
	{ "is-held", do_is_held },
	{ "unmap", do_unmap },
	{ "free", do_free },
	{ "destroy", do_destroy },
};

static ssize_t do_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	return do_deed(words, ARRAY_SIZE(words), from, len);
}

static const struct file_operations do_fops = {
	.owner = THIS_MODULE,
	.write = do_write,
};

static struct platform_device *make_card(int id)
{
	struct platform_device *pdev =
		platform_device_register_simple("labyrinth_core_maps", id, NULL, 0);

	if (!IS_ERR(pdev))
		dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	return pdev;
}

static int __init core_maps_init(void)
{
	card = make_card(0);
	if (IS_ERR(card))
		return PTR_ERR(card);
	other_card = make_card(1);
	if (IS_ERR(other_card)) {
		platform_device_unregister(card);
		return PTR_ERR(other_card);
	}
	root = debugfs_create_dir("labyrinth_core_maps", NULL);
	debugfs_create_file("do", 0200, root, NULL, &do_fops);
	return 0;
}

static void __exit core_maps_exit(void)
{
	debugfs_remove(root);
	platform_device_unregister(other_card);
	platform_device_unregister(card);
}

module_init(core_maps_init);
module_exit(core_maps_exit);

MODULE_DESCRIPTION("Labyrinth test: pages that the core maps for DMA");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
