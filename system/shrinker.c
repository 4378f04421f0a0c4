// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives cached pages back when the system wants memory, and when a CPU goes offline. The state
 * owned here is the shrinker and the hotplug callback.
 *
 * Only a CPU itself changes the CPU's cache, without locked instructions. So an interrupt on
 * that CPU, or another CPU once that CPU is dead, moves the pages to the reserve's list. From
 * there, pages beyond the reserve go to the page allocator. Only the owner's user may touch a
 * SINGLE owner's cache, and may do so at any moment: these pages, at most LAB_SINGLE_MAX, are
 * not given back.
 */
#include <linux/atomic.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/shrinker.h>
#include <linux/smp.h>

#include "labyrinth_compat.h"
#include "page/cache.h"
#include "page/quarantine.h"
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
	unsigned long total = lab_quarantine_count();

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

/* Without a page to give back, or where the owners' lock is taken, the kernel is to stop asking. */
static unsigned long scan_cached(struct shrinker *unused,
				 struct shrink_control *sc)
{
	struct shrink shrink = { .wanted = sc->nr_to_scan };

	/* From quarantine the pages go to the owners, and from there to the system. */
	lab_quarantine_shrink(sc->nr_to_scan);
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

/* Context: Task; may sleep. Return: 0, -ENOMEM, or an errno of the CPU hotplug core. */
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
