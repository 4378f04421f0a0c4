// SPDX-License-Identifier: GPL-2.0-only
/*
 * Duels: several actors call about the same page at once, with the handle of the page's owner,
 * and each call would take the page out of the HELD state. Exactly 1 call may succeed. These
 * are the races at the top of labyrinth_alloc.c.
 *
 * The opener of a duel waits a moment for other actors: interrupts of the opener, and actors on
 * other CPUs. No actor may wait for long, so the last actor to leave a closed duel settles the
 * duel. The duelist's pages are handed out for duels only, a single page at a time: so no other
 * actor gets the page while a loser may still call.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "torture.h"

/*
 * A freed page must stay in the duelist's cache until the losers have called. So the duelist is
 * replaced before any CPU's cache is long enough to be trimmed. Where caches are emptied from
 * without, another owner may have the page when a loser calls.
 */
#define FREES		100
/* Loops: the opener's wait for other actors, and the wait of each actor before the call. */
#define PATIENCE	200U
#define SPREAD		12U	/* binary orders of magnitude */

enum move {
	MOVE_FREE,
	MOVE_TRANSFER,
	MOVE_RELEASE,
	MOVE_LEND,
	NR_TAKING,
	MOVE_MAP = NR_TAKING,	/* takes nothing, but is in the way */
	NR_MOVES
};

enum duel_state {
	DUEL_NONE,
	DUEL_BEGUN,		/* for the opener alone yet */
	DUEL_OPEN,
	DUEL_CLOSED,		/* waits for the actors inside to leave */
	DUEL_SETTLING,		/* a single actor settles the duel, or replaces the owner */
	DUEL_RENEWING,		/* waits for a thread to replace the owner */
};

static struct labyrinth_owner *duelist;
static unsigned int nr_frees;

static struct {
	atomic_t state;
	atomic_t inside;
	unsigned int number;
	void *addr;
	/* The results. */
	atomic_t wins;
	atomic_t maps;
	int winner;		/* the winner's &enum move */
	atomic_t absent;	/* -ENOENT */
	atomic_t foreign;	/* -EPERM */
} duel;

static int map_vmap(struct tort_actor *a, void *addr)
{
	void *vaddr = tort_call(a, addr, labyrinth_vmap(duelist, &addr, 1));

	if (IS_ERR(vaddr))
		return PTR_ERR(vaddr);
	return tort_call(a, addr, labyrinth_vunmap(duelist, vaddr));
}

static int map_dma(struct tort_actor *a, void *addr)
{
	dma_addr_t dma;
	int err;

	err = tort_call(a, addr,
			labyrinth_dma_map(duelist, tort_device(), addr, 0,
					  PAGE_SIZE, DMA_TO_DEVICE, &dma));
	return err ?: tort_call(a, addr,
				labyrinth_dma_unmap(duelist, tort_device(), addr,
						    dma, PAGE_SIZE, DMA_TO_DEVICE));
}

/* Maps the page and unmaps again. The unmapping must succeed if the mapping did. */
static int map_and_unmap(struct tort_actor *a, void *addr)
{
	if (a->context == TORT_TASK && (!tort_may_map_dma() || tort_roll(a, 2)))
		return map_vmap(a, addr);
	return map_dma(a, addr);
}

/* The move of an actor that joins: a mapping only where the context allows mappings. */
static enum move pick_move(struct tort_actor *a)
{
	enum move move = tort_roll(a, NR_MOVES);
	bool can_map = a->context == TORT_TASK || tort_may_map_dma();

	return move == MOVE_MAP && !can_map ? MOVE_FREE : move;
}

static int make_move(struct tort_actor *a, enum move move, void *addr)
{
	struct labyrinth_owner *to = tort_shared[TORT_PLAIN].handle;
	struct page *page;

	switch (move) {
	case MOVE_FREE:
		return tort_call(a, addr, labyrinth_free_page(duelist, addr));
	case MOVE_TRANSFER:
		return tort_call(a, addr, labyrinth_transfer(duelist, to, addr));
	case MOVE_RELEASE:
		page = tort_call(a, addr, labyrinth_release(duelist, addr));
		return PTR_ERR_OR_ZERO(page);
	case MOVE_LEND:
		page = tort_call(a, addr, labyrinth_lend(duelist, addr));
		return PTR_ERR_OR_ZERO(page);
	default:
		return map_and_unmap(a, addr);
	}
}

static void succeeded(enum move move)
{
	if (move == MOVE_MAP) {
		atomic_inc(&duel.maps);
		return;
	}
	WRITE_ONCE(duel.winner, move);
	atomic_inc(&duel.wins);
}

static void play_move(struct tort_actor *a, enum move move, void *addr)
{
	int err = make_move(a, move, addr);

	switch (err) {
	case 0:
		succeeded(move);
		break;
	case -ENOMEM:
		if (move != MOVE_MAP || tort_is_fed())
			tort_violation(a, NULL, "no memory for move %d", move);
		break;
	case -EBUSY:
		a->refused[TORT_BUSY]++;
		break;
	case -ENOENT:
		atomic_inc(&duel.absent);
		break;
	case -EPERM:
		atomic_inc(&duel.foreign);
		break;
	default:
		tort_violation(a, NULL, "move %d of a duel gave %pe", move,
			       ERR_PTR(err));
	}
}

/*
 * Mappings may have been in the way of all other moves. Then the page is still the duelist's,
 * and take_back() frees the page as after a won move.
 */
static bool nobody_won(void)
{
	return !atomic_read(&duel.wins) && atomic_read(&duel.maps);
}

/*
 * Whether the page that was freed has left the owner's cache: where memory is short, it goes on to
 * the system, and any owner may have it by now.
 */
static bool has_gone_on(void)
{
	struct labyrinth_page_info info;

	return labyrinth_query(duel.addr, &info) || info.state != LABYRINTH_PAGE_CACHED ||
	       strcmp(info.owner, "duelist");
}

/* A page that has gone on is nobody's for those who came later, else it was freed before. */
static void expect_absent(struct tort_actor *a, unsigned int absent)
{
	if (duel.winner != MOVE_FREE) {
		a->refused[TORT_UNOWNED] += absent;
	} else if (has_gone_on()) {
		a->perhaps[TORT_DOUBLE] += absent;
		a->perhaps[TORT_UNOWNED] += absent;
	} else {
		a->refused[TORT_DOUBLE] += absent;
	}
}

/* The errnos of the losers must fit the winner's move. */
static void judge(struct tort_actor *a)
{
	int wins = atomic_read(&duel.wins), absent = atomic_read(&duel.absent);
	int foreign = atomic_read(&duel.foreign);

	if (wins != 1 && !nobody_won())
		tort_violation(a, NULL, "a duel with %d winners, the last by move %d",
			       wins, duel.winner);
	if (absent && duel.winner != MOVE_FREE && duel.winner != MOVE_RELEASE)
		tort_violation(a, NULL, "-ENOENT after move %d", duel.winner);
	if (foreign && duel.winner != MOVE_TRANSFER &&
	    !(duel.winner == MOVE_FREE && (tort_shrunk || has_gone_on())))
		tort_violation(a, NULL, "-EPERM after move %d", duel.winner);
	a->refused[TORT_FOREIGN] += foreign;
	expect_absent(a, absent);
}

static int take_back(struct tort_actor *a, struct labyrinth_owner *plain)
{
	void *addr = duel.addr;
	struct page *page = virt_to_page(addr);

	if (nobody_won())
		return tort_call(a, addr, labyrinth_transfer(duelist, plain, addr)) ?:
		       tort_call(a, addr, labyrinth_free_page(plain, addr));
	switch (duel.winner) {
	case MOVE_FREE:
		return 0;
	case MOVE_TRANSFER:
		return tort_call(a, addr, labyrinth_free_page(plain, addr));
	case MOVE_RELEASE:
		return PTR_ERR_OR_ZERO(labyrinth_adopt(plain, page)) ?:
		       tort_call(a, addr, labyrinth_free_page(plain, addr));
	default:
		put_page(page);
		return tort_call(a, addr, labyrinth_reclaim(duelist, addr)) ?:
		       tort_call(a, addr, labyrinth_transfer(duelist, plain, addr)) ?:
		       tort_call(a, addr, labyrinth_free_page(plain, addr));
	}
}

static void settle(struct tort_actor *a)
{
	int err;

	judge(a);
	if (tort_failed())
		return;
	err = take_back(a, tort_shared[TORT_PLAIN].handle);
	tort_expect(a, "the end of a duel", NULL, 0, err, TORT_NR_CLASSES);
	if (duel.winner == MOVE_FREE)
		nr_frees++;
	atomic_set_release(&duel.state,
			   nr_frees < FREES ? DUEL_NONE : DUEL_RENEWING);
}

/* Every actor that leaves tries to settle: the last to leave finds no actor inside. */
static void leave(struct tort_actor *a)
{
	atomic_dec_return(&duel.inside);
	if (atomic_read(&duel.state) == DUEL_CLOSED &&
	    !atomic_read(&duel.inside) &&
	    atomic_cmpxchg(&duel.state, DUEL_CLOSED, DUEL_SETTLING) ==
	    DUEL_CLOSED)
		settle(a);
}

/*
 * Waits at random, so that racing calls meet at different points: a call takes from some
 * nanoseconds to microseconds until the store that decides.
 */
static void hesitate(struct tort_actor *a)
{
	unsigned int loops = tort_roll(a, 1U << tort_roll(a, SPREAD));

	while (loops--)
		barrier();
}

/*
 * Takes part in a duel that is open, once.
 * Context: Any, in no RCU read-side section: a thread may sleep.
 */
void tort_duel_join(struct tort_actor *a)
{
	if (atomic_read(&duel.state) != DUEL_OPEN ||
	    READ_ONCE(duel.number) == a->last_duel)
		return;
	/*
	 * Fully ordered: while an actor that saw the duel open is inside, no actor settles.
	 * Pairs with the atomic_xchg() in fight().
	 */
	atomic_inc_return(&duel.inside);
	if (atomic_read(&duel.state) == DUEL_OPEN) {
		a->last_duel = duel.number;
		hesitate(a);
		play_move(a, pick_move(a), duel.addr);
	}
	leave(a);
}

static void await_others(struct tort_actor *a)
{
	unsigned int patience = tort_roll(a, PATIENCE);

	while (patience-- && atomic_read(&duel.inside) < 2)
		cpu_relax();
}

static void fight(struct tort_actor *a, void *addr)
{
	duel.addr = addr;
	a->last_duel = ++duel.number;
	duel.winner = NR_TAKING;
	atomic_set(&duel.wins, 0);
	atomic_set(&duel.maps, 0);
	atomic_set(&duel.absent, 0);
	atomic_set(&duel.foreign, 0);
	atomic_inc_return(&duel.inside);
	atomic_set_release(&duel.state, DUEL_OPEN);
	await_others(a);
	hesitate(a);
	play_move(a, tort_roll(a, NR_TAKING), addr);
	atomic_xchg(&duel.state, DUEL_CLOSED);
	leave(a);
}

/* Context: Any, in an RCU read-side section. */
void tort_duel(struct tort_actor *a)
{
	void *addr;

	if (atomic_cmpxchg(&duel.state, DUEL_NONE, DUEL_BEGUN) != DUEL_NONE)
		return;
	addr = tort_call(a, TORT_NO_PAGE,
			 labyrinth_void_alloc_page_gfp_atomic_exclusive(duelist));
	if (addr)
		fight(a, addr);
	else
		atomic_set_release(&duel.state, DUEL_NONE);
}

/* Context: Task; may sleep. */
void tort_duel_renew(struct tort_actor *a)
{
	if (atomic_cmpxchg(&duel.state, DUEL_RENEWING, DUEL_SETTLING) !=
	    DUEL_RENEWING)
		return;
	tort_duels_end(a);
	if (tort_duels_begin())
		tort_violation(a, NULL, "no new owner for duels");
	else
		atomic_set_release(&duel.state, DUEL_NONE);
}

/* Context: Task; may sleep. Return: as labyrinth_owner_create(). */
int tort_duels_begin(void)
{
	const struct labyrinth_owner_attrs attrs = {
		.name = "duelist", .nid = NUMA_NO_NODE, .dev = tort_device(),
	};

	nr_frees = 0;
	duelist = labyrinth_owner_create(&attrs);
	return PTR_ERR_OR_ZERO(duelist);
}

/* Nobody is in a duel. Context: Task; may sleep. */
void tort_duels_end(struct tort_actor *a)
{
	unsigned int out;

	if (IS_ERR_OR_NULL(duelist))
		return;
	out = labyrinth_owner_destroy(duelist);
	if (out && !tort_failed())
		tort_violation(a, NULL, "%u pages of the duelist were out",
			       out);
}
