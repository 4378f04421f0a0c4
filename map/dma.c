// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner's pages mapped for DMA by the one device that the owner is bound to.
 * No state is owned here: page/mapping.c has the records.
 *
 * The mapping is made before the record of it, and ended before the record goes:
 * in between the page is MAPPED, so nobody gets it free, or handed on, while the
 * device can reach it or a bounce buffer is still to be copied. Two that unmap the
 * same: one claims the record, the other finds none.
 *
 * The locks of an IOMMU and of bounce buffers sleep on PREEMPT_RT. So it is RCU that
 * keeps the owner alive here, with preemption as the caller had it; and where that is
 * disabled the call is refused there, whether this device needs one of the locks or not.
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
#include "report/trace.h"

/* What makes no sense must not become sense by being cut off. */
static struct lab_map_note describe(size_t size, enum dma_data_direction dir)
{
	return (struct lab_map_note) {
		.kind = LAB_MAP_DMA,
		.size = min_t(size_t, size, U32_MAX),
		.dir = valid_dma_direction(dir) ? dir : DMA_NONE,
	};
}

/* Nothing of this is for where no lock can be taken: the DMA API takes some. */
static bool is_sane(const struct device *dev, size_t offset,
		    const struct lab_map_note *wish)
{
	return lab_may_lock() && dev->dma_mask && wish->size &&
	       offset <= PAGE_SIZE && wish->size <= PAGE_SIZE - offset &&
	       valid_dma_direction(wish->dir);
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

static int record(struct lab_call *call, const struct lab_map_note *wish)
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

/*
 * Nothing came of @wish. By now the page may be somebody else's: what a bounce buffer
 * holds must not be copied to it.
 */
static void undo(struct device *dev, const struct lab_map_note *wish)
{
	dma_unmap_page_attrs(dev, wish->addr, wish->size, wish->dir,
			     DMA_ATTR_SKIP_CPU_SYNC);
}

static bool is_translated(struct device *dev)
{
	const struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_DMA_API;
}

/* An IOMMU bounces what devices are not to see that are plugged in from outside. */
static bool is_untrusted(struct device *dev)
{
	return dev_is_pci(dev) && to_pci_dev(dev)->untrusted;
}

/*
 * Whether the core would bounce what @dev does, wherever in memory it is. A page that is
 * always there, and whose content nobody minds, is tried.
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
 * Whether the core would copy what is in page @pfn to where the device reaches it. It would
 * copy by the direct map, and of a sealed page that is not what the page holds. To be known
 * before the page is mapped, for the mapping copies.
 */
static bool would_bounce(struct device *dev, unsigned long pfn)
{
	if (is_translated(dev))
		return is_untrusted(dev);
	return is_beyond_reach(dev, pfn) || bounces_all(dev);
}

static int map_held(struct lab_call *call, struct device *dev, size_t offset,
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
	wish->addr = lab_dma_map_page(LAB_OWN, dev, lab_frame_page(call->frame), offset,
				      wish->size, wish->dir);
	if (dma_mapping_error(dev, wish->addr))
		return -ENOMEM;
	err = record(call, wish);
	if (err)
		undo(dev, wish);
	else
		*dma = wish->addr;
	return err;
}

/* False where more must be asked. */
static bool map_quick(struct labyrinth_owner *handle, struct device *dev,
		      void *addr, size_t offset, struct lab_map_note *wish,
		      dma_addr_t *dma)
{
	struct lab_owner *owner = lab_owner_slot(handle);
	struct lab_quick page;

	if (!lab_quick_find(handle, addr, LAB_HELD, &page) ||
	    unlikely(!dma || !dev || dev != owner->dev || !is_sane(dev, offset, wish)))
		return false;
	wish->addr = lab_dma_map_page(LAB_OWN, dev, lab_frame_page(page.frame), offset,
				      wish->size, wish->dir);
	if (unlikely(dma_mapping_error(dev, wish->addr)))
		return false;
	if (unlikely(!lab_mapping_attach_quick(owner, &page, wish))) {
		undo(dev, wish);
		return false;
	}
	*dma = wish->addr;
	return true;
}

static noinline int map(struct labyrinth_owner *owner, struct device *dev,
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
		err = map_held(&call, dev, offset, wish, dma);
	return lab_call_end_rcu(&call, err);
}

/**
 * labyrinth_dma_map() - map a page, or part of it, for DMA
 * @owner: who holds the page.
 * @dev: the device that @owner was created with; no other may.
 * @addr: the page's address.
 * @offset: where in the page the part begins, in bytes.
 * @size: how many bytes; not beyond the page's end.
 * @dir: who writes.
 * @dma: where the address for the device goes; untouched on failure.
 *
 * The page stays @owner's. While it is mapped, it can be mapped again, another part
 * or the same, but not be freed, transferred, lent or released: each mapping is
 * ended by a labyrinth_dma_unmap() of its own. dma_sync_single_for_cpu() and
 * dma_sync_single_for_device() may be used in between, as of any mapping.
 *
 * Context: Any but NMI; on PREEMPT_RT with preemption enabled, for dma_map_page()
 * takes spinlocks where there is an IOMMU or a bounce buffer is needed, and they sleep
 * there. Does not sleep otherwise.
 * Return: 0; -EPERM the page has another owner, or the caller is not the bound
 * thread, or @dev is not the owner's device; -ENOENT no Labyrinth page, or freed;
 * -EBUSY lent; -EOPNOTSUPP the page is sealed, and @dev reaches it by a bounce buffer
 * only; -EINVAL as labyrinth_free_page(), or @size, @offset or @dir make no
 * sense, or not in this context; -ENOMEM no room for the mapping or its record.
 */
int labyrinth_dma_map(struct labyrinth_owner *owner, struct device *dev,
		      void *addr, size_t offset, size_t size,
		      enum dma_data_direction dir, dma_addr_t *dma)
{
	struct lab_map_note wish = describe(size, dir);
	bool done;

	wish.site = _RET_IP_;
	rcu_read_lock();
	done = map_quick(owner, dev, addr, offset, &wish, dma);
	rcu_read_unlock();
	return likely(done) ? 0 : map(owner, dev, addr, offset, &wish, dma);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_dma_map, LAB_NS);

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

static void end_mapping(struct lab_owner *owner, struct lab_slot *slot,
			struct lab_mapping *map, unsigned long ip)
{
	dma_unmap_page(owner->dev, map->what.addr, map->what.size,
		       map->what.dir);
	lab_mapping_detach(owner, slot, map, ip);
	lab_mapping_put(owner, map);
}

static int unmap_mapped(struct lab_call *call, const struct device *dev,
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

/* False where more must be asked. */
static bool unmap_quick(struct labyrinth_owner *handle, const struct device *dev,
			void *addr, const struct lab_map_note *asked)
{
	struct lab_owner *owner = lab_owner_slot(handle);
	struct lab_mapping *map;
	struct lab_quick page;

	if (!lab_quick_find(handle, addr, LAB_MAPPED, &page) ||
	    unlikely(!dev || dev != owner->dev || !lab_may_lock()))
		return false;
	map = lab_mapping_find_quick(owner, &page, take_asked, asked);
	if (unlikely(!map))
		return false;
	dma_unmap_page(owner->dev, asked->addr, asked->size, asked->dir);
	if (unlikely(!lab_mapping_end_quick(owner, &page, map))) {
		lab_mapping_detach(owner, page.slot, map, _RET_IP_);
		lab_mapping_put(owner, map);
	}
	return true;
}

static noinline int unmap(struct labyrinth_owner *owner, struct device *dev,
			  void *addr, const struct lab_map_note *asked,
			  unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_UNMAP, .handle = owner, .addr = addr, .ip = ip,
		.asked = asked,
	};
	int err = lab_call_begin_rcu(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = unmap_mapped(&call, dev, asked);
	return lab_call_end_rcu(&call, err);
}

/**
 * labyrinth_dma_unmap() - end one of a page's mappings for DMA
 * @owner: who holds the page.
 * @dev: the device it was mapped for.
 * @addr: the page's address.
 * @dma: what labyrinth_dma_map() gave.
 * @size: how many bytes were mapped.
 * @dir: the direction that was given.
 *
 * After success the device must not access what was mapped any more, and after the
 * last of its mappings the page may be freed. What matches no mapping that there
 * is, is refused and reported, with the mapping that there is.
 *
 * Context: As labyrinth_dma_map().
 * Return: 0; -EPERM the page has another owner, or the caller is not the bound
 * thread, or @dev is not the owner's device; -ENOENT no Labyrinth page, or not
 * mapped at all; -EINVAL mapped, but not so, or not in this context; or as
 * labyrinth_free_page().
 */
int labyrinth_dma_unmap(struct labyrinth_owner *owner, struct device *dev,
			void *addr, dma_addr_t dma, size_t size,
			enum dma_data_direction dir)
{
	struct lab_map_note asked = describe(size, dir);
	bool done;

	asked.addr = dma;
	rcu_read_lock();
	done = unmap_quick(owner, dev, addr, &asked);
	rcu_read_unlock();
	return likely(done) ? 0 : unmap(owner, dev, addr, &asked, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_dma_unmap, LAB_NS);

static bool take_any(struct lab_mapping *map, bool alone, const void *unused)
{
	return is_dma(map);
}

/*
 * The owner goes and has left the page in @slot mapped for DMA. The device may not know
 * of it and still write: so the page does not leave limbo any more.
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
