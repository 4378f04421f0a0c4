/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated machine, as the two programs use it: fill.c, how full a table gets, and
 * traffic.c, which cache lines move between CPUs.
 */
#ifndef LABYRINTH_SIMULATE_MACHINE_H
#define LABYRINTH_SIMULATE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MAX_CPUS	256
#define SIM_LINE	64UL

extern unsigned int sim_cpu, sim_cpus, nr_node_ids;
extern unsigned long sim_frames;
extern unsigned long sim_loads;
/* Pages that the page allocator handed out. */
extern unsigned long sim_pages_got;
/* Told of each piece of memory, but for struct pages. Or NULL. */
extern void (*sim_allocated)(const void *memory, size_t size);

void sim_machine(unsigned int cpus, unsigned int nodes, unsigned long frames, uint64_t seed);
void *sim_memory(size_t size);
void sim_work(void);
uint64_t sim_random(uint64_t *state);
unsigned long sim_scatter(unsigned long nr, unsigned long of, unsigned int run, uint64_t seed);
unsigned int sim_node_of_cpu(unsigned int cpu);
unsigned int sim_node_of_pfn(unsigned long pfn);
void sim_die(const char *why, const char *what) __attribute__((noreturn));

#endif /* LABYRINTH_SIMULATE_MACHINE_H */
