// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that play. On each CPU a timer fires in hard interrupt context, at irregular
 * intervals. The timer's handler plays, and sets off the other contexts: a tasklet, irq_work,
 * and an NMI on some CPU. When a CPU goes offline, another CPU plays the timer until the CPU
 * comes back.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/percpu.h>

#include "torture.h"

#define STEPS		4U

struct cpu {
	struct hrtimer timer;
	struct tasklet_struct tasklet;
	struct irq_work work;
	/* The actors of this CPU. Each can interrupt only actors earlier in the array. */
	struct tort_actor *actors[TORT_MAX_THREADS + TORT_NR_CONTEXTS];
	unsigned int nr_actors;
	struct tort_actor *by_context[TORT_NR_CONTEXTS];
};

static DEFINE_PER_CPU(struct cpu, cpus);
static bool ticking;
/* The state that cpuhp_setup_state_nocalls() gave, or 0. */
static int online_state;

static struct cpu *cpu_of(const struct tort_actor *a)
{
	return per_cpu_ptr(&cpus, a->cpu);
}

/*
 * The actor in a call of Labyrinth that @a interrupted, or NULL. A thread that was preempted in
 * a call does not count: the thread's task is not the current task.
 * Context: Any.
 */
struct tort_actor *tort_interrupted(const struct tort_actor *a)
{
	struct cpu *cpu = cpu_of(a);
	unsigned int i;

	for (i = cpu->nr_actors; i-- > 0; ) {
		struct tort_actor *b = cpu->actors[i];

		if (b->context < a->context && READ_ONCE(b->in_call) &&
		    READ_ONCE(b->task) == current)
			return b;
	}
	return NULL;
}

/* An interrupt has come, and plays. Context: @a's. */
void tort_interrupt_steps(struct tort_actor *a)
{
	struct tort_actor *interrupted = tort_interrupted(a);
	u32 steps;

	WRITE_ONCE(a->task, current);
	a->entries++;
	if (interrupted && tort_running()) {
		a->landed++;
		tort_aba(a, interrupted);
	}
	for (steps = 1 + tort_roll(a, STEPS); steps && tort_running(); steps--)
		tort_step(a);
}

/* The NMI actor of this CPU, or NULL. Context: NMI. */
struct tort_actor *tort_nmi_actor(void)
{
	return this_cpu_read(cpus.by_context[TORT_NMI]);
}

static void tasklet_fn(struct tasklet_struct *tasklet)
{
	struct cpu *cpu = container_of(tasklet, struct cpu, tasklet);

	tort_interrupt_steps(cpu->by_context[TORT_SOFTIRQ]);
}

static void work_fn(struct irq_work *work)
{
	struct cpu *cpu = container_of(work, struct cpu, work);

	tort_interrupt_steps(cpu->by_context[TORT_IRQ_WORK]);
}

/* Sends an NMI to any CPU, this CPU included. */
static void send_nmi(struct tort_actor *a)
{
	unsigned int cpu = tort_actors[tort_roll(a, tort_nr_actors)]->cpu;

	if (per_cpu(cpus.by_context[TORT_NMI], cpu))
		tort_nmi_send(cpu);
}

static void set_off_others(struct cpu *cpu, struct tort_actor *a)
{
	if (cpu->by_context[TORT_SOFTIRQ] && tort_roll(a, 2))
		tasklet_schedule(&cpu->tasklet);
	if (cpu->by_context[TORT_IRQ_WORK] && tort_roll(a, 2))
		irq_work_queue(&cpu->work);
	if (tort_roll(a, 2))
		send_nmi(a);
}

/*
 * The next interval begins at the end of the handler's work, so that the CPU has time for other
 * work.
 */
static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	struct cpu *cpu = container_of(timer, struct cpu, timer);
	struct tort_actor *a = cpu->by_context[TORT_HARDIRQ];

	if (!READ_ONCE(ticking))
		return HRTIMER_NORESTART;
	tort_interrupt_steps(a);
	set_off_others(cpu, a);
	hrtimer_forward_now(timer, ns_to_ktime(NSEC_PER_USEC *
				    (1 + tort_roll(a, 2 * tort_irq_us))));
	return HRTIMER_RESTART;
}

static void start_timer(void *unused)
{
	struct cpu *cpu = this_cpu_ptr(&cpus);

	if (cpu->by_context[TORT_HARDIRQ])
		hrtimer_start(&cpu->timer,
			      ns_to_ktime(NSEC_PER_USEC * tort_irq_us),
			      HRTIMER_MODE_REL_PINNED_HARD);
}

/*
 * CPU @number is back. The CPU's timer goes on here, after the last run of the timer or the
 * irq_work on another CPU: an actor never runs on two CPUs at once. A tasklet guarantees that
 * without help.
 */
static int cpu_online_fn(unsigned int number)
{
	struct cpu *cpu = per_cpu_ptr(&cpus, number);

	hrtimer_cancel(&cpu->timer);
	irq_work_sync(&cpu->work);
	tort_nmi_online(number);
	start_timer(NULL);
	return 0;
}

static int begin_ticking(void)
{
	int state;

	WRITE_ONCE(ticking, true);
	on_each_cpu(start_timer, NULL, 1);
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
					  "labyrinth/torture:online",
					  cpu_online_fn, NULL);
	if (state < 0)
		return state;
	online_state = state;
	return 0;
}

/* Adds @a to the actors of @a's CPU, which is online. Context: Task. */
void tort_interrupts_prepare(struct tort_actor *a)
{
	struct cpu *cpu = cpu_of(a);

	cpu->actors[cpu->nr_actors++] = a;
	cpu->by_context[a->context] = a;
}

/*
 * Context: Task; may sleep. Return: 0, or as register_nmi_handler() or
 * cpuhp_setup_state().
 */
int tort_interrupts_begin(void)
{
	unsigned int cpu;
	int err = 0;

	if (tort_contexts & BIT(TORT_NMI))
		err = tort_nmi_begin();
	for_each_possible_cpu(cpu) {
		struct cpu *c = per_cpu_ptr(&cpus, cpu);

		tasklet_setup(&c->tasklet, tasklet_fn);
		/* Hard on PREEMPT_RT, too. */
		c->work = IRQ_WORK_INIT_HARD(work_fn);
		lab_hrtimer_setup(&c->timer, timer_fn, CLOCK_MONOTONIC,
				  HRTIMER_MODE_REL_PINNED_HARD);
	}
	return err ?: begin_ticking();
}

/* No interrupt plays after that. Context: Task; may sleep. */
void tort_interrupts_end(void)
{
	unsigned int cpu;

	if (!READ_ONCE(ticking))
		return;
	if (online_state)
		cpuhp_remove_state_nocalls(online_state);
	online_state = 0;
	WRITE_ONCE(ticking, false);
	for_each_possible_cpu(cpu)
		hrtimer_cancel(&per_cpu_ptr(&cpus, cpu)->timer);
	if (tort_contexts & BIT(TORT_NMI))
		tort_nmi_end();
	for_each_possible_cpu(cpu) {
		irq_work_sync(&per_cpu_ptr(&cpus, cpu)->work);
		tasklet_kill(&per_cpu_ptr(&cpus, cpu)->tasklet);
	}
}
