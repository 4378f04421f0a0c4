// SPDX-License-Identifier: GPL-2.0-only
/*
 * The common part of calls that name a page. No state is owned here: a struct lab_call is the
 * caller's.
 *
 * Every such call but the fast paths has the same shape. lab_call_begin() disables preemption
 * and finds the owner, the body decides and commits, lab_call_end() enables preemption and only
 * then reports. The commit is a single compare-and-exchange of the tag. Changes of the frame
 * that belong to the commit are made while the frame is frozen (see inline/frame.h): only a
 * single caller can have frozen the frame.
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "core/note.h"
#include "core/table.h"
#include "inline/address.h"
#include "page/call.h"
#include "page/hunt.h"
#include "page/seal.h"

static int find_alive(struct lab_call *call)
{
	call->owner = lab_owner_get(call->handle);
	if (likely(call->owner))
		return 0;
	call->class = LAB_BAD_HANDLE;
	return -EINVAL;
}

static int find_owner(struct lab_call *call)
{
	int err = find_alive(call);

	if (unlikely(err))
		return err;
	if (unlikely(!lab_owner_may_use(call->owner))) {
		call->class = LAB_WRONG_THREAD;
		return -EPERM;
	}
	return 0;
}

/* Finds the owner. Preemption stays disabled until lab_call_end(), also after a failure. */
int lab_call_begin(struct lab_call *call)
{
	preempt_disable();
	return find_owner(call);
}

/*
 * Likewise for a call into code whose locks may sleep on PREEMPT_RT: the owner stays alive by
 * RCU alone until lab_call_end_rcu().
 */
int lab_call_begin_rcu(struct lab_call *call)
	__acquires(RCU)
{
	rcu_read_lock();
	return find_owner(call);
}

/* Likewise for what the core does for the owner, in a thread of the core's choice. */
int lab_call_begin_core(struct lab_call *call)
	__acquires(RCU)
{
	rcu_read_lock();
	return find_alive(call);
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
		.elsewhere = call->elsewhere,
		.dev = call->dev,
		.stamp = call->stamp,
		.damage = class == LAB_OVERWRITTEN ? &call->damage : NULL,
		.ip = call->ip,
		.back = call->back == call->ip ? 0 : call->back,
	});
}

/*
 * An errno that a caller without fault may get is no refusal. That the page allocator has the page
 * is told whoever asks: who waits for the page to come back may wait for ever.
 */
static bool is_refusal(const struct lab_call *call, int err)
{
	if (err == -EBUSY)
		return !call->silent || call->class == LAB_CORRUPT;
	return err < 0 && err != -ENOSPC && err != -ENOMEM;
}

/* A call that failed for the handle has not looked up the page. */
static bool is_unseen(const struct lab_call *call)
{
	return !call->tag &&
	       (call->class == LAB_BAD_HANDLE || call->class == LAB_WRONG_THREAD);
}

static void note_page(struct lab_call *call, int err)
{
	if (likely(!is_refusal(call, err)))
		return;
	if (is_unseen(call))
		call->slot = lab_call_search(call->addr, &call->tag);
	if (call->tag)
		call->note = lab_page_note(call->slot, call->tag);
}

/* Reports the faults that were found, and put right, on the way to the call's result. */
static void report_findings(struct lab_call *call)
{
	int refs = call->note.refs;

	call->note.refs = LAB_REFS_EXCLUSIVE - call->missing;
	if (call->missing)
		lab_call_report(call, LAB_LOST_REFERENCE, 0);
	if (call->damage.word)
		lab_call_report(call, LAB_OVERWRITTEN, 0);
	call->note.refs = refs;
}

static void report_result(struct lab_call *call, int err)
{
	if (unlikely(call->missing || call->damage.word))
		report_findings(call);
	if (unlikely(is_refusal(call, err)))
		lab_call_report(call, call->class, err);
}

static void thin_again(const struct lab_call *call)
{
	if (call->owner && call->slot &&
	    lab_tag_owner(READ_ONCE(call->slot->tag)) == lab_owner_id(call->owner))
		lab_hunt_thin(call->owner, call->slot);
}

/* Ends the call: reports faults and a refusal. Returns @err, or 0 if @err is a state. */
int lab_call_end(struct lab_call *call, int err)
{
	note_page(call, err);
	thin_again(call);
	preempt_enable();
	report_result(call, err);
	return min(err, 0);
}

/* The report names the owner's device, which lasts for a grace period after the owner. */
int lab_call_end_rcu(struct lab_call *call, int err)
	__releases(RCU)
{
	note_page(call, err);
	thin_again(call);
	report_result(call, err);
	rcu_read_unlock();
	return min(err, 0);
}

/* The class of a refusal because of the page's state. */
static enum lab_class class_of(int err, lab_tag_t tag)
{
	if (err == -EBUSY)
		return LAB_BUSY;
	if (err == -EINVAL)
		return LAB_NOT_POSTED;
	switch (lab_tag_state(tag)) {
	case LAB_CACHED:
	case LAB_LIMBO:
		return LAB_DOUBLE;
	case LAB_HELD:
	case LAB_LENT:
	case LAB_POSTED:
		return LAB_BAD_MAPPING;		/* no mapping is left to be ended */
	case LAB_MAPPED:
	case LAB_ABSENT:
	case LAB_NR_STATES:
		break;
	}
	return LAB_UNOWNED;
}

/*
 * The slot of the page with the alias @addr, with a copy of the tag in @tag; or NULL.
 * Context: Any.
 */
struct lab_slot *lab_call_search_sealed(const void *addr, lab_tag_t *tag)
{
	struct lab_slot *slot;
	unsigned long pfn;

	if (!lab_alias_pfn(addr, &pfn))
		return NULL;
	slot = lab_table_search(&labyrinth_hot.table, pfn, tag);
	/* An alias that leads nowhere may give the number of a page that has no alias. */
	if (!slot || lab_owner_is_sealed(lab_owner_by_id(lab_tag_owner(*tag))))
		return slot;
	*tag = 0;
	return NULL;
}

/*
 * Whether the call needs the spare references of a thin page back. A LENT page that borrowers
 * still have stays thin: nothing is decided by the count.
 */
static bool needs_spare(const struct lab_call *call)
{
	if (lab_tag_owner(call->tag) != lab_owner_id(call->owner) || call->op == LAB_OP_PAGE)
		return false;
	if (lab_tag_state(call->tag) != LAB_LENT || call->op == LAB_OP_RELEASE ||
	    call->op == LAB_OP_RELEASE_LENT)
		return true;
	return call->op == LAB_OP_RECLAIM &&
	       lab_frame_refs(lab_frame_of_tag(call->tag)) <= LAB_REFS_THIN;
}

static void search_page(struct lab_call *call, const void *addr)
{
	call->tag = 0;
	call->slot = lab_call_search(addr, &call->tag);
	if (likely(!(call->tag & LAB_TAG_THIN)) || !needs_spare(call))
		return;
	lab_hunt_give_spare(call->slot);
	call->tag = 0;
	call->slot = lab_call_search(addr, &call->tag);
}

/*
 * Looks the page up and asks the table of transitions. A second call, after a failed commit,
 * gives the reason of the failure.
 * Return: the page's next state, or -EINVAL, -ENOENT, -EPERM, -EBUSY.
 */
int lab_call_page(struct lab_call *call, const void *addr)
{
	int next;

	call->addr = addr;
	search_page(call, addr);
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

/* Whether the page has been through the page allocator although the tag is still in place. */
bool lab_call_is_given_away(const struct lab_call *call)
{
	if (likely(lab_frame_is_ours(call->frame)))
		return false;
	/*
	 * Pairs with lab_table_remove(): the tag goes before what makes the frame Labyrinth's. (Of
	 * what is not so, bury_page() and the calls that make a page Labyrinth's, no tag is met
	 * here.)
	 */
	smp_rmb();
	if (READ_ONCE(call->slot->tag) != call->tag)
		return false;
	/*
	 * The page may have left, and come to its owner again, in between. Pairs with the commit by
	 * which it has this tag again, after its marks.
	 */
	smp_rmb();
	return !lab_frame_is_ours(call->frame);
}

/* Returns the errno for a page whose tag changed during the call. */
int lab_call_again(struct lab_call *call)
{
	int err = lab_call_page(call, call->addr);

	if (err < 0)
		return err;
	/* The tag has changed and changed back: another call has the page right now. */
	call->class = lab_call_is_given_away(call) ? LAB_CORRUPT : LAB_BUSY;
	return -EBUSY;
}

bool lab_call_commit(const struct lab_call *call, lab_tag_t tag)
{
	/*
	 * A full barrier. Pairs with the barrier of the next call's commit: that call sees all
	 * that was done to the page before this commit.
	 */
	return cmpxchg(&call->slot->tag, call->tag, tag) == call->tag;
}

static int repair_claimed_frame(struct lab_call *call)
{
	int missing = lab_frame_freeze_short(call->frame);

	call->class = lab_frame_is_ours(call->frame) ? LAB_BUSY : LAB_CORRUPT;
	if (!missing)
		return -EBUSY;
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	call->missing = missing;
	return 0;
}

/*
 * Puts back the references that a foreigner dropped, which freed nothing. The tag is CACHED
 * meanwhile, with the page on no list, so no other call can take the page. Without that, a call
 * that raced since the look-up might have taken the page: the count would then be another
 * user's, and that user may drop the last reference at any moment.
 */
static int repair_references(struct lab_call *call)
{
	unsigned long flags;
	bool claimed;
	int err = 0;

	call->note = lab_page_note(call->slot, call->tag);
	/* An interrupt's call about another buffer of the page would wait in vain. */
	local_irq_save(flags);
	claimed = lab_call_commit(call, lab_tag_step(call->tag, LAB_CACHED));
	if (claimed) {
		err = repair_claimed_frame(call);
		/* Pairs with the look at the count by the next call that finds the tag again. */
		smp_store_release(&call->slot->tag, call->tag);
	}
	local_irq_restore(flags);
	return claimed ? err : lab_call_again(call);
}

/*
 * The errno for a page with @refs references, which are too many, or 0 while the frame is frozen.
 * A sealed owner's page may be frozen by the worker that seals the page again, see
 * page/seal.c: no fault of the owner's, so there is no report.
 */
static int refuse_busy(struct lab_call *call, int refs)
{
	call->class = lab_call_is_given_away(call) ? LAB_CORRUPT : LAB_BUSY;
	if (call->class == LAB_BUSY && !refs && lab_owner_is_sealed(call->owner))
		call->silent = true;
	return -EBUSY;
}

/*
 * Whether nobody but the owner refers to the page. Missing references are put back. Of a page
 * that is thin still, the count says nothing: LAB_REFS_EXCLUSIVE may be the borrowers' references.
 */
int lab_call_exclusive(struct lab_call *call)
{
	int refs = lab_frame_refs(call->frame);
	bool thin = call->tag & LAB_TAG_THIN;

	if (likely(refs == LAB_REFS_EXCLUSIVE && !thin && lab_frame_is_ours(call->frame)))
		return 0;
	/* At 0 the count is frozen: another call has the page right now. */
	if (refs && refs < LAB_REFS_EXCLUSIVE && !thin)
		return repair_references(call);
	return refuse_busy(call, refs);
}

/*
 * As lab_call_exclusive(), but retries for a while, unless another call leads the page on
 * meanwhile: then lab_call_again() has noted a new tag, but the caller has decided by the old tag's
 * state.
 */
int lab_call_await(struct lab_call *call)
{
	enum lab_state state = lab_tag_state(call->tag);
	unsigned int tries = LAB_MOMENT_TRIES;
	int err = lab_call_exclusive(call);

	while (unlikely(err == -EBUSY && call->class == LAB_BUSY &&
			lab_tag_state(call->tag) == state && --tries)) {
		cpu_relax();
		err = lab_call_exclusive(call);
	}
	return err;
}

static void mend_frame(struct lab_call *call, enum lab_words words)
{
	lab_frame_mend(call->frame, lab_tag_pfn(call->tag), words, &call->damage);
	if (call->damage.word)
		call->note = lab_page_note(call->slot, call->tag);
}

/* Another call, or the core, may come in between the look and the freeze: then once more. */
static int claim_frame(struct lab_call *call)
{
	unsigned int tries = 4;
	int err;

	do {
		err = lab_call_await(call);
		if (err)
			return err;
		if (lab_frame_freeze(call->frame, LAB_REFS_EXCLUSIVE))
			return 0;
	} while (--tries);
	return refuse_busy(call, 0);
}

static bool is_listed(struct lab_frame *frame, enum lab_words words)
{
	return words == LAB_WORDS_LENT && unlikely(lab_frame_is_listed(frame));
}

/*
 * Claims the frame, if nobody but the owner refers to the page, and puts the words of struct
 * page right.
 */
int lab_call_freeze(struct lab_call *call)
{
	enum lab_words words = lab_tag_state(call->tag) == LAB_LENT ? LAB_WORDS_LENT :
								      LAB_WORDS_OWNED;
	int err = claim_frame(call);
	bool is_ours;

	if (err)
		return err;
	/* From here on the tag neither comes to be LENT nor ceases to be. */
	is_ours = READ_ONCE(call->slot->tag) == call->tag;
	if (likely(is_ours && !is_listed(call->frame, words))) {
		mend_frame(call, words);
		return 0;
	}
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	call->class = LAB_BUSY;
	return is_ours ? -EBUSY : lab_call_again(call);
}

/*
 * A whole call that is refused for the arguments, whatever the page. A wrong handle comes
 * first.
 * Return: -EINVAL, or the errno for a wrong handle.
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
