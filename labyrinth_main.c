// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order in which the module's parts come, and its exact reverse.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/init.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "core/owner.h"
#include "core/version.h"
#include "guard/fault.h"
#include "guard/guard.h"
#include "map/mmap.h"
#include "page/cache.h"
#include "page/limbo.h"
#include "page/mapping.h"
#include "page/seal.h"
#include "report/kept.h"
#include "report/trace.h"
#include "system/debugfs.h"
#include "system/notify.h"
#include "system/shrinker.h"

/* A quarter of RAM up to this many pages, and beyond a sixteenth. */
#define CAPACITY_ENOUGH	262144UL

static unsigned long capacity;
module_param(capacity, ulong, 0444);
MODULE_PARM_DESC(capacity,
		 "Pages that the owner table takes, at 43 bytes each (default 0: a quarter of RAM's pages up to 262144, a sixteenth beyond)");

static unsigned int max_owners;
module_param(max_owners, uint, 0444);
MODULE_PARM_DESC(max_owners,
		 "Owners that there can be at a time, at 512 bytes each, rounded up to a power of two (default 0: one for 128 pages of capacity, between 64 and 4096)");

/*
 * What the inline fast paths read. Written by init alone, before there is an
 * owner; exported for the public header, not for drivers.
 */
struct labyrinth_hot labyrinth_hot __read_mostly;
EXPORT_SYMBOL_NS_GPL(labyrinth_hot, LAB_NS);

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

/* One more than the last frame's number, as far as memory is online now. */
static u64 __init nr_frames(void)
{
	u64 frames = 0;
	int nid;

	for_each_online_node(nid)
		frames = max_t(u64, frames, node_end_pfn(nid));
	return frames;
}

static int __init labyrinth_init(void)
{
	int err;

	err = choose_capacity();
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
	err = lab_table_init(&labyrinth_hot.table, capacity,
			     nr_frames());
	if (err) {
		pr_err("no memory for a table of %lu pages\n", capacity);
		return err;
	}
	err = lab_mapping_init();
	if (err)
		goto err_table;
	err = lab_mmap_init();
	if (err)
		goto err_mapping;
	err = lab_owners_init(max_owners);
	if (err) {
		pr_err("no memory for %u owners\n", max_owners);
		goto err_mmap;
	}
	err = lab_notify_init();
	if (err)
		goto err_owners;
	err = lab_reclaim_init();
	if (err)
		goto err_notify;
	err = lab_guard_init();
	if (err)
		goto err_reclaim;
	lab_trace_init();
	lab_debugfs_init();
	pr_info("ready: up to %lu pages of up to %u owners\n", capacity,
		max_owners);
	return 0;

err_reclaim:
	lab_reclaim_exit();
err_notify:
	lab_notify_exit();
err_owners:
	lab_owners_stop();
	lab_owners_exit();
err_mmap:
	lab_mmap_exit();
err_mapping:
	lab_mapping_exit();
err_table:
	lab_table_exit(&labyrinth_hot.table);
	lab_kept_exit();
	return err;
}

static void __exit labyrinth_exit(void)
{
	lab_debugfs_exit();
	lab_owners_stop();
	lab_trace_exit();
	lab_guard_exit();
	lab_reclaim_exit();
	lab_notify_exit();
	lab_mmap_exit();
	lab_limbo_exit();
	lab_fault_exit();
	lab_seal_exit();
	lab_owners_exit();
	lab_mapping_exit();
	lab_table_exit(&labyrinth_hot.table);
	lab_kept_exit();
	pr_info("gone\n");
}

module_init(labyrinth_init);
module_exit(labyrinth_exit);

MODULE_DESCRIPTION("Exclusive page ownership for drivers, from interrupt context");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(LABYRINTH_VERSION);
