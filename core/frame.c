// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts the words of struct page right. No state is owned here.
 *
 * A stray write to a page's struct page does no harm while the page is owned: Labyrinth follows
 * none of the words. But the core follows them as soon as the page is lent or goes back to the
 * page allocator. So Labyrinth checks each page before that.
 */
#include <linux/cgroup.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>

#include "inline/address.h"
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

/* The zone that spans @pfn. Where nodes overlap, the first match. */
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

/* The core takes the zone, and so the lists to which a page is freed, from the page's flags. */
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
	/*
	 * Flags of no consequence are cleared without a report: so is the count of a lent page's
	 * accesses by a process.
	 */
	if ((held ^ right) & (LAB_FRAME_BAD_FLAGS | LAB_FRAME_MARK |
			      ~(PAGEFLAGS_MASK | LRU_REFS_MASK)))
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

/*
 * Whether @frame, of number @pfn, names the right zone and node, and no memory cgroup. The core
 * follows these words as soon as borrowers, or the page allocator, have the page.
 * Context: Any.
 */
bool lab_frame_is_at_home(struct lab_frame *frame, unsigned long pfn)
{
	return likely(is_in_its_zone(lab_frame_page(frame), pfn) &&
		      lab_frame_is_uncharged(frame));
}

/*
 * Puts every word of the frozen @frame, of number @pfn, right for an owned page. A page that
 * was lent gets no type. @damage tells which words were wrong; a borrower could use ->lru and
 * ->private, so of a lent page @damage does not tell of these.
 * Context: Any; the caller has frozen the frame.
 */
void lab_frame_mend(struct lab_frame *frame, unsigned long pfn, enum lab_words words,
		    struct lab_damage *damage)
{
	struct lab_damage *used = words == LAB_WORDS_OWNED ? damage : NULL;
	unsigned long *memcg = lab_frame_memcg(frame);

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
 * Copies the pointer at @from, which may have any value. On User-Mode Linux
 * copy_from_kernel_nofault() turns interrupts on at a fault, and does not return from a hole in the
 * vmalloc area. So there no fault is provoked: an inode, and a memory cgroup, are of a slab, and so
 * in the direct map.
 */
static bool copy_pointer(void *to, const void *from)
{
	if (IS_ENABLED(CONFIG_UML) && !virt_addr_valid(from))
		return false;
	return lab_copy_from(to, from, sizeof(void *));
}

/*
 * Whether @word is the address of a file's struct address_space, to which a borrower has added
 * the page: its inode leads back to it. Any value is read with care.
 */
static bool is_file(unsigned long word)
{
	const struct address_space *mapping = (void *)word, *back;
	const struct inode *host;

	return IS_ALIGNED(word, sizeof(long)) &&
	       copy_pointer(&host, &mapping->host) &&
	       copy_pointer(&back, &host->i_mapping) && back == mapping;
}

#ifdef CONFIG_MEMCG
static bool is_memcg(const void *word)
{
	const struct mem_cgroup *memcg = word;
	const struct cgroup_subsys *ss;

	return copy_pointer(&ss, &memcg->css.ss) && ss == &memory_cgrp_subsys;
}

/*
 * A borrower that puts the page into a file has the page charged to a memory cgroup, which also
 * names the list on which the page is, or is about to be, when the file has let go of the page.
 * Some kernels note the memory cgroup itself, some a struct obj_cgroup. Any value is read with
 * care.
 */
static bool is_charge(unsigned long word)
{
	const struct obj_cgroup *objcg = (void *)word;
	const void *memcg;
	bool is;

	if (!word || !IS_ALIGNED(word, sizeof(long)))
		return false;
	/* A memory cgroup that goes is freed after a grace period. */
	rcu_read_lock();
	is = is_memcg(objcg) || (copy_pointer(&memcg, &objcg->memcg) && is_memcg(memcg));
	rcu_read_unlock();
	return is;
}
#else
static bool is_charge(unsigned long word)
{
	return false;
}
#endif

static bool is_charged(struct lab_frame *frame)
{
	unsigned long *memcg = lab_frame_memcg(frame);

	return memcg && is_charge(READ_ONCE(*memcg));
}

/* A borrower may add the page to a file right now. */
static void mend_lent_mapping(struct lab_frame *frame, struct lab_damage *damage)
{
	unsigned long held = READ_ONCE(frame->mapping);

	if (likely(!held) || is_file(held))
		return;
	if (cmpxchg(&frame->mapping, held, 0) == held)
		note_damage(damage, "mapping", held, 0);
}

/*
 * Whether the word is a count of mappings: where a page has no type, the core counts in the
 * type's word how many processes have the page mapped, from -1 up. Each mapping has a
 * reference.
 */
static bool counts_mappings(struct lab_frame *frame, u32 type)
{
	int borrowed = lab_frame_refs(frame) - LAB_REFS_EXCLUSIVE;

	return borrowed > 0 && type < (u32)borrowed;
}

/* A process may map or unmap the page right now: then the word is a count. */
static void mend_lent_type(struct lab_frame *frame, struct lab_damage *damage)
{
	u32 held = READ_ONCE(frame->type);

	if (likely(held == LAB_TYPE_NONE) || counts_mappings(frame, held))
		return;
	if (cmpxchg(&frame->type, held, LAB_TYPE_NONE) == held)
		note_damage(damage, "page_type", held, LAB_TYPE_NONE);
}

/* A wrong lru.next reads as PageTail, or as a page_pool's page, and the core follows. */
static void mend_lent_lru(struct lab_frame *frame, struct lab_damage *damage)
{
	if (READ_ONCE(frame->lru) & LAB_FRAME_TAIL || lab_page_is_pool(lab_frame_page(frame)))
		mend_word(&frame->lru, LAB_FRAME_LRU, "lru.next", damage);
}

/*
 * Flags that the core sets for a borrower. PG_locked: while a page is marked dirty after a read by
 * O_DIRECT, or is mapped by a fault; the holder's unlock would lock the page for ever if the flag
 * were taken off meanwhile. PG_mlocked: a process has the page mapped in locked memory.
 */
#define BORROWED_FLAGS	(BIT(PG_locked) | BIT(PG_mlocked))

/*
 * The flags that no borrower has any business to set. The flags of a page in a file, on the core's
 * lists, or on the way there, are the core's: there only PG_head is known to be wrong.
 */
static unsigned long wrong_lent_flags(struct lab_frame *frame)
{
	int refs = lab_frame_refs(frame);

	/*
	 * Pairs with the drop of the reference by which a CPU collected the page: the page is on a
	 * list by then.
	 */
	smp_rmb();
	if (READ_ONCE(frame->mapping) || lab_frame_is_listed(frame) || is_charged(frame))
		return BIT(PG_head);
	if (refs > LAB_REFS_EXCLUSIVE)
		return LAB_FRAME_BAD_FLAGS & ~(BIT(PG_lru) | BORROWED_FLAGS);
	return LAB_FRAME_BAD_FLAGS;
}

static void mend_lent_flags(struct lab_frame *frame, unsigned long pfn,
			    struct lab_damage *damage)
{
	unsigned long wrong = wrong_lent_flags(frame), held = READ_ONCE(frame->flags);

	if (likely(!(held & wrong) && is_in_its_zone(lab_frame_page(frame), pfn)))
		return;
	set_mask_bits(&frame->flags, wrong, 0);
	mend_zone(lab_frame_page(frame), pfn);
	note_damage(damage, "flags", held, READ_ONCE(frame->flags));
}

static void mend_lent_memcg(struct lab_frame *frame, struct lab_damage *damage)
{
	unsigned long *memcg = lab_frame_memcg(frame), held = memcg ? READ_ONCE(*memcg) : 0;

	if (likely(!held) || is_charge(held))
		return;
	if (cmpxchg(memcg, held, 0) == held)
		note_damage(damage, "memcg_data", held, 0);
}

/*
 * Puts right those words of a lent page's frame that no borrower has any business to change.
 * By a wrong word the core would take the page for a different kind of page, or find the page
 * bad when the last borrower drops its reference. Borrowers have references and the frame is
 * not frozen. @damage tells which words were wrong.
 * Context: Any.
 */
void lab_frame_mend_lent(struct lab_frame *frame, unsigned long pfn,
			 struct lab_damage *damage)
{
	mend_lent_lru(frame, damage);
	mend_lent_type(frame, damage);
	mend_lent_mapping(frame, damage);
	mend_lent_flags(frame, pfn, damage);
	mend_lent_memcg(frame, damage);
}

/*
 * Whether the running kernel writes page types as LAB_TYPE_OFFLINE and LAB_TYPE_NONE say.
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
