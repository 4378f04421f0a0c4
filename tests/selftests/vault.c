// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner with sealed pages, beside which the core does to memory what the core does by itself.
 * A word written to /sys/module/labyrinth_vault/parameters/do chooses what this module does, see
 * words[]; the write returns the word's errno.
 */
#define pr_fmt(fmt) "labyrinth_vault: " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kfence.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "labyrinth_compat.h"
#include "labyrinth_alloc.h"

#define NR_KEYS		4U
#define PATTERN		0x5a
#define WORD		0x5a5a5a5a5a5a5a5aUL

static struct labyrinth_owner *vault;
static void *keys[NR_KEYS];
static unsigned long pfns[NR_KEYS];
module_param_array(pfns, ulong, NULL, 0444);
MODULE_PARM_DESC(pfns, "The frames of the sealed pages (to be read)");

static int do_begin(void)
{
	unsigned int i;

	vault = labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = "vault", .nid = NUMA_NO_NODE, .flags = LABYRINTH_OWNER_SEALED,
		.reserve = NR_KEYS,
	});
	if (IS_ERR(vault))
		return PTR_ERR(vault);
	for (i = 0; i < NR_KEYS; i++) {
		keys[i] = labyrinth_void_alloc_page_gfp_atomic_exclusive(vault);
		if (!keys[i])
			return -ENOMEM;
		memset(keys[i], PATTERN, PAGE_SIZE);
		pfns[i] = page_to_pfn(labyrinth_page(vault, keys[i]));
	}
	return 0;
}

static pte_t *entry_of(unsigned long pfn)
{
	unsigned int level;
	pte_t *entry = lookup_address((unsigned long)pfn_to_kaddr(pfn), &level);

	return level == PG_LEVEL_4K ? entry : NULL;
}

/* Content, owner and seal are unchanged. */
static int do_check(void)
{
	unsigned int i;

	for (i = 0; i < NR_KEYS; i++) {
		pte_t *entry = entry_of(pfns[i]);

		if (!labyrinth_owns(vault, keys[i]))
			return -EPERM;
		if (!entry || pte_val(READ_ONCE(*entry)))
			return -EACCES;
		if (memchr_inv(keys[i], PATTERN, PAGE_SIZE))
			return -EIO;
	}
	return 0;
}

/* Where the page allocator takes free pages out of the direct map itself, the frame alone tells. */
static bool is_restored(pte_t *entry, unsigned long pfn)
{
	return pte_pfn(*entry) == pfn && (debug_pagealloc_enabled() || pte_write(*entry));
}

/* The pages go back to the system; afterwards all must be in the direct map. */
static int do_end(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_KEYS; i++)
		err = labyrinth_free_page(vault, keys[i]) ?: err;
	labyrinth_owner_destroy(vault);
	for (i = 0; i < NR_KEYS; i++) {
		pte_t *entry = entry_of(pfns[i]);

		if (entry && !is_restored(entry, pfns[i]))
			return -EFAULT;
	}
	return err;
}

/* With init_on_free=1 the page allocator has zeroed what went back, by the direct map. */
static int do_zeroed(void)
{
	unsigned int i;

	for (i = 0; i < NR_KEYS; i++)
		if (!PageHWPoison(pfn_to_page(pfns[i])) &&
		    READ_ONCE(*(u64 *)pfn_to_kaddr(pfns[i])) == WORD)
			return -EIO;
	return 0;
}

/* The last page was told to have failed: the page allocator took it, and has it no more. */
static int do_kept_away(void)
{
	struct page *page = pfn_to_page(pfns[NR_KEYS - 1]);

	if (!PageHWPoison(page))
		return -ENOENT;
	return page_count(page) || PageBuddy(page) ? -EBUSY : 0;
}

static noinline u64 read_word(const void *at)
{
	return READ_ONCE(*(u64 *)at);
}

static noinline void write_word(void *at)
{
	WRITE_ONCE(*(u64 *)at, 0x1122334455667788UL);
}

/* A read and a write by the direct map, each of a page of its own. */
static int stray(unsigned int tries)
{
	u64 word = read_word(pfn_to_kaddr(pfns[0]));
	int err;

	write_word(pfn_to_kaddr(pfns[1]));
	/* The worker seals the pages again, and reports. */
	do {
		msleep(200);
		err = do_check();
	} while (err == -EACCES && --tries);
	return word ? -EIO : err;
}

static int do_stray(void)
{
	return stray(1);
}

/* -ETIME: the worker has not left a second for the oops. */
static int do_stray_oops(void)
{
	unsigned long began = jiffies;

	return stray(15) ?: time_before(jiffies, began + HZ) ? -ETIME : 0;
}

static int follow(void *at)
{
	read_word(at);
	return 0;
}

/* A thread that follows @at, and is ended by that. */
static int follow_in_thread(void *at)
{
	struct task_struct *thread = kthread_create(follow, at, "labyrinth_wild");
	unsigned long end = jiffies + 5 * HZ;
	bool ended;

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	do {
		msleep(100);
		ended = READ_ONCE(thread->exit_state);
	} while (!ended && time_before(jiffies, end));
	put_task_struct(thread);
	return ended ? 0 : -ETIMEDOUT;
}

/*
 * Faults of a thread, at an address next to NULL and at an address of the direct map beyond all
 * memory: the kernel ends the thread. Elsewhere than in the caller, who holds a lock.
 */
static int do_wild(void)
{
	return follow_in_thread((void *)8) ?: follow_in_thread(__va(BIT_ULL(45))) ?: do_check();
}

/* An object of KFENCE's pool: an allocation is given one now and then. */
static u64 *get_fenced(void)
{
	unsigned long end = jiffies + 20 * HZ;

	while (time_before(jiffies, end)) {
		u64 *object = kmalloc(64, GFP_KERNEL);

		if (!object || is_kfence_address(object))
			return object;
		kfree(object);
		usleep_range(100, 200);
	}
	return NULL;
}

/* Reads freed memory that KFENCE watches: a fault for KFENCE to explain. */
static int do_kfence(void)
{
	u64 *object = get_fenced();
	/* The compiler would warn of what is wanted here. */
	unsigned long at = (unsigned long)object;

	if (!object)
		return -ENOENT;
	kfree(object);
	read_word((void *)at);
	return 0;
}

static void after(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

/* Of all users of ftrace a single one may divert a function: this probe on the fault is first. */
static struct kprobe hold = { .symbol_name = "page_fault_oops", .post_handler = after };

static int do_hold(void)
{
	return register_kprobe(&hold);
}

static int do_let_go(void)
{
	unregister_kprobe(&hold);
	return 0;
}

static const struct {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "begin", do_begin },
	{ "check", do_check },
	{ "end", do_end },
	{ "kept-away", do_kept_away },
	{ "zeroed", do_zeroed },
	{ "stray", do_stray },
	{ "stray-oops", do_stray_oops },
	{ "wild", do_wild },
	{ "kfence", do_kfence },
	{ "hold", do_hold },
	{ "let-go", do_let_go },
};

static int run_word(const char *word, const struct kernel_param *param)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (sysfs_streq(word, words[i].word))
			return words[i].fn();
	return -EINVAL;
}
module_param_call(do, run_word, NULL, NULL, 0200);
MODULE_PARM_DESC(do, "What to do (after loading)");

static int __init vault_init(void)
{
	return 0;
}

static void __exit vault_exit(void)
{
}

module_init(vault_init);
module_exit(vault_exit);

MODULE_DESCRIPTION("Labyrinth self-test: sealed pages beside what the core does to memory");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
