// SPDX-License-Identifier: GPL-2.0-only
/* Never built: each rule of this folder must find its mistake here. */
#include <linux/mm_types.h>
#include <linux/spinlock.h>

#include "report/report.h"

static unsigned long struct_page(struct page *page)
{
	return page->private;
}

static void locked_report(spinlock_t *lock, const struct lab_refusal *refusal)
{
	spin_lock(lock);
	lab_report(refusal);
	spin_unlock(lock);
}
