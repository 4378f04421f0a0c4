// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last steps of each page. The state owned here is the parameter history= and, while
 * history= is not 0, an array of rows. The page frame number chooses the row, so the steps of a
 * page outlive the page's stay in the owner table. Pages may share a row; each step has the
 * pfn.
 *
 * While history= is not 0, lab_watch_begin() keeps every page off the fast paths, so every step
 * comes through lab_step().
 *
 * Writers, in any context on any CPU: a writer draws a place by incrementing the row's counter,
 * claims the place by a compare-and-exchange of step->word with BUSY, fills the rest and stores
 * step->word last. A second writer may draw the same place: the row went once around meanwhile,
 * or an NMI came in between. The second writer loses the compare-and-exchange, and leaves the
 * step out. Readers compare step->word before and after the copy.
 *
 * The array is replaced under history_lock and freed after a grace period; writers and readers
 * hold rcu_read_lock(), which an NMI may.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "core/owner.h"
#include "core/param.h"
#include "inline/hot.h"
#include "report/history.h"

#define OP_SHIFT	40
#define CONTEXT_SHIFT	48
#define LIFE_SHIFT	56
#define BUSY		U64_MAX

/**
 * struct step - one step of one page
 * @word: pfn, operation, context, and life_of() the owner; 0: there has been no step; BUSY: a
 *	writer fills the step.
 * @site: where the call returned to.
 * @when: the lower half of jiffies.
 * @owner_id: of the owner.
 * @cpu: of the call.
 */
struct step {
	u64 word;
	unsigned long site;
	u32 when;
	u16 owner_id;
	u16 cpu;
};

struct row {
	atomic_t drawn;		/* places given to writers, ever; wraps */
	struct step steps[];
};

/**
 * struct history - all rows
 * @nr_rows: how many rows.
 * @depth: steps of a row.
 * @row_size: in bytes.
 * @rows: the rows, one behind the other.
 */
struct history {
	u64 nr_rows;
	unsigned int depth;
	size_t row_size;
	char rows[] __aligned(8);
};

/* Protects @wanted, @ready, and @history against a second writer. Taken in task context. */
static DEFINE_MUTEX(history_lock);
static struct history __rcu *history;
/* Whether @history is there: a look without a barrier, before rcu_dereference(). */
bool lab_history_on __read_mostly;
static unsigned int wanted;	/* the depth that history= asks for */
static bool ready;		/* between init and exit */

static struct row *row_of(struct history *all, unsigned long pfn)
{
	u64 index = ((u64)hash_64(pfn, 32) * all->nr_rows) >> 32;

	return (struct row *)(all->rows + index * all->row_size);
}

/*
 * Tells the owners that have a slot in turn from each other, unless 256 come in between. A step
 * outlives the step's owner, so the slot may have another owner, and name, when the step is read.
 */
static u8 life_of(const struct lab_owner *owner)
{
	/* Harmless: an owner that is just coming to the slot is not the step's. */
	return data_race(owner->generation);
}

static u64 word_of(enum lab_op op, unsigned long pfn, const struct lab_owner *owner)
{
	return pfn | (u64)op << OP_SHIFT | (u64)lab_context_now() << CONTEXT_SHIFT |
	       (u64)life_of(owner) << LIFE_SHIFT;
}

static void write_step(struct step *step, u64 word, unsigned int owner_id,
		       unsigned long site)
{
	u64 was = READ_ONCE(step->word);

	/* Pairs with the first smp_rmb() in copy_step(): BUSY is seen before any change. */
	if (was == BUSY || cmpxchg(&step->word, was, BUSY) != was)
		return;
	WRITE_ONCE(step->site, site);
	WRITE_ONCE(step->when, lab_jiffies());
	WRITE_ONCE(step->owner_id, owner_id);
	WRITE_ONCE(step->cpu, raw_smp_processor_id());
	/* Pairs with the smp_rmb() in copy_step(): the rest was written before the word. */
	smp_store_release(&step->word, word);
}

/* lab_history_note(), where there is a history. Context: Any. */
void lab_history_keep(enum lab_op op, unsigned long pfn, const struct lab_owner *owner,
		      unsigned long site)
{
	struct history *all;
	struct row *row;
	unsigned int place;

	rcu_read_lock();
	all = rcu_dereference(history);
	if (all) {
		row = row_of(all, pfn);
		place = (unsigned int)atomic_inc_return(&row->drawn) - 1;
		write_step(&row->steps[place % all->depth], word_of(op, pfn, owner),
			   lab_owner_id(owner), site);
	}
	rcu_read_unlock();
}

/* False where @step is not page @pfn's, or a writer came in between. */
static bool copy_step(const struct step *step, unsigned long pfn, struct lab_past *past)
{
	u64 word = READ_ONCE(step->word);
	u32 when;

	if (!word || word == BUSY || (word & LAB_PFN_MASK) != pfn)
		return false;
	/* Pairs with write_step(): the rest is at least as new as the word. */
	smp_rmb();
	past->op = word >> OP_SHIFT & 0xff;
	past->context = word >> CONTEXT_SHIFT & 0xff;
	past->site = READ_ONCE(step->site);
	past->owner_id = READ_ONCE(step->owner_id);
	past->gone = life_of(lab_owner_by_id(past->owner_id)) != (u8)(word >> LIFE_SHIFT);
	past->cpu = READ_ONCE(step->cpu);
	when = READ_ONCE(step->when);
	past->age_ms = lab_when_age_ms(when);
	/* Pairs with write_step(): a change of the rest comes after BUSY. */
	smp_rmb();
	return READ_ONCE(step->word) == word;
}

static unsigned int copy_steps(struct history *all, unsigned long pfn,
			       struct lab_past *past, unsigned int max)
{
	struct row *row = row_of(all, pfn);
	unsigned int drawn = atomic_read(&row->drawn);
	unsigned int i, nr = 0;

	for (i = 1; i <= all->depth && nr < max; i++)
		nr += copy_step(&row->steps[(drawn - i) % all->depth], pfn, &past[nr]);
	return nr;
}

/*
 * Copies up to @max steps of page @pfn to @past, the last step first.
 * Context: Any. Return: how many steps.
 */
unsigned int lab_history_get(unsigned long pfn, struct lab_past *past, unsigned int max)
{
	struct history *all;
	unsigned int nr = 0;

	rcu_read_lock();
	all = rcu_dereference(history);
	if (all)
		nr = copy_steps(all, pfn, past, max);
	rcu_read_unlock();
	return nr;
}

static void visit_step(struct step *step,
		       unsigned long (*after)(unsigned long site, void *arg), void *arg)
{
	u64 word = READ_ONCE(step->word);

	/* As in write_step(): if a writer wins the race, the step is the writer's. */
	if (!word || word == BUSY || cmpxchg(&step->word, word, BUSY) != word)
		return;
	/* Pairs with the address that a reader follows: the name there is complete. */
	smp_store_release(&step->site, after(step->site, arg));
	/* Pairs with copy_step(), as in write_step(). */
	smp_store_release(&step->word, word);
}

/*
 * Replaces the site of each step by @after(site). Steps that are written meanwhile are left
 * alone.
 * Context: Task; may sleep.
 */
void lab_history_sites(unsigned long (*after)(unsigned long site, void *arg), void *arg)
{
	struct history *all;
	unsigned long i;

	mutex_lock(&history_lock);
	all = rcu_dereference_protected(history, lockdep_is_held(&history_lock));
	for (i = 0; all && i < all->nr_rows * all->depth; i++) {
		struct row *row = (struct row *)(all->rows + i / all->depth * all->row_size);

		visit_step(&row->steps[i % all->depth], after, arg);
		cond_resched();
	}
	mutex_unlock(&history_lock);
}

/* The system keeps at least half of the memory that is available. */
static bool fits_memory(unsigned int depth, size_t size)
{
	unsigned long available = si_mem_available();

	if (size >> PAGE_SHIFT <= available / 2)
		return true;
	pr_err("history=%u takes %zu MiB, more than half of the %lu MiB that are available\n",
	       depth, size >> 20, available >> (20 - PAGE_SHIFT));
	return false;
}

/* The depth is a power of two: the row's counter may wrap. */
static struct history *make_history(unsigned int depth)
{
	u64 nr_rows = labyrinth_hot.table.capacity;
	size_t row_size = offsetof(struct row, steps) + depth * sizeof(struct step);
	size_t size = size_add(sizeof(struct history), array_size(nr_rows, row_size));
	struct history *all;

	if (!fits_memory(depth, size))
		return NULL;
	/* Steps are worth a wait, but not another process's life. */
	all = __vmalloc(size, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!all)
		return NULL;
	all->nr_rows = nr_rows;
	all->depth = depth;
	all->row_size = row_size;
	pr_info("history=%u: %zu MiB for the last steps of each page\n", depth, size >> 20);
	return all;
}

/* Context: Task; may sleep. */
static void replace_history(struct history *all)
{
	struct history *old = rcu_replace_pointer(history, all,
						  lockdep_is_held(&history_lock));

	if (all && !old)
		lab_watch_begin();
	else if (old && !all)
		lab_watch_end();
	WRITE_ONCE(lab_history_on, all);
	if (!old)
		return;
	synchronize_rcu();
	vfree(old);
}

/*
 * Replaces the array by an array of the depth @wanted. Context: Task; may sleep. Return: 0,
 * -ENOMEM.
 */
static int apply_wanted(void)
{
	struct history *all = NULL;

	lockdep_assert_held(&history_lock);
	if (!ready)
		return 0;
	if (wanted) {
		all = make_history(wanted);
		if (!all)
			return -ENOMEM;
	}
	replace_history(all);
	return 0;
}

static int history_set(const char *val, const struct kernel_param *kp)
{
	unsigned int depth, was;
	int err;

	if (kstrtouint(val, 0, &depth) || depth > LAB_HISTORY_MAX)
		return lab_param_refuse(kp, val, "no number from 0 to 64");
	mutex_lock(&history_lock);
	was = wanted;
	/* The counter of a row may wrap at 2^32, so the depth is a power of two. */
	wanted = depth ? roundup_pow_of_two(depth) : 0;
	err = apply_wanted();
	if (err)
		wanted = was;
	mutex_unlock(&history_lock);
	return err;
}

static const struct kernel_param_ops history_ops = {
	.set = history_set,
	.get = param_get_uint,
};

module_param_cb(history, &history_ops, &wanted, 0644);
MODULE_PARM_DESC(history,
		 "Keep so many last steps of each page for reports, rounded up to a power of two, at most 64; 24 bytes each (default 0)");

/*
 * Without memory for what insmod asked for, there is no history.
 * Context: Task; may sleep. Return: 0.
 */
int lab_history_init(void)
{
	mutex_lock(&history_lock);
	ready = true;
	if (apply_wanted()) {
		pr_err("no memory for history=%u: there is no history\n", wanted);
		wanted = 0;
	}
	mutex_unlock(&history_lock);
	return 0;
}

/* Context: Task; may sleep. */
void lab_history_exit(void)
{
	mutex_lock(&history_lock);
	ready = false;
	if (rcu_access_pointer(history))
		replace_history(NULL);
	mutex_unlock(&history_lock);
}
