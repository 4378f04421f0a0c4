// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that must be refused: with another owner's handle, or with a handle of no owner; for
 * pages that are not the caller's, not Labyrinth's, or in another's hands. The model expects
 * the errno, and counts each refusal in the class.
 *
 * Runs in any context, inside of an RCU read-side section.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "torture.h"

/* Of a handle, see core/owner.h. */
#define LIFE_SHIFT		24
#define LIFE_BITS		36
#define HANDLE_LOW		GENMASK(8, 0)

/* Below the addresses at which any kernel maps memory, User-Mode Linux included. */
#define LOW_PAGES		(SZ_256M >> PAGE_SHIFT)

enum attempt {
	/* About a page, by its struct page; a further reference makes a difference. */
	ATTEMPT_ADOPT,
	/* By address; a further reference makes a difference. */
	ATTEMPT_FREE,
	ATTEMPT_TRANSFER,
	ATTEMPT_RELEASE,
	ATTEMPT_LEND,
	ATTEMPT_RECLAIM,
	/* By address; a further reference makes no difference. */
	ATTEMPT_RELEASE_LENT,
	ATTEMPT_DMA_MAP,
	ATTEMPT_DMA_UNMAP,
	/* About no page. */
	ATTEMPT_ALLOC,
	ATTEMPT_BULK,
	ATTEMPT_NR
};

static const char * const attempt_names[] = {
	[ATTEMPT_ADOPT] = "adopt",
	[ATTEMPT_FREE] = "free",
	[ATTEMPT_TRANSFER] = "transfer",
	[ATTEMPT_RELEASE] = "release",
	[ATTEMPT_LEND] = "lend",
	[ATTEMPT_RECLAIM] = "reclaim",
	[ATTEMPT_RELEASE_LENT] = "release_lent",
	[ATTEMPT_DMA_MAP] = "dma_map",
	[ATTEMPT_DMA_UNMAP] = "dma_unmap",
	[ATTEMPT_ALLOC] = "alloc",
	[ATTEMPT_BULK] = "alloc_bulk",
};

static_assert(ARRAY_SIZE(attempt_names) == ATTEMPT_NR);

static enum attempt pick_attempt(struct tort_actor *a, enum attempt first,
				 enum attempt last)
{
	return first + tort_roll(a, last - first + 1);
}

/* An allocation returns no errno: returns @wanted where an allocation gives no page. */
static int attempt(struct tort_actor *a, enum attempt what,
		   struct labyrinth_owner *handle, void *addr, int wanted)
{
	dma_addr_t dma;
	void *got;

	switch (what) {
	case ATTEMPT_FREE:
		return tort_call(a, addr, labyrinth_free_page(handle, addr));
	case ATTEMPT_TRANSFER:
		return tort_call(a, addr,
				 labyrinth_transfer(handle, tort_shared[TORT_PLAIN].handle,
						    addr));
	case ATTEMPT_RELEASE:
		got = tort_call(a, addr, labyrinth_release(handle, addr));
		return PTR_ERR_OR_ZERO(got);
	case ATTEMPT_LEND:
		got = tort_call(a, addr, labyrinth_lend(handle, addr));
		return PTR_ERR_OR_ZERO(got);
	case ATTEMPT_RECLAIM:
		return tort_call(a, addr, labyrinth_reclaim(handle, addr));
	case ATTEMPT_RELEASE_LENT:
		got = tort_call(a, addr, labyrinth_release_lent(handle, addr));
		return PTR_ERR_OR_ZERO(got);
	case ATTEMPT_DMA_MAP:
		return tort_call(a, addr,
				 labyrinth_dma_map(handle, tort_device(), addr, 0,
						   PAGE_SIZE, DMA_FROM_DEVICE, &dma));
	case ATTEMPT_DMA_UNMAP:
		return tort_call(a, addr,
				 labyrinth_dma_unmap(handle, tort_device(), addr, 0,
						     PAGE_SIZE, DMA_FROM_DEVICE));
	case ATTEMPT_ADOPT:
		got = tort_call(a, addr,
				labyrinth_adopt(handle, addr ? virt_to_page(addr) : NULL));
		return PTR_ERR_OR_ZERO(got);
	case ATTEMPT_ALLOC:
		got = tort_call(a, TORT_NO_PAGE,
				labyrinth_void_alloc_page_gfp_atomic_exclusive(handle));
		return got ? 0 : wanted;
	default:
		return tort_call(a, TORT_NO_PAGE,
				 labyrinth_alloc_bulk(handle, 2, &got)) ?
		       0 : wanted;
	}
}

static void attack(struct tort_actor *a, enum attempt what,
		   const struct tort_slip *p, struct labyrinth_owner *handle,
		   void *addr, int wanted, enum tort_class class)
{
	tort_expect(a, attempt_names[what], p, wanted,
		    attempt(a, what, handle, addr, wanted), class);
}

/* The handle of an owner that lives as long as the run, and that all actors may use. */
static struct labyrinth_owner *pick_handle(struct tort_actor *a)
{
	return tort_shared[tort_roll(a, TORT_MORTAL)].handle;
}

/*
 * A call with the handle of another owner: a shared owner, or the attacker, which never has a
 * page.
 */
static void play_foreign(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_owner *other = &tort_shared[tort_roll(a, TORT_MORTAL)];
	struct tort_slip *p = *at;

	if (p->owner->mortal)
		return;
	if (p->owner == other)
		other = &tort_attacker;
	attack(a, pick_attempt(a, ATTEMPT_ADOPT, ATTEMPT_DMA_UNMAP), p,
	       other->handle, p->addr, -EPERM, TORT_FOREIGN);
	if (tort_call(a, p->addr, labyrinth_owns(other->handle, p->addr)))
		tort_violation(a, p, "%s owns it as well", other->name);
}

/*
 * Where @a interrupted a call: the address that the call is about. Else an address from the
 * slots of a random actor.
 */
static void *victim(struct tort_actor *a)
{
	struct tort_actor *b = tort_interrupted(a);

	if (b)
		return (void *)READ_ONCE(b->in_call);
	b = tort_actors[tort_roll(a, tort_nr_actors)];
	return READ_ONCE(READ_ONCE(b->slots[tort_roll(a, TORT_SLOTS)])->addr);
}

static bool is_page(const void *addr)
{
	return addr && PAGE_ALIGNED(addr) && virt_addr_valid(addr);
}

/* By now any owner may have the page, or none: but not the attacker, which never has a page. */
static void play_stranger(struct tort_actor *a, struct tort_slip **at)
{
	enum attempt what = pick_attempt(a, ATTEMPT_FREE, ATTEMPT_DMA_UNMAP);
	struct labyrinth_page_info info;
	void *addr = victim(a);
	int err = attempt(a, what, tort_attacker.handle, addr, 0);

	if (err == -EPERM)
		a->refused[TORT_FOREIGN]++;
	else if (err == -ENOENT)
		a->refused[TORT_UNOWNED]++;
	else if (err == -EINVAL && !is_page(addr))
		a->refused[TORT_BAD_ADDRESS]++;
	else
		tort_violation(a, NULL, "a stranger's %s of %p gave %pe",
			       attempt_names[what], addr, ERR_PTR(err));
	err = tort_call(a, addr, labyrinth_query(addr, &info));
	if (!err && info.pfn != page_to_pfn(virt_to_page(addr)))
		tort_violation(a, NULL, "query of pfn 0x%lx says 0x%lx",
			       page_to_pfn(virt_to_page(addr)), info.pfn);
}

static void *addr_of(const struct tort_slip *p)
{
	return p->state == TORT_EMPTY ? NULL : p->addr;
}

static void bad_handle(struct tort_actor *a, const struct tort_slip *p,
		       struct labyrinth_owner *handle)
{
	if (p->state == TORT_HELD && !p->owner->mortal && !tort_roll(a, 4))
		tort_expect(a, "transfer to a bad handle", p, -EINVAL,
			    tort_call(a, p->addr,
				      labyrinth_transfer(p->handle, handle, p->addr)),
			    TORT_BAD_HANDLE);
	else
		attack(a, tort_roll(a, ATTEMPT_NR), p, handle, addr_of(p),
		       -EINVAL, TORT_BAD_HANDLE);
	if (labyrinth_owns(handle, addr_of(p)))
		tort_violation(a, p, "a bad handle owns it");
}

static void play_dead_handle(struct tort_actor *a, struct tort_slip **at)
{
	bad_handle(a, *at, a->dead);
}

/* Either a live handle with a changed bit in the life field, or any number. */
static void play_forged(struct tort_actor *a, struct tort_slip **at)
{
	unsigned long live = (unsigned long)pick_handle(a), forged;

	if (tort_roll(a, 2))
		forged = live ^ BIT(LIFE_SHIFT + tort_roll(a, LIFE_BITS));
	else
		forged = a->dice & ~HANDLE_LOW;
	bad_handle(a, *at, (struct labyrinth_owner *)forged);
}

/* The handle of an owner that is bound to another thread than this. */
static void play_wrong_thread(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_actor *b = tort_actors[tort_roll(a, tort_nr_actors)];

	if (b->context == TORT_TASK && b != a)
		attack(a, tort_roll(a, ATTEMPT_NR), *at,
		       b->own[TORT_OWN_BOUND].handle, addr_of(*at), -EPERM,
		       TORT_WRONG_THREAD);
}

static void play_bad_address(struct tort_actor *a, struct tort_slip **at)
{
	unsigned long addr = (unsigned long)addr_of(*at);

	switch (tort_roll(a, 4)) {
	case 0:
		addr = 0;
		break;
	case 1:
		addr += 1 + tort_roll(a, PAGE_SIZE - 1);
		break;
	case 2:
		addr = (unsigned long)THIS_MODULE & PAGE_MASK;
		break;
	case 3:
		addr = tort_roll(a, LOW_PAGES) << PAGE_SHIFT;
		break;
	}
	attack(a, pick_attempt(a, ATTEMPT_FREE, ATTEMPT_DMA_UNMAP), *at,
	       pick_handle(a), (void *)addr, -EINVAL, TORT_BAD_ADDRESS);
}

/*
 * Whether the page just freed is in the owner's cache. A cache that was too long may have given
 * the page on to the system, and any owner may have the page by now.
 */
static bool is_cached(struct tort_actor *a, const struct tort_slip *p)
{
	struct labyrinth_page_info info;

	if (labyrinth_query(p->addr, &info) ||
	    strcmp(info.owner, p->owner->name))
		return false;
	if (info.state != LABYRINTH_PAGE_CACHED)
		tort_violation(a, p, "freed, and in state %d", info.state);
	return true;
}

/*
 * Only with an owner that no other actor uses, and where no other code empties caches: else the
 * page might be handed out again between the two frees.
 */
static void play_double(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;

	if (!p->owner->shared && !tort_shrunk && tort_free(a, p) &&
	    is_cached(a, p))
		attack(a, pick_attempt(a, ATTEMPT_FREE, ATTEMPT_DMA_UNMAP), NULL,
		       p->handle, p->addr, -ENOENT, TORT_DOUBLE);
}

/* A reclaim asks whether the page is busy: -EBUSY is an answer, which no class counts. */
static void attack_busy(struct tort_actor *a, const struct tort_slip *p,
			enum attempt what)
{
	attack(a, what, p, p->handle, p->addr, -EBUSY,
	       what == ATTEMPT_RECLAIM ? TORT_NR_CLASSES : TORT_BUSY);
}

/*
 * Calls that must be refused while the page is mapped, even with the owner's handle.
 * Context: Any.
 */
void tort_attack_mapped(struct tort_actor *a, const struct tort_slip *p)
{
	if (tort_roll(a, 2))
		attack_busy(a, p, pick_attempt(a, ATTEMPT_ADOPT, ATTEMPT_RELEASE_LENT));
	else
		attack(a, pick_attempt(a, ATTEMPT_ADOPT, ATTEMPT_DMA_UNMAP), p,
		       tort_attacker.handle, p->addr, -EPERM, TORT_FOREIGN);
}

static void play_busy(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;
	struct page *page = virt_to_page(p->addr);
	unsigned long begin = jiffies;
	enum attempt what;

	/* Where the scribbler dropped a reference, the reference taken here only fills the gap. */
	if (p->owner->mortal || tort_is_scribbled())
		return;
	get_page(page);
	/* A free is right all the same: the page waits in limbo. */
	what = pick_attempt(a, ATTEMPT_ADOPT, ATTEMPT_RECLAIM);
	if (what == ATTEMPT_FREE && p->state == TORT_HELD)
		tort_free(a, p);
	else
		attack_busy(a, p, what);
	put_page(page);
	/* A page in limbo to which somebody refers for a second is reported. */
	if (what == ATTEMPT_FREE && time_after(jiffies, begin + HZ / 2))
		a->perhaps[TORT_BUSY]++;
}

static void play_unowned(struct tort_actor *a, struct tort_slip **at)
{
	attack(a, pick_attempt(a, ATTEMPT_FREE, ATTEMPT_DMA_UNMAP), *at,
	       pick_handle(a), (*at)->addr, -ENOENT, TORT_UNOWNED);
}

static void play_bad_page(struct tort_actor *a, struct tort_slip **at)
{
	struct labyrinth_owner *handle = tort_shared[TORT_PLAIN].handle;
	struct tort_slip *p = *at;

	if (p->state == TORT_EMPTY) {
		attack(a, ATTEMPT_ADOPT, p, handle, NULL, -EINVAL,
		       TORT_BAD_PAGE);
		return;
	}
	/*
	 * The scribbler may have made the page a reserved page, say: -EINVAL, see
	 * close_books().
	 */
	if (p->state == TORT_PARTED && tort_scribbled)
		return;
	get_page(virt_to_page(p->addr));
	attack(a, ATTEMPT_ADOPT, p, handle, p->addr, -EBUSY, TORT_BAD_PAGE);
	put_page(virt_to_page(p->addr));
}

/* Few enough that some references are left after the scribbler's drops, too. */
static unsigned int most_to_lose(void)
{
	return (tort_scribbled ? TORT_REFS_HELD / 2 : TORT_REFS_HELD) - 1;
}

/* If the scribbler wrote a tail's mark, put_page() would follow the pointer to a head. */
static void drop(struct tort_actor *a, struct page *page)
{
	if (!tort_scribbled)
		put_page(page);
	else if (page_ref_dec_and_test(page))
		tort_violation(a, NULL, "the last reference was dropped");
}

/*
 * Drops some of Labyrinth's references, but not all. No page is freed by that; the owner's next
 * call reports the loss and restores the references.
 */
static void play_lose(struct tort_actor *a, struct tort_slip **at)
{
	unsigned int nr = 1 + tort_roll(a, most_to_lose());
	struct tort_slip *p = *at;
	struct page *page = virt_to_page(p->addr);

	if (p->owner->mortal || !tort_may_lose(p))
		return;
	while (nr--) {
		if (nr % 2)
			drop(a, page);
		else
			__free_page(page);
	}
	if (tort_roll(a, 2)) {
		a->refused[TORT_LOST_REFERENCE] += tort_free(a, p);
		return;
	}
	tort_expect(a, "reclaim of a page short of references", p, 0,
		    tort_call(a, p->addr, labyrinth_reclaim(p->handle, p->addr)),
		    TORT_LOST_REFERENCE);
	if (!tort_refs_are(p->addr, TORT_REFS_HELD))
		tort_violation(a, p, "%d references after they were put back",
			       page_ref_count(page));
}

/*
 * Maps a page into the kernel by the core's vmap(), as a foreign driver would. The guard refuses,
 * or reports, or is off, or is just being switched. The window is not used.
 * Context: Task; may sleep.
 */
void tort_foreign_vmap(struct tort_actor *a, const struct tort_slip *p)
{
	struct page *page = virt_to_page(p->addr);
	void *window = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	a->perhaps[TORT_FOREIGN]++;
	if (window)
		vunmap(window);
}

static void play_duel(struct tort_actor *a, struct tort_slip **at)
{
	tort_duel(a);
}

static void (* const plays[])(struct tort_actor *a, struct tort_slip **at) = {
	[TORT_OP_FOREIGN] = play_foreign,
	[TORT_OP_STRANGER] = play_stranger,
	[TORT_OP_DEAD] = play_dead_handle,
	[TORT_OP_FORGED] = play_forged,
	[TORT_OP_WRONG_THREAD] = play_wrong_thread,
	[TORT_OP_BAD_ADDRESS] = play_bad_address,
	[TORT_OP_DOUBLE] = play_double,
	[TORT_OP_BUSY] = play_busy,
	[TORT_OP_UNOWNED] = play_unowned,
	[TORT_OP_BAD_PAGE] = play_bad_page,
	[TORT_OP_LOSE] = play_lose,
	[TORT_OP_DUEL] = play_duel,
};

static_assert(ARRAY_SIZE(plays) == TORT_OP_VMAP);

/* Context: Any, in an RCU read-side section. */
void tort_play_attack(struct tort_actor *a, enum tort_op op,
		      struct tort_slip **at)
{
	plays[op](a, at);
}
