/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which page has a DMA address, for the report of an unmap that names another page. See
 * map/elsewhere.c.
 */
#ifndef LABYRINTH_ELSEWHERE_H
#define LABYRINTH_ELSEWHERE_H

#include "core/note.h"

bool lab_elsewhere_find(unsigned long named, u64 addr, struct lab_elsewhere *found);

#endif /* LABYRINTH_ELSEWHERE_H */
