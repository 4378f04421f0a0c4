// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers that are parts of pages, of an owner that a single actor uses: the address of
 * each buffer to come is known, and when a page may come back. Some of these owners are SINGLE,
 * and some have no queue: then the actor takes the page back, when all buffers and borrowers are
 * done, or leaves it to the borrowers. Borrowers are other actors, in other contexts.
 *
 * A struct tort_turn is the model's knowledge of a page. Only the owner's actor writes to it, but
 * for the loans.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include "torture.h"

/* The queue's length, by kind: none, shorter than the pages in use, longer. */
static const unsigned int queues[] = { 2, 0, 2 * TORT_TURNS };

/*
 * With a scribbler, no page is left to the borrowers: see tort_queue().
 * Context: Task; may sleep. Return: 0, or as labyrinth_owner_create().
 */
int tort_frags_of(struct tort_actor *a)
{
	unsigned int kind = a->id + (unsigned int)tort_seed;
	char name[LABYRINTH_NAME_LEN];

	a->frag = &a->own_frag;
	a->parts = 2 << kind / 2 % 4;
	a->queue = tort_scribbled ? 0 : queues[kind / 2 % ARRAY_SIZE(queues)];
	snprintf(name, sizeof(name), "parts-%u", a->id);
	a->parted = tort_frags_create(name, kind % 2 ? LABYRINTH_OWNER_SINGLE : 0, a->parts,
				      a->queue);
	return PTR_ERR_OR_ZERO(a->parted);
}

/* All buffers have been handed out, and given or put. */
static bool is_done(const struct tort_actor *a, const struct tort_turn *turn)
{
	return turn->page && turn->next == a->parts && !turn->posted;
}

/* No loan is left, so the page may be anywhere, but for an owner that must take it back. */
static bool is_over(const struct tort_actor *a, const struct tort_turn *turn)
{
	return is_done(a, turn) && (a->queue || turn->left) &&
	       !atomic_read_acquire(&turn->loans_max);
}

static struct tort_turn *free_turn(struct tort_actor *a)
{
	unsigned int i;

	for (i = 0; i < TORT_TURNS; i++)
		if (!a->turns[i].page || is_over(a, &a->turns[i]))
			return &a->turns[i];
	return NULL;
}

static struct tort_turn *find_turn(struct tort_actor *a, const void *page)
{
	unsigned int i;

	for (i = 0; i < TORT_TURNS; i++)
		if (a->turns[i].page == page)
			return &a->turns[i];
	return NULL;
}

/*
 * The page at @page has been handed out, in a new turn. A page that the actor knows may come only
 * when the stack and the device are done with all of it.
 */
static struct tort_turn *begin_turn(struct tort_actor *a, void *page, struct tort_turn *empty)
{
	struct tort_turn *turn = find_turn(a, page);

	if (turn && (!is_done(a, turn) || atomic_read(&turn->loans_min)))
		tort_violation(a, NULL, "a page came back, with 0x%lx posted of %u, %d lent",
			       turn->posted, turn->next, atomic_read(&turn->loans_min));
	else if (turn && !a->queue && !turn->left)
		tort_violation(a, NULL, "a page came back that nobody took back");
	turn = turn ?: empty;
	turn->page = page;
	turn->posted = 0;
	turn->next = 0;
	turn->given = 0;
	turn->left = false;
	return turn;
}

/* Gets the next buffer, which must be the one behind the last, or the first of a page. */
static void get_next(struct tort_actor *a)
{
	struct tort_turn *turn = a->open, *empty = turn ? NULL : free_turn(a);
	struct tort_frag f;
	size_t at;

	if ((!turn && !empty) || !tort_frag_get(a, &f, a->parted, a->parts))
		return;
	at = offset_in_page(f.buf) / f.size;
	if (turn ? f.buf != turn->page + turn->next * f.size : at) {
		tort_violation(a, NULL, "the next buffer is number %zu, not %u", at,
			       turn ? turn->next : 0);
		return;
	}
	turn = turn ?: begin_turn(a, f.buf, empty);
	f.turn = turn;
	turn->frags[at] = f;
	turn->posted |= BIT(at);
	a->open = ++turn->next < a->parts ? turn : NULL;
}

/* The buffer of @turn that was posted is lent now: another actor will be the borrower. */
static void lend_part(struct tort_actor *a, struct tort_turn *turn, const struct tort_frag *f)
{
	turn->given++;
	atomic_inc(&turn->loans_min);
	atomic_inc(&turn->loans_max);
	/* The page is in this turn, or with its queue, as long as the borrower has it. */
	if (tort_roll(a, 3) == 0)
		tort_frag_misuse_done(a, f);
	*a->frag = *f;
	tort_frag_lend(a);
}

/* A put buffer; with the last of a page of which none was given, the page is in the cache. */
static void part_was_put(struct tort_actor *a, struct tort_turn *turn, const struct tort_frag *f)
{
	if (is_done(a, turn) && !turn->given)
		turn->page = NULL;
	else if (tort_roll(a, 3) == 0)
		tort_frag_misuse_done(a, f);
}

static void finish_part(struct tort_actor *a, struct tort_turn *turn)
{
	unsigned int at = tort_roll(a, a->parts);
	struct tort_frag *f = &turn->frags[at];

	if (!(turn->posted & BIT(at)))
		return;
	tort_frag_finish(a, f);
	turn->posted &= ~BIT(at);
	if (f->lent)
		lend_part(a, turn, f);
	else
		part_was_put(a, turn, f);
}

/* The page is left to the borrowers. */
static void leave_page(struct tort_actor *a, struct tort_turn *turn)
{
	struct page *page = tort_call(a, turn->page,
				      labyrinth_release_lent(a->parted, turn->page));

	if (IS_ERR(page)) {
		tort_violation(a, NULL, "release_lent of a page with parts gave %pe", page);
		return;
	}
	turn->left = true;
	put_page(page);
}

/* Without a queue. A reclaim must succeed if no borrower is left, and only then. */
static void take_back(struct tort_actor *a, struct tort_turn *turn)
{
	bool wanted = atomic_read(&turn->loans_max);
	int err = tort_call(a, turn->page, labyrinth_reclaim(a->parted, turn->page));

	if (err == -EBUSY && wanted)
		return;
	tort_expect(a, "reclaim of a page with parts", NULL, 0, err, TORT_NR_CLASSES);
	if (atomic_read(&turn->loans_min))
		tort_violation(a, NULL, "a page was taken back of which a borrower has a part");
	tort_expect(a, "free of a page with parts", NULL, 0,
		    tort_call(a, turn->page, labyrinth_free_page(a->parted, turn->page)),
		    TORT_NR_CLASSES);
	turn->page = NULL;
}

static void end_turn(struct tort_actor *a, struct tort_turn *turn)
{
	if (a->queue || turn->left)
		return;
	if (tort_roll(a, 4) || tort_scribbled)
		take_back(a, turn);
	else
		leave_page(a, turn);
}

/* Context: As tort_frag_get(). */
void tort_frags_own(struct tort_actor *a)
{
	struct tort_turn *turn = &a->turns[tort_roll(a, TORT_TURNS)];

	if (tort_roll(a, 2))
		get_next(a);
	else if (is_done(a, turn))
		end_turn(a, turn);
	else if (turn->page)
		finish_part(a, turn);
}

static void settle_turn(struct tort_actor *a, struct tort_actor *of, struct tort_turn *turn)
{
	unsigned int at;

	for_each_set_bit(at, &turn->posted, of->parts)
		tort_frag_put(a, &turn->frags[at]);
	turn->posted = 0;
	if (is_done(of, turn) && turn->given && !of->queue && !turn->left)
		take_back(of, turn);
}

/*
 * Puts what is posted of @of's buffers, and takes back the pages that are nobody else's. The open
 * page goes with the owner. Context: Task; nobody plays any more, no loan is left.
 */
void tort_frags_settle_own(struct tort_actor *a, struct tort_actor *of)
{
	unsigned int i;

	for (i = 0; i < TORT_TURNS; i++)
		settle_turn(a, of, &of->turns[i]);
}

void tort_frags_end_of(struct tort_actor *a)
{
	tort_frags_destroy(a, a->parted);
}
