// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hunting for the code that drops references of Labyrinth's pages. The state owned here is the
 * name of the owners that are hunted.
 *
 * Of the 32 references of a page, a foreign put_page() or __free_page() takes one away, which no
 * code can see: put_page() is inline. Only the last one comes to the page allocator, where the
 * guard sees and refuses the free, and names the caller. So a page of a hunted owner has no
 * references to spare while HELD, LENT or MAPPED: the page is thin, and the first wrong put is the
 * last. Every call of the owner's gives the spare references back before the call looks at the
 * count, and removes these references again at the end. The fast paths do not serve a hunted owner.
 *
 * LAB_TAG_THIN in the tag says that the spare references are missing. Bit and count change
 * together, with the frame frozen, so that nobody else's call is about the page meanwhile. The
 * exception is a page that borrowers have.
 *
 * A count of 0 is not changed: another call has the frame frozen, or the guard is just refusing a
 * free. Such a page stays thin, and counts as referred to.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "core/context.h"
#include "core/table.h"
#include "inline/frame.h"
#include "page/heal.h"
#include "page/hunt.h"

/* Written under the guard's lock and owners_lock; read under either. */
static char hunted[LABYRINTH_NAME_LEN];

/* The name of the owners that are hunted; empty if none is. */
const char *lab_hunt_name(void)
{
	return hunted;
}

static bool may_be_thin(lab_tag_t tag)
{
	switch (lab_tag_state(tag)) {
	case LAB_HELD:
	case LAB_LENT:
	case LAB_MAPPED:
		return !(tag & LAB_TAG_THIN);
	case LAB_ABSENT:
	case LAB_CACHED:
	case LAB_LIMBO:
	case LAB_POSTED:
	case LAB_NR_STATES:
		break;
	}
	return false;
}

/* lab_hunt_thin(), of a hunted owner's page. Context: Any. */
void lab_hunt_take_spare(struct lab_slot *slot)
{
	lab_tag_t tag = READ_ONCE(slot->tag);
	struct lab_frame *frame;
	bool done;

	if (!may_be_thin(tag))
		return;
	frame = lab_frame_of_tag(tag);
	if (!lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE))
		return;
	done = cmpxchg(&slot->tag, tag, tag | LAB_TAG_THIN) == tag;
	lab_frame_thaw(frame, done ? LAB_REFS_THIN : LAB_REFS_EXCLUSIVE);
}

/*
 * Of a LENT page, which borrowers keep: they may drop references at any moment, so the frame is
 * not frozen.
 */
static bool give_lent(struct lab_slot *slot, lab_tag_t tag, struct lab_frame *frame)
{
	atomic_t *count = &lab_frame_page(frame)->_refcount;

	if (!atomic_add_unless(count, LAB_HUNT_SPARE, 0))
		return false;
	if (cmpxchg(&slot->tag, tag, tag & ~LAB_TAG_THIN) == tag)
		return true;
	/*
	 * By now the page may be an ordinary page, freed with the last reference. Where locks may
	 * not be taken, that reference stays, and the page.
	 */
	atomic_sub(LAB_HUNT_SPARE - 1, count);
	if (!atomic_add_unless(count, -1, 1) && lab_may_lock())
		put_page(lab_frame_page(frame));
	return false;
}

static bool give_frozen(struct lab_slot *slot, lab_tag_t tag, struct lab_frame *frame)
{
	int refs = lab_frame_refs(frame);
	bool done;

	if (lab_frame_is_withheld(frame, refs) || !lab_frame_freeze(frame, refs))
		return false;
	done = cmpxchg(&slot->tag, tag, tag & ~LAB_TAG_THIN) == tag;
	/* A count of 0 reads as frozen, so a lost reference is forgiven. */
	lab_frame_thaw(frame, done ? (refs + LAB_HUNT_SPARE ?: 1) : refs);
	return done;
}

/* Whether more references to @frame were dropped than taken: no borrower has a reference. */
static bool is_overdrawn(struct lab_frame *frame)
{
	return lab_frame_refs(frame) < 0;
}

static bool give(struct lab_slot *slot, lab_tag_t tag, struct lab_frame *frame)
{
	if (lab_tag_state(tag) == LAB_LENT && !is_overdrawn(frame))
		return give_lent(slot, tag, frame);
	return give_frozen(slot, tag, frame);
}

/* lab_hunt_thick(), of a thin page. Context: Any. Return: the tag now. */
lab_tag_t lab_hunt_give_spare(struct lab_slot *slot)
{
	unsigned int tries = LAB_MOMENT_TRIES;
	lab_tag_t tag;

	while ((tag = READ_ONCE(slot->tag)) & LAB_TAG_THIN && tries--) {
		if (!give(slot, tag, lab_frame_of_tag(tag)))
			cpu_relax();
	}
	return tag;
}

/* The page in @slot has all references by now, whatever the tag says. Context: Any. */
void lab_hunt_forget(struct lab_slot *slot)
{
	lab_tag_t tag = READ_ONCE(slot->tag), seen;

	while (tag & LAB_TAG_THIN) {
		seen = cmpxchg(&slot->tag, tag, tag & ~LAB_TAG_THIN);
		if (seen == tag)
			return;
		tag = seen;
	}
}

static void hunt_if_named(struct lab_owner *owner, void *unused)
{
	bool named = *hunted && !strcmp(owner->name, hunted);
	/*
	 * The spare references of a sealed page keep others from the page's frame. The calls for
	 * receive buffers look at the count before they look at the tag.
	 */
	bool needs_spare = lab_owner_leaves_late(owner);

	lab_owner_set_flag(owner, LAB_OWNER_HUNTED, named && !needs_spare);
	if (named && needs_spare)
		pr_warn("hunt: not owner %s (id %u) of module %s: its pages are %s\n", owner->name,
			lab_owner_id(owner), owner->module_name,
			lab_owner_is_sealed(owner) ? "sealed" : "receive buffers");
}

/* @owner is new, and has a handle. Context: Task; may sleep. */
void lab_hunt_new_owner(struct lab_owner *owner)
{
	/* Either this finds the name, or rename_hunted() finds the owner alive. */
	lab_owners_lock();
	hunt_if_named(owner, NULL);
	lab_owners_unlock();
}

static void rename_hunted(const char *name)
{
	lab_owners_lock();
	strscpy(hunted, name, sizeof(hunted));
	lab_owners_unlock();
	lab_owners_each(hunt_if_named, NULL);
}

/*
 * Hunts all owners called @name, from now on. A page is thin from the next call about the page on.
 * Context: Task; may sleep. The guard refuses frees.
 */
void lab_hunt_start(const char *name)
{
	rename_hunted(name);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_hunt_start);

/* Whether the page of @tag in @slot must wait until the page can have the spare references back. */
static bool stays_thin(struct lab_slot *slot, lab_tag_t tag, bool patient)
{
	if (!(lab_hunt_thick(slot, tag) & LAB_TAG_THIN))
		return false;
	if (patient && !lab_heal_is_put_away(slot))
		return true;
	if (!patient)
		pr_warn("hunt: pfn 0x%lx has no reference, and keeps none\n", lab_tag_pfn(tag));
	lab_hunt_forget(slot);
	return false;
}

/*
 * Hunts nobody any more. Unless @patient, a page whose count stays 0, since somebody wrote there,
 * is left with that.
 * Context: Task; may sleep. Return: how many pages are thin still, since the guard is refusing
 * a free of each: call again.
 */
unsigned int lab_hunt_stop(bool patient)
{
	unsigned int left = 0;
	lab_tag_t tag;
	u64 index;

	rename_hunted("");
	/* No call that still takes spare references is under way after this. */
	synchronize_rcu();
	lab_table_for_each(&labyrinth_hot.table, index, tag)
		left += stays_thin(&labyrinth_hot.table.slots[index], tag, patient);
	return left;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_hunt_stop);
