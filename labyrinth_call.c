// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame of a call that names a page. No state is owned here: a struct
 * lab_call is its caller's.
 *
 * Every such call but the fast path has one shape: lab_call_begin() disables
 * preemption and finds the owner, the body decides and commits, lab_call_end()
 * enables preemption and only then reports. The commit is one
 * compare-and-exchange of the tag; what must be done to the frame together with
 * it happens while the frame is frozen (see labyrinth_frame.h), which only one
 * caller can have done.
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "labyrinth_address.h"
#include "labyrinth_call.h"

static int find_owner(struct lab_call *call)
{
	call->owner = lab_owner_get(call->handle);
	if (unlikely(!call->owner)) {
		call->class = LAB_BAD_HANDLE;
		return -EINVAL;
	}
	if (unlikely(!lab_owner_may_use(call->owner))) {
		call->class = LAB_WRONG_THREAD;
		return -EPERM;
	}
	return 0;
}

/*
 * Finds the owner. Preemption stays disabled until lab_call_end(), also where
 * this fails.
 */
int lab_call_begin(struct lab_call *call)
{
	preempt_disable();
	return find_owner(call);
}

/*
 * Likewise for a call that asks others, whose locks may sleep on PREEMPT_RT: the
 * owner stays alive by RCU alone until lab_call_end_rcu().
 */
int lab_call_begin_rcu(struct lab_call *call)
	__acquires(RCU)
{
	rcu_read_lock();
	return find_owner(call);
}

static void lab_call_report(const struct lab_call *call, enum lab_class class,
			    int err)
{
	lab_report(&(struct lab_refusal) {
		.class = class,
		.op = call->op,
		.err = err,
		.addr = call->addr,
		.tag = call->tag,
		.note = call->note,
		.caller = call->owner,
		.handle = call->handle,
		.asked = call->asked,
		.dev = call->dev,
		.ip = call->ip,
	});
}

/* An answer that a right caller gets too is no refusal. */
static bool is_refusal(const struct lab_call *call, int err)
{
	if (err == -EBUSY)
		return !call->silent;
	return err < 0 && err != -ENOSPC && err != -ENOMEM;
}

/* A call that failed for its handle has not looked for the page that it named. */
static bool is_unseen(const struct lab_call *call)
{
	return !call->tag &&
	       (call->class == LAB_BAD_HANDLE || call->class == LAB_WRONG_THREAD);
}

static void note_page(struct lab_call *call, int err)
{
	unsigned long pfn;

	if (likely(!is_refusal(call, err)))
		return;
	if (is_unseen(call) && lab_address_pfn(call->addr, &pfn))
		lab_table_search(&labyrinth_hot.table, pfn, &call->tag);
	if (call->tag)
		call->note = lab_page_note(call->tag);
}

static void tell(const struct lab_call *call, int err)
{
	if (unlikely(call->lost))
		lab_call_report(call, LAB_LOST_REFERENCE, 0);
	if (unlikely(is_refusal(call, err)))
		lab_call_report(call, call->class, err);
}

/* Reports what there is to report. @err is returned, 0 if it is a state. */
int lab_call_end(struct lab_call *call, int err)
{
	note_page(call, err);
	preempt_enable();
	tell(call, err);
	return min(err, 0);
}

/* What is told names the owner's device, which goes a grace period after the owner. */
int lab_call_end_rcu(struct lab_call *call, int err)
	__releases(RCU)
{
	note_page(call, err);
	tell(call, err);
	rcu_read_unlock();
	return min(err, 0);
}

/* What the owner may not do to a page in this state, by its name. */
static enum lab_class class_of(int err, lab_tag_t tag)
{
	if (err == -EBUSY)
		return LAB_BUSY;
	switch (lab_tag_state(tag)) {
	case LAB_CACHED:
		return LAB_DOUBLE;
	case LAB_HELD:
	case LAB_LENT:
		return LAB_BAD_MAPPING;		/* none, and to be unmapped */
	default:
		return LAB_UNOWNED;
	}
}

/*
 * Looks the page up and asks the table of transitions. Called again where the
 * commit failed, it gives the reason.
 * Return: the page's next state, or -EINVAL, -ENOENT, -EPERM, -EBUSY.
 */
int lab_call_page(struct lab_call *call, const void *addr)
{
	unsigned long pfn;
	int next;

	call->addr = addr;
	call->slot = NULL;
	call->tag = 0;
	if (lab_address_pfn(addr, &pfn))
		call->slot = lab_table_search(&labyrinth_hot.table, pfn, &call->tag);
	if (!call->slot) {
		bool valid = lab_address_valid(addr);

		call->class = valid ? LAB_UNOWNED : LAB_BAD_ADDRESS;
		return valid ? -ENOENT : -EINVAL;
	}
	call->frame = lab_frame_of_tag(call->tag);
	if (lab_tag_owner(call->tag) != lab_owner_id(call->owner)) {
		call->class = LAB_FOREIGN;
		return -EPERM;
	}
	next = lab_transition(call->op, lab_tag_state(call->tag));
	if (next < 0)
		call->class = class_of(next, call->tag);
	return next;
}

/*
 * Whether the frame has been through the page allocator, tagged as it is: it does
 * not know its slot any more.
 */
static bool is_given_away(const struct lab_call *call)
{
	return lab_tag_state(call->tag) != LAB_LENT &&
	       READ_ONCE(call->frame->tag) != call->slot &&
	       READ_ONCE(*call->slot) == call->tag;
}

/* The page's tag changed while the call was under way: says how. */
int lab_call_again(struct lab_call *call)
{
	int err = lab_call_page(call, call->addr);

	if (err < 0)
		return err;
	/* If it changed and changed back, somebody is at it right now. */
	call->class = is_given_away(call) ? LAB_CORRUPT : LAB_BUSY;
	return -EBUSY;
}

bool lab_call_commit(const struct lab_call *call, lab_tag_t tag)
{
	/*
	 * A full barrier, which pairs with its like in the next call on the
	 * page: what was done to the page before is seen after.
	 */
	return cmpxchg(call->slot, call->tag, tag) == call->tag;
}

/*
 * The page stays. Unless it is gone already: a frame that has been through the page
 * allocator does not know its slot any more, and is somebody else's.
 */
static int repair_claimed(struct lab_call *call)
{
	struct lab_page_note note = lab_page_note(call->tag);

	call->class = LAB_CORRUPT;
	if (lab_tag_state(call->tag) != LAB_LENT &&
	    READ_ONCE(call->frame->tag) != call->slot)
		return -EBUSY;
	call->class = LAB_BUSY;
	note.refs = lab_frame_freeze_short(call->frame);
	if (!note.refs)
		return -EBUSY;
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	call->note = note;
	call->lost = true;
	return 0;
}

/*
 * Puts back the references that a foreigner dropped; they freed nothing. The tag is
 * CACHED meanwhile, with the page on no list, so that nobody leads it away: since
 * the look-up a racing call may have done so, and then its count is somebody
 * else's, who may drop his last reference any moment.
 */
static int repair(struct lab_call *call)
{
	int err;

	if (!lab_call_commit(call, lab_tag_step(call->tag, LAB_CACHED)))
		return lab_call_again(call);
	err = repair_claimed(call);
	lab_tag_store_state(call->slot, lab_tag_state(call->tag));
	return err;
}

/* Whether nobody but the owner refers to the page. */
int lab_call_exclusive(struct lab_call *call)
{
	int refs = lab_frame_refs(call->frame);

	if (likely(refs == LAB_REFS_EXCLUSIVE))
		return 0;
	/* At 0 it is frozen: somebody is at it right now. */
	if (refs && refs < LAB_REFS_EXCLUSIVE)
		return repair(call);
	call->class = is_given_away(call) ? LAB_CORRUPT : LAB_BUSY;
	return -EBUSY;
}

/* Claims the frame, if nobody but the owner refers to the page. */
int lab_call_freeze(struct lab_call *call)
{
	int err = lab_call_exclusive(call);

	if (err)
		return err;
	if (lab_frame_freeze(call->frame, LAB_REFS_EXCLUSIVE))
		return 0;
	call->class = LAB_BUSY;
	return -EBUSY;
}

/*
 * A whole call that is refused for what it asks, whatever the page; but for a wrong
 * handle first.
 * Return: -EINVAL, or what is wrong with the handle.
 */
int lab_call_refuse(struct lab_call *call, enum lab_class class)
{
	int err = lab_call_begin_rcu(call);

	if (!err) {
		call->class = class;
		err = -EINVAL;
	}
	return lab_call_end_rcu(call, err);
}
