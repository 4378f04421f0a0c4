// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stamps of hand-outs. The state owned here is the counter that stamps are drawn from.
 *
 * A free through a stale pointer looks right if the page was handed out again to the same owner
 * since: same page, same owner, HELD. So each hand-out of an owner with LABYRINTH_OWNER_STAMPED
 * gets a number of its own. The driver keeps the number beside the pointer, and shows both. The
 * number stands in the upper half of slot->when, where other owners' pages have a stack's handle.
 * The number comes again after 2^32 hand-outs of all stamped owners together.
 */
#include <linux/atomic.h>
#include <linux/module.h>

#include "core/owner.h"
#include "inline/slot.h"
#include "page/call.h"
#include "page/stamp.h"

/* The stamp of @owner's next hand-out; 0 if the owner is not for stamps. Context: Any. */
u32 lab_stamp_next(const struct lab_owner *owner)
{
	static atomic_t stamps;
	u32 stamp;

	if (!lab_owner_is_stamped(owner))
		return 0;
	/* 0 is no stamp, and the greatest number would make the word a note of a page's content. */
	do {
		stamp = atomic_inc_return(&stamps);
	} while (!stamp || stamp == U32_MAX);
	return stamp;
}

/*
 * Gives the page in @slot, which @owner is about to hold, a stamp, if the owner is for stamps.
 * Called after lab_slot_note(), before the page is HELD.
 * Context: Any.
 */
void lab_stamp_note(const struct lab_owner *owner, struct lab_slot *slot)
{
	u32 stamp = lab_stamp_next(owner);

	if (stamp)
		lab_slot_note_stack(slot, stamp);
}

/* lab_stamp_fits(), as a call's answer. Return: 0 or -ESTALE. */
int lab_stamp_check(struct lab_call *call)
{
	if (lab_stamp_fits(call))
		return 0;
	call->class = LAB_STALE;
	return -ESTALE;
}

/**
 * labyrinth_stamp() - the stamp of a page's hand-out
 * @owner: the page's owner, made with %LABYRINTH_OWNER_STAMPED.
 * @addr: the page's address.
 *
 * No other hand-out has the same stamp, among 2^32 in a row. To ask for the stamp right after
 * the page was handed out, and to show the stamp with the pointer to
 * labyrinth_free_page_stamped() or labyrinth_transfer_stamped(), tells a pointer of an earlier
 * hand-out from a pointer of this. The stamp lasts until the page is freed, transferred or
 * released; lend and reclaim, and mappings, leave the stamp.
 *
 * Context: Any. Never sleeps.
 * Return: the stamp, never 0; or 0: not @owner's page, as labyrinth_page() reports, or @owner is
 * not for stamps.
 */
u32 labyrinth_stamp(struct labyrinth_owner *owner, const void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_PAGE, .handle = owner, .addr = addr, .ip = _RET_IP_,
	};
	int err = lab_call_begin(&call);
	u32 stamp = 0;

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		stamp = lab_stamp_of(call.owner, call.slot);
	lab_call_end(&call, err);
	return stamp;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_stamp, LAB_NS);
