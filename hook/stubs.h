/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hook/stubs.S: the functions that a refused call runs, and the range of addresses to which
 * Labyrinth's own calls return.
 */
#ifndef LABYRINTH_STUBS_H
#define LABYRINTH_STUBS_H

void lab_return_zero(void);
void lab_return_eperm(void);
void lab_return_sigbus(void);
void lab_return_no_dma(void);
extern const char lab_own_calls[], lab_own_calls_end[];

#endif /* LABYRINTH_STUBS_H */
