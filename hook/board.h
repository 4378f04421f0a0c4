/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One hook on a function for both modules of the house: see hook/board.c.
 */
#ifndef LABYRINTH_BOARD_H
#define LABYRINTH_BOARD_H

#include <linux/errno.h>
#include <linux/types.h>

#include "labyrinth_compat.h"

/* A call passes the stubs of a function in this order. */
enum lab_rank {
	LAB_RANK_GUARD,		/* labyrinth.ko */
	LAB_RANK_WATCH,		/* labyrinth_watch.ko */
	LAB_NR_RANKS
};

/**
 * struct lab_stub - a stub in assembler, to be called from a function's first instruction
 * @next: where a call goes on that the stub lets pass: the next stub, or 0 for the function.
 *	Written under the board's lock; read by the stub at any moment.
 * @hits: counted by the stub; or NULL, if the stub counts nothing.
 * @entry: the stub.
 *
 * hook/macros.S has @next and @hits in numbers.
 */
struct lab_stub {
	unsigned long next;
	unsigned long __percpu *hits;
	void (*entry)(void);
};

#ifdef LAB_DIRECT_POSSIBLE

/* The board of each module: hook/board.c alone uses these. */
extern struct lab_board *labyrinth_board, *labyrinth_watch_board;

/*
 * The token of calls that the guard's stubs let pass: Labyrinth's own calls. The token is in %rax,
 * in which no function has an argument. The return address would not do: a tracer on the same
 * function may have put another address there. The token is not canonical, so no function called
 * before has left the token as a result, and random, so no other code knows the token. Written
 * once, by lab_board_open(); read by the assembler. labyrinth_watch.ko has no use for it: a
 * wrapper's call does not come to a stub, see WATCH_CORE().
 */
extern unsigned long lab_call_token;

int lab_board_open(void);
void lab_board_close(void);
int lab_board_attach(unsigned long addr, struct lab_stub *stub);
int lab_board_detach(unsigned long addr, struct lab_stub *stub);

#else /* !LAB_DIRECT_POSSIBLE */

static inline int lab_board_open(void)
{
	return 0;
}

static inline void lab_board_close(void)
{
}

static inline int lab_board_attach(unsigned long addr, struct lab_stub *stub)
{
	return -EOPNOTSUPP;
}

static inline int lab_board_detach(unsigned long addr, struct lab_stub *stub)
{
	return -EOPNOTSUPP;
}

#endif /* LAB_DIRECT_POSSIBLE */

#endif /* LABYRINTH_BOARD_H */
