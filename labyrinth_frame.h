/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page frame as Labyrinth uses it: the words of struct page that are free for
 * the page's user, the reference count that keeps foreigners from giving the
 * page away, and the page type that makes the core refuse to map it.
 *
 * A page that is CACHED or HELD carries the type PageOffline and
 * LAB_REFS_EXCLUSIVE references: the holder's, and others that nobody but
 * Labyrinth knows of. A foreign put_page() or __free_page() takes the count down
 * by one, and nothing is freed; as many may come as there are references to spare.
 * A page that is LENT has no type, and one reference more for the borrower.
 *
 * Type, references and notes change only in between lab_frame_freeze() and
 * lab_frame_thaw(): with the count at zero no get_page_unless_zero() succeeds,
 * and a second freezer fails, so freezing is the claim on the frame.
 */
#ifndef LABYRINTH_FRAME_H
#define LABYRINTH_FRAME_H

#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/page_ref.h>

#include "labyrinth_compat.h"
#include "labyrinth_tag.h"

/*
 * What the count is while nobody but the owner refers to the page. So high that
 * a foreigner who frees a page again and again does not get it freed, and far
 * below GUP_PIN_COUNTING_BIAS, from which on the core takes it for pinned.
 */
#define LAB_REFS_EXCLUSIVE	32
#define LAB_REFS_LENT		(LAB_REFS_EXCLUSIVE + 1)

struct lab_mapping;

/*
 * Labyrinth's view of struct page. The words at ->lru, ->index and ->private are
 * the page user's own; ->mapping must stay NULL. In the first of them others see
 * PageTail (bit 0), pfmemalloc (bit 1) and page_pool's magic, also while the page
 * is lent: the page's address is none of these, nor a pointer to a record.
 */
struct lab_frame {
	unsigned long flags;
	/* Bits 0 and 1 are clear, as others who look here want them. */
	union {
		unsigned long address;		/* but MAPPED: */
		struct lab_mapping *mappings;	/* see labyrinth_mapping.c */
	};
	/*
	 * HELD, LENT, MAPPED: jiffies when handed out, and above it the stack depot's
	 * handle, or 0. CACHED: what is known of the page's content, see
	 * LAB_CONTENT_*.
	 */
	u64 when;
	unsigned long mapping;
	union {
		unsigned long site;	/* handed out: the allocation's caller */
		unsigned long next;	/* CACHED: link, see labyrinth_cache.h */
	};
	lab_tag_t *tag;			/* where the owner table has the tag */
	int mapcount;
	int refs;			/* to be looked at; page_ref_*() changes it */
};

static_assert(offsetof(struct lab_frame, address) ==
	      offsetof(struct page, lru.next));
static_assert(offsetof(struct lab_frame, when) ==
	      offsetof(struct page, lru.prev));
static_assert(offsetof(struct lab_frame, mapping) ==
	      offsetof(struct page, mapping));
static_assert(offsetof(struct lab_frame, tag) ==
	      offsetof(struct page, private));
static_assert(offsetof(struct lab_frame, refs) ==
	      offsetof(struct page, _refcount));
static_assert(sizeof(struct lab_frame) <= sizeof(struct page));

static __always_inline struct lab_frame *lab_frame(struct page *page)
{
	return (struct lab_frame *)page;
}

static __always_inline struct page *lab_frame_page(struct lab_frame *frame)
{
	return (struct page *)frame;
}

static __always_inline struct lab_frame *lab_frame_of_tag(lab_tag_t tag)
{
	return lab_frame(pfn_to_page(lab_tag_pfn(tag)));
}

static __always_inline unsigned long lab_frame_pfn(struct lab_frame *frame)
{
	return page_to_pfn(lab_frame_page(frame));
}

static __always_inline void *lab_frame_address(struct lab_frame *frame)
{
	return page_address(lab_frame_page(frame));
}

static __always_inline int lab_frame_refs(struct lab_frame *frame)
{
	return page_ref_count(lab_frame_page(frame));
}

/* Whether nobody but the owner refers to the page: a look, not a claim. */
static __always_inline bool lab_frame_is_exclusive(const struct lab_frame *frame)
{
	/* Harmless: whoever takes a reference now might have after the look. */
	return likely(data_race(frame->refs) == LAB_REFS_EXCLUSIVE);
}

/* Claims the frame, if it has exactly @refs references. */
static inline bool lab_frame_freeze(struct lab_frame *frame, int refs)
{
	return page_ref_freeze(lab_frame_page(frame), refs);
}

/*
 * Ends the claim. A full barrier: what was done to the frame is seen by whoever
 * gets a reference next. It adds, for somebody may have called get_page() on the
 * frozen frame, against all rules; his reference counts all the same.
 */
static inline void lab_frame_thaw(struct lab_frame *frame, int refs)
{
	/* Pairs with the reference taken, or frozen, by the frame's next user. */
	smp_mb__before_atomic();
	page_ref_add(lab_frame_page(frame), refs);
}

/*
 * Claims a frame that is short of references, but has some: somebody dropped
 * what was not his. Returns how many are left, 0 if it could not be claimed.
 */
static inline int lab_frame_freeze_short(struct lab_frame *frame)
{
	int refs = lab_frame_refs(frame);

	if (refs > 0 && refs < LAB_REFS_EXCLUSIVE &&
	    lab_frame_freeze(frame, refs))
		return refs;
	return 0;
}

/*
 * Only while frozen, or while nobody else has the frame yet. PG_uptodate means nothing
 * on a page that is no file's, and anybody may have set it; but 7.3
 * takes it, together with this type, for a balloon's page, which can be moved.
 */
static inline void lab_frame_set_type(struct lab_frame *frame)
{
	if (test_bit(PG_uptodate, &frame->flags))
		clear_bit(PG_uptodate, &frame->flags);
	if (!PageOffline(lab_frame_page(frame)))
		__SetPageOffline(lab_frame_page(frame));
}

static inline void lab_frame_clear_type(struct lab_frame *frame)
{
	if (PageOffline(lab_frame_page(frame)))
		__ClearPageOffline(lab_frame_page(frame));
}

/* Whether a page_pool keeps its books in the frame. */
static inline bool lab_page_is_pool(const struct page *page)
{
	return (page->pp_magic & LAB_POOL_MASK) == PP_SIGNATURE;
}

/* Says where the frame's tag is, and where the page. */
static inline void lab_frame_place(struct lab_frame *frame, lab_tag_t *slot)
{
	WRITE_ONCE(frame->address, (unsigned long)lab_frame_address(frame));
	/* Pairs with the look at it in link_mapping(), before a list takes that place. */
	smp_store_release(&frame->tag, slot);
}

/* A frame straight from the page allocator becomes Labyrinth's. */
static inline void lab_frame_enter(struct lab_frame *frame, lab_tag_t *slot)
{
	lab_frame_place(frame, slot);
	WRITE_ONCE(frame->site, 0);
	WRITE_ONCE(frame->when, 0);
	lab_frame_set_type(frame);
}

/* The frozen frame has nothing of Labyrinth's any more. */
static inline void lab_frame_clear(struct lab_frame *frame)
{
	lab_frame_clear_type(frame);
	WRITE_ONCE(frame->address, 0);
	WRITE_ONCE(frame->tag, NULL);
	WRITE_ONCE(frame->site, 0);
}

/* It becomes an ordinary page again, with @refs references. */
static inline void lab_frame_leave(struct lab_frame *frame, int refs)
{
	lab_frame_clear(frame);
	lab_frame_thaw(frame, refs);
}

/*
 * The frame, which others have by reference and whose tag is gone, becomes an
 * ordinary page: of Labyrinth's references one is left, the caller's. The note of
 * where the tag was goes, unless a borrower has put something of his own there.
 *
 * A count of 0 is one that another CPU has frozen, which will find the tag gone
 * and thaw it. This CPU's own cannot have: the caller looked before.
 */
static inline void lab_frame_disown(struct lab_frame *frame, lab_tag_t *slot)
{
	atomic_t *count = &lab_frame_page(frame)->_refcount;
	int refs;

	cmpxchg(&frame->tag, slot, NULL);
	do {
		while (!(refs = atomic_read(count)))
			cpu_relax();
	} while (!atomic_try_cmpxchg(count, &refs,
				     refs - (LAB_REFS_EXCLUSIVE - 1)));
}

/* The lower half of jiffies, by a load that needs no truncation. */
static __always_inline u32 lab_jiffies(void)
{
	return READ_ONCE(((u32 *)&jiffies)[IS_ENABLED(CONFIG_CPU_BIG_ENDIAN)]);
}

static __always_inline void lab_frame_note(struct lab_frame *frame,
					   unsigned long site)
{
	WRITE_ONCE(frame->when, lab_jiffies());
	WRITE_ONCE(frame->site, site);
}

/*
 * What a cached page holds. The fast path leaves the note of when the page was
 * handed out: no such note is one of the other two.
 */
#define LAB_CONTENT_ANY		0ULL
#define LAB_CONTENT_ZEROES	(U64_MAX - 1)
#define LAB_CONTENT_POISON	U64_MAX		/* see labyrinth_poison.c */

static inline void lab_frame_note_content(struct lab_frame *frame, u64 content)
{
	WRITE_ONCE(frame->when, content);
}

static inline u64 lab_frame_content(const struct lab_frame *frame)
{
	return READ_ONCE(frame->when);
}

static inline void lab_frame_note_stack(struct lab_frame *frame, u32 stack)
{
	WRITE_ONCE(frame->when, (u32)READ_ONCE(frame->when) | (u64)stack << 32);
}

static inline u32 lab_frame_stack(const struct lab_frame *frame)
{
	u64 when = READ_ONCE(frame->when);

	return when < LAB_CONTENT_ZEROES ? when >> 32 : 0;
}

/*
 * Milliseconds since the frame was handed out, up to what the word holds: 49 days. The
 * note's 32 bits of jiffies wrap after 198 days at 250 Hz.
 */
static inline unsigned int lab_frame_age_ms(const struct lab_frame *frame)
{
	u32 age = (u32)jiffies - (u32)READ_ONCE(frame->when);

	return min_t(u64, (u64)age * MSEC_PER_SEC / HZ, U32_MAX);
}

#endif /* LABYRINTH_FRAME_H */
