// SPDX-License-Identifier: GPL-2.0-only
/*
 * Duels about a buffer that is a part of a page: several actors give or put the buffer at once, and
 * exactly one of them may succeed: see claim_frag() in page/frag.c. As the duels of duel.c. The
 * opener has another buffer of the page meanwhile, so the page stays in its turn.
 */
#include <linux/err.h>
#include <linux/mm.h>

#include "torture.h"

/* Loops: the opener's wait for other actors. */
#define PATIENCE	200U

enum duel_state {
	DUEL_NONE,
	DUEL_BEGUN,		/* for the opener alone yet */
	DUEL_OPEN,
	DUEL_CLOSED,		/* waits for the actors inside to leave */
	DUEL_SETTLING,
};

static struct {
	atomic_t state;
	atomic_t inside;
	atomic_t wins;
	unsigned int number;
	struct tort_frag frag;
	struct tort_frag other;	/* keeps the page in its turn */
} duel;

static int give(struct tort_actor *a, const struct tort_frag *f)
{
	struct page *page = tort_call(a, f->buf, labyrinth_rx_give(f->ring, f->buf, 0, f->size));

	if (IS_ERR(page))
		return PTR_ERR(page);
	put_page(page);
	return 0;
}

static void make_move(struct tort_actor *a, const struct tort_frag *f)
{
	int err = tort_roll(a, 2) ? give(a, f) :
		  tort_call(a, f->buf, labyrinth_rx_put(f->ring, f->buf));

	if (err)
		tort_expect(a, "a move of a buffer's duel", NULL, -EINVAL, err, TORT_NOT_POSTED);
	else
		atomic_inc(&duel.wins);
}

/* Only the actor that leaves a closed duel last comes here. */
static void settle(struct tort_actor *a)
{
	if (atomic_read(&duel.wins) != 1)
		tort_violation(a, NULL, "%d calls had the same buffer", atomic_read(&duel.wins));
	tort_frag_finish(a, &duel.other);
	if (duel.other.lent)
		tort_frag_return(a, &duel.other);
	atomic_set_release(&duel.state, DUEL_NONE);
}

static void leave(struct tort_actor *a)
{
	atomic_dec_return(&duel.inside);
	if (atomic_read(&duel.state) == DUEL_CLOSED && !atomic_read(&duel.inside) &&
	    atomic_cmpxchg(&duel.state, DUEL_CLOSED, DUEL_SETTLING) == DUEL_CLOSED)
		settle(a);
}

/* Takes part in a duel that is open, once. Context: Any. */
void tort_frags_duel_join(struct tort_actor *a)
{
	if (atomic_read(&duel.state) != DUEL_OPEN ||
	    READ_ONCE(duel.number) == a->last_frag_duel || !tort_may_map_dma())
		return;
	/* Pairs with the atomic_xchg() in fight(), as in tort_duel_join(). */
	atomic_inc_return(&duel.inside);
	if (atomic_read(&duel.state) == DUEL_OPEN) {
		a->last_frag_duel = duel.number;
		make_move(a, &duel.frag);
	}
	leave(a);
}

static void fight(struct tort_actor *a)
{
	unsigned int patience = tort_roll(a, PATIENCE);

	a->last_frag_duel = ++duel.number;
	atomic_set(&duel.wins, 0);
	atomic_inc_return(&duel.inside);
	atomic_set_release(&duel.state, DUEL_OPEN);
	while (patience-- && atomic_read(&duel.inside) < 2)
		cpu_relax();
	make_move(a, &duel.frag);
	atomic_xchg(&duel.state, DUEL_CLOSED);
	leave(a);
}

/*
 * A duel about @first, if there is none just now.
 * Return: whether there was one: then both buffers are done, or will be.
 * Context: Where tort_may_map_dma() is true.
 */
bool tort_frags_duel(struct tort_actor *a, const struct tort_frag *first,
		     const struct tort_frag *second)
{
	if (atomic_cmpxchg(&duel.state, DUEL_NONE, DUEL_BEGUN) != DUEL_NONE)
		return false;
	duel.frag = *first;
	duel.other = *second;
	fight(a);
	return true;
}
