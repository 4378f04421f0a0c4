// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner's pages mapped for DMA by the owner's device. No state is owned here: page/mapping.c
 * has the records.
 *
 * The mapping is made before the record, and ended before the record goes. Meanwhile the page
 * is MAPPED, so no call frees the page or hands the page on while the device can reach the
 * page, or a bounce buffer is still to be copied. If two calls unmap the same mapping, one
 * claims the record and the other finds none.
 *
 * The locks of an IOMMU and of bounce buffers sleep on PREEMPT_RT. So RCU keeps the owner alive
 * here, and preemption stays as the caller had it. On PREEMPT_RT is_sane() refuses a caller with
 * preemption disabled, whether this device needs such a lock or not.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "core/context.h"
#include "hook/own.h"
#include "map/dma.h"
#include "map/elsewhere.h"
#include "page/limbo.h"
#include "page/resident.h"
#include "report/trace.h"

/* The attributes that make sense for a page of memory that is there already. */
#define KNOWN_ATTRS \
	(DMA_ATTR_WEAK_ORDERING | DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_NO_WARN | DMA_ATTR_PRIVILEGED)
/* In place of any others: refused by is_sane(). */
#define BAD_ATTRS		BIT(15)

static_assert(!(KNOWN_ATTRS & ~(BAD_ATTRS - 1)));

/* What makes no sense must not make sense after truncation. */
static struct lab_map_note describe_dma(size_t size, enum dma_data_direction dir,
					unsigned long attrs)
{
	return (struct lab_map_note) {
		.kind = LAB_MAP_DMA,
		.size = min_t(size_t, size, U32_MAX),
		.dir = valid_dma_direction(dir) ? dir : DMA_NONE,
		.attrs = attrs & ~KNOWN_ATTRS ? BAD_ATTRS : attrs,
	};
}

/* Refuses contexts that may not take the DMA API's locks. */
static bool is_sane(const struct device *dev, size_t offset,
		    const struct lab_map_note *wish)
{
	return lab_may_lock() && dev->dma_mask && wish->size &&
	       offset <= PAGE_SIZE && wish->size <= PAGE_SIZE - offset &&
	       valid_dma_direction(wish->dir) && wish->attrs != BAD_ATTRS;
}

static int check_wish(struct lab_call *call, const struct device *dev,
		      size_t offset, const struct lab_map_note *wish)
{
	call->class = LAB_WRONG_DEVICE;
	call->dev = dev;
	if (!dev || dev != call->owner->dev)
		return -EPERM;
	call->class = LAB_BAD_MAPPING;
	call->dev = NULL;
	return is_sane(dev, offset, wish) ? 0 : -EINVAL;
}

static int attach_record(struct lab_call *call, const struct lab_map_note *wish)
{
	struct lab_mapping *map = lab_mapping_get(call->owner);
	int err;

	if (!map)
		return -ENOMEM;
	map->what = *wish;
	map->range = NULL;
	err = lab_mapping_attach(call, map);
	if (err)
		lab_mapping_put(call->owner, map);
	return err;
}

static dma_addr_t map_page(struct device *dev, struct lab_frame *frame, size_t offset,
			   const struct lab_map_note *wish)
{
	/*
	 * Without SPARSEMEM_VMEMMAP the core finds the frame's number by the section in the
	 * flags of its struct page. Until the record is made, another of the owner's calls may
	 * take the page, and write to that word. Harmless: no call of Labyrinth's changes the
	 * section, and of a page that went meanwhile the mapping is undone.
	 */
	return data_race(lab_dma_map_page(LAB_OWN, dev, lab_frame_page(frame), offset,
					  wish->size, wish->dir, wish->attrs));
}

/*
 * Undoes a mapping that got no record. The page may have another owner by now, so a bounce
 * buffer must not be copied to the page.
 */
static void undo_dma_map(struct device *dev, const struct lab_map_note *wish)
{
	dma_unmap_page_attrs(dev, wish->addr, wish->size, wish->dir,
			     wish->attrs | DMA_ATTR_SKIP_CPU_SYNC);
}

static bool is_translated(struct device *dev)
{
	const struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_DMA_API;
}

/* A device plugged in from outside. An IOMMU bounces mappings that cover part of a page. */
static bool is_untrusted(struct device *dev)
{
	return dev_is_pci(dev) && to_pci_dev(dev)->untrusted;
}

/*
 * Whether the core would bounce any page for @dev, wherever in memory. The page of zeroes is
 * mapped to find out.
 */
static bool bounces_all(struct device *dev)
{
	dma_addr_t dma = dma_map_page(dev, ZERO_PAGE(0), 0, PAGE_SIZE, DMA_TO_DEVICE);
	bool bounces;

	if (dma_mapping_error(dev, dma))
		return true;
	bounces = dma_need_sync(dev, dma);
	dma_unmap_page(dev, dma, PAGE_SIZE, DMA_TO_DEVICE);
	return bounces;
}

static bool is_beyond_reach(struct device *dev, unsigned long pfn)
{
	u64 limit = min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);

	return PFN_PHYS(pfn) + PAGE_SIZE - 1 > limit;
}

/*
 * Whether the core would copy page @pfn to a bounce buffer for @dev. The core copies by the
 * direct map, where a sealed page is absent. Ask before the page is mapped: mapping copies.
 */
static bool would_bounce(struct device *dev, unsigned long pfn)
{
	if (is_translated(dev))
		return is_untrusted(dev);
	return is_beyond_reach(dev, pfn) || bounces_all(dev);
}

static int dma_map_held(struct lab_call *call, struct device *dev, size_t offset,
			struct lab_map_note *wish, dma_addr_t *dma)
{
	int err = check_wish(call, dev, offset, wish);

	if (!err && !dma)
		err = -EINVAL;
	if (err)
		return err;
	if (lab_owner_is_sealed(call->owner) && would_bounce(dev, lab_tag_pfn(call->tag))) {
		call->class = LAB_SEALED;
		return -EOPNOTSUPP;
	}
	wish->addr = map_page(dev, call->frame, offset, wish);
	if (dma_mapping_error(dev, wish->addr))
		return -ENOMEM;
	err = attach_record(call, wish);
	if (err)
		undo_dma_map(dev, wish);
	else
		*dma = wish->addr;
	return err;
}

/* Maps the page if the common checks pass. On false dma_map_slow() does the call, or refuses. */
static bool dma_map_fast(struct labyrinth_owner *handle, struct device *dev,
			 void *addr, size_t offset, struct lab_map_note *wish,
			 dma_addr_t *dma)
{
	struct lab_owner *owner = lab_owner_slot(handle);
	struct lab_fast page;

	if (!lab_fast_find(handle, addr, LAB_HELD, &page) ||
	    unlikely(!dma || !dev || dev != owner->dev || !is_sane(dev, offset, wish)))
		return false;
	wish->addr = map_page(dev, page.frame, offset, wish);
	if (unlikely(dma_mapping_error(dev, wish->addr)))
		return false;
	if (unlikely(!lab_mapping_attach_fast(owner, &page, wish))) {
		undo_dma_map(dev, wish);
		return false;
	}
	*dma = wish->addr;
	return true;
}

static noinline int dma_map_slow(struct labyrinth_owner *owner, struct device *dev,
				 void *addr, size_t offset, struct lab_map_note *wish,
				 dma_addr_t *dma)
{
	struct lab_call call = {
		.op = LAB_OP_DMA, .handle = owner, .addr = addr,
		.ip = wish->site,
	};
	int err = lab_call_begin_rcu(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = dma_map_held(&call, dev, offset, wish, dma);
	return lab_call_end_rcu(&call, err);
}

static __always_inline int dma_map(struct labyrinth_owner *owner, struct device *dev,
				   void *addr, size_t offset, struct lab_map_note *wish,
				   dma_addr_t *dma)
{
	bool done;

	rcu_read_lock();
	done = dma_map_fast(owner, dev, addr, offset, wish, dma);
	rcu_read_unlock();
	return likely(done) ? 0 : dma_map_slow(owner, dev, addr, offset, wish, dma);
}

/**
 * labyrinth_dma_map() - map a page, or part of a page, for DMA
 * @owner: the holder of the page.
 * @dev: the device that @owner was created with.
 * @addr: the page's address.
 * @offset: where in the page the part begins, in bytes.
 * @size: how many bytes; not beyond the page's end.
 * @dir: the direction of the transfer.
 * @dma: receives the address for the device; untouched on failure.
 *
 * The page stays @owner's. While mapped, the page can be mapped again, another part or the
 * same, but not freed, transferred, lent or released. Each mapping needs a
 * labyrinth_dma_unmap(). dma_sync_single_for_cpu() and dma_sync_single_for_device() may be used
 * in between, as with any mapping.
 *
 * Context: Any but NMI; on PREEMPT_RT with preemption enabled, since dma_map_page() takes
 * spinlocks for an IOMMU or a bounce buffer, and spinlocks sleep there. Does not sleep
 * otherwise.
 * Return: 0; -EPERM the page has another owner, or the caller is not the bound thread, or @dev
 * is not the owner's device; -ENOENT no Labyrinth page, or freed; -EBUSY lent or POSTED;
 * -EOPNOTSUPP the page is sealed, and @dev reaches memory by a bounce buffer only; -EINVAL as
 * labyrinth_free_page(), or @size, @offset or @dir make no sense, or not in this context;
 * -ENOMEM no room for the mapping or the record.
 */
int labyrinth_dma_map(struct labyrinth_owner *owner, struct device *dev,
		      void *addr, size_t offset, size_t size,
		      enum dma_data_direction dir, dma_addr_t *dma)
{
	struct lab_map_note wish = describe_dma(size, dir, 0);

	wish.site = _RET_IP_;
	return dma_map(owner, dev, addr, offset, &wish, dma);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_dma_map, LAB_NS);

/**
 * labyrinth_dma_map_attrs() - map a page, or part of a page, for DMA in a special way
 * @owner: as for labyrinth_dma_map(), and so the following.
 * @dev: the device.
 * @addr: the page's address.
 * @offset: where in the page the part begins.
 * @size: how many bytes.
 * @dir: the direction.
 * @dma: receives the address for the device.
 * @attrs: %DMA_ATTR_SKIP_CPU_SYNC, %DMA_ATTR_WEAK_ORDERING, %DMA_ATTR_PRIVILEGED and
 *	%DMA_ATTR_NO_WARN, or 0.
 *
 * As labyrinth_dma_map(). labyrinth_dma_unmap() ends the mapping with the same attributes.
 *
 * Context: As labyrinth_dma_map().
 * Return: As labyrinth_dma_map(); -EINVAL also for other attributes.
 */
int labyrinth_dma_map_attrs(struct labyrinth_owner *owner, struct device *dev,
			    void *addr, size_t offset, size_t size,
			    enum dma_data_direction dir, dma_addr_t *dma,
			    unsigned long attrs)
{
	struct lab_map_note wish = describe_dma(size, dir, attrs);

	wish.site = _RET_IP_;
	return dma_map(owner, dev, addr, offset, &wish, dma);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_dma_map_attrs, LAB_NS);

static bool is_dma(const struct lab_mapping *map)
{
	return map->what.kind == LAB_MAP_DMA && !map->ending;
}

static bool take_asked(struct lab_mapping *map, bool alone, const void *arg)
{
	const struct lab_map_note *asked = arg;

	if (!is_dma(map) || map->what.addr != asked->addr ||
	    map->what.size != asked->size || map->what.dir != asked->dir)
		return false;
	map->ending = true;
	return true;
}

/* What the core has mapped, the core also unmaps. */
static void end_mapping(struct lab_owner *owner, struct lab_slot *slot,
			struct lab_mapping *map, unsigned long ip)
{
	if (map->what.kind == LAB_MAP_DMA)
		dma_unmap_page_attrs(owner->dev, map->what.addr, map->what.size,
				     map->what.dir, map->what.attrs);
	lab_mapping_detach(owner, slot, map, ip);
	lab_mapping_put(owner, map);
}

static int dma_unmap_mapped(struct lab_call *call, const struct device *dev,
			    const struct lab_map_note *asked)
{
	struct lab_mapping *map;
	int err = check_wish(call, dev, 0, asked);

	if (err)
		return err;
	map = lab_mapping_find(call->owner, call->slot, take_asked, asked);
	if (!map)
		return -EINVAL;
	end_mapping(call->owner, call->slot, map, call->ip);
	return 0;
}

/*
 * Ends the mapping if the common checks pass. On false dma_unmap_slow() does the call, or
 * refuses.
 */
static bool dma_unmap_fast(struct labyrinth_owner *handle, const struct device *dev,
			   void *addr, const struct lab_map_note *asked, unsigned long ip)
{
	struct lab_owner *owner = lab_owner_slot(handle);
	struct lab_mapping *map;
	struct lab_fast page;

	if (!lab_fast_find(handle, addr, LAB_MAPPED, &page) ||
	    unlikely(!dev || dev != owner->dev || !lab_may_lock()))
		return false;
	map = lab_mapping_find_fast(owner, &page, take_asked, asked);
	if (unlikely(!map))
		return false;
	dma_unmap_page_attrs(owner->dev, asked->addr, asked->size, asked->dir,
			     map->what.attrs);
	if (unlikely(!lab_mapping_end_fast(owner, &page, map, ip))) {
		lab_mapping_detach(owner, page.slot, map, ip);
		lab_mapping_put(owner, map);
	}
	return true;
}

static noinline int dma_unmap_slow(struct labyrinth_owner *owner, struct device *dev,
				   void *addr, const struct lab_map_note *asked,
				   unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_UNMAP, .handle = owner, .addr = addr, .ip = ip,
		.asked = asked,
	};
	struct lab_elsewhere elsewhere;
	int err = lab_call_begin_rcu(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = dma_unmap_mapped(&call, dev, asked);
	if (err < 0 && call.tag &&
	    lab_elsewhere_find(lab_tag_pfn(call.tag), asked->addr, &elsewhere))
		call.elsewhere = &elsewhere;
	return lab_call_end_rcu(&call, err);
}

/**
 * labyrinth_dma_unmap() - end a mapping of a page for DMA
 * @owner: the holder of the page.
 * @dev: the device that the page was mapped for.
 * @addr: the page's address.
 * @dma: the address that labyrinth_dma_map() gave.
 * @size: how many bytes were mapped.
 * @dir: the direction that was given.
 *
 * After success the device must not access the mapped bytes any more, and after the end of the
 * last mapping the page may be freed. Arguments that match no mapping of the page are refused
 * and reported, together with the mapping that the page has.
 *
 * Context: As labyrinth_dma_map().
 * Return: 0; -EPERM the page has another owner, or the caller is not the bound thread, or @dev
 * is not the owner's device; -ENOENT no Labyrinth page, or not mapped at all; -EINVAL mapped,
 * but not with these arguments, or not in this context; or as labyrinth_free_page().
 */
int labyrinth_dma_unmap(struct labyrinth_owner *owner, struct device *dev,
			void *addr, dma_addr_t dma, size_t size,
			enum dma_data_direction dir)
{
	struct lab_map_note asked = describe_dma(size, dir, 0);
	bool done;

	asked.addr = dma;
	rcu_read_lock();
	done = dma_unmap_fast(owner, dev, addr, &asked, _RET_IP_);
	rcu_read_unlock();
	return likely(done) ? 0 : dma_unmap_slow(owner, dev, addr, &asked, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_dma_unmap, LAB_NS);

static bool take_any(struct lab_mapping *map, bool alone, const void *unused)
{
	return is_dma(map) || (map->what.kind == LAB_MAP_CORE && !map->ending);
}

/*
 * Ends all DMA mappings of the page in @slot, which the owner has left behind. The device may
 * not know, and still write. So the page never leaves limbo.
 * Context: Task. Nobody uses the owner's handle any more.
 */
void lab_dma_end_all(struct lab_owner *owner, struct lab_slot *slot)
{
	struct lab_mapping *map = lab_mapping_find(owner, slot, take_any, NULL);

	if (map)
		lab_mapping_keep(owner, slot);
	for (; map; map = lab_mapping_find(owner, slot, take_any, NULL))
		end_mapping(owner, slot, map, _RET_IP_);
}

/*
 * Ends the mapping of the POSTED page in @slot, which the owner has left behind. As above, the
 * page never leaves limbo.
 * Context: Task. Nobody uses the owner's handle any more.
 */
void lab_dma_end_posted(struct lab_owner *owner, struct lab_slot *slot)
{
	lab_resident_end(owner, slot, READ_ONCE(slot->tag));
	lab_mapping_keep(owner, slot);
	lab_retire(owner, slot, false);
}

/*
 * lab_resident_map(), of a page that has a tag already.
 * Context: Where lab_may_lock() is true; the owner stays.
 */
u64 lab_dma_map_resident(const struct lab_owner *owner, struct page *page)
{
	dma_addr_t dma;

	if (!lab_owner_is_dma(owner))
		return LAB_DMA_NONE;
	/* As in map_page(). */
	dma = data_race(lab_dma_map_page(LAB_OWN, owner->dev, page, 0, PAGE_SIZE,
					 owner->dma_dir, 0));
	return lab_resident_judge(owner, dma, page);
}
