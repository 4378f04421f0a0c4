/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages that were lent, taken back or let go. See page/home.c. */
#ifndef LABYRINTH_HOME_H
#define LABYRINTH_HOME_H

#include "core/owner.h"

void *lab_home_take_back(struct lab_owner *owner, unsigned long ip);
unsigned int lab_home_let_all_go(struct lab_owner *owner, unsigned long ip);

#endif /* LABYRINTH_HOME_H */
