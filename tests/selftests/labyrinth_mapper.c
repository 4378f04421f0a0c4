// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the self-test of an owner's own mappings cannot say in shell. To read
 * /sys/kernel/debug/labyrinth_mapper/dma is to run the steps of that name, in
 * order: a line for each says what it gave, and what it had to.
 */
#define pr_fmt(fmt) "labyrinth_mapper: " fmt

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>

#include "../../labyrinth_alloc.h"

#define PART	512

static struct platform_device *pdev, *other_pdev;
static struct device *dev, *other_dev;
static struct labyrinth_owner *owner, *other, *no_device;
static struct dentry *root;

/* What the steps of one run hand on. */
static void *page;
static dma_addr_t whole, part;

struct step {
	const char *name;
	int (*run)(void);
	int wanted;
};

static int run_steps(struct seq_file *m, const struct step *step)
{
	for (; step->name; step++) {
		int got = step->run();

		seq_printf(m, "%s %pe %pe %s\n", got == step->wanted ? "ok" : "bad",
			   ERR_PTR(got), ERR_PTR(step->wanted), step->name);
	}
	return 0;
}

static int take_page(void)
{
	page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	return page ? 0 : -ENOMEM;
}

static int give_page(void)
{
	return labyrinth_free_page(owner, page);
}

static int is_mapped(void)
{
	struct labyrinth_page_info info;
	int err = labyrinth_query(page, &info);

	return err ?: info.state == LABYRINTH_PAGE_MAPPED &&
		      labyrinth_owns(owner, page) ? 0 : -EINVAL;
}

static int is_held(void)
{
	struct labyrinth_page_info info;
	int err = labyrinth_query(page, &info);

	return err ?: info.state == LABYRINTH_PAGE_HELD ? 0 : -EINVAL;
}

static int map_whole(void)
{
	return labyrinth_dma_map(owner, dev, page, 0, PAGE_SIZE,
				 DMA_FROM_DEVICE, &whole);
}

static int map_part(void)
{
	return labyrinth_dma_map(owner, dev, page, PART, PART, DMA_TO_DEVICE,
				 &part);
}

static int map_wish(struct labyrinth_owner *who, struct device *whose,
		    size_t offset, size_t size, int dir)
{
	dma_addr_t dma = 1;
	int err = labyrinth_dma_map(who, whose, page, offset, size, dir, &dma);

	return dma == 1 ? err : -EILSEQ;	/* a refused call changes nothing */
}

static int map_of_another(void)
{
	return map_wish(other, dev, 0, PART, DMA_TO_DEVICE);
}

static int map_for_another(void)
{
	return map_wish(owner, other_dev, 0, PART, DMA_TO_DEVICE);
}

static int map_for_no_device(void)
{
	return map_wish(owner, NULL, 0, PART, DMA_TO_DEVICE);
}

static int map_for_wild_device(void)
{
	return map_wish(owner, (void *)0x4141414141414141, 0, PART,
			DMA_TO_DEVICE);
}

static int map_no_bytes(void)
{
	return map_wish(owner, dev, 0, 0, DMA_TO_DEVICE);
}

static int map_beyond(void)
{
	return map_wish(owner, dev, PART, PAGE_SIZE, DMA_TO_DEVICE);
}

static int map_far_beyond(void)
{
	return map_wish(owner, dev, SIZE_MAX, 2, DMA_TO_DEVICE);
}

static int map_too_much(void)
{
	return map_wish(owner, dev, 0, BIT_ULL(32) + PART, DMA_TO_DEVICE);
}

static int map_no_way(void)
{
	return map_wish(owner, dev, 0, PART, DMA_NONE);
}

static int map_wild_way(void)
{
	return map_wish(owner, dev, 0, PART, 42);
}

static int map_to_nowhere(void)
{
	return labyrinth_dma_map(owner, dev, page, 0, PART, DMA_TO_DEVICE, NULL);
}

static int map_of_no_device(void)
{
	void *mine = labyrinth_void_alloc_page_gfp_atomic_exclusive(no_device);
	dma_addr_t dma;
	int err = labyrinth_dma_map(no_device, dev, mine, 0, PART,
				    DMA_TO_DEVICE, &dma);

	return labyrinth_free_page(no_device, mine) ?: err;
}

static int unmap_whole(void)
{
	return labyrinth_dma_unmap(owner, dev, page, whole, PAGE_SIZE,
				   DMA_FROM_DEVICE);
}

static int unmap_part(void)
{
	return labyrinth_dma_unmap(owner, dev, page, part, PART, DMA_TO_DEVICE);
}

static int unmap_wrong_address(void)
{
	return labyrinth_dma_unmap(owner, dev, page, whole + PART, PAGE_SIZE,
				   DMA_FROM_DEVICE);
}

static int unmap_wrong_size(void)
{
	return labyrinth_dma_unmap(owner, dev, page, whole, PART,
				   DMA_FROM_DEVICE);
}

static int unmap_wrong_way(void)
{
	return labyrinth_dma_unmap(owner, dev, page, whole, PAGE_SIZE,
				   DMA_TO_DEVICE);
}

static int unmap_wrong_device(void)
{
	return labyrinth_dma_unmap(owner, other_dev, page, whole, PAGE_SIZE,
				   DMA_FROM_DEVICE);
}

static int unmap_by_another(void)
{
	return labyrinth_dma_unmap(other, dev, page, whole, PAGE_SIZE,
				   DMA_FROM_DEVICE);
}

static int transfer_page(void)
{
	return labyrinth_transfer(owner, other, page);
}

static int lend_page(void)
{
	return PTR_ERR_OR_ZERO(labyrinth_lend(owner, page));
}

static int release_page(void)
{
	return PTR_ERR_OR_ZERO(labyrinth_release(owner, page));
}

static int reclaim_page(void)
{
	return labyrinth_reclaim(owner, page);
}

static int put_lent(void)
{
	put_page(virt_to_page(page));
	return 0;
}

/* More mappings of one page than an owner has ever needed records for. */
static int map_often(void)
{
	dma_addr_t dma[64];
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(dma) && !err; i++)
		err = labyrinth_dma_map(owner, dev, page, i, PART,
					DMA_BIDIRECTIONAL, &dma[i]);
	while (i-- > 0 && !err)
		err = labyrinth_dma_unmap(owner, dev, page, dma[i], PART,
					  DMA_BIDIRECTIONAL);
	return err;
}

static const struct step dma_steps[] = {
	{ "a page is allocated", take_page, 0 },
	{ "a page that is not mapped cannot be unmapped", unmap_whole, -ENOENT },
	{ "its owner maps it", map_whole, 0 },
	{ "it is MAPPED, and its owner's", is_mapped, 0 },
	{ "a mapped page is not freed", give_page, -EBUSY },
	{ "a mapped page is not transferred", transfer_page, -EBUSY },
	{ "a mapped page is not lent", lend_page, -EBUSY },
	{ "a mapped page is not released", release_page, -EBUSY },
	{ "a mapped page is not reclaimed", reclaim_page, -EBUSY },
	{ "another owner cannot map it", map_of_another, -EPERM },
	{ "another owner cannot unmap it", unmap_by_another, -EPERM },
	{ "it is not mapped for another device", map_for_another, -EPERM },
	{ "it is not mapped for no device", map_for_no_device, -EPERM },
	{ "it is not mapped for what is no device", map_for_wild_device, -EPERM },
	{ "an owner without a device maps nothing", map_of_no_device, -EPERM },
	{ "no bytes are not mapped", map_no_bytes, -EINVAL },
	{ "nothing beyond the page is mapped", map_beyond, -EINVAL },
	{ "nothing far beyond the page is mapped", map_far_beyond, -EINVAL },
	{ "no more than the page is mapped", map_too_much, -EINVAL },
	{ "no direction is refused", map_no_way, -EINVAL },
	{ "a direction that is none is refused", map_wild_way, -EINVAL },
	{ "no room for the address is refused", map_to_nowhere, -EINVAL },
	{ "it can be mapped once more", map_part, 0 },
	{ "a wrong address is refused", unmap_wrong_address, -EINVAL },
	{ "a wrong size is refused", unmap_wrong_size, -EINVAL },
	{ "a wrong direction is refused", unmap_wrong_way, -EINVAL },
	{ "a wrong device is refused", unmap_wrong_device, -EPERM },
	{ "after all that it is as it was", is_mapped, 0 },
	{ "the first mapping ends", unmap_whole, 0 },
	{ "it does not end twice", unmap_whole, -EINVAL },
	{ "one mapping is left", give_page, -EBUSY },
	{ "the second mapping ends", unmap_part, 0 },
	{ "the page is HELD again", is_held, 0 },
	{ "nothing is left to be unmapped", unmap_part, -ENOENT },
	{ "it can be mapped very often", map_often, 0 },
	{ "it is lent", lend_page, 0 },
	{ "a lent page is not mapped", map_whole, -EBUSY },
	{ "the borrower lets go", put_lent, 0 },
	{ "it is reclaimed", reclaim_page, 0 },
	{ "it is freed", give_page, 0 },
	{ "a page that was freed is not mapped", map_whole, -ENOENT },
	{ "nor unmapped", unmap_whole, -ENOENT },
	{}
};

static int dma_show(struct seq_file *m, void *unused)
{
	return run_steps(m, dma_steps);
}
DEFINE_SHOW_ATTRIBUTE(dma);

static struct labyrinth_owner *make_owner(const char *name, struct device *whose)
{
	struct labyrinth_owner_attrs attrs = {
		.name = name,
		.dev = whose,
		.nid = NUMA_NO_NODE,
	};

	return labyrinth_owner_create(&attrs);
}

static struct platform_device *make_device(int id)
{
	struct platform_device *made;

	made = platform_device_register_simple("labyrinth_mapper", id, NULL, 0);
	if (!IS_ERR(made))
		dma_coerce_mask_and_coherent(&made->dev, DMA_BIT_MASK(64));
	return made;
}

static void clean_up(void)
{
	struct labyrinth_owner *owners[] = { owner, other, no_device };
	int i;

	debugfs_remove(root);
	for (i = 0; i < ARRAY_SIZE(owners); i++)
		if (!IS_ERR_OR_NULL(owners[i]))
			labyrinth_owner_destroy(owners[i]);
	if (!IS_ERR_OR_NULL(other_pdev))
		platform_device_unregister(other_pdev);
	if (!IS_ERR_OR_NULL(pdev))
		platform_device_unregister(pdev);
}

static int __init mapper_init(void)
{
	pdev = make_device(0);
	other_pdev = make_device(1);
	if (IS_ERR(pdev) || IS_ERR(other_pdev)) {
		clean_up();
		return -ENODEV;
	}
	dev = &pdev->dev;
	other_dev = &other_pdev->dev;
	owner = make_owner("mapper", dev);
	other = make_owner("other-mapper", other_dev);
	no_device = make_owner("no-device", NULL);
	if (IS_ERR(owner) || IS_ERR(other) || IS_ERR(no_device)) {
		clean_up();
		return -ENOSPC;
	}
	root = debugfs_create_dir("labyrinth_mapper", NULL);
	debugfs_create_file("dma", 0400, root, NULL, &dma_fops);
	return 0;
}

static void __exit mapper_exit(void)
{
	clean_up();
}

module_init(mapper_init);
module_exit(mapper_exit);

MODULE_DESCRIPTION("Labyrinth self-test: owners map their own pages");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
