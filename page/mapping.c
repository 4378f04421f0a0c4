// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of mappings. The state owned here is each slot's list of records, the step
 * between HELD and MAPPED, and the records that an owner has.
 *
 * owner->map_lock protects all three for the pages that carry the owner's id. The lock nests in
 * vmap_lock and in a process mapping's lock, and no lock nests in map_lock. map_lock is a raw
 * spinlock, taken with interrupts disabled, and never in an NMI.
 *
 * Why a mapped page does not get away: a page is HELD only while the list is empty. The step to
 * MAPPED is a compare-and-exchange, so either this step wins or a racing free, transfer, lend
 * or release of the HELD page. Only code that holds the lock leads a tag away from MAPPED;
 * every other call is -EBUSY. A page that is given up while mapped goes to LIMBO with the list,
 * and stays there until the list is empty. No reference stands for a mapping, so a frozen count
 * does not matter.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "core/context.h"
#include "page/limbo.h"
#include "page/mapping.h"
#include "page/stamp.h"
#include "report/trace.h"

static struct kmem_cache *mapping_cache;

int lab_mapping_init(void)
{
	mapping_cache = KMEM_CACHE(lab_mapping, 0);
	return mapping_cache ? 0 : -ENOMEM;
}

void lab_mapping_exit(void)
{
	kmem_cache_destroy(mapping_cache);
}

/* Context: Any that @gfp is for, and that may use the allocator. */
static struct lab_mapping *make_record(struct lab_owner *owner, gfp_t gfp)
{
	/* map/core.c looks whether a record is linked that has never been used. */
	struct lab_mapping *map = kmem_cache_zalloc(mapping_cache, gfp);
	unsigned long flags;

	if (!map)
		return NULL;
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	map->made = owner->records;
	owner->records = map;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return map;
}

/*
 * Gets a record that is not linked, with any other content. Used records stay with the owner, so
 * memory is asked for only when more records are in use than ever before.
 * Context: Any but NMI. Return: NULL if there is no memory.
 */
struct lab_mapping *lab_mapping_get(struct lab_owner *owner)
{
	struct lab_mapping *map;
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	map = owner->spare;
	if (map)
		owner->spare = map->next;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (unlikely(!map) && lab_may_lock())
		map = make_record(owner, GFP_ATOMIC | __GFP_NOWARN);
	return map;
}

void lab_mapping_put(struct lab_owner *owner, struct lab_mapping *map)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	lab_mapping_push(owner, map);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
}

/*
 * Provides @nr records, so that a page of the reserve can be mapped when memory
 * is out.
 * Context: Task; may sleep. Nobody has the owner's handle yet.
 * Return: 0 or -ENOMEM.
 */
int lab_mapping_provide(struct lab_owner *owner, unsigned int nr)
{
	struct lab_mapping *map;

	while (nr--) {
		map = make_record(owner, GFP_KERNEL);
		if (!map)
			return -ENOMEM;
		lab_mapping_put(owner, map);
	}
	return 0;
}

/*
 * Every record is spare now.
 * Context: Task. Nobody uses the owner's handle any more.
 */
void lab_mapping_drain(struct lab_owner *owner)
{
	struct lab_mapping *map;

	owner->spare = NULL;
	while ((map = owner->records)) {
		owner->records = map->made;
		kmem_cache_free(mapping_cache, map);
	}
}

/*
 * Turns @map->what.addr from an offset in its range into an address, now that vmap() has
 * chosen @base. Under the lock: the record may be linked, and lab_page_note() may be
 * reading it.
 * Context: Any but NMI.
 */
void lab_mapping_place(struct lab_owner *owner, struct lab_mapping *map,
		       unsigned long base)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	map->what.addr += base;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
}

/* Under the lock: a process's mapping of the page that @call has looked up, or NULL. */
static const struct lab_mapping *find_process(const struct lab_call *call)
{
	const struct lab_mapping *map = NULL;

	if (READ_ONCE(call->slot->tag) == lab_tag_step(call->tag, LAB_MAPPED))
		map = call->slot->mappings;
	for (; map; map = map->next)
		if (map->what.kind == LAB_MAP_PROCESS)
			return map;
	return NULL;
}

/* Under the lock. False if the page's tag has changed since the look-up. */
static bool link_mapping(struct lab_call *call, struct lab_mapping *map)
{
	lab_tag_t mapped = lab_tag_step(call->tag, LAB_MAPPED);

	map->next = NULL;
	if (READ_ONCE(call->slot->tag) == mapped) {
		map->next = call->slot->mappings;
	} else if (lab_tag_state(call->tag) != LAB_HELD ||
		   !lab_call_commit(call, mapped)) {
		return false;
	}
	/* Pairs with lab_mapping_is_linked(): the slot of the page's tag was written before. */
	smp_store_release(&map->linked, true);
	/* lab_leave() looks at the list without the lock. */
	WRITE_ONCE(call->slot->mappings, map);
	return true;
}

/* Whether a further mapping can go on the list of the page, which is still the one in @slot. */
static bool may_attach(const struct lab_call *call, const struct lab_slot *slot)
{
	enum lab_state state = lab_tag_state(call->tag);

	return call->slot == slot && (state == LAB_HELD || state == LAB_MAPPED);
}

/* As lab_mapping_attach(), but -EAGAIN if the page has changed between HELD and MAPPED. */
static int try_attach(struct lab_call *call, struct lab_mapping *map)
{
	struct lab_owner *owner = call->owner;
	const struct lab_mapping *process = NULL;
	const struct lab_slot *slot = call->slot;
	unsigned long flags;
	bool linked;
	int err;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	if (map->what.kind == LAB_MAP_PROCESS)
		process = find_process(call);
	/* A driver cannot know when a process ends its mapping: no fault of the driver's. */
	if (process && process->range != map->range)
		call->silent = true;
	linked = !process && link_mapping(call, map);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (linked) {
		lab_step(call->op, lab_tag_pfn(call->tag), owner, call->ip);
		return 0;
	}
	call->class = LAB_BUSY;
	if (process)
		return -EBUSY;
	err = lab_call_again(call);
	return err == -EBUSY && call->class == LAB_BUSY && may_attach(call, slot) ? -EAGAIN : err;
}

/* As many mappings of a page may begin or end while one is put on the list. */
#define ATTACH_TRIES	64

/*
 * Puts @map, filled in, on the list of the page that @call has looked up. The page is MAPPED
 * after that. Since the look-up another mapping of the page's may have ended, the last one, say: no
 * fault of the caller's.
 * Context: Any but NMI; the owner alive.
 * Return: 0, or as lab_call_again(); -EBUSY also if @map is of a process, and a process has the
 * page mapped already.
 */
int lab_mapping_attach(struct lab_call *call, struct lab_mapping *map)
{
	unsigned int tries = ATTACH_TRIES;
	int err;

	map->ending = false;
	do {
		err = try_attach(call, map);
	} while (unlikely(err == -EAGAIN) && --tries);
	return err == -EAGAIN ? -EBUSY : err;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_mapping_attach);

/* Under the lock: whether the page in @slot is @owner's and has a list in use. */
static bool has_list(const struct lab_owner *owner, const struct lab_slot *slot)
{
	lab_tag_t tag = READ_ONCE(slot->tag);

	return tag && lab_tag_owner(tag) == lab_owner_id(owner) &&
	       lab_slot_list(READ_ONCE(slot->last));
}

/*
 * Finds the first mapping that @take takes, of a page that is MAPPED or was until retired.
 * @take is called under the lock; @alone: the page has no other mapping.
 * Context: Any but NMI.
 */
struct lab_mapping *
lab_mapping_find(struct lab_owner *owner, struct lab_slot *slot,
		 bool (*take)(struct lab_mapping *map, bool alone, const void *arg),
		 const void *arg)
{
	struct lab_mapping *map = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	if (has_list(owner, slot))
		map = slot->mappings;
	while (map && !take(map, !slot->mappings->next, arg))
		map = map->next;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return map;
}

/* What is noted in @slot when the last mapping ends, which @map describes. */
static u64 note_of_end(const struct lab_mapping *map, unsigned long ip)
{
	if (map->what.kind != LAB_MAP_DMA)
		return 0;
	return lab_last_make(LAB_LAST_UNMAP, lab_context_now() + 1, ip);
}

/* Under the lock: @map is linked in @slot's list. */
static void unlink_mapping(struct lab_slot *slot, struct lab_mapping *map, unsigned long ip)
{
	struct lab_mapping **link = &slot->mappings;
	lab_tag_t tag = slot->tag;

	while (*link != map)
		link = &(*link)->next;
	if (map->next || link != &slot->mappings) {
		WRITE_ONCE(*link, map->next);
		return;
	}
	/* Pairs with the look in lab_leave(): the page is done with here. */
	smp_store_release(&slot->last, note_of_end(map, ip));
	/* A page that was retired is limbo's now, and perhaps gone. */
	if (lab_tag_state(tag) == LAB_MAPPED)
		lab_mapping_leave(slot, tag, LAB_HELD);
}

/*
 * Ends the record @map. The access that the mapping gave must have ended before: after the last
 * mapping the page may be free at once. A second call does nothing. @ip is the call site, for
 * traces and reports.
 * Context: Any but NMI.
 */
void lab_mapping_detach(struct lab_owner *owner, struct lab_slot *slot,
			struct lab_mapping *map, unsigned long ip)
{
	unsigned long flags, pfn = 0;
	bool linked;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	linked = map->linked;
	if (linked) {
		/* A tag does not move, and stays as long as a mapping is linked. */
		pfn = lab_tag_pfn(slot->tag);
		WRITE_ONCE(map->linked, false);
		unlink_mapping(slot, map, ip);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (linked)
		lab_step(LAB_OP_UNMAP, pfn, owner, ip);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_mapping_detach);

/*
 * Gives up a page that has the tag @mapped in @slot: the page goes to limbo, until the last
 * mapping ends. With @call, a free: not if the page has mappings of another kind, or the call's
 * stamp is that of an earlier hand-out.
 * Context: Any. Return: whether the page went to limbo; in an NMI, false.
 */
bool lab_mapping_retire(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t mapped,
			const struct lab_call *call)
{
	unsigned long flags;
	bool retired = false;
	lab_tag_t tag;

	/* The NMI may have interrupted the lock's holder. */
	if (in_nmi())
		return false;
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	tag = READ_ONCE(slot->tag);
	if (!((tag ^ mapped) & ~LAB_TAG_THIN) && (!call || lab_stamp_fits(call)))
		retired = lab_mapping_count(slot->mappings, !!call);
	if (retired) {
		WRITE_ONCE(slot->when, lab_jiffies() & LAB_LIMBO_TIME_MASK);
		lab_mapping_leave(slot, tag, LAB_LIMBO);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (retired)
		lab_limbo_add(owner, slot, mapped);
	return retired;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_mapping_retire);

/*
 * Replaces the call site @site by @after in each mapping of the page in @slot.
 * Context: Any but NMI.
 */
void lab_mapping_rename(struct lab_owner *owner, struct lab_slot *slot,
			unsigned long site, unsigned long after)
{
	struct lab_mapping *map = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	if (has_list(owner, slot))
		map = slot->mappings;
	for (; map; map = map->next)
		if (map->what.site == site)
			map->what.site = after;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
}

/*
 * The page in @slot, which was retired, has been mapped for DMA. The device may not know that
 * the owner has gone, and may still write. So the page's list never gets empty any more.
 * Context: Task.
 */
void lab_mapping_keep(struct lab_owner *owner, struct lab_slot *slot)
{
	struct lab_mapping **link = &slot->mappings;
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	if (!lab_slot_list(READ_ONCE(slot->last)))
		WRITE_ONCE(slot->last, 0);
	/* Many lists may end in this same record, which never changes. */
	while (*link && *link != &lab_mapping_kept)
		link = &(*link)->next;
	WRITE_ONCE(*link, &lab_mapping_kept);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
}
