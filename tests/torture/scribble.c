// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses when to write, and to which page. Has the module's parameters, and a record of the
 * deeds, for finding the cause of a failure:
 *
 *   /sys/kernel/debug/labyrinth_scribbler/deeds	the last deeds, oldest first
 *   .../summary	the number of deeds
 *
 * An oops prints the last deeds to dmesg. The deeds of a seed are the same in each run, number
 * by number; the pages that the deeds meet are not.
 *
 * A page on the way to the page allocator passes a gate: pass_gate(), at the tracepoint
 * kmem:mm_page_free, before the allocator looks at the page. write_anytime() holds the lock of
 * the page's gate during a write, and has seen under the lock that the page is still
 * Labyrinth's.
 */
#define pr_fmt(fmt) "labyrinth_scribbler: " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kdebug.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/pfn.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/vmalloc.h>

#include "scribble.h"

#define KNOWN		1024U	/* pages to choose from, in each state */
#define SCAN_US		2000	/* for looking at frames, before each stop */
#define SCAN_STEP	64U	/* frames between two looks at the clock */
#define GATES		64U
#define DEEDS		4096U
#define DEEDS_TOLD	24U
#define TRIES		32U

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "What all choices follow from; 0: a random one (default)");

static char *prey = "labyrinth_torture";
module_param(prey, charp, 0444);
MODULE_PARM_DESC(prey, "The module whose owners' pages are written to (default labyrinth_torture)");

static unsigned int batch = 32;
module_param(batch, uint, 0444);
MODULE_PARM_DESC(batch, "Deeds while all CPUs are stopped (default 32); 0: none");

static unsigned int pause_us = 1000;
module_param(pause_us, uint, 0444);
MODULE_PARM_DESC(pause_us, "Microseconds between two stops (default 1000)");

static unsigned int anytime_us = 100;
module_param(anytime_us, uint, 0444);
MODULE_PARM_DESC(anytime_us, "Microseconds between two writes at any time, on each CPU (default 100); 0: none");

static unsigned int calls = 25;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "So many of a hundred deeds are calls of the core (default 25)");

static unsigned int words = BIT(SCRIB_NR_WORDS) - 1;
module_param(words, uint, 0444);
MODULE_PARM_DESC(words, "Which words are written to, a bit each: flags 1, lru.next 2, lru.prev 4, mapping 8, index 16, private 32, page_type 64, memcg_data 128 (default all)");

static unsigned int states = BIT(LABYRINTH_PAGE_MAPPED + 1) - 1;
module_param(states, uint, 0444);
MODULE_PARM_DESC(states, "Of pages in which states, a bit each: CACHED 2, HELD 4, LENT 8, LIMBO 16, MAPPED 32 (default all; never POSTED)");

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "Of the calls, the one of this name, as in only=put_page (default all)");

static unsigned int wrecks;
module_param(wrecks, uint, 0444);
MODULE_PARM_DESC(wrecks, "So many of a thousand deeds on CACHED pages, all else stopped, leave nothing of what tells whose the page is: it must be given up (default 0)");

/*
 * Pages that were the prey's when looked at last, by the state seen then. POSTED pages are seen,
 * and left alone.
 */
struct known {
	unsigned long pfns[KNOWN];
	unsigned int nr;
};

static struct known known[LABYRINTH_PAGE_POSTED + 1];
/* No deed: the dice of scan_some(), which looks for pages. */
static struct scrib_op scanner;
static unsigned long end_pfn;

/* Held by write_anytime() while writing to a page, and by pass_gate() when a page is freed. */
static raw_spinlock_t gates[GATES];

/* The last deeds. The CPU that writes an entry has the entry's number to itself. */
static struct scrib_op deeds[DEEDS];
static atomic64_t nr_deeds;
static atomic64_t nr_tried;
static unsigned long nr_wrecked;
static atomic64_t nr_done[2][LABYRINTH_PAGE_POSTED + 1];

static struct task_struct *thread;
static DEFINE_PER_CPU(struct hrtimer, timers);
static bool ticking;
static struct tracepoint *gate_point;
static struct dentry *root;

bool scrib_is_wanted_call(const char *name)
{
	return !*only || !strcmp(name, only);
}

bool scrib_is_wanted(enum scrib_word word)
{
	return words & BIT(word);
}

/* A number below @sides. */
u32 scrib_roll(struct scrib_op *op, u32 sides)
{
	op->dice = op->dice * 0x5851f42d4c957f2dULL + 1;
	return ((op->dice >> 32) * sides) >> 32;
}

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static u64 splitmix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static void new_op(struct scrib_op *op, bool anytime)
{
	*op = (struct scrib_op) {
		.number = atomic64_inc_return(&nr_tried),
		.cpu = raw_smp_processor_id(),
		.anytime = anytime,
	};
	op->dice = splitmix(seed + op->number * 0x9e3779b97f4a7c15ULL);
}

/* Whether labyrinth_query() finds a page of the prey's in the frame. */
static bool is_prey(unsigned long pfn, struct labyrinth_page_info *info)
{
	if (!pfn || !pfn_valid(pfn) ||
	    labyrinth_query(__va(PFN_PHYS(pfn)), info))
		return false;
	return !strcmp(info->module, prey);
}

/*
 * A count of 0: Labyrinth has frozen the page for a moment. A count lower than usual: the page
 * is just coming or going, or has lost enough references.
 */
static bool is_steady(const struct page *page)
{
	return atomic_read(&page->_refcount) >= SCRIB_REFS_MIN;
}

/* Context: Any, on all CPUs at once: an entry may be lost to another. */
static void remember(unsigned long pfn, enum labyrinth_page_state state)
{
	struct known *of = &known[state];
	unsigned int nr = READ_ONCE(of->nr);

	WRITE_ONCE(of->pfns[nr % KNOWN], pfn);
	WRITE_ONCE(of->nr, nr + 1);
}

/* In limbo a page is seldom long enough for the scan to come by. */
static bool is_rare(enum labyrinth_page_state state)
{
	return state == LABYRINTH_PAGE_LIMBO || state == LABYRINTH_PAGE_MAPPED;
}

static bool meet(struct scrib_op *op, unsigned long pfn)
{
	struct labyrinth_page_info info;

	if (!is_prey(pfn, &info))
		return false;
	if (is_rare(info.state))
		remember(pfn, info.state);
	if (!(states & BIT(info.state)) ||
	    !is_steady(pfn_to_page(pfn)))
		return false;
	op->pfn = pfn;
	op->page = pfn_to_page(pfn);
	op->state = info.state;
	strscpy(op->owner, info.owner, sizeof(op->owner));
	return true;
}

static unsigned long any_known(struct scrib_op *op, enum labyrinth_page_state state)
{
	unsigned int nr = READ_ONCE(known[state].nr);

	return nr ? READ_ONCE(known[state].pfns[scrib_roll(op, min(nr, KNOWN))]) : 0;
}

/*
 * A page seen HELD a moment ago may now be LENT or MAPPED, and a page seen LENT may now be in
 * limbo. Such states never last long, so the scan seldom sees such a page.
 */
static unsigned long any_candidate(struct scrib_op *op,
				   enum labyrinth_page_state wanted)
{
	enum labyrinth_page_state before = LABYRINTH_PAGE_HELD;

	if (wanted == LABYRINTH_PAGE_LIMBO)
		before = LABYRINTH_PAGE_LENT;
	return any_known(op, scrib_roll(op, 2) ? before : wanted);
}

static void keep_deed(const struct scrib_op *op)
{
	u64 at = atomic64_inc_return(&nr_deeds);

	deeds[at % DEEDS] = *op;
	atomic64_inc(&nr_done[op->anytime][op->state]);
}

/*
 * Seeks a page in a random state for some tries, for the rare states' sake; then takes a page
 * in any state.
 */
static bool meet_any(struct scrib_op *op)
{
	enum labyrinth_page_state wanted = LABYRINTH_PAGE_CACHED +
					   scrib_roll(op, LABYRINTH_PAGE_MAPPED);
	unsigned int tries = TRIES;

	while (tries--)
		if (meet(op, any_candidate(op, wanted)) &&
		    (!tries || op->state == wanted))
			return true;
	return false;
}

static bool is_to_be_wrecked(struct scrib_op *op)
{
	return op->state == LABYRINTH_PAGE_CACHED && scrib_roll(op, 1000) < wrecks;
}

static bool do_stopped(struct scrib_op *op)
{
	if (is_to_be_wrecked(op)) {
		nr_wrecked++;
		return scrib_wreck(op);
	}
	return scrib_roll(op, 100) < calls ? scrib_call(op) : scrib_write(op);
}

static int while_stopped(void *unused)
{
	unsigned int i;

	for (i = 0; i < batch; i++) {
		struct scrib_op op;

		new_op(&op, false);
		if (meet_any(&op) && do_stopped(&op))
			keep_deed(&op);
	}
	return 0;
}

static raw_spinlock_t *gate_of(unsigned long pfn)
{
	return &gates[pfn % GATES];
}

static void write_anytime(void)
{
	struct scrib_op op;
	unsigned long flags;

	new_op(&op, true);
	if (!meet_any(&op))
		return;
	raw_spin_lock_irqsave(gate_of(op.pfn), flags);
	if (meet(&op, op.pfn) && scrib_write(&op))
		keep_deed(&op);
	raw_spin_unlock_irqrestore(gate_of(op.pfn), flags);
}

static void pass_gate(void *unused, struct page *page, unsigned int order)
{
	unsigned long flags, pfn = page_to_pfn(page), end = pfn + (1UL << order);

	for (; pfn < end && pfn < READ_ONCE(end_pfn); pfn++) {
		raw_spin_lock_irqsave(gate_of(pfn), flags);
		raw_spin_unlock_irqrestore(gate_of(pfn), flags);
	}
}

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	if (!READ_ONCE(ticking))
		return HRTIMER_NORESTART;
	write_anytime();
	/* From the end of the work, so that the CPU has time for other work. */
	hrtimer_set_expires(timer, ktime_add_us(ktime_get(), anytime_us));
	return HRTIMER_RESTART;
}

static void start_timer(void *unused)
{
	hrtimer_start(this_cpu_ptr(&timers),
		      ns_to_ktime(NSEC_PER_USEC * anytime_us),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static void start_timers(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		lab_hrtimer_setup(per_cpu_ptr(&timers, cpu), timer_fn,
				  CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	if (!anytime_us)
		return;
	WRITE_ONCE(ticking, true);
	on_each_cpu(start_timer, NULL, 1);
}

static void stop_timers(void)
{
	unsigned int cpu;

	WRITE_ONCE(ticking, false);
	for_each_possible_cpu(cpu)
		hrtimer_cancel(per_cpu_ptr(&timers, cpu));
}

/* Looks at frames anywhere, so that the first pages are found at once, wherever in memory. */
static void scan_some(void)
{
	struct labyrinth_page_info info;
	unsigned int i;

	for (i = 0; i < SCAN_STEP; i++) {
		unsigned long pfn = scrib_roll(&scanner, end_pfn);

		if (is_prey(pfn, &info))
			remember(pfn, info.state);
	}
}

/* By the clock: no other thread runs here meanwhile, and a debug kernel is slow. */
static void scan(void)
{
	ktime_t end = ktime_add_us(ktime_get(), SCAN_US);

	do
		scan_some();
	while (ktime_before(ktime_get(), end));
}

static int thread_fn(void *unused)
{
	/* The threads of the torture are many, and never sleep. */
	sched_set_fifo_low(current);
	while (!kthread_should_stop()) {
		scan();
		scrib_pool_prepare();
		if (batch)
			stop_machine(while_stopped, NULL, NULL);
		usleep_range(pause_us, pause_us + pause_us / 2);
	}
	return 0;
}

static void tell(const struct scrib_op *op, char *line, size_t size)
{
	snprintf(line, size, "%llu cpu %u %s pfn 0x%lx %s state %d %s 0x%lx -> 0x%lx",
		 op->number, op->cpu, op->anytime ? "anytime" : "stopped",
		 op->pfn, op->owner, op->state, op->what ?: "-", op->old, op->new);
}

/* The number of the oldest of the last @nr deeds. */
static u64 first_deed(unsigned int nr)
{
	u64 last = atomic64_read(&nr_deeds);

	return last > nr ? last - nr + 1 : 1;
}

static int deeds_show(struct seq_file *m, void *unused)
{
	u64 last = atomic64_read(&nr_deeds), at;
	char line[160];

	for (at = first_deed(DEEDS - 1); at <= last; at++) {
		tell(&deeds[at % DEEDS], line, sizeof(line));
		seq_printf(m, "%s\n", line);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(deeds);

static const char * const state_names[] = {
	[LABYRINTH_PAGE_CACHED] = "CACHED",
	[LABYRINTH_PAGE_HELD] = "HELD",
	[LABYRINTH_PAGE_LENT] = "LENT",
	[LABYRINTH_PAGE_LIMBO] = "LIMBO",
	[LABYRINTH_PAGE_MAPPED] = "MAPPED",
};

static int summary_show(struct seq_file *m, void *unused)
{
	enum labyrinth_page_state state;

	seq_printf(m, "%lld deeds, stopped and anytime:", atomic64_read(&nr_deeds));
	for (state = LABYRINTH_PAGE_CACHED; state <= LABYRINTH_PAGE_MAPPED; state++)
		seq_printf(m, " %s %lld %lld", state_names[state],
			   atomic64_read(&nr_done[0][state]),
			   atomic64_read(&nr_done[1][state]));
	seq_printf(m, ", seed %llu\n", seed);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(summary);

static int tell_of_deeds(struct notifier_block *nb, unsigned long event,
			 void *data)
{
	u64 last = atomic64_read(&nr_deeds), at;
	char line[160];

	if (event != DIE_OOPS)
		return NOTIFY_DONE;
	for (at = first_deed(DEEDS_TOLD); at <= last; at++) {
		tell(&deeds[at % DEEDS], line, sizeof(line));
		pr_emerg("seed %llu deed %s\n", seed, line);
	}
	return NOTIFY_DONE;
}

static struct notifier_block die_notifier = { .notifier_call = tell_of_deeds };

static void find_gate(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "mm_page_free"))
		gate_point = tp;
}

static int open_gates(void)
{
	unsigned int i;

	for (i = 0; i < GATES; i++)
		raw_spin_lock_init(&gates[i]);
	for_each_kernel_tracepoint(find_gate, NULL);
	if (!gate_point)
		return -ENOENT;
	return tracepoint_probe_register(gate_point, pass_gate, NULL);
}

static void close_gates(void)
{
	tracepoint_probe_unregister(gate_point, pass_gate, NULL);
	tracepoint_synchronize_unregister();
}

static int begin(void)
{
	int err;

	err = scrib_pool_begin();
	if (err)
		goto words;
	err = open_gates();
	if (err)
		goto pool;
	register_die_notifier(&die_notifier);
	root = debugfs_create_dir("labyrinth_scribbler", NULL);
	debugfs_create_file("deeds", 0400, root, NULL, &deeds_fops);
	debugfs_create_file("summary", 0400, root, NULL, &summary_fops);
	thread = kthread_run(thread_fn, NULL, "lab_scribbler");
	if (IS_ERR(thread)) {
		err = PTR_ERR(thread);
		goto gates;
	}
	start_timers();
	return 0;
gates:
	debugfs_remove(root);
	unregister_die_notifier(&die_notifier);
	close_gates();
pool:
	scrib_pool_end();
words:
	scrib_words_end();
	return err;
}

static int __init scribbler_init(void)
{
	int err;

	if (!seed)
		seed = get_random_u64();
	pr_info("begin: seed=%llu batch=%u pause_us=%u anytime_us=%u calls=%u wrecks=%u prey=%s\n",
		seed, batch, pause_us, anytime_us, calls, wrecks, prey);
	scanner.dice = splitmix(seed);
	end_pfn = scrib_end_pfn();
	err = scrib_words_begin();
	return err ?: begin();
}

static void __exit scribbler_exit(void)
{
	enum labyrinth_page_state state;

	stop_timers();
	kthread_stop(thread);
	debugfs_remove(root);
	unregister_die_notifier(&die_notifier);
	close_gates();
	scrib_pool_end();
	scrib_words_end();
	for (state = LABYRINTH_PAGE_CACHED; state <= LABYRINTH_PAGE_MAPPED; state++)
		pr_info("%s: %lld deeds stopped, %lld anytime\n", state_names[state],
			atomic64_read(&nr_done[0][state]),
			atomic64_read(&nr_done[1][state]));
	pr_info("wrecked: %lu pages\n", nr_wrecked);
	pr_info("total: %lld deeds of %lld tried, seed %llu\n",
		atomic64_read(&nr_deeds), atomic64_read(&nr_tried), seed);
}

module_init(scribbler_init);
module_exit(scribbler_exit);

MODULE_DESCRIPTION("Labyrinth self-test: writes to struct page of pages that are not its own");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
