// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the system wants cached pages back: under memory pressure, and when a CPU
 * goes away. The state owned here is the shrinker and the hotplug callback.
 *
 * A CPU's list is changed without locked instructions by that CPU alone, so its
 * pages are moved to the shared list of the reserve by an interrupt on it, or
 * once it is dead; from there what is beyond the reserve goes back to the page
 * allocator. A SINGLE owner's cache is its user's alone, who may be at it any
 * moment: its pages, at most LAB_SINGLE_MAX, are not to be had.
 */
#include <linux/atomic.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/shrinker.h>
#include <linux/smp.h>

#include "labyrinth_compat.h"
#include "page/cache.h"
#include "system/shrinker.h"

static int hotplug_state;
static struct shrinker *shrinker;

static void count_owner(struct lab_owner *owner, void *total)
{
	*(unsigned long *)total += lab_cache_shrinkable(owner);
}

static unsigned long count_cached(struct shrinker *unused,
				  struct shrink_control *sc)
{
	unsigned long total = 0;

	lab_owners_try_each(count_owner, &total);
	return total ?: SHRINK_EMPTY;
}

static void gather_here(void *owner)
{
	lab_cache_gather_here(owner);
}

struct shrink {
	unsigned long wanted;
	unsigned long given;
};

static void shrink_owner(struct lab_owner *owner, void *arg)
{
	struct shrink *shrink = arg;

	if (shrink->given >= shrink->wanted || !lab_cache_shrinkable(owner))
		return;
	on_each_cpu(gather_here, owner, 1);
	shrink->given += lab_cache_give_back(owner);
}

/*
 * To have nothing to give, or not to be able to look at the owners right now, is
 * a reason to stop asking.
 */
static unsigned long scan_cached(struct shrinker *unused,
				 struct shrink_control *sc)
{
	struct shrink shrink = { .wanted = sc->nr_to_scan };

	lab_owners_try_each(shrink_owner, &shrink);
	return shrink.given ?: SHRINK_STOP;
}

static void gather_dead(struct lab_owner *owner, void *cpu)
{
	lab_cache_gather_cpu(owner, *(unsigned int *)cpu);
	lab_cache_give_back(owner);
}

static int cpu_dead(unsigned int cpu)
{
	lab_owners_each(gather_dead, &cpu);
	return 0;
}

/* Context: Task; may sleep. Return: 0, -ENOMEM, or an errno of the core's. */
int lab_shrinker_init(void)
{
	/* On the way down, the callback comes when the CPU is dead. */
	int state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN,
					      "labyrinth:dead", NULL, cpu_dead);

	if (state < 0)
		return state;
	hotplug_state = state;
	shrinker = lab_shrinker_register(count_cached, scan_cached);
	if (!shrinker) {
		cpuhp_remove_state_nocalls(hotplug_state);
		return -ENOMEM;
	}
	return 0;
}

void lab_shrinker_exit(void)
{
	lab_shrinker_unregister(shrinker);
	cpuhp_remove_state_nocalls(hotplug_state);
}
