/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive buffers that are parts of a page: page/frag.c. One page with two buffers, of an owner that
 * is not SINGLE; two users who give and put buffers, their own and each other's; borrowers who drop
 * references at any moment; and a call that takes the page back, by the queue or by reclaim, and
 * may give the page to the system. Between two steps any other process may run.
 *
 * MISTAKE_...: what must not be done, and then breaks a property. See scripts/model.sh.
 */

#define CACHED	0
#define HELD	1
#define LENT	2
#define POSTED	3
#define GONE	4		/* the system's: without references, or with anybody's */

#define BASE	4		/* LAB_REFS_EXCLUSIVE */
#define BUFS	2
#define FRESH(i)	(4 << (i))
#define BIT(i)		(1 << (i))
#define BUFS_MASK	15	/* posted and fresh bits; above them the turn */
#define TURN(w)		((w) >> 4)

byte tag = CACHED;
short refs = BASE;
byte word;
bool queued;			/* entries of the queue: one is enough */
byte done_users;

/* What is so, beside what the code knows. */
byte borrowed;			/* references that borrowers have */
bool with_device[BUFS];
bool settled;			/* in this turn */
bool failed;			/* a give led the tag to LENT, and lost the buffer to a put */

#define MUST(name, condition)	assert(name || (condition))
hidden byte one_winner;		/* a buffer is given or put once */
hidden byte settled_once;	/* all buffers of a turn are done once */
hidden byte nobody_has_it;	/* a page is taken back, or put, when stack and device are done */
hidden byte given_is_lent;	/* what the stack is given is LENT */
hidden byte none_revived;	/* a page without references gets none */
hidden byte none_lost;		/* in the end, a page with all buffers done is ready or queued */
hidden byte count_is_right;	/* and has the references that it began with */

#ifdef MISTAKE_SETTLE_EARLY
#define REST(w)	((w) & 3)
#else
#define REST(w)	((w) & BUFS_MASK)
#endif

/* find_frag(): the tag, the word, the tag again. */
inline frag_find(i) {
	do
	:: seen = tag;
	   w = word;
	   if
	   :: tag == seen -> break
	   :: else
	   fi
	od;
	found = (seen == POSTED || seen == LENT) && (w & BIT(i))
}

/* claim_frag(): of the last buffer, the tag is looked at before the bit goes. */
inline frag_claim(i) {
	won = false;
	lent = false;
#ifdef MISTAKE_CLAIM_STORES
	d_step {
		word = w & ~BIT(i);
		w = word;
		won = true;
		MUST(one_winner, with_device[i]);
		with_device[i] = false;
		if
		:: REST(w) == 0 -> MUST(settled_once, !settled); settled = true
		:: else
		fi
	}
#else
	do
	:: d_step { seen = word; old = TURN(seen) != TURN(w) || !(seen & BIT(i)) }
	   if
	   :: old -> break
	   :: else
	   fi;
#ifndef MISTAKE_PUT_LOOKS_LATE
	   if
	   :: REST(seen & ~BIT(i)) == 0 -> lent = (tag == LENT)
	   :: else
	   fi;
#endif
	   d_step {
		if
		:: word == seen ->
			word = word & ~BIT(i);
			w = word;
			won = true;
			MUST(one_winner, with_device[i]);
			with_device[i] = false;
			if
			:: REST(w) == 0 -> MUST(settled_once, !settled); settled = true
			:: else
			fi
		:: else
		fi
	   }
	   if
	   :: won -> break
	   :: else
	   fi
	od;
	seen = 0;
	old = false
#endif
}

/* The reference for the stack: freeze, LENT and thaw for the first, else one more. */
inline frag_refer(i) {
	referred = false;
	again = false;
	first = (seen == POSTED);
	if
	:: seen == LENT ->
		d_step {
			if
#ifdef MISTAKE_REFER_BLIND
			:: true -> MUST(none_revived, tag != GONE); refs++; referred = true
#else
			:: refs != 0 -> refs++; referred = true
			:: else -> again = true
#endif
			fi
		}
	:: else ->
		frozen = false;
		d_step {
			if
			:: refs == BASE -> refs = 0; frozen = true
			:: else
			fi
		}
		if
		:: frozen ->
			d_step {
				if
				:: tag == POSTED -> tag = LENT; referred = true
				:: else
				fi
			}
			if
			:: referred -> refs = refs + BASE + 1
			:: else -> refs = refs + BASE
			fi
		:: else
		fi
		/* Another call has the frame frozen: the page is LENT, or about to be. */
		again = !referred && (tag == LENT || refs == 0)
	fi
}

inline frag_give(i) {
	do
	:: frag_find(i);
	   if
	   :: !found -> break
	   :: else
	   fi;
#ifdef MISTAKE_REFER_LAST
	   frag_claim(i);
	   if
	   :: !won -> break
	   :: else
	   fi;
	   frag_refer(i);
	   if
	   :: !referred -> break
	   :: else
	   fi;
#else
	   frag_refer(i);
	   if
	   :: again -> goto retry
	   :: !again && !referred -> break
	   :: else
	   fi;
	   frag_claim(i);
	   if
	   :: !won -> d_step { refs--; failed = failed || first }; break
	   :: else
	   fi;
#endif
	   d_step { borrowed++; MUST(given_is_lent, tag == LENT) }
	   if
	   :: REST(w) == 0 -> queued = true
	   :: else
	   fi;
	   break;
retry:	   skip
	od
}

inline frag_put(i) {
	frag_find(i);
	if
	:: found ->
		frag_claim(i);
		if
		:: won && REST(w) == 0 ->
			cached = false;
			if
			:: lent -> goto settle
			:: else
			fi;
			/* A give that is about to fail may have led the tag to LENT meanwhile. */
#ifdef MISTAKE_PUT_STORES
			if
			:: tag == POSTED -> tag = CACHED; cached = true
			:: else
			fi;
#else
			d_step {
				if
				:: tag == POSTED -> tag = CACHED; cached = true;
					MUST(nobody_has_it, failed || (!with_device[0] && !with_device[1]))
				:: else
				fi
			}
#endif
settle:			if
			:: cached
			:: else ->
#ifndef MISTAKE_PUT_GIVES_UP
				queued = true
#else
				skip
#endif
			fi
		:: else
		fi
	:: else
	fi
}

proctype user() {
	byte seen, w, i, n;
	bool found, won, referred, again, frozen, cached, lent, old, first;

	do
	:: n == FRAGS -> break
	:: else ->
		n++;
		if
		:: i = 0
		:: i = 1
		fi;
		if
		:: frag_give(i)
		:: frag_put(i)
		fi;
		found = false; won = false; referred = false; again = false; frozen = false; cached = false; lent = false; first = false; w = 0; seen = 0; i = 0
	od;
	done_users++
}

/* The second buffer of the open page is handed out: under map_lock. */
proctype opener() {
	byte i;

	do
	:: d_step {
		word & FRESH(1) ->
		word = (word & ~FRESH(1)) | BIT(1);
		with_device[1] = true
	   }
	:: done_users == 2 -> break
	od
}

proctype borrower() {
	do
	:: d_step { borrowed -> borrowed--; refs-- }
	:: done_users == 2 && !borrowed -> break
	od
}

/* Posts the page, which is this process's alone: its first buffer is handed out. */
inline frag_post() {
	settled = false;
	tag = POSTED;
	d_step {
		word = ((TURN(word) + 1) << 4 & 48) | FRESH(1) | BIT(0);
		with_device[0] = true
	}
}

proctype taker() {
	bool mine, frozen, popped;
	byte n, out;

	do
	:: n == FRAGS2 -> break
	:: done_users == 2 -> break
	:: else ->
		mine = false;
		frozen = false;
		out = 0;
		if
		:: d_step { tag == CACHED && refs == BASE -> tag = HELD }
		   n++;
		   frag_post()
		/* By the queue, or by a reclaim that knows no queue. */
		:: tag == LENT ->
			popped = false;
			if
			:: d_step { queued -> queued = false; popped = true }
			:: true
			fi;
			/* lab_lend_find(): an entry of the queue that is older than the turn. */
			if
			:: popped && (word & BUFS_MASK) -> goto next
			:: else
			fi;
			d_step {
				if
				:: refs == BASE -> refs = 0; frozen = true
				:: else
				fi
			}
			if
			:: frozen ->
#ifndef MISTAKE_RECLAIM_BLIND_FRAG
				out = word & BUFS_MASK;
#endif
				d_step {
					if
					:: tag == LENT && !out -> tag = HELD; mine = true;
						MUST(nobody_has_it, !borrowed && !with_device[0] && !with_device[1])
					:: else
					fi
				}
				refs = refs + BASE;
				if
				:: mine -> n++; frag_post()
				:: d_step { mine && refs == BASE -> tag = GONE; refs = 0 }
					break
				:: else
				fi
			/* Borrowers have the page: to the end of the queue. */
			:: else ->
				if
				:: popped -> queued = true
				:: else
				fi
			fi
		:: tag == POSTED -> skip
		fi;
next:		skip
	od
}

init {
	atomic {
		run user(); run user(); run borrower(); run taker(); run opener()
	}
	_nr_pr == 1;
	MUST(none_lost, tag != LENT || (word & BUFS_MASK) || queued);
	MUST(count_is_right, refs == (tag == GONE -> 0 : BASE))
}
