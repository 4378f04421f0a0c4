// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that an owner may make about pages, and the moves of slips between actors.
 *
 * All of this runs in any context, inside of an RCU read-side section. The mortal owner's end
 * waits for such sections: see lives.c.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/poison.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "torture.h"

#define BULK	8

/* Slips on the way from actor to actor; never NULL. */
struct tort_slip *tort_swaps[TORT_CELLS];
/* Slips of pages to which a borrower has a reference, or NULL. */
struct tort_slip *tort_loans[TORT_CELLS];

/* Whether the slip may go to an actor that is not the owner's only user. */
static bool is_shareable(const struct tort_slip *p)
{
	return p->state == TORT_EMPTY || p->owner->shared;
}

/* Puts @p into a slot. Other actors may read the slot meanwhile: see victim() in attacks.c. */
static void put_slip(struct tort_slip **at, struct tort_slip *p)
{
	WRITE_ONCE(*at, p);
}

static struct tort_owner *pick_owner(struct tort_actor *a)
{
	return a->usable[tort_roll(a, a->nr_usable)];
}

static void check_zeroes(struct tort_actor *a, const struct tort_owner *owner,
			 const void *addr)
{
	const u8 *found;

	if (!owner->zero)
		return;
	found = memchr_inv(addr, 0, PAGE_SIZE);
	if (found)
		tort_violation(a, NULL, "pfn 0x%lx of %s: expected zeroes, found 0x%x in byte %zu",
			       page_to_pfn(virt_to_page(addr)), owner->name,
			       *found, offset_in_page(found));
}

/* Fills the empty slip @p, if there is a page. Context: Any. */
void tort_alloc(struct tort_actor *a, struct tort_slip *p, struct tort_owner *owner)
{
	struct labyrinth_owner *handle = READ_ONCE(owner->handle);
	void *addr;

	WRITE_ONCE(a->in_alloc, owner);
	addr = tort_call(a, TORT_NO_PAGE,
			 labyrinth_void_alloc_page_gfp_atomic_exclusive(handle));
	if (!addr) {
		tort_got_none(a, owner, handle);
		return;
	}
	if (!owner->mortal)
		check_zeroes(a, owner, addr);
	tort_received(a, p, owner, handle, addr);
}

static void play_alloc(struct tort_actor *a, struct tort_slip **at)
{
	tort_alloc(a, *at, pick_owner(a));
}

static unsigned int find_empty(struct tort_actor *a, struct tort_slip **empty)
{
	unsigned int i, nr = 0, start = tort_roll(a, TORT_SLOTS);

	for (i = 0; i < TORT_SLOTS && nr < BULK; i++) {
		struct tort_slip *p = a->slots[(start + i) % TORT_SLOTS];

		if (p->state == TORT_EMPTY)
			empty[nr++] = p;
	}
	return nr;
}

static void play_bulk(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_owner *owner = pick_owner(a);
	struct labyrinth_owner *handle = READ_ONCE(owner->handle);
	struct tort_slip *empty[BULK];
	unsigned int nr = find_empty(a, empty), got, i;
	void *addrs[BULK];

	WRITE_ONCE(a->in_alloc, owner);
	got = tort_call(a, TORT_NO_PAGE,
			labyrinth_alloc_bulk(handle, nr, addrs));
	for (i = 0; i < got; i++) {
		if (!owner->mortal)
			check_zeroes(a, owner, addrs[i]);
		tort_received(a, empty[i], owner, handle, addrs[i]);
	}
	if (got < nr)
		tort_got_none(a, owner, handle);
}

static u64 burst_mark(const struct tort_actor *a, const void *addr)
{
	return (u64)a->step << 8 ^ a->id ^ (unsigned long)addr;
}

static void free_burst(struct tort_actor *a, struct tort_owner *owner,
		       void *addr)
{
	int err;

	if (*(u64 *)addr != burst_mark(a, addr))
		tort_violation(a, NULL, "pfn 0x%lx of %s: expected 0x%llx, found 0x%llx",
			       page_to_pfn(virt_to_page(addr)), owner->name,
			       burst_mark(a, addr), *(u64 *)addr);
	err = tort_call(a, addr, labyrinth_free_page(owner->handle, addr));
	tort_expect(a, "a burst's free", NULL, 0, err, TORT_NR_CLASSES);
}

/*
 * Allocates so many pages at once that a cache runs out, and frees so many that a cache runs
 * over.
 */
static void play_burst(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_owner *owner = &tort_shared[tort_roll(a, TORT_QUOTA)];
	unsigned int nr, i;

	WRITE_ONCE(a->in_alloc, owner);
	nr = tort_call(a, TORT_NO_PAGE,
		       labyrinth_alloc_bulk(owner->handle, TORT_BURST,
					    a->burst));
	for (i = 0; i < nr; i++) {
		check_zeroes(a, owner, a->burst[i]);
		*(u64 *)a->burst[i] = burst_mark(a, a->burst[i]);
	}
	if (nr < TORT_BURST)
		tort_got_none(a, owner, owner->handle);
	for (i = 0; i < nr; i++)
		free_burst(a, owner, a->burst[i]);
}

/* Context: Any. Return: whether the page was there to be freed. */
bool tort_free(struct tort_actor *a, struct tort_slip *p)
{
	bool gone = tort_is_gone(p);
	int err;

	tort_giving(p);
	err = tort_call(a, p->addr, labyrinth_free_page(p->handle, p->addr));
	if (!tort_succeeded(a, "free", p, gone, err)) {
		tort_keeps(p);
		return false;
	}
	tort_gave(p);
	p->state = TORT_EMPTY;
	return true;
}

/*
 * Whether the new owner @to explains the refusal @err of a page: @to's quota is full, or @to is
 * mortal and went meanwhile.
 */
static bool was_declined(struct tort_actor *a, struct tort_owner *to,
			 const struct labyrinth_owner *handle, bool full,
			 int err)
{
	if (err == -ENOSPC)
		return to->quota && (to->shared || full);
	if (err != -EINVAL || (handle && READ_ONCE(to->handle) == handle))
		return false;
	a->refused[TORT_BAD_HANDLE]++;
	return true;
}

/* Only an owner with no other user can be known to have no room. */
static bool is_full(const struct tort_owner *owner)
{
	return owner->quota && !owner->shared &&
	       atomic_read(&owner->out) == owner->quota;
}

static void hand_on(struct tort_actor *a, struct tort_slip *p,
		    struct tort_owner *to)
{
	struct labyrinth_owner *handle = READ_ONCE(to->handle);
	bool full = is_full(to) && to != p->owner;
	bool gone = tort_is_gone(p);
	int err;

	tort_giving(p);
	err = tort_call(a, p->addr,
			labyrinth_transfer(p->handle, handle, p->addr));
	if (err && !gone && (err != -EINVAL || tort_is_owners(p)) &&
	    was_declined(a, to, handle, full, err)) {
		tort_keeps(p);
	} else if (tort_succeeded(a, "transfer", p, gone, err)) {
		if (full)
			tort_violation(a, p, "transferred beyond a quota");
		tort_gave(p);
		tort_received(a, p, to, handle, p->addr);
	} else {
		tort_keeps(p);
	}
}

static void play_free(struct tort_actor *a, struct tort_slip **at)
{
	tort_free(a, *at);
}

/*
 * @a interrupted an allocation, perhaps in the middle of taking a page off a list. Takes two
 * pages, and frees the first again: then the list begins with the same page as before, but
 * another page follows.
 */
void tort_aba(struct tort_actor *a, struct tort_actor *interrupted)
{
	struct tort_owner *owner = READ_ONCE(interrupted->in_alloc);
	struct tort_slip *empty[BULK];

	if (READ_ONCE(interrupted->in_call) != TORT_NO_PAGE || !owner ||
	    !owner->shared || find_empty(a, empty) < 2)
		return;
	rcu_read_lock();
	tort_alloc(a, empty[0], owner);
	tort_alloc(a, empty[1], owner);
	if (empty[0]->state == TORT_HELD)
		tort_free(a, empty[0]);
	rcu_read_unlock();
}

static void play_transfer(struct tort_actor *a, struct tort_slip **at)
{
	hand_on(a, *at, pick_owner(a));
}

static struct tort_actor *pick_thread(struct tort_actor *a)
{
	struct tort_actor *b = tort_actors[tort_roll(a, tort_nr_actors)];

	return b->context == TORT_TASK && b != a ? b : NULL;
}

/*
 * Gives a page to the owner that is bound to thread @b, for @b to find. While the inbox is
 * NULL, only the actor whose xchg() emptied the inbox may fill the inbox.
 */
static void post(struct tort_actor *a, struct tort_slip **at,
		 struct tort_actor *b)
{
	struct tort_slip *p = *at, *empty = xchg(&b->inbox, NULL);

	if (!empty)
		return;
	if (empty->state == TORT_EMPTY) {
		hand_on(a, p, &b->own[TORT_OWN_BOUND]);
		if (p->owner == &b->own[TORT_OWN_BOUND]) {
			put_slip(at, empty);
			empty = p;
		}
	}
	/* Pairs with the xchg() in post() and play_collect(). */
	smp_store_release(&b->inbox, empty);
}

static void play_post(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_actor *b = pick_thread(a);

	if (b && !(*at)->owner->mortal)
		post(a, at, b);
}

static void play_collect(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *empty = *at, *p = xchg(&a->inbox, NULL);

	if (!p)
		return;
	put_slip(at, p);
	/* Pairs with the xchg() in post(). */
	smp_store_release(&a->inbox, empty);
}

/*
 * A borrower is done with the page. loans_min falls before put_page(), loans_max after: when
 * Labyrinth says that no borrower is left, loans_min is 0; while loans_max is not 0, Labyrinth
 * may say that a borrower is left.
 */
void tort_return_loan(struct tort_actor *a, struct tort_slip *p)
{
	struct page *page = virt_to_page(p->addr);

	tort_check(a, p);
	if (tort_roll(a, 2)) {
		get_page(page);
		put_page(page);
	}
	atomic_fetch_dec_release(&p->loans_min);
	put_page(page);
	/* Pairs with the atomic_read_acquire() in play_regain(). */
	atomic_fetch_dec_release(&p->loans_max);
}

static void play_lend(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;
	bool gone = tort_is_gone(p);
	struct page *page;

	page = tort_call(a, p->addr, labyrinth_lend(p->handle, p->addr));
	if (!tort_succeeded(a, "lend", p, gone, PTR_ERR_OR_ZERO(page)))
		return;
	if (page != virt_to_page(p->addr))
		tort_violation(a, p, "lend gave another page");
	if (!p->owner->mortal && page_ref_count(page) != TORT_REFS_LENT)
		tort_violation(a, p, "lent with %d references",
			       page_ref_count(page));
	p->state = TORT_LENT;
	atomic_inc(&p->loans_min);
	atomic_inc(&p->loans_max);
	p = xchg(&tort_loans[tort_roll(a, TORT_CELLS)], p);
	if (p)
		tort_return_loan(a, p);
}

static void play_borrow(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p;

	p = xchg(&tort_loans[tort_roll(a, TORT_CELLS)], NULL);
	if (p)
		tort_return_loan(a, p);
}

static void play_reclaim(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;
	bool wanted = atomic_read(&p->loans_max);
	bool gone = tort_is_gone(p);
	int err;

	err = tort_call(a, p->addr, labyrinth_reclaim(p->handle, p->addr));
	if (err == -EBUSY && wanted && p->state == TORT_LENT)
		return;
	if (!tort_succeeded(a, "reclaim", p, gone, err))
		return;
	if (atomic_read(&p->loans_min))
		tort_violation(a, p, "reclaimed while a borrower has it");
	p->state = TORT_HELD;
	if (!p->owner->mortal && !tort_refs_are(p->addr, TORT_REFS_HELD))
		tort_violation(a, p, "reclaimed with %d references",
			       page_ref_count(virt_to_page(p->addr)));
}

static void is_ordinary_now(struct tort_actor *a, struct tort_slip *p)
{
	p->owner = &tort_nobody;
	p->handle = NULL;
	p->state = TORT_ORDINARY;
	if (page_count(virt_to_page(p->addr)) != 1)
		tort_violation(a, p, "an ordinary page with %d references",
			       page_count(virt_to_page(p->addr)));
	tort_mark(a, p);
}

/* Whether @p's page is out of Labyrinth now. */
static bool let_go(struct tort_actor *a, struct tort_slip *p,
		   struct page *(*release)(struct labyrinth_owner *owner, void *addr))
{
	bool gone = tort_is_gone(p);
	struct page *page;

	tort_giving(p);
	page = tort_call(a, p->addr, release(p->handle, p->addr));
	if (!tort_succeeded(a, "release", p, gone, PTR_ERR_OR_ZERO(page))) {
		tort_keeps(p);
		return false;
	}
	tort_gave(p);
	if (page != virt_to_page(p->addr))
		tort_violation(a, p, "release gave another page");
	return true;
}

static void play_release(struct tort_actor *a, struct tort_slip **at)
{
	if (let_go(a, *at, labyrinth_release))
		is_ordinary_now(a, *at);
}

/*
 * Borrowers still use the page and compare the mark. So the mark stays, and the slip names the
 * former owner, until the last borrower is done.
 */
static void play_part(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;
	int most = atomic_read(&p->loans_max), refs;

	if (!let_go(a, p, labyrinth_release_lent))
		return;
	p->state = TORT_PARTED;
	refs = page_count(virt_to_page(p->addr));
	/* A borrower takes a reference more for a moment. */
	if (refs > 2 + most || refs < 1 + atomic_read(&p->loans_min))
		tort_violation(a, p, "released while lent, with %d references",
			       refs);
}

#ifdef CONFIG_MEMCG
static void uncharge(struct page *page)
{
	page->memcg_data = 0;
}
#else
static void uncharge(struct page *page)
{
}
#endif

/*
 * Clears the words of struct page in which a borrower may keep books, as a borrower does before
 * freeing the page: the scribbler's writes are no more than such books. The words that would
 * make the page another than before are already put right by the release.
 */
static void close_books(struct page *page)
{
	unsigned long *flags = (unsigned long *)page;

	*flags &= ~PAGE_FLAGS_CHECK_AT_PREP;
	page->lru.next = LIST_POISON1;
	page->lru.prev = LIST_POISON2;
	page->mapping = NULL;
	set_page_private(page, 0);
	uncharge(page);
}

static void play_regain(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;

	if (atomic_read_acquire(&p->loans_max))
		return;
	if (tort_scribbled)
		close_books(virt_to_page(p->addr));
	is_ordinary_now(a, p);
}

static void play_adopt(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;
	struct tort_owner *to = pick_owner(a);
	struct labyrinth_owner *handle = READ_ONCE(to->handle);
	bool full = is_full(to);
	void *addr;

	addr = tort_call(a, p->addr,
			 labyrinth_adopt(handle, virt_to_page(p->addr)));
	if (IS_ERR(addr)) {
		if (!was_declined(a, to, handle, full, PTR_ERR(addr)))
			tort_violation(a, p, "adopt by %s gave %pe", to->name,
				       addr);
		return;
	}
	if (addr != p->addr)
		tort_violation(a, p, "adopt gave another page");
	if (full)
		tort_violation(a, p, "adopted beyond a quota");
	tort_received(a, p, to, handle, addr);
}

static void play_bring(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;
	struct page *page;

	if (!tort_may_lock())
		return;
	page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	if (!page)
		return;
	WRITE_ONCE(p->addr, page_address(page));
	is_ordinary_now(a, p);
}

static void play_drop(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;

	if (!tort_may_lock())
		return;
	p->state = TORT_EMPTY;
	__free_page(virt_to_page(p->addr));
}

static void play_swap(struct tort_actor *a, struct tort_slip **at)
{
	if (is_shareable(*at))
		put_slip(at, xchg(&tort_swaps[tort_roll(a, TORT_CELLS)], *at));
}

static void check_info(struct tort_actor *a, const struct tort_slip *p,
		       const struct labyrinth_page_info *info)
{
	bool lent = p->state == TORT_LENT;

	if (info->pfn != page_to_pfn(virt_to_page(p->addr)) ||
	    info->state != (lent ? LABYRINTH_PAGE_LENT : LABYRINTH_PAGE_HELD) ||
	    (info->refs < TORT_REFS_HELD && !tort_is_scribbled()) ||
	    info->refs > TORT_REFS_HELD + (lent ? 2 : 0) ||
	    strcmp(info->owner, p->owner->name) ||
	    strcmp(info->module, KBUILD_MODNAME))
		tort_violation(a, p, "query says pfn 0x%lx, state %d, %d references, %s of %s",
			       info->pfn, info->state, info->refs, info->owner,
			       info->module);
}

static void play_inspect(struct tort_actor *a, struct tort_slip **at)
{
	const struct tort_slip *p = *at;
	struct labyrinth_page_info info;
	bool owns, foreign;
	int err;

	err = tort_call(a, p->addr, labyrinth_query(p->addr, &info));
	owns = tort_call(a, p->addr, labyrinth_owns(p->handle, p->addr));
	foreign = tort_call(a, p->addr,
			    labyrinth_owns(tort_attacker.handle, p->addr));
	if (foreign)
		tort_violation(a, p, "a foreigner owns it");
	if (p->owner->mortal)
		return;
	tort_expect(a, "query", p, 0, err, TORT_NR_CLASSES);
	if (!err)
		check_info(a, p, &info);
	if (!owns)
		tort_violation(a, p, "the owner does not own it");
}

/* Makes @p empty when no other actor plays any more. Context: Task. */
void tort_settle(struct tort_actor *a, struct tort_slip *p)
{
	if (p->state != TORT_EMPTY)
		tort_check(a, p);
	if (p->state == TORT_LENT)
		play_reclaim(a, &p);
	if (p->state == TORT_MAPPED)
		tort_play_core_unmap(a, &p);
	if (p->state == TORT_HELD)
		tort_free(a, p);
	if (p->state == TORT_PARTED)
		play_regain(a, &p);
	if (p->state == TORT_ORDINARY)
		play_drop(a, &p);
}

static void (* const plays[])(struct tort_actor *a, struct tort_slip **at) = {
	[TORT_OP_ALLOC] = play_alloc,
	[TORT_OP_BULK] = play_bulk,
	[TORT_OP_BURST] = play_burst,
	[TORT_OP_FREE] = play_free,
	[TORT_OP_TRANSFER] = play_transfer,
	[TORT_OP_POST] = play_post,
	[TORT_OP_COLLECT] = play_collect,
	[TORT_OP_LEND] = play_lend,
	[TORT_OP_BORROW] = play_borrow,
	[TORT_OP_RECLAIM] = play_reclaim,
	[TORT_OP_RELEASE] = play_release,
	[TORT_OP_PART] = play_part,
	[TORT_OP_REGAIN] = play_regain,
	[TORT_OP_DMA] = tort_play_dma,
	[TORT_OP_ADOPT] = play_adopt,
	[TORT_OP_BRING] = play_bring,
	[TORT_OP_DROP] = play_drop,
	[TORT_OP_SWAP] = play_swap,
	[TORT_OP_INSPECT] = play_inspect,
	[TORT_OP_RECEIVE] = tort_play_receive,
	[TORT_OP_FRAGMENT] = tort_play_fragment,
	[TORT_OP_CORE_MAP] = tort_play_core_map,
	[TORT_OP_CORE_UNMAP] = tort_play_core_unmap,
	[TORT_OP_CORE_BUSY] = tort_play_core_busy,
};

static_assert(ARRAY_SIZE(plays) == TORT_OP_FOREIGN);

/* Context: Any, in an RCU read-side section. */
void tort_play_right(struct tort_actor *a, enum tort_op op,
		     struct tort_slip **at)
{
	plays[op](a, at);
}
