// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that tries to use a page of another module: Labyrinth refuses every attempt on
 * the page that labyrinth_sample holds.
 */
#define pr_fmt(fmt) "labyrinth_foreign: " fmt

#include <linux/module.h>
#include <linux/mm.h>

#include "../labyrinth_alloc.h"
#include "labyrinth_sample.h"

static struct labyrinth_owner *foreign;
static unsigned int accepted;

static void tried(const char *what, long err)
{
	pr_info("%s: %pe\n", what, ERR_PTR(err));
	accepted += !err;
}

static void try_all(void *addr)
{
	tried("free", labyrinth_free_page(foreign, addr));
	tried("transfer", labyrinth_transfer(foreign, foreign, addr));
	tried("lend", PTR_ERR_OR_ZERO(labyrinth_lend(foreign, addr)));
	tried("reclaim", labyrinth_reclaim(foreign, addr));
	tried("release", PTR_ERR_OR_ZERO(labyrinth_release(foreign, addr)));
	tried("adopt", PTR_ERR_OR_ZERO(labyrinth_adopt(foreign,
						       virt_to_page(addr))));
	tried("free without a handle", labyrinth_free_page(NULL, addr));
}

/* Questions about a foreign page are allowed. */
static void ask(const void *addr)
{
	struct labyrinth_page_info info;
	int err = labyrinth_query(addr, &info);

	if (err)
		pr_info("query: %pe\n", ERR_PTR(err));
	else
		pr_info("query: pfn 0x%lx is %s's, of module %s, for %u ms, allocated at %pS\n",
			info.pfn, info.owner, info.module, info.age_ms,
			(void *)info.site);
	pr_info("owns: %d\n", labyrinth_owns(foreign, addr));
}

static int __init foreign_init(void)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "foreign",
		.nid = NUMA_NO_NODE,
	};
	void *addr = labyrinth_sample_page();

	foreign = labyrinth_owner_create(&attrs);
	if (IS_ERR(foreign))
		return PTR_ERR(foreign);
	try_all(addr);
	ask(addr);
	pr_info("%u of 7 attempts were accepted\n", accepted);
	return 0;
}

static void __exit foreign_exit(void)
{
	labyrinth_owner_destroy(foreign);
}

module_init(foreign_init);
module_exit(foreign_exit);

MODULE_DESCRIPTION("Labyrinth sample: attempts on another module's page");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
