/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a ring with pages from Labyrinth keeps: written by rx_labyrinth.c; bug.c
 * misuses it.
 */
#ifndef LABYRINTH_NIC_RX_LABYRINTH_H
#define LABYRINTH_NIC_RX_LABYRINTH_H

struct labyrinth_owner;

#define RX_LENT		1024U		/* pages that may be lent at a time */

struct rx_labyrinth {
	struct labyrinth_owner *owner;
	unsigned int head;		/* free-running: where the next goes */
	unsigned int tail;		/* free-running: the oldest */
	void *lent[RX_LENT];
};

static_assert((RX_LENT & (RX_LENT - 1)) == 0);

#endif /* LABYRINTH_NIC_RX_LABYRINTH_H */
