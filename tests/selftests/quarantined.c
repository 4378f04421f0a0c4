// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frees pages and uses them afterwards. A word written to
 * /sys/kernel/debug/labyrinth_quarantined/do chooses the test, see words[]. The write returns
 * the test's errno.
 */
#define pr_fmt(fmt) "labyrinth_quarantined: " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "labyrinth_compat.h"
#include "labyrinth_alloc.h"
#include "tests/selftests/direct_map.h"

#define PATTERN		0x5a
#define STRAY		0x1122334455667788UL
#define MOST		4096U

static struct dentry *root;
static struct labyrinth_owner *any, *single, *zero;
static void *pages[MOST];
static unsigned long odd;
static u32 nr = 256;

static struct labyrinth_owner *make(const char *name, unsigned long flags, unsigned int quota)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .flags = flags, .reserve = 4,
		.max_pages = quota,
	});
}

static int do_begin(void)
{
	any = make("any", 0, 0);
	single = make("single", LABYRINTH_OWNER_SINGLE, 0);
	zero = make("zero", LABYRINTH_OWNER_ZERO, MOST);
	return IS_ERR(any) || IS_ERR(single) || IS_ERR(zero) ? -ENOMEM : 0;
}

static int do_end(void)
{
	return labyrinth_owner_destroy(any) + labyrinth_owner_destroy(single) +
	       labyrinth_owner_destroy(zero) ? -EBUSY : 0;
}

static pte_t *entry_of(const void *page)
{
	unsigned int level;

	return lookup_address((unsigned long)page, &level);
}

static bool is_sealed(const void *page)
{
	return !pte_val(READ_ONCE(*entry_of(page)));
}

static int await(const void *page, bool sealed)
{
	unsigned int i;

	for (i = 0; i < 500 && is_sealed(page) != sealed; i++)
		msleep(20);
	/* The flush comes after the entry. */
	msleep(40);
	return is_sealed(page) == sealed ? 0 : -ETIME;
}

static void *take(struct labyrinth_owner *owner)
{
	return labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
}

/* noinline: reports name these functions. */
static noinline int free_too_early(struct labyrinth_owner *owner, void *page)
{
	int err = labyrinth_free_page(owner, page);

	/* Not the last call, or the compiler makes a jump of it. */
	barrier();
	return err;
}

static noinline void use_after_free(void *page)
{
	WRITE_ONCE(*(u64 *)(page + 0x40), STRAY);
}

static noinline bool read_after_free(void *page)
{
	return READ_ONCE(*(u64 *)(page + 0x80)) == 0;
}

/* Allocates and frees a page of @owner, and then writes to the page, and reads. */
static int use_freed(struct labyrinth_owner *owner)
{
	void *page = take(owner);
	int err;

	if (!page)
		return -ENOMEM;
	memset(page, PATTERN, PAGE_SIZE);
	err = free_too_early(owner, page) ?: await(page, true);
	if (err)
		return err;
	use_after_free(page);
	err = await(page, true);
	if (!err && !read_after_free(page))
		err = -EIO;
	return err ?: await(page, true);
}

static int do_catch(void)
{
	return use_freed(any) ?: use_freed(single) ?: use_freed(zero);
}

struct visit {
	struct hrtimer timer;
	void *page;
	bool done;
};

static enum hrtimer_restart fired(struct hrtimer *timer)
{
	struct visit *v = container_of(timer, struct visit, timer);

	use_after_free(v->page);
	/* Pairs with the acquire in do_irq(). */
	smp_store_release(&v->done, true);
	return HRTIMER_NORESTART;
}

/* The page is freed, and an interrupt writes to the page. */
static int do_irq(void)
{
	struct visit v = { .page = take(any) };
	unsigned int i;
	int err;

	if (!v.page)
		return -ENOMEM;
	err = free_too_early(any, v.page) ?: await(v.page, true);
	if (err)
		return err;
	lab_hrtimer_setup(&v.timer, fired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&v.timer, ns_to_ktime(NSEC_PER_MSEC), HRTIMER_MODE_REL_HARD);
	/* Pairs with the release in fired(). */
	for (i = 0; i < 500 && !smp_load_acquire(&v.done); i++)
		msleep(20);
	hrtimer_cancel(&v.timer);
	return v.done ? await(v.page, true) : -ETIME;
}

/* A freed page is handed out again only after @nr further frees, and with its content. */
static int do_order(void)
{
	void *first = take(any);
	unsigned int i, again = 0;
	int err;

	if (!first)
		return -ENOMEM;
	memset(first, PATTERN, PAGE_SIZE);
	err = free_too_early(any, first) ?: await(first, true);
	use_after_free(first);
	for (i = 0; i < 4 * nr + 400 && !err && !again; i++) {
		void *page = take(any);

		if (!page)
			return -ENOMEM;
		if (page == first)
			again = i;
		if (page == first && memchr_inv(page, PATTERN, PAGE_SIZE))
			err = -EIO;
		err = labyrinth_free_page(any, page) ?: err;
		if (!(i % 32))
			msleep(30);
	}
	pr_info("handed out again after %u frees, quarantine=%u\n", again, nr);
	return err ?: again && again < nr ? -EEXIST : 0;
}

/* Many pages are freed at a time; all are sealed, and all back in the direct map without. */
static int do_many(void)
{
	unsigned int i, got = labyrinth_alloc_bulk(any, nr, pages), sealed = 0;
	int err = 0;

	for (i = 0; i < got; i++)
		err = labyrinth_free_page(any, pages[i]) ?: err;
	if (got < nr || err)
		return err ?: -ENOMEM;
	msleep(500);
	for (i = 0; i < got; i++)
		sealed += is_sealed(pages[i]);
	pr_info("%u of %u freed pages are sealed\n", sealed, got);
	return sealed == got ? 0 : -EIO;
}

static int do_none(void)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (pages[i] && is_sealed(pages[i]))
			return -EIO;
	return 0;
}

/* Where freed memory may be read at all: some of the pages are the system's by now. */
static void peek(void *page)
{
	if (!IS_ENABLED(CONFIG_KASAN) && !debug_pagealloc_enabled())
		READ_ONCE(*(u64 *)page);
}

static int churn(void *unused)
{
	unsigned int i = 0;
	int err = 0;

	while (!kthread_should_stop()) {
		void *page = err ? NULL : take(any);

		if (page) {
			memset(page, i, PAGE_SIZE);
			if (!(i % 16))
				usleep_range(50, 100);
			if (memchr_inv(page, i & 0xff, PAGE_SIZE))
				err = -EIO;
			err = labyrinth_free_page(any, page) ?: err;
			if (!(i % 64))
				peek(page);
			i++;
		}
		if (!(i % 32) || err)
			usleep_range(100, 200);
	}
	pr_info("%u pages churned\n", i);
	return err;
}

static struct task_struct *churners[2];

static int do_churn(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(churners); i++)
		churners[i] = kthread_run(churn, NULL, "lab_churn/%u", i);
	return 0;
}

static int do_rest(void)
{
	return kthread_stop(churners[0]) ?: kthread_stop(churners[1]);
}

static int do_odd(void)
{
	odd = direct_map_count_odd();
	return 0;
}

static const struct {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "begin", do_begin },
	{ "end", do_end },
	{ "catch", do_catch },
	{ "irq", do_irq },
	{ "order", do_order },
	{ "many", do_many },
	{ "none", do_none },
	{ "churn", do_churn },
	{ "rest", do_rest },
	{ "odd", do_odd },
};

static ssize_t do_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[32] = {};
	int err = -EINVAL;
	size_t i;

	if (count >= sizeof(word) || copy_from_user(word, buf, count))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(strim(word), words[i].word))
			err = words[i].fn();
	return err ?: count;
}

static const struct file_operations do_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = do_write,
};

static int __init quarantined_init(void)
{
	root = debugfs_create_dir("labyrinth_quarantined", NULL);
	debugfs_create_file("do", 0200, root, NULL, &do_fops);
	debugfs_create_ulong("odd", 0400, root, &odd);
	debugfs_create_u32("nr", 0600, root, &nr);
	return 0;
}

static void __exit quarantined_exit(void)
{
	debugfs_remove(root);
}

module_init(quarantined_init);
module_exit(quarantined_exit);

MODULE_DESCRIPTION("Labyrinth self-test: pages used after they were freed");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
