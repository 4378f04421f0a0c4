// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: how they come and go. The state owned here is the array of slots and
 * the list of free ones, which owners_lock protects.
 *
 * Why a stale handle is harmless: the slots stay as long as the module, and each
 * life of a slot has a generation of its own, so no handle ever fits twice. Why a
 * forged one is: see make_handle().
 *
 * Why nothing is lost when an owner goes while others still call: destroy
 * takes slot->handle back, then waits for an RCU grace period. Every call reads the
 * handle and does all that depends on it with preemption disabled (interrupts
 * and NMIs are such by nature), which the grace period waits for; a call that
 * comes later finds another handle and is refused. Only then are the caches
 * drained and the table searched, so whatever an earlier call still put into
 * either is found.
 *
 * The fast path of a SINGLE owner does not disable preemption: destroy counts as
 * a use, and the caller promised one user at a time.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "core/owner.h"
#include "guard/fault.h"
#include "map/dma.h"
#include "map/mmap.h"
#include "map/vmap.h"
#include "page/cache.h"
#include "page/limbo.h"
#include "page/seal.h"
#include "report/census.h"
#include "report/kept.h"
#include "report/report.h"
#include "report/trace.h"

#define HANDLE_TOP		(0x4UL << 60)
#define HANDLE_ODD		BIT(0)

/* A life's bits in a handle: so many below the owner's id, the rest above it. */
#define LIFE_HALF_BITS		22
#define LIFE_HALF_MASK		GENMASK(LIFE_HALF_BITS - 1, 0)
#define LIFE_LOW_BITS		(LAB_OWNER_SLOT_SHIFT - 1)
#define LIFE_LOW_MASK		GENMASK_ULL(LIFE_LOW_BITS - 1, 0)
#define LIFE_HIGH_SHIFT		(LAB_OWNER_SLOT_SHIFT + LAB_OWNER_BITS)
/* Four are enough for a function that cannot be told from a random one. */
#define LIFE_ROUNDS		8

static_assert(2 * LIFE_HALF_BITS - LIFE_LOW_BITS + LIFE_HIGH_SHIFT == 60);

/* How many of a dead owner's pages a report names one by one. */
#define PAGES_NAMED		8

struct lab_owners lab_owners __read_mostly;
EXPORT_SYMBOL_FOR_LAB_TEST(lab_owners);

/*
 * Protects the list of free slots, slot->phase, and who is watching. Taken in
 * task context only, and nests in nothing of Labyrinth's.
 */
static DEFINE_MUTEX(owners_lock);
static LIST_HEAD(free_slots);
static unsigned int watchers;

/* Enciphers generations. Written by init alone, before there is an owner. */
static siphash_key_t handle_key __read_mostly;

static const char * const fail_names[] = {
	[LAB_FAIL_THREAD] = "thread",
	[LAB_FAIL_QUOTA] = "quota",
	[LAB_FAIL_TABLE] = "table",
	[LAB_FAIL_MEMORY] = "memory",
	[LAB_FAIL_SEALED] = "sealed",
	[LAB_FAIL_CONTEXT] = "context",
};

static_assert(ARRAY_SIZE(fail_names) == LAB_NR_FAILS);

/*
 * Keeps owners from coming and going while they are looked at. No call on a
 * page ever waits for it.
 * Context: Task; may sleep.
 */
void lab_owners_lock(void)
{
	mutex_lock(&owners_lock);
}

void lab_owners_unlock(void)
{
	mutex_unlock(&owners_lock);
}

static void each_live(void (*fn)(struct lab_owner *owner, void *arg), void *arg)
{
	unsigned int i;

	for (i = 0; i < lab_owners.nr; i++)
		if (lab_owners.slots[i].phase == LAB_PHASE_LIVE)
			fn(&lab_owners.slots[i], arg);
}

/*
 * Calls @fn for every live owner, which stays alive meanwhile.
 * Context: Task; may sleep.
 */
void lab_owners_each(void (*fn)(struct lab_owner *owner, void *arg), void *arg)
{
	mutex_lock(&owners_lock);
	each_live(fn, arg);
	mutex_unlock(&owners_lock);
}

/* Likewise, but does nothing rather than wait. */
void lab_owners_try_each(void (*fn)(struct lab_owner *owner, void *arg),
			 void *arg)
{
	if (!mutex_trylock(&owners_lock))
		return;
	each_live(fn, arg);
	mutex_unlock(&owners_lock);
}

const char *lab_fail_name(enum lab_fail fail)
{
	return fail_names[fail];
}

static void forbid_fast(struct lab_owner *owner)
{
	WRITE_ONCE(owner->front.single_handle, lab_owner_dead(owner));
	WRITE_ONCE(owner->front.shared_handle, lab_owner_dead(owner));
	WRITE_ONCE(owner->front.sealed_handle, lab_owner_dead(owner));
}

/*
 * Says which of the paths that do nothing but pop or push may serve @owner. A
 * call under way may still have read the old answer: it goes untold, no more.
 */
static void set_fast(struct lab_owner *owner, void *unused)
{
	unsigned long dead = lab_owner_dead(owner);
	bool plain = !owner->front.task && !owner->max_pages && !watchers &&
		     !(owner->front.flags & LABYRINTH_OWNER_ZERO);
	bool single = lab_owner_is_single(owner);
	bool sealed = lab_owner_is_sealed(owner);

	WRITE_ONCE(owner->front.single_handle,
		   plain && single ? owner->front.handle : dead);
	WRITE_ONCE(owner->front.shared_handle,
		   plain && !single && !sealed ? owner->front.handle : dead);
	WRITE_ONCE(owner->front.sealed_handle,
		   plain && sealed ? owner->front.handle : dead);
}

/*
 * From now on, until lab_watch_end(), every step is told.
 * Context: Task; may sleep.
 */
void lab_watch_begin(void)
{
	mutex_lock(&owners_lock);
	if (!watchers++)
		each_live(set_fast, NULL);
	mutex_unlock(&owners_lock);
}

void lab_watch_end(void)
{
	mutex_lock(&owners_lock);
	if (!--watchers)
		each_live(set_fast, NULL);
	mutex_unlock(&owners_lock);
}

/* @pages tags more, or fewer, carry @owner's id. Context: Any. */
void lab_owner_account(struct lab_owner *owner, int pages)
{
	int now = atomic_add_return(pages, &owner->pages);
	int peak = atomic_read(&owner->peak);

	while (now > peak && !atomic_try_cmpxchg(&owner->peak, &peak, now))
		;
}

/* Whether the owner has as many pages as it may: a look. Context: Any. */
bool lab_owner_quota_full(const struct lab_owner *owner)
{
	return owner->max_pages &&
	       (unsigned int)atomic_read(&owner->held) >= owner->max_pages;
}

/* Context: Any. Return: false where @nr more would exceed the quota. */
bool lab_owner_quota_take(struct lab_owner *owner, unsigned int nr)
{
	int held;

	if (likely(!owner->max_pages))
		return true;
	held = atomic_read(&owner->held);
	do {
		if ((unsigned int)held + nr > owner->max_pages)
			return false;
	} while (!atomic_try_cmpxchg(&owner->held, &held, held + nr));
	return true;
}

void lab_owner_quota_give(struct lab_owner *owner, unsigned int nr)
{
	if (unlikely(owner->max_pages))
		atomic_sub(nr, &owner->held);
}

static bool attrs_valid(const struct labyrinth_owner_attrs *attrs)
{
	if (!attrs || !attrs->name || !*attrs->name)
		return false;
	if (attrs->flags & ~(LABYRINTH_OWNER_ZERO | LABYRINTH_OWNER_SINGLE |
			     LABYRINTH_OWNER_SEALED))
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

static struct lab_owner *get_slot(void)
{
	struct lab_owner *owner;

	mutex_lock(&owners_lock);
	owner = list_first_entry_or_null(&free_slots, struct lab_owner,
					 free_node);
	if (owner)
		list_del(&owner->free_node);
	mutex_unlock(&owners_lock);
	return owner;
}

static void free_slot(struct lab_owner *owner)
{
	lockdep_assert_held(&owners_lock);
	owner->phase = LAB_PHASE_FREE;
	/* The one that has been free longest is used next. */
	list_add_tail(&owner->free_node, &free_slots);
}

/*
 * The slot of an owner that is gone becomes free with its last page.
 * Context: Task; may sleep.
 */
void lab_owner_put_slot(struct lab_owner *owner)
{
	mutex_lock(&owners_lock);
	if (owner->phase == LAB_PHASE_GONE && !atomic_read(&owner->pages))
		free_slot(owner);
	mutex_unlock(&owners_lock);
}

/*
 * Who names an owner may have let a process choose the name. It is printed to logs and
 * tables, where it must not look like a line of theirs.
 */
static void copy_name(char *to, const char *name)
{
	strscpy_pad(to, name, LABYRINTH_NAME_LEN);
	for (; *to; to++)
		if (!isascii(*to) || !isprint(*to))
			*to = '?';
}

static void set_up(struct lab_owner *owner,
		   const struct labyrinth_owner_attrs *attrs,
		   struct module *module, unsigned long ip)
{
	int fail;

	owner->front.flags = attrs->flags;
	/* The inline path knows no aliases: the promise is not used. */
	if (attrs->flags & LABYRINTH_OWNER_SEALED)
		owner->front.flags &= ~LABYRINTH_OWNER_SINGLE;
	owner->front.busy = 0;
	owner->front.task = attrs->task ? get_task_struct(attrs->task) : NULL;
	owner->dev = get_device(attrs->dev);
	owner->max_pages = attrs->max_pages;
	owner->reserve_target = attrs->reserve;
	owner->nid = attrs->nid;
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

/* Under the lock, since debugfs shows the device of an owner that goes. */
static void tear_down(struct lab_owner *owner)
{
	struct task_struct *task;
	struct device *dev;

	mutex_lock(&owners_lock);
	dev = owner->dev;
	task = owner->front.task;
	owner->dev = NULL;
	owner->front.task = NULL;
	mutex_unlock(&owners_lock);
	put_device(dev);
	if (task)
		put_task_struct(task);
}

/*
 * The number of a slot's life as its handle has it: a permutation of all numbers of 44
 * bits, which a Feistel network is whatever its rounds do ("How to construct
 * pseudorandom permutations from pseudorandom functions", Luby and Rackoff, 1988).
 */
static u64 encipher(unsigned int id, u64 generation)
{
	u64 left = generation >> LIFE_HALF_BITS & LIFE_HALF_MASK;
	u64 right = generation & LIFE_HALF_MASK;
	unsigned int round;

	for (round = 0; round < LIFE_ROUNDS; round++) {
		u64 next = siphash_2u64(right, (u64)id << 32 | round, &handle_key);

		next = left ^ (next & LIFE_HALF_MASK);
		left = right;
		right = next;
	}
	return left << LIFE_HALF_BITS | right;
}

/* Whoever has another owner's handle was given it: it can be neither computed nor found. */
static unsigned long make_handle(const struct lab_owner *owner)
{
	unsigned int id = lab_owner_id(owner);
	u64 life = encipher(id, owner->generation);

	return HANDLE_TOP | (life >> LIFE_LOW_BITS) << LIFE_HIGH_SHIFT |
	       (unsigned long)id << LAB_OWNER_SLOT_SHIFT |
	       (life & LIFE_LOW_MASK) << 1 | HANDLE_ODD;
}

/* Sealed pages want a hook and an area for their aliases: the first such owner brings both. */
static int begin_sealed(const struct lab_owner *owner)
{
	if (!lab_owner_is_sealed(owner))
		return 0;
	return lab_fault_arm() ?: lab_seal_begin();
}

static void end_sealed(const struct lab_owner *owner)
{
	if (lab_owner_is_sealed(owner))
		lab_seal_end();
}

/* What is kept ready: pages, and what it takes to map them. */
static int fill(struct lab_owner *owner)
{
	int err = lab_cache_init(owner);

	if (err || !owner->dev)
		return err;
	err = lab_mapping_provide(owner, owner->reserve_target);
	if (err) {
		lab_mapping_drain(owner);
		lab_cache_exit(owner);
	}
	return err;
}

/* It was never born; but a page of its reserve may be in limbo. */
static void give_up(struct lab_owner *owner)
{
	mutex_lock(&owners_lock);
	owner->phase = LAB_PHASE_GONE;
	mutex_unlock(&owners_lock);
	lab_owner_put_slot(owner);
}

static void publish(struct lab_owner *owner)
{
	mutex_lock(&owners_lock);
	owner->phase = LAB_PHASE_LIVE;
	/*
	 * Pairs with the dependency that leads from the handle, which nobody
	 * has before this returns, to the slot's other members.
	 */
	smp_store_release(&owner->front.handle, make_handle(owner));
	set_fast(owner, NULL);
	mutex_unlock(&owners_lock);
}

/**
 * labyrinth_owner_create_for() - make a new owner of pages
 * @attrs: what it is to be; copied.
 * @module: whose it is: named in reports, and destroyed with its pages handled
 *	as at any owner's end if it is left behind when that module goes.
 *	labyrinth_owner_create() passes THIS_MODULE. It is not pinned.
 *
 * References are held on @attrs->dev and @attrs->task until the owner is
 * destroyed. The reserve is filled before this returns. What is not printable ASCII in
 * @attrs->name becomes '?'.
 *
 * Context: Task. May sleep.
 * Return: the handle, which is the right to everything that is the owner's; or
 * ERR_PTR: -EINVAL an attribute makes no sense, or not in task context;
 * -ENOMEM no memory for the owner or its reserve; -ENOSPC as many owners as
 * the parameter max_owners allows, or no room in the owner table for the reserve, or for
 * so many sealed pages; -EOPNOTSUPP pages cannot be sealed here, as dmesg says.
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
	owner = get_slot();
	if (!owner)
		return ERR_PTR(-ENOSPC);
	set_up(owner, attrs, module, _RET_IP_);
	err = begin_sealed(owner);
	if (!err) {
		err = fill(owner);
		if (err)
			end_sealed(owner);
	}
	if (err) {
		tear_down(owner);
		give_up(owner);
		return ERR_PTR(err);
	}
	publish(owner);
	trace_owner_create(owner, attrs->reserve);
	pr_debug("owner %s (id %u) of module %s created\n", owner->name,
		 lab_owner_id(owner), owner->module_name);
	return (struct labyrinth_owner *)owner->front.handle;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_owner_create_for, LAB_NS);

static void take_back_handle(struct lab_owner *owner)
{
	forbid_fast(owner);
	WRITE_ONCE(owner->front.handle, lab_owner_dead(owner));
}

/* The handle is nobody's from here on; NULL where it was nobody's before. */
static struct lab_owner *take_handle(const struct labyrinth_owner *handle)
{
	struct lab_owner *owner = lab_owner_slot(handle);

	mutex_lock(&owners_lock);
	if (!lab_owner_is(owner, handle)) {
		mutex_unlock(&owners_lock);
		return NULL;
	}
	take_back_handle(owner);
	owner->phase = LAB_PHASE_GONE;
	/* Until its pages are settled, nobody may find the slot empty. */
	atomic_inc(&owner->pages);
	mutex_unlock(&owners_lock);
	synchronize_rcu();
	return owner;
}

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

/* One line for each page; the first has a report as well. */
static void name_page(struct lab_slot *slot, lab_tag_t tag)
{
	struct lab_page_note note = lab_page_note(slot, tag);

	pr_err("  pfn 0x%lx, %s for %u.%03u s, allocated at %pS\n",
	       lab_tag_pfn(tag), lab_state_name(lab_tag_state(tag)),
	       note.age_ms / 1000, note.age_ms % 1000, (void *)note.site);
}

static void name_leaked(const struct lab_owner *owner, struct lab_slot *slot,
			lab_tag_t tag, unsigned int nth, unsigned long ip)
{
	if (nth == 1)
		report_leaked(owner, slot, tag, ip);
	if (nth <= PAGES_NAMED)
		name_page(slot, tag);
}

/* A mapped page goes to limbo first, and stays there as long as a mapping does. */
static void settle_mapped(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	if (lab_mapping_retire(owner, slot, tag, false))
		lab_dma_end_all(owner, slot);
	lab_vmap_end_all(owner);
	if (lab_mmap_revoke(owner, slot, NULL) == LAB_REVOKE_LATER)
		lab_mmap_kick(owner, slot);
	lab_limbo_settle(owner, slot, lab_tag_step(tag, LAB_LIMBO));
}

static void settle(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	if (lab_tag_state(tag) == LAB_MAPPED)
		settle_mapped(owner, slot, tag);
	else
		lab_settle(owner, slot);
}

/* Settles every page that is still the owner's; returns how many were out. */
static unsigned int settle_pages(struct lab_owner *owner, unsigned long ip)
{
	struct lab_slot *slot;
	unsigned int out = 0;
	lab_tag_t tag;
	u64 index;
	int left;

	/* take_handle() added one. */
	if (atomic_read(&owner->pages) == 1)
		return 0;
	lab_census_print(owner);
	lab_table_for_each(&labyrinth_hot.table, index, tag) {
		if (lab_tag_owner(tag) != lab_owner_id(owner) ||
		    lab_tag_state(tag) == LAB_LIMBO)
			continue;
		slot = &labyrinth_hot.table.slots[index];
		name_leaked(owner, slot, tag, ++out, ip);
		settle(owner, slot, tag);
	}
	if (out)
		lab_mmap_end_all(owner);
	left = atomic_read(&owner->pages) - 1;
	if (out)
		pr_err("owner %s (id %u) of module %s went with %u pages out, of which %d are still referred to\n",
		       owner->name, lab_owner_id(owner), owner->module_name,
		       out, left);
	else if (left)
		pr_info("owner %s (id %u) of module %s went, and %d pages that it had given up are still referred to\n",
			owner->name, lab_owner_id(owner), owner->module_name, left);
	return out;
}

static unsigned int destroy(struct lab_owner *owner, unsigned long ip)
{
	unsigned int out;

	lab_cache_exit(owner);
	out = settle_pages(owner, ip);
	end_sealed(owner);
	lab_mapping_drain(owner);
	trace_owner_destroy(owner, out);
	pr_debug("owner %s (id %u) destroyed, %u pages were out\n",
		 owner->name, lab_owner_id(owner), out);
	tear_down(owner);
	atomic_dec(&owner->pages);
	lab_owner_put_slot(owner);
	return out;
}

static unsigned int destroy_handle(struct labyrinth_owner *handle,
				   unsigned long ip)
{
	struct lab_owner *owner = take_handle(handle);

	if (owner)
		return destroy(owner, ip);
	lab_report(&(struct lab_refusal) {
		.class = LAB_BAD_HANDLE,
		.op = LAB_OP_DESTROY,
		.err = -EINVAL,
		.handle = handle,
		.ip = ip,
	});
	return 0;
}

/**
 * labyrinth_owner_destroy() - end an owner
 * @owner: its handle; stale when this returns, whoever uses it gets -EINVAL.
 *
 * Pages that it kept ready go back to the system. Pages that are still handed
 * out are named in a report; those that nobody else refers to go back to the
 * system, the others into limbo until nobody does. Whoever has such a page's
 * address must not use it any more.
 *
 * Any thread may destroy an owner that is bound to one. Of a SINGLE owner this is
 * a use: nobody else may use the handle at the same time.
 *
 * Context: Task. May sleep.
 * Return: how many pages were still out; 0 also for a handle that is no live
 * owner's, which is reported.
 */
unsigned int labyrinth_owner_destroy(struct labyrinth_owner *owner)
{
	might_sleep();
	return destroy_handle(owner, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_owner_destroy, LAB_NS);

static void destroy_left_behind(struct lab_owner *owner, unsigned long handle)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_LEFT_BEHIND,
		.op = LAB_OP_DESTROY,
		.caller = owner,
		.ip = owner->created_at,
	});
	destroy_handle((struct labyrinth_owner *)handle, owner->created_at);
}

/* The handle of the slot's owner if that is @module's, or 0. */
static unsigned long handle_of(struct lab_owner *owner,
			       const struct module *module)
{
	unsigned long handle = 0;

	mutex_lock(&owners_lock);
	if (owner->phase == LAB_PHASE_LIVE &&
	    (!module || owner->module == module))
		handle = owner->front.handle;
	mutex_unlock(&owners_lock);
	return handle;
}

/* Every live owner of @module; of any module, if that is NULL. */
static void destroy_all(const struct module *module)
{
	unsigned int i;

	for (i = 0; i < lab_owners.nr; i++) {
		struct lab_owner *owner = &lab_owners.slots[i];
		unsigned long handle = handle_of(owner, module);

		if (handle)
			destroy_left_behind(owner, handle);
	}
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

static void slot_init(unsigned int id)
{
	struct lab_owner *owner = &lab_owners.slots[id];

	owner->front.key = lab_tag_make(0, id, LAB_HELD);
	raw_spin_lock_init(&owner->map_lock);
	take_back_handle(owner);
	list_add_tail(&owner->free_node, &free_slots);
}

/*
 * Makes @nr slots, a power of two from 2 to LAB_MAX_OWNERS.
 * Context: Task; may sleep. Return: 0, -EINVAL, -ENOMEM.
 */
int lab_owners_init(unsigned int nr)
{
	unsigned int id;
	int err;

	if (!is_power_of_2(nr) || nr < 2 || nr > LAB_MAX_OWNERS)
		return -EINVAL;
	lab_owners.slots = vzalloc(array_size(nr, sizeof(struct lab_owner)));
	if (!lab_owners.slots)
		return -ENOMEM;
	lab_owners.nr = nr;
	labyrinth_hot.owners = lab_owners.slots;
	labyrinth_hot.owner_mask = (unsigned long)(nr - 1) << LAB_OWNER_SLOT_SHIFT;
	get_random_bytes(&handle_key, sizeof(handle_key));
	for (id = 0; id < nr; id++)
		slot_init(id);
	err = register_module_notifier(&module_nb);
	if (err)
		lab_owners_exit();
	return err;
}

/* Ends the owners that are left; no more come. Context: Task; may sleep. */
void lab_owners_stop(void)
{
	unregister_module_notifier(&module_nb);
	destroy_all(NULL);
}

/*
 * No page is tagged any more. Parameters and tracepoints may still be switched
 * until the module is gone altogether: they find no slot.
 * Context: Task.
 */
void lab_owners_exit(void)
{
	mutex_lock(&owners_lock);
	lab_owners.nr = 0;
	mutex_unlock(&owners_lock);
	vfree(lab_owners.slots);
}
