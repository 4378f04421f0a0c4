// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fills pages for a dump of the memory to be searched for: sealed pages and ordinary ones, in
 * each state that a dump may tell apart, and a page of the kernel's own. The page's name fills
 * the page; the kernel's log says which frame it is, and by which address the owner reaches it.
 */
#define pr_fmt(fmt) "labyrinth_vmcore: " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "labyrinth_alloc.h"

/* As many bytes as a name has, so that a page holds whole names. */
#define NAME_SIZE	16

#define NR_OF_EACH	8

static struct labyrinth_owner *vault, *plain;

/* noinline: reports and dumps name fill() as the site of the allocation. */
static noinline void *fill(struct labyrinth_owner *owner, const char *name)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	unsigned int i;

	if (!addr)
		return NULL;
	memset(addr, 0, PAGE_SIZE);
	for (i = 0; i < PAGE_SIZE; i += NAME_SIZE)
		strscpy(addr + i, name, NAME_SIZE);
	pr_info("page %s pfn 0x%lx address 0x%lx\n", name,
		page_to_pfn(labyrinth_page(owner, addr)), (unsigned long)addr);
	return addr;
}

/* A page that is held, one that is lent, and one that is freed and ready to be taken. */
static int fill_each(struct labyrinth_owner *owner, const char *held, const char *lent,
		     const char *cached)
{
	void *addrs[3] = { fill(owner, held), fill(owner, lent), fill(owner, cached) };

	if (!addrs[0] || !addrs[1] || !addrs[2])
		return -ENOMEM;
	return PTR_ERR_OR_ZERO(labyrinth_lend(owner, addrs[1])) ?:
	       labyrinth_free_page(owner, addrs[2]);
}

/* A sealed page whose entry leads to a decoy when the machine dies. */
static int fill_strayed(void)
{
	void *addr = fill(vault, "sealed strayed");

	if (!addr)
		return -ENOMEM;
	WRITE_ONCE(*(u64 *)page_address(labyrinth_page(vault, addr)), 0);
	return 0;
}

static int fill_own(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int i;

	if (!page)
		return -ENOMEM;
	for (i = 0; i < PAGE_SIZE; i += NAME_SIZE)
		strscpy(page_address(page) + i, "the kernel's", NAME_SIZE);
	pr_info("page the kernel's pfn 0x%lx address 0x%lx\n", page_to_pfn(page),
		(unsigned long)page_address(page));
	return 0;
}

static struct labyrinth_owner *make(const char *name, unsigned long flags)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .flags = flags, .reserve = NR_OF_EACH,
	});
}

/* The machine is to die with the pages as they are: nothing is ever given back. */
static int __init vmcore_init(void)
{
	vault = make("vault", LABYRINTH_OWNER_SEALED);
	if (IS_ERR(vault))
		return PTR_ERR(vault);
	plain = make("plain", 0);
	if (IS_ERR(plain))
		return PTR_ERR(plain);
	/* Pages that are freed come last, or they would be taken again. */
	return fill_own() ?: fill_strayed() ?:
	       fill_each(plain, "plain held", "plain lent", "plain cached") ?:
	       fill_each(vault, "sealed held", "sealed lent", "sealed cached");
}

module_init(vmcore_init);

MODULE_DESCRIPTION("Labyrinth self-test: pages to be searched for in a dump");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
