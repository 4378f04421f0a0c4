// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages sealed and unsealed. The state owned here is which pages are sealed, and which sealed
 * pages are spare: without an owner.
 *
 * A page is sealed when the page's entry in the direct map is 0 and no CPU holds a translation
 * from before. The owner reaches a sealed page by an alias, see page/region.c. (Clearing the
 * present bit would not do: the core sets that bit again when broken memory comes back to use,
 * and an entry with an address but no present bit is a way in for L1TF.)
 *
 * Sealing takes a flush of all CPUs, so pages are sealed by the batch, in task context: when
 * an owner's reserve is filled, and by the worker, seal_again(). Handing a page out, and
 * freeing a page to the owner's cache, changes no entry.
 *
 * An entry that is not 0 leads to:
 *
 * - the page, by the entry saved in @home. The page is open: lent, or reclaimed and about to be
 *   sealed again by the worker. Or the page is lost, or goes back to the system.
 * - the page of zeroes, or a decoy: an access strayed to the page, see page/stray.c; the page's
 *   stale bit is set. The worker seals the page again. Until every CPU is flushed after that,
 *   the page cannot be lent: the borrower's CPU might still reach the decoy.
 *
 * The writers of an entry:
 *
 * - 0 to the page of zeroes, 0 or the page of zeroes to a decoy: a fault, on any CPU, by
 *   compare-and-exchange, after setting the stale bit.
 * - 0 to the saved entry: lab_seal_open() for a lend, by compare-and-exchange, with the frame
 *   frozen, and only while the stale bit is clear.
 * - anything to 0, after the page was first sealed: the worker alone. The worker sets the stale
 *   bit before, flushes after, and clears the bit last. While the worker closes an open page,
 *   the frame is frozen, so no lend is under way.
 * - anything to the saved entry: unseal_page() and lab_seal_reopen(), under seal_lock; and for a
 *   lost page lab_seal_lose(), in any context, and the worker.
 *
 * seal_lock is held while memory is allocated: so nothing that the shrinker calls may wait for
 * seal_lock.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/bitmap.h>
#include <linux/cpufeature.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#include "core/table.h"
#include "inline/frame.h"
#include "page/seal.h"
#include "page/stray.h"

/* Orders of the blocks that are asked of the page allocator, at least and at most. */
#define ORDER_LEAST	4U
#define ORDER_MOST	((unsigned int)LAB_REGION_SHIFT)

/*
 * How many blocks of the kernel's image are kept while others are asked for: 32 MB, unless memory
 * is so short that blocks are smaller than asked for. The image leaves some 10 MB.
 */
#define ASIDE_MOST	512U

/* How many spare pages are kept for the next reserve to be filled. */
#define SPARE_MAX	64U
/* How many spare pages a single flush unseals. */
#define TRIM_BATCH	64U

/* From lab_seal_kick() to the worker's run: more pages gather meanwhile. */
#define SEAL_DELAY	msecs_to_jiffies(20)
/* From lab_seal_hold() on: an oops is printed before the diverted access is made again. */
#define SEAL_HOLD	HZ
/* To the worker's next try, after a reference or a hold kept a page from being sealed. */
#define SEAL_RETRY	msecs_to_jiffies(200)

/*
 * Protects the regions, and which pages are spare. Taken in task context. Memory is allocated
 * under seal_lock, but no page of an owner.
 */
static DEFINE_MUTEX(seal_lock);
static unsigned int users;		/* sealed owners */
static unsigned int nr_spare;
static unsigned int nr_sealed;		/* pages that have an alias */
static unsigned int nr_kept;		/* pages in quarantine, which have none */
static unsigned long nr_flushes;

static void seal_again(struct work_struct *work);
static void schedule_seal(struct irq_work *kick);

static DECLARE_DELAYED_WORK(seal_work, seal_again);
static struct irq_work seal_kick = IRQ_WORK_INIT_HARD(schedule_seal);

static void schedule_seal(struct irq_work *kick)
{
	schedule_delayed_work(&seal_work, SEAL_DELAY);
}

/* Calls for the worker: a page is open or stale or lost. Context: Any. */
void lab_seal_kick(void)
{
	irq_work_queue(&seal_kick);
}

/* In jiffies, or 0: until then, no stale page is sealed, and no access reported. */
static unsigned long held_until;

/*
 * Leaves an access that was diverted the time for an oops, so that the access finds the page still
 * diverted. If the worker was at that page already, the access is diverted once more. A hold is not
 * made longer by further accesses, and ends with a run of the worker that seals their pages as
 * well, so those may be diverted once more too.
 * The caller calls for the worker, by lab_seal_kick().
 * Context: Any.
 */
void lab_seal_hold(void)
{
	if (!READ_ONCE(held_until))
		WRITE_ONCE(held_until, (jiffies + SEAL_HOLD) | 1);
}

/* The worker's: whether stale pages are to be left as they are. Ends a hold whose time is over. */
static bool is_held(void)
{
	unsigned long until = READ_ONCE(held_until);

	if (!until)
		return false;
	if (time_before(jiffies, until))
		return true;
	WRITE_ONCE(held_until, 0);
	return false;
}

static void flush(void)
{
	lab_region_flush();
	nr_flushes++;
}

/*
 * Counts a new sealed owner. The first owner's call allocates the aliases and the decoys.
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

/* Allocates a block of at most 2^*@order pages, split into pages; *@order is the order got. */
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

/* Empties @entry and makes the page spare. The caller flushes the CPUs' translations. */
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
		/* A page that is lost has a record until the worker has run. */
		if (!region->home[lab_region_index(pfn)] && is_as_usual(*entry, pfn))
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

/*
 * As get_block(), of memory that only the direct map leads to. What else the page allocator gives
 * is kept until a block is found, or the page allocator would give the same again.
 */
static struct page *get_hidden_block(int nid, unsigned int *order)
{
	static struct {
		struct page *block;
		unsigned int order;
	} aside[ASIDE_MOST];
	unsigned int nr = 0;
	struct page *block;

	lockdep_assert_held(&seal_lock);
	while ((block = get_block(nid, order)) &&
	       lab_region_in_image(page_to_pfn(block), 1UL << *order)) {
		aside[nr].block = block;
		aside[nr++].order = *order;
		block = NULL;
		if (nr == ASIDE_MOST)
			break;
	}
	while (nr--)
		free_block(aside[nr].block, 1U << aside[nr].order);
	return block;
}

/*
 * Seals one block of new spare pages: @want of them, or fewer where no such block is free, or
 * more where @want is less than the least block.
 */
static int grow(int nid, unsigned int want)
{
	unsigned int order = clamp_t(unsigned int, order_base_2(want),
				      ORDER_LEAST, ORDER_MOST);
	struct page *block = get_hidden_block(nid, &order);
	struct lab_region *region;

	lockdep_assert_held(&seal_lock);
	if (!block)
		return lab_region_lacks("memory to be sealed", -ENOMEM);
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

/*
 * Whether the spare page is sealed. A page back from a borrower is open until the worker runs.
 * Memory that has failed waits for trim(), and for the page allocator, which puts it away.
 */
static bool is_ready(const struct lab_region *region, unsigned int index)
{
	return !test_bit(index, region->open) && !test_bit(index, region->stale) &&
	       !test_bit(index, region->lost) &&
	       !lab_frame_is_poisoned(lab_frame_of_pfn(region->pfn + index));
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
 * Gets up to @most sealed pages of node @nid, each with a single reference, the caller's.
 * @all is how many pages the caller wants in this call and the next calls together.
 * Context: Task; may sleep. Return: how many, at least 1; or -ENOMEM, -ENOSPC, -EOPNOTSUPP.
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
	return nr ?: err ?: -ENOMEM;
}

/* Writes the saved entry back, and ends the alias. The caller flushes the CPUs' translations. */
static void unseal_page(struct lab_region *region, unsigned int index)
{
	unsigned long pfn = region->pfn + index;

	lab_region_alias(pfn, false);
	lab_stray_collect(xchg(&lab_region_entry(pfn)->pte, region->home[index]));
}

/* Ends the record of a page that is out of sealing. All CPUs were flushed since the alias went. */
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
 * Makes @page, from lab_seal_get(), spare. trim() gives spare pages back to the system, now or
 * in a later call.
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
 * A sealed owner is gone, after all pages of the owner. With the last sealed owner all spare
 * pages go back to the system.
 * Context: Task; may sleep.
 */
void lab_seal_end(void)
{
	mutex_lock(&seal_lock);
	users--;
	trim(users ? SPARE_MAX : 0);
	/* A record names the owner by the number of a slot, which the next owner may get. */
	lab_stray_report();
	mutex_unlock(&seal_lock);
}

/*
 * The next functions seal pages of owners whose pages are not sealed otherwise, for
 * page/quarantine.c: freed pages, to which no address but the direct map's leads. The caller
 * has taken seal_lock, and flushes by lab_seal_flush() before it goes on.
 */

void lab_seal_lock(void)
{
	mutex_lock(&seal_lock);
}

/* For the shrinker: whoever holds seal_lock may be waiting for memory. */
bool lab_seal_trylock(void)
{
	return mutex_trylock(&seal_lock);
}

void lab_seal_unlock(void)
{
	mutex_unlock(&seal_lock);
}

/*
 * Empties the entry of page @pfn, which is nobody's but the caller's.
 * Context: Task; may sleep. Return: false if the page cannot be sealed.
 */
bool lab_seal_close(unsigned long pfn)
{
	struct lab_region *region = lab_region_find(pfn, true);
	pte_t *entry;

	lockdep_assert_held(&seal_lock);
	if (IS_ERR(region))
		return false;
	entry = lab_region_entry(pfn);
	if (region->home[lab_region_index(pfn)] || !is_as_usual(*entry, pfn))
		return false;
	WRITE_ONCE(region->home[lab_region_index(pfn)], pte_val(*entry));
	xchg(&entry->pte, 0);
	nr_kept++;
	return true;
}

/* Writes the saved entry of page @pfn back, if there is any. Context: Task. */
void lab_seal_reopen(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);
	unsigned long home = region ? region->home[lab_region_index(pfn)] : 0;

	if (home)
		lab_stray_collect(xchg(&lab_region_entry(pfn)->pte, home));
}

/*
 * Ends the record of page @pfn, if there is any. The flush since lab_seal_reopen() has waited
 * for every fault that found the entry empty: a fault runs with interrupts disabled.
 * Context: Task.
 */
void lab_seal_forget(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);
	unsigned int index = lab_region_index(pfn);

	if (!region || !region->home[index])
		return;
	WRITE_ONCE(region->home[index], 0);
	clear_bit(index, region->stale);
	nr_kept--;
}

/* Flushes all CPUs. Context: Task. */
void lab_seal_flush(void)
{
	flush();
}

/*
 * Writes the saved entry of page @pfn back, for a borrower. No flush is needed: no CPU has a
 * translation of an empty entry.
 * Context: Any; the page's frame is frozen.
 * Return: 0; -EBUSY an access strayed to the page, and not all CPUs have been flushed since.
 */
int lab_seal_open(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);
	unsigned int index = lab_region_index(pfn);
	pte_t *entry = lab_region_entry(pfn);

	/*
	 * Before the entry: seal_one() empties the entry of a stale page, but not of an open page
	 * whose frame is frozen. A fault that comes too late may mark the page stale just now.
	 */
	if (test_and_set_bit(index, region->open))
		return 0;
	/* A fault sets the stale bit before the entry, see lab_stray_divert(). */
	if (!test_bit(index, region->stale) && !cmpxchg(&entry->pte, 0, region->home[index]))
		return 0;
	clear_bit(index, region->open);
	/* Pairs with freshen(): from here on it finds the page not open. */
	smp_mb__after_atomic();
	/* Last: freshen() may have taken the page for open, and cleared the bit. */
	set_bit(index, region->stale);
	lab_seal_kick();
	return -EBUSY;
}

/*
 * Page @pfn went to the page allocator behind Labyrinth's back. The page's next user must reach
 * the page by the direct map, so the saved entry is written back at once. The worker ends the
 * alias and the record.
 * Context: Any.
 */
void lab_seal_lose(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);
	unsigned int index = lab_region_index(pfn);
	/* Before the bit: from then on the worker may end the record, and @home with the record. */
	unsigned long home = READ_ONCE(region->home[index]);

	/* Pairs with look_after(), which ends the record of a page that is lost. */
	smp_mb__before_atomic();
	set_bit(index, region->lost);
	/* Pairs with empty_open(): the entry is written here, or there. */
	smp_mb__after_atomic();
	/* To an entry that is not empty the core may have taken memory that failed out of use. */
	if (!test_bit(index, region->open))
		xchg(&lab_region_entry(pfn)->pte, home);
	lab_seal_kick();
}

/*
 * Whether page @pfn, of a sealed owner, is out of the direct map, and no CPU holds a translation
 * to the page. Context: Any.
 */
bool lab_seal_is_closed(unsigned long pfn)
{
	struct lab_region *region = lab_region_of(pfn);
	unsigned int index = lab_region_index(pfn);

	if (!region || test_bit(index, region->open))
		return false;
	/* Pairs with empty_open(), which clears the open bit after it sets this bit. */
	smp_rmb();
	return !test_bit(index, region->closing);
}

/* Empties the entry of an open page, which no CPU lends meanwhile. */
static void empty_open(struct lab_region *region, unsigned int index)
{
	pte_t *entry = lab_region_entry(region->pfn + index);

	set_bit(index, region->stale);
	set_bit(index, region->closing);
	/* A full barrier. Pairs with lab_seal_is_closed(). */
	xchg(&entry->pte, 0);
	clear_bit(index, region->open);
	/*
	 * Pairs with lab_seal_lose(), which sets the bit before the entry, and leaves the entry of
	 * an open page alone.
	 */
	smp_mb__after_atomic();
	if (test_bit(index, region->lost))
		xchg(&entry->pte, region->home[index]);
}

/*
 * Empties the entry of an open page that is CACHED, HELD or MAPPED, if no reference but
 * Labyrinth's is left. The frame stays frozen until the entry is 0 and the page no longer counts
 * as open: a lend meanwhile would take the page for open already.
 */
static bool close_page(struct lab_region *region, unsigned int index)
{
	unsigned long pfn = region->pfn + index;
	struct lab_frame *frame = lab_frame_of_pfn(pfn);
	unsigned long flags;
	enum lab_state state;
	bool closed = false;
	lab_tag_t tag = 0;

	/*
	 * The owner's calls wait for the thaw, but not for long; a call in an interrupt of this
	 * CPU would wait in vain.
	 */
	local_irq_save(flags);
	if (lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE)) {
		lab_table_search(&labyrinth_hot.table, pfn, &tag);
		state = lab_tag_state(tag);
		closed = state == LAB_CACHED || state == LAB_HELD || state == LAB_MAPPED;
		if (closed)
			empty_open(region, index);
		lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE);
	}
	local_irq_restore(flags);
	return closed;
}

static bool is_lent(unsigned long pfn)
{
	lab_tag_t tag = 0;

	lab_table_search(&labyrinth_hot.table, pfn, &tag);
	return lab_tag_state(tag) == LAB_LENT || lab_tag_state(tag) == LAB_LIMBO;
}

/*
 * Empties the page's entry, unless the page is lent.
 * Return: false if an open page cannot be closed for now: try again later.
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
	/* When the borrower is done, reclaim calls for the worker again. */
	if (is_lent(pfn))
		return true;
	if (!test_bit(index, region->spare))
		return close_page(region, index);
	empty_open(region, index);
	return true;
}

/*
 * Notes @region's lost pages in @lost, and the stale and open pages among all others in @was,
 * with @held the open pages alone. Calls set and clear the bits meanwhile; a call that sets a bit
 * asks for the worker again.
 * Return: whether there is any.
 */
static bool note_work(const struct lab_region *region, unsigned long *was, unsigned long *lost,
		      bool held)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(LAB_REGION_PAGES); i++) {
		lost[i] = READ_ONCE(region->lost[i]);
		was[i] = READ_ONCE(region->open[i]) & ~lost[i];
		if (!held)
			was[i] |= READ_ONCE(region->stale[i]) & ~lost[i];
		any |= was[i] | lost[i];
	}
	return any;
}

/* Empties the entries of @region's pages in @was. */
static bool seal_region(struct lab_region *region, const unsigned long *was)
{
	unsigned int index;
	bool done = true;

	for_each_set_bit(index, was, LAB_REGION_PAGES)
		done &= seal_one(region, index);
	return done;
}

/*
 * All CPUs were flushed since the entry was emptied: the page is no longer stale, unless an
 * access strayed to the page in between. Then the entry is not 0.
 */
static void freshen(struct lab_region *region, unsigned int index)
{
	pte_t *entry = lab_region_entry(region->pfn + index);

	clear_bit(index, region->stale);
	/* Pairs with the compare-and-exchange of a fault, which sets the bit before. */
	smp_mb__after_atomic();
	if (!test_bit(index, region->open) && READ_ONCE(entry->pte))
		set_bit(index, region->stale);
}

/* Ends the aliases of @region's pages in @lost, which the page allocator has. */
static void end_aliases(struct lab_region *region, const unsigned long *lost)
{
	unsigned int index;

	for_each_set_bit(index, lost, LAB_REGION_PAGES)
		lab_region_alias(region->pfn + index, false);
}

/* Seals @region's open and stale pages and drops the lost. Regions are few: a flush for each. */
static bool look_after(struct lab_region *region, bool held)
{
	DECLARE_BITMAP(was, LAB_REGION_PAGES);
	DECLARE_BITMAP(lost, LAB_REGION_PAGES);
	unsigned int index;
	bool done;

	if (!note_work(region, was, lost, held))
		return true;
	/*
	 * Pairs with the test_and_set_bit() in lab_seal_open(): of a page that is stale only now,
	 * either seal_one() finds that the page is open, or the lend that the page is stale.
	 */
	smp_mb();
	done = seal_region(region, was);
	end_aliases(region, lost);
	flush();
	for_each_set_bit(index, was, LAB_REGION_PAGES) {
		clear_bit(index, region->closing);
		freshen(region, index);
	}
	for_each_set_bit(index, lost, LAB_REGION_PAGES)
		forget_page(region, index);
	return done;
}

/* Return: whether all is done. */
static bool look_after_all(bool held)
{
	struct lab_region *region;
	bool done = !held;

	mutex_lock(&seal_lock);
	list_for_each_entry(region, &lab_regions, node)
		done &= look_after(region, held);
	/* After the flushes: no CPU writes to a collected decoy any more. */
	if (!held)
		lab_stray_report();
	mutex_unlock(&seal_lock);
	return done;
}

static void seal_again(struct work_struct *work)
{
	if (!look_after_all(is_held()))
		schedule_delayed_work(&seal_work, SEAL_RETRY);
}

/*
 * Has the worker run, if called for, and so report what strayed up to now: the code that strayed
 * may be about to go, and its symbols with it.
 * Context: Task; may sleep.
 */
void lab_seal_settle(void)
{
	irq_work_sync(&seal_kick);
	flush_delayed_work(&seal_work);
	/* What the worker has left for later is due now. */
	if (READ_ONCE(held_until))
		look_after_all(false);
}

/*
 * Takes all pages left in @region out of sealing: with @flushed false the entries and aliases,
 * after the flush the records. Then lab_limbo_exit() abandons the pages to the borrowers.
 */
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
 * No owner is left, and no call comes any more: takes every page out of sealing.
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

/* Frees decoys and aliases, once lab_fault_exit() took the hook out. Context: Task; may sleep. */
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
	seq_printf(m, "in quarantine: %u\n", nr_kept);
	seq_printf(m, "open: %u\n", count_bits(offsetof(struct lab_region, open)));
	seq_printf(m, "stale: %u\n", count_bits(offsetof(struct lab_region, stale)));
	seq_printf(m, "regions: %u of %u\n", count_regions(), lab_region_places());
	seq_printf(m, "direct map: %lu large entries split\n", lab_region_split());
	seq_printf(m, "flushes: %lu\n", nr_flushes);
	lab_stray_show(m);
	mutex_unlock(&seal_lock);
}
