// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that is not in Labyrinth's tree: whether it can be built, as the
 * documentation says, is the test.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/numa.h>

#include <labyrinth_alloc.h>

static struct labyrinth_owner *owner;

static int __init outside_init(void)
{
	void *page;

	owner = labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = "outside",
		.nid = NUMA_NO_NODE,
	});
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	return page ? labyrinth_free_page(owner, page) : 0;
}

static void __exit outside_exit(void)
{
	labyrinth_owner_destroy(owner);
}

module_init(outside_init);
module_exit(outside_exit);

MODULE_DESCRIPTION("Labyrinth: a driver of another tree");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
