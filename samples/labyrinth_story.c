// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo's play, in a single module: driver A keeps a balance in a page, driver B makes a
 * mistake, driver C asks for a page like any other driver. With pages from alloc_page(), A's
 * balance is wrong in the end; with pages from Labyrinth, B is refused and A's balance is right.
 */
#define pr_fmt(fmt) "story: " fmt

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../labyrinth_alloc.h"

#define BALANCE 100
#define SCRIBBLE 666
/* A page just freed comes out of the page allocator again within so many allocations. */
#define TRIES 64

static char *bug = "free";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "B's mistake: free, late-free or map (default free)");

static bool safe;
module_param(safe, bool, 0444);
MODULE_PARM_DESC(safe, "Pages from Labyrinth, not from alloc_page() (default 0)");

static struct labyrinth_owner *a, *b, *c;
static bool late;

/* Inline, since a report names the function that calls Labyrinth: A's, B's or C's. */
static __always_inline void *get_page_of(struct labyrinth_owner *owner)
{
	struct page *page;

	if (safe)
		return labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	return page ? page_address(page) : NULL;
}

static __always_inline int put_page_of(struct labyrinth_owner *owner, void *addr)
{
	if (safe)
		return labyrinth_free_page(owner, addr);
	__free_page(virt_to_page(addr));
	return 0;
}

/* Allocates for @owner until a page is @wanted, and keeps the last page only. */
static void *get_until(struct labyrinth_owner *owner, const void *wanted)
{
	void *pages[TRIES];
	unsigned int n = 0;
	void *last = NULL;

	while (n < TRIES && last != wanted) {
		last = get_page_of(owner);
		if (!last)
			break;
		pages[n++] = last;
	}
	while (n-- > 1)
		put_page_of(owner, pages[n - 1]);
	return last;
}

/* C, without any mistake, writes to a page that C was given. */
static noinline void *c_takes_page(const int *balance)
{
	int *page = get_until(c, balance);

	if (page)
		*page = SCRIBBLE;
	return page;
}

static void tell(const char *what, int err)
{
	if (err)
		pr_info("B %s: refused, %pe\n", what, ERR_PTR(err));
	else
		pr_info("B %s: nobody minds\n", what);
}

/*
 * B frees a page that B does not have: A's page, or a page that B had and already freed.
 * Interrupts are off, so that nobody but C is given the page.
 */
static noinline void *b_frees_page(const int *balance, void *addr)
{
	unsigned long flags;
	void *page;
	int err;

	local_irq_save(flags);
	err = put_page_of(b, addr);
	page = c_takes_page(balance);
	local_irq_restore(flags);
	tell(late ? "frees the page that it had before once more" :
		    "frees A's page", err);
	return page;
}

static noinline void *b_maps_page(int *balance)
{
	struct page *page = virt_to_page(balance);
	int *mapped = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	if (mapped) {
		*mapped = SCRIBBLE;
		vunmap(mapped);
	}
	tell("maps A's page and writes to it", mapped ? 0 : -EPERM);
	return NULL;
}

/* B takes and frees @used, then A gets a page: without Labyrinth, @used again. */
static int *get_after_b(void **used)
{
	unsigned long flags;
	int *balance = NULL;

	local_irq_save(flags);
	*used = get_page_of(b);
	if (*used) {
		put_page_of(b, *used);
		balance = get_until(a, *used);
	}
	local_irq_restore(flags);
	/* A has another page: B's second free of @used would harm the kernel itself. */
	if (balance && !safe && balance != *used) {
		put_page_of(a, balance);
		return NULL;
	}
	return balance;
}

static void play_out(int *balance, void *addr, bool map)
{
	int *page = map ? b_maps_page(balance) : b_frees_page(balance, addr);

	if (page)
		pr_info("C asks for a page, gets %s, and writes to it\n",
			page == balance ? "A's" : "another");
	pr_info("A reads its balance: %d, which is %s\n", *balance,
		*balance == BALANCE ? "right" : "WRONG");
	if (page)
		put_page_of(c, page);
	/* Else B has freed A's page. */
	if (safe || map)
		put_page_of(a, balance);
}

static noinline int *a_takes_page(void)
{
	int *page = get_page_of(a);

	if (page)
		*page = 0;
	return page;
}

static int play(void)
{
	void *addr;
	int *balance;

	late = !strcmp(bug, "late-free");
	balance = late ? get_after_b(&addr) : a_takes_page();
	if (!balance)
		return -ENOMEM;
	*balance = BALANCE;
	pr_info("A has a page, and keeps its balance there: %d\n", *balance);
	play_out(balance, late ? addr : balance, !strcmp(bug, "map"));
	return 0;
}

static void destroy(struct labyrinth_owner *owner)
{
	if (owner)
		labyrinth_owner_destroy(owner);
}

static void story_end(void)
{
	destroy(c);
	destroy(b);
	destroy(a);
}

static struct labyrinth_owner *create(const char *name)
{
	struct labyrinth_owner_attrs attrs = {
		.name = name,
		.nid = NUMA_NO_NODE,
	};
	struct labyrinth_owner *owner = labyrinth_owner_create(&attrs);

	return IS_ERR(owner) ? NULL : owner;
}

static int __init story_init(void)
{
	int err;

	if (safe) {
		a = create("A");
		b = create("B");
		c = create("C");
	}
	err = safe && (!a || !b || !c) ? -ENOMEM : play();
	if (err)
		story_end();
	return err;
}

static void __exit story_exit(void)
{
	story_end();
}

module_init(story_init);
module_exit(story_exit);

MODULE_DESCRIPTION("Labyrinth sample: bugs without it and with it");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
