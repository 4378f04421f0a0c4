// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver with many queues, each an owner of its own. Every 16th queue has used a page. When the
 * module goes, the module ends the owners call by call, by one call, or leaves all behind. With
 * held=1, each of those queues still has a page then; with lent=1, a page that is lent until the
 * owners have gone.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../../labyrinth_alloc.h"

#define USED	16

static unsigned int owners = 4096;
module_param(owners, uint, 0444);
MODULE_PARM_DESC(owners, "How many owners (default 4096)");

static char *end = "bulk";
module_param(end, charp, 0644);
MODULE_PARM_DESC(end, "How the owners end: each, bulk or left (default bulk)");

static bool held;
module_param(held, bool, 0444);
MODULE_PARM_DESC(held, "Keep the pages (default 0)");

static bool lent;
module_param(lent, bool, 0444);
MODULE_PARM_DESC(lent, "Lend the pages (default 0)");

static struct labyrinth_owner **queues;
static unsigned int nr_queues;
static struct page **loans;
static unsigned int nr_loans;

static int lend_page(struct labyrinth_owner *owner, void *addr)
{
	struct page *page = labyrinth_lend(owner, addr);

	if (IS_ERR(page))
		return PTR_ERR(page);
	loans[nr_loans++] = page;
	return 0;
}

static int use_page(struct labyrinth_owner *owner)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);

	if (!page)
		return -ENOMEM;
	if (lent)
		return lend_page(owner, page);
	return held ? 0 : labyrinth_free_page(owner, page);
}

static int make_queue(void)
{
	struct labyrinth_owner_attrs attrs = { .name = "queue", .nid = NUMA_NO_NODE };
	struct labyrinth_owner *owner = labyrinth_owner_create(&attrs);

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	queues[nr_queues++] = owner;
	return nr_queues % USED ? 0 : use_page(owner);
}

static void end_queues(void)
{
	unsigned int i;

	if (!strncmp(end, "left", 4))
		return;
	if (strncmp(end, "each", 4)) {
		labyrinth_owner_destroy_bulk(queues, nr_queues);
		return;
	}
	for (i = 0; i < nr_queues; i++)
		labyrinth_owner_destroy(queues[i]);
}

static void forget_queues(void)
{
	while (nr_loans)
		put_page(loans[--nr_loans]);
	vfree(loans);
	vfree(queues);
}

static int __init many_init(void)
{
	int err = 0;

	queues = vcalloc(owners, sizeof(*queues));
	loans = vcalloc(owners, sizeof(*loans));
	if (!queues || !loans)
		err = -ENOMEM;
	while (nr_queues < owners && !err) {
		err = make_queue();
		cond_resched();
	}
	if (err) {
		labyrinth_owner_destroy_bulk(queues, nr_queues);
		forget_queues();
	}
	return err;
}

static void __exit many_exit(void)
{
	end_queues();
	forget_queues();
}

module_init(many_init);
module_exit(many_exit);

MODULE_DESCRIPTION("Labyrinth: a driver with many queues");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
