// SPDX-License-Identifier: GPL-2.0-only
/*
 * The words of struct page put right. No state is owned here.
 *
 * A stray write to a page's struct page does no harm while the page is its owner's:
 * nothing there is followed. But the core follows those words as soon as the page is lent
 * or goes back to the page allocator. So each page is looked over before that.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>

#include "inline/frame.h"

static void note_damage(struct lab_damage *damage, const char *word,
			unsigned long held, unsigned long right)
{
	if (damage->word) {
		damage->more++;
		return;
	}
	damage->word = word;
	damage->held = held;
	damage->right = right;
}

static void mend_word(unsigned long *word, unsigned long right, const char *name,
		      struct lab_damage *damage)
{
	unsigned long held = READ_ONCE(*word);

	if (likely(held == right))
		return;
	WRITE_ONCE(*word, right);
	if (damage)
		note_damage(damage, name, held, right);
}

/* Where nodes overlap, the first that will do. */
static struct zone *find_zone(unsigned long pfn)
{
	struct zone *zone;
	int nid, i;

	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (zone_spans_pfn(zone, pfn))
				return zone;
		}
	}
	return NULL;
}

static bool is_in_its_zone(const struct page *page, unsigned long pfn)
{
	int nid = page_to_nid(page), zone = page_zonenum(page);

	return nid >= 0 && nid < MAX_NUMNODES && node_online(nid) && zone < MAX_NR_ZONES &&
	       zone_spans_pfn(&NODE_DATA(nid)->node_zones[zone], pfn);
}

/* The core finds the page's zone, and so the lists to which it frees the page, by its flags. */
static void mend_zone(struct page *page, unsigned long pfn)
{
	struct zone *zone;

	if (likely(is_in_its_zone(page, pfn)))
		return;
	zone = find_zone(pfn);
	if (zone)
		set_page_links(page, zone_idx(zone), zone->zone_pgdat->node_id, pfn);
}

static void mend_flags(struct lab_frame *frame, unsigned long pfn,
		       struct lab_damage *damage)
{
	unsigned long held = READ_ONCE(frame->flags), right;

	set_mask_bits(&frame->flags, PAGE_FLAGS_CHECK_AT_PREP, LAB_FRAME_MARK);
	mend_zone(lab_frame_page(frame), pfn);
	right = READ_ONCE(frame->flags);
	/* Flags that nobody minds are cleared without a word. */
	if ((held ^ right) & (LAB_FRAME_BAD_FLAGS | LAB_FRAME_MARK | ~PAGEFLAGS_MASK))
		note_damage(damage, "flags", held, right);
}

static void mend_type(struct lab_frame *frame, u32 right, struct lab_damage *damage)
{
	u32 held = READ_ONCE(frame->type);

	if (likely(held == right))
		return;
	WRITE_ONCE(frame->type, right);
	note_damage(damage, "page_type", held, right);
}

#ifdef CONFIG_MEMCG
static unsigned long *memcg_word(struct lab_frame *frame)
{
	return &lab_frame_page(frame)->memcg_data;
}
#else
static unsigned long *memcg_word(struct lab_frame *frame)
{
	return NULL;
}
#endif

/*
 * Whether @frame, of number @pfn, says that the page is of its own zone and node, and
 * charged to nobody: words that the core follows as soon as others have the page.
 * Context: Any.
 */
bool lab_frame_is_at_home(struct lab_frame *frame, unsigned long pfn)
{
	unsigned long *memcg = memcg_word(frame);

	return likely(is_in_its_zone(lab_frame_page(frame), pfn) &&
		      !(memcg && READ_ONCE(*memcg)));
}

/*
 * Makes every word of the frozen @frame of number @pfn what it must be for a page that is
 * its owner's alone, but for the type of a page that was lent, which has none. What was
 * wrong is told by @damage.
 * Context: Any; the frame is the caller's alone.
 */
void lab_frame_mend(struct lab_frame *frame, unsigned long pfn, enum lab_words words,
		    struct lab_damage *damage)
{
	struct lab_damage *used = words == LAB_WORDS_OWNED ? damage : NULL;
	unsigned long *memcg = memcg_word(frame);

	if (words == LAB_WORDS_OWNED && likely(lab_frame_is_clean(frame)) &&
	    lab_frame_is_at_home(frame, pfn))
		return;
	mend_flags(frame, pfn, damage);
	mend_word(&frame->lru, LAB_FRAME_LRU, "lru.next", used);
	mend_word(&frame->seal, LAB_FRAME_SEAL, "lru.prev", used);
	mend_word(&frame->mapping, 0, "mapping", damage);
	mend_word(&frame->private, 0, "private", used);
	mend_type(frame, words == LAB_WORDS_OWNED ? LAB_TYPE_OFFLINE : LAB_TYPE_NONE, damage);
	if (memcg)
		mend_word(memcg, 0, "memcg_data", damage);
}

/*
 * Makes those words of a lent page's frame right that no borrower has any business in, and
 * by which the core would take the page for another: borrowers have it, and it is not
 * frozen. What was wrong is told by @damage.
 * Context: Any.
 */
void lab_frame_mend_lent(struct lab_frame *frame, unsigned long pfn,
			 struct lab_damage *damage)
{
	unsigned long lru = READ_ONCE(frame->lru), flags = READ_ONCE(frame->flags);
	unsigned long *memcg = memcg_word(frame);

	if (lru & LAB_FRAME_TAIL)
		mend_word(&frame->lru, LAB_FRAME_LRU, "lru.next", damage);
	mend_type(frame, LAB_TYPE_NONE, damage);
	if (flags & BIT(PG_head) || !is_in_its_zone(lab_frame_page(frame), pfn)) {
		clear_bit(PG_head, &frame->flags);
		mend_zone(lab_frame_page(frame), pfn);
		note_damage(damage, "flags", flags, READ_ONCE(frame->flags));
	}
	/* A page that a borrower has put into a file is charged for it. */
	if (memcg && !READ_ONCE(frame->mapping))
		mend_word(memcg, 0, "memcg_data", damage);
}

/*
 * Whether the type is written as this was compiled for.
 * Context: Task; may sleep. Return: false also without memory for the trial.
 */
bool lab_frame_type_fits(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	bool fits;

	if (!page)
		return false;
	fits = lab_frame(page)->type == LAB_TYPE_NONE;
	__SetPageOffline(page);
	fits = fits && lab_frame(page)->type == LAB_TYPE_OFFLINE;
	__ClearPageOffline(page);
	__free_page(page);
	return fits;
}
