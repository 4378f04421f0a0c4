// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the self-tests that a shell cannot do. A word written to
 * /sys/kernel/debug/labyrinth_probe/do names an action, right or wrong; the write returns the
 * action's errno. A number after the word is the number of pages, or a frame number.
 */
#define pr_fmt(fmt) "labyrinth_probe: " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/panic.h>
#include <linux/overflow.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../../labyrinth_alloc.h"
#include "give_away.h"
#include "probe_fresh.h"
#include "probe_nmi.h"
#include "probe_starve.h"

/* So that the hammer finds pages from the first blow, on PREEMPT_RT too. */
#define OTHER_RESERVE 64

#define EXHAUST_RESERVE 256

/* The pages of a refill: how far apart at most, and how many. */
#define NEAR	BIT(20)
#define FEW	32

#define HAMMER_PERIOD ns_to_ktime(50 * NSEC_PER_USEC)

static bool single;
module_param(single, bool, 0444);
MODULE_PARM_DESC(single, "Make the owner a SINGLE one (default 0)");

static bool zero;
module_param(zero, bool, 0444);
MODULE_PARM_DESC(zero, "Make the owner a ZERO one (default 0)");

static int nid = NUMA_NO_NODE;
module_param(nid, int, 0444);
MODULE_PARM_DESC(nid, "The node that the owner asks for (default -1: none)");

static struct dentry *root;
static struct labyrinth_owner *owner;
static struct labyrinth_owner *other;
static void **held;
static unsigned long nr_held;
static struct page *borrowed;
static void *movable;

static DEFINE_PER_CPU(struct hrtimer, hammer_timer);
static DEFINE_PER_CPU(unsigned long, hammer_hits);
static DEFINE_PER_CPU(unsigned long, hammer_misses);
static bool hammering;

/* Inlined: reports on an owner left behind name the word's function as the creator. */
static __always_inline struct labyrinth_owner *
make_owner(const char *name, unsigned long flags, unsigned int reserve)
{
	struct labyrinth_owner_attrs attrs = {
		.name = name,
		.nid = nid,
		.flags = flags,
		.reserve = reserve,
	};

	return labyrinth_owner_create(&attrs);
}

static unsigned long flags_of_probe(void)
{
	return (single ? LABYRINTH_OWNER_SINGLE : 0) |
	       (zero ? LABYRINTH_OWNER_ZERO : 0);
}

static struct page *alloc_in_zone_movable(void)
{
	struct page *page;
	int node;

	for_each_online_node(node) {
		page = alloc_pages_node(node, GFP_HIGHUSER_MOVABLE | __GFP_THISNODE, 0);
		if (page && page_zonenum(page) == ZONE_MOVABLE)
			return page;
		if (page)
			__free_page(page);
	}
	return NULL;
}

/* Adopts a page of memory that could go offline, as a process's pages there can be moved. */
static int do_adopt_movable(unsigned long nr)
{
	struct page *page = alloc_in_zone_movable();

	if (!page)
		return -ENOMEM;
	movable = labyrinth_adopt(owner, page);
	if (IS_ERR(movable))
		__free_page(page);
	return PTR_ERR_OR_ZERO(movable);
}

static int do_release_movable(unsigned long nr)
{
	struct page *page = labyrinth_release(owner, movable);

	if (IS_ERR(page))
		return PTR_ERR(page);
	__free_page(page);
	return 0;
}

/* Adopts a page of other code, with that code's consent. */
static int do_adopt(unsigned long pfn)
{
	void *addr = labyrinth_adopt(owner, pfn_to_page(pfn));

	movable = IS_ERR(addr) ? NULL : addr;
	return PTR_ERR_OR_ZERO(addr);
}

/* A page of anybody's. */
static int do_free_pfn(unsigned long pfn)
{
	return labyrinth_free_page(owner, page_address(pfn_to_page(pfn)));
}

static int do_free_adopted(unsigned long nr)
{
	return labyrinth_free_page(owner, movable);
}

static int do_lend_adopted(unsigned long nr)
{
	return PTR_ERR_OR_ZERO(labyrinth_lend(owner, movable));
}

static int do_reclaim_adopted(unsigned long nr)
{
	put_page(virt_to_page(movable));
	return labyrinth_reclaim(owner, movable);
}

/* Inlined: reports name the word's function as the place of allocation. */
static __always_inline void *take(void)
{
	return labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
}

static int do_hold(unsigned long nr)
{
	void **more;

	more = vmalloc(array_size(nr_held + nr, sizeof(*held)));
	if (!more)
		return -ENOMEM;
	if (held)
		memcpy(more, held, nr_held * sizeof(*held));
	vfree(held);
	held = more;
	for (; nr; nr--) {
		held[nr_held] = take();
		if (!held[nr_held])
			return -ENOMEM;
		nr_held++;
		cond_resched();
	}
	return 0;
}

static int do_drop(unsigned long nr)
{
	int err = 0;

	for (; nr && nr_held && !err; nr--) {
		err = labyrinth_free_page(owner, held[--nr_held]);
		cond_resched();
	}
	return err;
}

/* The page held last. The words below are about this page. */
static void *last(void)
{
	return nr_held ? held[nr_held - 1] : NULL;
}

static int do_double_free(unsigned long nr)
{
	void *page = take();

	return labyrinth_free_page(owner, page) ?:
	       labyrinth_free_page(owner, page);
}

/* Through a pointer that should have been forgotten. */
static int do_stray_write(unsigned long nr)
{
	char *page = take();
	bool again;
	int err;

	if (!page)
		return -ENOMEM;
	/* The page comes again from the same CPU's cache. */
	migrate_disable();
	err = labyrinth_free_page(owner, page);
	memcpy(page + 0x123, "stray", nr);
	again = take() == page;
	migrate_enable();
	return err ?: again ? labyrinth_free_page(owner, page) : -EAGAIN;
}

/* Memory fails while the page is cached: the next page handed out is another. */
static int do_broken_cached(unsigned long nr)
{
	void *page = take(), *next;
	int err;

	if (!page)
		return -ENOMEM;
	migrate_disable();
	err = labyrinth_free_page(owner, page);
	SetPageHWPoison(virt_to_page(page));
	next = take();
	migrate_enable();
	if (next == page)
		return -EHWPOISON;
	return err ?: labyrinth_free_page(owner, next);
}

static void *find_cached_near(void *addr)
{
	struct labyrinth_page_info info;
	int i;

	for (i = 0; i < NEAR; i++) {
		/* A page after @addr, a page before, two pages after, ... */
		void *near = addr + (i & 1 ? i / 2 + 1 : -(i / 2)) * (long)PAGE_SIZE;

		if (!labyrinth_query(near, &info) &&
		    info.state == LABYRINTH_PAGE_CACHED &&
		    !strcmp(info.owner, "probe"))
			return near;
		cond_resched();
	}
	return NULL;
}

/* 0 if @wanted is handed out, and all zeroes, after at most @nr other pages. */
static int take_until(void *wanted, unsigned long nr)
{
	void *page = take();
	int err;

	if (!page)
		return -ENOMEM;
	if (page == wanted)
		err = memchr_inv(page, 0, PAGE_SIZE) ? -EUCLEAN : 0;
	else
		err = nr ? take_until(wanted, nr - 1) : -ENOENT;
	return labyrinth_free_page(owner, page) ?: err;
}

/* Writes to a ZERO owner's page that has not been handed out yet. */
static int do_stray_fresh(unsigned long nr)
{
	void *page, *near;
	int err;

	/* What a CPU's refill has brought is in that CPU's cache. */
	migrate_disable();
	page = take();
	near = find_cached_near(page);
	err = labyrinth_free_page(owner, page);
	if (near) {
		memcpy(near + 0x123, "stray", nr);
		err = err ?: take_until(near, FEW);
	}
	migrate_enable();
	return near ? err : -ENOENT;
}

static int do_foreign_free(unsigned long nr)
{
	return labyrinth_free_page(other, last());
}

/* A free of a page with a reference too few succeeds, and reports the missing reference. */
static int do_lose_reference(unsigned long nr)
{
	put_page(virt_to_page(last()));
	return do_drop(1);
}

static int do_raw_free(unsigned long nr)
{
	__free_page(virt_to_page(last()));
	return do_drop(1);
}

/* Of all pages held, of which none is freed. Some kernels bear no put from a count of 0. */
static int do_lose_all(unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr_held; i++) {
		put_page(virt_to_page(held[i]));
		if (nr > 1 && !IS_ENABLED(CONFIG_DEBUG_VM))
			put_page(virt_to_page(held[i]));
	}
	return 0;
}

/* Freed more than once, the page still goes to nobody, and the owner can free the page. */
static int do_raw_free_thrice(unsigned long nr)
{
	int i;

	for (i = 0; i < 3; i++)
		__free_page(virt_to_page(last()));
	return do_drop(1);
}

/* Frees so often that the page allocator has the page, and soon gives the page to other code. */
static int do_raw_free_away(unsigned long nr)
{
	give_away(virt_to_page(last()));
	return labyrinth_free_page(owner, last());
}

static int free_away_and_find(void *page)
{
	struct labyrinth_owner *finder = make_owner("finder", 0, 0);
	bool found;

	if (IS_ERR(finder))
		return PTR_ERR(finder);
	found = give_away_and_find(page, finder);
	labyrinth_owner_destroy(finder);
	return found ? 0 : -EAGAIN;
}

/* Likewise, and the page allocator gives the page to Labyrinth again: the owner keeps the page. */
static int do_raw_free_back(unsigned long nr)
{
	void *page = adopt_returning(owner);

	return PTR_ERR_OR_ZERO(page) ?: free_away_and_find(page) ?:
	       labyrinth_free_page(owner, page);
}

/* The same while the page is lent: the borrower may still have the page. */
static int do_lent_free_back(unsigned long nr)
{
	void *page = adopt_returning(owner);
	int err = PTR_ERR_OR_ZERO(page) ?:
		  PTR_ERR_OR_ZERO(labyrinth_lend(owner, page)) ?:
		  free_away_and_find(page);

	if (err)
		return err;
	if (labyrinth_reclaim(owner, page) != -EBUSY || PageOffline(virt_to_page(page)))
		return -EILSEQ;
	put_page(virt_to_page(page));
	return labyrinth_reclaim(owner, page) ?: labyrinth_free_page(owner, page);
}

/* A borrower may do anything with a lent page's struct page. */
static int do_scribble(unsigned long nr)
{
	set_page_private(borrowed, 0x5ca1ab1e);
	return 0;
}

static int do_lend(unsigned long nr)
{
	borrowed = labyrinth_lend(owner, last());
	return PTR_ERR_OR_ZERO(borrowed);
}

static int do_put(unsigned long nr)
{
	put_page(borrowed);
	return 0;
}

/* A reference that is nobody's to drop. */
static int do_put_last(unsigned long nr)
{
	put_page(virt_to_page(last()));
	return 0;
}

static int do_reclaim(unsigned long nr)
{
	return labyrinth_reclaim(owner, last());
}

static int do_free(unsigned long nr)
{
	return labyrinth_free_page(owner, last());
}

static int do_transfer(unsigned long nr)
{
	return labyrinth_transfer(owner, other, last()) ?:
	       labyrinth_transfer(other, owner, last());
}

static int do_release(unsigned long nr)
{
	struct page *page = labyrinth_release(owner, last());

	if (IS_ERR(page))
		return PTR_ERR(page);
	return PTR_ERR_OR_ZERO(labyrinth_adopt(owner, page));
}

static int do_bad_address(unsigned long nr)
{
	return labyrinth_free_page(owner, last() + 1);
}

static int do_stale_handle(unsigned long nr)
{
	struct labyrinth_owner *stale = make_owner("short-lived", 0, 0);

	if (IS_ERR(stale))
		return PTR_ERR(stale);
	labyrinth_owner_destroy(stale);
	return labyrinth_free_page(stale, last());
}

static bool has_id(struct labyrinth_owner *whose, unsigned int id)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(whose);
	struct labyrinth_page_info info = {};

	labyrinth_query(page, &info);
	labyrinth_free_page(whose, page);
	return info.owner_id == id;
}

/* A new owner with the id of a former owner frees a page of the former owner. */
static int free_by_next(unsigned int id, void *page)
{
	struct labyrinth_owner *next;
	int i, err = -EAGAIN;

	for (i = 0; i < 100 && err == -EAGAIN; i++) {
		next = make_owner("next", 0, 0);
		if (IS_ERR(next))
			return PTR_ERR(next);
		if (has_id(next, id))
			err = labyrinth_free_page(next, page);
		labyrinth_owner_destroy(next);
	}
	return err;
}

static int do_same_id(unsigned long nr)
{
	struct labyrinth_owner *first = make_owner("first", 0, 0);
	struct labyrinth_page_info info = {};
	struct page *page;
	void *addr;
	int err;

	if (IS_ERR(first))
		return PTR_ERR(first);
	addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(first);
	labyrinth_query(addr, &info);
	page = labyrinth_release(first, addr);
	labyrinth_owner_destroy(first);
	if (IS_ERR(page))
		return PTR_ERR(page);
	err = free_by_next(info.owner_id, addr);
	__free_page(page);
	return err;
}

/* As long a name as Rust makes, and several such on the stack. */
#define LONG_NAME \
	a_name_that_is_as_long_as_a_mangled_name_of_another_language_may_well_be_in_a_driver

static noinline int LONG_NAME(int deep)
{
	void *page;
	int i, err;

	if (deep) {
		err = LONG_NAME(deep - 1);
		/* No tail call. */
		barrier();
		return err;
	}
	migrate_disable();
	for (i = 0; i < 4; i++)
		labyrinth_free_page(owner, take());
	page = take();
	migrate_enable();
	err = labyrinth_free_page(other, page);
	labyrinth_free_page(owner, page);
	return err;
}

static int do_long_names(unsigned long nr)
{
	return LONG_NAME(5);
}

/* init_task never writes to debugfs: an owner bound to init_task refuses the caller. */
static int do_wrong_thread(unsigned long nr)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "bound",
		.task = &init_task,
		.nid = NUMA_NO_NODE,
	};
	struct labyrinth_owner *bound = labyrinth_owner_create(&attrs);
	int err;

	if (IS_ERR(bound))
		return PTR_ERR(bound);
	err = labyrinth_free_page(bound, last());
	labyrinth_owner_destroy(bound);
	return err;
}

static int do_unowned(unsigned long nr)
{
	unsigned long page = __get_free_page(GFP_KERNEL);
	int err = labyrinth_free_page(owner, (void *)page);

	free_page(page);
	return err;
}

/* Follows a pointer found in a page, with the page and the struct page in registers. */
static noinline void follow(unsigned long **where, struct page *page)
{
	unsigned long *found = *where;

	WRITE_ONCE(*found, (unsigned long)page);
	WRITE_ONCE(*where, NULL);
}

static int do_oops(unsigned long nr)
{
	unsigned long **page = take();

	page[4] = (unsigned long *)0xdead4ead00000000UL;
	follow(page + 4, virt_to_page(page));
	return 0;
}

/* Jumps into the page: a fault at an address in the page, whatever the registers hold. */
static int do_execute(unsigned long nr)
{
	((void (*)(void))take())();
	return 0;
}

/* As a driver does that finds its page broken. */
static int do_panic(unsigned long nr)
{
	void *page = take();

	panic("labyrinth-test: the page at %lx is broken\n", (unsigned long)page);
}

static int do_bad_page(unsigned long nr)
{
	return PTR_ERR_OR_ZERO(labyrinth_adopt(owner, ZERO_PAGE(0)));
}

static int do_busy(unsigned long nr)
{
	struct page *page = labyrinth_lend(owner, last());
	int err;

	if (IS_ERR(page))
		return PTR_ERR(page);
	err = labyrinth_free_page(owner, last());
	put_page(page);
	return labyrinth_reclaim(owner, last()) ?: err;
}

/* Destroys the owner with all pages handed out, and makes another. */
static int do_destroy(unsigned long nr)
{
	unsigned int out = labyrinth_owner_destroy(owner);

	pr_info("%u of %lu pages were out\n", out, nr_held);
	owner = make_owner("probe", flags_of_probe(), 0);
	if (out != nr_held)
		return -EUCLEAN;
	nr_held = 0;
	return PTR_ERR_OR_ZERO(owner);
}

static int do_leave_behind(unsigned long nr)
{
	return PTR_ERR_OR_ZERO(make_owner("left-behind", 0, 0));
}

/* Allocates and frees in a hard interrupt, on every CPU, until told to stop. */
static enum hrtimer_restart hammer(struct hrtimer *timer)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(other);

	if (page && in_hardirq() && !labyrinth_free_page(other, page))
		this_cpu_inc(hammer_hits);
	else
		this_cpu_inc(hammer_misses);
	hrtimer_forward_now(timer, HAMMER_PERIOD);
	return READ_ONCE(hammering) ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static void hammer_begin(void *unused)
{
	struct hrtimer *timer = this_cpu_ptr(&hammer_timer);

	lab_hrtimer_setup(timer, hammer, CLOCK_MONOTONIC,
			  HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(timer, HAMMER_PERIOD, HRTIMER_MODE_REL_PINNED_HARD);
}

static int do_hammer(unsigned long nr)
{
	WRITE_ONCE(hammering, true);
	on_each_cpu(hammer_begin, NULL, 1);
	return 0;
}

static int do_rest(unsigned long nr)
{
	unsigned long hits = 0, misses = 0;
	int cpu;

	if (!hammering)
		return 0;
	WRITE_ONCE(hammering, false);
	for_each_online_cpu(cpu) {
		hrtimer_cancel(per_cpu_ptr(&hammer_timer, cpu));
		hits += per_cpu(hammer_hits, cpu);
		misses += per_cpu(hammer_misses, cpu);
		per_cpu(hammer_hits, cpu) = 0;
		per_cpu(hammer_misses, cpu) = 0;
	}
	pr_info("hammered: %lu hits, %lu misses\n", hits, misses);
	return misses ? -EIO : 0;
}

/* The findings of a hard interrupt that comes when memory is out. */
static struct exhaust {
	struct irq_work work;
	struct labyrinth_owner *owner;
	struct list_head hog;
	unsigned long hogged;
	void *got[EXHAUST_RESERVE + 1];
	unsigned int nr;
	bool in_hardirq;
} exhaust;

static void hog(gfp_t gfp)
{
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN))) {
		list_add(&page->lru, &exhaust.hog);
		exhaust.hogged++;
	}
}

static void exhaust_in_irq(struct irq_work *work)
{
	void *page;

	exhaust.in_hardirq = in_hardirq();
	hog(GFP_ATOMIC);
	while (exhaust.nr <= EXHAUST_RESERVE) {
		page = labyrinth_void_alloc_page_gfp_atomic_exclusive(exhaust.owner);
		if (!page)
			break;
		exhaust.got[exhaust.nr++] = page;
	}
}

/* Held from the first hog() until the interrupt has run. */
static DEFINE_MUTEX(hog_lock);

static unsigned long unhog(void)
{
	struct page *page, *next;
	unsigned long nr = 0;

	mutex_lock(&hog_lock);
	list_for_each_entry_safe(page, next, &exhaust.hog, lru) {
		list_del(&page->lru);
		__free_page(page);
		nr++;
	}
	mutex_unlock(&hog_lock);
	return nr;
}

/*
 * A task that needs memory meanwhile, to start a kernel thread perhaps, waits for the interrupt
 * and then gets all hogged memory. So the kernel kills no process.
 */
static int exhaust_notify(struct notifier_block *nb, unsigned long unused,
			  void *freed)
{
	*(unsigned long *)freed += unhog();
	return NOTIFY_OK;
}

static struct notifier_block exhaust_nb = { .notifier_call = exhaust_notify };

static void exhaust_release(void)
{
	unhog();
	while (exhaust.nr)
		labyrinth_free_page(exhaust.owner,
				    exhaust.got[--exhaust.nr]);
}

/* Takes all memory there is, and then the reserve, down to the first NULL. */
static int do_exhaust(unsigned long unused)
{
	unsigned int nr;
	int err;

	exhaust.owner = make_owner("frugal", 0, EXHAUST_RESERVE);
	if (IS_ERR(exhaust.owner))
		return PTR_ERR(exhaust.owner);
	INIT_LIST_HEAD(&exhaust.hog);
	exhaust.hogged = 0;
	exhaust.nr = 0;
	init_irq_work(&exhaust.work, exhaust_in_irq);
	err = register_oom_notifier(&exhaust_nb);
	if (err) {
		labyrinth_owner_destroy(exhaust.owner);
		return err;
	}
	mutex_lock(&hog_lock);
	hog(GFP_KERNEL | __GFP_NORETRY);
	irq_work_queue(&exhaust.work);
	irq_work_sync(&exhaust.work);
	nr = exhaust.nr;
	mutex_unlock(&hog_lock);
	/* Time for the worker to look for pages, and to find none. */
	msleep(1000);
	exhaust_release();
	unregister_oom_notifier(&exhaust_nb);
	pr_info("exhausted: %lu pages hogged, then %u of %u from the reserve in %s\n",
		exhaust.hogged, nr, EXHAUST_RESERVE,
		exhaust.in_hardirq ? "a hard interrupt" : "a thread");
	return nr == EXHAUST_RESERVE ? 0 : -EIO;
}

/* With memory back, there are pages as ever. */
static int do_recover(unsigned long nr)
{
	int err = 0;

	while (nr-- && !err) {
		void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(exhaust.owner);

		err = page ? labyrinth_free_page(exhaust.owner, page) : -ENOMEM;
	}
	labyrinth_owner_destroy(exhaust.owner);
	return err;
}

static const struct {
	const char *word;
	int (*fn)(unsigned long nr);
} words[] = {
	{ "hold", do_hold },
	{ "drop", do_drop },
	{ "adopt-movable", do_adopt_movable },
	{ "release-movable", do_release_movable },
	{ "adopt", do_adopt },
	{ "free-pfn", do_free_pfn },
	{ "free-adopted", do_free_adopted },
	{ "lend-adopted", do_lend_adopted },
	{ "reclaim-adopted", do_reclaim_adopted },
	{ "double-free", do_double_free },
	{ "oops", do_oops },
	{ "execute", do_execute },
	{ "panic", do_panic },
	{ "stray-write", do_stray_write },
	{ "broken-cached", do_broken_cached },
	{ "foreign-free", do_foreign_free },
	{ "lose-reference", do_lose_reference },
	{ "stray-fresh", do_stray_fresh },
	{ "lose-all", do_lose_all },
	{ "raw-free", do_raw_free },
	{ "raw-free-thrice", do_raw_free_thrice },
	{ "raw-free-away", do_raw_free_away },
	{ "raw-free-back", do_raw_free_back },
	{ "lent-free-back", do_lent_free_back },
	{ "scribble", do_scribble },
	{ "lend", do_lend },
	{ "put", do_put },
	{ "put-last", do_put_last },
	{ "reclaim", do_reclaim },
	{ "free", do_free },
	{ "transfer", do_transfer },
	{ "release", do_release },
	{ "bad-address", do_bad_address },
	{ "stale-handle", do_stale_handle },
	{ "same-id", do_same_id },
	{ "long-names", do_long_names },
	{ "wrong-thread", do_wrong_thread },
	{ "unowned", do_unowned },
	{ "bad-page", do_bad_page },
	{ "busy", do_busy },
	{ "destroy", do_destroy },
	{ "leave-behind", do_leave_behind },
	{ "hammer", do_hammer },
	{ "rest", do_rest },
	{ "exhaust", do_exhaust },
	{ "recover", do_recover },
	{ "starve", probe_starve },
	{ "create", probe_create },
	{ "create-single", probe_create_single },
	{ "take", probe_take },
	{ "take-single", probe_take_single },
	{ "take-reserved", probe_take_reserved },
	{ "bulk", probe_bulk },
	{ "journey", probe_journey },
	{ "vmap", probe_vmap },
	{ "dma-map", probe_dma_map },
	{ "nmi-begin", probe_nmi_begin },
	{ "nmi-end", probe_nmi_end },
};

static __always_inline int deed(const char *line)
{
	unsigned long nr = 1;
	char word[32];
	size_t i;

	if (sscanf(line, "%31s %lu", word, &nr) < 1)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].fn(nr);
	return -EINVAL;
}

static ssize_t do_write(struct file *file, const char __user *buf,
			size_t count, loff_t *pos)
{
	char line[64] = {};

	if (count >= sizeof(line) || copy_from_user(line, buf, count))
		return -EINVAL;
	return deed(line) ?: count;
}

/* Where lockdown lets nobody write to debugfs. The barrier keeps this function on the stack. */
static int do_set(const char *text, const struct kernel_param *param)
{
	int err = deed(text);

	barrier();
	return err;
}

static const struct kernel_param_ops do_ops = {
	.set = do_set,
};
module_param_cb(do, &do_ops, NULL, 0200);

static const struct file_operations do_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = do_write,
};

static int __init probe_init(void)
{
	owner = make_owner("probe", flags_of_probe(), 0);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	other = make_owner("other", 0, OTHER_RESERVE);
	if (IS_ERR(other)) {
		labyrinth_owner_destroy(owner);
		return PTR_ERR(other);
	}
	probe_nmi_owner = other;
	root = debugfs_create_dir("labyrinth_probe", NULL);
	debugfs_create_file("do", 0200, root, NULL, &do_fops);
	return 0;
}

static void __exit probe_exit(void)
{
	debugfs_remove(root);
	do_rest(0);
	do_drop(nr_held);
	labyrinth_owner_destroy(other);
	labyrinth_owner_destroy(owner);
	vfree(held);
}

module_init(probe_init);
module_exit(probe_exit);

MODULE_DESCRIPTION("Labyrinth self-test: one deed for each word");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
