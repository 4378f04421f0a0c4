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

/*
 * Takes back the page that was lent longest, if no borrower refers to the page any more;
 * otherwise the page goes to the end of the queue. A page that a free would not put into a
 * cache is let go of.
 * Context: Any; the owner stays, and of a SINGLE owner the caller is the one user.
 * Return: the page's address, as handed out to the caller at @ip; or NULL.
 */
void *lab_home_take_back(struct lab_owner *owner, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RECLAIM, .owner = owner, .ip = ip, .silent = true,
	};
	struct lab_cached lent;
	int err;

	if (!owner->front.rx.limit || in_nmi() || !lab_lent_pop(owner, &lent))
		return NULL;
	if (lab_tag_is_passing(READ_ONCE(lent.slot->tag)) && lab_may_lock()) {
		lab_lend_let_go(owner, &lent, ip);
		return NULL;
	}
	preempt_disable();
	err = lab_lend_find(&call, &lent) ?: lab_lend_reclaim(&call);
	err = lab_call_end(&call, err);
	/* The pop made room. If another CPU took the room, the oldest page has to go. */
	if (err == -EBUSY)
		lab_lend_queue(owner, lent, ip);
	if (err)
		return NULL;
	owner->front.rx.taken_back++;
	return (void *)call.addr;
}

/*
 * Ends the queue of an owner that goes: pages that came back go back to the system, all others
 * are the borrowers'.
 * Context: Task; may sleep. Nobody uses the owner's handle any more.
 * Return: how many pages were left to the borrowers.
 */
unsigned int lab_home_let_all_go(struct lab_owner *owner, unsigned long ip)
{
	struct lab_cached lent;
	unsigned int nr = 0;

	while (lab_lent_pop(owner, &lent))
		nr += lab_lend_let_go(owner, &lent, ip);
	return nr;
}
