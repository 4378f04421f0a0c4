/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts: runs a function in task, softirq or hardirq context, or repeatedly in a hardirq
 * that interrupts the test thread at any point. Counts the rows of each context, for the line
 * that each suite ends with.
 *
 * A failed KUnit assertion ends the thread that runs. So a function that runs in an interrupt
 * must not assert: the function stores results, and the test thread checks the results later.
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
 * Calls fn(arg) in @context and waits for the end of the call. Returns whether fn() really ran
 * in @context. Counts a row.
 */
bool context_run(enum test_context context, void (*fn)(void *arg), void *arg);

/* Counts a row that runs in task context without context_run(). */
void context_count_task(void);

/*
 * Calls fn(arg) in hardirq about every @period_ns, from start to stop, on the CPU of the
 * caller. The caller's thread is bound to that CPU from then on.
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
/* Does nothing to an interrupter that is zeroed and was never started. */
void interrupter_stop(struct interrupter *interrupter);

/*
 * For struct kunit_suite. The two functions named _expect are for suites that provoke reports:
 * they print a bracket, and the runner takes a report outside a bracket for a failure.
 */
int context_suite_init(struct kunit_suite *suite);
void context_suite_exit(struct kunit_suite *suite);
int context_suite_init_expect(struct kunit_suite *suite);
void context_suite_exit_expect(struct kunit_suite *suite);

/* For struct kunit_suite's @init where each case is a single row in task context. */
int context_case_init(struct kunit *test);

#endif /* LABYRINTH_KUNIT_CONTEXT_H */
