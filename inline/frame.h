/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page frame as Labyrinth uses the words of struct page.
 *
 * Labyrinth keeps no data of its own in struct page, since any stale pointer in the kernel may
 * write there. Tags, notes, links and lists of mappings are in the owner table's slots
 * (inline/slot.h). The words of struct page keep other code away from the page. Labyrinth
 * compares these words, never follows them, and puts a wrong word right:
 *
 * - References. A page that is CACHED, HELD, MAPPED, POSTED or in LIMBO has LAB_REFS_EXCLUSIVE
 *   references: the holder's, and spare references that only Labyrinth knows of. A foreign
 *   put_page() or __free_page() takes a spare reference and frees nothing. A LENT page has a
 *   reference more, for the borrower.
 * - The type PageOffline makes the core refuse to map the page. A LENT page has no type.
 * - The mark is a page flag, the seal a value in ->lru.prev. A page that goes through the page
 *   allocator loses both: the allocator clears the mark and overwrites the seal. A foreign
 *   write may destroy the mark or the seal, but the other remains.
 *
 * All of this changes only between lab_frame_freeze() and lab_frame_thaw(). While the count is
 * zero, get_page_unless_zero() fails and so does a second freeze: to freeze a frame is to claim
 * the frame.
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
 * The reference count while nobody but the owner refers to the page. High enough that a
 * foreigner who frees a page again and again does not get the page freed. Far below
 * GUP_PIN_COUNTING_BIAS, from which on the core takes a page for pinned.
 */
#define LAB_REFS_EXCLUSIVE	32
#define LAB_REFS_LENT		(LAB_REFS_EXCLUSIVE + 1)

/* free_pages_prepare() clears this flag. No kernel's checks of a freed page mind the flag. */
#define LAB_FRAME_MARK		BIT(PG_owner_priv_1)

/*
 * Neither a pointer nor a value that list_del() leaves. The allocator's lists overwrite the
 * seal.
 */
#define LAB_FRAME_SEAL		(0x1abUL + POISON_POINTER_DELTA)

/*
 * ->lru.next as list_del() leaves the word. The core takes bit 0 for PageTail, bit 1 for
 * pfmemalloc's mark and the rest for page_pool's magic: LIST_POISON1 is none of these.
 */
#define LAB_FRAME_LRU		((unsigned long)LIST_POISON1)
#define LAB_FRAME_TAIL		BIT(0)
#define LAB_FRAME_PFMEMALLOC	BIT(1)

/* Flags with which the page allocator refuses a page or takes it for a compound page. */
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
			int refs;	/* for reads; page_ref_*() writes */
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

/* The type and the reference count of a page without foreign references, as one word. */
#define LAB_FRAME_WHOLE							\
	(IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ?				\
	 ((u64)LAB_TYPE_OFFLINE << 32 | LAB_REFS_EXCLUSIVE) :		\
	 ((u64)LAB_REFS_EXCLUSIVE << 32 | LAB_TYPE_OFFLINE))

/* Likewise of a lent page to which no borrower refers any more. */
#define LAB_FRAME_BACK							\
	(IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ?				\
	 ((u64)LAB_TYPE_NONE << 32 | LAB_REFS_EXCLUSIVE) :		\
	 ((u64)LAB_REFS_EXCLUSIVE << 32 | LAB_TYPE_NONE))

/**
 * struct lab_damage - the words of struct page that were found wrong
 * @word: the name of the first wrong word; NULL: all words were right.
 * @held: the wrong value.
 * @right: the right value, which the word holds now.
 * @more: how many further words were wrong.
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
 * Whether the page has the right type and nobody but the owner refers to the page. A look, not
 * a claim.
 */
static __always_inline bool lab_frame_is_exclusive(const struct lab_frame *frame)
{
	/* Harmless: a reference taken after the look might as well have come before the look. */
	return likely(data_race(frame->type_and_refs) == LAB_FRAME_WHOLE);
}

static __always_inline bool lab_frame_is_poisoned(const struct lab_frame *frame)
{
	/* Harmless: memory may fail at any time, before the look or after. */
	return unlikely(data_race(frame->flags & __PG_HWPOISON));
}

/*
 * Whether the page has the type, and about as many references as Labyrinth gives. For a moment
 * the core may have a reference more, a foreigner may have dropped some, or another call may
 * have the frame frozen. A balloon's page has the same type, but only 1 or 2 references.
 */
static inline bool lab_frame_has_type(const struct lab_frame *frame)
{
	int refs = READ_ONCE(frame->refs);

	return READ_ONCE(frame->type) == LAB_TYPE_OFFLINE &&
	       (!refs || refs >= LAB_REFS_EXCLUSIVE / 2);
}

/*
 * Whether the page of a tagged frame has not been through the page allocator since. Stray
 * writes may have destroyed both mark and seal. Then the type tells, together with the number
 * of references: no user who got the page from the allocator sets both. A LENT page has no
 * type, so the mark or the seal must be left.
 */
static inline bool lab_frame_is_ours(const struct lab_frame *frame)
{
	return READ_ONCE(frame->flags) & LAB_FRAME_MARK ||
	       READ_ONCE(frame->seal) == LAB_FRAME_SEAL || lab_frame_has_type(frame);
}

/*
 * Whether the page, in no file any more, is still on the core's lists of file pages, since a
 * borrower had put the page into a file. With the flag the core wrote a link over the seal; a stray
 * write of the flag alone leaves the seal. Only the core can take the page off, when the last
 * reference goes.
 */
static inline bool lab_frame_is_listed(const struct lab_frame *frame)
{
	return READ_ONCE(frame->flags) & BIT(PG_lru) && READ_ONCE(frame->seal) != LAB_FRAME_SEAL;
}

/*
 * How often a count that is not as it should be is looked at. The core takes a reference to any
 * page now and then, for less than a microsecond (GUP, the page cache, compaction, splitting of
 * huge pages), and another call of the owner's may have the count frozen for as long. A call
 * without fault is not refused for that.
 */
#define LAB_MOMENT_TRIES	64

/* Claims the frame if the count is exactly @refs. */
static inline bool lab_frame_freeze(struct lab_frame *frame, int refs)
{
	return page_ref_freeze(lab_frame_page(frame), refs);
}

/*
 * Ends the claim, and is fully ordered: code that gets a reference afterwards, or reads a tag
 * that is written afterwards, sees all changes to the frame. Adds to the count, since somebody
 * may have called get_page() on the frozen frame, against all rules; such a reference counts
 * too.
 */
static inline void lab_frame_thaw(struct lab_frame *frame, int refs)
{
	/* Pairs with the reference taken, or frozen, by the frame's next user. */
	smp_mb__before_atomic();
	page_ref_add(lab_frame_page(frame), refs);
	/* Pairs with the look at the tag of repair_references()'s racing calls. */
	smp_mb__after_atomic();
}

/*
 * Whether the frame is to be left alone, whose count is @refs: at 0 another call has the page, or
 * the page's free is being refused; the latter is so below 0 as well, see page/heal.c.
 */
static inline bool lab_frame_is_withheld(const struct lab_frame *frame, int refs)
{
	return !refs || (refs < 0 && lab_frame_is_poisoned(frame));
}

/*
 * Claims a frame of Labyrinth's that is short of references, since a foreigner dropped some.
 * The count is negative after unpin_user_page(), which drops 1,024. Returns how many references
 * were missing, 0 if the frame could not be claimed.
 */
static inline int lab_frame_freeze_short(struct lab_frame *frame)
{
	int refs = lab_frame_refs(frame);

	if (!lab_frame_is_withheld(frame, refs) && refs < LAB_REFS_EXCLUSIVE &&
	    lab_frame_is_ours(frame) && lab_frame_freeze(frame, refs))
		return LAB_REFS_EXCLUSIVE - refs;
	return 0;
}

/*
 * Any code may have set PG_uptodate, which means nothing on a page that is in no file. But 7.3
 * takes a page with PageOffline and PG_uptodate for a balloon's page, and may move it. Only
 * while the frame is frozen.
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

/* Whether page_pool uses the frame's words. */
static inline bool lab_page_is_pool(const struct page *page)
{
	return (page->pp_magic & LAB_POOL_MASK) == PP_SIGNATURE;
}

/* Resets words that only the holder's own code, or a stray write, would change. */
static inline void lab_frame_reset_words(struct lab_frame *frame)
{
	WRITE_ONCE(frame->lru, LAB_FRAME_LRU);
	WRITE_ONCE(frame->seal, LAB_FRAME_SEAL);
	WRITE_ONCE(frame->mapping, 0);
	WRITE_ONCE(frame->private, 0);
}

/* Makes an ordinary page's frozen frame Labyrinth's. */
static inline void lab_frame_enter(struct lab_frame *frame)
{
	lab_frame_reset_words(frame);
	set_bit(PG_owner_priv_1, &frame->flags);
	lab_frame_set_type(frame);
}

/* Takes all of Labyrinth's marks off the frozen frame. */
static inline void lab_frame_clear(struct lab_frame *frame)
{
	lab_frame_clear_type(frame);
	WRITE_ONCE(frame->seal, (unsigned long)LIST_POISON2);
	clear_bit(PG_owner_priv_1, &frame->flags);
}

/*
 * Takes the mark and the seal off a frame to which borrowers have references and which is not
 * frozen. A borrower may have put a link where the seal was.
 */
static inline void lab_frame_unmark(struct lab_frame *frame)
{
	cmpxchg(&frame->seal, LAB_FRAME_SEAL, (unsigned long)LIST_POISON2);
	clear_bit(PG_owner_priv_1, &frame->flags);
}

/*
 * Makes the frame, to which borrowers have references and which has no tag any more, an
 * ordinary page. Of Labyrinth's references the caller's is left.
 *
 * The count is 0 while another CPU has the frame frozen; that CPU will find the tag gone and
 * thaw. This CPU cannot have the frame frozen: the caller looked before.
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
 * Whether the words of an owned page are right, save for zone, node and memory cgroup, at which
 * lab_frame_is_at_home() looks.
 */
static inline bool lab_frame_is_clean(const struct lab_frame *frame)
{
	return (READ_ONCE(frame->flags) & PAGE_FLAGS_CHECK_AT_PREP) == LAB_FRAME_MARK &&
	       READ_ONCE(frame->lru) == LAB_FRAME_LRU &&
	       READ_ONCE(frame->seal) == LAB_FRAME_SEAL &&
	       !READ_ONCE(frame->mapping) && !READ_ONCE(frame->private) &&
	       READ_ONCE(frame->type) == LAB_TYPE_OFFLINE;
}

#ifdef CONFIG_MEMCG
static inline unsigned long *lab_frame_memcg(struct lab_frame *frame)
{
	return &lab_frame_page(frame)->memcg_data;
}
#else
static inline unsigned long *lab_frame_memcg(struct lab_frame *frame)
{
	return NULL;
}
#endif

/* Whether no memory cgroup is charged for the page. */
static inline bool lab_frame_is_uncharged(struct lab_frame *frame)
{
	unsigned long *memcg = lab_frame_memcg(frame);

	return !(memcg && READ_ONCE(*memcg));
}

/* Which code could write the words until now, see lab_frame_mend(). */
enum lab_words {
	LAB_WORDS_OWNED,	/* none but Labyrinth */
	LAB_WORDS_LENT,		/* a borrower: ->lru, ->index and ->private */
};

void lab_frame_mend(struct lab_frame *frame, unsigned long pfn, enum lab_words words,
		    struct lab_damage *damage);
void lab_frame_mend_lent(struct lab_frame *frame, unsigned long pfn,
			 struct lab_damage *damage);
bool lab_frame_is_at_home(struct lab_frame *frame, unsigned long pfn);
bool lab_frame_type_fits(void);

#endif /* LABYRINTH_FRAME_H */
