// SPDX-License-Identifier: GPL-2.0-only
/*
 * To start a driver, copy this folder: an interrupt takes a page, and code that runs
 * later uses and frees the page.
 */
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/numa.h>

#include <labyrinth_alloc.h>

static struct labyrinth_owner *rx;
static void *received;

/* In place of your interrupt handler: an irq_work, an interrupt (on PREEMPT_RT a thread). */
static void my_interrupt(struct irq_work *work)
{
	/* Never sleeps. NULL: no page; the reason is counted in debugfs. */
	received = labyrinth_void_alloc_page_gfp_atomic_exclusive(rx);
}

static DEFINE_IRQ_WORK(my_device, my_interrupt);

static int __init my_init(void)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "my-rx",
		.reserve = 64,
		.nid = NUMA_NO_NODE,
	};

	rx = labyrinth_owner_create(&attrs);
	if (IS_ERR(rx))
		return PTR_ERR(rx);
	irq_work_queue(&my_device);
	return 0;
}

static void __exit my_exit(void)
{
	irq_work_sync(&my_device);
	if (received)
		labyrinth_free_page(rx, received);	/* 0, or an errno and a report */
	pr_info("my_driver: %u pages were still out\n", labyrinth_owner_destroy(rx));
}

module_init(my_init);
module_exit(my_exit);

MODULE_DESCRIPTION("A driver with pages of its own");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
