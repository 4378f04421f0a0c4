// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages in interrupts, on every CPU: a hard timer interrupt takes a page that nobody else may
 * touch, fills the page, and frees the page of the timer interrupt before; a softirq on the
 * same CPU does likewise with further pages. The folder to start a driver from is template/.
 */
#define pr_fmt(fmt) "labyrinth_sample: " fmt

#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "../labyrinth_alloc.h"
#include "labyrinth_sample.h"

#define PERIOD ns_to_ktime(100 * NSEC_PER_USEC)

static unsigned int interrupts = 1000;
module_param(interrupts, uint, 0444);
MODULE_PARM_DESC(interrupts,
		 "How many timer interrupts each CPU takes (default 1000)");

static struct labyrinth_owner *owner;

/*
 * A CPU's state. The hard interrupt, which may interrupt the softirq, uses only hard_page, the
 * softirq only soft_page.
 */
struct rx {
	struct hrtimer timer;
	struct tasklet_struct tasklet;
	bool started;		/* else the CPU was not online */
	void *hard_page;
	void *soft_page;
	unsigned int hard;	/* pages taken in hard interrupts */
	unsigned int soft;	/* and in softirqs */
	unsigned int left;
};

static DEFINE_PER_CPU(struct rx, rx);

/* A page for the attempts of labyrinth_foreign, which does not own the page. */
static void *coveted;

void *labyrinth_sample_page(void)
{
	return coveted;
}
EXPORT_SYMBOL_GPL(labyrinth_sample_page);

/* Not inlined: a report names the function, and init code is soon gone. */
static noinline void *take_coveted(void)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);

	return page ? memset(page, 0x5a, PAGE_SIZE) : NULL;
}

static unsigned int take_page(void **page)
{
	void *fresh = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);

	if (!fresh)
		return 0;
	memset(fresh, smp_processor_id(), PAGE_SIZE);
	if (*page)
		labyrinth_free_page(owner, *page);
	*page = fresh;
	return 1;
}

static void rx_softirq(struct tasklet_struct *tasklet)
{
	struct rx *this = container_of(tasklet, struct rx, tasklet);

	this->soft += take_page(&this->soft_page);
}

static enum hrtimer_restart rx_hardirq(struct hrtimer *timer)
{
	struct rx *this = container_of(timer, struct rx, timer);

	this->hard += in_hardirq() ? take_page(&this->hard_page) : 0;
	tasklet_schedule(&this->tasklet);
	hrtimer_forward_now(timer, PERIOD);
	return --this->left ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static void rx_start(void *unused)
{
	struct rx *this = this_cpu_ptr(&rx);

	this->started = true;
	this->left = max(interrupts, 1U);
	tasklet_setup(&this->tasklet, rx_softirq);
	lab_hrtimer_setup(&this->timer, rx_hardirq, CLOCK_MONOTONIC,
			  HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&this->timer, PERIOD,
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static void rx_stop(int cpu)
{
	struct rx *this = per_cpu_ptr(&rx, cpu);

	if (!this->started)
		return;
	hrtimer_cancel(&this->timer);
	tasklet_kill(&this->tasklet);
	if (this->hard_page)
		labyrinth_free_page(owner, this->hard_page);
	if (this->soft_page)
		labyrinth_free_page(owner, this->soft_page);
	pr_info("CPU %d: %u pages in hard interrupts, %u in softirqs\n", cpu,
		this->hard, this->soft);
}

static int __init sample_init(void)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "sample-rx",
		.reserve = 8,
		.nid = NUMA_NO_NODE,
	};

	owner = labyrinth_owner_create(&attrs);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	coveted = take_coveted();
	if (!coveted) {
		labyrinth_owner_destroy(owner);
		return -ENOMEM;
	}
	on_each_cpu(rx_start, NULL, 1);
	return 0;
}

static void __exit sample_exit(void)
{
	bool intact = !memchr_inv(coveted, 0x5a, PAGE_SIZE);
	unsigned int out;
	int cpu;

	for_each_possible_cpu(cpu)
		rx_stop(cpu);
	pr_info("the coveted page is %s, its owner's free gives %d\n",
		intact ? "untouched" : "OVERWRITTEN",
		labyrinth_free_page(owner, coveted));
	out = labyrinth_owner_destroy(owner);
	pr_info("%u pages were still out at the end\n", out);
}

module_init(sample_init);
module_exit(sample_exit);

MODULE_DESCRIPTION("Labyrinth sample: pages from hard interrupts and softirqs");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
