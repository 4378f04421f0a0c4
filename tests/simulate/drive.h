/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver, and the module behind it, as traffic.c uses them. See drive.c. */
#ifndef LABYRINTH_SIMULATE_DRIVE_H
#define LABYRINTH_SIMULATE_DRIVE_H

#include <stdbool.h>
#include <stddef.h>

struct labyrinth_owner;

void drive_load(unsigned long capacity, unsigned long frames, unsigned int owners);
struct labyrinth_owner *drive_owner(bool single);
void drive_cached_max(int pages);
void *drive_take(struct labyrinth_owner *owner);
int drive_give(struct labyrinth_owner *owner, void *page);
void drive_regions(void);
unsigned long drive_slots(void);

#endif /* LABYRINTH_SIMULATE_DRIVE_H */
