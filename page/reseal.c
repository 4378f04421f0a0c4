// SPDX-License-Identifier: GPL-2.0-only
/*
 * Freed pages of sealed owners, not sealed again yet. The state owned here is the list of such
 * pages, of all owners together.
 *
 * A page that was lent stays in the direct map until the worker of page/seal.c comes, some
 * milliseconds after the reclaim. A page freed earlier must not be handed out yet: a stray
 * access by the direct map would reach the page. The page waits here, CACHED, and on no other
 * list. A worker, look(), puts sealed pages on the reserve's list of the owner, from where
 * allocations take the pages above the reserve's target.
 *
 * Only a page with the mark R in the tag (see inline/tag.h) comes here: the free of any other
 * page stays on the fast path.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#include "core/list.h"
#include "core/table.h"
#include "page/cache.h"
#include "page/reseal.h"
#include "page/seal.h"

/* More than the delay of the worker of page/seal.c, which the reclaim has called. */
#define RESEAL_DELAY	msecs_to_jiffies(30)

static struct lab_list waiting;
static atomic_t nr_waiting;

/* Held while pages are off the list, on their way. Taken in task context; a leaf. */
static DEFINE_MUTEX(reseal_lock);

static void look(struct work_struct *work);
static void schedule_look(struct irq_work *kick);

static DECLARE_DELAYED_WORK(look_work, look);
static struct irq_work look_kick = IRQ_WORK_INIT_HARD(schedule_look);

static void schedule_look(struct irq_work *kick)
{
	schedule_delayed_work(&look_work, RESEAL_DELAY);
}

static struct lab_owner *owner_of(const struct lab_slot *slot)
{
	return lab_owner_by_id(lab_tag_owner(READ_ONCE(slot->tag)));
}

static bool is_sealed(const struct lab_slot *slot)
{
	return lab_seal_is_closed(lab_tag_pfn(READ_ONCE(slot->tag)));
}

/*
 * Has the page, freed just now, wait for the worker if the page is not sealed yet. The page is
 * CACHED, on no list and the caller's alone.
 * Context: Any; preemption disabled, the owner alive.
 * Return: false if the page is sealed, and still the caller's.
 */
bool lab_reseal_put(struct lab_owner *owner, struct lab_slot *slot)
{
	if (is_sealed(slot))
		return false;
	atomic_inc(&nr_waiting);
	lab_list_push(&waiting, slot);
	irq_work_queue(&look_kick);
	return true;
}

static struct lab_slot *pop(struct lab_list *list)
{
	struct lab_slot *slot;

	preempt_disable();
	slot = lab_list_pop(list);
	preempt_enable();
	return slot;
}

/* Puts sealed pages, and all pages of @gone, on the reserve's list of the owner. */
static void sort_out(const struct lab_owner *gone)
{
	struct lab_list rest = {};
	struct lab_slot *slot;

	lockdep_assert_held(&reseal_lock);
	while ((slot = pop(&waiting))) {
		struct lab_owner *owner = owner_of(slot);

		if (owner != gone && !is_sealed(slot)) {
			lab_list_push(&rest, slot);
			continue;
		}
		lab_reserve_put(owner, slot);
		atomic_dec(&nr_waiting);
		cond_resched();
	}
	while ((slot = pop(&rest)))
		lab_list_push(&waiting, slot);
}

static void look(struct work_struct *work)
{
	mutex_lock(&reseal_lock);
	sort_out(NULL);
	mutex_unlock(&reseal_lock);
	if (atomic_read(&nr_waiting))
		schedule_delayed_work(&look_work, RESEAL_DELAY);
}

/*
 * The owner goes, and frees no page any more: the owner's pages wait no longer.
 * Context: Task; may sleep.
 */
void lab_reseal_drain(const struct lab_owner *owner)
{
	if (!lab_owner_is_sealed(owner))
		return;
	mutex_lock(&reseal_lock);
	sort_out(owner);
	mutex_unlock(&reseal_lock);
}

/* No owner is left. Context: Task; may sleep. */
void lab_reseal_exit(void)
{
	irq_work_sync(&look_kick);
	cancel_delayed_work_sync(&look_work);
}

/* Context: Task. */
void lab_reseal_show(struct seq_file *m)
{
	seq_printf(m, "waiting: %d\n", atomic_read(&nr_waiting));
}
