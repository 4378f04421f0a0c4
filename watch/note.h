/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notes on the pages of watched modules. See watch/note.c.
 */
#ifndef WATCH_NOTE_H
#define WATCH_NOTE_H

/* For watch/stubs.S: a page is as long as so many notes, as a shift, and where @state is. */
#define WATCH_PAGE_NOTES_SHIFT	2
#define WATCH_NOTE_STATE	12

#ifndef __ASSEMBLY__

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/types.h>

enum watch_state {
	WATCH_NONE,		/* no watched module's, as far as is known */
	WATCH_HELD,		/* allocated by a watched module; not given back */
	WATCH_FREED,		/* given back since; the present user is not known */
	WATCH_KEPT,		/* given back while mapped for DMA: kept until unmapped */
	WATCH_LET_GO,		/* unmapped since: about to be freed */
	WATCH_POOLED,		/* in a followed page_pool */
	WATCH_OUT,		/* out of a followed page_pool */
};

/**
 * struct watch_note - the note on a page, or on a block of pages by the first frame
 * @site: the call that allocated the page; see watch_site_name().
 * @back: the call that last gave the page back, or a reference to it; 0: not known.
 * @when: in jiffies, when @state changed last.
 * @state: &enum watch_state.
 * @module: the watched module, see watch/modules.c.
 * @order: of the block.
 * @pool: in place of @order, for a page_pool's page: see watch/poolset.c.
 * @maps: how many mappings for DMA with a record in watch/mapping.c begin in the page, modulo 256.
 *	Of 256 at once, which needs an IOMMU or a compound page, the page is not taken for mapped.
 *
 * Written on behalf of the page's user. If two users free a page at once, each field is either
 * user's.
 */
struct watch_note {
	u32 site;
	u32 back;
	u32 when;
	u8 state;
	u8 module;
	union {
		u8 order;
		u8 pool;
	};
	u8 maps;
};

static inline bool watch_is_pool_state(u8 state)
{
	return state == WATCH_POOLED || state == WATCH_OUT;
}

static_assert(sizeof(struct watch_note) == 16);
static_assert(offsetof(struct watch_note, state) == WATCH_NOTE_STATE);

extern struct watch_note *watch_notes;
extern unsigned long watch_nr_notes;

/*
 * struct pages are an array as well, and one is as long as so many notes. So the address of a
 * page, divided by that, and watch_notes_at make the address of its note. From watch_pages_end on
 * there are no notes.
 */
#define WATCH_PAGE_NOTES	(sizeof(struct page) / sizeof(struct watch_note))
static_assert(sizeof(struct page) % sizeof(struct watch_note) == 0);
static_assert(WATCH_PAGE_NOTES == 1 << WATCH_PAGE_NOTES_SHIFT);

extern unsigned long watch_notes_at, watch_pages_end;

/* NULL: of a page that was not there when the notes were allocated. */
static inline struct watch_note *watch_note_of(const struct page *page)
{
	unsigned long at = (unsigned long)page;

	return likely(at < watch_pages_end) ?
	       (struct watch_note *)(watch_notes_at + at / WATCH_PAGE_NOTES) : NULL;
}

static inline unsigned int watch_note_age_ms(const struct watch_note *note)
{
	return jiffies_to_msecs((u32)jiffies - READ_ONCE(note->when));
}

int watch_notes_alloc(void);
void watch_notes_free(void);
void watch_notes_forget(unsigned int module);

#define WATCH_SITE_TEXT	96

/* A call site in half a word: all code is in the upper 2 GB of the address space. */
static inline u32 watch_site(unsigned long ip)
{
	return (u32)ip;
}

static inline unsigned long watch_site_ip(u32 site)
{
	return (long)(s32)site;
}

const char *watch_site_name(u32 site, char *text);
u32 watch_site_keep(u32 site);
bool watch_site_is_kept(u32 site);

#endif /* __ASSEMBLY__ */

#endif /* WATCH_NOTE_H */
