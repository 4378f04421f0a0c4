// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner's pages mapped into a process. The state owned here is the hash table of such
 * mappings.
 *
 * The mapping is by frame number: VM_PFNMAP and VM_IO, so that get_user_pages() does not reach
 * the pages (ptrace, /proc/PID/mem, process_vm_readv(), O_DIRECT, io_uring). The mapping is not
 * inherited, expanded, moved, split or dumped.
 *
 * labyrinth_mmap() writes no page table entry. The fault handler writes the entries at the
 * first access, and only in the VMA of the fault, which the core found in the process's tree. A
 * driver may pass a copy of a VMA to labyrinth_mmap(). No fault ever comes through a copy, so
 * no entry exists that Labyrinth cannot find. An access to a page that was taken away is
 * SIGBUS.
 *
 * A record ends only after the page's entry is known to be gone, in any of these ways:
 *
 * - No fault has come yet (mmapping->reached is false): there is no entry.
 * - The VMA is in its place, under the process's mmap_lock: the entry is zapped. munmap() takes
 *   a VMA out of the tree with the lock held for writing, and clears the entries with the lock
 *   held for reading. So a VMA that a reader finds in the tree still has all entries.
 * - The VMA is not in its place, and the mmap_lock is held for writing: no munmap() is under
 *   way. Every VMA of the driver's file is searched, and each entry found is zapped. A driver
 *   that changes vm_private_data or vm_ops after labyrinth_mmap() leads here.
 * - The core closes the VMA, and no entry is left there.
 * - The process's address space has been taken apart.
 *
 * mmapping->lock keeps the fault handler from writing an entry between the zap and the end of
 * the record. The lock nests in mmap_lock, and is held while page tables are allocated. A
 * process can hold its own mmap_lock for as long as the process likes. So a call that takes a
 * page away only tries both locks. Where a trylock fails the page goes to limbo, and a work
 * item of this mapping tries again and again. Pages of other mappings do not wait.
 *
 * A struct mmapping lives while in the hash table, or referenced. A struct mmapping leaves the
 * table when the core closes the VMA, or when prove_vma() finds that the VMA is not in the
 * process's tree. Until then, every linked record is of a struct mmapping in the table.
 * A VMA's vm_private_data is looked up in the table, never followed.
 */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "core/note.h"
#include "hook/own.h"
#include "map/mmap.h"
#include "map/range.h"
#include "page/stamp.h"
#include "report/site.h"
#include "report/trace.h"

/* Bounds of the delay before a work item tries again: doubled after each try. */
#define RETRY_FIRST	msecs_to_jiffies(10)
#define RETRY_LAST	HZ
/* By then most processes have touched the mapping, which proves the VMA to be in the tree. */
#define PROOF_DELAY	HZ

/* mmapping->flags: on the list kicked_mmaps. */
#define MMAPPING_KICKED	0

struct mmapping {
	struct kref ref;
	struct hlist_node node;		/* in @mmaps, by the address of this struct */
	struct llist_node kicked;	/* in @kicked_mmaps, while MMAPPING_KICKED */
	unsigned long flags;
	struct delayed_work work;	/* while queued, holds a reference */
	unsigned long delay;		/* of @work, for the next time */
	struct mm_struct *mm;		/* holds mm_count, not mm_users */
	const struct file *file;	/* the VMA's; compared, never followed */
	unsigned long start;
	/*
	 * Protects the members below. Page table entries of the mapping change under the lock
	 * only, save that the core removes entries without.
	 */
	struct mutex lock;
	bool reached;			/* there may be entries */
	bool proven;			/* the VMA was found in the process's tree */
	bool told;			/* a wrong VMA has been reported */
	struct lab_range range;		/* last: of variable length */
};

/* Protects the hash table. Nests in any mmap_lock. owner->map_lock does not nest in this lock. */
static DEFINE_SPINLOCK(mmaps_lock);
static DEFINE_HASHTABLE(mmaps, 8);

/* How many struct mmapping there are: lab_mmap_exit() waits for 0. */
static atomic_t nr_mmappings;

/* A work item for each mapping, so that a mapping that waits does not stop the rest. */
static struct workqueue_struct *mmap_wq;

static void queue_kicked(struct work_struct *work);
static LLIST_HEAD(kicked_mmaps);
static DECLARE_WORK(kicked_work, queue_kicked);

static void schedule_kicked(struct irq_work *kick)
{
	schedule_work(&kicked_work);
}

static struct irq_work kick_work = IRQ_WORK_INIT_HARD(schedule_kicked);

static void look_after(struct work_struct *work);

static void free_mmapping(struct kref *ref)
{
	struct mmapping *mmapping = container_of(ref, struct mmapping, ref);

	mmdrop(mmapping->mm);
	kvfree(mmapping);
	if (atomic_dec_and_test(&nr_mmappings))
		wake_up_var(&nr_mmappings);
}

/* Context: Task; may sleep. */
static void put_mmapping(struct mmapping *mmapping)
{
	kref_put(&mmapping->ref, free_mmapping);
}

static void init_mmapping(struct mmapping *mmapping,
			  const struct vm_area_struct *vma, unsigned int nr)
{
	kref_init(&mmapping->ref);
	mutex_init(&mmapping->lock);
	INIT_DELAYED_WORK(&mmapping->work, look_after);
	mmapping->delay = RETRY_FIRST;
	mmgrab(vma->vm_mm);
	mmapping->mm = vma->vm_mm;
	mmapping->file = vma->vm_file;
	mmapping->start = vma->vm_start;
	mmapping->range.nr = nr;
	mmapping->range.process.pid = task_tgid_nr(current);
	strscpy(mmapping->range.process.comm, current->comm, TASK_COMM_LEN);
}

static struct mmapping *new_mmapping(struct vm_area_struct *vma,
				     unsigned int nr)
{
	struct mmapping *mmapping;

	mmapping = kvzalloc(struct_size(mmapping, range.pages, nr), GFP_KERNEL);
	if (!mmapping)
		return NULL;
	atomic_inc(&nr_mmappings);
	init_mmapping(mmapping, vma, nr);
	spin_lock(&mmaps_lock);
	hash_add(mmaps, &mmapping->node, (unsigned long)mmapping);
	spin_unlock(&mmaps_lock);
	return mmapping;
}

/* Queues the work item, with a further reference, unless already queued. */
static void queue_look(struct mmapping *mmapping, unsigned long delay)
{
	kref_get(&mmapping->ref);
	if (!queue_delayed_work(mmap_wq, &mmapping->work, delay))
		put_mmapping(mmapping);
}

/*
 * Ends the records, and drops the hash table's reference. No page table entry may be left. If
 * two callers race, the caller that takes @mmapping out of the table ends the records.
 */
static void end_mmapping(struct mmapping *mmapping)
{
	bool mine;

	spin_lock(&mmaps_lock);
	mine = hash_hashed(&mmapping->node);
	hash_del(&mmapping->node);
	spin_unlock(&mmaps_lock);
	if (!mine)
		return;
	lab_range_detach(&mmapping->range);
	if (cancel_delayed_work(&mmapping->work))
		put_mmapping(mmapping);
	put_mmapping(mmapping);
}

static bool is_at(const struct mmapping *mmapping,
		  const struct vm_area_struct *vma)
{
	return mmapping == vma->vm_private_data && vma->vm_ops &&
	       mmapping->mm == vma->vm_mm && mmapping->start == vma->vm_start;
}

/* The struct mmapping of @vma, with a reference; or NULL. */
static struct mmapping *get_mmapping(const struct vm_area_struct *vma)
{
	struct mmapping *mmapping, *found = NULL;

	spin_lock(&mmaps_lock);
	hash_for_each_possible(mmaps, mmapping, node,
			       (unsigned long)vma->vm_private_data)
		if (is_at(mmapping, vma))
			found = mmapping;
	if (found)
		kref_get(&found->ref);
	spin_unlock(&mmaps_lock);
	return found;
}

static unsigned long pfn_at(const struct mmapping *mmapping, unsigned int index)
{
	return mmapping->range.pages[index].pfn;
}

/* Whether the entry at @addr of @vma leads to a page of @mmapping. */
static bool leads_to(const struct mmapping *mmapping, struct vm_area_struct *vma,
		     unsigned long addr)
{
	unsigned long pfn;
	unsigned int i;

	if (lab_follow_pfn(vma, addr, &pfn))
		return false;
	for (i = 0; i < mmapping->range.nr; i++)
		if (pfn_at(mmapping, i) == pfn)
			return true;
	return false;
}

/*
 * The core has cleared the entries before, and still holds the mmap_lock. If entries are left,
 * other code than the core has called vm_ops->close(): the mapping goes on.
 */
static void mmap_close(struct vm_area_struct *vma)
{
	struct mmapping *mmapping = get_mmapping(vma);
	bool left = false;
	unsigned long addr;

	if (!mmapping)
		return;
	/* Harmless: set before the first entry is made, and so before the core's close. */
	if (data_race(mmapping->reached))
		for (addr = vma->vm_start; addr < vma->vm_end && !left; addr += PAGE_SIZE)
			left = leads_to(mmapping, vma, addr);
	if (!left)
		end_mmapping(mmapping);
	put_mmapping(mmapping);
}

static int mmap_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int mmap_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

/* Whether the page is MAPPED, and the record of @mmapping is linked. */
static bool is_mapped(const struct mmapping *mmapping, unsigned int index)
{
	const struct lab_range_page *page = &mmapping->range.pages[index];

	/* A tag stays in the same slot as long as the mapping is linked. */
	return lab_mapping_is_linked(&page->map) &&
	       lab_tag_state(READ_ONCE(page->slot->tag)) == LAB_MAPPED;
}

static vm_fault_t insert_page(struct mmapping *mmapping,
			      struct vm_area_struct *vma, unsigned int index)
{
	if (index >= mmapping->range.nr || !is_mapped(mmapping, index))
		return VM_FAULT_SIGBUS;
	return LAB_OWN(vmf_insert_pfn_prot)(vma, vma->vm_start + index * PAGE_SIZE,
					    pfn_at(mmapping, index), vma->vm_page_prot);
}

/* Whether @vma is fit for entries by frame number: if not, vmf_insert_pfn_prot() has BUG_ON()s. */
static bool takes_pfn(const struct vm_area_struct *vma)
{
	bool is_cow = (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;

	return (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP)) == VM_PFNMAP && !is_cow;
}

/* The first fault maps all pages of the mapping that are still there. */
static vm_fault_t insert_pages(struct mmapping *mmapping, struct vm_fault *vmf)
{
	unsigned int index = (vmf->address - mmapping->start) >> PAGE_SHIFT;
	bool first = !mmapping->reached;
	vm_fault_t ret;
	unsigned int i;

	lockdep_assert_held(&mmapping->lock);
	if (!takes_pfn(vmf->vma))
		return VM_FAULT_SIGBUS;
	mmapping->reached = true;
	ret = insert_page(mmapping, vmf->vma, index);
	for (i = 0; i < mmapping->range.nr && first && ret == VM_FAULT_NOPAGE; i++)
		if (i != index)
			insert_page(mmapping, vmf->vma, i);
	return ret;
}

static vm_fault_t mmap_fault(struct vm_fault *vmf)
{
	struct mmapping *mmapping = get_mmapping(vmf->vma);
	vm_fault_t ret;

	if (!mmapping)
		return VM_FAULT_SIGBUS;
	mutex_lock(&mmapping->lock);
	ret = insert_pages(mmapping, vmf);
	mutex_unlock(&mmapping->lock);
	put_mmapping(mmapping);
	return ret;
}

static const struct vm_operations_struct mmap_ops = {
	.close = mmap_close,
	.may_split = mmap_may_split,
	.mremap = mmap_mremap,
	.fault = mmap_fault,
};

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
	if (err) {
		end_mmapping(mmapping);
		return err;
	}
	lab_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND |
			      VM_DONTDUMP);
	vma->vm_private_data = mmapping;
	vma->vm_ops = &mmap_ops;
	queue_look(mmapping, PROOF_DELAY);
	return 0;
}

/*
 * Whether @vma may be a VMA of the process. The core has not put the VMA into the process's
 * tree yet, but allocates each VMA with kmem_cache_alloc(): a VMA on a stack or in a module's
 * data is a copy. A copy from kmalloc() passes, see prove_vma().
 */
static bool may_be_own(const struct vm_area_struct *vma)
{
	return virt_addr_valid(vma) && !object_is_on_stack(vma) &&
	       PageSlab(virt_to_head_page(vma)) &&
	       vma->vm_mm && vma->vm_mm == current->mm && vma->vm_file;
}

/* Whether the process chose a mapping that is shared and of @nr pages. Not the driver's choice. */
static bool fits_process(struct vm_area_struct *vma, unsigned int nr)
{
	return vma_pages(vma) == nr && vma->vm_flags & VM_MAYSHARE;
}

/* A refusal without a report, unless the handle is wrong. */
static int decline_mmap(struct lab_call *call)
{
	int err = lab_call_begin_rcu(call);

	lab_call_end_rcu(call, err);
	return err ?: -EINVAL;
}

/**
 * labyrinth_mmap() - map pages into a process
 * @owner: the holder of all @nr pages.
 * @vma: the VMA that the core passed to the driver's mmap(): shared, and @nr pages long.
 * @addrs: the addresses of the pages, in the order wanted.
 * @nr: how many pages.
 *
 * The pages stay @owner's, and may be mapped into one process at a time. The entries are made
 * when the process first touches the mapping. Only that process has the mapping, which is not
 * inherited, expanded, moved, split or dumped, and not reached by other processes or by
 * get_user_pages(). The mapping ends when the process unmaps it, or ends. A single page's part
 * ends when @owner frees, transfers or releases the page, or is destroyed: an access is SIGBUS
 * then. If one page is not @owner's, no page is mapped.
 *
 * @vma must be the VMA that the core passed to the driver's mmap(), not a copy. A copy in
 * static memory or on a stack is refused. A copy from kmalloc() cannot be told at once: the
 * process never reaches a page through the copy, and within seconds the pages are HELD again,
 * and class wrong-vma is reported.
 *
 * @vma's vm_ops and vm_private_data are Labyrinth's after success. A driver's mmap() must not
 * fail after that: otherwise the core closes no VMA, and class wrong-vma is reported.
 *
 * Context: Task, in a driver's mmap(): the mmap_lock is held for writing. May sleep.
 * Return: 0; -EPERM a page has another owner, or the caller is not the bound thread; -ENOENT a
 * page is no Labyrinth page, or freed; -EBUSY a page is lent or POSTED, or, which is not reported,
 * mapped into a process already; -EINVAL @vma is private, or not @nr pages long, which is not
 * reported, since the process has chosen; -EINVAL as labyrinth_free_page(), or @vma is NULL, a
 * copy, or already mapped by this function, or @addrs is NULL, or @nr 0; -ENOMEM.
 */
int labyrinth_mmap(struct labyrinth_owner *owner, struct vm_area_struct *vma,
		   void **addrs, unsigned int nr)
{
	struct lab_call call = {
		.op = LAB_OP_MAP, .handle = owner, .ip = lab_site_of_mmap(vma, _RET_IP_),
		.back = _RET_IP_,
	};

	might_sleep();
	if (!lab_range_fits(addrs, nr) || !vma || vma->vm_ops == &mmap_ops ||
	    vma->vm_flags & VM_MIXEDMAP)
		return lab_call_refuse(&call, LAB_BAD_MAPPING);
	if (!may_be_own(vma))
		return lab_call_refuse(&call, LAB_WRONG_VMA);
	if (!fits_process(vma, nr))
		return decline_mmap(&call);
	return map_pages(&call, vma, addrs, nr);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_mmap, LAB_NS);

/* The VMA if still where labyrinth_mmap() saw the VMA, else NULL; the mmap_lock is held. */
static struct vm_area_struct *find_place(const struct mmapping *mmapping)
{
	struct vm_area_struct *vma = find_vma(mmapping->mm, mmapping->start);

	/* mmap_assert_locked() may want dump_mm(), which no module gets. */
	lockdep_assert_held(&mmapping->mm->mmap_lock);
	return vma && is_at(mmapping, vma) && takes_pfn(vma) ? vma : NULL;
}

static void end_record(struct mmapping *mmapping, unsigned int index)
{
	struct lab_range *range = &mmapping->range;

	lockdep_assert_held(&mmapping->lock);
	lab_mapping_detach(range->owner, range->pages[index].slot,
			   &range->pages[index].map, _RET_IP_);
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

/*
 * Takes a reference if @map is a process's. With @call, only if the page has no other mapping, and
 * the call's handle is the live owner's, and its stamp the page's. lab_mapping_find() calls this
 * under map_lock, so the owner's end waits for a grace period after this.
 */
static bool take_if_process(struct lab_mapping *map, bool alone, const void *arg)
{
	struct mmapping *mmapping = mmapping_of(map);
	const struct lab_call *call = arg;

	if (map->what.kind != LAB_MAP_PROCESS)
		return false;
	if (call && (!alone || !lab_owner_is(mmapping->range.owner, call->handle) ||
		     !lab_stamp_fits(call)))
		return false;
	kref_get(&mmapping->ref);
	return true;
}

static bool zap_in_place(struct mmapping *mmapping, unsigned int index)
{
	struct vm_area_struct *vma = find_place(mmapping);

	lockdep_assert_held(&mmapping->lock);
	if (vma)
		lab_zap_vma_ptes(vma, vma->vm_start + index * PAGE_SIZE, PAGE_SIZE);
	return vma;
}

/*
 * Whether no entry of the page is left, as before the first fault. False also where the VMA is
 * not in its place.
 */
static bool try_zap(struct mmapping *mmapping, unsigned int index)
{
	struct mm_struct *mm = mmapping->mm;
	bool zapped = false;

	if (!mmapping->reached)
		return true;
	/* Without users the mm is just being taken apart, and the core closes the VMA. */
	if (!mmget_not_zero(mm))
		return false;
	if (mmap_read_trylock(mm)) {
		zapped = zap_in_place(mmapping, index);
		mmap_read_unlock(mm);
	}
	/* Putting the last user takes the mm apart, which may need locks that the caller holds. */
	mmput_async(mm);
	return zapped;
}

static bool try_revoke(struct mmapping *mmapping, unsigned int index)
{
	bool zapped;

	if (!mutex_trylock(&mmapping->lock))
		return false;
	zapped = try_zap(mmapping, index);
	if (zapped)
		end_record(mmapping, index);
	mutex_unlock(&mmapping->lock);
	return zapped;
}

/*
 * Takes the page in @slot away from the process that has the page mapped. With @call, only if the
 * page has no other mappings, and the call is still about the owner's page.
 * Context: Task; may sleep, as MMU notifiers do, but waits for no process.
 */
enum lab_revoke lab_mmap_revoke(struct lab_owner *owner, struct lab_slot *slot,
				const struct lab_call *call)
{
	struct mmapping *mmapping;
	struct lab_mapping *map;
	bool revoked;

	map = lab_mapping_find(owner, slot, take_if_process, call);
	if (!map)
		return LAB_REVOKE_NONE;
	mmapping = mmapping_of(map);
	revoked = try_revoke(mmapping, index_of(mmapping, map));
	put_mmapping(mmapping);
	return revoked ? LAB_REVOKED : LAB_REVOKE_LATER;
}

/* Whether the owner gave the page up while a process had the page mapped. */
static bool is_retired(const struct lab_range_page *page)
{
	/* A tag stays in the same slot as long as the mapping is linked. */
	return lab_mapping_is_linked(&page->map) &&
	       lab_tag_state(READ_ONCE(page->slot->tag)) == LAB_LIMBO;
}

/* Reports, once, that a driver passed a copy of a VMA, or changed the VMA afterwards. */
static void report_wrong_vma(struct mmapping *mmapping)
{
	const struct lab_range *range = &mmapping->range;
	lab_tag_t tag = 0;

	if (mmapping->told)
		return;
	mmapping->told = true;
	/* A page without a linked record may have another owner by now. */
	if (lab_mapping_is_linked(&range->pages[0].map))
		tag = READ_ONCE(range->pages[0].slot->tag);
	lab_report(&(struct lab_refusal) {
		.class = LAB_WRONG_VMA,
		.op = LAB_OP_MAP,
		.tag = tag,
		.note = tag ? lab_page_note(NULL, tag) : (struct lab_page_note) {},
		.caller = range->owner,
		.ip = range->pages[0].map.what.site,
	});
}

/*
 * Zaps all entries of @mmapping in @vma, which may be any VMA.
 * Return: false if @vma may have entries that cannot be found.
 */
static bool zap_in(const struct mmapping *mmapping, struct vm_area_struct *vma)
{
	unsigned long addr;

	if (!takes_pfn(vma))
		return false;
	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		if (leads_to(mmapping, vma, addr))
			lab_zap_vma_ptes(vma, addr, PAGE_SIZE);
		cond_resched();
	}
	return true;
}

/*
 * Zaps all entries where the VMA is not in its place. Entries can only be where the fault
 * handler put entries, in a VMA of the same file. The mmap_lock is held for writing: no
 * munmap() is under way.
 */
static bool zap_anywhere(const struct mmapping *mmapping)
{
	struct vm_area_struct *vma;
	unsigned long addr = 0;
	bool known = true;

	lockdep_assert_held(&mmapping->lock);
	while ((vma = find_vma(mmapping->mm, addr))) {
		addr = vma->vm_end;
		if (vma->vm_file == mmapping->file && !zap_in(mmapping, vma))
			known = false;
	}
	return known;
}

/*
 * Whether @mm, which has no users, has been taken apart entirely: exit_mmap() empties the tree
 * last, before exit_mmap() drops the mmap_lock.
 */
static bool is_dismantled(struct mm_struct *mm)
{
	bool dismantled;

	if (!lab_mmap_write_trylock(mm))
		return false;
	dismantled = !find_vma(mm, 0);
	mmap_write_unlock(mm);
	return dismantled;
}

/* Zaps all entries of @mmapping wherever the VMA is. Return: whether none is left. */
static bool zap_all(struct mmapping *mmapping)
{
	struct mm_struct *mm = mmapping->mm;
	bool gone = false, closed = true;

	if (!mmget_not_zero(mm))
		return is_dismantled(mm);
	if (lab_mmap_write_trylock(mm)) {
		/* A closed VMA's struct mmapping has left the table, and has no linked record. */
		closed = find_place(mmapping) || hlist_unhashed(&mmapping->node);
		gone = zap_anywhere(mmapping);
		mmap_write_unlock(mm);
	}
	mmput_async(mm);
	if (!closed)
		report_wrong_vma(mmapping);
	return gone;
}

static bool revoke_page(struct mmapping *mmapping, unsigned int index)
{
	if (!try_zap(mmapping, index)) {
		if (!zap_all(mmapping))
			return false;
		/* The next fault makes the entries of pages that are still mapped. */
		mmapping->reached = false;
	}
	end_record(mmapping, index);
	return true;
}

/* Takes every page away that the owner gave up. Return: false to be called again. */
static bool revoke_retired(struct mmapping *mmapping)
{
	unsigned int i;

	for (i = 0; i < mmapping->range.nr; i++) {
		if (is_retired(&mmapping->range.pages[i]) &&
		    !revoke_page(mmapping, i))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * Finds out whether the driver passed a VMA of the process, unless a fault through the VMA has
 * shown that. With the mmap_lock held for writing, a VMA of the process is in the tree, or the
 * core has closed the VMA. A copy is neither. Nor is a VMA of which the driver's mmap() failed
 * after labyrinth_mmap(): the core frees such a VMA without a close.
 * Return: false to be called again.
 */
static bool prove_vma(struct mmapping *mmapping)
{
	bool is_wrong;

	if (mmapping->proven || mmapping->reached)
		return true;
	if (!lab_mmap_write_trylock(mmapping->mm))
		return false;
	mmapping->proven = find_place(mmapping);
	is_wrong = !mmapping->proven && !hlist_unhashed(&mmapping->node);
	mmap_write_unlock(mmapping->mm);
	if (is_wrong) {
		report_wrong_vma(mmapping);
		end_mmapping(mmapping);
	}
	return true;
}

static bool try_look(struct mmapping *mmapping)
{
	bool done;

	if (!mutex_trylock(&mmapping->lock))
		return false;
	done = prove_vma(mmapping) && revoke_retired(mmapping);
	mutex_unlock(&mmapping->lock);
	return done;
}

static void look_after(struct work_struct *work)
{
	struct mmapping *mmapping = container_of(to_delayed_work(work),
						 struct mmapping, work);

	if (try_look(mmapping)) {
		mmapping->delay = RETRY_FIRST;
	} else {
		queue_look(mmapping, mmapping->delay);
		mmapping->delay = min_t(unsigned long, mmapping->delay * 2, RETRY_LAST);
	}
	put_mmapping(mmapping);
}

/* Queues the work item of each struct mmapping on kicked_mmaps. */
static void queue_kicked(struct work_struct *work)
{
	struct llist_node *first = llist_del_all(&kicked_mmaps);
	struct mmapping *mmapping, *next;

	llist_for_each_entry_safe(mmapping, next, first, kicked) {
		clear_bit(MMAPPING_KICKED, &mmapping->flags);
		/* Pairs with take_to_kick(): this work item serves a kick that saw the bit set. */
		smp_mb__after_atomic();
		queue_look(mmapping, 0);
		put_mmapping(mmapping);
	}
}

static bool take_to_kick(struct lab_mapping *map, bool alone, const void *unused)
{
	struct mmapping *mmapping = mmapping_of(map);

	/* A full barrier. Pairs with queue_kicked(): the work item sees the page retired. */
	if (map->what.kind != LAB_MAP_PROCESS ||
	    test_and_set_bit(MMAPPING_KICKED, &mmapping->flags))
		return false;
	kref_get(&mmapping->ref);
	return true;
}

static void kick_mmapping(struct mmapping *mmapping)
{
	llist_add(&mmapping->kicked, &kicked_mmaps);
	irq_work_queue(&kick_work);
}

/*
 * The page in @slot was retired while a process had the page mapped: queues the work item.
 * Context: Any but NMI.
 */
void lab_mmap_kick(struct lab_owner *owner, struct lab_slot *slot)
{
	struct lab_mapping *map;

	map = lab_mapping_find(owner, slot, take_to_kick, NULL);
	if (map)
		kick_mmapping(mmapping_of(map));
}

/* Context: Task; may sleep. Return: 0 or -ENOMEM. */
int lab_mmap_init(void)
{
	mmap_wq = alloc_workqueue("labyrinth_mmap", WQ_UNBOUND, 0);
	return mmap_wq ? 0 : -ENOMEM;
}

/* The first struct mmapping in the table, with a reference, or NULL. */
static struct mmapping *get_first(void)
{
	struct mmapping *mmapping, *found = NULL;
	int bucket;

	spin_lock(&mmaps_lock);
	hash_for_each(mmaps, bucket, mmapping, node)
		found = mmapping;
	if (found)
		kref_get(&found->ref);
	spin_unlock(&mmaps_lock);
	return found;
}

/*
 * No VMA is left: a VMA's file pins the driver, and the driver pins Labyrinth. But a driver may
 * have changed a VMA, so that the core's close never came here.
 * Context: Task; may sleep. No owner is left.
 */
void lab_mmap_exit(void)
{
	struct mmapping *mmapping;

	irq_work_sync(&kick_work);
	flush_work(&kicked_work);
	while ((mmapping = get_first())) {
		end_mmapping(mmapping);
		put_mmapping(mmapping);
	}
	/* A work item that was about to be queued again finds nothing left to do. */
	wait_var_event(&nr_mmappings, !atomic_read(&nr_mmappings));
	destroy_workqueue(mmap_wq);
}
