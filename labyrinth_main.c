// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order in which the module's parts start, and the exact reverse.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/init.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "core/owner.h"
#include "core/table.h"
#include "core/version.h"
#include "guard/fault.h"
#include "guard/guard.h"
#include "labyrinth_owner.h"
#include "map/mmap.h"
#include "page/cache.h"
#include "page/limbo.h"
#include "page/mapping.h"
#include "page/reseal.h"
#include "page/seal.h"
#include "report/history.h"
#include "report/holders.h"
#include "report/kept.h"
#include "report/noted.h"
#include "report/trace.h"
#include "system/debugfs.h"
#include "system/modules.h"
#include "system/notify.h"
#include "system/oops.h"
#include "system/quarantine.h"
#include "system/shrinker.h"

/* The default capacity is a quarter of RAM up to this many pages, or if larger, a sixteenth. */
#define CAPACITY_ENOUGH	262144UL

static unsigned long capacity;
module_param(capacity, ulong, 0444);
MODULE_PARM_DESC(capacity,
		 "Pages that the owner table takes, at up to 66 bytes each (default 0: a quarter of RAM's pages up to 262144, a sixteenth beyond)");

static unsigned int max_owners;
module_param(max_owners, uint, 0444);
MODULE_PARM_DESC(max_owners,
		 "Owners that there can be at a time, at 512 bytes each, rounded up to a power of two (default 0: one for 128 pages of capacity, between 64 and 4096)");

static int __init choose_capacity(void)
{
	unsigned long most = totalram_pages();

	if (!capacity)
		capacity = max3(min(most / 4, CAPACITY_ENOUGH), most / 16, 1UL);
	if (capacity <= most)
		return 0;
	pr_err("capacity=%lu is more than the %lu pages that this machine has\n",
	       capacity, most);
	return -EINVAL;
}

static int __init choose_max_owners(void)
{
	unsigned int asked = max_owners;

	if (asked > LAB_MAX_OWNERS) {
		pr_err("max_owners=%u is more than %lu\n", asked, LAB_MAX_OWNERS);
		return -EINVAL;
	}
	max_owners = asked ?: clamp(capacity / 128, 64UL, 4096UL);
	max_owners = roundup_pow_of_two(max(max_owners, 2U));
	if (asked && asked != max_owners)
		pr_info("max_owners=%u is rounded up to %u\n", asked, max_owners);
	return 0;
}

/* A page that is never ready: see struct lab_stack. */
static void __init make_no_slot(void)
{
	lab_no_slot.tag = lab_tag_make(page_to_pfn(ZERO_PAGE(0)), 0, LAB_CACHED);
}

static void __init find_frames(void)
{
	struct page *page = ZERO_PAGE(0);
	unsigned long pfn = page_to_pfn(page);

	labyrinth_hot.pfn_limit = BIT(LAB_PFN_BITS);
	labyrinth_hot.direct_map = (unsigned long)__va(PFN_PHYS(pfn)) - PFN_PHYS(pfn);
}

/* The last frame's number plus 1, as far as memory is online now. */
static u64 nr_frames(void)
{
	u64 frames = 0;
	int nid;

	for_each_online_node(nid)
		frames = max_t(u64, frames, node_end_pfn(nid));
	return frames;
}

static int __init prepare_load(void)
{
	int err = choose_capacity();

	if (!err)
		err = choose_max_owners();
	if (err)
		return err;
	if (!lab_frame_type_fits()) {
		pr_err("struct page of this kernel is not as it was when the module was built\n");
		return -EOPNOTSUPP;
	}
	find_frames();
	make_no_slot();
	return 0;
}

static int start_table(void)
{
	int err = lab_table_init(&labyrinth_hot.table, capacity, nr_frames());

	if (err)
		pr_err("no memory for a table of %lu pages\n", capacity);
	return err;
}

static void stop_table(void)
{
	lab_table_exit(&labyrinth_hot.table);
}

static int start_slots(void)
{
	int err = lab_owners_init(max_owners);

	if (err)
		pr_err("no memory for %u owners\n", max_owners);
	return err;
}

/* The parts, in starting order; stopped in reverse order. */
static const struct {
	int (*start)(void);
	void (*stop)(void);
} parts[] = {
	{ NULL, lab_kept_exit },
	{ start_table, stop_table },
	{ lab_mapping_init, lab_mapping_exit },
	{ start_slots, lab_owners_exit },
	{ NULL, lab_holders_exit },
	{ NULL, lab_noted_exit },
	{ NULL, lab_seal_exit },
	{ NULL, lab_fault_exit },
	{ NULL, lab_limbo_exit },
	{ NULL, lab_reseal_exit },
	{ lab_mmap_init, lab_mmap_exit },
	{ lab_notify_init, lab_notify_exit },
	{ lab_modules_init, lab_modules_exit },
	{ lab_oops_init, lab_oops_exit },
	{ lab_shrinker_init, lab_shrinker_exit },
	{ lab_guard_init, lab_guard_exit },
	{ lab_history_init, lab_history_exit },
	{ lab_quarantine_init, lab_quarantine_exit },
	{ lab_trace_init, lab_trace_exit },
	{ lab_owners_start, lab_owners_stop },
	{ lab_debugfs_init, lab_debugfs_exit },
};

static void stop_parts(unsigned int nr)
{
	while (nr--)
		parts[nr].stop();
}

static int start_parts(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(parts) && !err; i++)
		if (parts[i].start)
			err = parts[i].start();
	/* The part that failed has cleaned up after itself. */
	if (err)
		stop_parts(i - 1);
	return err;
}

static int __init labyrinth_init(void)
{
	int err = prepare_load() ?: start_parts();

	if (!err)
		pr_info("ready: up to %lu pages of up to %u owners\n", capacity, max_owners);
	return err;
}

static void __exit labyrinth_exit(void)
{
	stop_parts(ARRAY_SIZE(parts));
	pr_info("gone\n");
}

module_init(labyrinth_init);
module_exit(labyrinth_exit);

MODULE_DESCRIPTION("Exclusive page ownership for drivers, from interrupt context");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(LABYRINTH_VERSION);
