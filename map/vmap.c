// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner's pages mapped side by side into the kernel. The state owned here is the table of
 * these mappings, by address.
 *
 * vmap_lock is held from before the pages are claimed until the mapping is in the table, and
 * from the look-up of a mapping until the pages are let go. So lab_vmap_end_all(), which runs
 * after the owner's handle was taken back, finds all of the owner's mappings, and no other call
 * is about to make or end one.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "hook/own.h"
#include "map/range.h"
#include "map/vmap.h"
#include "page/seal.h"
#include "report/trace.h"

struct vmapping {
	void *vaddr;
	struct lab_range range;		/* last: of variable length */
};

/* Protects the xarray and the mappings there. Taken in task context only. */
static DEFINE_MUTEX(vmap_lock);
static DEFINE_XARRAY(vmaps);		/* by the number of the first virtual page */

static unsigned long key_of(const void *vaddr)
{
	return (unsigned long)vaddr >> PAGE_SHIFT;
}

/* Maps the pages of @range, which have been claimed. */
static void *map_pages(const struct lab_range *range)
{
	/* A reader of /proc/kcore goes by the direct map, but not for what is I/O's. */
	unsigned long flags = lab_owner_is_sealed(range->owner) ? VM_MAP | VM_IOREMAP : VM_MAP;
	struct page **pages = kvmalloc_array(range->nr, sizeof(*pages), GFP_KERNEL);
	unsigned int i;
	void *vaddr;

	if (!pages)
		return NULL;
	for (i = 0; i < range->nr; i++)
		pages[i] = pfn_to_page(range->pages[i].pfn);
	vaddr = LAB_OWN(vmap)(pages, range->nr, flags, PAGE_KERNEL);
	kvfree(pages);
	return vaddr;
}

static void note_address(struct vmapping *vmapping)
{
	struct lab_range *range = &vmapping->range;
	unsigned int i;

	for (i = 0; i < range->nr; i++)
		lab_mapping_place(range->owner, &range->pages[i].map,
				  (unsigned long)vmapping->vaddr);
}

static void end_vmapping(struct vmapping *vmapping)
{
	xa_erase(&vmaps, key_of(vmapping->vaddr));
	vunmap(vmapping->vaddr);
	lab_range_detach(&vmapping->range);
	kvfree(vmapping);
}

static int claim_pages(struct lab_call *call, struct lab_range *range,
		       void **addrs)
{
	struct lab_map_note what = { .kind = LAB_MAP_KERNEL, .site = call->ip };
	int err = lab_call_begin_rcu(call);

	if (!err)
		err = lab_range_attach(range, call, addrs, &what);
	return lab_call_end_rcu(call, err);
}

static int map_claimed(struct vmapping *vmapping)
{
	int err;

	vmapping->vaddr = map_pages(&vmapping->range);
	if (!vmapping->vaddr)
		return -ENOMEM;
	note_address(vmapping);
	err = xa_err(xa_store(&vmaps, key_of(vmapping->vaddr), vmapping,
			      GFP_KERNEL));
	if (err)
		vunmap(vmapping->vaddr);
	return err;
}

static int map_locked(struct lab_call *call, struct vmapping *vmapping,
		      void **addrs)
{
	int err = claim_pages(call, &vmapping->range, addrs);

	if (err)
		return err;
	err = map_claimed(vmapping);
	if (err)
		lab_range_detach(&vmapping->range);
	return err;
}

/**
 * labyrinth_vmap() - map pages side by side into the kernel's address space
 * @owner: the holder of all @nr pages.
 * @addrs: the addresses of the pages, in the order wanted.
 * @nr: how many pages.
 *
 * The pages stay @owner's. While mapped, the pages cannot be freed, transferred, lent or
 * released; labyrinth_vunmap() ends the mapping, and so does the owner's end. If one page is
 * not @owner's, no page is mapped.
 *
 * Context: Task. May sleep.
 * Return: the address of the mapping; or ERR_PTR: -EPERM a page has another owner, or the
 * caller is not the bound thread; -ENOENT a page is no Labyrinth page, or freed; -EBUSY a page
 * is lent or POSTED; -EINVAL as labyrinth_free_page(), or @addrs is NULL, or @nr 0 or beyond the
 * owner table's capacity; -ENOMEM.
 */
void *labyrinth_vmap(struct labyrinth_owner *owner, void **addrs,
		     unsigned int nr)
{
	struct lab_call call = {
		.op = LAB_OP_VMAP, .handle = owner, .ip = _RET_IP_,
	};
	struct vmapping *vmapping;
	void *vaddr;
	int err;

	might_sleep();
	if (!lab_range_fits(addrs, nr))
		return ERR_PTR(lab_call_refuse(&call, LAB_BAD_MAPPING));
	vmapping = kvzalloc(struct_size(vmapping, range.pages, nr), GFP_KERNEL);
	if (!vmapping)
		return ERR_PTR(-ENOMEM);
	vmapping->range.nr = nr;
	mutex_lock(&vmap_lock);
	err = map_locked(&call, vmapping, addrs);
	vaddr = vmapping->vaddr;
	mutex_unlock(&vmap_lock);
	/* The owner may have been destroyed since the unlock, and the struct with the owner. */
	if (!err)
		return vaddr;
	kvfree(vmapping);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_vmap, LAB_NS);

/* Finds the mapping at @vaddr, if the owner of @call may end that mapping. */
static int find_vmapping(struct lab_call *call, void *vaddr,
			 struct vmapping **found)
{
	struct vmapping *vmapping = xa_load(&vmaps, key_of(vaddr));

	if (!vmapping || vmapping->vaddr != vaddr) {
		call->class = LAB_BAD_MAPPING;
		return vaddr && PAGE_ALIGNED(vaddr) ? -ENOENT : -EINVAL;
	}
	if (vmapping->range.owner != call->owner) {
		call->class = LAB_FOREIGN;
		call->slot = vmapping->range.pages[0].slot;
		call->tag = READ_ONCE(call->slot->tag);
		return -EPERM;
	}
	*found = vmapping;
	return 0;
}

static int unmap_locked(struct lab_call *call, void *vaddr)
{
	struct vmapping *vmapping;
	int err = lab_call_begin_rcu(call);

	if (!err)
		err = find_vmapping(call, vaddr, &vmapping);
	err = lab_call_end_rcu(call, err);
	if (!err)
		end_vmapping(vmapping);
	return err;
}

/**
 * labyrinth_vunmap() - end a mapping into the kernel's address space
 * @owner: the owner that made the mapping.
 * @vaddr: the address of the mapping, as labyrinth_vmap() returned.
 *
 * Context: Task. May sleep.
 * Return: 0; -EPERM the mapping is another owner's, or the caller is not the bound thread;
 * -ENOENT @vaddr has no mapping; -EINVAL NULL, not page-aligned, or not a live owner's handle.
 */
int labyrinth_vunmap(struct labyrinth_owner *owner, void *vaddr)
{
	struct lab_call call = {
		.op = LAB_OP_UNMAP, .handle = owner, .addr = vaddr,
		.ip = _RET_IP_,
	};
	int err;

	might_sleep();
	mutex_lock(&vmap_lock);
	err = unmap_locked(&call, vaddr);
	mutex_unlock(&vmap_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_vunmap, LAB_NS);

/*
 * Ends all mappings of @owner. Nobody uses the owner's handle any more.
 * Context: Task; may sleep.
 */
void lab_vmap_end_all(const struct lab_owner *owner)
{
	struct vmapping *vmapping;
	unsigned long key;

	mutex_lock(&vmap_lock);
	xa_for_each(&vmaps, key, vmapping)
		if (vmapping->range.owner == owner)
			end_vmapping(vmapping);
	mutex_unlock(&vmap_lock);
}
