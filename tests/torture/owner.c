// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owners that live as long as the run: the shared owners, each actor's own, and the
 * attacker, which never has a page.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/page_ref.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "torture.h"

#define SHARED_QUOTA	40
#define OWN_QUOTA	4
/* So that pages are there where the page allocator may not be asked. */
#define OWN_RESERVE	8

struct tort_owner tort_shared[TORT_NR_SHARED];
struct tort_owner tort_attacker;
/* The owner in the slips of ordinary pages. */
struct tort_owner tort_nobody = { .name = "nobody", .shared = true };
struct labyrinth_owner *tort_dead_handle;

static u16 last_index;

static const struct labyrinth_owner_attrs shared_attrs[] = {
	[TORT_PLAIN] = { .name = "plain", .nid = NUMA_NO_NODE },
	[TORT_ZERO] = { .name = "zero", .nid = NUMA_NO_NODE,
			.flags = LABYRINTH_OWNER_ZERO },
	[TORT_RESERVE] = { .name = "reserve", .nid = NUMA_NO_NODE,
			   .reserve = 64 },
	/* create_shared() fills in the node: the last. */
	[TORT_NODE] = { .name = "node" },
	[TORT_CORE] = { .name = "core", .nid = NUMA_NO_NODE,
			.flags = LABYRINTH_OWNER_CORE_MAPS },
	[TORT_QUOTA] = { .name = "quota", .nid = NUMA_NO_NODE,
			 .max_pages = SHARED_QUOTA },
	[TORT_MORTAL] = { .name = "mortal", .nid = NUMA_NO_NODE,
			  .reserve = 16 },
};

static_assert(ARRAY_SIZE(shared_attrs) == TORT_NR_SHARED);

static const struct labyrinth_owner_attrs own_attrs[] = {
	[TORT_OWN_SINGLE] = { .name = "single", .nid = NUMA_NO_NODE,
			      .reserve = OWN_RESERVE,
			      .flags = LABYRINTH_OWNER_SINGLE },
	[TORT_OWN_LOCAL] = { .name = "local", .nid = NUMA_NO_NODE,
			     .reserve = OWN_RESERVE },
	[TORT_OWN_QUOTA] = { .name = "own-quota", .nid = NUMA_NO_NODE,
			     .max_pages = OWN_QUOTA, .reserve = OWN_RESERVE,
			     .flags = LABYRINTH_OWNER_ZERO |
				      LABYRINTH_OWNER_SINGLE },
	[TORT_OWN_BOUND] = { .name = "bound", .nid = NUMA_NO_NODE },
};

static_assert(ARRAY_SIZE(own_attrs) == TORT_NR_OWN);

/* All owners have the same device. */
static int create(struct tort_owner *owner, struct labyrinth_owner_attrs *attrs)
{
	struct labyrinth_owner *handle;

	attrs->dev = tort_device();
	handle = labyrinth_owner_create(attrs);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	strscpy(owner->name, attrs->name, LABYRINTH_NAME_LEN);
	owner->quota = attrs->max_pages;
	owner->zero = attrs->flags & LABYRINTH_OWNER_ZERO;
	owner->index = ++last_index;
	atomic_set(&owner->out, 0);
	owner->handle = handle;
	return 0;
}

static int create_shared(enum tort_shared which)
{
	struct labyrinth_owner_attrs attrs = shared_attrs[which];
	int node;

	if (which == TORT_NODE)
		for_each_node_state(node, N_MEMORY)
			attrs.nid = node;
	tort_shared[which].shared = true;
	tort_shared[which].mortal = which == TORT_MORTAL;
	return create(&tort_shared[which], &attrs);
}

/* The next life of the mortal owner. Context: Task; may sleep. */
struct labyrinth_owner *tort_mortal_create(void)
{
	return labyrinth_owner_create(&shared_attrs[TORT_MORTAL]);
}

/* Context: Task; may sleep. Return: 0, or as labyrinth_owner_create(). */
int tort_owners_begin(void)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "attacker", .nid = NUMA_NO_NODE,
	};
	enum tort_shared which;
	int err;

	err = create(&tort_attacker, &attrs);
	if (err)
		return err;
	tort_dead_handle = labyrinth_owner_create(&attrs);
	if (IS_ERR(tort_dead_handle))
		return PTR_ERR(tort_dead_handle);
	labyrinth_owner_destroy(tort_dead_handle);
	for (which = 0; which < TORT_NR_SHARED && !err; which++)
		err = create_shared(which);
	return err;
}

static int create_own(struct tort_actor *a, enum tort_own which)
{
	struct labyrinth_owner_attrs attrs = own_attrs[which];
	char name[LABYRINTH_NAME_LEN];

	if (which == TORT_OWN_BOUND && a->context != TORT_TASK)
		return 0;
	if (which == TORT_OWN_BOUND)
		attrs.task = a->thread;
	snprintf(name, sizeof(name), "%s-%u", attrs.name, a->id);
	attrs.name = name;
	a->usable[a->nr_usable++] = &a->own[which];
	return create(&a->own[which], &attrs);
}

/*
 * Lists the owners that @a may use, and creates @a's own.
 * Context: Task; may sleep. Return: as labyrinth_owner_create().
 */
int tort_owners_of(struct tort_actor *a)
{
	unsigned int which;
	int err = 0;

	a->dead = tort_dead_handle;
	for (which = 0; which < TORT_NR_SHARED; which++)
		a->usable[a->nr_usable++] = &tort_shared[which];
	for (which = 0; which < TORT_NR_OWN && !err; which++)
		err = create_own(a, which);
	return err;
}

/*
 * All pages of @owner came back, so none may be out; except after a violation, when pages may
 * be out.
 */
static void destroy(struct tort_actor *a, struct tort_owner *owner)
{
	unsigned int out;

	if (!owner->handle)
		return;
	out = labyrinth_owner_destroy(owner->handle);
	owner->handle = NULL;
	if (out && !tort_failed())
		tort_violation(a, NULL, "%u pages of %s were out at the end",
			       out, owner->name);
}

void tort_owners_end_of(struct tort_actor *a)
{
	enum tort_own which;

	for (which = 0; which < TORT_NR_OWN; which++)
		destroy(a, &a->own[which]);
}

static void wrong_words(struct tort_actor *a, const struct tort_owner *owner,
			const struct page *page, const char *when)
{
	tort_violation(a, NULL, "pfn 0x%lx of %s, %s: %d refs, type %x, mapping %lx, lru %lx",
		       page_to_pfn(page), owner->name, when, page_ref_count(page),
		       READ_ONCE(page->page_type), (unsigned long)READ_ONCE(page->mapping),
		       (unsigned long)READ_ONCE(page->lru.next));
}

/* Lends and reclaims a page: after either call all words of struct page must be right. */
static void check_loan(struct tort_actor *a, const struct tort_owner *owner, void *addr)
{
	struct page *page = labyrinth_lend(owner->handle, addr);

	if (IS_ERR(page)) {
		tort_violation(a, NULL, "a loan at the end gave %pe", page);
		return;
	}
	if (PageOffline(page) || READ_ONCE(page->mapping) || PageTail(page))
		wrong_words(a, owner, page, "lent");
	put_page(page);
	tort_expect(a, "a reclaim at the end", NULL, 0,
		    labyrinth_reclaim(owner->handle, addr), TORT_NR_CLASSES);
	if (!PageOffline(page) || READ_ONCE(page->mapping) || PageTail(page))
		wrong_words(a, owner, page, "reclaimed");
}

/*
 * A page just handed out has Labyrinth's type and all references, whatever the scribbler wrote.
 * Values that the scribbler wrote to the other words may stay until a loan lets the core follow
 * such words.
 */
static void check_handed_out(struct tort_actor *a, const struct tort_owner *owner,
			     void *addr)
{
	struct page *page = virt_to_page(addr);

	if (page_ref_count(page) != TORT_REFS_HELD || !PageOffline(page))
		wrong_words(a, owner, page, "handed out");
	else
		check_loan(a, owner, addr);
}

static void walk(struct tort_actor *a, struct tort_owner *owner)
{
	unsigned int nr, i;

	if (!owner->handle)
		return;
	nr = labyrinth_alloc_bulk(owner->handle, TORT_BURST, a->burst);
	for (i = 0; i < nr; i++)
		check_handed_out(a, owner, a->burst[i]);
	for (i = 0; i < nr; i++)
		tort_expect(a, "a free at the end", NULL, 0,
			    labyrinth_free_page(owner->handle, a->burst[i]),
			    TORT_NR_CLASSES);
}

/*
 * Allocates the pages that are cached on this CPU, and checks each page.
 * Context: Task; no other actor plays any more.
 */
void tort_owners_walk(struct tort_actor *a)
{
	unsigned int i, which;

	migrate_disable();
	for (which = 0; which < TORT_NR_SHARED; which++)
		walk(a, &tort_shared[which]);
	for (i = 0; i < tort_nr_actors; i++)
		for (which = 0; which < TORT_OWN_BOUND; which++)
			walk(a, &tort_actors[i]->own[which]);
	migrate_enable();
}

/* Context: Task; may sleep; nobody else plays any more. */
void tort_owners_end(struct tort_actor *a)
{
	enum tort_shared which;

	for (which = 0; which < TORT_NR_SHARED; which++)
		destroy(a, &tort_shared[which]);
	destroy(a, &tort_attacker);
}
