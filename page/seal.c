// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages sealed and unsealed. The state owned here is which pages are sealed, and those of
 * them that are spare: nobody's yet, or nobody's any more.
 *
 * A page is sealed when its entry in the direct map is 0 and no CPU has a translation that
 * was there before. Its owner reaches it by an alias, see page/region.c. (The entry is 0, and
 * not an entry that is merely not present: the core makes those present again when it puts
 * broken memory back to use, and they would be a way in for L1TF.)
 *
 * Sealing takes a flush of all CPUs, so it is done by the batch, in task context: when an
 * owner's reserve is filled, and by a worker. To hand a page out and to free it to its
 * owner's cache changes no entry.
 *
 * An entry that is not 0 is one of these:
 *
 * - the entry as it was (the page is open): the page is lent, or was reclaimed and is about to
 *   be sealed again by the worker, or goes back to the system.
 * - the page of zeroes, or a decoy: somebody reached for the page, see page/stray.c. The worker
 *   seals the page again. Until it has, and every CPU is flushed, the page cannot be lent: the
 *   borrower's CPU might still reach the decoy. The page's stale bit says so.
 *
 * Who writes an entry, and how:
 *
 * - 0 to the page of zeroes or a decoy, and from the one to the other: a fault, on any CPU, by
 *   compare-and-exchange; the stale bit is set before.
 * - 0 to the entry as it was: lend, by compare-and-exchange, with the frame frozen, and only
 *   while the stale bit is clear.
 * - anything to 0: the worker alone. It sets the stale bit before, flushes after, and clears
 *   the bit last. Of a page that is open it freezes the frame meanwhile, so no lend is under
 *   way.
 * - anything to the entry as it was: who takes a spare page out, under seal_lock.
 *
 * seal_lock is held while memory is allocated: so nothing that the shrinker calls may take it.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/bitmap.h>
#include <linux/cpufeature.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#include "core/table.h"
#include "inline/frame.h"
#include "page/seal.h"
#include "page/stray.h"

/* So many pages come from the page allocator at a time, at least and at most. */
#define ORDER_LEAST	4U
#define ORDER_MOST	((unsigned int)LAB_REGION_SHIFT)

/* How many pages are kept spare for the next owner that wants some. */
#define SPARE_MAX	64U
/* And how many are unsealed with one flush. */
#define TRIM_BATCH	64U

/* The worker comes so long after it is called for: then there may be more to do. */
#define SEAL_DELAY	msecs_to_jiffies(20)
/* And tries again, where somebody refers to a page that is to be sealed. */
#define SEAL_RETRY	msecs_to_jiffies(200)

/*
 * Protects the regions, and which pages are spare. Taken in task context. What an owner
 * allocates nests in nothing of it.
 */
static DEFINE_MUTEX(seal_lock);
static unsigned int users;		/* sealed owners */
static unsigned int nr_spare;
static unsigned int nr_sealed;		/* pages that have an alias */
static unsigned long nr_flushes;

static void seal_again(struct work_struct *work);
static void schedule_seal(struct irq_work *kick);

static DECLARE_DELAYED_WORK(seal_work, seal_again);
static struct irq_work seal_kick = IRQ_WORK_INIT(schedule_seal);

static void schedule_seal(struct irq_work *kick)
{
	schedule_delayed_work(&seal_work, SEAL_DELAY);
}

/* There is something for the worker. Context: Any. */
void lab_seal_kick(void)
{
	irq_work_queue(&seal_kick);
}

static void flush(void)
{
	lab_region_flush();
	nr_flushes++;
}

/*
 * One sealed owner more. The first brings what it takes.
 * Context: Task; may sleep. Return: 0, -ENOMEM, -EOPNOTSUPP.
 */
int lab_seal_begin(void)
{
	int err;

	if (cpu_feature_enabled(X86_FEATURE_XENPV)) {
		pr_err_once("no sealed pages: under Xen the page tables are the hypervisor's\n");
		return -EOPNOTSUPP;
	}
	mutex_lock(&seal_lock);
	err = lab_region_init() ?: lab_stray_init();
	if (!err)
		users++;
	mutex_unlock(&seal_lock);
	return err;
}

static struct lab_region *region_of(const struct page *page)
{
	return lab_region_of(page_to_pfn(page));
}

/* A block of at most 2^*@order pages, split, and how many they are. */
static struct page *get_block(int nid, unsigned int *order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | (nid == NUMA_NO_NODE ? 0 : __GFP_THISNODE);
	struct page *block;

	for (;; --*order) {
		block = alloc_pages_node(nid, gfp | (*order ? __GFP_NORETRY :
							      __GFP_RETRY_MAYFAIL), *order);
		if (block || !*order)
			break;
	}
	if (block && *order)
		split_page(block, *order);
	return block;
}

/* The entry is emptied; who has it in a translation still, the caller flushes. */
static void seal_page(struct lab_region *region, unsigned long pfn, pte_t *entry)
{
	unsigned int index = lab_region_index(pfn);

	WRITE_ONCE(region->home[index], pte_val(*entry));
	lab_region_alias(pfn, true);
	xchg(&entry->pte, 0);
	region->nr++;
	nr_sealed++;
	__set_bit(index, region->spare);
	nr_spare++;
}

static bool is_as_usual(pte_t entry, unsigned long pfn)
{
	return pte_present(entry) && pte_write(entry) && pte_pfn(entry) == pfn;
}

static void seal_block(struct lab_region *region, unsigned long pfn, unsigned int nr)
{
	pte_t *entry = lab_region_entry(pfn);

	for (; nr--; pfn++, entry++) {
		if (is_as_usual(*entry, pfn))
			seal_page(region, pfn, entry);
		else
			__free_page(pfn_to_page(pfn));
	}
}

static void free_block(struct page *block, unsigned int nr)
{
	while (nr--)
		__free_page(block + nr);
}

/* Gets @want spare pages more, or some, or as many as a block has at least. */
static int grow(int nid, unsigned int want)
{
	unsigned int order = clamp_t(unsigned int, order_base_2(want),
				      ORDER_LEAST, ORDER_MOST);
	struct page *block = get_block(nid, &order);
	struct lab_region *region;

	lockdep_assert_held(&seal_lock);
	if (!block)
		return -ENOMEM;
	region = lab_region_get(page_to_pfn(block));
	if (IS_ERR(region)) {
		free_block(block, 1U << order);
		return PTR_ERR(region);
	}
	seal_block(region, page_to_pfn(block), 1U << order);
	flush();
	lab_region_put(region);
	return 0;
}

/* Whether the spare page is sealed: one that comes back from a borrower is not yet. */
static bool is_ready(const struct lab_region *region, unsigned int index)
{
	return !test_bit(index, region->open) && !test_bit(index, region->stale) &&
	       !test_bit(index, region->lost);
}

static unsigned int take_from(struct lab_region *region, int nid, struct page **pages,
			      unsigned int most)
{
	unsigned int nr = 0, index;

	for_each_set_bit(index, region->spare, LAB_REGION_PAGES) {
		struct page *page = pfn_to_page(region->pfn + index);

		if (nr == most)
			break;
		if ((nid != NUMA_NO_NODE && page_to_nid(page) != nid) ||
		    !is_ready(region, index))
			continue;
		__clear_bit(index, region->spare);
		nr_spare--;
		pages[nr++] = page;
	}
	return nr;
}

static unsigned int take_spare(int nid, struct page **pages, unsigned int most)
{
	struct lab_region *region;
	unsigned int nr = 0;

	list_for_each_entry(region, &lab_regions, node)
		nr += take_from(region, nid, pages + nr, most - nr);
	return nr;
}

/*
 * Gets up to @most pages of node @nid, sealed, each with one reference, which is the
 * caller's. With those that the caller is still to ask for it will be @all.
 * Context: Task; may sleep. Return: how many, at least one; or -ENOMEM, -ENOSPC, -EOPNOTSUPP.
 */
int lab_seal_get(int nid, struct page **pages, unsigned int most, unsigned int all)
{
	unsigned int nr;
	int err = 0;

	mutex_lock(&seal_lock);
	nr = take_spare(nid, pages, most);
	if (nr < most)
		err = grow(nid, all - nr);
	nr += take_spare(nid, pages + nr, most - nr);
	mutex_unlock(&seal_lock);
	return nr ?: err;
}

/* The page's entry is as it was. Who has another in a translation, the caller flushes. */
static void unseal_page(struct lab_region *region, unsigned int index)
{
	unsigned long pfn = region->pfn + index;

	lab_region_alias(pfn, false);
	lab_stray_collect(xchg(&lab_region_entry(pfn)->pte, region->home[index]));
}

/* The page has nothing of sealing any more. All CPUs are flushed. */
static void forget_page(struct lab_region *region, unsigned int index)
{
	WRITE_ONCE(region->home[index], 0);
	clear_bit(index, region->open);
	clear_bit(index, region->stale);
	clear_bit(index, region->lost);
	nr_sealed--;
	region->nr--;
	lab_region_put(region);
}

static unsigned int unseal_from(struct lab_region *region, struct page **pages,
				unsigned int most)
{
	unsigned int nr = 0, index;

	for_each_set_bit(index, region->spare, LAB_REGION_PAGES) {
		if (nr == most)
			break;
		__clear_bit(index, region->spare);
		nr_spare--;
		unseal_page(region, index);
		pages[nr++] = pfn_to_page(region->pfn + index);
	}
	return nr;
}

static void give_back(struct page **pages, unsigned int nr)
{
	while (nr) {
		struct page *page = pages[--nr];

		forget_page(region_of(page), lab_region_index(page_to_pfn(page)));
		__free_page(page);
	}
}

/* Gives spare pages back to the system until no more than @target are left. */
static void trim(unsigned int target)
{
	struct page *pages[TRIM_BATCH];
	struct lab_region *region;

	lockdep_assert_held(&seal_lock);
	while (nr_spare > target) {
		unsigned int most = min(nr_spare - target, TRIM_BATCH), nr = 0;

		list_for_each_entry(region, &lab_regions, node)
			nr += unseal_from(region, pages + nr, most - nr);
		flush();
		give_back(pages, nr);
		cond_resched();
	}
}

/*
 * @page, which lab_seal_get() gave, goes back to the system, now or by and by.
 * Context: Task; may sleep.
 */
void lab_seal_put(struct page *page)
{
	unsigned int index = lab_region_index(page_to_pfn(page));
	struct lab_region *region = region_of(page);

	mutex_lock(&seal_lock);
	__set_bit(index, region->spare);
	nr_spare++;
	if (test_bit(index, region->open))
		lab_seal_kick();
	if (!users)
		trim(0);
	else if (nr_spare >= SPARE_MAX + TRIM_BATCH)
		trim(SPARE_MAX);
	mutex_unlock(&seal_lock);
}

/*
 * A sealed owner is gone, and its pages are settled. With the last one all spare pages go.
 * Context: Task; may sleep.
 */
void lab_seal_end(void)
{
	mutex_lock(&seal_lock);
	users--;
	trim(users ? SPARE_MAX : 0);
	mutex_unlock(&seal_lock);
}

/*
 * Puts the entry of page @pfn back, for a borrower. No flush is needed: no CPU has a
 * translation of an empty entry.
 * Context: Any; the page's frame is frozen.
 * Return: 0; -EBUSY somebody has strayed there, and not all CPUs have been flushed since.
 */
int lab_seal_open(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);
	unsigned int index = lab_region_index(pfn);
	pte_t *entry = lab_region_entry(pfn);

	if (test_bit(index, region->open))
		return 0;
	/* The fault that makes an entry stale says so before. */
	if (!test_bit(index, region->stale) && !cmpxchg(&entry->pte, 0, region->home[index])) {
		set_bit(index, region->open);
		return 0;
	}
	set_bit(index, region->stale);
	lab_seal_kick();
	return -EBUSY;
}

/*
 * Page @pfn went to the page allocator behind Labyrinth's back. Whoever has it from there
 * reaches it by the direct map from now on; the worker sees to the rest.
 * Context: Any.
 */
void lab_seal_lose(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);
	unsigned int index = lab_region_index(pfn);

	set_bit(index, region->lost);
	xchg(&lab_region_entry(pfn)->pte, region->home[index]);
	lab_seal_kick();
}

/* Whether page @pfn, of a sealed owner, is out of the direct map now. Context: Any. */
bool lab_seal_is_closed(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);

	return region && !test_bit(lab_region_index(pfn), region->open);
}

/*
 * Empties the entry of a page that is open, if the page is its owner's alone. With the frame
 * frozen nobody lends it meanwhile.
 */
static bool close_page(unsigned long pfn, pte_t *entry)
{
	struct lab_frame *frame = lab_frame_of_pfn(pfn);
	enum lab_state state;
	lab_tag_t tag = 0;

	if (!lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE))
		return false;
	lab_table_search(&labyrinth_hot.table, pfn, &tag);
	state = lab_tag_state(tag);
	if (state == LAB_CACHED || state == LAB_HELD || state == LAB_MAPPED)
		xchg(&entry->pte, 0);
	else
		entry = NULL;
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE);
	return entry;
}

static bool is_lent(unsigned long pfn)
{
	lab_tag_t tag = 0;

	lab_table_search(&labyrinth_hot.table, pfn, &tag);
	return lab_tag_state(tag) == LAB_LENT || lab_tag_state(tag) == LAB_LIMBO;
}

/*
 * Empties the page's entry, if that may be.
 * Return: whether it is done, or is not wanted; else it is to be tried again.
 */
static bool seal_one(struct lab_region *region, unsigned int index)
{
	unsigned long pfn = region->pfn + index;
	pte_t *entry = lab_region_entry(pfn);

	if (!test_bit(index, region->open)) {
		lab_stray_collect(xchg(&entry->pte, 0));
		/* Pairs with lab_seal_lose(), which sets the bit before the entry. */
		if (test_bit(index, region->lost))
			xchg(&entry->pte, region->home[index]);
		return true;
	}
	/* Reclaim calls for the worker again. */
	if (is_lent(pfn))
		return true;
	set_bit(index, region->stale);
	if (test_bit(index, region->spare))
		xchg(&entry->pte, 0);
	else if (!close_page(pfn, entry))
		return false;
	clear_bit(index, region->open);
	return true;
}

/* The pages of @region whose entry is to be emptied are: @was notes them. */
static bool seal_region(struct lab_region *region, unsigned long *was)
{
	unsigned int index;
	bool done = true;

	bitmap_or(was, region->stale, region->open, LAB_REGION_PAGES);
	bitmap_andnot(was, was, region->lost, LAB_REGION_PAGES);
	for_each_set_bit(index, was, LAB_REGION_PAGES)
		done &= seal_one(region, index);
	return done;
}

/* A page that somebody has strayed to meanwhile is stale still: its entry says so. */
static void freshen(struct lab_region *region, unsigned int index)
{
	pte_t *entry = lab_region_entry(region->pfn + index);

	clear_bit(index, region->stale);
	/* Pairs with the compare-and-exchange of a fault, which sets the bit before. */
	smp_mb__after_atomic();
	if (!test_bit(index, region->open) && READ_ONCE(entry->pte))
		set_bit(index, region->stale);
}

/* Pages that are somebody else's by now: the alias goes. @lost notes them. */
static void end_aliases(struct lab_region *region, unsigned long *lost)
{
	unsigned int index;

	bitmap_copy(lost, region->lost, LAB_REGION_PAGES);
	for_each_set_bit(index, lost, LAB_REGION_PAGES)
		lab_region_alias(region->pfn + index, false);
}

/* One region with a flush of its own: they are few. */
static bool look_after(struct lab_region *region)
{
	DECLARE_BITMAP(was, LAB_REGION_PAGES);
	DECLARE_BITMAP(lost, LAB_REGION_PAGES);
	unsigned int index;
	bool done;

	if (bitmap_empty(region->stale, LAB_REGION_PAGES) &&
	    bitmap_empty(region->open, LAB_REGION_PAGES) &&
	    bitmap_empty(region->lost, LAB_REGION_PAGES))
		return true;
	done = seal_region(region, was);
	end_aliases(region, lost);
	flush();
	for_each_set_bit(index, was, LAB_REGION_PAGES)
		freshen(region, index);
	for_each_set_bit(index, lost, LAB_REGION_PAGES)
		forget_page(region, index);
	return done;
}

static void seal_again(struct work_struct *work)
{
	struct lab_region *region;
	bool done = true;

	mutex_lock(&seal_lock);
	list_for_each_entry(region, &lab_regions, node)
		done &= look_after(region);
	/* After the flush: nobody writes to a decoy that was collected. */
	lab_stray_report();
	mutex_unlock(&seal_lock);
	if (!done)
		schedule_delayed_work(&seal_work, SEAL_RETRY);
}

/* The pages that are left are others' from now on, or nobody's for ever. */
static void open_region(struct lab_region *region, bool flushed)
{
	unsigned int index;

	for (index = 0; index < LAB_REGION_PAGES; index++) {
		if (!region->home[index])
			continue;
		if (flushed)
			forget_page(region, index);
		else
			unseal_page(region, index);
	}
}

/*
 * No owner is left, and no call comes any more: what is sealed still is sealed no longer.
 * Context: Task; may sleep.
 */
void lab_seal_stop(void)
{
	struct lab_region *region;

	irq_work_sync(&seal_kick);
	cancel_delayed_work_sync(&seal_work);
	mutex_lock(&seal_lock);
	trim(0);
	if (nr_sealed) {
		list_for_each_entry(region, &lab_regions, node)
			open_region(region, false);
		flush();
		list_for_each_entry(region, &lab_regions, node)
			open_region(region, true);
	}
	lab_stray_report();
	mutex_unlock(&seal_lock);
}

/* The fault's hook is gone. Context: Task; may sleep. */
void lab_seal_exit(void)
{
	irq_work_sync(&seal_kick);
	cancel_delayed_work_sync(&seal_work);
	lab_stray_exit();
	lab_region_exit();
}

static unsigned int count_bits(size_t member)
{
	struct lab_region *region;
	unsigned int nr = 0;

	list_for_each_entry(region, &lab_regions, node)
		nr += bitmap_weight((void *)region + member, LAB_REGION_PAGES);
	return nr;
}

static unsigned int count_regions(void)
{
	struct lab_region *region;
	unsigned int nr = 0;

	list_for_each_entry(region, &lab_regions, node)
		nr += !!region->nr;
	return nr;
}

/* Context: Task; may sleep. */
void lab_seal_show(struct seq_file *m)
{
	mutex_lock(&seal_lock);
	seq_printf(m, "owners: %u\n", users);
	seq_printf(m, "pages: %u\n", nr_sealed);
	seq_printf(m, "spare: %u\n", nr_spare);
	seq_printf(m, "open: %u\n", count_bits(offsetof(struct lab_region, open)));
	seq_printf(m, "stale: %u\n", count_bits(offsetof(struct lab_region, stale)));
	seq_printf(m, "regions: %u of %u\n", count_regions(), lab_region_places());
	seq_printf(m, "direct map: %lu large entries split\n", lab_region_split());
	seq_printf(m, "flushes: %lu\n", nr_flushes);
	lab_stray_show(m);
	mutex_unlock(&seal_lock);
}
