/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A part of the model in labyrinth.pml: an owner's depot, page/depot.c. A box takes a single page
 * here. The word that says which boxes are full and which are claimed is @filled and @claimed together,
 * so each access to that word is a single step.
 */
#define BOXES	2
#define ALL	((1 << BOXES) - 1)
#define BIT(n)	(1 << (n))

byte box[BOXES];
byte filled, claimed;

/* A full box or an empty one, any that nobody has claimed; BOXES: there is none. */
inline claim_box(wanted)
{
	atomic { first = filled; number = claimed };
	do
	:: atomic { then = (wanted -> first : ALL - first);
#ifndef MISTAKE_BOX_BUSY
		    then = then & (ALL - number);
#endif
		    if
		    :: then == 0 -> slot = BOXES; first = 0; number = 0; break
		    :: then & BIT(0) -> slot = 0
		    :: then & BIT(1) -> slot = 1
		    fi };
	   atomic {
		ok = (filled == first && claimed == number);
		if
		:: ok -> claimed = claimed | BIT(slot);
#ifdef MISTAKE_BOX_EARLY
			 filled = filled ^ BIT(slot);
			 claimed = claimed & (ALL - BIT(slot));
#endif
			 first = 0; number = 0; then = 0;
			 break
		:: else -> first = filled; number = claimed
		fi }
	od
}

inline release_box()
{
#ifdef MISTAKE_BOX_EARLY
	skip
#else
	atomic { first = filled; number = claimed };
#ifdef MISTAKE_BOX_STORES
	atomic { filled = first ^ BIT(slot); claimed = number & (ALL - BIT(slot)) }
#else
	do
	:: atomic {
		ok = (filled == first && claimed == number);
		if
		:: ok -> filled = filled ^ BIT(slot); claimed = claimed & (ALL - BIT(slot));
			first = 0; number = 0; slot = 0; ok = 0; break
		:: else -> first = filled; number = claimed
		fi }
	od
#endif
#endif
}

/* In ok, whether a box has the page now. */
inline depot_put(p)
{
	claim_box(false);
	if
	:: slot == BOXES -> ok = false
	:: else ->
		atomic { MUST(alone, box[slot] == 0); box[slot] = p };
		release_box();
		ok = true
	fi
}

inline depot_take(p)
{
	claim_box(true);
	if
	:: slot == BOXES -> p = 0
	:: else ->
		atomic { p = box[slot]; MUST(alone, p != 0); box[slot] = 0 };
		release_box()
	fi
}

/*
 * A free that finds the cache full, and an allocation that finds the cache empty. A free that
 * finds no empty box puts the page on the reserve's list.
 */
inline stow(p)
{
	depot_put(p);
	if
	:: ok -> p = 0
	:: else -> push(RESERVE(0), p); p = 0
	fi
}

/* The shrinker, and the owner's end. */
inline empty_depot()
{
	do
	:: depot_take(p);
		if
		:: p != 0 -> push(RESERVE(0), p)
		:: else -> break
		fi
	od
}

/* A page that is in hand is on no list, and its tag is CACHED. */
proctype trader(byte cpu, times, victim) provided (!interrupted[_pid])
{
	LOCALS;
	byte p, mine;

	mine = 1 + victim + 2 * cpu;
	if
	:: victim != 0 -> enter_interrupt(cpu, victim)
	:: else
	fi;
	do
	:: times > 0 -> times--;
		if
		:: mine != 0 -> p = mine; mine = 0; stow(p)
		:: mine == 0 -> depot_take(p); mine = p
		fi;
		atomic { FORGET }
	:: else -> break
	od;
	if
	:: mine != 0 -> push(RESERVE(0), mine); mine = 0
	:: else
	fi;
	if
	:: victim != 0 -> leave_interrupt(victim)
	:: else -> finish()
	fi
}

proctype emptier()
{
	LOCALS;
	byte p;

	empty_depot();
	finish()
}

/* A task, the interrupt that comes into it, another CPU, and the shrinker. */
inline begin_scenario()
{
	put_in(1, 0, CACHED);
	put_in(2, 0, CACHED);
	put_in(3, 0, CACHED);
	run trader(0, DEPOT, 0);
	run trader(0, 1, 1);
	run trader(1, DEPOT2, 0);
	run emptier()
}

/* What a full box holds is as good as on a list. */
inline count_boxes()
{
	MUST(alone, claimed == 0);
	p = 0;
	do
	:: p < BOXES ->
		if
		:: filled & BIT(p) ->
			MUST(on_one_list, box[p] != 0 && !listed[box[p]]);
			listed[box[p]] = true
		:: else -> MUST(none_lost, box[p] == 0)
		fi;
		p++
	:: else -> break
	od
}
