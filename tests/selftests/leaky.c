// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that keeps three pages and forgets the pages: the pointer to the first is in a static
 * variable, to the second in an object of a slab, to the third in an object that is free again.
 * The module does not know Labyrinth. The parameters give the frame numbers.
 */
#include <linux/gfp.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poison.h>
#include <linux/slab.h>

struct leaky_note {
	long other[3];
	struct page *page;
	long more[8];
};

static struct page *leaky_static;
static struct leaky_note *leaky_note;
static struct page *leaky_past;
/* So many that some objects stay unused for a while. */
static struct leaky_note *leaky_pasts[64];

static unsigned long pfn_static, pfn_slab, pfn_past;
module_param(pfn_static, ulong, 0444);
module_param(pfn_slab, ulong, 0444);
module_param(pfn_past, ulong, 0444);

/* Keeps the page as a number, which is no pointer. */
static unsigned long hide(struct page **page)
{
	unsigned long pfn = page_to_pfn(*page);

	*page = NULL;
	return pfn;
}

/*
 * With garble=1, a stale pointer has written to the first page's struct page: the word reads as
 * that of a compound page's tail, whose head is nowhere.
 */
static int garble_set(const char *val, const struct kernel_param *kp)
{
	bool garble;
	int err = kstrtobool(val, &garble);

	if (!err && leaky_static)
		WRITE_ONCE(*(unsigned long *)&leaky_static->lru.next,
			   garble ? 0x7fffffff : (unsigned long)LIST_POISON1);
	return err;
}

static const struct kernel_param_ops garble_ops = { .set = garble_set };
module_param_cb(garble, &garble_ops, NULL, 0200);

static void leave_traces(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaky_pasts); i++) {
		leaky_pasts[i] = kzalloc(sizeof(*leaky_note), GFP_KERNEL);
		if (leaky_pasts[i])
			leaky_pasts[i]->page = leaky_past;
	}
	for (i = 0; i < ARRAY_SIZE(leaky_pasts); i++)
		kfree(leaky_pasts[i]);
}

static int __init leaky_init(void)
{
	leaky_note = kzalloc(sizeof(*leaky_note), GFP_KERNEL);
	leaky_static = alloc_page(GFP_KERNEL);
	leaky_past = alloc_page(GFP_KERNEL);
	if (!leaky_note || !leaky_static || !leaky_past)
		return -ENOMEM;
	pfn_static = page_to_pfn(leaky_static);
	leaky_note->page = alloc_page(GFP_KERNEL);
	if (!leaky_note->page)
		return -ENOMEM;
	pfn_slab = page_to_pfn(leaky_note->page);
	leave_traces();
	pfn_past = hide(&leaky_past);
	return 0;
}

static void __exit leaky_exit(void)
{
	__free_page(leaky_static);
	__free_page(leaky_note->page);
	__free_page(pfn_to_page(pfn_past));
	kfree(leaky_note);
}

module_init(leaky_init);
module_exit(leaky_exit);

MODULE_DESCRIPTION("Labyrinth: pages that somebody forgot");
MODULE_LICENSE("GPL");
