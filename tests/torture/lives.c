// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners that come and go: owners of a single thread, and the mortal owner, which is destroyed
 * while all actors use the handle. Context: Task; may sleep.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "torture.h"

/* To destroy an owner takes a grace period or two, so owners are destroyed seldom. */
#define LIFE_ODDS	8
#define MORTAL_ODDS	64
#define LEAK_ODDS	8
#define LIFE_PAGES	8U

struct life {
	struct labyrinth_owner *handle;
	void *pages[LIFE_PAGES];
	unsigned int nr;
	struct page *lent;
};

static void check_destroyed(struct tort_actor *a, const char *name,
			    unsigned int expected, unsigned int out)
{
	if (out)
		a->refused[TORT_LEAKED]++;
	if (out != expected)
		tort_violation(a, NULL, "%s was destroyed with %u pages out, not %u",
			       name, out, expected);
}

static void life_begin(struct tort_actor *a, struct life *life)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "life",
		.nid = NUMA_NO_NODE,
		.flags = tort_roll(a, 4),
		.reserve = tort_roll(a, 4) * 4,
		.task = tort_roll(a, 4) ? NULL : current,
		.max_pages = tort_roll(a, 2) * LIFE_PAGES,
	};

	life->handle = labyrinth_owner_create(&attrs);
	if (IS_ERR(life->handle)) {
		tort_violation(a, NULL, "create gave %pe", life->handle);
		return;
	}
	life->nr = tort_call(a, TORT_NO_PAGE,
			     labyrinth_alloc_bulk(life->handle, LIFE_PAGES,
						  life->pages));
	if (life->nr < LIFE_PAGES && tort_is_fed())
		tort_violation(a, NULL, "%u pages of %u for a new owner",
			       life->nr, LIFE_PAGES);
}

static void lend_one(struct tort_actor *a, struct life *life)
{
	if (!life->nr)
		return;
	life->lent = tort_call(a, life->pages[0],
			       labyrinth_lend(life->handle, life->pages[0]));
	if (IS_ERR(life->lent)) {
		tort_violation(a, NULL, "lend by a new owner gave %pe",
			       life->lent);
		life->lent = NULL;
	}
}

static void give_back(struct tort_actor *a, struct life *life,
		      unsigned int leave)
{
	int err;

	while (life->nr > leave) {
		life->nr--;
		err = tort_call(a, life->pages[life->nr],
				labyrinth_free_page(life->handle,
						    life->pages[life->nr]));
		tort_expect(a, "free by a new owner", NULL, 0, err,
			    TORT_NR_CLASSES);
	}
}

/* A page that is lent when the owner goes is in limbo until the borrower drops the reference. */
static void life_end(struct tort_actor *a, struct life *life)
{
	unsigned int out;

	out = tort_call(a, TORT_NO_PAGE,
			labyrinth_owner_destroy(life->handle));
	check_destroyed(a, "an owner", life->nr, out);
	if (life->lent)
		put_page(life->lent);
	a->dead = life->handle;
}

/* An owner's life, from creation to destruction, perhaps with pages out. */
void tort_life(struct tort_actor *a)
{
	struct life life = {};

	if (tort_roll(a, LIFE_ODDS))
		return;
	life_begin(a, &life);
	if (tort_failed())
		return;
	if (tort_roll(a, LEAK_ODDS)) {
		give_back(a, &life, 0);
	} else {
		lend_one(a, &life);
		give_back(a, &life, 1 + tort_roll(a, LIFE_PAGES));
	}
	life_end(a, &life);
}

static DEFINE_MUTEX(mortal_lock);

/*
 * Destroys the mortal owner while other actors use the handle. As many pages must have been out
 * as the actors' slips have, by mortal->out. Each call and the counting of the call are in the
 * same RCU read-side section, so after synchronize_rcu() the count is complete.
 */
static void end_mortal(struct tort_actor *a, struct tort_owner *mortal)
{
	struct labyrinth_owner *handle = mortal->handle;
	unsigned int out;

	WRITE_ONCE(mortal->dying, handle);
	/*
	 * Pairs with the smp_rmb() in tort_is_gone(): a reader that no longer sees the handle
	 * as live sees the handle as dying.
	 */
	smp_wmb();
	WRITE_ONCE(mortal->handle, NULL);
	out = tort_call(a, TORT_NO_PAGE, labyrinth_owner_destroy(handle));
	synchronize_rcu();
	check_destroyed(a, "the mortal owner", atomic_read(&mortal->out), out);
	atomic_set(&mortal->out, 0);
	WRITE_ONCE(mortal->dying, NULL);
	handle = tort_mortal_create();
	if (IS_ERR(handle))
		tort_violation(a, NULL, "create gave %pe", handle);
	else
		WRITE_ONCE(mortal->handle, handle);
}

void tort_mortal(struct tort_actor *a)
{
	if (tort_roll(a, MORTAL_ODDS) || !mutex_trylock(&mortal_lock))
		return;
	end_mortal(a, &tort_shared[TORT_MORTAL]);
	mutex_unlock(&mortal_lock);
}
