// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts. The state owned here is the count of rows of the suite that runs. Only the test
 * thread writes the count; no two suites run at the same time.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "../../labyrinth_compat.h"

#include "context.h"

static unsigned int rows[NR_CONTEXTS];

static const char * const names[NR_CONTEXTS] = {
	[IN_TASK] = "task",
	[IN_SOFTIRQ] = "softirq",
	[IN_HARDIRQ] = "hardirq",
};

const char *context_name(enum test_context context)
{
	return names[context];
}

struct visit {
	struct hrtimer timer;
	enum test_context context;
	void (*fn)(void *arg);
	void *arg;
	bool there;
	struct completion done;
};

static bool is_there(enum test_context context)
{
	switch (context) {
	case IN_HARDIRQ:
		return in_hardirq() && irqs_disabled();
	case IN_SOFTIRQ:
		return in_serving_softirq() && !in_hardirq();
	default:
		return in_task();
	}
}

static void visit(struct visit *visit)
{
	visit->there = is_there(visit->context);
	visit->fn(visit->arg);
}

static enum hrtimer_restart visit_timer(struct hrtimer *timer)
{
	struct visit *v = container_of(timer, struct visit, timer);

	visit(v);
	complete(&v->done);
	return HRTIMER_NORESTART;
}

static void visit_by_timer(struct visit *v, enum hrtimer_mode mode)
{
	init_completion(&v->done);
	lab_hrtimer_setup(&v->timer, visit_timer, CLOCK_MONOTONIC, mode);
	hrtimer_start(&v->timer, ns_to_ktime(NSEC_PER_USEC), mode);
	wait_for_completion(&v->done);
	/* The next visit uses the timer again, so wait until the timer core has no use of it. */
	hrtimer_cancel(&v->timer);
}

bool context_run(enum test_context context, void (*fn)(void *arg), void *arg)
{
	/* Only the test thread calls this function, so a single visit runs at a time. */
	static struct visit v;

	v = (struct visit) { .context = context, .fn = fn, .arg = arg };
	rows[context]++;
	if (context == IN_TASK)
		visit(&v);
	else
		visit_by_timer(&v, context == IN_SOFTIRQ ?
				   HRTIMER_MODE_REL_SOFT :
				   HRTIMER_MODE_REL_HARD);
	return v.there;
}

void context_count_task(void)
{
	rows[IN_TASK]++;
}

static enum hrtimer_restart interrupt(struct hrtimer *timer)
{
	struct interrupter *i = container_of(timer, struct interrupter, timer);

	/* The test thread reads the count meanwhile. */
	WRITE_ONCE(i->fired, i->fired + 1);
	i->elsewhere += !in_hardirq();
	i->fn(i->arg);
	hrtimer_forward_now(timer, ns_to_ktime(i->period_ns));
	return HRTIMER_RESTART;
}

void interrupter_start(struct interrupter *i, u64 period_ns,
		       void (*fn)(void *arg), void *arg)
{
	*i = (struct interrupter) {
		.period_ns = period_ns, .fn = fn, .arg = arg,
	};
	rows[IN_HARDIRQ]++;
	/* Each test case has a new thread, so nothing need undo the affinity. */
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	lab_hrtimer_setup(&i->timer, interrupt, CLOCK_MONOTONIC,
			  HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&i->timer, ns_to_ktime(period_ns),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

void interrupter_stop(struct interrupter *i)
{
	if (i->fn)
		hrtimer_cancel(&i->timer);
}

int context_suite_init(struct kunit_suite *suite)
{
	memset(rows, 0, sizeof(rows));
	return 0;
}

void context_suite_exit(struct kunit_suite *suite)
{
	pr_info("# context: hardirq=%u softirq=%u task=%u\n", rows[IN_HARDIRQ],
		rows[IN_SOFTIRQ], rows[IN_TASK]);
}

int context_suite_init_expect(struct kunit_suite *suite)
{
	pr_info("labyrinth-test: expect begin\n");
	return context_suite_init(suite);
}

void context_suite_exit_expect(struct kunit_suite *suite)
{
	context_suite_exit(suite);
	pr_info("labyrinth-test: expect end\n");
}

int context_case_init(struct kunit *test)
{
	context_count_task();
	return 0;
}

MODULE_DESCRIPTION("KUnit tests of Labyrinth");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
