// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a page leaves. The state owned here is the pages in limbo, and the worker
 * that looks every now and then whether they may go.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "labyrinth_limbo.h"
#include "labyrinth_report.h"
#include "labyrinth_trace.h"

#define LIMBO_POLL HZ

static void limbo_look(struct work_struct *work);

/* Pages in limbo. Where they are, the table knows: they are few, and rare. */
static atomic_long_t limbo_pages;

/* Protects the step out of limbo, which the worker and destroy may take. */
static DEFINE_MUTEX(limbo_lock);

static DECLARE_DELAYED_WORK(limbo_work, limbo_look);

static void limbo_kick(struct irq_work *kick)
{
	schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

/* From a context in which a work item may not be queued. */
static struct irq_work limbo_kick_work = IRQ_WORK_INIT(limbo_kick);

/*
 * Takes the tag off a frame that is frozen and the caller's alone. The type goes first:
 * without a tag, memory that has it and no reference may go offline.
 */
static bool untag(struct lab_owner *owner, struct lab_frame *frame,
		  lab_tag_t *slot, lab_tag_t tag, int refs)
{
	bool typed = PageOffline(lab_frame_page(frame));

	lab_frame_clear_type(frame);
	if (!lab_table_remove(&labyrinth_hot.table, slot, tag)) {
		if (typed)
			lab_frame_set_type(frame);
		lab_frame_thaw(frame, refs);
		return false;
	}
	lab_frame_leave(frame, 1);
	lab_owner_account(owner, -1);
	lab_step(LAB_OP_RETURN, frame, owner, _RET_IP_);
	return true;
}

/*
 * @frame's page has just become LIMBO: it is looked at now and then.
 * Context: Any.
 */
void lab_limbo_add(struct lab_owner *owner, struct lab_frame *frame)
{
	lab_step(LAB_OP_LIMBO, frame, owner, _RET_IP_);
	atomic_long_inc(&limbo_pages);
	irq_work_queue(&limbo_kick_work);
}

static bool send_to_limbo(struct lab_owner *owner, lab_tag_t *slot,
			  lab_tag_t tag)
{
	int next = lab_transition(LAB_OP_LIMBO, lab_tag_state(tag));
	struct lab_frame *frame = lab_frame_of_tag(tag);

	/* In limbo already, if it is no transition: it stays there. */
	if (next < 0)
		return true;
	/* The words of one that was cached are a list's. */
	if (lab_tag_state(tag) == LAB_CACHED && READ_ONCE(frame->tag) == slot)
		lab_frame_note(frame, 0);
	/* Nobody else changes this tag but an owner who breaks his promise. */
	if (cmpxchg(slot, tag, lab_tag_step(tag, next)) != tag)
		return false;
	lab_limbo_add(owner, frame);
	return true;
}

/*
 * Makes @owner's page, whose tag stands in @slot, an ordinary one if nobody
 * refers to it any more, and else puts it into limbo. It is the caller's alone
 * and on no list. @was is set to what its tag was.
 *
 * References short mean that a foreigner dropped what was not his. That freed
 * nothing, so the page goes its way; the caller is told, to report it. Unless the
 * frame does not know its slot any more: then it has been through the page
 * allocator and is somebody else's, or its borrower has used the words of struct
 * page. It is not touched, and stays in limbo.
 * Context: Any.
 */
enum lab_leave lab_leave(struct lab_owner *owner, lab_tag_t *slot,
			 lab_tag_t *was)
{
	lab_tag_t tag = READ_ONCE(*slot);
	struct lab_frame *frame = lab_frame_of_tag(tag);
	int refs;

	*was = tag;
	if (!tag || lab_tag_owner(tag) != lab_owner_id(owner))
		return LAB_NOT_OURS;
	if (lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE))
		return untag(owner, frame, slot, tag, LAB_REFS_EXCLUSIVE) ?
		       LAB_LEFT : LAB_NOT_OURS;
	refs = READ_ONCE(frame->tag) == slot ? lab_frame_freeze_short(frame) : 0;
	if (refs)
		return untag(owner, frame, slot, tag, refs) ?
		       LAB_LEFT_SHORT : LAB_NOT_OURS;
	return send_to_limbo(owner, slot, tag) ? LAB_IN_LIMBO : LAB_NOT_OURS;
}

/*
 * The worker is to give the page back, which is the caller's alone and on no
 * list: its own context may not, or it is not to be cached.
 * Context: Any.
 */
void lab_retire(struct lab_owner *owner, lab_tag_t *slot)
{
	send_to_limbo(owner, slot, READ_ONCE(*slot));
}

/* A page left with references too few: said once the page is settled. */
void lab_report_lost(const struct lab_owner *owner, lab_tag_t tag)
{
	lab_report(&(struct lab_refusal) {
		.class = LAB_LOST_REFERENCE,
		.op = LAB_OP_RETURN,
		.tag = tag,
		.note = lab_page_note(tag),
		.caller = owner,
		.ip = _RET_IP_,
	});
}

/*
 * As lab_leave(), and gives the page back to the system if it left.
 * Context: Task.
 */
void lab_settle(struct lab_owner *owner, lab_tag_t *slot)
{
	lab_tag_t was;

	switch (lab_leave(owner, slot, &was)) {
	case LAB_LEFT_SHORT:
		lab_report_lost(owner, was);
		fallthrough;
	case LAB_LEFT:
		if (lab_tag_state(was) == LAB_LIMBO)
			atomic_long_dec(&limbo_pages);
		__free_page(pfn_to_page(lab_tag_pfn(was)));
		break;
	case LAB_NOT_OURS:
		lab_report_corrupt(LAB_OP_RETURN, owner, was, _RET_IP_);
		break;
	case LAB_IN_LIMBO:
		break;
	}
}

/*
 * Settles a page of @owner's that was in limbo, with @tag in @slot, if it still is.
 * Context: Task; may sleep.
 */
void lab_limbo_settle(struct lab_owner *owner, lab_tag_t *slot, lab_tag_t tag)
{
	mutex_lock(&limbo_lock);
	if (READ_ONCE(*slot) == tag)
		lab_settle(owner, slot);
	mutex_unlock(&limbo_lock);
}

static void limbo_look(struct work_struct *work)
{
	struct lab_owner *owner;
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(&labyrinth_hot.table, index, tag) {
		if (lab_tag_state(tag) != LAB_LIMBO)
			continue;
		owner = lab_owner_by_id(lab_tag_owner(tag));
		lab_limbo_settle(owner, &labyrinth_hot.table.tags[index], tag);
		lab_owner_put_slot(owner);
	}
	if (lab_limbo_count())
		schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

long lab_limbo_count(void)
{
	return atomic_long_read(&limbo_pages);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_limbo_count);

/*
 * The module goes while others still refer to a page: it becomes an ordinary
 * page that is theirs, and the last of them frees it.
 */
static void abandon(lab_tag_t *slot, lab_tag_t tag)
{
	struct lab_frame *frame = lab_frame_of_tag(tag);

	lab_table_remove(&labyrinth_hot.table, slot, tag);
	lab_frame_clear_type(frame);
	/* Unless a borrower has put something of his own there. */
	cmpxchg(&frame->tag, slot, NULL);
	if (lab_frame_refs(frame) < LAB_REFS_EXCLUSIVE)
		return;		/* given away behind our back; no more ours */
	if (page_ref_sub_and_test(lab_frame_page(frame), LAB_REFS_EXCLUSIVE)) {
		/* The last borrower went just now: nobody else will free it. */
		page_ref_inc(lab_frame_page(frame));
		__free_page(lab_frame_page(frame));
	}
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
	limbo_look(NULL);
	cancel_delayed_work_sync(&limbo_work);
	lab_table_for_each(&labyrinth_hot.table, index, tag) {
		abandon(&labyrinth_hot.table.tags[index], tag);
		nr++;
	}
	if (nr)
		pr_warn("%u pages are still referred to: they are ordinary pages now\n",
			nr);
}
