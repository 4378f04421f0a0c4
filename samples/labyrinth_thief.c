// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks for the key of labyrinth_keeper.c in all of memory, by the kernel's direct map, as code
 * that runs wild in the kernel may. Knows nothing of Labyrinth.
 *
 * The search is careful: copy_from_kernel_nofault() gives an error for what is not there. With
 * careless=1 the frames are read by plain loads. Where a frame is not in the direct map, that is
 * the end of a task or of the machine; but of a sealed page the load gets zeroes, and a report.
 */
#define pr_fmt(fmt) "thief: " fmt

#include <linux/gfp.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "labyrinth_key.h"

static ulong first;
module_param(first, ulong, 0444);
MODULE_PARM_DESC(first, "The first frame to look at (default 0)");

static ulong nr = ULONG_MAX;
module_param(nr, ulong, 0444);
MODULE_PARM_DESC(nr, "How many frames to look at (default all)");

static bool careless;
module_param(careless, bool, 0444);
MODULE_PARM_DESC(careless, "Read without care for what is not there (default 0)");

/* A page for copies: the processor may find the key there, so the search leaves the page out. */
static u64 *copy;
static unsigned long nr_read, nr_failed, nr_found;

/* noinline: reports name read_frame(). */
static noinline bool read_frame(const u64 *words)
{
	unsigned int i;

	if (!careless)
		return !copy_from_kernel_nofault(copy, words, PAGE_SIZE);
	for (i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		copy[i] = READ_ONCE(words[i]);
	return true;
}

static bool has_key(void)
{
	unsigned int i;

	for (i = 0; i + KEY_WORDS <= PAGE_SIZE / sizeof(*copy); i++)
		if (is_key(copy + i))
			return true;
	return false;
}

static void look_at(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || PageReserved(page) || page_address(page) == copy)
		return;
	if (!read_frame(page_address(page))) {
		nr_failed++;
		return;
	}
	nr_read++;
	if (!has_key())
		return;
	nr_found++;
	pr_info("the key is in frame 0x%lx\n", pfn);
	memzero_explicit(copy, PAGE_SIZE);
}

static void search(int nid)
{
	unsigned long pfn;

	for (pfn = node_start_pfn(nid); pfn < node_end_pfn(nid); pfn++) {
		if (pfn >= first && pfn - first < nr)
			look_at(pfn);
		cond_resched();
	}
}

static int __init thief_init(void)
{
	int nid;

	copy = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	for_each_online_node(nid)
		search(nid);
	free_page((unsigned long)copy);
	pr_info("%lu frames read, %lu that cannot be: the key was found %lu times\n", nr_read,
		nr_failed, nr_found);
	return 0;
}

static void __exit thief_exit(void)
{
}

module_init(thief_init);
module_exit(thief_exit);

MODULE_DESCRIPTION("Labyrinth sample: looks for a key in all of memory");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
