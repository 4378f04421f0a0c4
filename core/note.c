// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a page's notes, for reports and for debugfs. No state is owned here. The only pointer
 * followed here is the page's list of mappings, under the owner's map_lock.
 */
#include <linux/hardirq.h>
#include <linux/spinlock.h>

#include "core/note.h"
#include "core/owner.h"
#include "core/table.h"
#include "inline/frame.h"
#include "inline/hot.h"
#include "inline/resident.h"
#include "inline/slot.h"

/*
 * How many records there are from @map on. With @only_process: 0, if any is of another kind.
 * Under the owner's map_lock.
 */
int lab_mapping_count(const struct lab_mapping *map, bool only_process)
{
	int nr = 0;

	for (; map; map = map->next) {
		if (only_process && map->what.kind != LAB_MAP_PROCESS)
			return 0;
		nr++;
	}
	return nr;
}

/*
 * Adds the mappings to @note, if @tag, of a MAPPED page, still stands in @slot. In an NMI,
 * nothing is added.
 * Context: Any.
 */
static void note_mappings(struct lab_slot *slot, lab_tag_t tag,
			  struct lab_page_note *note)
{
	struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(tag));
	unsigned long flags;

	if (in_nmi())
		return;
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	if (READ_ONCE(slot->tag) == tag && slot->mappings) {
		note->map = slot->mappings->what;
		note->mappings = lab_mapping_count(slot->mappings, false);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
}

/* The mapping of a POSTED page has no record. */
static noinline void note_posted(const struct lab_slot *slot, lab_tag_t tag,
				 struct lab_page_note *note)
{
	note->mappings = 1;
	note->map = (struct lab_map_note) {
		.kind = LAB_MAP_DMA,
		.addr = READ_ONCE(lab_resident_at(slot)->dma) & ~LAB_DMA_BITS,
		.size = PAGE_SIZE,
		.dir = lab_owner_by_id(lab_tag_owner(tag))->dma_dir,
		.site = note->site,
	};
}

/*
 * The notes of the page that had @tag in @slot a moment ago, for a later report. If the page
 * has moved on, the references alone are noted. @slot may be NULL: then the slot is looked up.
 * Context: Any.
 */
struct lab_page_note lab_page_note(struct lab_slot *slot, lab_tag_t tag)
{
	struct lab_page_note note = { .refs = lab_frame_refs(lab_frame_of_tag(tag)) };
	enum lab_state state = lab_tag_state(tag);
	struct lab_glance glance;
	lab_tag_t now;

	if (!slot)
		slot = lab_table_search(&labyrinth_hot.table, lab_tag_pfn(tag), &now);
	if (!tag || !slot)
		return note;
	glance = lab_slot_glance(slot);
	if (glance.tag != tag)
		return note;
	note.site = glance.site;
	note.age_ms = lab_when_age_ms(glance.when);
	if (state == LAB_HELD || state == LAB_MAPPED || state == LAB_POSTED)
		note.stack = lab_when_stack(glance.when);
	if (state == LAB_MAPPED)
		note_mappings(slot, tag, &note);
	if (state == LAB_POSTED)
		note_posted(slot, tag, &note);
	return note;
}
