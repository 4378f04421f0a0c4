// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run: the actors, from the first step to the verdict. A thread, the director, sees the run
 * through and stays until the module goes, which may be at any moment.
 */
#define pr_fmt(fmt) "labyrinth_torture: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "torture.h"

#define POLL	(HZ / 20 ?: 1)

struct tort_actor **tort_actors;
unsigned int tort_nr_actors;

static struct tort_slip *slips;
static struct task_struct *director;
static DECLARE_COMPLETION(directing);

static bool running;
static unsigned int nr_threads;
static atomic_t resting;	/* threads that play no more */

/* Context: Any. */
bool tort_running(void)
{
	return READ_ONCE(running);
}

/* Context: Any. */
void tort_stop(void)
{
	WRITE_ONCE(running, false);
}

/* Waits until the scribbler is gone: the last word of struct page must be Labyrinth's. */
static void await_hush(void)
{
	if (!tort_scribbled || tort_failed())
		return;
	tort_stats_rest();
	while (!READ_ONCE(tort_hushed) && !kthread_should_stop())
		schedule_timeout_interruptible(POLL);
	WRITE_ONCE(tort_hushed, true);
}

static void settle_all(struct tort_actor *a, struct tort_actor *of)
{
	unsigned int i;

	for (i = 0; i < TORT_SLOTS; i++)
		tort_settle(a, of->slots[i]);
	if (of->inbox)
		tort_settle(a, of->inbox);
}

/* Frees the pages of @a's bound owner: only @a's thread may. */
static void settle_bound(struct tort_actor *a)
{
	unsigned int i;

	for (i = 0; i < TORT_SLOTS; i++)
		if (a->slots[i]->owner == &a->own[TORT_OWN_BOUND])
			tort_settle(a, a->slots[i]);
	tort_settle(a, a->inbox);
}

static void rest(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop())
		schedule();
	__set_current_state(TASK_RUNNING);
}

/* kthread_stop() comes when all threads rest and no interrupt plays. */
static int thread_fn(void *arg)
{
	struct tort_actor *a = arg;

	while (tort_running() && a->step < a->limit) {
		tort_step(a);
		if (a->step % 16)
			continue;
		tort_duel_renew(a);
		cond_resched();
	}
	atomic_inc(&resting);
	wake_up_process(director);
	while (!kthread_should_stop())
		rest();
	if (!tort_failed())
		settle_bound(a);
	return 0;
}

static struct tort_slip *slip_alloc(void)
{
	static unsigned int used;

	return &slips[used++];
}

static unsigned int slips_wanted(unsigned int actors)
{
	return actors * (TORT_SLOTS + 1) + TORT_CELLS;
}

static int add_actor(unsigned int cpu, enum tort_context context)
{
	struct tort_actor *a = vzalloc(sizeof(*a));
	unsigned int i;

	if (!a)
		return -ENOMEM;
	a->id = tort_nr_actors;
	a->cpu = cpu;
	a->context = context;
	a->seed = tort_seed;
	a->limit = tort_ops ? DIV_ROUND_UP(tort_ops, nr_threads) : ULONG_MAX;
	for (i = 0; i < TORT_SLOTS; i++)
		a->slots[i] = slip_alloc();
	a->inbox = slip_alloc();
	tort_actors[tort_nr_actors++] = a;
	return 0;
}

static int add_thread(unsigned int cpu)
{
	struct task_struct *thread;
	struct tort_actor *a;
	int err = add_actor(cpu, TORT_TASK);

	if (err)
		return err;
	a = tort_actors[tort_nr_actors - 1];
	thread = kthread_create(thread_fn, a, "lab_torture/%u", a->id);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	kthread_bind(thread, cpu);
	a->thread = thread;
	return 0;
}

static int add_cpu_actors(unsigned int cpu)
{
	enum tort_context context;
	unsigned int i;
	int err = 0;

	for (i = 0; i < tort_threads && !err; i++)
		err = add_thread(cpu);
	for (context = TORT_SOFTIRQ; context < TORT_PROCESS; context++)
		if (!err && tort_contexts & BIT(context))
			err = add_actor(cpu, context);
	return err;
}

static int add_actors(void)
{
	unsigned int most = num_possible_cpus() *
			    (tort_threads + TORT_NR_CONTEXTS), cpu, i;
	int err = 0;

	tort_actors = vcalloc(most, sizeof(*tort_actors));
	slips = vcalloc(slips_wanted(most), sizeof(*slips));
	if (!tort_actors || !slips)
		return -ENOMEM;
	for (i = 0; i < TORT_CELLS; i++)
		tort_swaps[i] = slip_alloc();
	nr_threads = num_online_cpus() * tort_threads;
	for_each_online_cpu(cpu)
		if (!err)
			err = add_cpu_actors(cpu);
	/* The last, so that the others are who they would be without it. */
	return err ?: add_actor(0, TORT_PROCESS);
}

static int prepare(void)
{
	unsigned int i;
	int err = add_actors() ?: tort_device_begin() ?: tort_owners_begin() ?:
		  tort_duels_begin() ?: tort_rings_begin() ?: tort_frags_begin();

	for (i = 0; i < tort_nr_actors && !err; i++) {
		if (tort_actors[i]->context == TORT_PROCESS)
			continue;
		err = tort_owners_of(tort_actors[i]) ?: tort_ring_of(tort_actors[i]) ?:
		      tort_frags_of(tort_actors[i]);
		tort_interrupts_prepare(tort_actors[i]);
	}
	return err;
}

static bool is_over(unsigned long deadline)
{
	return !tort_running() || kthread_should_stop() ||
	       atomic_read(&resting) == nr_threads ||
	       (tort_seconds && time_after(jiffies, deadline));
}

static void play(void)
{
	unsigned long deadline = jiffies + tort_seconds * HZ;
	unsigned int i;

	for (i = 0; i < tort_nr_actors; i++)
		if (tort_actors[i]->thread)
			wake_up_process(tort_actors[i]->thread);
	while (!is_over(deadline))
		schedule_timeout_interruptible(POLL);
	tort_stop();
	while (atomic_read(&resting) < nr_threads)
		schedule_timeout_uninterruptible(1);
}

static void stop_threads(void)
{
	unsigned int i;

	for (i = 0; i < tort_nr_actors; i++) {
		struct task_struct *thread = tort_actors[i]->thread;

		if (!thread)
			continue;
		kthread_stop(thread);
		put_task_struct(thread);
		tort_actors[i]->thread = NULL;
	}
}

/* The actor in whose name the director calls, when no actor plays any more. */
static struct tort_actor *director_as(void)
{
	return tort_actors[0];
}

static void return_loans(void)
{
	unsigned int i;

	for (i = 0; i < TORT_CELLS; i++)
		if (tort_loans[i])
			tort_return_loan(director_as(), tort_loans[i]);
}

/* The owner with a quota must still get exactly as many pages as the quota says. */
static void fill_quota(void)
{
	struct tort_owner *owner = &tort_shared[TORT_QUOTA];
	unsigned int got;
	void **pages = vcalloc(owner->quota + 1, sizeof(*pages));

	if (!pages)
		return;
	got = labyrinth_alloc_bulk(owner->handle, owner->quota + 1, pages);
	if (got != owner->quota && tort_is_fed())
		tort_violation(director_as(), NULL, "%u pages within a quota of %u",
			       got, owner->quota);
	while (got)
		labyrinth_free_page(owner->handle, pages[--got]);
	vfree(pages);
}

/* All pages go back to the owners. Only the director is left. */
static void settle(void)
{
	unsigned int i;

	for (i = 0; i < tort_nr_actors; i++)
		settle_all(director_as(), tort_actors[i]);
	for (i = 0; i < TORT_CELLS; i++)
		tort_settle(director_as(), tort_swaps[i]);
	tort_frags_settle(director_as());
	fill_quota();
	tort_owners_walk(director_as());
}

static void end_owners(void)
{
	unsigned int i;

	for (i = 0; i < tort_nr_actors; i++)
		tort_owners_end_of(tort_actors[i]);
	for (i = 0; i < tort_nr_actors; i++)
		tort_ring_end_of(tort_actors[i]);
	for (i = 0; i < tort_nr_actors; i++)
		tort_frags_end_of(tort_actors[i]);
	tort_rings_end(director_as());
	tort_frags_end(director_as());
	tort_duels_end(director_as());
	tort_owners_end(director_as());
}

/*
 * After a violation pages may be anybody's, and lists lead anywhere: nothing more is
 * touched, and the verdict is out before the module goes.
 */
static void wind_up(void)
{
	tort_interrupts_end();
	tort_mmap_rest();
	await_hush();
	if (!tort_failed())
		return_loans();
	stop_threads();
	if (!tort_failed())
		settle();
	if (!tort_failed())
		end_owners();
	tort_stats_print(!tort_failed());
}

static int director_fn(void *unused)
{
	complete(&directing);
	play();
	wind_up();
	while (!kthread_should_stop())
		rest();
	return 0;
}

/* The owners are gone, or not to be touched any more. */
static void free_all(void)
{
	unsigned int i;

	tort_mmap_end();
	tort_device_end();
	for (i = 0; i < tort_nr_actors; i++)
		vfree(tort_actors[i]);
	vfree(tort_actors);
	vfree(slips);
}

/* Context: Task; may sleep. Return: 0, or an errno of whatever failed. */
int tort_run_begin(void)
{
	int err = prepare();

	if (!err)
		err = tort_mmap_begin(tort_actors[tort_nr_actors - 1]);
	if (!err) {
		director = kthread_create(director_fn, NULL, "lab_torture");
		err = PTR_ERR_OR_ZERO(director);
	}
	if (!err) {
		WRITE_ONCE(running, true);
		err = tort_interrupts_begin();
		if (err)
			kthread_stop(director);
	}
	if (err) {
		tort_stop();
		tort_interrupts_end();
		tort_mmap_rest();
		stop_threads();
		end_owners();
		free_all();
		return err;
	}
	wake_up_process(director);
	/*
	 * A director that is stopped before director_fn() begins never runs, and winds up
	 * nothing.
	 */
	wait_for_completion(&directing);
	return 0;
}

/* Ends the run, if not over, and frees all memory. Context: Task; may sleep. */
void tort_run_end(void)
{
	kthread_stop(director);
	free_all();
}
