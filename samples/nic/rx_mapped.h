/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a ring with pages from Labyrinth: rx_mapped.c writes the state, bug.c
 * misuses the pages.
 */
#ifndef LABYRINTH_NIC_RX_MAPPED_H
#define LABYRINTH_NIC_RX_MAPPED_H

struct labyrinth_owner;

#define RX_LENT		1024U		/* pages that may be lent at a time */

struct rx_mapped {
	struct labyrinth_owner *owner;
	unsigned int head;		/* free-running: for the next page lent */
	unsigned int tail;		/* free-running: the oldest page */
	void *lent[RX_LENT];
};

static_assert((RX_LENT & (RX_LENT - 1)) == 0);

#endif /* LABYRINTH_NIC_RX_MAPPED_H */
