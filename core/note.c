// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a page's notes, for reports and for debugfs. No state is owned here but a record that never
 * changes. The only pointer followed here is the page's list of mappings, under the owner's
 * map_lock.
 */
#include <linux/hardirq.h>
#include <linux/instruction_pointer.h>
#include <linux/spinlock.h>

#include "core/list.h"
#include "core/note.h"
#include "core/owner.h"
#include "core/table.h"
#include "inline/frame.h"
#include "inline/hot.h"
#include "inline/resident.h"
#include "inline/slot.h"

struct lab_mapping lab_mapping_kept = {
	.what.kind = LAB_MAP_DMA,
	.linked = true,
	.ending = true,
};

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
 * Adds the mappings to @note, if @tag, of a page that is MAPPED or in limbo, still stands in
 * @slot. In an NMI, nothing is added.
 * Context: Any.
 */
static void note_mappings(struct lab_slot *slot, lab_tag_t tag,
			  struct lab_page_note *note)
{
	struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(tag));
	const struct lab_mapping *map;
	unsigned long flags;

	if (in_nmi())
		return;
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	map = READ_ONCE(slot->tag) == tag ? lab_slot_list(READ_ONCE(slot->last)) : NULL;
	if (map) {
		note->map = map->what;
		if (map->what.kind == LAB_MAP_PROCESS)
			note->process = *(struct lab_process *)map->range;
		note->mappings = lab_mapping_count(map, false);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
}

/* The call site in @word, of a slot: the address with that lower half next to this code. */
unsigned long lab_last_site(u64 word)
{
	unsigned long here = _THIS_IP_;

	return here + (s32)((u32)(word >> LAB_LAST_SITE_SHIFT) - (u32)here);
}

static enum lab_last_step step_of(u64 word)
{
	return word & LAB_LAST_NOTED ? word >> LAB_LAST_STEP_SHIFT & LAB_LAST_STEP_MASK :
				       LAB_LAST_NONE;
}

static unsigned int last_age(u64 word)
{
	return (lab_jiffies() - ((u32)word >> LAB_LAST_TIME_SHIFT)) & (LAB_LAST_TIMES - 1);
}

/*
 * The step that the note of a page in @state is about, if the note is of this life of the page.
 * A free off the fast paths also notes the content, and the fast paths of alloc overwrite that.
 */
static enum lab_last_step expected_step(enum lab_state state, u64 when)
{
	switch (state) {
	case LAB_CACHED:
		return when == LAB_CONTENT_ANY || when == LAB_CONTENT_POISON ? LAB_LAST_FREE :
									       LAB_LAST_NONE;
	case LAB_LIMBO:
		if (when & LAB_LIMBO_LENT)
			return LAB_LAST_LEND;
		return when & LAB_LIMBO_FREED ? LAB_LAST_FREE : LAB_LAST_NONE;
	case LAB_LENT:
		return LAB_LAST_LEND;
	case LAB_HELD:
		return LAB_LAST_UNMAP;
	case LAB_ABSENT:
	case LAB_MAPPED:
	case LAB_POSTED:
	case LAB_NR_STATES:
		break;
	}
	return LAB_LAST_NONE;
}

/* Of a page that was freed on a fast path, the notes of the hand-out before are left. */
static struct lab_last last_alloc(const struct lab_slot *slot, u64 when)
{
	unsigned long site = READ_ONCE(slot->site);

	/* Not if the word is a link by now. */
	if (when == LAB_CONTENT_ANY || when >= LAB_CONTENT_ZEROES || !(site & LAB_LIST_SEQ_MASK))
		return (struct lab_last) {};
	return (struct lab_last) {
		.step = LAB_LAST_ALLOC,
		.site = site,
		.age_ms = lab_when_age_ms(when),
	};
}

/*
 * The last step that was noted of the page in @slot, of which @glance is a copy.
 * Context: Any.
 */
struct lab_last lab_note_last(const struct lab_slot *slot, const struct lab_glance *glance)
{
	enum lab_state state = lab_tag_state(glance->tag);
	u64 word = READ_ONCE(slot->last);
	enum lab_last_step step = step_of(word);
	unsigned int age = last_age(word);
	bool fits = step && step == expected_step(state, glance->when);

	/* Before the hand-out, so of another hold. */
	if (fits && (state == LAB_HELD || state == LAB_LENT) &&
	    age > lab_jiffies() - (u32)glance->when)
		fits = false;
	if (!fits)
		return state == LAB_CACHED ? last_alloc(slot, glance->when) : (struct lab_last) {};
	return (struct lab_last) {
		.step = step,
		.context = word >> LAB_LAST_CONTEXT_SHIFT & LAB_LAST_CONTEXT_MASK,
		.site = lab_last_site(word),
		.age_ms = (u64)age * MSEC_PER_SEC / HZ,
	};
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
	if (lab_owner_is_stamped(lab_owner_by_id(lab_tag_owner(tag))))
		note.stamp = state == LAB_LIMBO ? 0 : lab_when_stack(glance.when);
	else if (state == LAB_HELD || state == LAB_MAPPED || state == LAB_POSTED)
		note.stack = lab_when_stack(glance.when);
	note.last = lab_note_last(slot, &glance);
	if (state == LAB_MAPPED || state == LAB_LIMBO)
		note_mappings(slot, tag, &note);
	if (state == LAB_POSTED)
		note_posted(slot, tag, &note);
	return note;
}
