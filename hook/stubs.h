/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of hook/stubs.S: what a refused call runs, and where Labyrinth's own calls return to.
 */
#ifndef LABYRINTH_STUBS_H
#define LABYRINTH_STUBS_H

void lab_return_zero(void);
void lab_return_eperm(void);
void lab_return_sigbus(void);
void lab_return_no_dma(void);
extern const char lab_own_calls[], lab_own_calls_end[];

#endif /* LABYRINTH_STUBS_H */
