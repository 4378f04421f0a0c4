// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes a page away from the process that has the page mapped, for free, transfer and release.
 * No state is owned here.
 */
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "map/mmap.h"
#include "map/take_back.h"

/* Whether the call would be refused in any case, so that nothing is taken away. */
bool lab_call_is_referred_to(const struct lab_call *call)
{
	unsigned int tries = LAB_MOMENT_TRIES;

	while (unlikely(lab_frame_refs(call->frame) > LAB_REFS_EXCLUSIVE)) {
		if (!--tries)
			return true;
		cpu_relax();
	}
	return false;
}

/*
 * Takes the page, for which lab_call_is_mapped() is true, away from the process that has the
 * page mapped, if the caller may sleep, as far as can be known. While preemption is enabled the
 * owner may go, and the slot may get another owner; and the page may be handed out again. So
 * lab_mmap_revoke() looks at handle and stamp once more. If the process stands in the way just
 * now, the caller is not to blame, and no report is made.
 * Context: Within a call; preemption disabled by lab_call_begin() alone.
 * Return: as lab_call_page() then; the page may be HELD again without this.
 */
int lab_call_take_back(struct lab_call *call)
{
	if (lab_call_is_referred_to(call))
		return -EBUSY;
	preempt_enable();
	if (preemptible() && !rcu_preempt_depth())
		call->silent = lab_mmap_revoke(call->owner, call->slot, call) == LAB_REVOKE_LATER;
	preempt_disable();
	/* With preemption enabled, the owner may have gone. */
	if (lab_owner_is(call->owner, call->handle))
		return lab_call_page(call, call->addr);
	call->class = LAB_BAD_HANDLE;
	return -EINVAL;
}
