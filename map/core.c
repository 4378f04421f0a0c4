// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of owners with LABYRINTH_OWNER_CORE_MAPS that code of the core (virtio, USB) maps for the
 * owner's device on the driver's behalf. The state owned here: how many such owners there are, and
 * which devices they have. page/mapping.c has the records.
 *
 * The guard sends such calls of dma_map_page_attrs() and dma_unmap_page_attrs(), or what these are
 * called on newer kernels, to the functions below, which run in place of the hooked functions and
 * return to the caller. A page is mapped before the record is made, and the record ends after the
 * mapping, as in map/dma.c: meanwhile the page is MAPPED.
 *
 * An unmap names no page. Without an IOMMU the address is the page's, an IOMMU says which page the
 * address leads to. From a bounce buffer no way leads to the page, so there all records of the
 * device's owners are compared. An unmap without a record is only passed on: the device also has
 * other memory mapped.
 *
 * The core unmaps when the core likes. If the owner is destroyed first, the record goes and the
 * page stays in limbo for ever: the device may still write. RCU keeps the owner's records while a
 * call here uses one: destroy takes the handle back and waits, and without the handle no record is
 * claimed.
 */
#include <linux/hash.h>
#include <linux/iommu.h>
#include <linux/mm.h>

#include "hook/own.h"
#include "map/core.h"
#include "page/mapping.h"

/*
 * Devices of such owners, a bit of a hash each. A bit may be of a device whose owner is gone: that
 * costs time alone.
 */
static unsigned long known;
static unsigned int owners;
/* Whether each unmap comes here: otherwise no mapping is recorded. */
static bool trusted;

static unsigned long bit_of(const struct device *dev)
{
	return BIT(hash_ptr(dev, ilog2(BITS_PER_LONG)));
}

/*
 * An owner with the device @dev comes, or goes: @change is 1 or -1, or 0 to ask.
 * Context: The caller lets in one call at a time. Return: how many there are.
 */
unsigned int lab_core_count(const struct device *dev, int change)
{
	owners += change;
	if (change > 0)
		WRITE_ONCE(known, known | bit_of(dev));
	if (!owners)
		WRITE_ONCE(known, 0);
	return owners;
}

/* Context: As lab_core_count(). */
void lab_core_trust(bool trust)
{
	WRITE_ONCE(trusted, trust);
}

/* Whether an owner may have the device @dev. Context: Any. */
bool lab_core_knows(const struct device *dev)
{
	return READ_ONCE(known) & bit_of(dev);
}

/* A handle that is taken back leaves a value behind that no owner has. */
static bool is_alive(const struct lab_owner *owner)
{
	return READ_ONCE(owner->front.handle) != lab_owner_dead(owner);
}

static bool has_device(const struct lab_owner *owner, const struct device *dev)
{
	return READ_ONCE(owner->front.flags) & LABYRINTH_OWNER_CORE_MAPS &&
	       READ_ONCE(owner->dev) == dev && is_alive(owner);
}

/* Whether the core may map the page of @tag for @dev. Context: Any. */
bool lab_core_serves(const struct device *dev, lab_tag_t tag)
{
	enum lab_state state = lab_tag_state(tag);

	return (state == LAB_HELD || state == LAB_MAPPED) &&
	       has_device(lab_owner_by_id(lab_tag_owner(tag)), dev);
}

static int attach_record(struct lab_call *call, const struct lab_map_note *what)
{
	struct lab_mapping *map = lab_mapping_get(call->owner);
	int err;

	if (!map)
		return -ENOMEM;
	map->what = *what;
	map->range = call->slot;
	err = lab_mapping_attach(call, map);
	if (err)
		lab_mapping_put(call->owner, map);
	return err;
}

/* Makes the record of a mapping of @page, which the owner may have given up meanwhile. */
static int record(struct page *page, const struct lab_map_note *what)
{
	struct lab_call call = { .op = LAB_OP_DMA, .ip = what->site };
	struct lab_slot *slot;
	lab_tag_t tag;
	int err;

	rcu_read_lock();
	slot = lab_table_search(&labyrinth_hot.table, page_to_pfn(page), &tag);
	if (slot)
		call.handle = (struct labyrinth_owner *)
			READ_ONCE(lab_owner_by_id(lab_tag_owner(tag))->front.handle);
	err = lab_call_begin_core(&call) ?: lab_call_page(&call, page_address(page));
	if (err >= 0)
		err = attach_record(&call, what);
	err = lab_call_end_rcu(&call, err);
	rcu_read_unlock();
	return err;
}

static dma_addr_t map_phys(struct device *dev, phys_addr_t phys, size_t size,
			   enum dma_data_direction dir, unsigned long attrs, unsigned long ip)
{
	struct page *page = pfn_to_page(PHYS_PFN(phys));
	struct lab_map_note what = {
		.kind = LAB_MAP_CORE, .size = size, .dir = dir, .site = ip,
	};

	what.addr = lab_dma_map_page(LAB_OWN, dev, page, offset_in_page(phys), size, dir, attrs);
	if (dma_mapping_error(dev, what.addr) || !READ_ONCE(trusted) || !record(page, &what))
		return what.addr;
	lab_dma_unmap_page(LAB_OWN, dev, what.addr, size, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
	return DMA_MAPPING_ERROR;
}

/* In place of dma_map_page_attrs(), for a page that lab_core_serves(). Context: As that. */
dma_addr_t lab_core_map_page(struct device *dev, struct page *page, size_t offset, size_t size,
			     enum dma_data_direction dir, unsigned long attrs)
{
	return map_phys(dev, page_to_phys(page) + offset, size, dir, attrs, _RET_IP_);
}

/* Likewise in place of dma_map_phys(). */
dma_addr_t lab_core_map_phys(struct device *dev, phys_addr_t phys, size_t size,
			     enum dma_data_direction dir, unsigned long attrs)
{
	return map_phys(dev, phys, size, dir, attrs, _RET_IP_);
}

/**
 * struct record_of - a record that was claimed
 * @owner: the owner; NULL: none was found.
 * @slot: the page's slot.
 * @map: the record.
 */
struct record_of {
	struct lab_owner *owner;
	struct lab_slot *slot;
	struct lab_mapping *map;
};

static bool take_asked(struct lab_mapping *map, bool alone, const void *arg)
{
	const struct lab_map_note *asked = arg;

	if (map->what.kind != LAB_MAP_CORE || map->ending || map->what.addr != asked->addr ||
	    map->what.size != asked->size || map->what.dir != asked->dir)
		return false;
	map->ending = true;
	return true;
}

/* By the page to which the address leads, if the core did not copy. */
static bool claim_by_page(struct device *dev, const struct lab_map_note *asked,
			  struct record_of *found)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	phys_addr_t phys = domain ? iommu_iova_to_phys(domain, asked->addr) : asked->addr;
	struct lab_owner *owner;
	lab_tag_t tag;

	found->slot = lab_table_search(&labyrinth_hot.table, PHYS_PFN(phys), &tag);
	if (!found->slot)
		return false;
	owner = lab_owner_by_id(lab_tag_owner(tag));
	if (!has_device(owner, dev))
		return false;
	found->owner = owner;
	found->map = lab_mapping_find(owner, found->slot, take_asked, asked);
	return found->map;
}

static bool claim_of(struct lab_owner *owner, const struct lab_map_note *asked,
		     struct record_of *found)
{
	struct lab_mapping *map;
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	map = owner->records;
	while (map && !(map->linked && take_asked(map, false, asked)))
		map = map->made;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (!map)
		return false;
	*found = (struct record_of) { .owner = owner, .slot = map->range, .map = map };
	return true;
}

static bool claim_anywhere(const struct device *dev, const struct lab_map_note *asked,
			   struct record_of *found)
{
	unsigned int id;

	for (id = 0; id < lab_owners.nr; id++)
		if (has_device(lab_owner_by_id(id), dev) &&
		    claim_of(lab_owner_by_id(id), asked, found))
			return true;
	return false;
}

/* In place of dma_unmap_page_attrs() and dma_unmap_phys(). Context: As these. */
void lab_core_unmap(struct device *dev, dma_addr_t dma, size_t size,
		    enum dma_data_direction dir, unsigned long attrs)
{
	struct lab_map_note asked = { .addr = dma, .size = size, .dir = dir };
	struct record_of found;
	bool claimed;

	rcu_read_lock();
	claimed = claim_by_page(dev, &asked, &found) || claim_anywhere(dev, &asked, &found);
	lab_dma_unmap_page(LAB_OWN, dev, dma, size, dir, attrs);
	if (claimed) {
		lab_mapping_detach(found.owner, found.slot, found.map, _RET_IP_);
		lab_mapping_put(found.owner, found.map);
	}
	rcu_read_unlock();
}
