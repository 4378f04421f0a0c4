/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks up the pages that a hooked function's arguments name. See guard/find.c.
 */
#ifndef LABYRINTH_FIND_H
#define LABYRINTH_FIND_H

#include <linux/types.h>

#include "inline/tag.h"

struct page;

lab_tag_t lab_guard_find_among(unsigned long pfn, unsigned long nr, bool lent_too);
lab_tag_t lab_guard_find_given(unsigned long pfn);
lab_tag_t lab_guard_find_bytes(phys_addr_t start, size_t size);
lab_tag_t lab_guard_find_tagged(unsigned long pfn, unsigned long nr);
lab_tag_t lab_guard_find_block(struct page *page, unsigned int order);

#endif /* LABYRINTH_FIND_H */
