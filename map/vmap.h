/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is left mapped into the kernel when an owner goes. See map/vmap.c.
 */
#ifndef LABYRINTH_VMAP_H
#define LABYRINTH_VMAP_H

struct lab_owner;

void lab_vmap_end_all(const struct lab_owner *owner);

#endif /* LABYRINTH_VMAP_H */
