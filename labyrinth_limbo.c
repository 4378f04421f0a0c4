// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a page leaves. The state owned here is the pages in limbo, and the worker
 * that looks every now and then whether they may go.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/mm.h>
#include <linux/workqueue.h>

#include "labyrinth_limbo.h"
#include "labyrinth_report.h"
#include "labyrinth_trace.h"

#define LIMBO_POLL HZ

static void limbo_look(struct work_struct *work);

/* Pages in limbo. Where they are, the table knows: they are few, and rare. */
static atomic_long_t limbo_pages;
static DECLARE_DELAYED_WORK(limbo_work, limbo_look);

static void limbo_kick(struct irq_work *kick)
{
	schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

/* From a context in which a work item may not be queued. */
static struct irq_work limbo_kick_work = IRQ_WORK_INIT(limbo_kick);

/*
 * Takes the tag off a frame that is the caller's alone and on no list, if
 * nobody refers to it: it is then an ordinary page with one reference, to be
 * freed by the caller.
 *
 * One reference short means that a foreigner dropped one that was not his. That
 * freed nothing, so the page goes on as if nothing had happened; but @lost is
 * set to its tag, for the caller to report.
 * Context: Any.
 */
bool lab_frame_untag(struct lab_owner *owner, struct lab_frame *frame,
		     lab_tag_t *lost)
{
	lab_tag_t tag = READ_ONCE(*frame->tag);
	int refs = LAB_REFS_EXCLUSIVE;

	*lost = 0;
	if (lab_transition(LAB_OP_RETURN, lab_tag_state(tag)) < 0 ||
	    lab_tag_owner(tag) != lab_owner_id(owner))
		return false;
	if (!lab_frame_freeze(frame, refs) && !lab_frame_freeze(frame, --refs))
		return false;
	if (!lab_table_remove(&lab_table, frame->tag, tag)) {
		lab_frame_thaw(frame, refs);
		return false;
	}
	if (refs != LAB_REFS_EXCLUSIVE)
		*lost = tag;
	lab_frame_leave(frame, 1);
	lab_owner_account(owner, -1);
	lab_step(LAB_OP_RETURN, frame, owner, _THIS_IP_);
	return true;
}

/* A page left with a reference too few: said once the page is settled. */
void lab_report_lost(const struct lab_owner *owner, lab_tag_t tag)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_LOST_REFERENCE,
		.op = LAB_OP_RETURN,
		.tag = tag,
		.caller = owner,
		.ip = _THIS_IP_,
	});
}

/*
 * Puts a frame that is the caller's alone and on no list out of circulation.
 * Context: Any.
 */
void lab_limbo_add(struct lab_owner *owner, struct lab_frame *frame)
{
	lab_tag_t tag = READ_ONCE(*frame->tag);
	int next = lab_transition(LAB_OP_LIMBO, lab_tag_state(tag));

	if (next < 0)
		return;
	WRITE_ONCE(*frame->tag, lab_tag_step(tag, next));
	lab_step(LAB_OP_LIMBO, frame, owner, _THIS_IP_);
	atomic_long_inc(&limbo_pages);
	irq_work_queue(&limbo_kick_work);
}

/* Returns false where something still refers to the page. */
static bool settle(lab_tag_t tag)
{
	struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(tag));
	struct lab_frame *frame = lab_frame_of_tag(tag);
	lab_tag_t lost;

	if (!lab_frame_untag(owner, frame, &lost))
		return false;
	if (lost)
		lab_report_lost(owner, lost);
	__free_page(lab_frame_page(frame));
	atomic_long_dec(&limbo_pages);
	lab_owner_put_slot(owner);
	return true;
}

static void limbo_look(struct work_struct *work)
{
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(&lab_table, index, tag)
		if (lab_tag_state(tag) == LAB_LIMBO)
			settle(tag);
	if (lab_limbo_count())
		schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

long lab_limbo_count(void)
{
	return atomic_long_read(&limbo_pages);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_limbo_count);

/*
 * The module goes while others still refer to @frame: it becomes an ordinary
 * page that is theirs, and the last of them frees it.
 */
static void abandon(lab_tag_t tag)
{
	struct lab_frame *frame = lab_frame_of_tag(tag);

	lab_table_remove(&lab_table, frame->tag, tag);
	lab_frame_clear_type(frame);
	frame->tag = NULL;
	/* Both of Labyrinth's references; the second may be the last of all. */
	put_page(lab_frame_page(frame));
	put_page(lab_frame_page(frame));
}

/*
 * Context: Task; may sleep. No owner is left, and no call comes any more.
 */
void lab_limbo_exit(void)
{
	unsigned int nr = 0;
	lab_tag_t tag;
	u64 index;

	irq_work_sync(&limbo_kick_work);
	cancel_delayed_work_sync(&limbo_work);
	lab_table_for_each(&lab_table, index, tag) {
		if (settle(tag))
			continue;
		abandon(tag);
		nr++;
	}
	if (nr)
		pr_warn("%u pages are still referred to: they are ordinary pages now\n",
			nr);
}
