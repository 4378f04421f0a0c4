// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages on an owner's queue of lent pages: taken back when the borrowers are done, and left to
 * the borrowers at the owner's end. No state is owned here.
 */
#include <linux/mm.h>

#include "core/context.h"
#include "page/cache.h"
#include "page/home.h"
#include "page/lend.h"
#include "page/lent.h"
#include "page/limbo.h"
#include "page/stamp.h"

/* A page that is on a list of the core's does not come back. */
static void keep_lent(struct lab_owner *owner, const struct lab_cached *lent, unsigned long ip)
{
	bool gone = lab_frame_is_listed(lent->frame) && lab_may_lock() &&
		    lab_lend_let_go(owner, lent, ip);

	if (!gone)
		lab_lend_queue(owner, *lent, ip);
}

/*
 * Takes back the page of @lent. A page that a free would not put into a cache is let go of.
 * Return: the page's address, as handed out to the caller at @ip; or NULL.
 */
static void *take_back(struct lab_owner *owner, const struct lab_cached *lent, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RECLAIM, .owner = owner, .ip = ip, .silent = true,
	};
	int err;

	if (lab_tag_is_passing(READ_ONCE(lent->slot->tag)) && lab_may_lock()) {
		lab_lend_let_go(owner, lent, ip);
		return NULL;
	}
	preempt_disable();
	/* A hand-out has a new stamp. */
	err = lab_lend_hinted(lab_lend_find(&call, lent) ?:
			      lab_lend_reclaim(&call, lab_stamp_next(owner)));
	err = lab_call_end(&call, err);
	/*
	 * The pop made room. If another CPU took the room, the oldest page has to go. That the page
	 * allocator has the page was reported, and would be each time.
	 */
	if (err == -EBUSY && call.class == LAB_BUSY)
		keep_lent(owner, lent, ip);
	return err ? NULL : (void *)call.addr;
}

/*
 * Takes back a page that no borrower has, of the LAB_LENT_TRIES pages that were lent longest. A
 * page that is out goes to the end of the queue.
 * Context: Any; the owner stays, and of a SINGLE owner the caller is the only user.
 * Return: the page's address, as handed out to the caller at @ip; or NULL.
 */
void *lab_home_take_back(struct lab_owner *owner, unsigned long ip)
{
	unsigned int tries = LAB_LENT_TRIES;
	struct lab_cached lent;
	void *addr = NULL;
	bool out;

	if (!owner->front.rx.limit || in_nmi())
		return NULL;
	while (!addr && tries-- && lab_lent_turn(owner, &lent, &out)) {
		if (!out)
			addr = take_back(owner, &lent, ip);
	}
	if (!addr)
		return NULL;
	/* Harmless: where CPUs race, the count may lose a step. */
	data_race(owner->front.rx.taken_back++);
	return addr;
}

/* HELD -> CACHED on no list, before the end of the call makes a hunted owner's page thin again. */
static bool put_down(const struct lab_call *call)
{
	lab_tag_t held = lab_tag_step(call->tag, LAB_HELD);

	/* Pairs as in lab_call_commit(). */
	return cmpxchg(&call->slot->tag, held, lab_tag_step(held, LAB_CACHED)) == held;
}

/*
 * Gives the page of @lent, which no borrower has, back to the system. Taken back, the page has all
 * words put right. Of a page that is left to borrowers a few words may be theirs, and stay: nobody
 * would clear these here, and the page allocator might follow what a stray write left.
 * Return: false if the page is to be let go of.
 */
static bool give_back(struct lab_owner *owner, const struct lab_cached *lent, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RECLAIM, .owner = owner, .ip = ip, .silent = true,
	};
	bool done;
	int err;

	preempt_disable();
	err = lab_lend_hinted(lab_lend_find(&call, lent) ?: lab_lend_reclaim(&call, 0));
	done = !err && put_down(&call);
	lab_call_end(&call, err);
	/* What the page allocator has ends with the pages that are not on the queue. */
	if (!done)
		return call.class == LAB_CORRUPT;
	lab_owner_quota_give(owner, 1);
	lab_settle(owner, lent->slot, ip);
	return true;
}

/*
 * Ends the queue of an owner that goes: pages that came back go to the system, the rest are the
 * borrowers'.
 * Context: Task; may sleep. Nobody uses the owner's handle any more.
 * Return: how many pages were left to the borrowers.
 */
unsigned int lab_home_let_all_go(struct lab_owner *owner, unsigned long ip)
{
	struct lab_cached lent;
	unsigned int nr = 0;

	while (lab_lent_pop(owner, &lent)) {
		bool out = lab_lent_is_out(&lent);

		if (!out && give_back(owner, &lent, ip))
			continue;
		if (lab_lend_let_go(owner, &lent, ip))
			nr += out;
	}
	return nr;
}
