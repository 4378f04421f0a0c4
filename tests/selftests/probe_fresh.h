/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_PROBE_FRESH_H
#define LABYRINTH_PROBE_FRESH_H

/* Each returns 0 or the first errno; @nr is how many pages. */
int probe_create(unsigned long nr);
int probe_create_single(unsigned long nr);
int probe_take(unsigned long nr);
int probe_take_single(unsigned long nr);
int probe_take_reserved(unsigned long nr);
int probe_bulk(unsigned long nr);
int probe_journey(unsigned long nr);
int probe_vmap(unsigned long nr);
int probe_dma_map(unsigned long nr);

#endif /* LABYRINTH_PROBE_FRESH_H */
