/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page frame as Labyrinth uses it: the words of its struct page.
 *
 * Nothing of Labyrinth's own is kept here: any stale pointer in the kernel may write to
 * struct page. Tags, notes, links and lists of mappings are in the owner table's slots
 * (inline/slot.h). What stands in struct page serves to keep others away, is only ever
 * compared, never followed, and is put right where it differs:
 *
 * - References. A page that is CACHED, HELD, MAPPED or in LIMBO has LAB_REFS_EXCLUSIVE:
 *   the holder's, and others that nobody but Labyrinth knows of. A foreign put_page()
 *   or __free_page() takes the count down by one and frees nothing; as many may come as
 *   there are references to spare. A page that is LENT has one more for the borrower.
 * - The type PageOffline makes the core refuse to map the page. A LENT page has none.
 * - The mark, a page flag, and the seal, a value in ->lru.prev, tell a page that has been
 *   Labyrinth's all the time from one that has been through the page allocator, which
 *   clears the one and overwrites the other. A foreign write may take away one of the
 *   two; the other still tells.
 *
 * All of it changes only between lab_frame_freeze() and lab_frame_thaw(): with the count
 * at zero no get_page_unless_zero() succeeds, and a second freezer fails, so to freeze
 * a frame is to claim it.
 */
#ifndef LABYRINTH_FRAME_H
#define LABYRINTH_FRAME_H

#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/poison.h>

#include "../labyrinth_compat.h"
#include "tag.h"

/*
 * What the count is while nobody but the owner refers to the page. So high that
 * a foreigner who frees a page again and again does not get it freed, and far
 * below GUP_PIN_COUNTING_BIAS, from which on the core takes it for pinned.
 */
#define LAB_REFS_EXCLUSIVE	32
#define LAB_REFS_LENT		(LAB_REFS_EXCLUSIVE + 1)

/* Every free_pages_prepare() clears it; no kernel's checks of a freed page mind it. */
#define LAB_FRAME_MARK		BIT(PG_owner_priv_1)

/* No pointer, and not what list_del() leaves. The page allocator's lists overwrite it. */
#define LAB_FRAME_SEAL		(0x1abUL + POISON_POINTER_DELTA)

/*
 * ->lru.next as list_del() leaves it. Others see PageTail in bit 0, pfmemalloc's mark in
 * bit 1, and page_pool's magic in the rest: it is none of them.
 */
#define LAB_FRAME_LRU		((unsigned long)LIST_POISON1)
#define LAB_FRAME_TAIL		BIT(0)
#define LAB_FRAME_PFMEMALLOC	BIT(1)

/* Flags with which the page allocator would not take a page, or take it for a larger one. */
#define LAB_FRAME_BAD_FLAGS	(PAGE_FLAGS_CHECK_AT_FREE | BIT(PG_head))

/* Labyrinth's view of struct page. */
struct lab_frame {
	unsigned long flags;
	unsigned long lru;		/* ->lru.next */
	unsigned long seal;		/* ->lru.prev */
	unsigned long mapping;
	unsigned long index;		/* anybody's: not looked at */
	unsigned long private;
	union {
		struct {
			u32 type;
			int refs;	/* to be looked at; page_ref_*() changes it */
		};
		u64 type_and_refs;
	};
};

static_assert(offsetof(struct lab_frame, lru) == offsetof(struct page, lru.next));
static_assert(offsetof(struct lab_frame, seal) == offsetof(struct page, lru.prev));
static_assert(offsetof(struct lab_frame, mapping) == offsetof(struct page, mapping));
static_assert(offsetof(struct lab_frame, private) == offsetof(struct page, private));
static_assert(offsetof(struct lab_frame, type) == offsetof(struct page, page_type));
static_assert(offsetof(struct lab_frame, refs) == offsetof(struct page, _refcount));
static_assert(sizeof(struct lab_frame) <= sizeof(struct page));

/* The type and the references of a page that is its owner's alone, as one word. */
#define LAB_FRAME_WHOLE							\
	(IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ?				\
	 ((u64)LAB_TYPE_OFFLINE << 32 | LAB_REFS_EXCLUSIVE) :		\
	 ((u64)LAB_REFS_EXCLUSIVE << 32 | LAB_TYPE_OFFLINE))

/**
 * struct lab_damage - a word of struct page that did not hold what it must
 * @word: its name; NULL: all words were right.
 * @held: what it held.
 * @right: what it should have held, and holds now.
 * @more: how many other words were wrong as well.
 */
struct lab_damage {
	const char *word;
	unsigned long held;
	unsigned long right;
	unsigned int more;
};

static __always_inline struct lab_frame *lab_frame(struct page *page)
{
	return (struct lab_frame *)page;
}

static __always_inline struct page *lab_frame_page(struct lab_frame *frame)
{
	return (struct page *)frame;
}

static __always_inline struct lab_frame *lab_frame_of_pfn(unsigned long pfn)
{
	return lab_frame(pfn_to_page(pfn));
}

static __always_inline struct lab_frame *lab_frame_of_tag(lab_tag_t tag)
{
	return lab_frame_of_pfn(lab_tag_pfn(tag));
}

static __always_inline int lab_frame_refs(struct lab_frame *frame)
{
	return page_ref_count(lab_frame_page(frame));
}

/*
 * Whether the page is of the right type and nobody but the owner refers to it: a look,
 * not a claim.
 */
static __always_inline bool lab_frame_is_exclusive(const struct lab_frame *frame)
{
	/* Harmless: a reference taken after the look might have been taken before it. */
	return likely(data_race(frame->type_and_refs) == LAB_FRAME_WHOLE);
}

static __always_inline bool lab_frame_is_poisoned(const struct lab_frame *frame)
{
	/* Harmless: memory may fail at any time, before the look or after. */
	return unlikely(data_race(frame->flags & __PG_HWPOISON));
}

/*
 * Whether the page has the type, and about as many references as Labyrinth's own. Somebody
 * may have one more for a moment, or have dropped some; or another call has the frame
 * frozen. A balloon, which gives pages from the allocator the same type, has one or two.
 */
static inline bool lab_frame_has_type(const struct lab_frame *frame)
{
	int refs = READ_ONCE(frame->refs);

	return READ_ONCE(frame->type) == LAB_TYPE_OFFLINE &&
	       (!refs || refs >= LAB_REFS_EXCLUSIVE / 2);
}

/*
 * Whether the page of a frame that was tagged has not been through the page allocator. One
 * after the other, stray writes may have taken away both mark and seal; but whoever has
 * the page from the allocator has not given it the type, and so many references. A page
 * that is lent has no type: of its mark and its seal one must be left.
 */
static inline bool lab_frame_is_ours(const struct lab_frame *frame)
{
	return READ_ONCE(frame->flags) & LAB_FRAME_MARK ||
	       READ_ONCE(frame->seal) == LAB_FRAME_SEAL || lab_frame_has_type(frame);
}

/* Claims the frame, if it has exactly @refs references. */
static inline bool lab_frame_freeze(struct lab_frame *frame, int refs)
{
	return page_ref_freeze(lab_frame_page(frame), refs);
}

/*
 * Ends the claim: fully ordered, so whoever gets a reference next, or reads a tag that is
 * written after this, sees what was done to the frame. The count is added to, for somebody
 * may have called get_page() on the frozen frame, against all rules; that reference counts
 * all the same.
 */
static inline void lab_frame_thaw(struct lab_frame *frame, int refs)
{
	/* Pairs with the reference taken, or frozen, by the frame's next user. */
	smp_mb__before_atomic();
	page_ref_add(lab_frame_page(frame), refs);
	/* Pairs with the look at the tag of repair()'s racing calls. */
	smp_mb__after_atomic();
}

/*
 * Claims a frame of ours that is short of references: somebody dropped what was not
 * theirs. Below zero it is after unpin_user_page(), which drops 1,024. Returns how many
 * were missing, 0 if the frame could not be claimed.
 */
static inline int lab_frame_freeze_short(struct lab_frame *frame)
{
	int refs = lab_frame_refs(frame);

	if (refs && refs < LAB_REFS_EXCLUSIVE && lab_frame_is_ours(frame) &&
	    lab_frame_freeze(frame, refs))
		return LAB_REFS_EXCLUSIVE - refs;
	return 0;
}

/*
 * PG_uptodate means nothing on a page that is no file's, and anybody may have set it; but
 * 7.3 takes a page that has it, together with this type, for a balloon's page, which can be
 * moved. Only while frozen.
 */
static inline void lab_frame_set_type(struct lab_frame *frame)
{
	if (test_bit(PG_uptodate, &frame->flags))
		clear_bit(PG_uptodate, &frame->flags);
	WRITE_ONCE(frame->type, LAB_TYPE_OFFLINE);
}

static inline void lab_frame_clear_type(struct lab_frame *frame)
{
	WRITE_ONCE(frame->type, LAB_TYPE_NONE);
}

/* Whether a page_pool keeps its books in the frame. */
static inline bool lab_page_is_pool(const struct page *page)
{
	return (page->pp_magic & LAB_POOL_MASK) == PP_SIGNATURE;
}

/* The words that only their holder's own code, or a stray write, would change. */
static inline void lab_frame_reset_words(struct lab_frame *frame)
{
	WRITE_ONCE(frame->lru, LAB_FRAME_LRU);
	WRITE_ONCE(frame->seal, LAB_FRAME_SEAL);
	WRITE_ONCE(frame->mapping, 0);
	WRITE_ONCE(frame->private, 0);
}

/* An ordinary page's frozen frame becomes Labyrinth's. */
static inline void lab_frame_enter(struct lab_frame *frame)
{
	lab_frame_reset_words(frame);
	set_bit(PG_owner_priv_1, &frame->flags);
	lab_frame_set_type(frame);
}

/* The frozen frame has nothing of Labyrinth's any more. */
static inline void lab_frame_clear(struct lab_frame *frame)
{
	lab_frame_clear_type(frame);
	WRITE_ONCE(frame->seal, (unsigned long)LIST_POISON2);
	clear_bit(PG_owner_priv_1, &frame->flags);
}

/*
 * Takes the mark and the seal off a frame that others have by reference, and that is not
 * frozen. A borrower may have put a link of its own where the seal was.
 */
static inline void lab_frame_unmark(struct lab_frame *frame)
{
	cmpxchg(&frame->seal, LAB_FRAME_SEAL, (unsigned long)LIST_POISON2);
	clear_bit(PG_owner_priv_1, &frame->flags);
}

/*
 * The frame, which others have by reference and whose tag is gone, becomes an ordinary
 * page: of Labyrinth's references one is left, the caller's.
 *
 * A count of 0 is one that another CPU has frozen, which will find the tag gone
 * and thaw it. This CPU's own cannot have: the caller looked before.
 */
static inline void lab_frame_disown(struct lab_frame *frame)
{
	atomic_t *count = &lab_frame_page(frame)->_refcount;
	int refs;

	lab_frame_unmark(frame);
	do {
		while (!(refs = atomic_read(count)))
			cpu_relax();
	} while (!atomic_try_cmpxchg(count, &refs,
				     refs - (LAB_REFS_EXCLUSIVE - 1)));
}

/*
 * Whether the words of a page that is its owner's alone are as they must be, but for those
 * that lab_frame_is_at_home() looks at.
 */
static inline bool lab_frame_is_clean(const struct lab_frame *frame)
{
	return (READ_ONCE(frame->flags) & PAGE_FLAGS_CHECK_AT_PREP) == LAB_FRAME_MARK &&
	       READ_ONCE(frame->lru) == LAB_FRAME_LRU &&
	       READ_ONCE(frame->seal) == LAB_FRAME_SEAL &&
	       !READ_ONCE(frame->mapping) && !READ_ONCE(frame->private) &&
	       READ_ONCE(frame->type) == LAB_TYPE_OFFLINE;
}

/* Whose words they were until now, see lab_frame_mend(). */
enum lab_words {
	LAB_WORDS_OWNED,	/* nobody had any business in them */
	LAB_WORDS_LENT,		/* ->lru, ->index and ->private were the borrower's to use */
};

void lab_frame_mend(struct lab_frame *frame, unsigned long pfn, enum lab_words words,
		    struct lab_damage *damage);
void lab_frame_mend_lent(struct lab_frame *frame, unsigned long pfn,
			 struct lab_damage *damage);
bool lab_frame_is_at_home(struct lab_frame *frame, unsigned long pfn);
bool lab_frame_type_fits(void);

#endif /* LABYRINTH_FRAME_H */
