/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings that owners make of the owners' own pages: a record for each, on a list in the
 * page's slot of the owner table. See page/mapping.c.
 */
#ifndef LABYRINTH_MAPPING_H
#define LABYRINTH_MAPPING_H

#include <linux/types.h>

#include "core/note.h"
#include "page/call.h"

int lab_mapping_init(void);
void lab_mapping_exit(void);
int lab_mapping_provide(struct lab_owner *owner, unsigned int nr);
void lab_mapping_drain(struct lab_owner *owner);
struct lab_mapping *lab_mapping_get(struct lab_owner *owner);
void lab_mapping_put(struct lab_owner *owner, struct lab_mapping *map);

void lab_mapping_place(struct lab_owner *owner, struct lab_mapping *map,
		       unsigned long base);
int lab_mapping_attach(struct lab_call *call, struct lab_mapping *map);
struct lab_mapping *
lab_mapping_find(struct lab_owner *owner, struct lab_slot *slot,
		 bool (*take)(struct lab_mapping *map, bool alone, const void *arg),
		 const void *arg);
void lab_mapping_detach(struct lab_owner *owner, struct lab_slot *slot,
			struct lab_mapping *map, unsigned long ip);
bool lab_mapping_retire(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t mapped,
			const struct lab_call *call);
void lab_mapping_keep(struct lab_owner *owner, struct lab_slot *slot);
void lab_mapping_rename(struct lab_owner *owner, struct lab_slot *slot,
			unsigned long site, unsigned long after);

/* Whether @map is on its page's list: a look, without the lock. */
static inline bool lab_mapping_is_linked(const struct lab_mapping *map)
{
	/* Pairs with the release in link_mapping(): the slot of the page's tag can be read then. */
	return smp_load_acquire(&map->linked);
}

/* Under the lock. */
static inline void lab_mapping_push(struct lab_owner *owner,
				    struct lab_mapping *map)
{
	lockdep_assert_held(&owner->map_lock);
	map->next = owner->spare;
	owner->spare = map;
}

/*
 * The fast forms, inline, for pages that have no other mapping: each takes the lock once. In
 * all other cases the functions above do the work.
 * Context: Any but NMI; the owner alive.
 */

/* lab_mapping_attach(), if a record is spare and the page is still HELD. */
static __always_inline bool
lab_mapping_attach_fast(struct lab_owner *owner, const struct lab_fast *page,
			const struct lab_map_note *what)
{
	struct lab_mapping *map;
	unsigned long flags;
	bool done;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	map = owner->spare;
	done = likely(map) && lab_fast_commit(page, LAB_MAPPED);
	if (likely(done)) {
		owner->spare = map->next;
		map->next = NULL;
		map->what = *what;
		map->range = NULL;
		map->linked = true;
		map->ending = false;
		WRITE_ONCE(page->slot->mappings, map);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return done;
}

/* Under the lock: the only mapping of a page that is MAPPED still, or NULL. */
static __always_inline struct lab_mapping *
lab_mapping_only(const struct lab_fast *page)
{
	struct lab_mapping *map;

	if (unlikely(READ_ONCE(page->slot->tag) != page->tag))
		return NULL;
	map = page->slot->mappings;
	return likely(!map->next) ? map : NULL;
}

/* lab_mapping_find() */
static __always_inline struct lab_mapping *
lab_mapping_find_fast(struct lab_owner *owner, const struct lab_fast *page,
		      bool (*take)(struct lab_mapping *map, bool alone, const void *arg),
		      const void *arg)
{
	struct lab_mapping *map;
	unsigned long flags;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	map = lab_mapping_only(page);
	if (unlikely(map && !take(map, true, arg)))
		map = NULL;
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return map;
}

/*
 * Under the lock: MAPPED -> @state, of the page in @slot that has the tag @mapped. Only under the
 * lock is a page led away from MAPPED; but without the lock, LAB_TAG_THIN may come and go.
 */
static __always_inline void lab_mapping_leave(struct lab_slot *slot, lab_tag_t mapped,
					      enum lab_state state)
{
	/* Pairs as in lab_call_commit(). */
	while (unlikely(!try_cmpxchg(&slot->tag, &mapped, lab_tag_step(mapped, state))))
		;
}

/* lab_mapping_detach() and lab_mapping_put() together, of a mapping for DMA. */
static __always_inline bool
lab_mapping_end_fast(struct lab_owner *owner, const struct lab_fast *page,
		     struct lab_mapping *map, unsigned long ip)
{
	unsigned long flags;
	bool done;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	done = likely(lab_mapping_only(page) == map);
	if (likely(done)) {
		map->linked = false;
		WRITE_ONCE(page->slot->last, lab_last_make(LAB_LAST_UNMAP, 0, ip));
		lab_mapping_leave(page->slot, page->tag, LAB_HELD);
		lab_mapping_push(owner, map);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return done;
}

#endif /* LABYRINTH_MAPPING_H */
