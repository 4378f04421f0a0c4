// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel must not do while pages are tagged, since it takes the type
 * PageOffline for a leave to do it:
 *
 * - hibernate: such a page is not saved, and holds garbage after the resume;
 * - take its memory offline: such a page whose count is 0, as it is for an
 *   instant while it is frozen, passes for one that its driver has given up.
 *
 * No state is owned here but the two entries in the core's notifier chains.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "labyrinth_hot.h"
#include "labyrinth_notify.h"
#include "labyrinth_owner.h"

static void count_owner(struct lab_owner *owner, void *count)
{
	++*(unsigned int *)count;
}

/*
 * An owner may take a page at any moment from here to when interrupts are off. One that
 * is made in that time, while processes are being frozen, is not thought of.
 */
static int hibernate_notify(struct notifier_block *nb, unsigned long action,
			    void *unused)
{
	unsigned long used = lab_table_used(&labyrinth_hot.table);
	unsigned int owners = 0;

	if (action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	lab_owners_each(count_owner, &owners);
	if (!used && !owners)
		return NOTIFY_DONE;
	pr_err("no hibernation: it would lose the contents of %lu pages, and of what %u owners may yet take\n",
	       used, owners);
	return notifier_from_errno(-EBUSY);
}

static bool any_tag_within(unsigned long start, unsigned long nr)
{
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(&labyrinth_hot.table, index, tag)
		if (lab_tag_pfn(tag) - start < nr)
			return true;
	return false;
}

static int offline_notify(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	const struct memory_notify *range = data;

	if (action != MEM_GOING_OFFLINE ||
	    !any_tag_within(range->start_pfn, range->nr_pages))
		return NOTIFY_DONE;
	pr_err("memory from pfn 0x%lx on stays online: pages in it are owned\n",
	       range->start_pfn);
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block hibernate_nb = {
	.notifier_call = hibernate_notify,
};

static struct notifier_block offline_nb = {
	.notifier_call = offline_notify,
};

/* Context: Task; may sleep. Return: 0 or an errno of the chains'. */
int lab_notify_init(void)
{
	int err = register_pm_notifier(&hibernate_nb);

	if (err)
		return err;
	err = register_memory_notifier(&offline_nb);
	if (err)
		unregister_pm_notifier(&hibernate_nb);
	return err;
}

void lab_notify_exit(void)
{
	unregister_memory_notifier(&offline_nb);
	unregister_pm_notifier(&hibernate_nb);
}
