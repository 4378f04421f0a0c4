/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of labyrinth_mapper.ko: mapper.c has the owners and the steps that a single read runs,
 * mapper_process.c the device that lets a process map pages.
 */
#ifndef MAPPER_H
#define MAPPER_H

struct labyrinth_owner;

int mapper_process_init(struct labyrinth_owner *heir);
void mapper_process_exit(void);

#endif /* MAPPER_H */
