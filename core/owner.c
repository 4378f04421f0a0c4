// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slots of owners, and the handles and counts of each. The state owned here is the array of
 * slots and the list of free slots, which owners_lock protects. labyrinth_owner.c has an
 * owner's birth and end.
 *
 * Why a stale handle is harmless: the slots stay as long as the module, and each life of a slot
 * has another generation, so no handle ever fits twice. Why a forged handle is harmless: see
 * make_handle().
 */
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "core/owner.h"
#include "core/table.h"

#define HANDLE_TOP		(0x4UL << 60)
#define HANDLE_ODD		BIT(0)

/* The bits of a life in a handle: LIFE_LOW_BITS below the owner's id, the rest above. */
#define LIFE_HALF_BITS		22
#define LIFE_HALF_MASK		GENMASK(LIFE_HALF_BITS - 1, 0)
#define LIFE_LOW_BITS		(LAB_OWNER_SLOT_SHIFT - 1)
#define LIFE_LOW_MASK		GENMASK_ULL(LIFE_LOW_BITS - 1, 0)
#define LIFE_HIGH_SHIFT		(LAB_OWNER_SLOT_SHIFT + LAB_OWNER_BITS)
/* Four rounds already give a function that cannot be told from a random function. */
#define LIFE_ROUNDS		8

static_assert(2 * LIFE_HALF_BITS - LIFE_LOW_BITS + LIFE_HIGH_SHIFT == 60);

struct lab_owners lab_owners __read_mostly;
EXPORT_SYMBOL_FOR_LAB_TEST(lab_owners);

/*
 * Protects the list of free slots, slot->phase, and the count of watchers. Taken in task
 * context only. Nests in history_lock, limbo_lock, quarantine_lock and guard_lock.
 */
static DEFINE_MUTEX(owners_lock);
static LIST_HEAD(free_slots);
static unsigned int watchers;

/* Enciphers generations. Written by init alone, before an owner exists. */
static siphash_key_t handle_key __read_mostly;

/*
 * Keeps owners from coming and going while the caller looks at them. No call on a page ever
 * waits for owners_lock.
 * Context: Task; may sleep.
 */
void lab_owners_lock(void)
{
	mutex_lock(&owners_lock);
}

void lab_owners_unlock(void)
{
	mutex_unlock(&owners_lock);
}

static void each_live(void (*fn)(struct lab_owner *owner, void *arg), void *arg)
{
	unsigned int i;

	for (i = 0; i < lab_owners.nr; i++)
		if (lab_owners.slots[i].phase == LAB_PHASE_LIVE)
			fn(&lab_owners.slots[i], arg);
}

/*
 * Calls @fn for every live owner, which stays alive meanwhile.
 * Context: Task; may sleep.
 */
void lab_owners_each(void (*fn)(struct lab_owner *owner, void *arg), void *arg)
{
	mutex_lock(&owners_lock);
	each_live(fn, arg);
	mutex_unlock(&owners_lock);
}

static void forbid_fast(struct lab_owner *owner)
{
	WRITE_ONCE(owner->front.single_handle, lab_owner_dead(owner));
	WRITE_ONCE(owner->front.shared_handle, lab_owner_dead(owner));
	WRITE_ONCE(owner->front.sealed_handle, lab_owner_dead(owner));
	WRITE_ONCE(owner->front.rx.handle, lab_owner_dead(owner));
	WRITE_ONCE(owner->front.rx.frag_handle, lab_owner_dead(owner));
}

/*
 * Chooses whether the paths that only pop or push may serve @owner. A call under way may have
 * read the old choice: a watcher misses such a step.
 */
static void set_fast_handles(struct lab_owner *owner, void *unused)
{
	unsigned long dead = lab_owner_dead(owner);
	bool fast = !owner->front.task && !owner->max_pages && !watchers && !owner->slow &&
		     !(owner->front.flags & LAB_OWNER_SLOW);
	bool single = lab_owner_is_single(owner);
	bool sealed = lab_owner_is_sealed(owner);
	bool frags = owner->front.frag_shift;

	WRITE_ONCE(owner->front.rx.frag_handle,
		   fast && single && frags ? owner->front.handle : dead);
	/* No path that knows only pages. */
	fast = fast && !frags;
	WRITE_ONCE(owner->front.single_handle,
		   fast && single ? owner->front.handle : dead);
	WRITE_ONCE(owner->front.shared_handle,
		   fast && !single && !sealed ? owner->front.handle : dead);
	WRITE_ONCE(owner->front.sealed_handle,
		   fast && sealed ? owner->front.handle : dead);
	WRITE_ONCE(owner->front.rx.handle,
		   fast && single && lab_owner_is_dma(owner) ? owner->front.handle : dead);
}

/*
 * Sets @flag, one of those that change while the owner lives.
 * Context: Task; may sleep, with owners_lock held.
 */
void lab_owner_set_flag(struct lab_owner *owner, u16 flag, bool on)
{
	u16 others = owner->front.flags & ~flag;

	lockdep_assert_held(&owners_lock);
	if (owner->phase != LAB_PHASE_LIVE)
		return;
	WRITE_ONCE(owner->front.flags, others | (on ? flag : 0));
	set_fast_handles(owner, NULL);
}

/*
 * Calls @fn for live owners, at most @most, until @fn returns false. Goes on where the last call
 * ended. An owner stays alive meanwhile. Does nothing if owners_lock is taken.
 * Context: Task; may sleep.
 * Return: whether owners are left that this call did not come to.
 */
bool lab_owners_try_some(unsigned int most, bool (*fn)(struct lab_owner *owner, void *arg),
			 void *arg)
{
	static unsigned int next;
	unsigned int seen;

	if (!mutex_trylock(&owners_lock))
		return false;
	for (seen = 0; seen < lab_owners.nr && most; seen++) {
		struct lab_owner *owner = &lab_owners.slots[next++ & (lab_owners.nr - 1)];

		if (owner->phase != LAB_PHASE_LIVE)
			continue;
		most--;
		if (!fn(owner, arg))
			most = 0;
	}
	mutex_unlock(&owners_lock);
	return !most;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_owners_try_some);

/*
 * From now on, until lab_owner_speed_up(), no call takes @owner's fast paths. A call under way
 * may have read the old choice.
 * Context: Within lab_owners_try_some().
 */
void lab_owner_slow_down(struct lab_owner *owner)
{
	lockdep_assert_held(&owners_lock);
	owner->slow = true;
	set_fast_handles(owner, NULL);
}

/*
 * Ends that, unless *@unless, which is set under owners_lock only.
 * Context: Task; may sleep.
 */
void lab_owner_speed_up(struct lab_owner *owner, const bool *unless)
{
	mutex_lock(&owners_lock);
	if (owner->slow && !READ_ONCE(*unless)) {
		owner->slow = false;
		if (owner->phase == LAB_PHASE_LIVE)
			set_fast_handles(owner, NULL);
	}
	mutex_unlock(&owners_lock);
}

/*
 * From now on, until lab_watch_end(), a watcher is told of every step.
 * Context: Task; may sleep.
 */
void lab_watch_begin(void)
{
	mutex_lock(&owners_lock);
	if (!watchers++)
		each_live(set_fast_handles, NULL);
	mutex_unlock(&owners_lock);
}

void lab_watch_end(void)
{
	mutex_lock(&owners_lock);
	if (!--watchers)
		each_live(set_fast_handles, NULL);
	mutex_unlock(&owners_lock);
}

static atomic_t *segment_of(const struct lab_owner *owner, const struct lab_slot *slot)
{
	const struct lab_table *table = &labyrinth_hot.table;

	return &owner->segments[lab_table_segment(table, slot - table->slots)];
}

/*
 * The page in @slot comes to @owner: the tag carries the owner's id now, or does in a moment.
 * Every way by which a page comes to an owner calls this: refill, adopt, transfer.
 * Context: Any; the owner alive.
 */
void lab_owner_gain(struct lab_owner *owner, const struct lab_slot *slot)
{
	int now = atomic_inc_return(&owner->pages);
	int peak = atomic_read(&owner->peak);

	atomic_inc(segment_of(owner, slot));
	while (now > peak && !atomic_try_cmpxchg(&owner->peak, &peak, now))
		;
}

/*
 * The page in @slot has left @owner: the tag carries the owner's id no more. Every way by which
 * a page leaves an owner calls this. @pages goes down last: a gone owner without pages may be
 * another owner at once, see put_slot().
 * Context: Any.
 */
void lab_owner_lose(struct lab_owner *owner, const struct lab_slot *slot)
{
	atomic_dec(segment_of(owner, slot));
	/* Pairs with the look in put_slot(), which ends @segments. */
	smp_mb__before_atomic();
	atomic_dec(&owner->pages);
}

/* The owner's first tag at slot number *@index or behind, in the same segment; else 0. */
static lab_tag_t next_in_segment(const struct lab_owner *owner, u64 *index)
{
	const struct lab_table *table = &labyrinth_hot.table;
	u64 segment = lab_table_segment(table, *index);
	u64 end = min(lab_table_span(table), (segment + 1) << table->segment_shift);

	if (!atomic_read(&owner->segments[segment]))
		*index = end;
	for (; *index < end; (*index)++) {
		lab_tag_t tag = READ_ONCE(table->slots[*index].tag);

		if (tag && lab_tag_owner(tag) == lab_owner_id(owner))
			return tag;
	}
	return 0;
}

/*
 * The owner's first tag at slot number *@index or behind; *@index moves on to that slot. 0 at
 * the end.
 * Context: Task; may sleep. The owner's slot stays.
 */
lab_tag_t lab_owner_next(const struct lab_owner *owner, u64 *index)
{
	lab_tag_t tag = 0;

	while (!tag && *index < lab_table_span(&labyrinth_hot.table)) {
		tag = next_in_segment(owner, index);
		cond_resched();
	}
	return tag;
}

/* Whether the owner has max_pages pages: a look, not a claim. Context: Any. */
bool lab_owner_quota_full(const struct lab_owner *owner)
{
	return owner->max_pages &&
	       (unsigned int)atomic_read(&owner->held) >= owner->max_pages;
}

/* Context: Any. Return: false where @nr more would exceed the quota. */
bool lab_owner_quota_take(struct lab_owner *owner, unsigned int nr)
{
	int held;

	if (likely(!owner->max_pages))
		return true;
	held = atomic_read(&owner->held);
	do {
		if ((unsigned int)held + nr > owner->max_pages)
			return false;
	} while (!atomic_try_cmpxchg(&owner->held, &held, held + nr));
	return true;
}

void lab_owner_quota_give(struct lab_owner *owner, unsigned int nr)
{
	if (unlikely(owner->max_pages))
		atomic_sub(nr, &owner->held);
}

static struct lab_owner *take_slot(void)
{
	struct lab_owner *owner;

	mutex_lock(&owners_lock);
	owner = list_first_entry_or_null(&free_slots, struct lab_owner,
					 free_node);
	if (owner)
		list_del(&owner->free_node);
	mutex_unlock(&owners_lock);
	return owner;
}

static void free_slot(struct lab_owner *owner)
{
	lockdep_assert_held(&owners_lock);
	owner->phase = LAB_PHASE_FREE;
	owner->buried = false;
	kvfree(owner->segments);
	owner->segments = NULL;
	/* The slot that has been free longest is used next. */
	list_add_tail(&owner->free_node, &free_slots);
}

/*
 * A free slot, without pages.
 * Context: Task; may sleep. Return: the slot, or ERR_PTR: -ENOSPC, -ENOMEM.
 */
struct lab_owner *lab_owner_get_slot(void)
{
	struct lab_owner *owner = take_slot();
	atomic_t *segments;

	if (!owner)
		return ERR_PTR(-ENOSPC);
	segments = kvcalloc(lab_table_segments(&labyrinth_hot.table), sizeof(*segments),
			    GFP_KERNEL);
	owner->segments = segments;
	if (segments)
		return owner;
	/* Never GONE: whoever looks at the pages of an owner that is gone needs @segments. */
	mutex_lock(&owners_lock);
	free_slot(owner);
	mutex_unlock(&owners_lock);
	return ERR_PTR(-ENOMEM);
}

static void put_slot(struct lab_owner *owner)
{
	/* Pairs with lab_owner_lose(): @segments is done with, if @pages is 0. */
	if (owner->phase == LAB_PHASE_GONE && !atomic_read_acquire(&owner->pages))
		free_slot(owner);
}

/*
 * Frees the slot of an owner that is gone, if no page is left.
 * Context: Task; may sleep.
 */
void lab_owner_put_slot(struct lab_owner *owner)
{
	mutex_lock(&owners_lock);
	put_slot(owner);
	mutex_unlock(&owners_lock);
}

/*
 * The number of a slot's life, as in the handle: a permutation of all numbers of 44 bits. A
 * Feistel network is a permutation, whatever the rounds compute ("How to construct pseudorandom
 * permutations from pseudorandom functions", Luby and Rackoff, 1988).
 */
static u64 encipher_life(unsigned int id, u64 generation)
{
	u64 left = generation >> LIFE_HALF_BITS & LIFE_HALF_MASK;
	u64 right = generation & LIFE_HALF_MASK;
	unsigned int round;

	for (round = 0; round < LIFE_ROUNDS; round++) {
		u64 next = siphash_2u64(right, (u64)id << 32 | round, &handle_key);

		next = left ^ (next & LIFE_HALF_MASK);
		left = right;
		right = next;
	}
	return left << LIFE_HALF_BITS | right;
}

/* A handle can be neither computed nor found, only given. */
static unsigned long make_handle(const struct lab_owner *owner)
{
	unsigned int id = lab_owner_id(owner);
	u64 life = encipher_life(id, owner->generation);

	return HANDLE_TOP | (life >> LIFE_LOW_BITS) << LIFE_HIGH_SHIFT |
	       (unsigned long)id << LAB_OWNER_SLOT_SHIFT |
	       (life & LIFE_LOW_MASK) << 1 | HANDLE_ODD;
}

/* Gives the owner, now alive, a handle. Context: Task; may sleep. */
void lab_owner_publish(struct lab_owner *owner)
{
	mutex_lock(&owners_lock);
	owner->phase = LAB_PHASE_LIVE;
	/*
	 * No release: no other context has the handle before create returns, and the
	 * creator passes the handle on by a release of its own.
	 */
	WRITE_ONCE(owner->front.handle, make_handle(owner));
	set_fast_handles(owner, NULL);
	mutex_unlock(&owners_lock);
}

static void take_back_handle(struct lab_owner *owner)
{
	forbid_fast(owner);
	WRITE_ONCE(owner->front.handle, lab_owner_dead(owner));
}

/*
 * Takes @handle back. Calls that found the owner may be under way until lab_owners_wait()
 * returns. Until lab_owner_bury() the slot counts a page too many.
 * Context: Task; may sleep. Return: the owner; NULL if @handle was not an owner's.
 */
struct lab_owner *lab_owner_retire(const struct labyrinth_owner *handle)
{
	struct lab_owner *owner = lab_owner_slot(handle);

	mutex_lock(&owners_lock);
	if (!lab_owner_is(owner, handle)) {
		mutex_unlock(&owners_lock);
		return NULL;
	}
	take_back_handle(owner);
	owner->phase = LAB_PHASE_GONE;
	/* Until the pages are settled, no caller may find the slot empty. */
	atomic_inc(&owner->pages);
	mutex_unlock(&owners_lock);
	return owner;
}

/*
 * Waits until no call is under way any more that found one of the owners that were retired
 * before. A driver with many queues ends owner after owner, so the grace period is expedited: a
 * hundredth of the time, for an interrupt on each CPU that is busy.
 * Context: Task; may sleep.
 */
void lab_owners_wait(void)
{
	synchronize_rcu_expedited();
}

/*
 * Gives up an owner that never had a handle. A page of the reserve may be in limbo.
 * Context: Task; may sleep.
 */
void lab_owner_give_up(struct lab_owner *owner)
{
	mutex_lock(&owners_lock);
	owner->phase = LAB_PHASE_GONE;
	owner->buried = true;
	put_slot(owner);
	mutex_unlock(&owners_lock);
}

/*
 * Ends a retired owner, of whose pages only those in limbo are left. The slot becomes free with
 * the last page.
 * Context: Task; may sleep.
 */
void lab_owner_bury(struct lab_owner *owner)
{
	mutex_lock(&owners_lock);
	owner->buried = true;
	atomic_dec(&owner->pages);
	put_slot(owner);
	mutex_unlock(&owners_lock);
}

/* Of another kind's page, struct lab_resident would say nothing. */
static bool is_heir(const struct lab_owner *heir, const struct lab_owner *owner)
{
	/* An owner that is about to be destroyed would count the pages among those left behind. */
	return heir != owner && heir->buried &&
	       !lab_owner_is_sealed(heir) && lab_owner_is_dma(heir) == lab_owner_is_dma(owner) &&
	       !strcmp(heir->name, owner->name) &&
	       !strcmp(heir->module_name, owner->module_name);
}

/*
 * A gone owner to whom reports give the same name as to @owner, who is gone too: pages in limbo may
 * as well carry the other owner's id. Stays gone until lab_owners_unlock(), and longer if it gets
 * a page.
 * Context: Between lab_owners_lock() and lab_owners_unlock(). Return: NULL if there is none.
 */
struct lab_owner *lab_owner_find_heir(const struct lab_owner *owner)
{
	unsigned int i;

	lockdep_assert_held(&owners_lock);
	for (i = 0; i < lab_owners.nr; i++)
		if (is_heir(&lab_owners.slots[i], owner))
			return &lab_owners.slots[i];
	return NULL;
}

/*
 * The handle of the slot's owner if that is @module's, or @module is NULL; else 0.
 * Context: Task; may sleep.
 */
unsigned long lab_owner_handle_of(const struct lab_owner *owner, const struct module *module)
{
	unsigned long handle = 0;

	mutex_lock(&owners_lock);
	if (owner->phase == LAB_PHASE_LIVE &&
	    (!module || owner->module == module))
		handle = owner->front.handle;
	mutex_unlock(&owners_lock);
	return handle;
}

static void slot_init(unsigned int id)
{
	struct lab_owner *owner = &lab_owners.slots[id];

	owner->front.key = lab_tag_make(0, id, LAB_HELD);
	raw_spin_lock_init(&owner->map_lock);
	take_back_handle(owner);
	list_add_tail(&owner->free_node, &free_slots);
}

/*
 * Makes @nr slots, a power of two from 2 to LAB_MAX_OWNERS.
 * Context: Task; may sleep. Return: 0, -EINVAL, -ENOMEM.
 */
int lab_owners_init(unsigned int nr)
{
	unsigned int id;

	if (!is_power_of_2(nr) || nr < 2 || nr > LAB_MAX_OWNERS)
		return -EINVAL;
	lab_owners.slots = vzalloc(array_size(nr, sizeof(struct lab_owner)));
	if (!lab_owners.slots)
		return -ENOMEM;
	lab_owners.nr = nr;
	labyrinth_hot.owners = lab_owners.slots;
	labyrinth_hot.owner_mask = (unsigned long)(nr - 1) << LAB_OWNER_SLOT_SHIFT;
	get_random_bytes(&handle_key, sizeof(handle_key));
	for (id = 0; id < nr; id++)
		slot_init(id);
	return 0;
}

/*
 * No page is tagged any more. Until the module is gone, parameters and tracepoints may still be
 * switched, and find no slot.
 * Context: Task.
 */
void lab_owners_exit(void)
{
	mutex_lock(&owners_lock);
	lab_owners.nr = 0;
	mutex_unlock(&owners_lock);
	vfree(lab_owners.slots);
}
