/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slot of the owner table: a tag, and beside the tag all notes of the tagged page. A slot is
 * half a cache line, so the look-up that loads the tag has loaded the notes as well.
 *
 * Only Labyrinth writes here, so code may follow these words without a check.
 */
#ifndef LABYRINTH_SLOT_H
#define LABYRINTH_SLOT_H

#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "tag.h"

struct lab_mapping;

/**
 * struct lab_slot - the tag and the notes of a page
 * @tag: 0: the slot is empty.
 * @site: of a page that is handed out: the address that the allocation returned to.
 * @next: of a CACHED page: the link of a struct lab_list.
 * @when: jiffies in the lower half: when the page was handed out, or went to LIMBO. In the
 *	upper half: while HELD, LENT or MAPPED the stack depot's handle, or 0, or the stamp if the
 *	owner has LABYRINTH_OWNER_STAMPED; in LIMBO, the link of limbo's list. In LIMBO, some bits
 *	are LAB_LIMBO_*. Of a CACHED page: the known content, see LAB_CONTENT_*.
 * @mappings: of a page that is MAPPED, or was until LIMBO: the list of the page's mappings, see
 *	page/mapping.c.
 * @last: of any other page: a step that was noted, see lab_last_make(), or 0. Not written when a
 *	page is handed out, nor by the fast paths of free: a step may be of the page's past.
 */
struct lab_slot {
	lab_tag_t tag;
	union {
		unsigned long site;
		u64 next;
	};
	u64 when;
	union {
		struct lab_mapping *mappings;
		u64 last;
	};
};

static_assert(sizeof(struct lab_slot) == 32);

/* The lower half of jiffies, by a load that needs no truncation. */
static __always_inline u32 lab_jiffies(void)
{
	return READ_ONCE(((u32 *)&jiffies)[IS_ENABLED(CONFIG_CPU_BIG_ENDIAN)]);
}

/* Notes that the page is handed out at @site. Lockless readers may see either word first. */
static __always_inline void lab_slot_note(struct lab_slot *slot, unsigned long site)
{
	WRITE_ONCE(slot->when, lab_jiffies());
	WRITE_ONCE(slot->site, site);
}

/*
 * The content of a cached page. The fast path leaves the hand-out note (jiffies and stack) in
 * place; such a note never equals the last two values, and counts as any content.
 */
#define LAB_CONTENT_ANY		0ULL
#define LAB_CONTENT_ZEROES	(U64_MAX - 1)
#define LAB_CONTENT_POISON	U64_MAX		/* see page/poison.c */

/* Of a page in limbo: the next page's slot number, plus 1; 0 at the end. See page/limbo.c. */
#define LAB_LIMBO_NEXT_SHIFT	32
#define LAB_LIMBO_NEXT_BITS	31
/* A free put the page into limbo, and no report has said yet that the page stays there. */
#define LAB_LIMBO_UNTOLD	BIT_ULL(63)
/*
 * In place of the three lower bits of the time, of which nobody misses a few jiffies: the page
 * is in limbo because the owner freed the page; because the owner went while the page was lent;
 * a report has said that the page stays in limbo for long.
 */
#define LAB_LIMBO_FREED		BIT_ULL(0)
#define LAB_LIMBO_LENT		BIT_ULL(1)
#define LAB_LIMBO_LASTS		BIT_ULL(2)
#define LAB_LIMBO_TIME_MASK	GENMASK_ULL(31, 3)

/* The steps that lab_slot.last notes. */
enum lab_last_step {
	LAB_LAST_NONE,
	LAB_LAST_FREE,		/* off the fast paths */
	LAB_LAST_LEND,
	LAB_LAST_UNMAP,		/* for DMA, and no other mapping was left */
	LAB_LAST_ALLOC,		/* in a struct lab_last alone: a free has noted nothing since */
};

/*
 * A step in a word: bit 0 is set, which no pointer to a record has; then the step, the context
 * plus 1 or 0 if not known, the lower bits of jiffies, and the lower half of the call site. The
 * text of the kernel and of all modules lies within 2 GB.
 */
#define LAB_LAST_NOTED		BIT_ULL(0)
#define LAB_LAST_STEP_SHIFT	1
#define LAB_LAST_STEP_MASK	3U
#define LAB_LAST_CONTEXT_SHIFT	3
#define LAB_LAST_CONTEXT_MASK	7U
#define LAB_LAST_TIME_SHIFT	6
#define LAB_LAST_SITE_SHIFT	32
/* The time wraps after this many jiffies: 3 days at 250 Hz. */
#define LAB_LAST_TIMES		BIT(LAB_LAST_SITE_SHIFT - LAB_LAST_TIME_SHIFT)

static __always_inline u64 lab_last_make(enum lab_last_step step, unsigned int context,
					 unsigned long site)
{
	u32 time = lab_jiffies() << LAB_LAST_TIME_SHIFT;

	return (u64)site << LAB_LAST_SITE_SHIFT | time | context << LAB_LAST_CONTEXT_SHIFT |
	       step << LAB_LAST_STEP_SHIFT | LAB_LAST_NOTED;
}

/* The list of the page's mappings, or NULL, if @word is that of a slot. */
static __always_inline struct lab_mapping *lab_slot_list(u64 word)
{
	return word & LAB_LAST_NOTED ? NULL : (struct lab_mapping *)(unsigned long)word;
}

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
 * Milliseconds since @when, at most U32_MAX: 49 days. The 32 bits of jiffies in a note wrap
 * after 198 days at 250 Hz. The caller has read @when before jiffies is read here.
 */
static inline unsigned int lab_when_age_ms(u64 when)
{
	s32 age = lab_jiffies() - (u32)when;

	/* Jiffies of another CPU may have been ahead of this CPU's view. */
	return age < 0 && age > -HZ ? 0 : min_t(u64, (u64)(u32)age * MSEC_PER_SEC / HZ, U32_MAX);
}

/**
 * struct lab_glance - a slot as it was at some moment
 * @tag: the tag; 0: the page had left.
 * @site: of a page that is handed out or in limbo, else 0.
 * @when: as in the slot.
 */
struct lab_glance {
	lab_tag_t tag;
	unsigned long site;
	u64 when;
};

/* Whether @slot still says what @glance says. */
static inline bool lab_slot_says(const struct lab_slot *slot,
				 const struct lab_glance *glance)
{
	if (unlikely(READ_ONCE(slot->tag) != glance->tag))
		return false;
	/*
	 * Pairs with the release by which a tag becomes HELD: if this is the tag of the
	 * page's next life, these are the notes of that life.
	 */
	smp_rmb();
	return likely(READ_ONCE(slot->when) == glance->when &&
		      READ_ONCE(slot->site) == glance->site);
}

/*
 * Copies the tag and the notes of @slot. Any CPU may free and hand out the page between two
 * loads here. Then the tag, or the notes, differ at the second look, and the copy is made
 * again. So the copy was true at some moment. Wait-free, save for such repeats.
 *
 * One exception: while reclaim_frozen() works on a LENT page, the time may be the reclaim's
 * already, and the site still the site of the hold before.
 * Context: Any.
 */
static inline struct lab_glance lab_slot_glance(const struct lab_slot *slot)
{
	struct lab_glance glance;

	do {
		glance.tag = READ_ONCE(slot->tag);
		/*
		 * Pairs with the release by which a tag becomes HELD: the notes of a HELD page
		 * are written before.
		 */
		smp_rmb();
		glance.when = READ_ONCE(slot->when);
		glance.site = READ_ONCE(slot->site);
		/*
		 * Pairs with the compare-and-exchange by which a page leaves a state, or the
		 * barrier in lab_put_single(): links and notes of the next life are written
		 * after.
		 */
		smp_rmb();
	} while (unlikely(!lab_slot_says(slot, &glance)));
	/* A page on a list has a link in place of the site. */
	if (!glance.tag || lab_tag_state(glance.tag) == LAB_CACHED)
		glance.site = 0;
	return glance;
}

#endif /* LABYRINTH_SLOT_H */
