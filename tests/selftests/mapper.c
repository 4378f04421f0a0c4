// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the self-test of an owner's own mappings that a shell cannot do. A read of
 * /sys/kernel/debug/labyrinth_mapper/NAME runs the steps of that name (dma, vmap, ...), in order.
 * Each step prints a line: the result, and the result that was due.
 */
#define pr_fmt(fmt) "labyrinth_mapper: " fmt

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>

#include "../../labyrinth_alloc.h"
#include "give_away.h"
#include "mapper.h"

#define PART	512

static struct platform_device *pdev, *other_pdev;
static struct device *dev, *other_dev;
static struct labyrinth_owner *owner, *other, *no_device;
static struct dentry *root;

/* Handed on from step to step of a run. */
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

/* Defines the file that runs name##_steps. */
#define SHOW_STEPS(name)						\
static int name##_show(struct seq_file *m, void *unused)		\
{									\
	return run_steps(m, name##_steps);				\
}									\
DEFINE_SHOW_ATTRIBUTE(name)

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

/* The direction is valid if cut off to a byte: must be refused. */
static int map_wilder_way(void)
{
	return map_wish(owner, dev, 0, PART, 256 + DMA_TO_DEVICE);
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

/* Where preemption is disabled no lock can be taken on PREEMPT_RT. */
#define ATOMIC_RESULT	(IS_ENABLED(CONFIG_PREEMPT_RT) ? -EINVAL : 0)

static int map_part_atomic(void)
{
	int err;

	preempt_disable();
	err = map_part();
	preempt_enable();
	return err;
}

static int unmap_whole_atomic(void)
{
	int err;

	preempt_disable();
	err = unmap_whole();
	preempt_enable();
	return err;
}

static int unmap_rest(void)
{
	return ATOMIC_RESULT ? unmap_whole() : unmap_part();
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
	{ "nor one that is by its last byte", map_wilder_way, -EINVAL },
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
	{ "it is mapped", map_whole, 0 },
	{ "mapped again in atomic context, but on PREEMPT_RT", map_part_atomic,
	  ATOMIC_RESULT },
	{ "unmapped in atomic context, but on PREEMPT_RT", unmap_whole_atomic,
	  ATOMIC_RESULT },
	{ "what is left is unmapped", unmap_rest, 0 },
	{ "it is lent", lend_page, 0 },
	{ "a lent page is not mapped", map_whole, -EBUSY },
	{ "the borrower lets go", put_lent, 0 },
	{ "it is reclaimed", reclaim_page, 0 },
	{ "it is freed", give_page, 0 },
	{ "a page that was freed is not mapped", map_whole, -ENOENT },
	{ "nor unmapped", unmap_whole, -ENOENT },
	{}
};

SHOW_STEPS(dma);

static void *pages[4];
static char *window;

static int take_pages(void)
{
	unsigned int nr = ARRAY_SIZE(pages);

	return labyrinth_alloc_bulk(owner, nr, pages) == nr ? 0 : -ENOMEM;
}

static int give_pages(void)
{
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(pages) && !err; i++)
		err = labyrinth_free_page(owner, pages[i]);
	return err;
}

static int vmap_wish(struct labyrinth_owner *who, void **addrs, unsigned int nr)
{
	void *vaddr = labyrinth_vmap(who, addrs, nr);

	if (!IS_ERR(vaddr))
		window = vaddr;
	return PTR_ERR_OR_ZERO(vaddr);
}

static int vmap_pages(void)
{
	return vmap_wish(owner, pages, ARRAY_SIZE(pages));
}

static int vmap_of_another(void)
{
	return vmap_wish(other, pages, ARRAY_SIZE(pages));
}

static int vmap_nothing(void)
{
	return vmap_wish(owner, pages, 0);
}

static int vmap_no_list(void)
{
	return vmap_wish(owner, NULL, 1);
}

static int vmap_too_many(void)
{
	return vmap_wish(owner, pages, UINT_MAX);
}

/* A page of another owner is among the pages: no page is mapped. */
static int vmap_with_one_of_another(void)
{
	void *mixed[] = { pages[0], pages[1], NULL };
	int err;

	mixed[2] = labyrinth_void_alloc_page_gfp_atomic_exclusive(other);
	err = vmap_wish(owner, mixed, ARRAY_SIZE(mixed));
	return labyrinth_free_page(other, mixed[2]) ?: err;
}

static int vmap_one_twice(void)
{
	void *twice[] = { pages[0], pages[0] };

	return vmap_wish(owner, twice, ARRAY_SIZE(twice));
}

static int window_is_the_pages(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		memset(pages[i], 'a' + i, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		if (memchr_inv(window + i * PAGE_SIZE, 'a' + i, PAGE_SIZE))
			return -EILSEQ;
	return 0;
}

static int unmap_window(void)
{
	return labyrinth_vunmap(owner, window);
}

static int unmap_window_of_another(void)
{
	return labyrinth_vunmap(other, window);
}

static int unmap_inside(void)
{
	return labyrinth_vunmap(owner, window + PAGE_SIZE);
}

static int unmap_odd(void)
{
	return labyrinth_vunmap(owner, window + 1);
}

static int unmap_null(void)
{
	return labyrinth_vunmap(owner, NULL);
}

static const struct step vmap_steps[] = {
	{ "four pages are allocated", take_pages, 0 },
	{ "another owner cannot map them", vmap_of_another, -EPERM },
	{ "no pages are not mapped", vmap_nothing, -EINVAL },
	{ "no list is refused", vmap_no_list, -EINVAL },
	{ "more than there can be are refused", vmap_too_many, -EINVAL },
	{ "with another's among them none is", vmap_with_one_of_another, -EPERM },
	{ "none was: they can be freed", give_pages, 0 },
	{ "they are allocated again", take_pages, 0 },
	{ "their owner maps them", vmap_pages, 0 },
	{ "the window shows them in order", window_is_the_pages, 0 },
	{ "they are not freed while mapped", give_pages, -EBUSY },
	{ "another owner cannot unmap them", unmap_window_of_another, -EPERM },
	{ "an address inside is none", unmap_inside, -ENOENT },
	{ "an odd address is refused", unmap_odd, -EINVAL },
	{ "NULL is refused", unmap_null, -EINVAL },
	{ "they are unmapped", unmap_window, 0 },
	{ "but not twice", unmap_window, -ENOENT },
	{ "a page can be in a window twice", vmap_one_twice, 0 },
	{ "and out again", unmap_window, 0 },
	{ "they are freed", give_pages, 0 },
	{}
};

SHOW_STEPS(vmap);

static struct labyrinth_owner *make_owner(const char *name, struct device *whose)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name,
		.dev = whose,
		.nid = NUMA_NO_NODE,
	});
}

static struct platform_device *make_device(int id)
{
	struct platform_device *made;

	made = platform_device_register_simple("labyrinth_mapper", id, NULL, 0);
	if (!IS_ERR(made))
		dma_coerce_mask_and_coherent(&made->dev, DMA_BIT_MASK(64));
	return made;
}

/* Destroys an owner that has a page mapped for DMA and two mapped into the kernel at once. */
static int leave_mapped(void)
{
	struct labyrinth_owner *leaver = make_owner("leaver", dev);
	void *three[3];
	dma_addr_t dma;
	int err;

	if (IS_ERR(leaver) || labyrinth_alloc_bulk(leaver, 3, three) != 3)
		return -ENOMEM;
	err = labyrinth_dma_map(leaver, dev, three[0], 0, PAGE_SIZE,
				DMA_FROM_DEVICE, &dma) ?:
	      PTR_ERR_OR_ZERO(labyrinth_vmap(leaver, &three[1], 2));
	/* Foreign code puts a reference without having taken any. */
	put_page(virt_to_page(three[0]));
	return labyrinth_owner_destroy(leaver) == 3 ? err : -EILSEQ;
}

static const struct step leave_steps[] = {
	{ "an owner goes, and three mapped pages are out", leave_mapped, 0 },
	{}
};

SHOW_STEPS(leave);

/*
 * Two pages of an owner, mapped for DMA and into the kernel. Foreign code frees both so often that
 * the page allocator has both, and gives both to Labyrinth again. The device may still write to
 * the page mapped for DMA.
 */
static struct labyrinth_owner *robbed;
static void *in_window, *robbed_window;

static int rob(void)
{
	robbed = make_owner("robbed", dev);
	if (IS_ERR(robbed))
		return PTR_ERR(robbed);
	page = adopt_returning(robbed);
	return PTR_ERR_OR_ZERO(page) ?:
	       labyrinth_dma_map(robbed, dev, page, 0, PAGE_SIZE,
				 DMA_FROM_DEVICE, &whole);
}

static int find_robbed(void)
{
	return give_away_and_find(page, robbed) ? 0 : -ENOENT;
}

static int rob_window(void)
{
	in_window = adopt_returning(robbed);
	if (IS_ERR(in_window))
		return PTR_ERR(in_window);
	robbed_window = labyrinth_vmap(robbed, &in_window, 1);
	return PTR_ERR_OR_ZERO(robbed_window) ?:
	       give_away_and_find(in_window, robbed) ? 0 : -ENOENT;
}

static int unmap_robbed_window(void)
{
	return labyrinth_vunmap(owner, robbed_window);
}

static int map_robbed(void)
{
	return labyrinth_dma_map(robbed, dev, page, 0, PART, DMA_TO_DEVICE, &part);
}

static int unmap_robbed(void)
{
	return labyrinth_dma_unmap(robbed, dev, page, whole, PAGE_SIZE,
				   DMA_FROM_DEVICE);
}

static int free_robbed(void)
{
	return labyrinth_free_page(robbed, page);
}

static int destroy_robbed(void)
{
	return labyrinth_owner_destroy(robbed);
}

static const struct step rob_steps[] = {
	{ "a page is mapped", rob, 0 },
	{ "it is freed away, and found again", find_robbed, 0 },
	{ "it is its owner's as before, and can be mapped once more", map_robbed, 0 },
	{ "what was mapped is still known", unmap_robbed, 0 },
	{ "so it cannot be freed", free_robbed, -EBUSY },
	{ "so it is with a page in a window", rob_window, 0 },
	{ "which is not another owner's to unmap", unmap_robbed_window, -EPERM },
	{ "both are out when their owner goes", destroy_robbed, 2 },
	{ "the window with him", unmap_robbed_window, -ENOENT },
	{}
};

SHOW_STEPS(rob);

#ifdef CONFIG_MEMCG
#define is_charged(page)	(!!(page)->memcg_data)
#else
#define is_charged(page)	false
#endif

/* A page charged to a memory cgroup is the cgroup's until the page goes back to the system. */
static int adopt_page(gfp_t gfp, bool charged)
{
	struct page *adopted = alloc_page(gfp);
	int err;

	if (!adopted)
		return -ENOMEM;
	if (is_charged(adopted) != charged)
		return -ENODATA;
	err = PTR_ERR_OR_ZERO(labyrinth_adopt(owner, adopted));
	if (err)
		__free_page(adopted);
	else
		labyrinth_free_page(owner, page_address(adopted));
	return err;
}

static int adopt_charged(void)
{
	if (!IS_ENABLED(CONFIG_MEMCG))
		return -EBUSY;
	return adopt_page(GFP_KERNEL_ACCOUNT, true);
}

static int adopt_free_of_charge(void)
{
	return adopt_page(GFP_KERNEL, false);
}

static const struct step adopt_steps[] = {
	{ "a page that is charged to a cgroup is not adopted", adopt_charged, -EBUSY },
	{ "another is", adopt_free_of_charge, 0 },
	{}
};

SHOW_STEPS(adopt);

static struct page *filed;

/* The page is the file's for a moment, and the core's to be put on a list from then on. */
static int pass_through_file(struct page *page)
{
	struct file *file = filp_open("/tmp/labyrinth_mapper", O_RDWR | O_CREAT, 0600);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = filemap_add_folio(file->f_mapping, page_folio(page), 0, GFP_KERNEL);
	if (!err) {
		unlock_page(page);
		truncate_inode_pages(file->f_mapping, 0);
	}
	fput(file);
	return err;
}

static int lend_to_file(void)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(no_device);
	int err;

	if (!addr)
		return -ENOMEM;
	filed = labyrinth_lend(no_device, addr);
	if (IS_ERR(filed))
		return PTR_ERR(filed);
	err = pass_through_file(filed);
	return err ?: is_charged(filed) != mem_cgroup_disabled() ? 0 : -ENODATA;
}

static int leave_to_list(void)
{
	struct page *left;

	if (IS_ERR_OR_NULL(filed))
		return -ENODATA;
	left = labyrinth_release_lent(no_device, page_address(filed));
	if (IS_ERR(left))
		return PTR_ERR(left);
	/* The owner's reference. */
	put_page(left);
	return is_charged(left) != mem_cgroup_disabled() ? 0 : -ENODATA;
}

static int put_left(void)
{
	if (IS_ERR_OR_NULL(filed))
		return -ENODATA;
	put_page(filed);
	return 0;
}

static const struct step file_steps[] = {
	{ "a lent page that was in a file is charged to a cgroup", lend_to_file, 0 },
	{ "left to the borrowers, it stays so", leave_to_list, 0 },
	{ "until they are done", put_left, 0 },
	{}
};

SHOW_STEPS(file);

static void clean_up(void)
{
	struct labyrinth_owner *owners[] = { owner, other, no_device };
	int i;

	for (i = 0; i < ARRAY_SIZE(owners); i++)
		if (!IS_ERR_OR_NULL(owners[i]))
			labyrinth_owner_destroy(owners[i]);
	if (!IS_ERR_OR_NULL(other_pdev))
		platform_device_unregister(other_pdev);
	if (!IS_ERR_OR_NULL(pdev))
		platform_device_unregister(pdev);
}

static int make_all(void)
{
	pdev = make_device(0);
	other_pdev = make_device(1);
	if (IS_ERR(pdev) || IS_ERR(other_pdev))
		return -ENODEV;
	dev = &pdev->dev;
	other_dev = &other_pdev->dev;
	owner = make_owner("mapper", dev);
	other = make_owner("other-mapper", other_dev);
	no_device = make_owner("no-device", NULL);
	if (IS_ERR(owner) || IS_ERR(other) || IS_ERR(no_device))
		return -ENOSPC;
	return mapper_process_init(other);
}

static int __init mapper_init(void)
{
	int err = make_all();

	if (err) {
		clean_up();
		return err;
	}
	root = debugfs_create_dir("labyrinth_mapper", NULL);
	debugfs_create_file("dma", 0400, root, NULL, &dma_fops);
	debugfs_create_file("vmap", 0400, root, NULL, &vmap_fops);
	debugfs_create_file("leave", 0400, root, NULL, &leave_fops);
	debugfs_create_file("rob", 0400, root, NULL, &rob_fops);
	debugfs_create_file("adopt", 0400, root, NULL, &adopt_fops);
	debugfs_create_file("file", 0400, root, NULL, &file_fops);
	return 0;
}

static void __exit mapper_exit(void)
{
	debugfs_remove(root);
	mapper_process_exit();
	clean_up();
}

module_init(mapper_init);
module_exit(mapper_exit);

MODULE_DESCRIPTION("Labyrinth self-test: owners map their own pages");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
