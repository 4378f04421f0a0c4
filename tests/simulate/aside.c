// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the simulated code calls beside the path of a page: nothing is traced, poisoned, stamped
 * or mapped, and no struct page is ever found wrong. A call that no simulated page should reach
 * ends the simulation.
 */
#include "machine.h"

#define NOTHING(name)	void name(void); void name(void) { }
#define NEVER(name)	void name(void); void name(void) { sim_die("not simulated", #name); }

NOTHING(lab_step)
NOTHING(lab_step_batch)
NOTHING(lab_step_cached)
NOTHING(lab_poison_cached)
NOTHING(lab_poison_check)
NOTHING(lab_stack_note)
NOTHING(lab_stamp_note)
NOTHING(lab_frame_mend)
/* The table is full: the allocation's result says so. */
NOTHING(lab_report_full)

NEVER(lab_call_is_referred_to)
NEVER(lab_call_take_back)
NEVER(lab_census_limbo)
NEVER(lab_frame_mend_lent)
NEVER(lab_holders_ask)
NEVER(lab_holders_patience_over)
NEVER(lab_heal_is_put_away)
NEVER(lab_hunt_forget)
NEVER(lab_hunt_give_spare)
NEVER(lab_hunt_take_spare)
NEVER(lab_mapping_retire)
NEVER(lab_mmap_kick)
NEVER(lab_page_note)
NEVER(lab_report)
NEVER(lab_report_corrupt)
NEVER(lab_resident_end)
NEVER(lab_resident_map)
NEVER(lab_resident_unmap_mapped)

char lab_mapping_kept[128];

/* No page is lent, so none comes back. */
void *lab_home_take_back(void);
void *lab_home_take_back(void)
{
	return NULL;
}

int lab_stamp_check(void);
int lab_stamp_check(void)
{
	return 0;
}
