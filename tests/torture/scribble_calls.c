// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of the core that code with a stale pointer calls. Left out are calls that make the
 * core itself fail, before Labyrinth could notice:
 *
 *   LENT, LIMBO		a reference dropped is the borrower's, as far as anybody can tell:
 *			the loan ends too early
 *   references		never so many that none is left: the page allocator acts on the last
 *			reference, and guard=refuse is for that
 *   PageTail set		the core follows the pointer to the head
 *   zone, node, PG_head changed	unpin_user_page() counts in the zone, and in the
 *			next struct page
 *   a type that is not Labyrinth's	get_page() warns of a slab's, on some kernels
 *   mapping odd	an anonymous page, and DEBUG_VM's unpin_user_page() asserts that
 *			PG_anon_exclusive is set in such a page
 *   page_type, flags	put_pages_list() and a page_pool look at both
 *   flags changed	see scribble_words.c
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "../../labyrinth_compat.h"

#include "scribble.h"

#include LAB_PAGE_FRAG_H

static LIST_HEAD(own_list);

static int refs_of(const struct page *page)
{
	return atomic_read(&page->_refcount);
}

/* Whether the page has the type that Labyrinth gives, or none. */
static bool is_plain(struct page *page)
{
	return PageOffline(page) || READ_ONCE(page->page_type) == UINT_MAX;
}

static bool call_get_put(struct scrib_op *op)
{
	if (!is_plain(op->page))
		return false;
	get_page(op->page);
	put_page(op->page);
	return true;
}

static bool call_private(struct scrib_op *op)
{
	set_page_private(op->page, (unsigned long)&own_list);
	return true;
}

static bool call_list_add(struct scrib_op *op)
{
	list_add(&op->page->lru, &own_list);
	/* The list goes, the page's links stay. */
	INIT_LIST_HEAD(&own_list);
	return true;
}

static bool call_list_del(struct scrib_op *op)
{
	list_add(&op->page->lru, &own_list);
	list_del(&op->page->lru);
	return true;
}

static bool call_lock(struct scrib_op *op)
{
	return trylock_page(op->page);
}

static bool call_unlock(struct scrib_op *op)
{
	if (!PageLocked(op->page) || folio_test_waiters(page_folio(op->page)))
		return false;
	unlock_page(op->page);
	return true;
}

static bool call_uptodate(struct scrib_op *op)
{
	SetPageUptodate(op->page);
	return true;
}

static bool call_dirty(struct scrib_op *op)
{
	SetPageDirty(op->page);
	return true;
}

/* The calls from here on drop references. */

static bool call_put_page(struct scrib_op *op)
{
	put_page(op->page);
	return true;
}

static bool call_free_page(struct scrib_op *op)
{
	__free_page(op->page);
	return true;
}

static bool call_ref_sub(struct scrib_op *op)
{
	page_ref_sub(op->page, 1 + scrib_roll(op, 4));
	return true;
}

static bool call_frag_drain(struct scrib_op *op)
{
	__page_frag_cache_drain(op->page, 1 + scrib_roll(op, 4));
	return true;
}

static bool call_put_pages_list(struct scrib_op *op)
{
	list_add(&op->page->lru, &own_list);
	lab_put_pages_list(&own_list);
	INIT_LIST_HEAD(&own_list);
	return true;
}

static bool call_unpin(struct scrib_op *op)
{
	if (IS_ENABLED(CONFIG_DEBUG_VM) && *scrib_word(op->page, SCRIB_MAPPING) & 1)
		return false;
	unpin_user_page(op->page);
	return true;
}

static const struct {
	const char *name;
	bool (*fn)(struct scrib_op *op);
	unsigned int weight;
	bool drops;
	bool looks;	/* at flags and page_type, too */
	bool links;	/* writes lru.prev */
} calls[] = {
	{ "get_page,put_page", call_get_put, 4 },
	{ "set_page_private", call_private, 4 },
	{ "list_add", call_list_add, 4, .links = true },
	{ "list_del", call_list_del, 4, .links = true },
	{ "trylock_page", call_lock, 2, .looks = true },
	{ "unlock_page", call_unlock, 2, .looks = true },
	{ "SetPageUptodate", call_uptodate, 2, .looks = true },
	{ "SetPageDirty", call_dirty, 2, .looks = true },
	{ "put_page", call_put_page, 4, .drops = true },
	{ "__free_page", call_free_page, 4, .drops = true },
	{ "page_ref_sub", call_ref_sub, 2, .drops = true },
	{ "__page_frag_cache_drain", call_frag_drain, 2, .drops = true },
	{ "put_pages_list", call_put_pages_list, 2, .drops = true, .looks = true },
	{ "page_pool_put_full_page", scrib_pool_put, 2, .drops = true, .looks = true },
	{ "unpin_user_page", call_unpin, 1, .drops = true, .looks = true },
};

static unsigned int pick_call(struct scrib_op *op)
{
	unsigned int i, total = 0, at;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		total += calls[i].weight;
	at = scrib_roll(op, total);
	for (i = 0; at >= calls[i].weight; i++)
		at -= calls[i].weight;
	return i;
}

/* Pages with an even pfn lose references, pages with an odd pfn have flags changed. */
static bool may_drop(const struct scrib_op *op)
{
	return !scrib_is_lent(op) && !(op->pfn % 2);
}

static bool may_mark(const struct scrib_op *op)
{
	return op->pfn % 2 && scrib_is_home(op->page);
}

static bool may_call(const struct scrib_op *op, unsigned int i)
{
	if (!scrib_is_wanted_call(calls[i].name))
		return false;
	if (*scrib_word(op->page, SCRIB_LRU_NEXT) & 1)
		return false;
	if (calls[i].drops && !may_drop(op))
		return false;
	if (calls[i].links && !scrib_may_unseal(op))
		return false;
	if (!calls[i].looks)
		return true;
	return calls[i].drops ? scrib_is_home(op->page) : may_mark(op);
}

/*
 * Calls a function of the core about @op's page.
 * Context: stop_machine().
 * Return: whether the call was made.
 */
bool scrib_call(struct scrib_op *op)
{
	unsigned int i = pick_call(op);

	op->what = calls[i].name;
	op->old = refs_of(op->page);
	if (!may_call(op, i) || !calls[i].fn(op))
		return false;
	op->new = refs_of(op->page);
	return true;
}
