/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slot of the owner table: a tag, and beside it all that Labyrinth notes of the tagged
 * page. A slot is half a cache line, so whoever finds the tag has the notes as well.
 *
 * Nobody but Labyrinth writes here, so what stands here is believed.
 */
#ifndef LABYRINTH_SLOT_H
#define LABYRINTH_SLOT_H

#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "tag.h"

struct lab_mapping;

/**
 * struct lab_slot - a tag and its page's notes
 * @tag: 0: the slot is empty.
 * @site: of a page that is handed out: the address that the allocation returned to.
 * @next: of a page that is CACHED: the link of a struct lab_list.
 * @when: jiffies in the lower half: when the page was handed out, or given up if it is in
 *	LIMBO. In the upper half: while HELD, LENT or MAPPED the stack depot's handle, or 0; in
 *	LIMBO, LAB_LIMBO_UNTOLD or 0. Of a page that is CACHED: what is known of its content,
 *	see LAB_CONTENT_*.
 * @mappings: of a page that is MAPPED, or was until it went to LIMBO: the list of its
 *	mappings, see page/mapping.c. NULL in all other states.
 */
struct lab_slot {
	lab_tag_t tag;
	union {
		unsigned long site;
		u64 next;
	};
	u64 when;
	struct lab_mapping *mappings;
};

static_assert(sizeof(struct lab_slot) == 32);

/* The lower half of jiffies, by a load that needs no truncation. */
static __always_inline u32 lab_jiffies(void)
{
	return READ_ONCE(((u32 *)&jiffies)[IS_ENABLED(CONFIG_CPU_BIG_ENDIAN)]);
}

/* The page is handed out at @site. What looks on may read the two at any moment. */
static __always_inline void lab_slot_note(struct lab_slot *slot, unsigned long site)
{
	WRITE_ONCE(slot->when, lab_jiffies());
	WRITE_ONCE(slot->site, site);
}

/*
 * What a cached page holds. The fast path leaves the note of when the page was
 * handed out: no such note is one of the other two.
 */
#define LAB_CONTENT_ANY		0ULL
#define LAB_CONTENT_ZEROES	(U64_MAX - 1)
#define LAB_CONTENT_POISON	U64_MAX		/* see page/poison.c */

/* The page came to limbo by a free, and nobody has been told yet that it stays there. */
#define LAB_LIMBO_UNTOLD	BIT_ULL(32)

static inline void lab_slot_note_content(struct lab_slot *slot, u64 content)
{
	WRITE_ONCE(slot->when, content);
}

static inline void lab_slot_note_stack(struct lab_slot *slot, u32 stack)
{
	WRITE_ONCE(slot->when, (u32)READ_ONCE(slot->when) | (u64)stack << 32);
}

static inline u32 lab_when_stack(u64 when)
{
	return when < LAB_CONTENT_ZEROES ? when >> 32 : 0;
}

/*
 * Milliseconds since @when, up to what the word holds: 49 days. The note's 32 bits of
 * jiffies wrap after 198 days at 250 Hz. @when was read before this reads jiffies.
 */
static inline unsigned int lab_when_age_ms(u64 when)
{
	s32 age = lab_jiffies() - (u32)when;

	/* On another CPU, jiffies may have moved on since this one saw it. */
	return age < 0 && age > -HZ ? 0 : min_t(u64, (u64)(u32)age * MSEC_PER_SEC / HZ, U32_MAX);
}

/**
 * struct lab_glance - a slot as it was at one moment
 * @tag: the tag; 0: the page had left.
 * @site: of a page that is handed out or in limbo, else 0.
 * @when: as in the slot.
 */
struct lab_glance {
	lab_tag_t tag;
	unsigned long site;
	u64 when;
};

/*
 * Copies what @slot says of its page. The copy was true at some moment: the page may be
 * freed and handed out again between two loads, but then the tag, or the notes when they
 * are looked at a second time, differ, and the copy is made again. Wait-free but for that.
 * Context: Any.
 */
static inline struct lab_glance lab_slot_glance(const struct lab_slot *slot)
{
	struct lab_glance glance;

	do {
		glance.tag = READ_ONCE(slot->tag);
		/*
		 * Pairs with the release by which a tag becomes HELD: the notes that belong
		 * to it were written before.
		 */
		smp_rmb();
		glance.when = READ_ONCE(slot->when);
		glance.site = READ_ONCE(slot->site);
		/*
		 * Pairs with the compare-and-exchange by which a page leaves a state: notes
		 * of its next life are written after it.
		 */
		smp_rmb();
	} while (unlikely(READ_ONCE(slot->tag) != glance.tag ||
			  READ_ONCE(slot->when) != glance.when ||
			  READ_ONCE(slot->site) != glance.site));
	/* The link of a page that is on a list is no site. */
	if (!glance.tag || lab_tag_state(glance.tag) == LAB_CACHED)
		glance.site = 0;
	return glance;
}

#endif /* LABYRINTH_SLOT_H */
