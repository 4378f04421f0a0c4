// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: traffic CPUS NODES FRAMES CAPACITY ROUNDS SEED
 * Which cache lines move between the CPUs of a large machine while pages are allocated and freed.
 * In each pattern CPUs take bursts of pages and free each burst on the same CPU or on another, in
 * an order that the seed decides. Prints a line for each pattern, then what the lines were.
 *
 * An operation is not interrupted by another CPU's: a compare-and-exchange never fails here, so
 * the figures say which lines move, not how long CPUs wait for each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "lines.h"
#include "machine.h"

/* As many packets as a NAPI instance polls at a time. */
#define BURST		64
/* The parameter's default. */
#define CACHED_MAX	4096
/* For each pattern, an owner for each CPU. */
#define OWNERS		2048

/* Who frees the pages that a CPU takes: a distance in CPUs, by the size of the machine. */
enum where { SAME, NEIGHBOUR, FAR_NODE };

struct pattern {
	const char *name;
	bool single;
	bool one_owner;			/* for all CPUs; else an owner for each CPU that takes */
	enum where freed;
	bool roomy;			/* cached_max is so that a cache takes 128 pages */
};

static const struct pattern patterns[] = {
	{ "SINGLE, own pages", true, false, SAME },
	{ "any, own pages, an owner each", false, false, SAME },
	{ "any, own pages, one owner", false, true, SAME },
	{ "any, own pages, one owner, large cached_max", false, true, SAME, true },
	{ "any, freed by the neighbour, an owner each", false, false, NEIGHBOUR },
	{ "any, freed by the neighbour, one owner", false, true, NEIGHBOUR },
	{ "any, freed on another node, an owner each", false, false, FAR_NODE },
	{ "any, freed on another node, one owner", false, true, FAR_NODE },
};

#define NR_PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static struct labyrinth_owner *owners[SIM_MAX_CPUS];
static void *taken[SIM_MAX_CPUS][BURST];
static unsigned int nr_taken[SIM_MAX_CPUS];
static unsigned long refused, pairs;
static enum kind allocating = KIND_CACHES;

static void note_memory(const void *memory, size_t size)
{
	lines_region(memory, size, allocating);
}

/* CPUs that take pages: all, or those whose partner does not. */
static bool takes(const struct pattern *pattern, unsigned int cpu)
{
	switch (pattern->freed) {
	case NEIGHBOUR:
		return cpu % 2 == 0;
	case FAR_NODE:
		return cpu < sim_cpus / 2;
	default:
		return true;
	}
}

static unsigned int frees(const struct pattern *pattern, unsigned int cpu)
{
	switch (pattern->freed) {
	case NEIGHBOUR:
		return cpu + 1;
	case FAR_NODE:
		return cpu + sim_cpus / 2;
	default:
		return cpu;
	}
}

static void take_burst(unsigned int cpu)
{
	void *page;

	sim_cpu = cpu;
	while (nr_taken[cpu] < BURST) {
		lines_operation();
		page = drive_take(owners[cpu]);
		if (!page) {
			refused++;
			break;
		}
		taken[cpu][nr_taken[cpu]++] = page;
		sim_work();
	}
}

static void give_burst(const struct pattern *pattern, unsigned int cpu)
{
	sim_cpu = frees(pattern, cpu);
	while (nr_taken[cpu]) {
		lines_operation();
		if (drive_give(owners[cpu], taken[cpu][--nr_taken[cpu]]))
			sim_die("a free was refused", pattern->name);
		pairs++;
		sim_work();
	}
}

static void run_rounds(const struct pattern *pattern, unsigned int rounds, uint64_t *seed)
{
	unsigned long i;

	for (i = 0; i < 2UL * rounds * sim_cpus; i++) {
		unsigned int cpu = sim_random(seed) % sim_cpus;

		if (!takes(pattern, cpu))
			continue;
		if (nr_taken[cpu])
			give_burst(pattern, cpu);
		else
			take_burst(cpu);
	}
}

static void make_owners(const struct pattern *pattern)
{
	unsigned int cpu;

	allocating = KIND_CACHES;
	drive_cached_max(pattern->roomy ? 256 * (int)sim_cpus : CACHED_MAX);
	for (cpu = 0; cpu < sim_cpus; cpu++) {
		sim_cpu = cpu;
		owners[cpu] = pattern->one_owner && cpu ? owners[0] : drive_owner(pattern->single);
	}
	allocating = KIND_DEPOT;
}

static void print_tally(const struct pattern *pattern, const struct tally tally[NR_KINDS])
{
	struct tally sum = {};
	unsigned int i;

	for (i = 0; i < NR_KINDS; i++) {
		sum.moved += tally[i].moved;
		sum.far += tally[i].far;
		sum.shared += tally[i].shared;
	}
	printf("%-45s %8.3f %8.3f %9lu %8.1f %8lu\n", pattern->name, (double)sum.moved / pairs,
	       (double)sum.far / pairs, sum.shared, 1000.0 * sim_pages_got / pairs, refused);
	for (i = 0; i < NR_KINDS; i++)
		if (tally[i].moved)
			printf("    %-41s %8.3f %8.3f %9lu\n", lines_name(i),
			       (double)tally[i].moved / pairs, (double)tally[i].far / pairs,
			       tally[i].shared);
}

/* All pages go back, so that the next pattern finds the table as this one did. */
static void give_all(const struct pattern *pattern)
{
	unsigned int cpu;

	for (cpu = 0; cpu < sim_cpus; cpu++)
		give_burst(pattern, cpu);
}

static void run(const struct pattern *pattern, unsigned int rounds, uint64_t seed)
{
	struct tally tally[NR_KINDS];

	make_owners(pattern);
	/* Until caches and depots hold what they will. */
	run_rounds(pattern, rounds, &seed);
	refused = 0;
	pairs = 0;
	sim_pages_got = 0;
	lines_begin();
	run_rounds(pattern, rounds, &seed);
	lines_end(tally);
	print_tally(pattern, tally);
	fprintf(stderr, "    simulated: %s\n", pattern->name);
	give_all(pattern);
}

int main(int argc, char **argv)
{
	unsigned long cpus, nodes, frames, capacity, rounds;
	uint64_t seed;
	unsigned int i;

	if (argc != 7)
		sim_die("wanted: CPUS NODES FRAMES CAPACITY ROUNDS SEED", argv[0]);
	cpus = strtoul(argv[1], NULL, 10);
	nodes = strtoul(argv[2], NULL, 10);
	frames = strtoul(argv[3], NULL, 10);
	capacity = strtoul(argv[4], NULL, 10);
	rounds = strtoul(argv[5], NULL, 10);
	seed = strtoull(argv[6], NULL, 10);
	if (cpus < 2 || cpus > SIM_MAX_CPUS || cpus % 2)
		sim_die("not a number of CPUs to be simulated", argv[1]);
	lines_stack(&argv);
	sim_allocated = note_memory;
	sim_machine(cpus, nodes, frames, seed);
	drive_load(capacity, frames, OWNERS);
	drive_regions();
	printf("%lu CPUs, %lu nodes, %lu frames, capacity %lu, seed %lu\n", cpus, nodes, frames,
	       capacity, (unsigned long)seed);
	printf("%-45s %8s %8s %9s %8s %8s\n", "an allocation and a free", "lines", "of far",
	       "lines", "from the", "refused");
	printf("%-45s %8s %8s %9s %8s %8s\n", "", "moved", "nodes", "shared", "system/k", "");
	for (i = 0; i < NR_PATTERNS; i++)
		run(&patterns[i], rounds, seed + i);
	return 0;
}
