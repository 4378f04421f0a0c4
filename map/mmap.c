// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner's pages mapped into a process. The state owned here is the hash table of
 * such mappings.
 *
 * The mapping is by frame number: VM_PFNMAP and VM_IO, so that nothing that goes
 * through get_user_pages() reaches the pages (ptrace, /proc/PID/mem,
 * process_vm_readv(), O_DIRECT, io_uring). The mapping is not inherited, expanded,
 * moved, split or dumped.
 *
 * labyrinth_mmap() writes no page table entry. The fault handler does, with the first
 * access, and only in the VMA that the fault came through: the core found that VMA
 * in the process's tree. A driver may pass a copy of a VMA to labyrinth_mmap(). No
 * fault ever comes through a copy, so no entry exists that Labyrinth cannot find.
 * An access to a page that was taken away is SIGBUS.
 *
 * A record ends only after its page's entry is known to be gone, in one of these ways:
 *
 * - no fault has come yet (mmapping->reached is false): there is no entry.
 * - under the process's mmap_lock the VMA is in its place: the entry is zapped.
 *   munmap() takes a VMA out of the tree with the lock held for writing, and clears
 *   the entries with the lock held for reading, so a VMA that a reader finds has all
 *   its entries yet.
 * - the VMA is not in its place, and the lock is held for writing: no munmap() is
 *   under way. Every VMA of the driver's file is searched, and what is found zapped. A
 *   driver that changes vm_private_data or vm_ops after labyrinth_mmap() leads here.
 * - the core closes the VMA, and no entry is left in it.
 * - the process's address space has been taken apart.
 *
 * mmapping->lock keeps the fault handler from writing an entry between the zap and the
 * end of the record. It nests in mmap_lock, and is held while page tables are
 * allocated. So whoever takes a page away takes neither lock but by a trylock: a
 * process can hold its own mmap_lock for as long as it likes. Where a trylock fails the
 * page goes to limbo, where nobody gets it, and a work item of that one mapping
 * tries again and again. Nobody else's pages wait for it.
 *
 * A struct mmapping lives while it is in the hash table, or somebody has a reference
 * to it. It leaves the table when its VMA is closed, or is found not to be one of the
 * process's; until then each of its records that is linked keeps it there. The VMA's
 * pointer to it is looked up in the table, never followed.
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
#include "report/trace.h"

/* When a work item tries again: twice as long after each time, within these. */
#define RETRY_FIRST	msecs_to_jiffies(10)
#define RETRY_LAST	HZ
/* Most processes have touched their mapping by then, which proves the VMA theirs. */
#define PROOF_DELAY	HZ

/* mmapping->flags: it is on the list of those that were kicked. */
#define MMAPPING_KICKED	0

struct mmapping {
	struct kref ref;
	struct hlist_node node;		/* in @mmaps, by its own address */
	struct llist_node kicked;	/* in @kicked_mmaps, while MMAPPING_KICKED */
	unsigned long flags;
	struct delayed_work work;	/* holds a reference while it is queued */
	unsigned long delay;		/* of @work, for the next time */
	struct mm_struct *mm;		/* holds mm_count, not mm_users */
	const struct file *file;	/* the VMA's; compared, never followed */
	unsigned long start;
	/*
	 * Protects the members below, and all page table entries of the mapping but
	 * for their removal by the core.
	 */
	struct mutex lock;
	bool reached;			/* there may be entries */
	bool proven;			/* its VMA was found in the process's tree */
	bool told;			/* that its VMA is not in its place */
	struct lab_range range;		/* last: of variable length */
};

/* Protects the hash table. Nests in any mmap_lock, and owner->map_lock does not in it. */
static DEFINE_SPINLOCK(mmaps_lock);
static DEFINE_HASHTABLE(mmaps, 8);

/* How many struct mmapping there are: lab_mmap_exit() waits until it is 0. */
static atomic_t nr_mmappings;

/* One work item for each mapping, so that one that waits does not stop the others. */
static struct workqueue_struct *mmap_wq;

static void queue_kicked(struct work_struct *work);
static LLIST_HEAD(kicked_mmaps);
static DECLARE_WORK(kicked_work, queue_kicked);

static void schedule_kicked(struct irq_work *kick)
{
	schedule_work(&kicked_work);
}

static struct irq_work kick_work = IRQ_WORK_INIT(schedule_kicked);

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

/* Queues the work item, with a reference of its own, unless it is queued already. */
static void queue_look(struct mmapping *mmapping, unsigned long delay)
{
	kref_get(&mmapping->ref);
	if (!queue_delayed_work(mmap_wq, &mmapping->work, delay))
		put_mmapping(mmapping);
}

/*
 * The records end, and the table's reference: what they gave access to must have
 * ended before. Only one of two callers at a time does it.
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

/* The mapping that @vma is of, with a reference; or NULL. */
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

/* Whether the entry at @addr of @vma leads to a page of @mmapping's. */
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
 * The core has taken the entries out already, and has not let the mmap_lock go. Where
 * entries are left, somebody else has called this: the mapping goes on.
 */
static void mmap_close(struct vm_area_struct *vma)
{
	struct mmapping *mmapping = get_mmapping(vma);
	bool left = false;
	unsigned long addr;

	if (!mmapping)
		return;
	/* Harmless: set before the first entry is made, which is before the close. */
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

/* Whether a page is its owner's, and mapped as @mmapping says. */
static bool is_mapped(const struct mmapping *mmapping, unsigned int index)
{
	const struct lab_range_page *page = &mmapping->range.pages[index];

	/* A tag does not move, and stays as long as the mapping is linked. */
	return READ_ONCE(page->map.linked) &&
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

/* Whether the core takes an entry by frame number in @vma: it has BUG_ON()s else. */
static bool takes_pfn(const struct vm_area_struct *vma)
{
	bool is_cow = (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;

	return (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP)) == VM_PFNMAP && !is_cow;
}

/* The first fault maps all pages that are there, and not just the one. */
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
 * Whether @vma may be one of the process's own. The core has not put it into the
 * process's tree yet, but allocates it with kmem_cache_alloc(): what is on a stack or
 * in a module's data is a copy. A copy from kmalloc() passes, see prove().
 */
static bool may_be_own(const struct vm_area_struct *vma)
{
	return virt_addr_valid(vma) && !object_is_on_stack(vma) &&
	       PageSlab(virt_to_head_page(vma)) &&
	       vma->vm_mm && vma->vm_mm == current->mm && vma->vm_file;
}

/* What the process chose, and not the driver. */
static bool fits_process(struct vm_area_struct *vma, unsigned int nr)
{
	return vma_pages(vma) == nr && vma->vm_flags & VM_MAYSHARE;
}

/* Not reported, unless the handle is wrong. */
static int decline(struct lab_call *call)
{
	int err = lab_call_begin_rcu(call);

	lab_call_end_rcu(call, err);
	return err ?: -EINVAL;
}

/**
 * labyrinth_mmap() - map pages into a process
 * @owner: who holds all of them.
 * @vma: what the driver's mmap() was given: shared, and as long as the pages are
 *	together.
 * @addrs: their addresses, in the order wanted.
 * @nr: how many.
 *
 * The pages stay @owner's, and may be mapped into one process at a time. The entries
 * are made when the process first touches the mapping. The mapping
 * is the process's alone: not inherited, expanded, moved, split or dumped, and not to
 * be reached by another process or by get_user_pages(). It ends when it is unmapped
 * or the process ends; or, page by page, when @owner frees, transfers or releases
 * the page, or is destroyed: to access it is SIGBUS then. If one page is not @owner's,
 * none is mapped.
 *
 * @vma is the very one that the core gave to the driver's mmap(), not a copy of it. A
 * copy in static memory or on a stack is refused. A copy from kmalloc() cannot be
 * told at once: the process never reaches a page through it, and within seconds the
 * pages are HELD again, and class wrong-vma is reported.
 *
 * @vma's vm_ops and vm_private_data are Labyrinth's after success. A driver's mmap()
 * must not fail after that: where it does, the core closes no VMA, and the same is
 * reported.
 *
 * Context: Task, in a driver's mmap(): the mmap_lock is held for writing. May
 * sleep.
 * Return: 0; -EPERM one of them has another owner, or the caller is not the bound
 * thread; -ENOENT one is no Labyrinth page, or freed; -EBUSY one is lent, or
 * mapped into a process already, which is not reported; -EINVAL @vma is private, or
 * not @nr pages long, which is not reported, since the process has chosen it; -EINVAL
 * as labyrinth_free_page(), or @vma is NULL, a copy, or mapped by this already, or
 * @addrs is NULL, or @nr 0; -ENOMEM.
 */
int labyrinth_mmap(struct labyrinth_owner *owner, struct vm_area_struct *vma,
		   void **addrs, unsigned int nr)
{
	struct lab_call call = {
		.op = LAB_OP_MAP, .handle = owner, .ip = _RET_IP_,
	};

	might_sleep();
	if (!lab_range_fits(addrs, nr) || !vma || vma->vm_ops == &mmap_ops ||
	    vma->vm_flags & VM_MIXEDMAP)
		return lab_call_refuse(&call, LAB_BAD_MAPPING);
	if (!may_be_own(vma))
		return lab_call_refuse(&call, LAB_WRONG_VMA);
	if (!fits_process(vma, nr))
		return decline(&call);
	return map_pages(&call, vma, addrs, nr);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_mmap, LAB_NS);

/* The VMA in its place, or NULL; the mmap_lock is held. */
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
 * With a handle, only of a page that has no other mapping, and whose owner lives. Under
 * map_lock, so the owner's end waits for a grace period after this.
 */
static bool take_if_process(struct lab_mapping *map, bool alone, const void *handle)
{
	struct mmapping *mmapping = mmapping_of(map);

	if (map->what.kind != LAB_MAP_PROCESS)
		return false;
	if (handle && (!alone || !lab_owner_is(mmapping->range.owner, handle)))
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

/* Whether no entry of the page is left, where its VMA is in its place. */
static bool try_zap(struct mmapping *mmapping, unsigned int index)
{
	struct mm_struct *mm = mmapping->mm;
	bool zapped = false;

	if (!mmapping->reached)
		return true;
	/* Without users the mm is just being taken apart, and the VMA closed. */
	if (!mmget_not_zero(mm))
		return false;
	if (mmap_read_trylock(mm)) {
		zapped = zap_in_place(mmapping, index);
		mmap_read_unlock(mm);
	}
	/* The last user takes the mm apart, which may need the caller's locks. */
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
 * Takes the page in @slot away from the process that has it mapped. With @handle, unless
 * the page has other mappings, or @handle is not its owner's any more.
 * Context: Task; may sleep, as MMU notifiers do, but waits for no process.
 */
enum lab_revoke lab_mmap_revoke(struct lab_owner *owner, struct lab_slot *slot,
				const struct labyrinth_owner *handle)
{
	struct mmapping *mmapping;
	struct lab_mapping *map;
	bool revoked;

	map = lab_mapping_find(owner, slot, take_if_process, handle);
	if (!map)
		return LAB_REVOKE_NONE;
	mmapping = mmapping_of(map);
	revoked = try_revoke(mmapping, index_of(mmapping, map));
	put_mmapping(mmapping);
	return revoked ? LAB_REVOKED : LAB_REVOKE_LATER;
}

/* Whether the page was given up while it was mapped. */
static bool is_retired(const struct lab_range_page *page)
{
	/* A tag does not move, and stays as long as the mapping is linked. */
	return READ_ONCE(page->map.linked) &&
	       lab_tag_state(READ_ONCE(page->slot->tag)) == LAB_LIMBO;
}

/* A driver has given something else than the process's own VMA, or changed it after. */
static void tell_wrong_vma(struct mmapping *mmapping)
{
	const struct lab_range *range = &mmapping->range;
	lab_tag_t tag = 0;

	if (mmapping->told)
		return;
	mmapping->told = true;
	/* A page whose record has ended may be another owner's by now. */
	if (READ_ONCE(range->pages[0].map.linked))
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
 * Zaps what there is of @mmapping's in @vma, any VMA.
 * Return: false where that cannot be known.
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
 * The VMA is not in its place. An entry can only be where the fault handler put it, in
 * a VMA of the same file. The mmap_lock is held for writing: no munmap() is under way.
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
 * Whether an address space without users has been taken apart altogether: exit_mmap()
 * empties the tree last, before it lets go of the lock.
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

/* Leaves no entry at all of @mmapping's, if all can be found. */
static bool zap_all(struct mmapping *mmapping)
{
	struct mm_struct *mm = mmapping->mm;
	bool gone = false, closed = true;

	if (!mmget_not_zero(mm))
		return is_dismantled(mm);
	if (lab_mmap_write_trylock(mm)) {
		/* A VMA that was closed has left the table, and no record is linked. */
		closed = find_place(mmapping) || hlist_unhashed(&mmapping->node);
		gone = zap_anywhere(mmapping);
		mmap_write_unlock(mm);
	}
	mmput_async(mm);
	if (!closed)
		tell_wrong_vma(mmapping);
	return gone;
}

static bool revoke_page(struct mmapping *mmapping, unsigned int index)
{
	if (!try_zap(mmapping, index)) {
		if (!zap_all(mmapping))
			return false;
		/* The next fault makes entries again, of pages that are mapped still. */
		mmapping->reached = false;
	}
	end_record(mmapping, index);
	return true;
}

/* Return: false if it has to be tried again. */
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
 * Finds out whether the driver gave the process's own VMA, unless a fault through it
 * has shown that. With the mmap_lock held for writing a VMA is in the tree, or its
 * close has ended; a copy is neither, and a VMA whose driver failed after
 * labyrinth_mmap() is gone without a close.
 * Return: false if it has to be tried again.
 */
static bool prove(struct mmapping *mmapping)
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
		tell_wrong_vma(mmapping);
		end_mmapping(mmapping);
	}
	return true;
}

static bool try_look(struct mmapping *mmapping)
{
	bool done;

	if (!mutex_trylock(&mmapping->lock))
		return false;
	done = prove(mmapping) && revoke_retired(mmapping);
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

/* Of those that were kicked, each gets its work item queued. */
static void queue_kicked(struct work_struct *work)
{
	struct llist_node *first = llist_del_all(&kicked_mmaps);
	struct mmapping *mmapping, *next;

	llist_for_each_entry_safe(mmapping, next, first, kicked) {
		clear_bit(MMAPPING_KICKED, &mmapping->flags);
		/* Pairs with take_to_kick(): a kick that saw the bit set is served. */
		smp_mb__after_atomic();
		queue_look(mmapping, 0);
		put_mmapping(mmapping);
	}
}

static bool take_to_kick(struct lab_mapping *map, bool alone, const void *unused)
{
	struct mmapping *mmapping = mmapping_of(map);

	/* The bit is a full barrier: the work item sees that the page is retired. */
	if (map->what.kind != LAB_MAP_PROCESS ||
	    test_and_set_bit(MMAPPING_KICKED, &mmapping->flags))
		return false;
	kref_get(&mmapping->ref);
	return true;
}

static void kick(struct mmapping *mmapping)
{
	llist_add(&mmapping->kicked, &kicked_mmaps);
	irq_work_queue(&kick_work);
}

/* The page in @slot has been retired from under a process. Context: Any but NMI. */
void lab_mmap_kick(struct lab_owner *owner, struct lab_slot *slot)
{
	struct lab_mapping *map;

	map = lab_mapping_find(owner, slot, take_to_kick, NULL);
	if (map)
		kick(mmapping_of(map));
}

/*
 * The owner has gone: every page that a process still has is taken away from it,
 * also where the page's list of mappings was lost.
 * Context: Task; may sleep.
 */
void lab_mmap_end_all(const struct lab_owner *owner)
{
	struct mmapping *mmapping;
	int bucket;

	spin_lock(&mmaps_lock);
	hash_for_each(mmaps, bucket, mmapping, node) {
		if (mmapping->range.owner != owner ||
		    test_and_set_bit(MMAPPING_KICKED, &mmapping->flags))
			continue;
		kref_get(&mmapping->ref);
		kick(mmapping);
	}
	spin_unlock(&mmaps_lock);
}

/* Context: Task; may sleep. Return: 0 or -ENOMEM. */
int lab_mmap_init(void)
{
	mmap_wq = alloc_workqueue("labyrinth_mmap", WQ_UNBOUND, 0);
	return mmap_wq ? 0 : -ENOMEM;
}

/* The mapping that is first in the table, with a reference, or NULL. */
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
 * No VMA is left: its file pins the driver, and that Labyrinth. But a driver may have
 * changed a VMA, so that its close was never heard of.
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
