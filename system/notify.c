// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel must not do while pages are tagged, since it takes the type
 * PageOffline for a leave to do it:
 *
 * - hibernate: such a page is not saved, and holds garbage after the resume;
 * - take its memory offline: such a page whose count is 0, as it is for an
 *   instant while it is frozen, passes for one that its driver has given up.
 *
 * Hibernation is asked about twice. PM_HIBERNATION_PREPARE comes first, where a refusal
 * costs least. But /dev/snapshot sends it when it is opened, long before the image is
 * made: owners may come in between, and so may Labyrinth itself. The device below is
 * frozen, as all devices are, when processes and drivers are, right before the image.
 *
 * No state is owned here but the two entries in the core's notifier chains, and the
 * device.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/suspend.h>

#include "core/owner.h"
#include "core/table.h"
#include "inline/hot.h"
#include "system/notify.h"

static void count_owner(struct lab_owner *owner, void *count)
{
	++*(unsigned int *)count;
}

/* An owner may take a page at any moment until interrupts are off. */
static int may_hibernate(void)
{
	unsigned long used = lab_table_used(&labyrinth_hot.table);
	unsigned int owners = 0;

	lab_owners_each(count_owner, &owners);
	if (!used && !owners)
		return 0;
	pr_err("no hibernation: it would lose the contents of %lu pages, and of what %u owners may yet take\n",
	       used, owners);
	return -EBUSY;
}

static int hibernate_notify(struct notifier_block *nb, unsigned long action,
			    void *unused)
{
	if (action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	return notifier_from_errno(may_hibernate());
}

/* Suspend to RAM does not come here: it keeps memory as it is. */
static int device_freeze(struct device *dev)
{
	return may_hibernate();
}

static const struct dev_pm_ops device_pm_ops = {
	.freeze = device_freeze,
};

static const struct device_type device_type = {
	.name = "labyrinth",
	.pm = &device_pm_ops,
};

static struct platform_device *frozen_device;

static int add_device(void)
{
	int err;

	frozen_device = platform_device_alloc("labyrinth", PLATFORM_DEVID_NONE);
	if (!frozen_device)
		return -ENOMEM;
	frozen_device->dev.type = &device_type;
	err = platform_device_add(frozen_device);
	if (err)
		platform_device_put(frozen_device);
	return err;
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
		goto err_pm;
	err = add_device();
	if (err)
		goto err_memory;
	return 0;

err_memory:
	unregister_memory_notifier(&offline_nb);
err_pm:
	unregister_pm_notifier(&hibernate_nb);
	return err;
}

void lab_notify_exit(void)
{
	platform_device_unregister(frozen_device);
	unregister_memory_notifier(&offline_nb);
	unregister_pm_notifier(&hibernate_nb);
}
