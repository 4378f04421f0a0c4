/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts: runs a function in task, softirq or hardirq context, or again and
 * again in hardirq over whatever the test thread is doing; and counts what
 * ran where, for the line that each suite ends with.
 *
 * An assertion of KUnit's ends the thread it fails in, so nothing that runs here
 * in an interrupt may assert: it collects, and the test looks at it afterwards.
 */
#ifndef LABYRINTH_KUNIT_CONTEXT_H
#define LABYRINTH_KUNIT_CONTEXT_H

#include <linux/hrtimer.h>
#include <linux/types.h>
#include <kunit/test.h>

enum test_context {
	IN_TASK,
	IN_SOFTIRQ,
	IN_HARDIRQ,
	NR_CONTEXTS
};

const char *context_name(enum test_context context);

/*
 * Calls fn(arg) in @context and waits for its end. Returns whether it ran there
 * indeed. Counts one row.
 */
bool context_run(enum test_context context, void (*fn)(void *arg), void *arg);

/* One case more that ran in task context without context_run(). */
void context_count_task(void);

/*
 * fn(arg) in hardirq every @period_ns or so, from start to stop, on the CPU of the
 * caller: who stays there from now on.
 */
struct interrupter {
	struct hrtimer timer;
	u64 period_ns;
	void (*fn)(void *arg);
	void *arg;
	unsigned int fired;
	unsigned int elsewhere;		/* not in hardirq: must stay 0 */
};

void interrupter_start(struct interrupter *interrupter, u64 period_ns,
		       void (*fn)(void *arg), void *arg);
/* Harmless if it was never started, provided that it is zeroed. */
void interrupter_stop(struct interrupter *interrupter);

/*
 * For struct kunit_suite. The two that expect are for suites which provoke
 * reports: the runner takes those for failures outside such a bracket.
 */
int context_suite_init(struct kunit_suite *suite);
void context_suite_exit(struct kunit_suite *suite);
int context_suite_init_expect(struct kunit_suite *suite);
void context_suite_exit_expect(struct kunit_suite *suite);

/* For struct kunit_suite's @init where each case is one row in task context. */
int context_case_init(struct kunit *test);

#endif /* LABYRINTH_KUNIT_CONTEXT_H */
