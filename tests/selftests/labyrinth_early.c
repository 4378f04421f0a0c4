// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver of the self-tests that allocates pages in init code, which the kernel frees after the
 * load. At the unload a page is lent, and the borrower keeps the page for good.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "../../labyrinth_alloc.h"

static struct labyrinth_owner *owner;
static void *lent;

static noinline void *early_take(void)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);

	/* No tail call. */
	barrier();
	return page;
}

static noinline int __init early_fill(void)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);

	barrier();
	return page ? 0 : -ENOMEM;
}

static int __init early_init(void)
{
	const struct labyrinth_owner_attrs attrs = { .name = "early", .nid = NUMA_NO_NODE };
	struct page *page;

	owner = labyrinth_owner_create(&attrs);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	lent = early_take();
	page = lent ? labyrinth_lend(owner, lent) : ERR_PTR(-ENOMEM);
	if (IS_ERR(page) || early_fill()) {
		labyrinth_owner_destroy(owner);
		return -ENOMEM;
	}
	return 0;
}
module_init(early_init);

/* Leaves the owner and the owner's pages behind. */
static void __exit early_exit(void)
{
}
module_exit(early_exit);

MODULE_DESCRIPTION("Labyrinth self-test: pages of code that goes");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
