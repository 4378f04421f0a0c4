/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that an owner keeps ready: page/cache.c, core/owner.c. Two scenarios. Pages are counted
 * here, and not told apart: labyrinth.pml has the lists. Between two steps any other process may run.
 *
 * AHEAD: the reserve's list, from which allocations take what is above the floor, and calls in need
 * take all; the worker that keeps pages ahead there; and the shrinker, which ends that.
 *
 * TURN: two shrinkers that look at two SINGLE owners in turn, an owner's end, an owner's user, who
 * gives pages up where the shrinker wants them, and the worker, which restores the fast path.
 *
 * MISTAKE_...: what must not be done, and then breaks a property. See scripts/model.sh.
 */

#define MUST(name, condition)	assert(name || (condition))
hidden byte floor_stays;	/* what is kept for calls in need is taken by such calls alone */
hidden byte count_is_right;	/* in the end the count is the list's length */
hidden byte kept_ahead;		/* in the end half of the pages ahead are there, at the least */
hidden byte none_too_many;	/* and hardly any beyond the pages ahead */
hidden byte in_turn;		/* no owner is looked at twice in a row while there is another */
hidden byte one_life;		/* an owner that is looked at is alive */
hidden byte asked_is_served;	/* an owner whose pages are wanted is off the fast path */
hidden byte fast_again;		/* an owner whose pages are not wanted is on the fast path */

/* The worker: irq_work, and the work that it schedules. @running: between first and last step. */
bool pending;
byte users;			/* who may still kick */

#if defined(AHEAD)
#define FLOOR	1
#define MOST	2		/* parameter ahead */

byte list = FLOOR;		/* pages on the reserve's list */
short held = FLOOR;		/* owner->reserve_held */
byte ahead;			/* stock->ahead */
byte needed;			/* pages that calls in need took */
bool late;			/* a page was given back for what was too much a moment ago */

inline kick()
{
	pending = true
}

inline reserve_push()
{
	list++;
	held++
}

/* Any call in need: the page first, then the count. */
inline reserve_pop()
{
	atomic {
		got = (list > 0);
		if
		:: got -> list--; needed++
		:: else
		fi };
	if
	:: got -> held--
	:: else
	fi
}

/* The count first, then the page: in got, whether there was one above @keep. */
inline pop_above(keep)
{
	got = false;
	seen = held;
	do
	:: seen <= keep -> break
	:: else ->
#ifdef MISTAKE_PAGE_FIRST
		got = true;
#else
		atomic {
			got = (held == seen);
			if
			:: got -> held = seen - 1
			:: else -> seen = held
			fi };
#endif
		if
		:: got -> break
		:: else
		fi
	od;
	if
	:: got ->
		atomic {
			got = (list > 0);
			if
			:: got -> list--;
				MUST(floor_stays, list + needed >= FLOOR)
			:: else
			fi };
#if defined(MISTAKE_PAGE_FIRST)
		if
		:: got -> held--
		:: else
		fi
#elif !defined(MISTAKE_COUNT_KEPT)
		if
		:: !got -> held++
		:: else
		fi
#endif
	:: else
	fi;
	seen = 0
}

/* A batch is one page. The cache is the caller's, and empty. */
inline restock_ahead()
{
#ifdef MISTAKE_LOOKS_FIRST
	if
	:: held - 1 - FLOOR < ahead / 2 -> kick()
	:: else
	fi;
	pop_above(FLOOR)
#else
	pop_above(FLOOR);
	if
	:: held - FLOOR < ahead / 2 -> kick()
	:: else
	fi
#endif
}

/* An allocation had to ask the page allocator. */
inline cache_missed()
{
	if
	:: ahead == MOST
	:: else -> ahead = MOST; kick()
	fi
}

inline reserve_fill()
{
	wanted = FLOOR + ahead;
	do
	:: held < wanted -> reserve_push()
	:: else -> break
	od
}

inline cache_give_back()
{
	do
	:: wanted = FLOOR + ahead;
		pop_above(wanted);
		if
		:: atomic { got -> late = late || wanted < FLOOR + ahead }
		:: else -> break
		fi
	od
}

inline refill_work()
{
	reserve_fill();
	cache_give_back()
}

inline cache_shrink()
{
	ahead = 0;
	cache_give_back()
}

/* What a call knew is not to tell two states apart. */
#define FORGET	atomic { got = false; seen = 0; wanted = 0 }

proctype user(byte times)
{
	short seen, wanted;
	bool got;

	do
	:: times > 0 -> times--;
		if
		:: restock_ahead();
			if
			:: got
			:: else -> cache_missed()
			fi
		/* A free that spills. The worker gives back what is too much. */
		:: reserve_push(); kick()
		:: reserve_pop();
			/* lab_reserve_kick() */
			if
			:: held < FLOOR + ahead -> kick()
			:: else
			fi
		fi;
		FORGET
	:: else -> break
	od;
	users--
}

proctype shrinker()
{
	short seen, wanted;
	bool got;

	cache_shrink();
	users--
}

/* The workqueue clears what is pending before the work runs: a kick meanwhile is another run. */
proctype worker()
{
	short seen, wanted;
	bool got;

end:	do
	:: atomic { pending ->
#ifndef MISTAKE_PENDING_LATE
		pending = false
#endif
		};
		refill_work();
#ifdef MISTAKE_PENDING_LATE
		pending = false;
#endif
		FORGET
	:: atomic { !pending && users == 0 -> break }
	od
}

init {
	atomic {
		users = 3;
		run user(AHEAD); run user(AHEAD2); run shrinker(); run worker()
	}
	_nr_pr == 1;
	MUST(count_is_right, held == list);
	/* The next call that takes a page from there sees what was given back late. */
	MUST(kept_ahead, late || held - FLOOR >= ahead / 2);
	/* A call that counted a page and found none may make the worker add a page too many. */
	MUST(none_too_many, held - FLOOR <= MOST + 2)
}
#endif

#if defined(TURN)
#define NR	2

bool owners_lock;
byte next;			/* the cursor */
byte last = NR;			/* who was looked at last */
bool live[NR] = true;		/* LAB_PHASE_LIVE */
bool freed[NR];			/* the slot's parts have gone */
byte stack = 2;			/* pages of owner 0's cache; the user's alone */
bool wanted, slow;		/* of owner 0 */
bool fast = true;		/* owner 0's handle of the fast path */

inline kick()
{
	pending = true
}

inline slow_down()
{
	slow = true;
	fast = false
}

inline speed_up()
{
	atomic { !owners_lock -> owners_lock = true };
	if
#ifdef MISTAKE_SPEED_BLIND
	:: slow -> slow = false; fast = true
#else
	:: slow && !wanted -> slow = false; fast = true
#endif
	:: else
	fi;
	owners_lock = false
}

inline ask_single()
{
	if
#ifdef MISTAKE_WANTED_FIRST
	:: stack > 0 -> wanted = true; slow_down()
#else
	:: stack > 0 -> slow_down(); wanted = true
#endif
	:: else
	fi
}

/* What the shrinker does with owner @who. */
inline shrink_owner(who)
{
	atomic {
		MUST(in_turn, last != who || !live[1 - who]);
		last = who };
	if
	:: who == 0 -> ask_single()
	:: else
	fi;
	MUST(one_life, !freed[who])
}

/* At most one live owner, from where the last call ended. */
inline try_some()
{
#ifdef MISTAKE_TURN_UNLOCKED
	locked = true;
#else
	atomic {
		locked = !owners_lock;
		if
		:: locked -> owners_lock = true
		:: else
		fi };
#endif
	do
	:: locked && n < NR ->
		who = next;
#ifdef MISTAKE_TURN_STARTS_ANEW
		who = n;
#endif
		next = (who + 1) % NR;
		n++;
		if
		:: live[who] -> shrink_owner(who); break
		:: else
		fi
	:: else -> break
	od;
#ifndef MISTAKE_TURN_UNLOCKED
	if
	:: locked -> owners_lock = false
	:: else
	fi;
#endif
	atomic { locked = false; n = 0; who = 0 }
}

/* A batch is one page. */
inline serve_shrinker()
{
	if
	:: stack > 0 -> stack--
	:: else
	fi;
	if
	:: stack > 0
	:: else ->
#ifdef MISTAKE_KICK_FIRST
		kick();
		wanted = false
#else
		wanted = false;
		kick()
#endif
	fi
}

proctype shrinker(byte times)
{
	bool locked;
	byte n, who;

	do
	:: times > 0 -> times--; try_some()
	:: else -> break
	od;
	users--
}

/* Calls by the fast path do not see what is wanted. */
proctype user(byte times)
{
	do
	:: times > 0 -> times--;
		if
		:: fast -> stack++
		:: else ->
			if
			:: wanted -> serve_shrinker()
			:: else
			fi;
			stack++
		fi;
		if
		:: stack > 0 -> stack--
		:: true
		fi
	:: else -> break
	od;
	users--
}

proctype destroyer()
{
#ifdef MISTAKE_GOES_UNLOCKED
	live[1] = false;
#else
	atomic { !owners_lock -> owners_lock = true };
	live[1] = false;
	owners_lock = false;
#endif
	freed[1] = true;
	users--
}

proctype worker()
{
end:	do
	:: atomic { pending -> pending = false };
		if
		:: slow -> speed_up()
		:: else
		fi
	:: atomic { !pending && users == 0 -> break }
	od
}

init {
	atomic {
		users = 4;
		run shrinker(TURN); run shrinker(TURN2); run user(3); run destroyer(); run worker()
	}
	_nr_pr == 1;
	MUST(asked_is_served, !wanted || slow);
	MUST(fast_again, wanted || !slow);
	MUST(fast_again, fast == !slow)
}
#endif
