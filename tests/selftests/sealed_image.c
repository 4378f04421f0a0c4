// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of memory that only the kernel's start needed. Such memory is the page allocator's, and yet
 * stays mapped where the kernel's image is, unless the CPU needs page-table isolation. So a sealed
 * page of such memory would be reached there.
 */
#define pr_fmt(fmt) "labyrinth_sealed: " fmt

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/page.h>

#include "labyrinth_compat.h"
#include "labyrinth_alloc.h"
#include "tests/selftests/sealed_image.h"

/* The largest blocks that are taken. */
#define BLOCK_ORDER	4
#define RESERVE		128U
/* So many pages are left to the owner, at least. */
#define IN_IMAGE	32UL
#define OTHERS		(64UL * RESERVE)
#define PATTERN		0x1abe11edbeef5eedULL

/* Where the page would be in the image; NULL if that is too far away. */
static void *in_image(const struct page *page)
{
	unsigned long at = PFN_PHYS(page_to_pfn(page)) - phys_base + __START_KERNEL_map;

	return at >= __START_KERNEL_map && at - __START_KERNEL_map < KERNEL_IMAGE_SIZE ?
		(void *)at : NULL;
}

/* Whether what was written to the page by @addr is read in the image. */
static bool is_read_there(const struct page *page, void *addr)
{
	void *at = in_image(page);
	u64 there;

	WRITE_ONCE(*(u64 *)addr, PATTERN + page_to_pfn(page));
	return at && !copy_from_kernel_nofault(&there, at, sizeof(there)) &&
	       there == PATTERN + page_to_pfn(page);
}

/* All free memory, in blocks: those in the kernel's image, and the others. */
struct memory {
	struct list_head in_image, others;
	unsigned long nr_in_image, nr_others;	/* pages */
};

static void take_block(struct memory *all, struct page *block, unsigned int order)
{
	bool there = is_read_there(block, page_address(block));

	set_page_private(block, order);
	list_add(&block->lru, there ? &all->in_image : &all->others);
	*(there ? &all->nr_in_image : &all->nr_others) += 1UL << order;
}

static void take_memory(struct memory *all)
{
	int order = BLOCK_ORDER;
	struct page *block;

	while (order >= 0) {
		block = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC,
				    order);
		if (block)
			take_block(all, block, order);
		else
			order--;
		cond_resched();
	}
}

static unsigned int take_off(struct page *block)
{
	unsigned int order = page_private(block);

	list_del(&block->lru);
	set_page_private(block, 0);
	return order;
}

static void give_memory(struct list_head *list)
{
	struct page *block, *next;

	list_for_each_entry_safe(block, next, list, lru)
		__free_pages(block, take_off(block));
}

/* Gives back @most pages of @list or a few more, of two neighbours one: so they stay single. */
static void give_single_pages(struct list_head *list, unsigned long most)
{
	struct page *block, *next;
	unsigned long nr = 0;
	unsigned int order, i;
	LIST_HEAD(kept);

	list_for_each_entry_safe(block, next, list, lru) {
		if (nr >= most)
			break;
		order = take_off(block);
		if (order)
			split_page(block, order);
		for (i = 0; i < 1U << order; i += 2) {
			if (order) {
				set_page_private(&block[i + 1], 0);
				list_add(&block[i + 1].lru, &kept);
			}
			__free_page(block + i);
			nr++;
		}
	}
	list_splice_tail(&kept, list);
}

static struct labyrinth_owner *make_sealed(unsigned int reserve)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = "image", .nid = NUMA_NO_NODE, .flags = LABYRINTH_OWNER_SEALED,
		.reserve = reserve,
	});
}

/* How many pages of a sealed owner's are read in the image; or -ENOMEM. */
static int count_read_there(void)
{
	struct labyrinth_owner *owner = make_sealed(RESERVE);
	void **pages = kcalloc(RESERVE, sizeof(*pages), GFP_KERNEL);
	unsigned int i, nr = 0;
	int found = 0;

	if (!IS_ERR(owner) && pages)
		nr = labyrinth_alloc_bulk(owner, RESERVE, pages);
	for (i = 0; i < nr; i++) {
		found += is_read_there(labyrinth_page(owner, pages[i]), pages[i]);
		labyrinth_free_page(owner, pages[i]);
	}
	if (!IS_ERR(owner))
		labyrinth_owner_destroy(owner);
	kfree(pages);
	pr_info("%u sealed pages, of which %d are read in the kernel's image\n", nr, found);
	return nr < RESERVE ? -ENOMEM : found;
}

/*
 * Makes a sealed owner when little is free, part of that in the image. What is given back last is
 * what the page allocator gives first.
 * Return: 0; -EPERM, a page was read; -ENODATA, no such page is free; -ENOMEM.
 */
int sealed_image(void)
{
	struct labyrinth_owner *first = make_sealed(1);
	struct memory all = {};
	int found = -ENODATA;

	/* With the first come the aliases, for which there would be no memory. */
	if (IS_ERR(first))
		return PTR_ERR(first);
	labyrinth_owner_destroy(first);
	INIT_LIST_HEAD(&all.in_image);
	INIT_LIST_HEAD(&all.others);
	take_memory(&all);
	give_single_pages(&all.others, OTHERS);
	give_single_pages(&all.in_image, IN_IMAGE);
	if (all.nr_in_image)
		found = count_read_there();
	give_memory(&all.in_image);
	give_memory(&all.others);
	pr_info("of %lu free pages %lu were in the kernel's image\n",
		all.nr_in_image + all.nr_others, all.nr_in_image);
	return found > 0 ? -EPERM : found;
}
