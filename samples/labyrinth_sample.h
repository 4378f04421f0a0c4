/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_SAMPLE_H
#define LABYRINTH_SAMPLE_H

/* A page that labyrinth_sample holds. */
void *labyrinth_sample_page(void);

#endif /* LABYRINTH_SAMPLE_H */
