// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners whose frees are noted. The state owned here is the owner to be noted next.
 *
 * A free on a fast path notes nothing: to note the call site would cost every page an
 * instruction. So the first report of a double free may lack the first free. But such a bug comes
 * again. From such a report on, the owner's calls take the general path, where each free is noted
 * in the page's slot, until a report of a double free has both ends. All other owners stay on the
 * fast paths.
 */
#include <linux/irq_work.h>
#include <linux/workqueue.h>

#include "core/owner.h"
#include "report/history.h"
#include "report/noted.h"
#include "report/report.h"

/* In @next, an owner's id and whether the owner is to be noted. */
#define NOBODY		(-1)
#define NEXT_ON		BIT(0)
#define NEXT_ID_SHIFT	1

static void kick_note(struct irq_work *work);
static void note_owner(struct work_struct *work);

static struct irq_work kick_work = IRQ_WORK_INIT_HARD(kick_note);
static DECLARE_WORK(note_work, note_owner);
/* Of two owners at the same time, one waits for a further report. */
static int next = NOBODY;

static void kick_note(struct irq_work *work)
{
	schedule_work(&note_work);
}

/* Harmless: a new owner may have the id by now, and is noted for nothing. */
static void note_owner(struct work_struct *work)
{
	int now = xchg(&next, NOBODY);

	if (now == NOBODY)
		return;
	lab_owners_lock();
	lab_owner_set_flag(lab_owner_by_id(now >> NEXT_ID_SHIFT), LAB_OWNER_NOTED,
			   now & NEXT_ON);
	lab_owners_unlock();
}

/*
 * Has the page's owner noted from now on, if @refusal is a double free without the first free;
 * or no longer, if the first free is there.
 * Context: Any.
 */
void lab_noted_after(const struct lab_refusal *refusal)
{
	bool known = refusal->note.last.step == LAB_LAST_FREE || READ_ONCE(lab_history_on);
	unsigned int id = lab_tag_owner(refusal->tag);

	if (refusal->class != LAB_DOUBLE ||
	    known == !(READ_ONCE(lab_owner_by_id(id)->front.flags) & LAB_OWNER_NOTED))
		return;
	WRITE_ONCE(next, id << NEXT_ID_SHIFT | (known ? 0 : NEXT_ON));
	irq_work_queue(&kick_work);
}

/* No report comes any more. Context: Task; may sleep. */
void lab_noted_exit(void)
{
	irq_work_sync(&kick_work);
	cancel_work_sync(&note_work);
}
