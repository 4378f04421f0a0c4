/* SPDX-License-Identifier: GPL-2.0-only */
/* Lent pages and pages in limbo that do not come back, with the holders; see report/holders.c. */
#ifndef LABYRINTH_HOLDERS_H
#define LABYRINTH_HOLDERS_H

#include <linux/types.h>

bool lab_holders_patience_over(unsigned int age_ms);
void lab_holders_ask(unsigned long pfn);
void lab_holders_exit(void);

#endif /* LABYRINTH_HOLDERS_H */
