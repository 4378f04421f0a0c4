// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes stray accesses to sealed pages, and the calls that an owner may make for sealed pages. A
 * word written to /sys/kernel/debug/labyrinth_sealed/do chooses the test, see words[]. The
 * write returns the test's errno.
 */
#define pr_fmt(fmt) "labyrinth_sealed: " fmt

#include <linux/console.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#include "labyrinth_compat.h"
#include "labyrinth_alloc.h"
#include "tests/selftests/direct_map.h"
#include "tests/selftests/sealed_image.h"

#define RESERVE		32U
#define MANY		4096U
#define PATTERN		0x5a
#define WORD		0x5a5a5a5a5a5a5a5aUL
/* Written by stray writes. */
#define STRAY		0x1122334455667788UL

static bool zero;
module_param(zero, bool, 0444);
MODULE_PARM_DESC(zero, "Make the owner a ZERO one (default 0)");

static struct dentry *root;
static struct labyrinth_owner *vault, *second, *plain;
static void *keys[RESERVE];
static unsigned int nr_keys;
static unsigned long pfns[RESERVE];
static unsigned long alias;
static u32 tried, pages_hit, last_errno, readable;
static unsigned long odd;

/* The address of @key's page in the direct map. */
static void *direct(const void *key)
{
	/* Harmless: page->flags may change meanwhile, but not the bits that tell the frame. */
	return data_race(page_address(labyrinth_page(vault, key)));
}

static unsigned long entry_of(const void *key)
{
	unsigned int level;
	pte_t *entry = lookup_address((unsigned long)direct(key), &level);

	return entry ? pte_val(READ_ONCE(*entry)) : ~0UL;
}

static bool is_sealed(const void *key)
{
	struct labyrinth_page_info info;

	return !labyrinth_query(key, &info) && info.sealed && !entry_of(key);
}

/* Waits until the worker has sealed the page, and then for the flush. */
static int await_sealed(const void *key)
{
	unsigned int i;

	for (i = 0; i < 500; i++) {
		if (is_sealed(key)) {
			msleep(60);
			return 0;
		}
		msleep(20);
	}
	pr_err("not sealed again: entry 0x%lx\n", entry_of(key));
	return -ETIME;
}

/* noinline: reports name take_keys() as the site of the allocation. */
static noinline int take_keys(void)
{
	nr_keys = 0;
	while (nr_keys < RESERVE) {
		void *key = labyrinth_void_alloc_page_gfp_atomic_exclusive(vault);

		if (!key)
			return -ENOMEM;
		if (!is_sealed(key))
			return -EPERM;
		if (zero && memchr_inv(key, 0, PAGE_SIZE))
			return -EIO;
		memset(key, PATTERN, PAGE_SIZE);
		pfns[nr_keys] = page_to_pfn(labyrinth_page(vault, key));
		keys[nr_keys++] = key;
	}
	alias = (unsigned long)keys[0];
	return 0;
}

static struct labyrinth_owner *make(const char *name, unsigned long flags, unsigned int reserve)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .flags = flags, .reserve = reserve,
	});
}

static int do_begin(void)
{
	unsigned long flags = LABYRINTH_OWNER_SEALED | (zero ? LABYRINTH_OWNER_ZERO : 0);

	vault = make("vault", flags, RESERVE);
	second = make("second", LABYRINTH_OWNER_SEALED | LABYRINTH_OWNER_SINGLE, 1);
	plain = make("plain", 0, 1);
	if (IS_ERR(vault) || IS_ERR(second) || IS_ERR(plain))
		return -EIO;
	return take_keys();
}

/* Content and owner of the pages are unchanged. */
static int check_keys(void)
{
	unsigned int i;

	for (i = 0; i < nr_keys; i++) {
		if (!labyrinth_owns(vault, keys[i]) || labyrinth_owns(plain, keys[i]))
			return -EPERM;
		if (memchr_inv(keys[i], PATTERN, PAGE_SIZE)) {
			pr_err("page %u was changed\n", i);
			return -EIO;
		}
	}
	return 0;
}

/* The addresses by which the owner reached the pages. */
static void *former[RESERVE];
static atomic_t nr_readable;

static void look_at_former(void *unused)
{
	unsigned int i;
	u64 word;

	for (i = 0; i < RESERVE; i++)
		if (!copy_from_kernel_nofault(&word, former[i], sizeof(word)))
			atomic_inc(&nr_readable);
}

static int do_end(void)
{
	int err = check_keys();

	memcpy(former, keys, sizeof(former));
	on_each_cpu(look_at_former, NULL, 1);
	while (nr_keys)
		err = labyrinth_free_page(vault, keys[--nr_keys]) ?: err;
	labyrinth_owner_destroy(plain);
	labyrinth_owner_destroy(second);
	labyrinth_owner_destroy(vault);
	/* No CPU keeps a translation of the address. */
	atomic_set(&nr_readable, 0);
	on_each_cpu(look_at_former, NULL, 1);
	if (atomic_read(&nr_readable))
		pr_err("%d pages are reached by the owner's address\n", atomic_read(&nr_readable));
	readable = atomic_read(&nr_readable);
	return err;
}

static int check_entry(unsigned long pfn)
{
	unsigned int level;
	pte_t *entry = lookup_address((unsigned long)pfn_to_kaddr(pfn), &level);

	/* Of a free page the core has cleared the present bit, and kept the rest. */
	if (debug_pagealloc_enabled_static())
		return entry && pte_pfn(*entry) == pfn ? 0 : -EIO;
	if (!entry || !pte_present(*entry) || !pte_write(*entry))
		return -EFAULT;
	if (level != PG_LEVEL_4K)
		return 0;
	if (pte_pfn(*entry) != pfn)
		return -EIO;
	return (pte_flags(*entry) ^ pgprot_val(PAGE_KERNEL)) &
	       ~(_PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL) ? -EINVAL : 0;
}

/* The entries of pages that went back to the system are as of ordinary memory. */
static int do_entries(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < RESERVE && !err; i++)
		err = check_entry(pfns[i]);
	return err;
}

/* Seals enough pages to split large entries of the direct map. */
static int do_many(void)
{
	struct labyrinth_owner *owner = make("many", LABYRINTH_OWNER_SEALED, MANY);
	void **all = kvcalloc(MANY, sizeof(*all), GFP_KERNEL);
	unsigned int nr, i;
	int err = 0;

	if (IS_ERR(owner) || !all)
		return -ENOMEM;
	nr = labyrinth_alloc_bulk(owner, MANY, all);
	for (i = 0; i < nr; i++) {
		void *page = all[i];

		memset(page, 0xa5, PAGE_SIZE);
		all[i] = (void *)page_to_pfn(labyrinth_page(owner, page));
		err = labyrinth_free_page(owner, page) ?: err;
	}
	labyrinth_owner_destroy(owner);
	for (i = 0; i < nr && !err; i++)
		err = check_entry((unsigned long)all[i]);
	kvfree(all);
	return err ?: nr < MANY ? -ENOMEM : 0;
}

/* Every access returns true if the access saw nothing of the page. */

#define READS(bits)							\
static noinline bool read##bits(void *at)				\
{									\
	return READ_ONCE(*(u##bits *)(at + 64)) == 0;			\
}

#define WRITES(bits)							\
static noinline bool write##bits(void *at)				\
{									\
	WRITE_ONCE(*(u##bits *)(at + 64), STRAY & GENMASK((bits) - 1, 0));	\
	return true;							\
}

READS(8) READS(16) READS(32) READS(64)
WRITES(8) WRITES(16) WRITES(32) WRITES(64)

static noinline bool write_unaligned(void *at)
{
	WRITE_ONCE(*(u64 *)(at + 61), STRAY);
	return true;
}

static noinline bool xadd_locked(void *at)
{
	return !xadd((u64 *)(at + 8), 1);
}

static noinline bool cmpxchg_locked(void *at)
{
	return cmpxchg((u64 *)(at + 16), WORD, 1) != WORD;
}

static noinline bool set_bit_locked(void *at)
{
	set_bit(3, at + 24);
	return true;
}

static noinline bool memset_few(void *at)
{
	memset(at + 96, 0xee, 5);
	return true;
}

static noinline bool memset_all(void *at)
{
	memset(at, 0xee, PAGE_SIZE);
	return true;
}

/* This access and the next go on into the following page, which is sealed as well. */
static noinline bool rep_over_the_end(void *at)
{
	void *to = at + PAGE_SIZE - 100;
	unsigned long nr = 200;

	asm volatile("rep stosb" : "+D" (to), "+c" (nr) : "a" (0xee) : "memory");
	return true;
}

static noinline bool write_over_the_end(void *at)
{
	WRITE_ONCE(*(u64 *)(at + PAGE_SIZE - 4), STRAY);
	return true;
}

static const struct access {
	const char *name;
	bool (*fn)(void *at);
	unsigned int pages;
} accesses[] = {
	{ "read8", read8, 1 },
	{ "read16", read16, 1 },
	{ "read32", read32, 1 },
	{ "read64", read64, 1 },
	{ "write8", write8, 1 },
	{ "write16", write16, 1 },
	{ "write32", write32, 1 },
	{ "write64", write64, 1 },
	{ "unaligned", write_unaligned, 1 },
	{ "memset", memset_all, 1 },
	{ "rep over the end", rep_over_the_end, 2 },
	{ "write over the end", write_over_the_end, 2 },
};

/* Some processors and emulators read before the write: such an access makes two reports. */
static const struct access locked[] = {
	{ "locked xadd", xadd_locked, 1 },
	{ "locked cmpxchg", cmpxchg_locked, 1 },
	{ "locked bts", set_bit_locked, 1 },
};

struct visit {
	const struct access *access;
	void *at;
	bool there;
	bool right;
	struct hrtimer timer;
};

static void visit(struct visit *v)
{
	v->right = v->access->fn(v->at);
	/* Pairs with the acquire in await_visit(), perhaps on another CPU. */
	smp_store_release(&v->there, true);
}

static int await_visit(struct visit *v)
{
	unsigned int i;

	/* Pairs with the release in visit(). */
	for (i = 0; i < 500 && !smp_load_acquire(&v->there); i++)
		usleep_range(2000, 4000);
	return v->there ? 0 : -ETIME;
}

static void in_task_context(struct visit *v)
{
	visit(v);
}

static void irqs_off(struct visit *v)
{
	unsigned long flags;

	local_irq_save(flags);
	visit(v);
	local_irq_restore(flags);
}

static void raw_lock_held(struct visit *v)
{
	static DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	visit(v);
	raw_spin_unlock_irqrestore(&lock, flags);
}

static enum hrtimer_restart fired(struct hrtimer *timer)
{
	visit(container_of(timer, struct visit, timer));
	return HRTIMER_NORESTART;
}

static void start(struct visit *v, enum hrtimer_mode mode)
{
	lab_hrtimer_setup(&v->timer, fired, CLOCK_MONOTONIC, mode);
	hrtimer_start(&v->timer, ns_to_ktime(NSEC_PER_MSEC), mode);
}

static void in_hard_interrupt(struct visit *v)
{
	start(v, HRTIMER_MODE_REL_HARD);
}

static void in_soft_interrupt(struct visit *v)
{
	start(v, HRTIMER_MODE_REL_SOFT);
}

static void on_other(void *v)
{
	visit(v);
}

static void on_other_cpu(struct visit *v)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, get_cpu());

	put_cpu();
	if (cpu < nr_cpu_ids)
		smp_call_function_single(cpu, on_other, v, 1);
	else
		visit(v);
}

static struct visit *nmi_visit;

static int handle_nmi(unsigned int type, struct pt_regs *regs)
{
	struct visit *v = xchg(&nmi_visit, NULL);

	if (!v)
		return NMI_DONE;
	visit(v);
	return NMI_HANDLED;
}

static void in_an_nmi(struct visit *v)
{
	xchg(&nmi_visit, v);
	preempt_disable();
	lab_send_nmi(cpumask_of(smp_processor_id()));
	preempt_enable();
}

/* In a kprobe's handler. */
static struct visit *probe_visit;

static noinline void probed(void)
{
	barrier();
}

static int handle_probe(struct kprobe *kp, struct pt_regs *regs)
{
	struct visit *v = xchg(&probe_visit, NULL);

	if (v)
		visit(v);
	return 0;
}

static void in_a_kprobe(struct visit *v)
{
	struct kprobe probe = {
		.addr = (kprobe_opcode_t *)probed,
		.pre_handler = handle_probe,
	};

	if (register_kprobe(&probe))
		return;
	xchg(&probe_visit, v);
	probed();
	xchg(&probe_visit, NULL);
	unregister_kprobe(&probe);
}

/* In printk(), which has a console write. */
static struct visit *console_visit;

static void write_to_console(struct console *console, const char *text, unsigned int nr)
{
	struct visit *v = xchg(&console_visit, NULL);

	if (v)
		visit(v);
}

static struct console stray_console = {
	.name = "labsealed",
	.write = write_to_console,
	.index = -1,
};

static void in_printk(struct visit *v)
{
	/* The core enables only a console that says so, and clears the flag in the end. */
	stray_console.flags = CON_ENABLED;
	register_console(&stray_console);
	xchg(&console_visit, v);
	pr_emerg("to a console\n");
	/* Where a thread writes to consoles, it may take a while. */
	await_visit(v);
	unregister_console(&stray_console);
}

static const struct context {
	const char *name;
	void (*go)(struct visit *v);
} contexts[] = {
	{ "task", in_task_context },
	{ "irqs off", irqs_off },
	{ "raw lock", raw_lock_held },
	{ "hardirq", in_hard_interrupt },
	{ "softirq", in_soft_interrupt },
	{ "other CPU", on_other_cpu },
	{ "kprobe", in_a_kprobe },
	{ "printk", in_printk },
	{ "NMI", in_an_nmi },
};

/* Finds two of the owner's pages that are neighbours in memory. */
static int find_neighbours(unsigned int *which)
{
	unsigned int i, j;

	for (i = 0; i < nr_keys; i++) {
		for (j = 0; j < nr_keys; j++) {
			if (pfns[j] != pfns[i] + 1)
				continue;
			which[0] = i;
			which[1] = j;
			return 0;
		}
	}
	return -ENOENT;
}

static int reach(const struct access *access, const struct context *context,
		 const unsigned int *which)
{
	struct visit *v = kzalloc(sizeof(*v), GFP_KERNEL);
	int err;

	if (!v)
		return -ENOMEM;
	v->access = access;
	v->at = direct(keys[which[0]]);
	err = await_sealed(keys[which[0]]) ?: await_sealed(keys[which[1]]);
	if (!err) {
		context->go(v);
		err = await_visit(v);
	}
	if (!err && !v->right)
		err = -EIO;
	if (err)
		pr_err("%s in %s: %d\n", access->name, context->name, err);
	tried++;
	pages_hit += access->pages;
	kfree(v);
	return err ?: check_keys();
}

/* Every access in a task, and a read and a write in every context. */
static int do_strays(void)
{
	unsigned int which[2], i;
	int err = find_neighbours(which);

	tried = 0;
	pages_hit = 0;
	err = err ?: register_nmi_handler(NMI_LOCAL, handle_nmi, 0, "labyrinth_sealed");
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(accesses) && !err; i++)
		err = reach(&accesses[i], &contexts[0], which);
	for (i = 1; i < ARRAY_SIZE(contexts) && !err; i++)
		err = reach(&accesses[3], &contexts[i], which) ?:
		      reach(&accesses[7], &contexts[i], which) ?:
		      reach(&accesses[10], &contexts[i], which);
	unregister_nmi_handler(NMI_LOCAL, "labyrinth_sealed");
	return err ?: await_sealed(keys[which[0]]) ?: await_sealed(keys[which[1]]);
}

static int do_locked(void)
{
	unsigned int which[2] = { 0, 0 }, i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(locked) && !err; i++)
		err = reach(&locked[i], &contexts[0], which);
	return err ?: await_sealed(keys[0]);
}

/* Of reads and then writes, the first read and the first write are reported, no more. */
static int do_both(void)
{
	int err = await_sealed(keys[0]);
	void *at = direct(keys[0]);
	unsigned int i;

	if (err)
		return err;
	local_irq_disable();
	for (i = 0; i < 100; i++)
		read64(at);
	for (i = 0; i < 100; i++)
		write64(at);
	local_irq_enable();
	return await_sealed(keys[0]) ?: check_keys();
}

/* Stray writes to two pages at a time: each report shows the bytes written to that page. */
static int do_two(void)
{
	int err = await_sealed(keys[5]) ?: await_sealed(keys[6]);
	void *one = direct(keys[5]), *two = direct(keys[6]);

	if (err)
		return err;
	local_irq_disable();
	write_unaligned(one);
	memset_few(two);
	local_irq_enable();
	return await_sealed(keys[5]) ?: await_sealed(keys[6]) ?: check_keys();
}

/* A fault that the kernel can explain, by an exception table, is not diverted. */
static int do_nofault(void)
{
	u64 word;

	if (copy_from_kernel_nofault(&word, direct(keys[0]), sizeof(word)) != -EFAULT)
		return -EIO;
	return is_sealed(keys[0]) ? check_keys() : -EBUSY;
}

/* A storm of stray accesses, for three seconds. */
static int do_storm(void)
{
	unsigned long end = jiffies + 3 * HZ;
	unsigned int i = 0;

	while (time_before(jiffies, end)) {
		write64(direct(keys[i % nr_keys]));
		read64(direct(keys[(i + 7) % nr_keys]));
		i++;
		cond_resched();
	}
	for (i = 0; i < nr_keys; i++)
		if (await_sealed(keys[i]))
			return -ETIME;
	return check_keys();
}

static void look(void *arg)
{
	u64 **word = arg;

	/* The other CPU answers in place of the question. */
	if (READ_ONCE(**word) != WORD)
		*word = NULL;
}

/* Whether every CPU sees the page's content by the direct map. */
static bool all_see(void *at)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		u64 *word = at;

		smp_call_function_single(cpu, look, &word, 1);
		if (!word)
			return false;
	}
	return true;
}

static int lend_and_reclaim(void *key)
{
	struct labyrinth_page_info info;
	struct page *page = labyrinth_lend(vault, key);

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (page_address(page) != direct(key) || !all_see(page_address(page)))
		return -EIO;
	if (labyrinth_query(key, &info) || info.sealed)
		return -EINVAL;
	if (labyrinth_reclaim(vault, key) != -EBUSY)
		return -EPERM;
	put_page(page);
	return labyrinth_reclaim(vault, key);
}

static int do_lend(void)
{
	unsigned long start = jiffies;
	int err = await_sealed(keys[1]) ?: lend_and_reclaim(keys[1]) ?: await_sealed(keys[1]);

	if (!err && time_after(jiffies, start + 2 * HZ))
		err = -ETIME;
	return err ?: check_keys();
}

/* The same page again and again, freed right after it was reclaimed. Counts in @taken. */
static int lend_and_free(unsigned int *taken)
{
	void *key = labyrinth_void_alloc_page_gfp_atomic_exclusive(vault);
	struct page *page;
	int err;

	if (!key)
		return 0;
	(*taken)++;
	if (!is_sealed(key)) {
		pr_err("handed out unsealed: entry 0x%lx\n", entry_of(key));
		return -EPERM;
	}
	page = labyrinth_lend(vault, key);
	if (!IS_ERR(page)) {
		put_page(page);
		err = labyrinth_reclaim(vault, key);
		if (err)
			return err;
	}
	return labyrinth_free_page(vault, key);
}

/* No page is handed out that is not sealed, and none is lost. */
static int do_freed(void)
{
	unsigned int taken = 0, i;
	int err = 0;

	for (i = 0; i < 1000 && !err; i++) {
		err = lend_and_free(&taken);
		if (i % 20 == 19)
			msleep(20);
	}
	if (!err && taken < 500)
		err = -ENOMEM;
	pr_info("%u pages taken\n", taken);
	return err;
}

/* Calls about a page that the worker has frozen just now: -EBUSY, and the page as before. */
static int do_frozen(void)
{
	void *key = keys[2];
	struct page *page = labyrinth_page(vault, key);
	int refs = page_ref_count(page), err = 0;

	if (await_sealed(key))
		return -ETIME;
	preempt_disable();
	if (page_ref_freeze(page, refs)) {
		if (labyrinth_lend(vault, key) != ERR_PTR(-EBUSY) ||
		    labyrinth_transfer(vault, second, key) != -EBUSY ||
		    !labyrinth_owns(vault, key))
			err = -EIO;
		page_ref_unfreeze(page, refs);
	} else {
		err = -EAGAIN;
	}
	preempt_enable();
	return err ?: check_keys();
}

/* Pages that were not lent come and go, by the fast path. */
static int do_recycle(void)
{
	unsigned int i;

	for (i = 0; i < 100000; i++) {
		void *key = labyrinth_void_alloc_page_gfp_atomic_exclusive(vault);

		if (!key)
			return -ENOMEM;
		labyrinth_free_page(vault, key);
	}
	return 0;
}

static int read_all(void *unused)
{
	unsigned int i = 0;

	while (!kthread_should_stop()) {
		read64(direct(keys[i++ % nr_keys]));
		cond_resched();
	}
	return 0;
}

/* Lends @key's page if nobody strayed there: the borrower must see the page's content. */
static int lend_and_look(void *key)
{
	struct page *page = labyrinth_lend(vault, key);
	unsigned int tries = 0;
	bool right;
	int err;

	if (IS_ERR(page))
		return page == ERR_PTR(-EBUSY) ? 0 : PTR_ERR(page);
	usleep_range(50, 100);
	right = READ_ONCE(*(u64 *)(page_address(page) + 64)) == WORD;
	put_page(page);
	while ((err = labyrinth_reclaim(vault, key)) == -EBUSY && tries++ < 1000)
		cpu_relax();
	return right ? err : -EIO;
}

/* Pages lent again and again, while the worker seals and another CPU strays to the pages. */
static int do_lend_storm(void)
{
	struct task_struct *reader = kthread_run(read_all, NULL, "labyrinth_reader");
	unsigned long end = jiffies + 5 * HZ;
	unsigned int i = 0;
	int err = 0;

	if (IS_ERR(reader))
		return PTR_ERR(reader);
	while (!err && time_before(jiffies, end))
		err = lend_and_look(keys[i++ % 4]);
	kthread_stop(reader);
	for (i = 0; i < nr_keys && !err; i++)
		err = await_sealed(keys[i]);
	return err ?: check_keys();
}

/* An owner goes right after an access strayed, and others come until no slot is left. */
static int do_brief(void)
{
	struct labyrinth_owner *brief = make("brief", LABYRINTH_OWNER_SEALED, 1), *later[8];
	unsigned int nr = 0;
	void *key;

	if (IS_ERR(brief))
		return PTR_ERR(brief);
	key = labyrinth_void_alloc_page_gfp_atomic_exclusive(brief);
	if (!key)
		return -ENOMEM;
	write64(page_address(labyrinth_page(brief, key)));
	labyrinth_free_page(brief, key);
	labyrinth_owner_destroy(brief);
	while (nr < ARRAY_SIZE(later) && !IS_ERR(later[nr] = make("later", 0, 0)))
		nr++;
	msleep(500);
	while (nr)
		labyrinth_owner_destroy(later[--nr]);
	return 0;
}

static void stray_there(void *at)
{
	write64(at);
}

/* A page that was strayed to is not lent before all CPUs have forgotten the decoy. */
static int do_lend_strayed(void)
{
	void *key = keys[2];
	unsigned int i;
	int err = await_sealed(key);

	if (err)
		return err;
	on_each_cpu(stray_there, direct(key), 1);
	if (labyrinth_lend(vault, key) != ERR_PTR(-EBUSY))
		return -EINVAL;
	for (i = 0; i < 500; i++) {
		err = lend_and_reclaim(key);
		if (err != -EBUSY)
			break;
		usleep_range(2000, 4000);
	}
	return err ?: await_sealed(key) ?: check_keys();
}

/* Calls for a sealed page: some must work, for the owner; the rest must be refused. */
static int do_calls(void)
{
	void *key = keys[3], *range[2] = { keys[3], keys[4] }, *map;
	struct page *page = alloc_page(GFP_KERNEL);
	struct labyrinth_page_info info;
	int err = 0;

	if (!page)
		return -ENOMEM;
	if (labyrinth_release(vault, key) != ERR_PTR(-EOPNOTSUPP) ||
	    labyrinth_transfer(vault, plain, key) != -EOPNOTSUPP ||
	    labyrinth_adopt(vault, page) != ERR_PTR(-EOPNOTSUPP) ||
	    labyrinth_free_page(plain, key) != -EPERM ||
	    labyrinth_page(plain, key) != ERR_PTR(-EPERM) ||
	    labyrinth_free_page(vault, key + 1) != -EINVAL)
		err = -EIO;
	__free_page(page);
	if (labyrinth_transfer(vault, second, key) || !labyrinth_owns(second, key) ||
	    labyrinth_owns(vault, key) || labyrinth_query(key, &info) ||
	    strcmp(info.owner, "second") || !info.sealed ||
	    labyrinth_transfer(second, vault, key))
		err = -EINVAL;
	map = labyrinth_vmap(vault, range, 2);
	if (IS_ERR(map))
		return PTR_ERR(map);
	if (memchr_inv(map, PATTERN, 2 * PAGE_SIZE))
		err = -EFAULT;
	return labyrinth_vunmap(vault, map) ?: err ?: check_keys();
}

/* With the reserve used up, no page is handed out until the worker has filled the reserve. */
static int do_exhaust(void)
{
	void *more[2 * RESERVE];
	unsigned int nr = 0, round;

	for (round = 0; round < 2; round++) {
		preempt_disable();
		nr = labyrinth_alloc_bulk(vault, ARRAY_SIZE(more), more);
		preempt_enable();
		if (nr < (round ? RESERVE : 1) || nr == ARRAY_SIZE(more))
			pr_err("round %u: %u pages\n", round, nr);
		while (nr)
			if (labyrinth_free_page(vault, more[--nr]))
				return -EIO;
		msleep(500);
	}
	return check_keys();
}

static struct labyrinth_owner *one;

/* One owner, of as many pages as a large entry of the direct map covers. */
static int do_one(void)
{
	struct labyrinth_owner *owner = make("one", LABYRINTH_OWNER_SEALED, PTRS_PER_PTE);

	one = IS_ERR(owner) ? NULL : owner;
	return PTR_ERR_OR_ZERO(owner);
}

static int do_one_end(void)
{
	struct labyrinth_owner *owner = xchg(&one, NULL);

	return owner && labyrinth_owner_destroy(owner) ? -EBUSY : 0;
}

/* With the reserve used up and nothing to fill it with, there is no page, for half a second. */
static int do_drain(void)
{
	void **pages = kvcalloc(2 * PTRS_PER_PTE, sizeof(*pages), GFP_KERNEL);
	unsigned int nr, more;
	int err = 0;

	if (!pages)
		return -ENOMEM;
	nr = labyrinth_alloc_bulk(one, 2 * PTRS_PER_PTE, pages);
	msleep(500);
	more = labyrinth_alloc_bulk(one, 2 * PTRS_PER_PTE - nr, pages + nr);
	pr_info("drained of %u pages, and then of %u\n", nr, more);
	for (nr += more; nr; nr--)
		err = labyrinth_free_page(one, pages[nr - 1]) ?: err;
	kvfree(pages);
	return err ?: more ? -EEXIST : 0;
}

/* How many entries of the whole direct map are empty or uncached. */
static int do_odd(void)
{
	odd = direct_map_count_odd();
	return 0;
}

static void write_each(struct page *page, unsigned long nr)
{
	while (nr--)
		WRITE_ONCE(*(u64 *)page_address(page + nr), ~0ULL);
}

/* Writes to each page of all memory that the page allocator gives. */
static int do_wipe(void)
{
	unsigned long nr = 0;
	struct page *page, *next;
	LIST_HEAD(pages);
	int order;

	for (order = 9; order >= 0; order--) {
		while ((page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN |
					   __GFP_NOMEMALLOC, order))) {
			write_each(page, 1UL << order);
			set_page_private(page, order);
			list_add(&page->lru, &pages);
			nr += 1UL << order;
			cond_resched();
		}
	}
	list_for_each_entry_safe(page, next, &pages, lru) {
		order = page_private(page);
		list_del(&page->lru);
		set_page_private(page, 0);
		__free_pages(page, order);
	}
	pr_info("%lu pages written\n", nr);
	return nr ? 0 : -ENOMEM;
}

static int do_abandon(void)
{
	nr_keys = 0;
	labyrinth_owner_destroy(plain);
	labyrinth_owner_destroy(second);
	return labyrinth_owner_destroy(vault) == RESERVE ? 0 : -EIO;
}

static int do_no_reserve(void)
{
	return PTR_ERR_OR_ZERO(make("none", LABYRINTH_OWNER_SEALED, 0));
}

static const struct {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "begin", do_begin },
	{ "end", do_end },
	{ "entries", do_entries },
	{ "strays", do_strays },
	{ "locked", do_locked },
	{ "both", do_both },
	{ "two", do_two },
	{ "nofault", do_nofault },
	{ "storm", do_storm },
	{ "lend", do_lend },
	{ "lend-strayed", do_lend_strayed },
	{ "lend-storm", do_lend_storm },
	{ "brief", do_brief },
	{ "calls", do_calls },
	{ "exhaust", do_exhaust },
	{ "freed", do_freed },
	{ "frozen", do_frozen },
	{ "recycle", do_recycle },
	{ "many", do_many },
	{ "wipe", do_wipe },
	{ "image", sealed_image },
	{ "one", do_one },
	{ "one-end", do_one_end },
	{ "drain", do_drain },
	{ "odd", do_odd },
	{ "abandon", do_abandon },
	{ "no-reserve", do_no_reserve },
};

static __always_inline int deed(const char *text)
{
	char word[32];
	int err = -EINVAL;
	size_t i;

	strscpy(word, text, sizeof(word));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(strim(word), words[i].word))
			err = words[i].fn();
	last_errno = -err;
	return err;
}

static ssize_t do_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[32] = {};

	if (count >= sizeof(word) || copy_from_user(word, buf, count))
		return -EINVAL;
	return deed(word) ?: count;
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

static int __init sealed_init(void)
{
	root = debugfs_create_dir("labyrinth_sealed", NULL);
	debugfs_create_file("do", 0200, root, NULL, &do_fops);
	debugfs_create_u32("tried", 0400, root, &tried);
	debugfs_create_u32("pages", 0400, root, &pages_hit);
	debugfs_create_u32("errno", 0400, root, &last_errno);
	debugfs_create_u32("readable", 0400, root, &readable);
	debugfs_create_ulong("odd", 0400, root, &odd);
	debugfs_create_ulong("pfn", 0400, root, &pfns[0]);
	debugfs_create_ulong("address", 0400, root, &alias);
	return 0;
}

static void __exit sealed_exit(void)
{
	debugfs_remove(root);
}

module_init(sealed_init);
module_exit(sealed_exit);

MODULE_DESCRIPTION("Labyrinth self-test: sealed pages, reached for");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
