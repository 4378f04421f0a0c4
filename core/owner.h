/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners: slots in memory that stays, and handles that name a slot and a life of the slot.
 *
 * A handle has a pointer's type, but is no pointer: a handle is the slot's place in the array,
 * among 44 bits that name the slot's life. Any value at all leads to some slot. A live handle
 * equals the handle in that slot; a stale, forged or foreign handle does not, and no memory is
 * touched that might be gone.
 *
 *	 63  60 59                         24 23           9 8       1 0
 *	+------+-----------------------------+--------------+---------+---+
 *	| 0100 |    life, upper 36 bits      |   owner id   | life, 8 | 1 |
 *	+------+-----------------------------+--------------+---------+---+
 *
 * The life's bits are the slot's generation, enciphered with a key that is drawn when the
 * module is loaded. No handle can be computed from other handles or from the slot's number, and
 * the first 2^44 lives of a slot all have different bits. To check a handle is still a
 * comparison of a single word. The top bits make a handle a non-canonical address, and bit 0 an
 * odd address: to follow a handle is a fault. A handle is printed only as %p prints pointers,
 * hashed.
 */
#ifndef LABYRINTH_CORE_OWNER_H
#define LABYRINTH_CORE_OWNER_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "core/list.h"
#include "inline/frame.h"
#include "inline/hot.h"
#include "labyrinth_alloc.h"

struct device;
struct lab_cpu_cache;
struct lab_mapping;
struct lab_stock;

/* In front.flags, beside LABYRINTH_OWNER_*: see page/hunt.c. Changes while the owner lives. */
#define LAB_OWNER_HUNTED	BIT(15)
/* Likewise: see report/noted.c. */
#define LAB_OWNER_NOTED		BIT(14)

/* The pages of owners with one of these need more than a pop or a push. */
#define LAB_OWNER_SLOW \
	(LABYRINTH_OWNER_ZERO | LABYRINTH_OWNER_STAMPED | LAB_OWNER_HUNTED | \
	 LAB_OWNER_NOTED)

/* The reason of an allocation without a page. */
enum lab_fail {
	LAB_FAIL_THREAD,	/* the caller is not the bound thread */
	LAB_FAIL_QUOTA,		/* max_pages are out */
	LAB_FAIL_TABLE,		/* the owner table is full */
	LAB_FAIL_MEMORY,	/* the page allocator had none, nor the reserve */
	LAB_FAIL_SEALED,	/* no sealed page is ready: a worker seals some */
	LAB_FAIL_CONTEXT,	/* cache and reserve empty where nothing else may
				 * be asked: NMI, or no preemption on RT
				 */
	LAB_NR_FAILS
};

enum lab_phase {
	LAB_PHASE_FREE,		/* on the list of free slots */
	LAB_PHASE_LIVE,		/* the owner's handle is out */
	LAB_PHASE_GONE,		/* destroyed, pages still in limbo */
};

struct lab_owner {
	struct lab_front front;

	/* Words that the slow paths write, from any CPU and in any context. */
	atomic_t pages ____cacheline_aligned;	/* tags that carry the owner's id */
	atomic_t peak;			/* the most @pages has been */
	atomic_t held;			/* handed out; kept only with a quota */
	atomic_t fails[LAB_NR_FAILS];
	atomic_t reserve_held;		/* pages on @reserve */
	bool slow;			/* no fast path, so that the owner's user looks
					 * at @stock; under owners_lock
					 */
	bool starved;			/* once found nothing where the page
					 * allocator may not be asked
					 */
	bool buried;			/* GONE, and no more than pages in limbo left; under
					 * owners_lock
					 */
	struct lab_list reserve;
	struct lab_stock *stock;	/* see page/cache.c */
	atomic_t *segments;		/* of @pages, how many stand in each segment of
					 * the table
					 */

	/* The owner's attributes. Written under owners_lock, or before the handle is out. */
	enum lab_phase phase;
	unsigned int max_pages;
	unsigned int reserve_target;
	int nid;
	enum dma_data_direction dma_dir; /* with LABYRINTH_OWNER_DMA */
	struct device *dev;		/* holds a reference */
	union {
		struct list_head free_node;	/* while the slot is free; else */
		struct {			/* under @map_lock: */
			struct lab_mapping *records;	/* all of the owner's records, and */
			struct lab_mapping *spare;	/* the records not in use */
		};
	};
	raw_spinlock_t map_lock;	/* see page/mapping.c */
	struct lab_owner *next_retired;	/* of those that destroy ends together */
	struct module *module;		/* compared, never followed */
	unsigned long created_at;	/* where create returned to; or a kept name */
	u64 generation;
	char name[LABYRINTH_NAME_LEN];
	char module_name[LABYRINTH_NAME_LEN];
} __aligned(BIT(LAB_OWNER_SLOT_SHIFT));

static_assert(sizeof(struct lab_owner) == BIT(LAB_OWNER_SLOT_SHIFT));
static_assert(offsetof(struct lab_owner, front) == 0);

struct lab_owners {
	struct lab_owner *slots;	/* as labyrinth_hot.owners */
	unsigned int nr;		/* a power of two */
};

extern struct lab_owners lab_owners;

static __always_inline struct lab_owner *
lab_owner_slot(const struct labyrinth_owner *handle)
{
	return container_of(lab_front_of(handle), struct lab_owner, front);
}

static __always_inline unsigned int lab_owner_id(const struct lab_owner *owner)
{
	return lab_tag_owner(owner->front.key);
}

/*
 * The value of a slot's handle while no owner has the slot. The value leads to another slot, so
 * that no value at all, not even 0, passes for this slot's handle then.
 */
static inline unsigned long lab_owner_dead(const struct lab_owner *owner)
{
	return (lab_owner_id(owner) ^ 1UL) << LAB_OWNER_SLOT_SHIFT;
}

static __always_inline bool lab_owner_is(const struct lab_owner *owner,
					 const struct labyrinth_owner *handle)
{
	return READ_ONCE(owner->front.handle) == (unsigned long)handle;
}

/*
 * The owner of a live handle, or NULL. The owner stays alive until preemption is enabled again,
 * or the caller's RCU read-side section ends: destroy takes the handle back and then waits for
 * a grace period.
 * Context: Any; preemption disabled, or rcu_read_lock() held, by the caller.
 */
static __always_inline struct lab_owner *
lab_owner_get(const struct labyrinth_owner *handle)
{
	struct lab_owner *owner = lab_owner_slot(handle);

	return likely(lab_owner_is(owner, handle)) ? owner : NULL;
}

static inline struct lab_owner *lab_owner_by_id(unsigned int id)
{
	return &lab_owners.slots[id & (lab_owners.nr - 1)];
}

static inline bool lab_owner_is_single(const struct lab_owner *owner)
{
	return owner->front.flags & LABYRINTH_OWNER_SINGLE;
}

static inline bool lab_owner_is_sealed(const struct lab_owner *owner)
{
	return owner->front.flags & LABYRINTH_OWNER_SEALED;
}

static inline bool lab_owner_is_stamped(const struct lab_owner *owner)
{
	return owner->front.flags & LABYRINTH_OWNER_STAMPED;
}

static inline bool lab_owner_is_dma(const struct lab_owner *owner)
{
	return owner->front.flags & LABYRINTH_OWNER_DMA;
}

/*
 * Whether the owner's pages leave in task context alone, by the owner's worker, limbo or
 * destroy: to seal a page out, or to end a page's mapping, takes locks.
 */
static inline bool lab_owner_leaves_late(const struct lab_owner *owner)
{
	return owner->front.flags & (LABYRINTH_OWNER_SEALED | LABYRINTH_OWNER_DMA);
}

static inline void lab_owner_fail(struct lab_owner *owner, enum lab_fail fail)
{
	atomic_inc(&owner->fails[fail]);
}

/* Only the bound thread itself may use the handle, not an interrupt on top of that thread. */
static inline bool lab_owner_may_use(const struct lab_owner *owner)
{
	return likely(!owner->front.task) || (in_task() && current == owner->front.task);
}

/* Whether @page is of the node that the owner asked for, if any. */
static inline bool lab_owner_is_near(const struct lab_owner *owner,
				     const struct page *page)
{
	return owner->nid == NUMA_NO_NODE || owner->nid == page_to_nid(page);
}

/*
 * Walks the tags that carry @owner's id: those that stand in the table all the while, and
 * perhaps tags that come or go meanwhile. Costs a segment of the table for each page at the
 * most. May sleep between two tags.
 */
#define lab_owner_for_each(owner, index, tag)				\
	for ((index) = 0; ((tag) = lab_owner_next(owner, &(index)));	\
	     (index)++)

int lab_owners_init(unsigned int nr);
void lab_owners_exit(void);
void lab_owner_gain(struct lab_owner *owner, const struct lab_slot *slot);
void lab_owner_lose(struct lab_owner *owner, const struct lab_slot *slot);
lab_tag_t lab_owner_next(const struct lab_owner *owner, u64 *index);
bool lab_owner_quota_full(const struct lab_owner *owner);
bool lab_owner_quota_take(struct lab_owner *owner, unsigned int nr);
void lab_owner_quota_give(struct lab_owner *owner, unsigned int nr);
struct lab_owner *lab_owner_get_slot(void);
void lab_owner_put_slot(struct lab_owner *owner);
void lab_owner_publish(struct lab_owner *owner);
struct lab_owner *lab_owner_retire(const struct labyrinth_owner *handle);
void lab_owners_wait(void);
void lab_owner_give_up(struct lab_owner *owner);
void lab_owner_bury(struct lab_owner *owner);
struct lab_owner *lab_owner_find_heir(const struct lab_owner *owner);
unsigned long lab_owner_handle_of(const struct lab_owner *owner, const struct module *module);
void lab_owners_lock(void);
void lab_owners_unlock(void);
void lab_owners_each(void (*fn)(struct lab_owner *owner, void *arg), void *arg);
bool lab_owners_try_some(unsigned int most, bool (*fn)(struct lab_owner *owner, void *arg),
			 void *arg);
void lab_owner_slow_down(struct lab_owner *owner);
void lab_owner_speed_up(struct lab_owner *owner, const bool *unless);
void lab_owner_set_flag(struct lab_owner *owner, u16 flag, bool on);
void lab_watch_begin(void);
void lab_watch_end(void);

#endif /* LABYRINTH_CORE_OWNER_H */
