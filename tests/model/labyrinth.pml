/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of the tag protocol, for spin. scripts/model.sh runs it: a scenario
 * (-DCALLS and so on, at the end of this file) says who does what at the same
 * time, and every order of their steps is tried.
 *
 * A step is what one access to a shared word makes of it. What is local to a
 * caller, or belongs to the checks, goes with the step before it. Steps of one
 * CPU's task do not run while an interrupt is on that CPU, and an interrupt comes
 * between any two of them; preemption is only of interest to the grace period.
 * Memory is sequentially consistent here: which barriers the code needs on a
 * weaker machine, the model does not say.
 *
 * Each name is as in the sources: search, insert and remove are
 * core/table.c's, push and pop core/list.h's, freeze and thaw
 * inline/frame.h's, leave page/limbo.c's, the calls labyrinth_alloc.c's.
 * The fast paths take the same steps in the same order, less the look-up, and
 * where they give up they have written nothing: they are not modelled apart,
 * but for a SINGLE owner's, which stores where the others compare and exchange.
 *
 * Notes, links and lists of mappings stand beside the tag, in the slot; a page has one
 * slot as long as it has a tag, so here they go by the page. Lists lead from slot to slot,
 * which is the same: SLOT_OF().
 *
 * Of a table of buckets, insertion takes any bucket that has room, in any order.
 * Counts, quotas and notes do not lead anywhere, and are left out; so is the look at a
 * page's struct page before it is handed out (lab_vet()). A call's
 * caller (the count of a cache, the shrinker) may come at any time.
 *
 * The mistakes (-DMISTAKE_...) are what the code must not be changed into: each
 * must be found. #ifdef, since a mistake that is not asked for must cost no state.
 */
#include "scenarios.pml"

#define ABSENT		0
#define CACHED		1
#define HELD		2
#define LENT		3
#define LIMBO		4
#define MAPPED		5

#define OK		0
#define EINVAL		1
#define ENOENT		2
#define EPERM		3
#define EBUSY		4

/* The tag: one word, 0 where there is none. */
#define TAG(page, o, state)	((page) | (state) << 3 | (o) << 6)
#define PAGE(tag)		((tag) & 7)
#define STATE(tag)		((tag) >> 3 & 7)
#define OWNER(tag)		((tag) >> 6)

/* The handle: never 0, so that is what fits no owner. */
#define HANDLE(o, life)		((life) << 2 | (o))
#define OWNER_OF(h)		((h) & 3)

#define LENT_REFS		(BASE + 1)

/* Whom a page with this tag is handed out to; 0: nobody. */
#define USER(tag)							\
	((STATE(tag) == HELD || STATE(tag) == LENT || STATE(tag) == MAPPED) ->	\
	 OWNER(tag) + 1 : 0)

/* The owner table. The stash is the slots from STASH on. */
byte tags[SLOTS];
byte stash_used;

/* The frames. 0 is none. */
short refs[PAGES + 1];
bool typed[PAGES + 1];
byte next[PAGES + 1];
bool mark[PAGES + 1];		/* lab_frame_is_ours() */
bool pool[PAGES + 1];		/* free, in the page allocator's hands */

/* The records of a page's mappings, and how many of them somebody ends. */
byte mappings[PAGES + 1];	/* 0: the list is empty */
byte ending[PAGES + 1];
bool locked[OWNERS];		/* owner->map_lock */

/* Lists: of each owner, one for each CPU and the reserve. A head is one word. */
#define LIST(o, cpu)	((o) * (CPUS + 1) + (cpu))
#define RESERVE(o)	LIST(o, CPUS)
#define NR_LISTS	(OWNERS * (CPUS + 1))
#define CPU_OF(list)	((list) % (CPUS + 1))
#define IS_SHARED(list)	(CPU_OF(list) == CPUS)
byte head[NR_LISTS];
byte seq[NR_LISTS];

byte handles[OWNERS];
byte pages[OWNERS];		/* owner->pages */
bool gone[OWNERS];		/* LAB_PHASE_GONE */

/* CPUs: who is in a section that a grace period waits for, and interrupts. */
bool inside[PROCS];
bool masked[CPUS + 1];
bool interrupted[PROCS];

/*
 * What must hold: the names are only for the message of what did not. They are
 * never true, and cost no state.
 */
#define MUST(name, condition)	assert(name || (condition))
hidden byte one_owner;			/* a page is one owner's, handed out once */
hidden byte tag_once;			/* and has one tag */
hidden byte on_one_list;		/* a cached page is on one list, once */
hidden byte none_lost;			/* every page is somewhere, and counted */
hidden byte found;			/* a look-up misses no tag that is there */
hidden byte one_claim;			/* only who has frozen a page changes it */
hidden byte alone;			/* who has a page alone has it alone */
hidden byte unused_when_given_back;	/* to the page allocator */
hidden byte unused_when_taken_back;	/* from a borrower */
hidden byte frame_is_right;		/* its references add up, its type fits */
hidden byte unmapped_when_freed;
hidden byte refusal_changes_nothing;
hidden byte right_call_succeeds;
hidden byte foreigner_refused;
hidden byte one_life;			/* a handle serves in its own life only */

/* What the checks know beside the code, and the code does not. */
byte user[PAGES + 1];		/* the owner that has it, and 1; 0: nobody */
byte others[PAGES + 1];		/* references that others have a right to */
byte claim[PAGES + 1];		/* who has it frozen */
bool outside[PAGES + 1];	/* an ordinary page in somebody's hands */
byte reachable[PAGES + 1];	/* mappings by which a device may reach it */
byte stolen[PAGES + 1];		/* references dropped by who had none */
byte lives[OWNERS];		/* which of its lives an owner's slot is in */
bool asked, gathered;		/* between the shrinker and the CPU it interrupts */
byte finished;

/* Each process: a call's variables. */
#define LOCALS								\
	byte slot, tag, o, h, to, err, result, first, number, then;	\
	bool ok, peeked;						\
	short r, delta;							\
	byte life = 1

/* A call is over: what it knew is not to tell two states apart. */
#define FORGET								\
	slot = 0; tag = 0; first = 0; number = 0; then = 0; ok = 0;	\
	peeked = 0; r = 0; delta = 0; err = 0

/* --- the owner table --- */

/*
 * What the hint says: any slot at all, since any page's insertion may have written it. Whoever
 * believes it needs no look at the tag.
 */
#ifdef HINTS
inline look_at_hint(p)
{
	atomic {
		do
		:: slot + 1 < SLOTS -> slot++
		:: break
		od;
		tag = tags[slot];
		if
#ifdef MISTAKE_HINT_BELIEVED
		:: tag
#else
		:: PAGE(tag) == p
#endif
		:: else -> tag = 0; slot = 0
		fi }
}
#endif

/* The slot of the hint, then, slot by slot, loads until one is the page's. */
inline search(p)
{
	atomic { slot = 0; tag = 0; peeked = 0 };
#ifdef HINTS
	look_at_hint(p);
#endif
	do
	:: tag -> break
	:: atomic { !tag && slot == STASH && !peeked ->
		peeked = 1;
		if
		:: stash_used
		:: else -> slot = SLOTS
		fi }
	:: atomic { !tag && slot < SLOTS && (slot != STASH || peeked) ->
		tag = tags[slot];
		if
		:: PAGE(tag) == p -> break
		:: else -> tag = 0; slot++
		fi }
	:: atomic { slot == SLOTS -> break }
	od
}

/* One slot: a load, then the compare-and-exchange. */
inline insert_at(new)
{
	atomic { ok = (tags[slot] == 0) };
	if
	:: ok -> atomic {
#ifdef MISTAKE_INSERT_STORES
		ok = true;
#else
		ok = (tags[slot] == 0);
#endif
		if
		:: ok ->
			tags[slot] = new;
			MUST(tag_once, TAGS_OF(PAGE(new)) == 1)
		:: else
		fi }
	:: else
	fi
}

/* The caller has the frame to himself. Any free slot may be the one. */
inline insert(new)
{
	atomic {
		ok = false;
		if
		:: slot = 0
		:: STASH > WIDTH -> slot = WIDTH
		fi;
		first = slot };
	do
	:: slot < STASH ->
		insert_at(new);
		if
		:: ok -> break
		:: else -> slot = (slot + 1) % STASH;
			if
			:: slot == first -> slot = STASH
			:: else
			fi
		fi
	:: slot >= STASH && slot < SLOTS ->
		stash_used++;
		insert_at(new);
		if
		:: ok -> break
		:: else -> atomic { stash_used--; slot++ }
		fi
	:: slot == SLOTS -> break
	od
}

/* In ok, whether the tag was still there. */
inline remove()
{
	atomic {
		ok = (tags[slot] == tag);
		if
		:: ok -> tags[slot] = 0;
			MUST(one_owner, user[PAGE(tag)] == USER(tag));
			user[PAGE(tag)] = 0
		:: else
		fi };
#ifdef MISTAKE_REMOVE_MOVES
	if
	:: ok && slot == 0 -> atomic { then = tags[1] };
		atomic { tags[1] = 0 };
		atomic { tags[0] = then; then = 0 }
	:: else
	fi;
#endif
	if
	:: ok && slot >= STASH ->
#ifdef MISTAKE_STASH_FLAG
		stash_used = 0
#else
		stash_used--
#endif
	:: else
	fi
}

/* --- the lists; page: what came off, or what goes on --- */

#ifdef MISTAKE_NO_SEQUENCE
#define SAME_NUMBER(list)	true
#else
#define SAME_NUMBER(list)	(seq[list] == number)
#endif

/* The head from what was seen to @new; what is there now, if it is not. */
inline advance(list, new)
{
	atomic {
		ok = (head[list] == first && SAME_NUMBER(list));
		if
		:: !ok -> first = head[list]; number = seq[list]
		:: ok && IS_SHARED(list) -> head[list] = new; seq[list]++
		:: ok && !IS_SHARED(list) -> masked[CPU_OF(list)] = true
		fi };
	/* No interrupt falls into the instruction, but it is not locked. */
	if
	:: ok && !IS_SHARED(list) -> atomic {
		head[list] = new; seq[list] = number + 1;
		masked[CPU_OF(list)] = false }
	:: else
	fi
}

inline push(list, p)
{
	atomic { first = head[list]; number = seq[list] };
	do
	:: next[p] = first;
		advance(list, p);
		if
		:: ok -> break
		:: else
		fi
	od
}

inline pop(list, p)
{
	atomic { first = head[list]; number = seq[list] };
	do
	:: atomic { first == 0 -> p = 0; break }
	:: atomic { first != 0 -> then = next[first] };
		advance(list, then);
		if
		:: atomic { ok -> p = first; break }
		:: else
		fi
	od
}

/* --- the frame --- */

inline freeze(p, n)
{
	atomic {
		ok = (refs[p] == n);
		if
		:: ok -> refs[p] = 0; delta = delta - n;
			MUST(one_claim, claim[p] == 0);
			claim[p] = _pid
		:: else
		fi }
}

inline thaw(p, n)
{
	atomic {
		MUST(one_claim, claim[p] == _pid);
		claim[p] = 0;
#ifdef MISTAKE_THAW_STORES
		refs[p] = n;
#else
		refs[p] = refs[p] + n;
#endif
		delta = delta + n }
}

/* What only who has it frozen, or has it from the page allocator, may do. */
inline set_type(p, value)
{
	atomic { MUST(one_claim, claim[p] == _pid); typed[p] = value }
}

inline drop_reference(p)
{
	refs[p]--;
	if
	:: refs[p] == 0 ->
		MUST(unmapped_when_freed, reachable[p] == 0);
		/* It is the page allocator's now: nobody's, and known to nobody. */
		MUST(unused_when_given_back, !pool[p] && !typed[p] && !user[p] && !others[p]);
		MUST(unused_when_given_back, TAGS_OF(p) == 0);
		pool[p] = true
	:: else
	fi
}

/* --- a call's parts --- */

inline begin()
{
	atomic { inside[_pid] = true; o = OWNER_OF(h);
		 err = (handles[o] == h -> OK : EINVAL);
		 /* No handle serves in another life than its own. */
		 MUST(one_life, err != OK || life == lives[o]) }
}

/* A refused call has changed nothing. */
inline end()
{
	atomic { MUST(refusal_changes_nothing, err == OK || delta == 0);
		 result = err;
		 inside[_pid] = false;
		 FORGET }
}

inline find(p)
{
	search(p);
	atomic {
		if
		:: tag == 0 -> err = ENOENT
		:: tag != 0 && OWNER(tag) != o -> err = EPERM
		:: else
		fi }
}

inline begin_with(p)
{
	begin();
	if
	:: err == OK -> find(p)
	:: else
	fi
}

/* What the table of transitions says to most calls. */
inline begin_with_held(p)
{
	begin_with(p);
	atomic {
		if
		:: err == OK && (STATE(tag) == LENT || STATE(tag) == MAPPED) ->
			err = EBUSY
		:: err == OK && (STATE(tag) == CACHED || STATE(tag) == LIMBO) ->
			err = ENOENT
		:: else
		fi }
}

/* The one compare-and-exchange; compare is false for a mistake. */
inline commit(new, compare)
{
	atomic {
		ok = (!(compare) || tags[slot] == tag);
		if
		:: ok ->
			MUST(one_owner, user[PAGE(tag)] == USER(tag));
			MUST(unmapped_when_freed, STATE(new) == MAPPED ||
			     STATE(new) == LIMBO || reachable[PAGE(tag)] == 0);
			tags[slot] = new;
			user[PAGE(tag)] = USER(new)
		:: else
		fi }
}

/*
 * References were dropped by somebody who had none: they are put back. The tag is
 * CACHED meanwhile, on no list, so the page stays.
 */
inline repair(p)
{
	ok = (r > 0);
#ifndef MISTAKE_REPAIR_STALE
	if
	:: ok -> commit(TAG(p, o, CACHED), true)
	:: else
	fi;
#endif
	if
	:: ok ->
		atomic { r = refs[p]; ok = (r > 0 && r < BASE) };
		if
		:: ok -> freeze(p, r)
		:: else
		fi;
		if
		:: ok -> atomic { thaw(p, BASE); stolen[p] = 0; delta = 0 }
		:: else -> err = EBUSY
		fi;
#ifndef MISTAKE_REPAIR_STALE
		atomic { tags[slot] = tag; user[p] = USER(tag) }
#endif
	:: else -> err = EBUSY
	fi
}

/* Whether nobody but the owner refers to the page. */
inline exclusive(p)
{
	atomic { r = refs[p] };
	if
	:: r < BASE -> repair(p)
	:: r > BASE -> err = EBUSY
	:: else
	fi
}

inline freeze_exclusive(p)
{
	exclusive(p);
	if
	:: err == OK -> freeze(p, BASE);
		if
		:: !ok -> err = EBUSY
		:: else -> look_again(p)
		fi
	:: else
	fi
}

/* The tag neither comes to be LENT nor ceases to be while the frame is frozen. */
inline look_again(p)
{
#ifdef MISTAKE_RECLAIM_BLIND
	skip
#else
	atomic { ok = (tags[slot] == tag) };
	if
	:: !ok -> thaw(p, BASE); err = EBUSY
	:: else
	fi
#endif
}

/* The page whose slot was just popped, or is just tagged. */
inline hand_out(p)
{
	next[p] = 0;		/* the note of the call site */
	atomic {
		slot = SLOT_OF(p);
		tag = tags[slot];
		/* Handed out once, and to whose list it was on. */
		MUST(one_owner, user[p] == 0);
		MUST(one_owner, tag == TAG(p, o, CACHED));
#ifndef MISTAKE_NO_HAND_OUT
		tags[slot] = TAG(p, o, HELD);
#endif
		user[p] = o + 1 }
}

/*
 * The frozen page was just tagged as somebody's to hand out. A free that was
 * under way all the while, and takes the tag for the one it saw, must not find
 * it HELD before its notes are written: the first of them is where it links.
 */
inline note(p, heir)
{
	next[p] = 0;
	atomic {
#ifndef MISTAKE_NOTES_LATE
		MUST(one_owner, user[p] == 0 && tags[slot] == TAG(p, heir, CACHED));
#endif
		tags[slot] = TAG(p, heir, HELD);
		user[p] = heir + 1 }
}

#ifdef MISTAKE_NOTES_LATE
#define BEFORE_NOTES	HELD
#else
#define BEFORE_NOTES	CACHED
#endif

/* Straight from the page allocator, and nobody else's. */
inline enter(p, state)
{
	insert(TAG(p, o, state));
	if
	:: ok -> atomic { mark[p] = true; typed[p] = true };
		pages[o]++
	:: else
	fi
}

/*
 * The page, which is the caller's alone, leaves: in ok, whether it is to be
 * given back. One that was given up while it was mapped stays until its list is empty.
 */
inline leave(p)
{
	atomic { slot = SLOT_OF(p); tag = tags[slot];
		 MUST(on_one_list, PAGE(tag) == p && OWNER(tag) == o);
		 ok = true };
#if !defined(MISTAKE_LEAVE_ASKS_NOT) && !defined(MISTAKE_RETIRE_COUNTS)
	ok = (mappings[p] == 0);
#endif
	if
	:: ok -> leave_unmapped(p)
	:: else
	fi
}

inline leave_unmapped(p)
{
	MUST(alone, mark[p]);
#ifdef MISTAKE_LEAVE_LOOKS
	atomic { ok = (refs[p] == BASE) };
	if
	:: ok -> refs[p] = 0; claim[p] = _pid
	:: else
	fi;
#else
	freeze(p, BASE);
#endif
	if
	:: !ok -> atomic { r = refs[p]; ok = (r > 0 && r < BASE) };
		if
		:: ok -> freeze(p, r)
		:: else
		fi
	:: else
	fi;
	if
	:: ok -> set_type(p, false); remove(); MUST(alone, ok); untag(p, false)
	:: else -> to_limbo()
	fi
}

inline untag(p, whose)
{
	atomic { MUST(unmapped_when_freed, reachable[p] == 0);
		 mark[p] = false };
	stolen[p] = 0;
	atomic { thaw(p, 1); outside[p] = whose };
	pages[o]--;
	ok = true
}

inline to_limbo()
{
	if
	:: STATE(tag) != LIMBO -> commit(TAG(PAGE(tag), o, LIMBO), true); MUST(alone, ok);
#if defined(LIMBO_LIST)
		push_new(PAGE(tag))
#endif
	:: else
	fi;
	ok = false
}

#if defined(LIMBO_LIST)
/* Pages that came since the last pass, and those that a pass has found there before. */
byte limbo_new, limbo_first;
bool passing;			/* limbo_lock */

inline push_new(p)
{
	atomic { first = limbo_new };
	do
	:: next[p] = first;
		atomic {
			ok = (limbo_new == first);
			if
			:: ok -> limbo_new = p; break
			:: else -> first = limbo_new
			fi }
	od
}

/* A pass over the list that begins at @top: what may leave leaves. */
inline settle_list(top)
{
	last = 0;
	link = top;
	do
	:: link != 0 ->
		p = link;
#ifndef MISTAKE_NEXT_LATE
		/* Before the page leaves: then its slot may have another tag, and another link. */
		link = next[p];
#endif
		atomic { o = OWNER(tags[SLOT_OF(p)]) };
		leave(p);
		if
		:: ok -> give_back(p); ok = true
		:: else
		fi;
#ifdef MISTAKE_NEXT_LATE
		link = next[p];
#endif
		if
		:: !ok -> last = p
		:: ok && last != 0 ->
#ifndef MISTAKE_REST_FORGOTTEN
			next[last] = link
#else
			next[last] = 0
#endif
		:: ok && last == 0 -> top = link
		fi
	:: else -> break
	od
}

inline settle_new()
{
#ifdef MISTAKE_NEW_LOADS
	start = limbo_new;
	limbo_new = 0;
#else
	atomic { start = limbo_new; limbo_new = 0 };
#endif
	settle_list(start);
	if
	:: last != 0 -> next[last] = limbo_first; limbo_first = start
	:: else
	fi
}
#endif

/* --- the calls; h: the handle, p: the page --- */

inline alloc(p)
{
	begin();
	if
	:: err == OK ->
		pop(LIST(o, cpu), p);
		if
		:: p != 0 -> hand_out(p)
		:: else -> fresh(p)
		fi
	:: else -> p = 0
	fi;
	end()
}

/* The page allocator is asked with preemption as it was; then the owner, again. */
inline fresh(p)
{
	inside[_pid] = false;
	take_from_pool(p);
	atomic { inside[_pid] = true;
#ifndef MISTAKE_NO_SECOND_LOOK
		 err = (handles[o] == h -> OK : EINVAL)
#endif
	};
	if
	:: err == OK && p != 0 ->
		enter(p, CACHED);
		if
		:: ok -> refs[p] = refs[p] + BASE - 1; hand_out(p)
		:: else -> give_back(p); p = 0
		fi
	:: err == OK && p == 0 ->
		pop(RESERVE(o), p);
		if
		:: p != 0 -> hand_out(p)
		:: else
		fi
	:: err != OK && p != 0 -> give_back(p); p = 0
	:: else
	fi
}

inline take_from_pool(p)
{
	atomic {
		if
		:: pool[1] -> p = 1
		:: PAGES > 1 && pool[2 % (PAGES + 1)] -> p = 2
		:: PAGES > 2 && pool[3 % (PAGES + 1)] -> p = 3
		:: else -> p = 0
		fi;
		if
		:: p != 0 -> pool[p] = false; refs[p] = 1
		:: else
		fi }
}

inline give_back(p)
{
	atomic { inside[_pid] = false; drop_reference(p) }
}

/*
 * Where somebody refers to the page, or has it frozen, it is CACHED, on no list, and
 * waits in limbo.
 */
inline free(p)
{
	begin_with_held(p);
	if
	:: err == OK -> exclusive(p)
	:: else
	fi;
	atomic {
		peeked = (err == EBUSY && STATE(tag) == HELD);
		if
		:: peeked -> err = OK
		:: else
		fi };
	if
	:: err == OK ->
#ifdef MISTAKE_FREE_STORES
		commit(TAG(p, o, CACHED), false);
#else
		commit(TAG(p, o, CACHED), true);
#endif
		if
		:: !ok -> err = ENOENT
		:: ok && peeked -> atomic { tag = TAG(p, o, CACHED) }; to_limbo()
		:: ok && !peeked -> push(LIST(o, cpu), p)
		fi
	:: else
	fi;
	end()
}

/* One batch of a cache that has grown too long: one page, here. */
inline trim(p)
{
	begin();
	p = 0;
	if
	:: err == OK ->
		pop(LIST(o, cpu), p);
		if
		:: p != 0 -> leave(p);
			if
			:: !ok -> p = 0
			:: else
			fi
		:: else
		fi
	:: else
	fi;
	end();
	if
	:: p != 0 -> give_back(p)
	:: else
	fi
}

inline transfer(p)
{
	begin_with_held(p);
	if
	:: err == OK && handles[OWNER_OF(to)] != to -> err = EINVAL
	:: else
	fi;
	if
	:: err == OK -> freeze_exclusive(p)
	:: else
	fi;
	if
	:: err == OK ->
#ifdef MISTAKE_TRANSFER_STORES
		commit(TAG(p, OWNER_OF(to), BEFORE_NOTES), false);
#else
		commit(TAG(p, OWNER_OF(to), BEFORE_NOTES), true);
#endif
		if
		:: ok -> pages[OWNER_OF(to)]++;
			note(p, OWNER_OF(to));
			pages[o]--
		:: else -> err = ENOENT
		fi;
		thaw(p, BASE)
	:: else
	fi;
	end()
}

/* It is the caller's, with one reference. */
inline release(p)
{
	begin_with_held(p);
	if
	:: err == OK -> freeze_exclusive(p)
	:: else
	fi;
	if
	:: err == OK ->
		set_type(p, false);
		remove();
		if
		:: ok -> untag(p, true)
		:: else -> set_type(p, true); thaw(p, BASE); err = ENOENT
		fi
	:: else
	fi;
	end()
}

/* Of a page that is lent, and cannot be frozen: the borrowers keep their references. */
inline release_lent(p)
{
	begin_with(p);
	if
	:: err == OK && STATE(tag) != LENT -> err = EBUSY
	:: else
	fi;
	if
	:: err == OK ->
		atomic { r = refs[p] };
		if
		:: r < BASE -> exclusive(p)
		:: else
		fi
	:: else
	fi;
	if
	:: err == OK ->
		commit(TAG(p, o, CACHED), true);
		if
		:: ok -> atomic { refs[p] != 0 -> tag = TAG(p, o, CACHED) };
			remove();
			disown(p)
		:: else -> err = EBUSY
		fi
	:: else
	fi;
	end();
	if
	:: result == OK -> atomic { drop_reference(p) }
	:: else
	fi
}

/* Who has it frozen finds the tag gone, and thaws it; the caller waits for that. */
inline disown(p)
{
	mark[p] = false;
#ifdef MISTAKE_NO_WAIT
	refs[p] = refs[p] - (BASE - 1);
#else
	atomic { refs[p] != 0 -> refs[p] = refs[p] - (BASE - 1) };
#endif
	pages[o]--
}

inline adopt(p)
{
	begin();
	if
	:: err == OK -> search(p);
		if
		:: tag != 0 -> err = EBUSY
		:: else
		fi
	:: else
	fi;
	if
	:: err == OK ->
#ifdef MISTAKE_ADOPT_LOOKS
		atomic { ok = (refs[p] == 1); delta = 0 };
		if
		:: ok -> claim[p] = _pid
		:: else
		fi;
#else
		freeze(p, 1);
#endif
		if
		:: !ok -> err = EBUSY
		:: else -> enter(p, BEFORE_NOTES);
			if
			:: ok -> outside[p] = false;
				note(p, o);
				thaw(p, BASE)
			:: else -> thaw(p, 1); err = EBUSY
			fi
		fi
	:: else
	fi;
	end()
}

inline lend(p)
{
	begin_with_held(p);
	if
	:: err == OK -> freeze_exclusive(p)
	:: else
	fi;
	if
	:: err == OK ->
#ifdef MISTAKE_LEND_STORES
		commit(TAG(p, o, LENT), false);
#else
		commit(TAG(p, o, LENT), true);
#endif
		if
		:: ok -> set_type(p, false);
			others[p]++;
			thaw(p, LENT_REFS)
		:: else -> thaw(p, BASE); err = ENOENT
		fi
	:: else
	fi;
	end()
}

/*
 * Another call may have the tag for a moment, to repair the references, or for good:
 * release_lent(), which waits for the thaw, and takes off what is written here.
 */
inline take_back(p)
{
#ifdef MISTAKE_NOTES_LATE
	commit(TAG(p, o, HELD), true);
#endif
	mark[p] = true;
	next[p] = 0;
	set_type(p, true);
#ifndef MISTAKE_NOTES_LATE
	commit(TAG(p, o, HELD), true);
#endif
	if
	:: !ok -> set_type(p, false); err = EBUSY
	:: else
	fi
}

inline reclaim(p)
{
	begin_with(p);
	if
	:: err == OK && STATE(tag) != HELD && STATE(tag) != LENT -> err = EBUSY
	:: err == OK && STATE(tag) == HELD -> exclusive(p)
	:: err == OK && STATE(tag) == LENT ->
#ifdef MISTAKE_RECLAIM_LOOKS
		atomic { ok = (refs[p] == BASE) };
		if
		:: ok -> delta = -BASE; refs[p] = 0; claim[p] = _pid
		:: else -> err = EBUSY
		fi;
#else
		freeze_exclusive(p);
#endif
		if
		:: err == OK ->
#ifdef MISTAKE_RECLAIM_BLIND
			ok = true;
#else
			ok = (tags[slot] == tag);
#endif
			if
			:: ok ->
				MUST(unused_when_taken_back, others[p] == 0);
				take_back(p)
			:: else -> err = EBUSY
			fi;
			thaw(p, BASE)
		:: else
		fi
	:: else
	fi;
	end()
}

/* --- mappings, page/mapping.c --- */

inline lock(which)
{
	atomic { !locked[which] -> locked[which] = true }
}

/* Recorded: the page is MAPPED. Only then does the device get to know it. */
inline map(p)
{
	begin_with(p);
	if
	:: err == OK && STATE(tag) != HELD && STATE(tag) != MAPPED -> err = EBUSY
	:: else
	fi;
	if
	:: err == OK ->
		lock(o);
		atomic { ok = (tags[slot] == TAG(p, o, MAPPED)) };
		if
		:: ok -> mappings[p]++
		:: !ok && STATE(tag) == HELD ->
#ifdef MISTAKE_MAP_STORES
			commit(TAG(p, o, MAPPED), false);
#else
			commit(TAG(p, o, MAPPED), true);
#endif
			if
			:: ok -> mappings[p] = 1
			:: else
			fi
		:: else
		fi;
		if
		:: ok -> reachable[p]++
		:: else -> err = EBUSY
		fi;
		locked[o] = false
	:: else
	fi;
	end()
}

/* The device cannot reach it by this mapping any more; then the record goes. */
inline unmap(p)
{
	begin_with(p);
	if
	:: err == OK && STATE(tag) != MAPPED -> err = ENOENT
	:: else
	fi;
	if
	:: err == OK ->
		lock(o);
		atomic {
			ok = (OWNER(tags[slot]) == o && PAGE(tags[slot]) == p &&
			      mappings[p] > ending[p]);
			if
			:: ok -> ending[p]++
			:: else -> err = EINVAL
			fi;
			locked[o] = false }
	:: else
	fi;
	if
	:: err == OK ->
#ifdef MISTAKE_RECORD_FIRST
		detach(p);
		reachable[p]--
#else
		reachable[p]--;
		detach(p)
#endif
	:: else
	fi;
	end()
}

inline detach(p)
{
	lock(o);
	tag = tags[slot];
	atomic { mappings[p]--; ending[p]-- };
	if
	:: mappings[p] == 0 && STATE(tag) == MAPPED -> commit(TAG(p, o, HELD), true)
	:: else
	fi;
	locked[o] = false;
#ifdef MISTAKE_RETIRE_COUNTS
	if
	:: STATE(tag) == LIMBO -> atomic { drop_reference(p) }
	:: else
	fi
#endif
}

/*
 * The page is given up while it is mapped: its owner goes, or frees what a process has. No
 * reference stands for a mapping: the count may be frozen just now by who is about to lose.
 */
inline retire(p)
{
	begin_with(p);
	if
	:: err == OK && STATE(tag) != MAPPED -> err = ENOENT
	:: else
	fi;
	if
	:: err == OK ->
		lock(o);
		atomic { ok = (tags[slot] == tag && mappings[p] > 0) };
#ifdef MISTAKE_RETIRE_COUNTS
		if
		:: ok -> refs[p]++
		:: else
		fi;
#endif
		if
		:: ok -> commit(TAG(p, o, LIMBO), true); MUST(alone, ok)
		:: else -> err = EBUSY
		fi;
		locked[o] = false
	:: else
	fi;
	end()
}

/* --- owners --- */

inline gather(list)
{
	do
	:: pop(list, p);
		if
		:: p != 0 -> push(RESERVE(o), p)
		:: else -> break
		fi
	od
}

inline settle(p)
{
	leave(p);
	if
	:: ok -> give_back(p)
	:: else
	fi
}

inline drain()
{
	do
	:: pop(RESERVE(o), p);
		if
		:: p != 0 -> settle(p)
		:: else -> break
		fi
	od
}

/* Every section that was under way has ended. */
inline grace_period()
{
	then = 0;
	do
	:: atomic { then < PROCS && !inside[then] -> then++ }
	:: atomic { then == PROCS -> then = 0; break }
	od
}

#if defined(BULK)
byte next_retired[OWNERS];	/* an owner's number, and 1; 0: the last */

/* The handle goes back; and on the list of those that wait for the same grace period. */
inline retire_owner(which)
{
	atomic { handles[which] = 0; gone[which] = true; pages[which]++;
		 next_retired[which] = gone_first; gone_first = which + 1 }
}

/* A retired owner's pages, after the grace period. */
inline destroy_owner(which)
{
	o = which;
	gather(LIST(o, 0));
	drain();
	settle_where(tag != 0 && OWNER(tag) == which && STATE(tag) != LIMBO);
	o = which;
	pages[o]--;
	put_slot();
	FORGET
}
#endif

/* Under the owners' mutex: the slot is free with its last page. */
inline put_slot()
{
	atomic {
		if
		:: gone[o] && pages[o] == 0 -> gone[o] = false;
			MUST(one_life, TAGS_OWNED(o) == 0)
		:: else
		fi }
}

/* Those that are handed out, or were when their owner went. */
inline settle_where(condition)
{
	cursor = 0;
	do
	:: cursor < SLOTS ->
		atomic { tag = tags[cursor] };
		if
		:: condition -> p = PAGE(tag); o = OWNER(tag); settle(p); put_slot()
		:: else
		fi;
		cursor++
	:: else -> cursor = 0; break
	od
}

inline destroy()
{
	atomic { o = OWNER_OF(h);
		 handles[o] = 0; gone[o] = true;
#ifndef MISTAKE_SLOT_EARLY
		 pages[o]++
#endif
	};
#ifndef MISTAKE_NO_GRACE
	grace_period();
#endif
	gather(LIST(o, 0));
	drain();
	settle_where(tag != 0 && OWNER(tag) == 0 && STATE(tag) != LIMBO);
	o = 0;
#ifndef MISTAKE_SLOT_EARLY
	pages[o]--;
#endif
	put_slot();
	FORGET
}

#ifdef MISTAKE_SAME_HANDLE
#define SECOND_LIFE	1
#else
#define SECOND_LIFE	2
#endif

/* The slot's next life, if it is free. */
inline create()
{
	atomic {
		if
		:: handles[0] == 0 && !gone[0] ->
			handles[0] = HANDLE(0, SECOND_LIFE);
			lives[0]++;
			life = lives[0];
			h = handles[0]
		:: else -> h = 0
		fi }
}

/* --- who does what --- */

/* An interrupt has the CPU from its first step to its last. */
inline enter_interrupt(c, victim)
{
	atomic { !masked[c] -> interrupted[victim] = true }
}

inline leave_interrupt(victim)
{
	atomic { FORGET; p = 0; interrupted[victim] = false; finished++ }
}

inline finish()
{
	atomic { FORGET; p = 0; finished++ }
}

#if defined(CALLS)
/*
 * Any call on one page, with either owner's handle, by two who know no better;
 * while others use references that they were lent, or get some.
 */
proctype caller(byte cpu, times)
{
	LOCALS;
	byte p;

	do
	:: times > 0 ->
		atomic {
			times--;
			if
			:: h = HANDLE(0, 1); to = HANDLE(1, 1)
			:: h = HANDLE(1, 1); to = HANDLE(0, 1)
			fi };
		p = 1;
		if
		:: free(p)
		:: transfer(p)
		:: release(p)
		:: outside[1] -> adopt(p)
		:: lend(p)
		:: reclaim(p)
		:: release_lent(p)
		:: alloc(p)
#ifdef MAPS
		:: map(p)
		:: unmap(p)
#else
		:: trim(p)
#endif
		fi
	:: else -> break
	od;
	finish()
}

proctype borrower(byte p, times)
{
	do
	:: times > 0 -> times--;
		if
		:: atomic { others[p] > 0 -> others[p]--; drop_reference(p) }
		:: atomic { refs[p] > 0 -> refs[p]++; others[p]++ }
		:: true
		fi
	:: else -> break
	od;
	finished++
}

/*
 * One who drops a reference that he does not have. Not of a lent page, where it is
 * a borrower's who misses it; nor in the moment in which the page is frozen, where,
 * if it leaves just then, it is the last.
 */
proctype thief(byte p)
{
	if
	:: atomic { refs[p] > 1 && mark[p] && others[p] == 0 ->
		stolen[p]++; refs[p]-- }
	:: true
	fi;
	finished++
}

inline begin_scenario()
{
	put_in(1, 0, HELD);
	run caller(0, CALLS);
	run caller(1, CALLS2);
#if defined(THIEF)
	run thief(1)
#elif defined(MAPS)
	run borrower(1, 0)
#else
	run borrower(1, 2)
#endif
}
#endif

#if defined(LISTS) || defined(SHRINK) || defined(DESTROY)
#ifdef DESTROY
#define MAY_BE_GONE	true
#else
#define MAY_BE_GONE	false
#endif
#ifdef LISTS
#define MAY_TRIM	(victim == 0)
#else
#define MAY_TRIM	false
#endif

/*
 * One who frees what he was given, and nothing else: no page is given to two, and
 * nothing that he does is refused. As a task, which the interrupt stops, or as
 * that interrupt.
 */
proctype user_of_pages(byte cpu, times, victim) provided (!interrupted[_pid])
{
	LOCALS;
	byte p, mine, also;

	h = HANDLE(0, 1);
	if
	:: victim != 0 -> enter_interrupt(cpu, victim)
	:: else
	fi;
	do
	:: times > 0 ->
		times--;
		if
		:: also == 0 ->
			p = 0;
			alloc(p);
			atomic {
				if
				:: mine == 0 -> mine = p
				:: else -> also = p
				fi }
		:: mine != 0 ->
			p = mine;
			free(p);
			atomic {
				MUST(right_call_succeeds, result == OK || MAY_BE_GONE);
				mine = also; also = 0 }
		:: MAY_TRIM -> trim(p)
		fi
	:: else -> break
	od;
	if
	:: victim != 0 -> leave_interrupt(victim)
	:: else -> finish()
	fi
}
#endif

#if defined(LISTS)
/* A task, the interrupt that comes into it, and a task of another CPU. */
inline begin_scenario()
{
	put_on(LIST(0, 0), 1);
	put_on(LIST(0, 0), 2);
	put_on(RESERVE(0), 3);
	run user_of_pages(0, LISTS, 0);
	run user_of_pages(0, 3, 1);
	run user_of_pages(1, LISTS2, 0)
}
#endif

#if defined(SHRINK)
/* The system wants pages back: an interrupt on the CPU whose list they are on. */
proctype gatherer(byte cpu, victim)
{
	LOCALS;
	byte p;

	asked;
#ifdef MISTAKE_REMOTE_GATHER
	gather(LIST(o, cpu));
#else
	enter_interrupt(cpu, victim);
	gather(LIST(o, cpu));
#endif
	atomic { gathered = true; leave_interrupt(victim) }
}

proctype shrinker()
{
	LOCALS;
	byte p;

	asked = true;
	gathered;
	drain();
	finish()
}

inline begin_scenario()
{
	put_on(LIST(0, 0), 1);
	put_on(LIST(0, 0), 2);
	run user_of_pages(0, SHRINK, 0);
	run gatherer(0, 1);
	run shrinker();
	run user_of_pages(1, SHRINK2, 0)
}
#endif

#if defined(DESTROY)
/*
 * An owner goes while others still use its handle, and its slot gets another life.
 * One page is with a borrower, who may outlive it.
 */
proctype destroyer()
{
	LOCALS;
	byte p, cursor;

	h = HANDLE(0, 1);
	destroy();
	finish()
}

/* The slot's next owner, as soon as there may be one. */
proctype heir(byte cpu)
{
	LOCALS;
	byte p;

	create();
	if
	:: h != 0 -> alloc(p);
		if
		:: p != 0 -> free(p);
			MUST(right_call_succeeds, result == OK)
		:: else
		fi
	:: else
	fi;
	finish()
}

proctype borrower()
{
	atomic { others[1]--; drop_reference(1) };
	finished++
}

inline begin_scenario()
{
	put_in(1, 0, LENT);
	others[1] = 1;
	refs[1]++;
	typed[1] = false;
	pool[2] = true;
	run user_of_pages(0, DESTROY, 0);
	run destroyer();
	run heir(0);
	run limbo_worker(DESTROY2);
	run borrower()
}
#endif

#if defined(DESTROY) || defined(RETIRE)
proctype limbo_worker(byte times)
{
	LOCALS;
	byte p, cursor;

	do
	:: times > 0 -> settle_where(STATE(tag) == LIMBO); times--
	:: else -> break
	od;
	finish()
}
#endif

#if defined(RETIRE)
/*
 * The owner's own calls on one page at a time: it is lent or handed on by who looked
 * before, mapped, unmapped, freed; given up while it is mapped. Its last mapping is ended
 * by a worker, another worker gives it back, and the core refers to it for a moment.
 */
proctype freezer()
{
	LOCALS;
	byte p = 1;

	h = HANDLE(0, 1);
	to = HANDLE(1, 1);
	if
	:: lend(p)
	:: transfer(p)
	:: release(p)
	fi;
	finish()
}

proctype mapper(byte cpu, times)
{
	LOCALS;
	byte p = 1;

	h = HANDLE(0, 1);
	do
	:: times > 0 -> times--;
		if
		:: map(p)
		:: unmap(p)
		:: retire(p)
		:: free(p)
		fi
	:: else -> break
	od;
	finish()
}

/* Whom a mapping of a page in limbo is taken from, if ever. */
proctype revoker()
{
	LOCALS;
	byte p = 1;

	if
	:: atomic { TAGS_OF(1) == 1 && STATE(tags[SLOT_OF(1)]) == LIMBO &&
		    mappings[1] > ending[1] ->
		slot = SLOT_OF(1); o = OWNER(tags[slot]); ending[1]++ };
		reachable[1]--;
		detach(p)
	:: true
	fi;
	finish()
}

/* One who looks at a page, whosever it is. */
proctype peeker()
{
	if
	:: atomic { refs[1] > 0 -> refs[1]++; others[1]++ };
		atomic { others[1]--; drop_reference(1) }
	:: true
	fi;
	finished++
}

inline begin_scenario()
{
	put_in(1, 0, HELD);
	run freezer();
	run mapper(0, RETIRE);
	run revoker();
	run limbo_worker(RETIRE2);
	run peeker()
}
#endif

#if defined(LOOKUP)
/*
 * Look-ups of a page that is in the table, while others come and go: in the table
 * of two buckets of one slot each, and a stash.
 */
proctype comer(byte p, times)
{
	LOCALS;

	do
	:: times > 0 -> times--;
		insert(TAG(p, 0, CACHED));
		if
		:: ok -> atomic { tag = tags[slot] }; remove(); MUST(alone, ok)
		:: else
		fi;
		FORGET
	:: else -> break
	od;
	finished++
}

/* Who was given the page was given it after it was inserted, and so finds it. */
proctype reader(byte p)
{
	LOCALS;

	insert(TAG(p, 0, CACHED));
	if
	:: ok -> search(p);
		MUST(found, tag == TAG(p, 0, CACHED));
		remove();
		MUST(alone, ok)
	:: else
	fi;
	atomic { FORGET; finished++ }
}

inline begin_scenario()
{
	pool[1] = true;
	pool[2] = true;
	pool[3] = true;
	pool[4] = true;
	run reader(1);
	run comer(2, LOOKUP);
	run comer(3, LOOKUP2);
	run comer(4, 1)
}
#endif

#if defined(DEPOT)
#include "depot.pml"
#endif

#if defined(LIMBO_LIST)
/*
 * Pages that come to limbo while the worker passes over limbo's list, and that the system has
 * again, and that come to limbo once more.
 */
proctype retirer(byte times)
{
	LOCALS;
	byte p;

	do
	:: times > 0 -> times--;
		take_from_pool(p);
		if
		:: p != 0 ->
			enter(p, CACHED);
			atomic { refs[p] = refs[p] + BASE; others[p]++ };
			atomic { slot = SLOT_OF(p); tag = tags[slot] };
			to_limbo()
		:: else
		fi;
		atomic { FORGET; p = 0 }
	:: else -> break
	od;
	finish()
}

/* The pages' other users, who are done at some time, or never. */
proctype user_of_retired()
{
	do
	:: atomic { others[1] > 0 -> others[1]--; drop_reference(1) }
	:: atomic { others[2] > 0 -> others[2]--; drop_reference(2) }
	:: atomic { others[3] > 0 -> others[3]--; drop_reference(3) }
	:: break
	od;
	finished++
}

proctype passer(byte times)
{
	LOCALS;
	byte p, start, last, link;

	do
	:: times > 0 -> times--;
		atomic { !passing -> passing = true };
		settle_list(limbo_first);
		settle_new();
		atomic { FORGET; p = 0; start = 0; last = 0; link = 0; passing = false }
	:: else -> break
	od;
	finish()
}

inline put_in_limbo(page)
{
	put_in(page, 0, LIMBO);
	others[page] = 1;
	refs[page]++;
	next[page] = limbo_new;
	limbo_new = page
}

inline begin_scenario()
{
	put_in_limbo(1);
	put_in_limbo(2);
	put_in_limbo(3);
	run retirer(LIMBO_LIST);
	run passer(1);
	run passer(LIMBO_LIST2);
	run user_of_retired()
}

/* A page in limbo is on limbo's list, once. */
inline count_limbo(from)
{
	p = from;
	do
	:: p != 0 ->
		MUST(on_one_list, !waiting[p] && STATE(tags[SLOT_OF(p)]) == LIMBO);
		waiting[p] = true;
		p = next[p]
	:: else -> break
	od
}
#endif

#if defined(BULK)
/*
 * Two owners go by one call, with one grace period, while others still use their handles; the
 * slot of the owner that is destroyed first may get another life at once.
 */
proctype bulk_user(byte cpu, which)
{
	LOCALS;
	byte p;

	h = HANDLE(which, 1);
	alloc(p);
	if
	:: p != 0 -> free(p)
	:: else
	fi;
	finish()
}

proctype bulk_destroyer()
{
	LOCALS;
	byte p, cursor, gone_first, owner_now;

	retire_owner(1);
#ifndef MISTAKE_BULK_LATE
	retire_owner(0);
#endif
	grace_period();
#ifdef MISTAKE_BULK_LATE
	retire_owner(0);
#endif
	owner_now = gone_first;
	do
	:: owner_now != 0 ->
		/* Before the owner's slot may be another's. */
		number = next_retired[owner_now - 1];
		atomic { gone_first = number; number = 0 };
		destroy_owner(owner_now - 1);
		owner_now = gone_first
	:: else -> break
	od;
	finish()
}

proctype bulk_heir(byte cpu)
{
	LOCALS;
	byte p;

	create();
	if
	:: h != 0 -> alloc(p);
		if
		:: p != 0 -> free(p);
			MUST(right_call_succeeds, result == OK)
		:: else
		fi
	:: else
	fi;
	finish()
}

inline begin_scenario()
{
	put_on(LIST(0, 0), 1);
	pool[2] = true;
	run bulk_user(0, 0);
	run bulk_user(0, 1);
	run bulk_destroyer();
	run bulk_heir(0)
}
#endif

#if defined(SINGLE)
/*
 * The user of a SINGLE owner stores where others compare and exchange. Others try
 * to get at its pages, with another owner's handle.
 */
inline take_single(p)
{
	atomic { p = head[LIST(o, 0)] };
	if
	:: p != 0 -> head[LIST(o, 0)] = next[p];
		next[p] = 0;
		atomic { slot = SLOT_OF(p); tag = tags[slot] };
		atomic { MUST(one_owner, tag == TAG(p, o, CACHED) && user[p] == 0);
			 tags[slot] = TAG(p, o, HELD);
			 user[p] = o + 1 }
	:: else
	fi
}

inline put_single(p)
{
	atomic { slot = SLOT_OF(p); ok = (tags[slot] == TAG(p, o, HELD)) };
	MUST(right_call_succeeds, ok && refs[p] == BASE);
	atomic { tags[slot] = TAG(p, o, CACHED);
		 MUST(one_owner, user[p] == o + 1);
		 user[p] = 0 };
	next[p] = head[LIST(o, 0)];
	head[LIST(o, 0)] = p
}

proctype single_user(byte times)
{
	LOCALS;
	byte p, mine, also;

	do
	:: times > 0 -> times--;
		if
		:: also == 0 -> take_single(p);
			atomic {
				if
				:: mine == 0 -> mine = p
				:: else -> also = p
				fi }
		:: mine != 0 -> p = mine;
			put_single(p);
			atomic { mine = also; also = 0 }
		fi;
		atomic { FORGET }
	:: else -> break
	od;
	finish()
}

proctype foreigner(byte p, cpu)
{
	LOCALS;

	h = HANDLE(1, 1);
	to = HANDLE(1, 1);
	if
	:: free(p)
	:: transfer(p)
	:: release(p)
	:: lend(p)
	:: reclaim(p)
	fi;
	MUST(foreigner_refused, result == EPERM);
	finish()
}

inline begin_scenario()
{
	put_on(LIST(0, 0), 1);
	put_on(LIST(0, 0), 2);
	run single_user(SINGLE);
#ifdef MISTAKE_TWO_USERS
	run single_user(SINGLE);
#else
	run foreigner(1, 1);
#endif
	run foreigner(2, 1)
}
#endif

/* --- the end: every page is in exactly one place, and looks like it --- */

inline put_in(page, o, state)
{
	tags[page - 1] = TAG(page, o, state);
	mark[page] = true;
	typed[page] = true;
	refs[page] = BASE;
	user[page] = USER(tags[page - 1]);
	pages[o]++
}

inline put_on(list, page)
{
	put_in(page, 0, CACHED);
	next[page] = head[list];
	head[list] = page
}

inline count_list(list)
{
	p = head[list];
	do
	:: p != 0 ->
		MUST(on_one_list, !listed[p]);
		listed[p] = true;
		p = next[p]
	:: else -> break
	od
}

#ifdef MISTAKE_RETIRE_COUNTS
#define MAPPING_REFS(p)	(STATE(tag) == LIMBO && mappings[p] > 0)
#else
#define MAPPING_REFS(p)	0
#endif

inline census_of(p)
{
	tag = (TAGS_OF(p) != 0 -> tags[SLOT_OF(p)] : 0);
	MUST(one_claim, claim[p] == 0);
	MUST(on_one_list, listed[p] == (STATE(tag) == CACHED));
	if
	:: TAGS_OF(p) == 0 ->
		MUST(one_owner, !mark[p] && !typed[p] && user[p] == 0);
		MUST(frame_is_right, refs[p] == outside[p] + others[p]);
		/* None is lost. */
		MUST(none_lost, pool[p] == (outside[p] + others[p] == 0))
	:: else ->
		MUST(tag_once, TAGS_OF(p) == 1);
		MUST(frame_is_right, mark[p]);
		MUST(one_owner, !pool[p] && !outside[p]);
		MUST(one_owner, user[p] == USER(tag));
		MUST(frame_is_right, refs[p] == BASE + others[p] - stolen[p] + MAPPING_REFS(p));
		MUST(frame_is_right, STATE(tag) == LIMBO ||
		     typed[p] == (STATE(tag) != LENT));
		MUST(frame_is_right, STATE(tag) == LIMBO ||
		     (mappings[p] > 0) == (STATE(tag) == MAPPED));
		tagged[OWNER(tag)]++
	fi
}

init
{
	byte p, tag;
	bool listed[PAGES + 1];
	byte tagged[OWNERS];
#if defined(LIMBO_LIST)
	bool waiting[PAGES + 1];
#endif

	d_step {
		for (p : 0 .. OWNERS - 1) { handles[p] = HANDLE(p, 1); lives[p] = 1 }
		p = 0 };
	atomic { begin_scenario() };
	finished == PROCS - 1;
	d_step {
		for (tag : 0 .. NR_LISTS - 1) { count_list(tag) }
#if defined(DEPOT)
		count_boxes();
#endif
#if defined(LIMBO_LIST)
		count_limbo(limbo_first);
		count_limbo(limbo_new);
		for (p : 1 .. PAGES) {
			MUST(on_one_list, waiting[p] == (TAGS_OF(p) != 0))
		}
#endif
		for (p : 1 .. PAGES) { census_of(p) }
		for (p : 0 .. OWNERS - 1) { MUST(none_lost, pages[p] == tagged[p]) }
	}
}
