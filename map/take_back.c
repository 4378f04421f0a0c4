// SPDX-License-Identifier: GPL-2.0-only
/*
 * What free, transfer and release have in common of a page that a process has mapped. No
 * state is owned here.
 */
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "map/mmap.h"
#include "map/take_back.h"

/*
 * The page, which lab_call_is_mapped(), is taken away from the process that has it, if the
 * caller may sleep, as far as can be known. While preemption is enabled the owner may
 * go, and its slot become another's: lab_mmap_revoke() looks at the handle again. That
 * the process stands in the way just now is no fault of the caller's, to be reported.
 * Context: Within a call; preemption disabled by lab_call_begin() alone.
 * Return: as lab_call_page() then; the page may be back all by itself.
 */
int lab_call_take_back(struct lab_call *call)
{
	if (lab_call_is_referred_to(call))
		return -EBUSY;
	preempt_enable();
	if (preemptible() && !rcu_preempt_depth())
		call->silent = lab_mmap_revoke(call->owner, call->slot,
					       call->handle) == LAB_REVOKE_LATER;
	preempt_disable();
	/* With preemption enabled, the owner may have gone. */
	if (lab_owner_is(call->owner, call->handle))
		return lab_call_page(call, call->addr);
	call->class = LAB_BAD_HANDLE;
	return -EINVAL;
}
