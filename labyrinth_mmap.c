// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner's pages mapped into a process. The state owned here is the list of such
 * mappings.
 *
 * The mapping is by frame number: VM_PFNMAP and VM_IO, so that nothing that goes
 * through get_user_pages() reaches the pages (ptrace, /proc/PID/mem,
 * process_vm_readv(), O_DIRECT, io_uring). It is not inherited, expanded, moved,
 * split or dumped, and has no fault handler: what is taken out of it is SIGBUS from
 * then on.
 *
 * How a page is taken away: under the process's mmap_lock its entry is zapped,
 * then its record ends. munmap() takes the VMA out of the mm with the lock held for
 * writing, but clears the entries, and has the VMA closed, with the lock held for
 * reading: so to whoever reads, a VMA that is there has all its entries yet, and of
 * one that is not nothing is known. Who may not sleep, finds the lock taken or the VMA
 * not there leaves the page in limbo, where nobody gets it. A worker then takes the
 * lock for writing: when it has it, each VMA is there, or gone with its entries.
 *
 * A struct mmapping lives while it is on the list, or somebody has a
 * reference to it. It leaves the list when its VMA is closed; until then each of
 * its records that is linked keeps it there. The VMA's pointer to it is compared
 * with the list's, never followed: so a driver that fails after labyrinth_mmap()
 * leaves nothing behind that would point to a VMA which is no more.
 */
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "labyrinth_mmap.h"
#include "labyrinth_own.h"
#include "labyrinth_range.h"
#include "labyrinth_trace.h"

struct mmapping {
	struct kref ref;
	struct list_head node;
	struct mm_struct *mm;		/* holds mm_count, not mm_users */
	unsigned long start;
	struct lab_range range;		/* last: of variable length */
};

/* Protects the list. Nests in any mmap_lock, and owner->map_lock does not in it. */
static DEFINE_SPINLOCK(mmaps_lock);
static LIST_HEAD(mmaps);

static void revoke_limbo(struct work_struct *work);
static DECLARE_WORK(revoke_work, revoke_limbo);

static void schedule_revoke(struct irq_work *kick)
{
	schedule_work(&revoke_work);
}

static struct irq_work revoke_kick = IRQ_WORK_INIT(schedule_revoke);

static void free_mmapping(struct kref *ref)
{
	struct mmapping *mmapping = container_of(ref, struct mmapping, ref);

	mmdrop(mmapping->mm);
	kvfree(mmapping);
}

static void put_mmapping(struct mmapping *mmapping)
{
	kref_put(&mmapping->ref, free_mmapping);
}

static struct mmapping *new_mmapping(struct vm_area_struct *vma,
				     unsigned int nr)
{
	struct mmapping *mmapping;

	mmapping = kvzalloc(struct_size(mmapping, range.pages, nr), GFP_KERNEL);
	if (!mmapping)
		return NULL;
	kref_init(&mmapping->ref);
	mmgrab(vma->vm_mm);
	mmapping->mm = vma->vm_mm;
	mmapping->start = vma->vm_start;
	mmapping->range.nr = nr;
	spin_lock(&mmaps_lock);
	list_add_tail(&mmapping->node, &mmaps);
	spin_unlock(&mmaps_lock);
	return mmapping;
}

/* The records end, and the list's reference. What they gave access to has. */
static void end_mmapping(struct mmapping *mmapping)
{
	spin_lock(&mmaps_lock);
	list_del(&mmapping->node);
	spin_unlock(&mmaps_lock);
	lab_range_detach(&mmapping->range);
	put_mmapping(mmapping);
}

static bool is_at(const struct mmapping *mmapping,
		  const struct vm_area_struct *vma)
{
	return mmapping == vma->vm_private_data &&
	       mmapping->mm == vma->vm_mm && mmapping->start == vma->vm_start;
}

static struct mmapping *find_mmapping(const struct vm_area_struct *vma)
{
	struct mmapping *mmapping, *found = NULL;

	spin_lock(&mmaps_lock);
	list_for_each_entry(mmapping, &mmaps, node)
		if (is_at(mmapping, vma))
			found = mmapping;
	spin_unlock(&mmaps_lock);
	return found;
}

/* The core has taken the entries out already, and has not let the mmap_lock go. */
static void mmap_close(struct vm_area_struct *vma)
{
	struct mmapping *mmapping = find_mmapping(vma);

	if (mmapping)
		end_mmapping(mmapping);
}

static int mmap_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int mmap_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct mmap_ops = {
	.close = mmap_close,
	.may_split = mmap_may_split,
	.mremap = mmap_mremap,
};

/* All pages or none, as seen by the process: its mmap_lock is held. */
static int insert_pages(struct mmapping *mmapping, struct vm_area_struct *vma)
{
	unsigned long pfn, addr = vma->vm_start;
	unsigned int i;
	int err = 0;

	lab_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND |
			      VM_DONTDUMP);
	for (i = 0; i < mmapping->range.nr && !err; i++) {
		pfn = mmapping->range.pages[i].pfn;
		err = LAB_OWN(remap_pfn_range)(vma, addr, pfn, PAGE_SIZE,
					       vma->vm_page_prot);
		addr += PAGE_SIZE;
	}
	if (err)
		lab_zap_vma_ptes(vma, vma->vm_start, vma->vm_end - vma->vm_start);
	return err;
}

static int claim_pages(struct lab_call *call, struct mmapping *mmapping,
		       void **addrs)
{
	struct lab_map_note what = {
		.kind = LAB_MAP_PROCESS, .site = call->ip,
		.addr = mmapping->start,
	};
	int err = lab_call_begin_rcu(call);

	if (!err)
		err = lab_range_attach(&mmapping->range, call, addrs, &what);
	return lab_call_end_rcu(call, err);
}

static int map_pages(struct lab_call *call, struct vm_area_struct *vma,
		     void **addrs, unsigned int nr)
{
	struct mmapping *mmapping = new_mmapping(vma, nr);
	int err;

	if (!mmapping)
		return -ENOMEM;
	err = claim_pages(call, mmapping, addrs);
	if (!err)
		err = insert_pages(mmapping, vma);
	if (err) {
		end_mmapping(mmapping);
		return err;
	}
	vma->vm_private_data = mmapping;
	vma->vm_ops = &mmap_ops;
	return 0;
}

/**
 * labyrinth_mmap() - map pages into a process
 * @owner: who holds all of them.
 * @vma: what the driver's mmap() was given: shared, and as long as the pages are
 *	together.
 * @addrs: their addresses, in the order wanted.
 * @nr: how many.
 *
 * The pages stay @owner's, and may be mapped into one process at a time. The mapping
 * is the process's alone: not inherited, expanded, moved, split or dumped, and not to
 * be reached by another process or by get_user_pages(). It ends when it is unmapped
 * or the process ends; or, page by page, when @owner frees, transfers or releases
 * the page, or is destroyed: to access it is SIGBUS then. If one page is not @owner's,
 * none is mapped.
 *
 * @vma's vm_ops and vm_private_data are Labyrinth's after success. A driver's mmap()
 * must not fail after that: where it does, the core closes no VMA, and the pages
 * count as mapped until they are freed; if the process ends before that, until
 * Labyrinth is unloaded.
 *
 * Context: Task, in a driver's mmap(): the mmap_lock is held for writing. May
 * sleep.
 * Return: 0; -EPERM one of them has another owner, or the caller is not the bound
 * thread; -ENOENT one is no Labyrinth page, or freed; -EBUSY one is lent, or
 * mapped into a process already, which is not reported; -EINVAL as
 * labyrinth_free_page(), or @vma is NULL, private, or not @nr pages long, or mapped by
 * this already, or @addrs is NULL, or @nr 0; -ENOMEM.
 */
int labyrinth_mmap(struct labyrinth_owner *owner, struct vm_area_struct *vma,
		   void **addrs, unsigned int nr)
{
	struct lab_call call = {
		.op = LAB_OP_MAP, .handle = owner, .ip = _RET_IP_,
	};

	might_sleep();
	if (!lab_range_fits(addrs, nr) || !vma || vma_pages(vma) != nr ||
	    !(vma->vm_flags & VM_MAYSHARE) || vma->vm_ops == &mmap_ops)
		return lab_call_refuse(&call, LAB_BAD_MAPPING);
	return map_pages(&call, vma, addrs, nr);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_mmap, LAB_NS);

/*
 * One page's entry, with the mmap_lock held. Return: false if the VMA is not there;
 * its entries are gone as well, if the lock is held for writing.
 */
static bool zap_page(const struct mmapping *mmapping, unsigned int index)
{
	struct vm_area_struct *vma = find_vma(mmapping->mm, mmapping->start);

	/* mmap_assert_locked() may want dump_mm(), which no module gets. */
	lockdep_assert_held(&mmapping->mm->mmap_lock);
	if (!vma || !is_at(mmapping, vma))
		return false;
	lab_zap_vma_ptes(vma, vma->vm_start + index * PAGE_SIZE, PAGE_SIZE);
	return true;
}

static unsigned int index_of(const struct mmapping *mmapping,
			     const struct lab_mapping *map)
{
	return container_of(map, struct lab_range_page, map) -
	       mmapping->range.pages;
}

static struct mmapping *mmapping_of(const struct lab_mapping *map)
{
	return container_of(map->range, struct mmapping, range);
}

static bool take_if_process(struct lab_mapping *map, bool alone,
			    const void *if_alone)
{
	if (map->what.kind != LAB_MAP_PROCESS || (if_alone && !alone))
		return false;
	kref_get(&mmapping_of(map)->ref);
	return true;
}

static bool try_zap(const struct mmapping *mmapping, unsigned int index)
{
	struct mm_struct *mm = mmapping->mm;
	bool zapped = false;

	/* Without users it is just being taken apart, and the VMA closed. */
	if (!mmget_not_zero(mm))
		return false;
	if (mmap_read_trylock(mm)) {
		zapped = zap_page(mmapping, index);
		mmap_read_unlock(mm);
	}
	/* The last user takes the mm apart, for which he may need the caller's locks. */
	mmput_async(mm);
	return zapped;
}

/*
 * Takes the page in @slot away from the process that has it mapped; with @if_alone,
 * unless it has other mappings.
 * Context: Task; may sleep, as MMU notifiers do, but does not wait for an mmap_lock.
 */
enum lab_revoke lab_mmap_revoke(struct lab_owner *owner, struct lab_slot *slot,
				bool if_alone)
{
	struct mmapping *mmapping;
	struct lab_mapping *map;
	bool zapped;

	map = lab_mapping_find(owner, slot, take_if_process,
			       if_alone ? slot : NULL);
	if (!map)
		return LAB_REVOKE_NONE;
	mmapping = mmapping_of(map);
	zapped = try_zap(mmapping, index_of(mmapping, map));
	if (zapped)
		lab_mapping_detach(owner, slot, map, _RET_IP_);
	put_mmapping(mmapping);
	return zapped ? LAB_REVOKED : LAB_REVOKE_LATER;
}

/* Whether the page was given up while it was mapped. */
static bool is_retired(const struct lab_range_page *page)
{
	/* A tag does not move, and stays as long as the mapping is linked. */
	return READ_ONCE(page->map.linked) &&
	       lab_tag_state(READ_ONCE(page->slot->tag)) == LAB_LIMBO;
}

/* The mm has users. */
static void revoke_retired(struct mmapping *mmapping)
{
	struct lab_range *range = &mmapping->range;
	unsigned int i;

	mmap_write_lock(mmapping->mm);
	for (i = 0; i < range->nr; i++) {
		if (!is_retired(&range->pages[i]))
			continue;
		zap_page(mmapping, i);
		lab_mapping_detach(range->owner, range->pages[i].slot,
				   &range->pages[i].map, _RET_IP_);
	}
	mmap_write_unlock(mmapping->mm);
}

static bool has_retired(const struct mmapping *mmapping)
{
	unsigned int i;

	for (i = 0; i < mmapping->range.nr; i++)
		if (is_retired(&mmapping->range.pages[i]))
			return true;
	return false;
}

/* The next to look at, with a reference, and its mm with a user more. */
static struct mmapping *next_retired(void)
{
	struct mmapping *mmapping, *found = NULL;

	spin_lock(&mmaps_lock);
	list_for_each_entry(mmapping, &mmaps, node) {
		if (!has_retired(mmapping) || !mmget_not_zero(mmapping->mm))
			continue;
		kref_get(&mmapping->ref);
		found = mmapping;
		break;
	}
	spin_unlock(&mmaps_lock);
	return found;
}

static void revoke_limbo(struct work_struct *work)
{
	struct mmapping *mmapping;

	while ((mmapping = next_retired())) {
		revoke_retired(mmapping);
		mmput(mmapping->mm);
		put_mmapping(mmapping);
		cond_resched();
	}
}

/* Pages have been retired from under a process. Context: Any. */
void lab_mmap_kick(void)
{
	irq_work_queue(&revoke_kick);
}

/*
 * No VMA is left: its file pins the driver, and that Labyrinth. But a driver may
 * have failed after labyrinth_mmap().
 * Context: Task; may sleep. No owner is left.
 */
void lab_mmap_exit(void)
{
	struct mmapping *mmapping, *next;

	irq_work_sync(&revoke_kick);
	cancel_work_sync(&revoke_work);
	list_for_each_entry_safe(mmapping, next, &mmaps, node)
		end_mmapping(mmapping);
}
