// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives cached pages back when the system wants memory, and when a CPU goes offline. The state
 * owned here is the shrinker and the hotplug callback.
 *
 * Only a CPU itself changes the CPU's cache, without locked instructions. So an interrupt on
 * that CPU, or another CPU once that CPU is dead, moves the pages to the reserve's list. From
 * there, pages beyond the reserve go to the page allocator. Only the owner's user may touch a
 * SINGLE owner's cache, and may do so at any moment: the user's next calls give these pages up.
 *
 * A look takes the owners in turn, and ends when enough is given back. So what a look costs
 * depends on the pages that are given back, not on how many owners and CPUs there are.
 */
#include <linux/atomic.h>
#include <linux/cpuhotplug.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/shrinker.h>
#include <linux/smp.h>

#include "core/table.h"
#include "labyrinth_compat.h"
#include "page/cache.h"
#include "page/quarantine.h"
#include "system/shrinker.h"

static int hotplug_state;
static struct shrinker *shrinker;

/*
 * Where this many owners in a row had nothing to give, all pages are likely to be in use: the
 * kernel is told that there is nothing for a while.
 */
#define LOOK_MOST	256U
#define QUIET		(HZ / 10)

/* Until when there is nothing. A word of jiffies, written and read as it is. */
static unsigned long quiet_until;

static bool is_quiet(void)
{
	return time_before(jiffies, READ_ONCE(quiet_until));
}

/*
 * How many pages there are to be had, at most: what is handed out or reserved is counted too. A
 * look at every cache of every owner would cost more than the pages are worth.
 */
static unsigned long count_cached(struct shrinker *unused,
				  struct shrink_control *sc)
{
	if (is_quiet())
		return SHRINK_EMPTY;
	return lab_table_rough(&labyrinth_hot.table) + 1;
}

static void gather_here(void *owner)
{
	lab_cache_gather_here(owner);
}

/* Only a CPU that has pages is interrupted. */
static bool has_pages(int cpu, void *owner)
{
	return lab_cache_has_cpu(owner, cpu);
}

struct shrink {
	unsigned long wanted;
	unsigned long given;
};

static bool shrink_owner(struct lab_owner *owner, void *arg)
{
	struct shrink *shrink = arg;

	if (!lab_cache_shrinkable(owner))
		return true;
	on_each_cpu_cond(has_pages, gather_here, owner, true);
	shrink->given += lab_cache_shrink(owner);
	return shrink->given < shrink->wanted;
}

/* Without a page to give back, or where the owners' lock is taken, the kernel is to stop asking. */
static unsigned long scan_cached(struct shrinker *unused,
				 struct shrink_control *sc)
{
	struct shrink shrink = { .wanted = sc->nr_to_scan };

	/* From quarantine the pages go to the owners, and from there to the system. */
	lab_quarantine_shrink(sc->nr_to_scan);
	lab_owners_try_some(LOOK_MOST, shrink_owner, &shrink);
	if (shrink.given)
		return shrink.given;
	WRITE_ONCE(quiet_until, jiffies + QUIET);
	return SHRINK_STOP;
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
