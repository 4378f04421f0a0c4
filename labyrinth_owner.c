// SPDX-License-Identifier: GPL-2.0-only
/*
 * How owners come and go. No state is owned here: core/owner.c has the slots.
 *
 * Why nothing is lost when an owner goes while calls are under way: destroy takes slot->handle
 * back, then waits for an RCU grace period. Every call reads the handle, and does all that
 * depends on the handle, with preemption disabled (as interrupts and NMIs are by nature), or under
 * rcu_read_lock(). The grace period waits for such calls. A later call finds another handle and is
 * refused. Only then are the caches drained and the table searched, so both contain whatever an
 * earlier call still put in.
 *
 * The fast path of a SINGLE owner does not disable preemption: destroy counts as a use, and the
 * caller promised one user at a time.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "core/note.h"
#include "core/owner.h"
#include "core/table.h"
#include "guard/fault.h"
#include "guard/guard.h"
#include "labyrinth_owner.h"
#include "map/dma.h"
#include "map/mmap.h"
#include "map/vmap.h"
#include "page/cache.h"
#include "page/frag.h"
#include "page/home.h"
#include "page/hunt.h"
#include "page/lent.h"
#include "page/limbo.h"
#include "page/quarantine.h"
#include "page/reseal.h"
#include "page/seal.h"
#include "report/census.h"
#include "report/holders.h"
#include "report/kept.h"
#include "report/report.h"
#include "report/site.h"
#include "report/trace.h"

/* How many of a dead owner's pages a report names one by one. */
#define PAGES_NAMED		8

static bool dma_attrs_valid(const struct labyrinth_owner_attrs *attrs)
{
	if (!(attrs->flags & LABYRINTH_OWNER_DMA))
		return true;
	return attrs->dev && attrs->dev->dma_mask && valid_dma_direction(attrs->dma_dir);
}

static bool has_frags(const struct labyrinth_owner_attrs *attrs)
{
	return attrs->frag_size && attrs->frag_size != PAGE_SIZE;
}

/* Only receive buffers can be parts of pages. */
static bool frag_size_valid(const struct labyrinth_owner_attrs *attrs)
{
	if (!has_frags(attrs))
		return true;
	return is_power_of_2(attrs->frag_size) && attrs->frag_size < PAGE_SIZE &&
	       attrs->flags & LABYRINTH_OWNER_DMA;
}

/* What makes sense, but cannot be had. */
static int attrs_supported(const struct labyrinth_owner_attrs *attrs)
{
	const unsigned long both = LABYRINTH_OWNER_SEALED | LABYRINTH_OWNER_DMA;

	if ((attrs->flags & both) == both) {
		pr_err("owner %.*s: pages are sealed, or stay mapped, but not both\n",
		       LABYRINTH_NAME_LEN, attrs->name);
		return -EOPNOTSUPP;
	}
	if (attrs->flags & LABYRINTH_OWNER_SEALED && attrs->flags & LABYRINTH_OWNER_CORE_MAPS) {
		pr_err("owner %.*s: the core cannot map sealed pages\n",
		       LABYRINTH_NAME_LEN, attrs->name);
		return -EOPNOTSUPP;
	}
	/* A full queue leaves a page to its borrowers, and no sealed page is anybody else's. */
	if (attrs->flags & LABYRINTH_OWNER_SEALED && attrs->lent) {
		pr_err("owner %.*s: sealed pages have no queue of lent pages\n",
		       LABYRINTH_NAME_LEN, attrs->name);
		return -EOPNOTSUPP;
	}
	if (attrs->flags & LABYRINTH_OWNER_DMA && attrs->flags & LABYRINTH_OWNER_STAMPED) {
		pr_err("owner %.*s: receive buffers have no stamps\n",
		       LABYRINTH_NAME_LEN, attrs->name);
		return -EOPNOTSUPP;
	}
	if (has_frags(attrs) && attrs->frag_size < PAGE_SIZE / LAB_FRAGS_MAX) {
		pr_err("owner %.*s: no buffers of %u bytes: a page has %u at the most\n",
		       LABYRINTH_NAME_LEN, attrs->name, attrs->frag_size, LAB_FRAGS_MAX);
		return -EOPNOTSUPP;
	}
	return 0;
}

static bool attrs_valid(const struct labyrinth_owner_attrs *attrs)
{
	if (!attrs || !attrs->name || !*attrs->name)
		return false;
	if (attrs->flags & ~(LABYRINTH_OWNER_ZERO | LABYRINTH_OWNER_SINGLE |
			     LABYRINTH_OWNER_SEALED | LABYRINTH_OWNER_STAMPED |
			     LABYRINTH_OWNER_DMA | LABYRINTH_OWNER_CORE_MAPS))
		return false;
	if (attrs->flags & LABYRINTH_OWNER_CORE_MAPS && !attrs->dev)
		return false;
	if (!dma_attrs_valid(attrs) || !frag_size_valid(attrs))
		return false;
	/* Only from the reserve do sealed pages come. */
	if (attrs->flags & LABYRINTH_OWNER_SEALED && !attrs->reserve)
		return false;
	if (attrs->reserve > INT_MAX)
		return false;
	return attrs->nid == NUMA_NO_NODE ||
	       (attrs->nid >= 0 && attrs->nid < MAX_NUMNODES &&
		node_online(attrs->nid));
}

/*
 * A driver may let a process choose an owner's name. The name is printed to logs and tables,
 * and must not look like a line of the log or table.
 */
static void copy_name(char *to, const char *name)
{
	strscpy_pad(to, name, LABYRINTH_NAME_LEN);
	for (; *to; to++)
		if (!isascii(*to) || !isprint(*to))
			*to = '?';
}

static void set_up_owner(struct lab_owner *owner,
			 const struct labyrinth_owner_attrs *attrs,
			 struct module *module, unsigned long ip)
{
	int fail;

	owner->front.flags = attrs->flags;
	/* The inline path knows no aliases: the promise is not used. */
	if (attrs->flags & LABYRINTH_OWNER_SEALED)
		owner->front.flags &= ~LABYRINTH_OWNER_SINGLE;
	owner->front.busy = 0;
	owner->front.frag_shift = has_frags(attrs) ? ilog2(attrs->frag_size) : 0;
	owner->front.task = attrs->task ? get_task_struct(attrs->task) : NULL;
	owner->dev = get_device(attrs->dev);
	owner->max_pages = attrs->max_pages;
	owner->reserve_target = attrs->reserve;
	owner->nid = attrs->nid;
	owner->slow = false;
	owner->dma_dir = attrs->dma_dir;
	owner->records = NULL;
	owner->spare = NULL;
	owner->module = module;
	owner->created_at = ip;
	owner->generation++;
	atomic_set(&owner->pages, 0);
	atomic_set(&owner->peak, 0);
	atomic_set(&owner->held, 0);
	atomic_set(&owner->reserve_held, 0);
	for (fail = 0; fail < LAB_NR_FAILS; fail++)
		atomic_set(&owner->fails[fail], 0);
	copy_name(owner->name, attrs->name);
	copy_name(owner->module_name, module ? module->name : "kernel");
}

/* Takes the lock, since debugfs shows the device of an owner that goes. */
static void tear_down_owner(struct lab_owner *owner)
{
	struct task_struct *task;
	struct device *dev;

	lab_owners_lock();
	dev = owner->dev;
	task = owner->front.task;
	owner->dev = NULL;
	owner->front.task = NULL;
	lab_owners_unlock();
	put_device(dev);
	if (task)
		put_task_struct(task);
}

/*
 * Sealed pages need a hook on the fault handler and an area for aliases: the first such owner
 * brings both.
 */
static int begin_sealed(const struct lab_owner *owner)
{
	if (!lab_owner_is_sealed(owner))
		return 0;
	lab_region_lacks(NULL, 0);
	return lab_fault_arm() ?: lab_seal_begin();
}

static void say_unsealed(const struct lab_owner *owner, int err)
{
	if (lab_owner_is_sealed(owner))
		pr_err("owner %s cannot have sealed pages, for want of %s: %pe\n", owner->name,
		       lab_region_lacking() ?: "memory, or of room in the table", ERR_PTR(err));
}

static void end_sealed(const struct lab_owner *owner)
{
	if (lab_owner_is_sealed(owner))
		lab_seal_end();
}

/* Fills the owner's reserve with pages, and with the records to map those pages for DMA. */
static int provide_pages(struct lab_owner *owner)
{
	int err = lab_cache_init(owner);

	if (err || !owner->dev)
		return err;
	err = lab_mapping_provide(owner, owner->reserve_target);
	if (err) {
		lab_mapping_drain(owner);
		lab_cache_exit(owner, _RET_IP_);
	}
	return err;
}

/* The guard lets the core map the pages of @owner, which comes or goes. */
static void tell_guard(const struct lab_owner *owner, int change)
{
	if (owner->front.flags & LABYRINTH_OWNER_CORE_MAPS)
		lab_guard_core_maps(owner->dev, change);
}

/* What the owner needs beside a slot: room for addresses, a queue, pages. */
static int provide_owner(struct lab_owner *owner, unsigned int lent)
{
	int err = lab_owner_is_dma(owner) ?
		  lab_table_provide_resident(&labyrinth_hot.table) : 0;

	if (!err && lab_owner_has_frags(owner))
		err = lab_table_provide_frags(&labyrinth_hot.table);
	err = err ?: lab_lent_init(owner, lent);
	if (err)
		return err;
	err = provide_pages(owner);
	if (err) {
		/* A page of the reserve may be in limbo. */
		lab_limbo_unmap(owner);
		lab_lent_exit(owner);
	}
	return err;
}

/**
 * labyrinth_owner_create_for() - make a new owner of pages
 * @attrs: the owner's attributes; copied.
 * @module: the owner's module, named in reports and not pinned. If the module goes and leaves
 *	the owner behind, the owner is destroyed, with the pages handled as at any owner's end.
 *	labyrinth_owner_create() passes THIS_MODULE.
 *
 * References are held on @attrs->dev and @attrs->task until the owner is
 * destroyed. The reserve is filled before this function returns. Each character of
 * @attrs->name that is not printable ASCII becomes '?'.
 *
 * Context: Task. May sleep.
 * Return: the handle, which is the right to everything that is the owner's; or
 * ERR_PTR: -EINVAL an attribute makes no sense, or not in task context;
 * -ENOMEM no memory for the owner or the reserve; -ENOSPC as many owners as
 * the parameter max_owners allows, or no room in the owner table for the reserve, or for
 * so many sealed or lent pages; -EOPNOTSUPP pages cannot be sealed here, or sealed pages
 * cannot stay mapped nor have a queue nor be mapped by the core, stamped pages cannot stay
 * mapped, or @attrs->frag_size is less than a sixteenth of a page, as dmesg says.
 */
struct labyrinth_owner *
labyrinth_owner_create_for(const struct labyrinth_owner_attrs *attrs,
			   struct module *module)
{
	struct lab_owner *owner;
	int err;

	if (!in_task() || !attrs_valid(attrs))
		return ERR_PTR(-EINVAL);
	might_sleep();
	err = attrs_supported(attrs);
	if (err)
		return ERR_PTR(err);
	owner = lab_owner_get_slot();
	if (IS_ERR(owner))
		return ERR_CAST(owner);
	set_up_owner(owner, attrs, module, _RET_IP_);
	err = begin_sealed(owner);
	if (!err) {
		err = provide_owner(owner, attrs->lent);
		if (err)
			end_sealed(owner);
	}
	if (err) {
		say_unsealed(owner, err);
		tear_down_owner(owner);
		lab_owner_give_up(owner);
		return ERR_PTR(err);
	}
	tell_guard(owner, 1);
	lab_owner_publish(owner);
	lab_hunt_new_owner(owner);
	lab_step_created(owner, attrs->reserve);
	return (struct labyrinth_owner *)owner->front.handle;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_owner_create_for, LAB_NS);

static void report_leaked(const struct lab_owner *owner, struct lab_slot *slot,
			  lab_tag_t tag, unsigned long ip)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_LEAKED,
		.op = LAB_OP_DESTROY,
		.tag = tag,
		.note = lab_page_note(slot, tag),
		.caller = owner,
		.ip = ip,
	});
}

/* A line for each page; the first page has a report as well. */
static void name_page(struct lab_slot *slot, lab_tag_t tag)
{
	struct lab_page_note note = lab_page_note(slot, tag);

	pr_err("  pfn 0x%lx, %s for %u.%03u s, allocated at %s\n",
	       lab_tag_pfn(tag), lab_state_name(lab_tag_state(tag)),
	       note.age_ms / 1000, note.age_ms % 1000, lab_site_name(note.site).text);
}

static void name_leaked(const struct lab_owner *owner, struct lab_slot *slot,
			lab_tag_t tag, unsigned int nth, unsigned long ip)
{
	if (nth == 1)
		report_leaked(owner, slot, tag, ip);
	if (nth <= PAGES_NAMED)
		name_page(slot, tag);
}

/* The mapped page has gone to limbo, and stays there as long as any mapping lasts. */
static void settle_mapped(struct lab_owner *owner, struct lab_slot *slot)
{
	lab_dma_end_all(owner, slot);
	lab_vmap_end_all(owner);
	if (lab_mmap_revoke(owner, slot, NULL) == LAB_REVOKE_LATER)
		lab_mmap_kick(owner, slot);
}

/* Has the pages named that others still refer to when the owner is gone, up to a few. */
static void ask_if_left(struct lab_slot *slot, lab_tag_t tag, unsigned int nth)
{
	lab_tag_t now = READ_ONCE(slot->tag);

	/* A page that is mapped is held by the mapping. */
	if (nth <= PAGES_NAMED && lab_tag_pfn(now) == lab_tag_pfn(tag) &&
	    lab_tag_state(now) == LAB_LIMBO && !lab_slot_list(READ_ONCE(slot->last)))
		lab_holders_ask(lab_tag_pfn(tag));
}

static void settle_page(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag,
			unsigned long ip)
{
	/* A process may have unmapped the page just now: it is HELD again then, on no list. */
	if (lab_tag_state(tag) == LAB_MAPPED && lab_mapping_retire(owner, slot, tag, NULL))
		settle_mapped(owner, slot);
	else if (lab_tag_state(tag) == LAB_POSTED || lab_frags_are_out(owner, slot))
		lab_dma_end_posted(owner, slot);
	else
		lab_settle(owner, slot, ip);
}

/* How many pages have the owner's tag. lab_owner_retire() added one. */
static unsigned int pages_left(const struct lab_owner *owner)
{
	return atomic_read(&owner->pages) - 1;
}

/* Before any page is settled: a mapping of several pages ends with the first. */
static void name_pages(const struct lab_owner *owner, unsigned long ip)
{
	unsigned int nth = 0, left = pages_left(owner);
	lab_tag_t tag;
	u64 index;

	lab_census_print(owner);
	lab_owner_for_each(owner, index, tag) {
		if (lab_tag_state(tag) != LAB_LIMBO)
			name_leaked(owner, &labyrinth_hot.table.slots[index], tag, ++nth, ip);
		if (nth == PAGES_NAMED || !--left)
			return;
	}
}

/* Settles every page that is still the owner's; returns how many pages were out. */
static unsigned int settle_pages(struct lab_owner *owner, unsigned long ip)
{
	unsigned int out = 0, left;
	struct lab_slot *slot;
	lab_tag_t tag;
	u64 index;

	if (!pages_left(owner))
		return 0;
	name_pages(owner, ip);
	lab_owner_for_each(owner, index, tag) {
		if (lab_tag_state(tag) == LAB_LIMBO)
			continue;
		slot = &labyrinth_hot.table.slots[index];
		settle_page(owner, slot, tag, ip);
		ask_if_left(slot, tag, ++out);
		if (!pages_left(owner))
			break;
	}
	/* A page whose last mapping ended here goes at once. */
	lab_limbo_settle_new();
	left = pages_left(owner);
	if (out)
		pr_err("owner %s (id %u) of module %s went with %u pages out, of which %u are still referred to\n",
		       owner->name, lab_owner_id(owner), owner->module_name,
		       out, left);
	else if (left)
		pr_info("owner %s (id %u) of module %s went, and %u pages that it had given up are still referred to\n",
			owner->name, lab_owner_id(owner), owner->module_name, left);
	return out;
}

/* The pages on the queue are the borrowers' from now on: that is no fault of the owner's. */
static void end_lent(struct lab_owner *owner, unsigned long ip)
{
	unsigned int nr = lab_home_let_all_go(owner, ip);

	lab_lent_exit(owner);
	if (nr)
		pr_info("owner %s (id %u) of module %s went, and left %u lent pages to their borrowers\n",
			owner->name, lab_owner_id(owner), owner->module_name, nr);
}

/* The pages left are in limbo, and no longer mapped for the owner's device. */
static void bequeath_left(struct lab_owner *owner)
{
	/* lab_owner_retire() added one. */
	if (atomic_read(&owner->pages) > 1 && !lab_owner_is_sealed(owner))
		lab_limbo_bequeath(owner);
}

static unsigned int destroy_owner(struct lab_owner *owner, unsigned long ip)
{
	unsigned int out;

	lab_quarantine_drain(owner);
	lab_reseal_drain(owner);
	lab_cache_exit(owner, ip);
	lab_frag_close(owner, ip);
	end_lent(owner, ip);
	out = settle_pages(owner, ip);
	lab_limbo_unmap(owner);
	bequeath_left(owner);
	end_sealed(owner);
	tell_guard(owner, -1);
	lab_mapping_drain(owner);
	lab_step_destroyed(owner, out);
	tear_down_owner(owner);
	lab_owner_bury(owner);
	return out;
}

static void report_bad_handle(const struct labyrinth_owner *handle, unsigned long ip)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_BAD_HANDLE,
		.op = LAB_OP_DESTROY,
		.err = -EINVAL,
		.handle = handle,
		.ip = ip,
	});
}

/* Retired owners, to be destroyed after a single grace period for all. */
struct retired {
	struct lab_owner *first;
};

/* No call finds the owner of @handle any more. False if @handle is no live owner's. */
static bool retire(struct retired *retired, const struct labyrinth_owner *handle)
{
	struct lab_owner *owner = lab_owner_retire(handle);

	if (!owner)
		return false;
	owner->next_retired = retired->first;
	retired->first = owner;
	return true;
}

/*
 * Destroys the owners, for the caller at @ip; where @ip is 0, for the callers that created the
 * owners. Return: how many pages were out.
 */
static unsigned int destroy_retired(const struct retired *retired, unsigned long ip)
{
	struct lab_owner *owner = retired->first, *next;
	unsigned int out = 0;

	if (!owner)
		return 0;
	lab_owners_wait();
	for (; owner; owner = next) {
		/* The slot may be another owner's as soon as the owner is destroyed. */
		next = owner->next_retired;
		out += destroy_owner(owner, ip ?: owner->created_at);
		cond_resched();
	}
	return out;
}

/**
 * labyrinth_owner_destroy() - end an owner
 * @owner: the owner's handle; stale when this function returns: a call with @owner is -EINVAL.
 *
 * Pages that the owner kept ready go back to the system. Pages that are still handed out are
 * named in a report, and go back to the system if nobody else refers to the page; otherwise the
 * page waits in limbo until nobody does. The holders of such pages' addresses must not use the
 * pages any more. Pages on the owner's queue of lent pages become the borrowers', which dmesg
 * tells and the result does not count. A page that is POSTED is reported and unmapped, and never
 * used again, since the device may still write.
 *
 * Any thread may destroy an owner that is bound to a thread. For a SINGLE owner this call
 * counts as a use: nobody else may use the handle at the same time.
 *
 * Context: Task. May sleep.
 * Return: how many pages were still out; 0 also for a handle that is no live
 * owner's, which is reported.
 */
unsigned int labyrinth_owner_destroy(struct labyrinth_owner *owner)
{
	struct retired retired = {};

	might_sleep();
	if (!retire(&retired, owner))
		report_bad_handle(owner, _RET_IP_);
	return destroy_retired(&retired, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_owner_destroy, LAB_NS);

/**
 * labyrinth_owner_destroy_bulk() - end several owners
 * @owners: the owners' handles, stale when this function returns.
 * @nr: how many handles.
 *
 * As @nr calls of labyrinth_owner_destroy(), but waits once for calls that are under way,
 * instead of once for each owner.
 *
 * Context: Task. May sleep.
 * Return: how many pages were still out, of all the owners together.
 */
unsigned int labyrinth_owner_destroy_bulk(struct labyrinth_owner **owners, unsigned int nr)
{
	struct retired retired = {};
	unsigned int i;

	might_sleep();
	for (i = 0; i < nr && owners; i++)
		if (!retire(&retired, owners[i]))
			report_bad_handle(owners[i], _RET_IP_);
	return destroy_retired(&retired, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_owner_destroy_bulk, LAB_NS);

static void retire_left_behind(struct retired *retired, struct lab_owner *owner,
			       unsigned long handle)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_LEFT_BEHIND,
		.op = LAB_OP_DESTROY,
		.caller = owner,
		.ip = owner->created_at,
	});
	retire(retired, (struct labyrinth_owner *)handle);
}

/* Destroys every live owner of @module; of any module if @module is NULL. */
static void destroy_all(const struct module *module)
{
	struct retired retired = {};
	unsigned int i;

	for (i = 0; i < lab_owners.nr; i++) {
		struct lab_owner *owner = &lab_owners.slots[i];
		unsigned long handle = lab_owner_handle_of(owner, module);

		if (handle)
			retire_left_behind(&retired, owner, handle);
	}
	destroy_retired(&retired, 0);
}

static int module_notify(struct notifier_block *nb, unsigned long action,
			 void *module)
{
	if (action == MODULE_STATE_GOING)
		destroy_all(module);
	else if (action == MODULE_STATE_COMING)
		lab_kept_forget(module);
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = {
	.notifier_call = module_notify,
};

/*
 * From now on, a module that goes and leaves an owner behind is noticed. Context: Task; may
 * sleep.
 */
int lab_owners_start(void)
{
	return register_module_notifier(&module_nb);
}

/* Destroys the owners that are left; no more come. Context: Task; may sleep. */
void lab_owners_stop(void)
{
	unregister_module_notifier(&module_nb);
	destroy_all(NULL);
}
