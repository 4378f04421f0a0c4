/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages whose free was refused. See page/heal.c. */
#ifndef LABYRINTH_HEAL_H
#define LABYRINTH_HEAL_H

#include "inline/slot.h"

int lab_heal_init(void);
void lab_heal_exit(void);
void lab_heal_keep(struct lab_slot *slot, struct page *page);
bool lab_heal_is_put_away(const struct lab_slot *slot);
void lab_heal_flush(void);

#endif /* LABYRINTH_HEAL_H */
