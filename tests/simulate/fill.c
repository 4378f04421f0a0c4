// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: fill NODES FRAMES CAPACITY RUN SEED
 * How full the owner table gets: frames in runs of RUN, the runs at random places of the machine,
 * are inserted until the table refuses one or no frame is left. At some loads on the way, prints
 * how many tags a look-up compares, for pages that are there, in the mean and at worst, and for
 * pages that are not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/table.h"
#include "machine.h"

/* So many look-ups at each load. */
#define SAMPLE		1000000UL

static struct lab_table *table = &labyrinth_hot.table;
static unsigned long frames, capacity;
static unsigned int run;
static uint64_t seed;

struct probes {
	unsigned long worst;
	unsigned long sum;
	unsigned long nr;
};

static unsigned long pfn_at(unsigned long nr)
{
	return sim_scatter(nr, frames, run, seed);
}

static lab_tag_t tag_of(unsigned long pfn)
{
	return lab_tag_make(pfn, 1, LAB_HELD);
}

static void count(struct probes *probes)
{
	probes->sum += sim_loads;
	probes->worst = sim_loads > probes->worst ? sim_loads : probes->worst;
	probes->nr++;
}

static void look_up_held(unsigned long used, uint64_t state, struct probes *probes)
{
	unsigned long pfn = pfn_at(sim_random(&state) % used);

	if (!pfn)
		return;
	sim_loads = 0;
	if (!lab_table_find(table, tag_of(pfn)))
		sim_die("a tag is not found", "lab_table_find");
	count(probes);
}

/* As a hook of the guard does, of a page that is not Labyrinth's. */
static void look_up_absent(unsigned long used, uint64_t state, struct probes *probes)
{
	lab_tag_t tag;

	if (used == frames)
		return;
	sim_loads = 0;
	if (lab_table_search(table, pfn_at(used + sim_random(&state) % (frames - used)), &tag))
		sim_die("a tag is found that is not there", "lab_table_search");
	count(probes);
}

static void measure(unsigned long used)
{
	struct probes held = {}, absent = {};
	struct lab_table_stats stats;
	uint64_t state = seed + used;
	unsigned long i;

	for (i = 0; i < SAMPLE; i++) {
		sim_random(&state);
		look_up_held(used, state, &held);
		look_up_absent(used, state, &absent);
	}
	lab_table_stats(table, &stats);
	printf("%12lu %6.1f %6.1f %9.2f %6lu %9.2f %6lu %9.2f %7u\n", used,
	       100.0 * used / capacity, 100.0 * used / table->nr_slots,
	       (double)held.sum / held.nr, held.worst,
	       absent.nr ? (double)absent.sum / absent.nr : 0.0, absent.worst,
	       100.0 * (stats.used - stats.preferred) / stats.used, stats.stash_used);
	fflush(stdout);
}

/* The loads at which to measure, in percent of the capacity. */
static unsigned int next_percent(unsigned int percent)
{
	static const unsigned int percents[] = { 50, 90, 100, 115 };
	unsigned int i;

	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
		if (percents[i] > percent)
			return percents[i];
	return 100000;
}

static void fill_up(void)
{
	unsigned int percent = next_percent(0);
	unsigned long i, nr = 0;

	for (i = 0; i < frames; i++) {
		unsigned long pfn = pfn_at(i);

		if (pfn && !lab_table_insert(table, tag_of(pfn)))
			break;
		if (++nr < capacity / 100 * percent)
			continue;
		measure(nr);
		percent = next_percent(percent);
		if (percent == 100000)
			fprintf(stderr, "    until the table refuses a page\n");
	}
	printf("%s after %lu pages, %.1f %% of the capacity\n",
	       i < frames ? "a page is refused" : "no frame is left", nr, 100.0 * nr / capacity);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		sim_die("wanted: NODES FRAMES CAPACITY RUN SEED", argv[0]);
	frames = strtoul(argv[2], NULL, 10);
	capacity = strtoul(argv[3], NULL, 10);
	run = strtoul(argv[4], NULL, 10);
	seed = strtoull(argv[5], NULL, 10);
	sim_machine(2, strtoul(argv[1], NULL, 10), frames, seed);
	if (lab_table_init(table, capacity, frames))
		sim_die("no memory for a table", argv[3]);
	printf("%lu frames in runs of %u, capacity %lu: %llu slots, %s, hints %ld\n", frames, run,
	       capacity, table->nr_slots,
	       table->multiplier == GOLDEN_RATIO_32 ? "hashed" : "a slot for every frame",
	       -(long)table->no_hint);
	printf("%12s %6s %6s %9s %6s %9s %6s %9s %7s\n", "pages", "% of", "% of", "tags", "worst",
	       "tags", "worst", "% not", "in the");
	printf("%12s %6s %6s %9s %6s %9s %6s %9s %7s\n", "", "cap.", "slots", "held", "", "absent",
	       "", "preferred", "stash");
	fill_up();
	return 0;
}
