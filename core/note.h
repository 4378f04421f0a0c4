/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of a page: read from its slot, its frame and the list of its mappings. See
 * core/note.c.
 */
#ifndef LABYRINTH_NOTE_H
#define LABYRINTH_NOTE_H

#include <linux/types.h>

#include "inline/tag.h"

struct lab_slot;

enum lab_map_kind {
	LAB_MAP_DMA,
	LAB_MAP_KERNEL,
	LAB_MAP_PROCESS,
	LAB_NR_MAP_KINDS
};

/**
 * struct lab_map_note - one mapping of a page
 * @addr: for the device, in the kernel, or in the process.
 * @site: the address that the call returned to which made it.
 * @size: in bytes.
 * @kind: &enum lab_map_kind.
 * @dir: &enum dma_data_direction, of one for DMA.
 */
struct lab_map_note {
	u64 addr;
	unsigned long site;
	u32 size;
	u8 kind;
	u8 dir;
};

/**
 * struct lab_page_note - what a page's frame said when it was looked at
 * @refs: its reference count.
 * @age_ms: since it was handed out, if @site is not 0.
 * @site: to where; 0 if the page is not handed out.
 * @stack: the stack depot's handle of that allocation, or 0.
 * @mappings: how often it is mapped.
 * @map: the mapping made last.
 */
struct lab_page_note {
	int refs;
	unsigned int age_ms;
	unsigned long site;
	u32 stack;
	unsigned int mappings;
	struct lab_map_note map;
};

/**
 * struct lab_mapping - one mapping of one page
 * @next: the same page's next, or the next that is spare.
 * @made: the next of all that the owner has from the slab allocator; not of a range.
 * @what: what a report says of it.
 * @range: the struct of the mapping of several pages that this one is part of;
 *	NULL for DMA.
 * @linked: it is on the list.
 * @ending: somebody is about to end it.
 *
 * Linked and unlinked, @ending set and, while linked, @what changed under its owner's
 * map_lock.
 */
struct lab_mapping {
	struct lab_mapping *next;
	struct lab_mapping *made;
	struct lab_map_note what;
	void *range;
	bool linked;
	bool ending;
};

struct lab_page_note lab_page_note(struct lab_slot *slot, lab_tag_t tag);
int lab_mapping_count(const struct lab_mapping *map, bool only_process);

#endif /* LABYRINTH_NOTE_H */
