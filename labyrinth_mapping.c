// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of mappings. The state owned here is each frame's list of them,
 * the step between HELD and MAPPED, and the records that an owner has.
 *
 * owner->map_lock protects all three for the pages that carry the owner's id. It
 * nests in nothing of Labyrinth's, and nothing nests in it; it is a raw spinlock,
 * taken with interrupts disabled, and not in an NMI.
 *
 * Why a page that is mapped does not get away: a page is HELD only while its list
 * is empty. The step to MAPPED is one compare-and-exchange, so of it and a
 * free, transfer, lend or release of the HELD page one wins. From MAPPED the tag
 * is led away under the lock alone; every other call finds the state -EBUSY. But for
 * a frame that is not ours any more: its owner's end takes it to limbo without.
 *
 * The list's head is the word of the frame that has the page's address in all
 * other states. A frame that does not know its slot any more has been through
 * the page allocator: its words are somebody else's, and are left alone.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "labyrinth_cache.h"
#include "labyrinth_limbo.h"
#include "labyrinth_mapping.h"
#include "labyrinth_trace.h"

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
	struct lab_mapping *map = kmem_cache_alloc(mapping_cache, gfp);
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
 * A record, whatever was in it. Records that have been used stay with the owner,
 * so memory is asked for only when more are in use than ever before.
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
 * Every record is spare now, or on a list that was lost with its page.
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
 * @map, known by its distance from the first of its range until now, is found to be at
 * @base. It may be linked, and somebody report it.
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

	if (READ_ONCE(*call->slot) == lab_tag_step(call->tag, LAB_MAPPED) &&
	    READ_ONCE(call->frame->tag) == call->slot)
		map = call->frame->mappings;
	for (; map; map = map->next)
		if (map->what.kind == LAB_MAP_PROCESS)
			return map;
	return NULL;
}

/*
 * Under the lock. False where the page's tag is not what it was, or the frame not
 * ours any more.
 */
static bool link_mapping(struct lab_call *call, struct lab_mapping *map)
{
	lab_tag_t mapped = lab_tag_step(call->tag, LAB_MAPPED);

	if (READ_ONCE(call->frame->tag) != call->slot)
		return false;
	map->next = NULL;
	if (READ_ONCE(*call->slot) == mapped) {
		map->next = call->frame->mappings;
	} else if (lab_tag_state(call->tag) != LAB_HELD ||
		   !lab_call_commit(call, mapped)) {
		return false;
	}
	/* Others look without the lock: the core for PageTail(), is_retired(). */
	WRITE_ONCE(call->frame->mappings, map);
	WRITE_ONCE(map->linked, true);
	return true;
}

/*
 * Puts @map, filled in, on the list of the page that @call has looked up; it is
 * MAPPED after that.
 * Context: Any but NMI; the owner alive.
 * Return: 0, or as lab_call_again(); -EBUSY also where @map is of a process, and
 * one has the page mapped already.
 */
int lab_mapping_attach(struct lab_call *call, struct lab_mapping *map)
{
	struct lab_owner *owner = call->owner;
	const struct lab_mapping *process = NULL;
	unsigned long flags;
	bool linked;

	map->ending = false;
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	if (map->what.kind == LAB_MAP_PROCESS)
		process = find_process(call);
	/* The driver does not know when a process ends its own: no fault of his. */
	if (process && process->range != map->range)
		call->silent = true;
	linked = !process && link_mapping(call, map);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (linked) {
		lab_step(call->op, call->frame, owner, call->ip);
		return 0;
	}
	call->class = LAB_BUSY;
	return process ? -EBUSY : lab_call_again(call);
}

/*
 * The head of @frame's list, and where the tag stands. NULL: there is no list, or
 * the frame is not ours any more.
 */
static struct lab_mapping **find_list(const struct lab_owner *owner,
				      struct lab_frame *frame,
				      lab_tag_t **slot, lab_tag_t *tag)
{
	*slot = lab_table_search(&labyrinth_hot.table, lab_frame_pfn(frame), tag);
	if (!*slot || lab_tag_owner(*tag) != lab_owner_id(owner) ||
	    READ_ONCE(frame->tag) != *slot ||
	    READ_ONCE(frame->address) == (unsigned long)lab_frame_address(frame))
		return NULL;
	return &frame->mappings;
}

/*
 * Finds the first mapping that @take takes, of a page that is MAPPED or was until it
 * was retired. @take is called under the lock, and told whether the page has no
 * other mapping.
 * Context: Any but NMI.
 */
struct lab_mapping *
lab_mapping_find(struct lab_owner *owner, struct lab_frame *frame,
		 bool (*take)(struct lab_mapping *map, bool alone, const void *arg),
		 const void *arg)
{
	struct lab_mapping **head, *map = NULL;
	unsigned long flags;
	lab_tag_t *slot, tag;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	head = find_list(owner, frame, &slot, &tag);
	if (head)
		map = *head;
	while (map && !take(map, !(*head)->next, arg))
		map = map->next;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return map;
}

static void unlink_mapping(struct lab_mapping **link, struct lab_mapping *map)
{
	while (*link != map)
		link = &(*link)->next;
	/* As in link_mapping(). */
	WRITE_ONCE(*link, map->next);
}

/* The last mapping is off the list. Under the lock. */
static void leave_mapped(struct lab_frame *frame, lab_tag_t *slot, lab_tag_t tag)
{
	lab_frame_place(frame, slot);
	if (lab_tag_state(tag) == LAB_MAPPED)
		cmpxchg(slot, tag, lab_tag_step(tag, LAB_HELD));
	/* See lab_mapping_retire(). */
	if (lab_tag_state(tag) == LAB_LIMBO) {
		/* Pairs with the freezing of the frame by limbo's worker. */
		smp_mb__before_atomic();
		page_ref_sub(lab_frame_page(frame), LAB_REFS_EXCLUSIVE);
	}
}

/*
 * @map is no more. What it gave access to must have ended before: the page may be
 * free again as soon as this was the last. A second call does nothing. @ip is where
 * the step is taken, for who traces it.
 * Context: Any but NMI.
 */
void lab_mapping_detach(struct lab_owner *owner, struct lab_frame *frame,
			struct lab_mapping *map, unsigned long ip)
{
	struct lab_mapping **head;
	unsigned long flags;
	lab_tag_t *slot, tag;
	bool linked;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	head = find_list(owner, frame, &slot, &tag);
	linked = map->linked;
	if (head && linked) {
		unlink_mapping(head, map);
		if (!*head)
			leave_mapped(frame, slot, tag);
	}
	/* Also where the list was lost with the frame: nobody looks for it again. */
	WRITE_ONCE(map->linked, false);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (linked)
		lab_step(LAB_OP_UNMAP, frame, owner, ip);
}

static int count_mappings(const struct lab_mapping *map, bool only_process)
{
	int nr = 0;

	for (; map; map = map->next) {
		if (only_process && map->what.kind != LAB_MAP_PROCESS)
			return 0;
		nr++;
	}
	return nr;
}

/*
 * A page that is MAPPED, by the tag @mapped in @slot, is given up: to limbo, where its
 * mappings have as many references as its owner, until the last of them ends: so many
 * that a foreigner who drops some does not get it out before. With @only_process,
 * unless it has mappings of another kind. Not where the frame is not ours any more.
 * Context: Any. Return: whether it was so, and is in limbo now; in an NMI, false.
 */
bool lab_mapping_retire(struct lab_owner *owner, lab_tag_t *slot, lab_tag_t mapped,
			bool only_process)
{
	struct lab_frame *frame = lab_frame_of_tag(mapped);
	unsigned long flags;
	bool retired = false;

	/* The lock's holder may be whom the NMI came over. */
	if (in_nmi())
		return false;
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	if (READ_ONCE(*slot) == mapped && READ_ONCE(frame->tag) == slot)
		retired = count_mappings(frame->mappings, only_process);
	if (retired) {
		page_ref_add(lab_frame_page(frame), LAB_REFS_EXCLUSIVE);
		cmpxchg(slot, mapped, lab_tag_step(mapped, LAB_LIMBO));
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	if (retired)
		lab_limbo_add(owner, frame);
	return retired;
}

static void copy_note(struct lab_owner *owner, struct lab_frame *frame,
		      lab_tag_t tag, struct lab_page_note *note)
{
	const struct lab_mapping *map;
	lab_tag_t *slot, now;

	if (!find_list(owner, frame, &slot, &now) || now != tag)
		return;
	map = frame->mappings;
	note->map = map->what;
	note->mappings = count_mappings(map, false);
}

/*
 * Adds to @note what is known of the mappings of a page that was MAPPED a moment
 * ago; in an NMI, nothing is.
 * Context: Any.
 */
void lab_mapping_note(lab_tag_t tag, struct lab_page_note *note)
{
	struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(tag));
	unsigned long flags;

	if (in_nmi())
		return;
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	copy_note(owner, lab_frame_of_tag(tag), tag, note);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
}
