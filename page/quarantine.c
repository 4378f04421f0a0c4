// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quarantine: of all owners together, the N pages that were freed last are kept sealed, so that
 * a use after free is an access that strays, see page/stray.c. The state owned here is the ring
 * of those pages, oldest first.
 *
 * While quarantine=N, lab_watch_begin() keeps every page off the fast paths, so every free
 * comes through lab_quarantine_put(). A page in the ring is CACHED and on no other list. A page
 * of a sealed owner is sealed anyway, and a page that stays mapped for a device cannot be sealed:
 * neither goes into the ring.
 *
 * From a free to the flush by which the page is sealed it takes QUARANTINE_DELAY and the
 * worker's time: until then a use after free goes unseen. The worker, turn(), seals the pages
 * that came, unseals the oldest beyond N, at most QUARANTINE_BATCH of each, and flushes once
 * for both. A page from the ring goes to the reserve's list of the owner, from where
 * allocations take what is above the reserve's target.
 *
 * The ring: a free, in any context, draws a place by incrementing @drawn and stores the slot by
 * a compare-and-exchange with NULL. Slots are taken out under seal_lock of page/seal.c. A free
 * may be interrupted between the two steps, and then store into a place that the worker has
 * passed by. Such a page is not sealed, and leaves when the worker comes round again. If the
 * ring has no room, the free goes on as without quarantine, and is counted.
 *
 * A free reads the ring with preemption disabled, so the ring is freed after a grace period.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "core/owner.h"
#include "core/table.h"
#include "page/cache.h"
#include "page/quarantine.h"
#include "page/seal.h"
#include "page/stray.h"

#define QUARANTINE_BATCH	64U
#define QUARANTINE_DELAY	msecs_to_jiffies(20)
/* Room for pages on their way in and out, beside those that are kept. */
#define QUARANTINE_ROOM		1024U

/**
 * struct ring - pages in quarantine
 * @wanted: how many are kept.
 * @mask: the ring's size less 1.
 * @drawn: places given to frees, ever; wraps.
 * @sealed: the place up to which the worker has sealed.
 * @tail: the place of the oldest page.
 * @slots: the pages' slots, or NULL.
 */
struct ring {
	unsigned int wanted;
	unsigned int mask;
	atomic_t drawn;
	unsigned int sealed;
	unsigned int tail;
	struct lab_slot *slots[];
};

static struct ring __rcu *ring;
/* The ring before, if pages of it have still to leave; under seal_lock. */
static struct ring *former;
/* Whether @ring is there: a look without a barrier, before rcu_dereference(). */
bool lab_quarantine_on __read_mostly;
static atomic_long_t nr_missed;		/* frees that found no room */
static unsigned long nr_unsealed;	/* pages that could not be sealed; under seal_lock */

static void work_through(struct work_struct *work);
static void schedule_turn(struct irq_work *kick);

static DECLARE_DELAYED_WORK(turn_work, work_through);
static struct irq_work turn_kick = IRQ_WORK_INIT_HARD(schedule_turn);

static struct ring *ring_locked(void)
{
	return rcu_dereference_protected(ring, true);
}

/* Places drawn that the worker has not come to: a look. */
static unsigned int backlog_of(struct ring *r)
{
	return atomic_read(&r->drawn) - READ_ONCE(r->sealed);
}

static void schedule_turn(struct irq_work *kick)
{
	struct ring *r;

	rcu_read_lock();
	r = rcu_dereference(ring);
	if (r && backlog_of(r) >= QUARANTINE_BATCH)
		mod_delayed_work(system_highpri_wq, &turn_work, 0);
	else if (r)
		queue_delayed_work(system_highpri_wq, &turn_work, QUARANTINE_DELAY);
	rcu_read_unlock();
}

static bool put_in(struct ring *r, struct lab_slot *slot)
{
	unsigned int place, backlog;

	if (atomic_read(&r->drawn) - READ_ONCE(r->tail) > r->mask)
		return false;
	place = (unsigned int)atomic_inc_return(&r->drawn) - 1;
	/* Pairs with the loads of the slot in admit() and take_out(): the notes of the free. */
	if (cmpxchg(&r->slots[place & r->mask], NULL, slot))
		return false;
	/* Pairs with the barrier in admit(): the worker sees @drawn, or this CPU @sealed. */
	backlog = place + 1 - READ_ONCE(r->sealed);
	if (backlog <= 1 || !(backlog % QUARANTINE_BATCH))
		irq_work_queue(&turn_kick);
	return true;
}

/* lab_quarantine_put(), where there is a quarantine. */
bool lab_quarantine_keep(struct lab_owner *owner, struct lab_slot *slot)
{
	struct ring *r = rcu_dereference_sched(ring);

	if (!r || lab_owner_is_sealed(owner) || lab_owner_is_dma(owner))
		return false;
	if (put_in(r, slot))
		return true;
	atomic_long_inc(&nr_missed);
	return false;
}

static unsigned long pfn_of(const struct lab_slot *slot)
{
	return lab_tag_pfn(READ_ONCE(slot->tag));
}

/* Seals the pages that came, at most a batch; the caller flushes. Return: how many places. */
static unsigned int admit(struct ring *r)
{
	unsigned int end = atomic_read(&r->drawn), nr;

	/* Beyond the ring's size, places are drawn in vain. */
	end = min(end - r->sealed, r->mask + 1 - (r->sealed - r->tail)) + r->sealed;
	for (nr = 0; nr < QUARANTINE_BATCH && r->sealed + nr != end; nr++) {
		struct lab_slot *slot = READ_ONCE(r->slots[(r->sealed + nr) & r->mask]);

		if (slot && !lab_seal_close(pfn_of(slot)))
			nr_unsealed++;
	}
	WRITE_ONCE(r->sealed, r->sealed + nr);
	/* Pairs with atomic_inc_return() in put_in(): a free that drew before is seen now. */
	smp_mb();
	return nr;
}

/* Takes the oldest pages beyond @keep out of the ring, at most a batch. */
static unsigned int take_out(struct ring *r, unsigned int keep, struct lab_slot **out)
{
	unsigned int nr = 0;

	while (nr < QUARANTINE_BATCH && r->sealed - r->tail > keep) {
		out[nr] = xchg(&r->slots[r->tail & r->mask], NULL);
		nr += !!out[nr];
		WRITE_ONCE(r->tail, r->tail + 1);
	}
	return nr;
}

static void end_quarantine(struct lab_slot *slot)
{
	lab_seal_forget(pfn_of(slot));
	lab_reserve_put(lab_owner_by_id(lab_tag_owner(READ_ONCE(slot->tag))), slot);
}

/*
 * Unseals the pages of @out, which are in the ring no more, and flushes. After the flush no CPU
 * reaches a decoy in place of such a page, and the owners get the pages.
 */
static void let_go(struct lab_slot **out, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		lab_seal_reopen(pfn_of(out[i]));
	lab_seal_flush();
	for (i = 0; i < nr; i++)
		end_quarantine(out[i]);
}

/* Return: whether there was anything to do. */
static bool turn(struct ring *r, unsigned int keep)
{
	struct lab_slot *out[QUARANTINE_BATCH];
	unsigned int came = admit(r), nr = take_out(r, keep, out);

	if (!came && !nr)
		return false;
	let_go(out, nr);
	return true;
}

static void work_through(struct work_struct *work)
{
	struct ring *r;
	bool more;

	do {
		lab_seal_lock();
		r = ring_locked();
		more = r && turn(r, r->wanted);
		lab_seal_unlock();
		cond_resched();
	} while (more);
}

/* Lets go of the pages of @owner in the ring, or of all if @owner is NULL. Under seal_lock. */
static void empty_ring(struct ring *r, const struct lab_owner *owner)
{
	struct lab_slot *out[QUARANTINE_BATCH];
	unsigned int i, nr = 0;

	for (i = 0; i <= r->mask; i++) {
		struct lab_slot *slot = READ_ONCE(r->slots[i]);

		if (!slot || (owner && lab_tag_owner(READ_ONCE(slot->tag)) != lab_owner_id(owner)))
			continue;
		WRITE_ONCE(r->slots[i], NULL);
		out[nr++] = slot;
		if (nr < QUARANTINE_BATCH)
			continue;
		let_go(out, nr);
		nr = 0;
	}
	let_go(out, nr);
	/* A record names the owner by the number of a slot, which the next owner may get. */
	lab_stray_report();
}

/*
 * The owner goes, and frees no page any more: the owner's pages leave quarantine.
 * Context: Task; may sleep.
 */
void lab_quarantine_drain(const struct lab_owner *owner)
{
	struct ring *r;

	lab_seal_lock();
	r = ring_locked();
	if (r)
		empty_ring(r, owner);
	if (former)
		empty_ring(former, owner);
	lab_seal_unlock();
}

static struct ring *make_ring(unsigned int wanted)
{
	unsigned int size = roundup_pow_of_two(wanted + max(wanted, QUARANTINE_ROOM));
	struct ring *r = kvzalloc(struct_size(r, slots, size), GFP_KERNEL | __GFP_NOWARN);

	if (r) {
		r->wanted = wanted;
		r->mask = size - 1;
	}
	return r;
}

/* Context: Task; may sleep. Return: the former ring, which no free uses any more. */
static struct ring *replace_ring(struct ring *r)
{
	struct ring *old;

	lab_seal_lock();
	old = rcu_replace_pointer(ring, r, true);
	/* Owners may go during the grace period. */
	former = old;
	WRITE_ONCE(lab_quarantine_on, r);
	lab_seal_unlock();
	synchronize_rcu();
	return old;
}

/*
 * Keeps @wanted pages from now on; with 0 none. All that are kept leave.
 * Context: Task; may sleep; one call at a time. Return: 0, or -ENOMEM and nothing has changed.
 */
int lab_quarantine_resize(unsigned int wanted)
{
	struct ring *r = NULL, *old;

	if (wanted) {
		r = make_ring(wanted);
		if (!r)
			return -ENOMEM;
	}
	old = replace_ring(r);
	if (!r) {
		irq_work_sync(&turn_kick);
		cancel_delayed_work_sync(&turn_work);
	}
	if (!old)
		return 0;
	lab_seal_lock();
	empty_ring(old, NULL);
	former = NULL;
	lab_seal_unlock();
	kvfree(old);
	return 0;
}

/* How many pages the shrinker could have: a look. Context: Any. */
unsigned long lab_quarantine_count(void)
{
	unsigned long nr = 0;
	struct ring *r;

	rcu_read_lock();
	r = rcu_dereference(ring);
	if (r)
		nr = READ_ONCE(r->sealed) - READ_ONCE(r->tail);
	rcu_read_unlock();
	return nr;
}

/*
 * Lets go of @nr of the oldest pages, or a few more, for a system that wants memory.
 * Context: Task, in the midst of reclaim.
 */
void lab_quarantine_shrink(unsigned long nr)
{
	struct ring *r;
	unsigned int kept;

	if (!READ_ONCE(lab_quarantine_on) || !lab_seal_trylock())
		return;
	r = ring_locked();
	kept = r ? r->sealed - r->tail : 0;
	nr = min_t(unsigned long, nr, kept);
	while (r && r->sealed - r->tail > kept - nr) {
		struct lab_slot *out[QUARANTINE_BATCH];

		let_go(out, take_out(r, kept - nr, out));
	}
	lab_seal_unlock();
}

/* Context: Task; may sleep. */
void lab_quarantine_show(struct seq_file *m)
{
	struct ring *r;

	lab_seal_lock();
	r = ring_locked();
	seq_printf(m, "quarantine: %u of %u\n", r ? atomic_read(&r->drawn) - r->tail : 0,
		   r ? r->wanted : 0);
	seq_printf(m, "quarantine missed: %ld, not sealed: %lu\n",
		   atomic_long_read(&nr_missed), nr_unsealed);
	lab_seal_unlock();
}
