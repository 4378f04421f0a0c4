// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sealed owners under torture, beside labyrinth_torture: a thread and a hard interrupt on each
 * CPU take, free, transfer, lend, reclaim and map sealed pages, and call what must be refused.
 * Beside that, accesses stray to sealed pages, from the threads, hard interrupts and NMIs, in the
 * middle of all calls on the CPU: this module's and labyrinth_torture's.
 *
 * Stray writes go to the keys alone: pages that are held, never lent, for as long as the module
 * is loaded. Any other page might be open, or the system's, and the write would be no stray
 * one. Stray reads go to every page that a slot has, or had. The keys are transferred now and
 * then, since that leaves them sealed.
 *
 * /sys/kernel/debug/labyrinth_strayer/summary counts. The first violation ends the run, and the
 * last line at unload says "ok" or "not ok".
 */
#define pr_fmt(fmt) "labyrinth_strayer: " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#include "labyrinth_compat.h"
#include "labyrinth_alloc.h"

#define NR_VAULTS	2U
#define NR_KEYS		8U
#define NR_SLOTS	32U
#define RESERVE		128U
#define KEY_PATTERN	0x5aU

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "What all choices follow from; 0: a random one (default)");

static unsigned int irq_us = 200;
module_param(irq_us, uint, 0444);
MODULE_PARM_DESC(irq_us, "Microseconds between two hard interrupts on a CPU, on average (default 200)");

static unsigned int strays = 8;
module_param(strays, uint, 0444);
MODULE_PARM_DESC(strays, "One step in so many is a stray access (default 8)");

/**
 * struct slot - what an actor knows of a page
 * @addr: the owner's address; NULL: no page.
 * @direct: the page's address in the direct map, now or of the last page; NULL: none yet.
 * @vault: whose the page is.
 * @lent: the page, while lent.
 * @back: the borrower is done with the page.
 */
struct slot {
	void *addr;
	void *direct;
	unsigned int vault;
	struct page *lent;
	bool back;
};

/**
 * struct actor - a thread or a hard interrupt of a CPU
 * @dice: see roll().
 * @in_call: a call of Labyrinth is under way.
 * @steps: made.
 * @slots: the actor's pages.
 */
struct actor {
	u64 dice;
	bool in_call;
	unsigned long steps;
	struct slot slots[NR_SLOTS];
};

/* The actors of a CPU, and the pages to which accesses stray on that CPU. */
struct station {
	struct actor task;
	struct actor irq;
	struct slot keys[NR_KEYS];
	struct task_struct *thread;
	struct hrtimer timer;
	int nmi_pending;
	bool ticking;
};

static DEFINE_PER_CPU(struct station, stations);
static struct labyrinth_owner *vaults[NR_VAULTS], *foreigner;
static struct dentry *root;
static bool running;

static atomic_t violations;
static atomic_long_t nr_calls, nr_reads, nr_writes, nr_landed, nr_nmi, nr_none;
/*
 * Calls refused: without a report, loans of pages just strayed to, and transfers of pages that the
 * worker had frozen; and those that are reported.
 */
static atomic_long_t nr_strayed, nr_frozen, nr_foreign;

#define violation(fmt, ...) do {					\
	if (atomic_inc_return(&violations) <= 8)			\
		pr_err("violation: " fmt "\n", ##__VA_ARGS__);		\
	WRITE_ONCE(running, false);					\
} while (0)

#define call(a, expr) ({						\
	struct actor *caller = (a);					\
	typeof(expr) result;						\
									\
	WRITE_ONCE(caller->in_call, true);					\
	barrier();							\
	result = (expr);						\
	barrier();							\
	WRITE_ONCE(caller->in_call, false);				\
	atomic_long_inc(&nr_calls);					\
	result;								\
})

static u32 roll(struct actor *a, u32 sides)
{
	a->dice = a->dice * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;
	return ((a->dice >> 33) * sides) >> 31;
}

/* The mark at both ends of a page says which page and whose. */
static u64 mark_of(const struct slot *s)
{
	return (unsigned long)s->addr ^ (u64)s->vault << 60 ^ 0x5ea1ed;
}

static void write_mark(const struct slot *s)
{
	u64 *words = s->addr;

	words[0] = mark_of(s);
	words[PAGE_SIZE / sizeof(u64) - 1] = mark_of(s);
}

static void check_mark(const struct slot *s, const void *at, const char *what)
{
	const u64 *words = at;
	u64 first = READ_ONCE(words[0]), last = READ_ONCE(words[PAGE_SIZE / sizeof(u64) - 1]);

	if (first != mark_of(s) || last != mark_of(s))
		violation("%s: %llx and %llx at %p, not %llx", what, first, last, at, mark_of(s));
}

/* Stray accesses. noinline: the reports name these functions. */

static noinline void stray_read(void *direct, unsigned int offset)
{
	READ_ONCE(*(u64 *)(direct + offset));
	atomic_long_inc(&nr_reads);
}

static noinline void stray_write(void *direct, unsigned int offset)
{
	WRITE_ONCE(*(u64 *)(direct + offset), 0xbadc0ffee0ddf00dULL);
	atomic_long_inc(&nr_writes);
}

/* Where freed memory may be read at all: a slot's former page may be the system's by now. */
static bool may_read_former(void)
{
	return !IS_ENABLED(CONFIG_KASAN) && !debug_pagealloc_enabled();
}

static void stray(struct actor *a, struct station *cpu)
{
	struct slot *key = &cpu->keys[roll(a, NR_KEYS)];
	struct slot *s = &cpu->task.slots[roll(a, NR_SLOTS)];
	unsigned int offset = roll(a, PAGE_SIZE - 7);
	void *direct = READ_ONCE(s->direct);

	if (roll(a, 2))
		stray_write(key->direct, offset);
	else if (direct && roll(a, 2) && may_read_former())
		stray_read(direct, offset);
	else
		stray_read(key->direct, offset);
}

static void check_keys(struct station *cpu)
{
	unsigned int i;

	for (i = 0; i < NR_KEYS; i++)
		if (memchr_inv(cpu->keys[i].addr, KEY_PATTERN, PAGE_SIZE))
			violation("a key at %p was written to", cpu->keys[i].addr);
}

/* The steps of an actor. */

static void take(struct actor *a, struct slot *s)
{
	struct labyrinth_page_info info;

	s->vault = roll(a, NR_VAULTS);
	s->addr = call(a, labyrinth_void_alloc_page_gfp_atomic_exclusive(vaults[s->vault]));
	if (!s->addr) {
		atomic_long_inc(&nr_none);
		return;
	}
	WRITE_ONCE(s->direct, page_address(labyrinth_page(vaults[s->vault], s->addr)));
	if (labyrinth_query(s->addr, &info))
		violation("nothing is known of the page at %p", s->addr);
	else if (!info.sealed)
		violation("the page at %p is handed out, and not sealed", s->addr);
	write_mark(s);
}

static void give(struct actor *a, struct slot *s)
{
	int err;

	check_mark(s, s->addr, "free");
	err = call(a, labyrinth_free_page(vaults[s->vault], s->addr));
	if (err)
		violation("free gave %d", err);
	s->addr = NULL;
}

/* The worker may have the page frozen, to seal it: -EBUSY, and no report. */
static void hand_on(struct actor *a, struct slot *s)
{
	unsigned int to = (s->vault + 1) % NR_VAULTS;
	int err = call(a, labyrinth_transfer(vaults[s->vault], vaults[to], s->addr));

	if (err == -EBUSY) {
		atomic_long_inc(&nr_frozen);
		return;
	}
	if (err) {
		violation("transfer gave %d", err);
		return;
	}
	s->vault = to;
	if (!labyrinth_owns(vaults[to], s->addr))
		violation("transferred, but not owned");
}

static void hand_on_page(struct actor *a, struct slot *s)
{
	check_mark(s, s->addr, "transfer");
	hand_on(a, s);
	write_mark(s);
}

/* A page to which somebody strayed just now is -EBUSY. What is lent is the page, not a decoy. */
static void give_loan(struct actor *a, struct slot *s)
{
	struct page *page = call(a, labyrinth_lend(vaults[s->vault], s->addr));

	if (page == ERR_PTR(-EBUSY)) {
		atomic_long_inc(&nr_strayed);
		return;
	}
	if (IS_ERR(page)) {
		violation("lend gave %ld", PTR_ERR(page));
		return;
	}
	s->lent = page;
	if (page_address(page) != s->direct)
		violation("another page is lent");
	check_mark(s, page_address(page), "borrower");
}

static void end_loan(struct actor *a, struct slot *s)
{
	if (call(a, labyrinth_reclaim(vaults[s->vault], s->addr)) != -EBUSY)
		violation("a page was taken back that is still out");
	check_mark(s, page_address(s->lent), "borrower later");
	put_page(s->lent);
	s->back = true;
}

/* As of hand_on(): then the next visit tries again. */
static void take_back(struct actor *a, struct slot *s)
{
	int err;

	if (!s->back)
		end_loan(a, s);
	err = call(a, labyrinth_reclaim(vaults[s->vault], s->addr));
	if (err == -EBUSY)
		return;
	if (err)
		violation("reclaim gave %d", err);
	s->lent = NULL;
	s->back = false;
}

static void attack(struct actor *a, struct slot *s)
{
	struct labyrinth_owner *other = vaults[(s->vault + 1) % NR_VAULTS];
	int err;

	switch (roll(a, 4)) {
	case 0:
		err = call(a, labyrinth_free_page(other, s->addr));
		break;
	case 1:
		err = PTR_ERR_OR_ZERO(call(a, labyrinth_lend(foreigner, s->addr)));
		break;
	case 2:
		err = call(a, labyrinth_transfer(foreigner, other, s->addr));
		break;
	default:
		err = PTR_ERR_OR_ZERO(call(a, labyrinth_page(other, s->addr)));
	}
	if (err != -EPERM)
		violation("a foreign call gave %d", err);
	atomic_long_inc(&nr_foreign);
	if (labyrinth_owns(other, s->addr))
		violation("another vault owns the page as well");
}

static void map(struct actor *a, struct slot *s)
{
	void *addrs[1] = { s->addr };
	void *at = call(a, labyrinth_vmap(vaults[s->vault], addrs, 1));

	if (IS_ERR(at))
		return;
	check_mark(s, at, "vmap");
	if (call(a, labyrinth_vunmap(vaults[s->vault], at)))
		violation("vunmap failed");
}

static void play_held(struct actor *a, struct slot *s)
{
	switch (roll(a, 16)) {
	case 0 ... 5:
		give(a, s);
		break;
	case 6 ... 8:
		hand_on_page(a, s);
		break;
	case 9 ... 12:
		give_loan(a, s);
		break;
	case 13:
		attack(a, s);
		break;
	case 14:
		if (preemptible() && !roll(a, 8))
			map(a, s);
		break;
	default:
		check_mark(s, s->addr, "look");
	}
}

static void step(struct actor *a, struct station *cpu)
{
	struct slot *s = &a->slots[roll(a, NR_SLOTS)];

	a->steps++;
	if (!roll(a, strays))
		stray(a, cpu);
	else if (!s->addr)
		take(a, s);
	else if (s->lent)
		take_back(a, s);
	else
		play_held(a, s);
}

static void settle(struct actor *a)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++) {
		while (a->slots[i].lent && !atomic_read(&violations))
			take_back(a, &a->slots[i]);
		if (a->slots[i].addr)
			give(a, &a->slots[i]);
	}
}

static int handle_nmi(unsigned int type, struct pt_regs *regs)
{
	struct station *cpu = this_cpu_ptr(&stations);

	if (!this_cpu_xchg(stations.nmi_pending, 0))
		return NMI_DONE;
	stray_write(cpu->keys[0].direct, 64);
	stray_read(cpu->keys[1].direct, 64);
	atomic_long_inc(&nr_nmi);
	return NMI_HANDLED;
}

static enum hrtimer_restart fired(struct hrtimer *timer)
{
	struct station *cpu = container_of(timer, struct station, timer);
	unsigned int nr;

	if (!READ_ONCE(running))
		return HRTIMER_NORESTART;
	if (current == cpu->thread && READ_ONCE(cpu->task.in_call))
		atomic_long_inc(&nr_landed);
	stray(&cpu->irq, cpu);
	for (nr = 1 + roll(&cpu->irq, 3); nr; nr--)
		step(&cpu->irq, cpu);
	if (!roll(&cpu->irq, 16) && !xchg(&cpu->nmi_pending, 1))
		lab_send_nmi(cpumask_of(smp_processor_id()));
	hrtimer_forward_now(timer, ns_to_ktime((irq_us / 2 + roll(&cpu->irq, irq_us)) * 1000ULL));
	return HRTIMER_RESTART;
}

static int take_keys(struct station *cpu)
{
	unsigned int i;

	for (i = 0; i < NR_KEYS; i++) {
		struct slot *key = &cpu->keys[i];

		key->vault = i % NR_VAULTS;
		key->addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(vaults[key->vault]);
		if (!key->addr)
			return -ENOMEM;
		key->direct = page_address(labyrinth_page(vaults[key->vault], key->addr));
		memset(key->addr, KEY_PATTERN, PAGE_SIZE);
	}
	return 0;
}

static int thread_fn(void *unused)
{
	struct station *cpu = this_cpu_ptr(&stations);
	unsigned int i;

	lab_hrtimer_setup(&cpu->timer, fired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&cpu->timer, ns_to_ktime(irq_us * 1000ULL), HRTIMER_MODE_REL_PINNED_HARD);
	cpu->ticking = true;
	while (READ_ONCE(running) && !kthread_should_stop()) {
		for (i = 0; i < 64 && READ_ONCE(running); i++)
			step(&cpu->task, cpu);
		if (!roll(&cpu->task, 16)) {
			check_keys(cpu);
			hand_on(&cpu->task, &cpu->keys[roll(&cpu->task, NR_KEYS)]);
		}
		usleep_range(500, 1000);
	}
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void stop_cpu(struct station *cpu)
{
	unsigned int i;

	if (!cpu->thread)
		return;
	kthread_stop(cpu->thread);
	if (cpu->ticking)
		hrtimer_cancel(&cpu->timer);
	while (READ_ONCE(cpu->nmi_pending))
		cond_resched();
	if (atomic_read(&violations))
		return;
	check_keys(cpu);
	settle(&cpu->task);
	settle(&cpu->irq);
	for (i = 0; i < NR_KEYS; i++)
		if (labyrinth_free_page(vaults[cpu->keys[i].vault], cpu->keys[i].addr))
			violation("a key cannot be freed");
}

static int start_cpu(unsigned int nr)
{
	struct station *cpu = per_cpu_ptr(&stations, nr);
	struct task_struct *thread;
	int err = take_keys(cpu);

	if (err)
		return err;
	cpu->task.dice = seed + 2 * nr;
	cpu->irq.dice = seed + 2 * nr + 1;
	thread = kthread_create(thread_fn, NULL, "lab_strayer/%u", nr);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	kthread_bind(thread, nr);
	cpu->thread = thread;
	wake_up_process(thread);
	return 0;
}

static int make_owners(void)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "vault", .nid = NUMA_NO_NODE, .reserve = RESERVE,
		.flags = LABYRINTH_OWNER_SEALED,
	};
	unsigned int i;

	for (i = 0; i < NR_VAULTS; i++) {
		vaults[i] = labyrinth_owner_create(&attrs);
		if (IS_ERR(vaults[i]))
			return PTR_ERR(vaults[i]);
	}
	foreigner = labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = "stranger", .nid = NUMA_NO_NODE,
	});
	return PTR_ERR_OR_ZERO(foreigner);
}

static void end_owners(void)
{
	unsigned int i, out = 0;

	for (i = 0; i < NR_VAULTS; i++)
		if (!IS_ERR_OR_NULL(vaults[i]))
			out += labyrinth_owner_destroy(vaults[i]);
	if (!IS_ERR_OR_NULL(foreigner))
		labyrinth_owner_destroy(foreigner);
	if (out && !atomic_read(&violations))
		violation("%u pages were out at the end", out);
}

static unsigned long count_steps(void)
{
	unsigned long nr = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		nr += per_cpu(stations, cpu).task.steps + per_cpu(stations, cpu).irq.steps;
	return nr;
}

static void tell(char *text, size_t size)
{
	scnprintf(text, size,
		  "%lu steps, %ld calls, %ld stray reads, %ld stray writes, %ld NMIs, %ld interrupts in the middle of a call, %ld loans and %ld transfers refused, %ld times no page",
		  count_steps(), atomic_long_read(&nr_calls), atomic_long_read(&nr_reads),
		  atomic_long_read(&nr_writes), atomic_long_read(&nr_nmi),
		  atomic_long_read(&nr_landed), atomic_long_read(&nr_strayed),
		  atomic_long_read(&nr_frozen), atomic_long_read(&nr_none));
}

static int summary_show(struct seq_file *m, void *unused)
{
	char text[320];

	tell(text, sizeof(text));
	seq_printf(m, "%s\n", text);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(summary);

static void stop_all(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		stop_cpu(per_cpu_ptr(&stations, cpu));
	unregister_nmi_handler(NMI_LOCAL, "labyrinth_strayer");
	end_owners();
}

static int __init strayer_init(void)
{
	unsigned int cpu;
	int err;

	if (!seed)
		seed = get_random_u64();
	pr_info("begin: seed=%llu irq_us=%u strays=%u\n", seed, irq_us, strays);
	err = register_nmi_handler(NMI_LOCAL, handle_nmi, 0, "labyrinth_strayer");
	if (err)
		return err;
	running = true;
	err = make_owners();
	for_each_online_cpu(cpu)
		err = err ?: start_cpu(cpu);
	if (err) {
		WRITE_ONCE(running, false);
		stop_all();
		return err;
	}
	root = debugfs_create_dir("labyrinth_strayer", NULL);
	debugfs_create_file("summary", 0400, root, NULL, &summary_fops);
	return 0;
}

static void __exit strayer_exit(void)
{
	char text[320];

	WRITE_ONCE(running, false);
	debugfs_remove(root);
	stop_all();
	tell(text, sizeof(text));
	pr_info("total: %s\n", text);
	pr_info("refused: foreign %ld\n", atomic_long_read(&nr_foreign));
	pr_info("%s, seed %llu\n", atomic_read(&violations) ? "not ok" : "ok", seed);
}

module_init(strayer_init);
module_exit(strayer_exit);

MODULE_DESCRIPTION("Labyrinth under torture: sealed pages, and accesses that stray to them");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
