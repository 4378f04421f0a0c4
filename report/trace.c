// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bring-up tracing. The state owned here is the watchers: trace=1 and dynamic debug. While any
 * watcher is on, set_fast_handles() in core/owner.c keeps every page off the fast paths, which
 * report no steps.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/dynamic_debug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/workqueue.h>

#include "core/param.h"
#include "report/history.h"

#define CREATE_TRACE_POINTS
#include "report/trace.h"

static struct lab_switch trace;
module_param_cb(trace, &lab_switch_ops, &trace, 0644);
MODULE_PARM_DESC(trace,
		 "Print every step of every page to dmesg, rate-limited (default 0)");

static DEFINE_RATELIMIT_STATE(trace_limit, HZ, 100);
module_param_cb(trace_burst, &lab_count_ops, &trace_limit.burst, 0644);
MODULE_PARM_DESC(trace_burst,
		 "Lines that trace=1 prints within a second; dmesg says how many were left out (default 100)");

int lab_trace_begin(void)
{
	lab_watch_begin();
	return 0;
}

void lab_trace_end(void)
{
	lab_watch_end();
}

static void trace_page(enum lab_op op, unsigned long pfn,
		       const struct lab_owner *owner, unsigned long ip)
{
	switch (op) {
	case LAB_OP_REFILL:
		return trace_page_refill(pfn, owner, ip);
	case LAB_OP_RETURN:
		return trace_page_return(pfn, owner, ip);
	case LAB_OP_LIMBO:
		return trace_page_limbo(pfn, owner, ip);
	case LAB_OP_ALLOC:
		return trace_page_alloc(pfn, owner, ip);
	case LAB_OP_FREE:
		return trace_page_free(pfn, owner, ip);
	case LAB_OP_RX_GET:
		return trace_page_rx_get(pfn, owner, ip);
	case LAB_OP_RELEASE:
		return trace_page_release(pfn, owner, ip);
	case LAB_OP_ADOPT:
		return trace_page_adopt(pfn, owner, ip);
	case LAB_OP_LEND:
		return trace_page_lend(pfn, owner, ip);
	case LAB_OP_RECLAIM:
		return trace_page_reclaim(pfn, owner, ip);
	case LAB_OP_MAP:
		return trace_page_map(pfn, owner, ip);
	case LAB_OP_VMAP:
		return trace_page_vmap(pfn, owner, ip);
	case LAB_OP_DMA:
		return trace_page_dma(pfn, owner, ip);
	case LAB_OP_UNMAP:
		return trace_page_unmap(pfn, owner, ip);
	case LAB_OP_RX_GIVE:
		return trace_page_rx_give(pfn, owner, ip);
	case LAB_OP_RX_PUT:
		return trace_page_rx_put(pfn, owner, ip);
	case LAB_OP_TRANSFER:		/* names two owners: lab_step_transfer() */
	case LAB_OP_RELEASE_LENT:	/* traced as a release */
	case LAB_OP_RX_READ:		/* these three change nothing */
	case LAB_OP_RX_AGAIN:
	case LAB_OP_PAGE:
	case LAB_OP_DESTROY:
	case LAB_OP_FAULT:
	case LAB_OP_READ:
	case LAB_OP_WRITE:
	case LAB_NR_OP_NAMES:
		return;
	}
}

#define STEP_FORMAT "%s pfn 0x%lx owner %s (id %u) from %pS\n"

struct step {
	const char *op;
	unsigned long pfn;
	const struct lab_owner *owner;
	unsigned long ip;
};

/*
 * Whether dynamic debug asks for the steps. If so, prints @step, unless NULL. A single
 * function, since the descriptor is local.
 */
#ifdef CONFIG_DYNAMIC_DEBUG
static bool debug_step(const struct step *step)
{
	DEFINE_DYNAMIC_DEBUG_METADATA(descriptor, STEP_FORMAT);

	if (!DYNAMIC_DEBUG_BRANCH(descriptor))
		return false;
	if (step && ___ratelimit(&trace_limit, "labyrinth"))
		__dynamic_pr_debug(&descriptor, pr_fmt(STEP_FORMAT), step->op,
				   step->pfn, step->owner->name,
				   lab_owner_id(step->owner),
				   (void *)step->ip);
	return true;
}
#else
static bool debug_step(const struct step *step)
{
	return false;
}
#endif

static bool wants_lines(void)
{
	return READ_ONCE(trace.on) || debug_step(NULL);
}

static void print_step(const struct step *step)
{
	if (!READ_ONCE(trace.on))
		debug_step(step);
	else if (___ratelimit(&trace_limit, "labyrinth"))
		pr_info(STEP_FORMAT, step->op, step->pfn, step->owner->name,
			lab_owner_id(step->owner), (void *)step->ip);
}

/*
 * Tells all watchers that page @pfn took the step @op. Called after the step, in the caller's
 * context.
 * Context: Any.
 */
void lab_step(enum lab_op op, unsigned long pfn,
	      const struct lab_owner *owner, unsigned long ip)
{
	trace_page(op, pfn, owner, ip);
	lab_history_note(op, pfn, owner, ip);
	print_step(&(struct step) { lab_op_name(op), pfn, owner, ip });
}

/*
 * As lab_step(), of a page that comes to a cache or leaves one, but prints no line. The caller
 * prints one for the whole batch by lab_step_batch(): a line for each page would use up the
 * lines of the first second.
 */
void lab_step_cached(enum lab_op op, unsigned long pfn,
		     const struct lab_owner *owner, unsigned long ip)
{
	trace_page(op, pfn, owner, ip);
	lab_history_note(op, pfn, owner, ip);
}

/*
 * Prints, if anybody wants lines, that @nr pages took the step @op.
 * Context: Any.
 */
void lab_step_batch(enum lab_op op, unsigned int nr,
		    const struct lab_owner *owner, unsigned long ip)
{
	if (nr && wants_lines() && ___ratelimit(&trace_limit, "labyrinth"))
		pr_info("%s %u pages owner %s (id %u) from %pS\n", lab_op_name(op), nr,
			owner->name, lab_owner_id(owner), (void *)ip);
}

/* Tells all watchers of a new owner. There are few owners: no limit applies to these lines. */
void lab_step_created(const struct lab_owner *owner, unsigned int reserve)
{
	trace_owner_create(owner, reserve);
	if (wants_lines())
		pr_info("owner %s (id %u) of module %s created, %u pages in reserve\n",
			owner->name, lab_owner_id(owner), owner->module_name, reserve);
}

/* Tells all watchers that an owner goes, with @out pages handed out. */
void lab_step_destroyed(const struct lab_owner *owner, unsigned int out)
{
	trace_owner_destroy(owner, out);
	if (wants_lines())
		pr_info("owner %s (id %u) of module %s destroyed, %u pages were out\n",
			owner->name, lab_owner_id(owner), owner->module_name, out);
}

void lab_step_transfer(unsigned long pfn, const struct lab_owner *from,
		       const struct lab_owner *to, unsigned long ip)
{
	trace_page_transfer(pfn, from, to, ip);
	lab_history_note(LAB_OP_TRANSFER, pfn, from, ip);
	print_step(&(struct step) { "transfer from", pfn, from, ip });
	print_step(&(struct step) { "transfer to", pfn, to, ip });
}

/*
 * Dynamic debug sends no notice when switched on or off, and a test on the fast path would cost
 * every page an instruction. So a work item looks once a second.
 */
#define DEBUG_POLL HZ

static void poll_debug(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(poll_work, poll_debug);
static bool debug_watched;

static void poll_debug(struct work_struct *work)
{
	bool wanted = debug_step(NULL);

	if (wanted && !debug_watched)
		lab_watch_begin();
	else if (!wanted && debug_watched)
		lab_watch_end();
	debug_watched = wanted;
	schedule_delayed_work(&poll_work, DEBUG_POLL);
}

int lab_trace_init(void)
{
	if (IS_ENABLED(CONFIG_DYNAMIC_DEBUG))
		poll_debug(NULL);
	return 0;
}

void lab_trace_exit(void)
{
	cancel_delayed_work_sync(&poll_work);
}
