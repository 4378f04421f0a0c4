/* SPDX-License-Identifier: GPL-2.0-only */
/* How a page leaves Labyrinth, and where a page waits that may not leave yet. See page/limbo.c. */
#ifndef LABYRINTH_LIMBO_H
#define LABYRINTH_LIMBO_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "inline/slot.h"

struct lab_owner;
struct page;

bool lab_vet(struct lab_owner *owner, struct lab_slot *slot, unsigned long ip);
struct page *lab_leave(struct lab_owner *owner, struct lab_slot *slot, unsigned long ip);
void lab_retire(struct lab_owner *owner, struct lab_slot *slot, bool freed);
void lab_settle(struct lab_owner *owner, struct lab_slot *slot, unsigned long ip);
void lab_limbo_add(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag);
void lab_limbo_settle_new(void);
void lab_limbo_bequeath(struct lab_owner *owner);
void lab_limbo_unmap(struct lab_owner *owner);
bool lab_limbo_filter_has(unsigned long pfn);
void lab_limbo_exit(void);

/*
 * How many pages are in limbo. Read by every free of the kernel's, while the guard looks at frees,
 * and by guard/direct.S.
 */
extern atomic_long_t lab_limbo_pages;

static inline long lab_limbo_count(void)
{
	return atomic_long_read(&lab_limbo_pages);
}

/*
 * Whether frame @pfn may be of a page in limbo: false is certain, but for a page that is just on
 * the way there, see lab_limbo_add(). Context: Any.
 */
static inline bool lab_limbo_may_have(unsigned long pfn)
{
	return unlikely(lab_limbo_count()) && lab_limbo_filter_has(pfn);
}

#endif /* LABYRINTH_LIMBO_H */
