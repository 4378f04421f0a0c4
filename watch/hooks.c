// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks on functions that watched modules call: the table, armed and disarmed as a whole,
 * under the lock of watch/modules.c. The state owned here is which hooks are armed.
 *
 * A hook is a direct call to a stub (watch/stubs.S). The stub leaves at once if the caller is not
 * watched, and otherwise goes to a wrapper in place of the function. If other code, such as a BPF
 * program, has the function's direct call, the hook is missing, and the log and the file pages
 * say so.
 *
 * Why unloading is safe: no task sleeps in a stub, and a wrapper counts its calls. So after the
 * last hook is gone, a grace period of RCU-tasks waits for the stubs, and for calls that have
 * yet to be counted; the sum of the counts waits for the wrappers; a second grace period waits
 * for calls that are counted out and have yet to return.
 */
#define pr_fmt(fmt) "labyrinth_watch: " fmt

#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <asm/text-patching.h>

#include "watch/dma.h"
#include "watch/freers.h"
#include "watch/hook.h"
#include "watch/hooks.h"
#include "watch/note.h"
#include "watch/poolset.h"
#include "watch/recycle.h"
#include "watch/stubs.h"
#include "watch/wrap.h"

DEFINE_PER_CPU(long, watch_inside);

#define NOP5_OPCODE	0x0f	/* its first byte */

#define HOOK(function, wrapper) {					\
	.name = __stringify(function),					\
	.addr = (unsigned long)(function),				\
	.stub.entry = watch_stub_##wrapper,				\
}

#define UNMAP_HOOK(function, wrapper) {					\
	.name = __stringify(function),					\
	.addr = (unsigned long)(function),				\
	.stub.entry = watch_stub_##wrapper,				\
	.unmap = true,							\
}

#define POOL_HOOK(function, wrapper) {					\
	.name = __stringify(function),					\
	.addr = (unsigned long)(function),				\
	.stub.entry = watch_stub_##wrapper,				\
	.pool = true,							\
}

static struct watch_hook hooks[] = {
	HOOK(lab_core_alloc_pages, alloc_pages),
	HOOK(LAB_CORE_ALLOC_NODE, alloc_node),
	HOOK(lab_core_alloc_bulk, alloc_bulk),
	HOOK(lab_core_get_free_pages, get_pages),
	HOOK(lab_core_get_zeroed_page, get_zeroed),
	HOOK(__free_pages, free_page),
	HOOK(free_pages, free_address),
	HOOK(__folio_put, folio_put),
	HOOK(dma_map_page_attrs, dma_map),
	UNMAP_HOOK(LAB_CORE_DMA_UNMAP, dma_unmap),
	POOL_HOOK(page_pool_create, pool_create),
	POOL_HOOK(page_pool_destroy, pool_destroy),
	POOL_HOOK(lab_core_pool_get, pool_get),
	POOL_HOOK(lab_core_pool_frag, pool_frag),
	POOL_HOOK(lab_core_pool_put, pool_put),
#ifdef LAB_HAS_POOL_NETMEM
	POOL_HOOK(page_pool_alloc_pages, pool_get_page),
	POOL_HOOK(page_pool_alloc_frag, pool_frag_page),
#endif
};

/* Each probe is given watch_notes_at. The first is armed only where hooks do not do the same. */
static struct {
	const char *name;
	void *fn;
	struct tracepoint *tp;
	bool armed;
} tracepoints[] = {
#define PAGE_FREE	0
	[PAGE_FREE] = { "mm_page_free", watch_page_is_freed },
	{ "page_pool_state_hold", watch_pool_holds },
	{ "page_pool_state_release", watch_pool_releases },
};

static void match_tracepoint(struct tracepoint *tp, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tracepoints); i++)
		if (!strcmp(tp->name, tracepoints[i].name))
			tracepoints[i].tp = tp;
}

static void disarm_tracepoints(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tracepoints); i++)
		if (tracepoints[i].armed)
			tracepoint_probe_unregister(tracepoints[i].tp, tracepoints[i].fn,
						    (void *)watch_notes_at);
	for (i = 0; i < ARRAY_SIZE(tracepoints); i++)
		tracepoints[i].armed = false;
	tracepoint_synchronize_unregister();
}

/*
 * While a hook is armed, kernel.ftrace_enabled=0 must fail: with the hooks off, an unmapping would
 * go unseen. ftrace takes that wish only with a callback: this callback is on a function of the
 * module's own.
 */
static void anchored(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *regs)
{
}

static struct ftrace_ops anchor = {
	.func = anchored,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

static bool has_anchor;

static void drop_anchor(void)
{
	has_anchor = !ftrace_set_filter_ip(&anchor, (unsigned long)watch_hooks_settle, 0, 1) &&
		     !register_ftrace_function(&anchor);
}

static void weigh_anchor(void)
{
	if (has_anchor)
		unregister_ftrace_function(&anchor);
	has_anchor = false;
}

/* Context: Task; may sleep. At module exit, with no hook armed. */
void watch_hooks_exit(void)
{
	ftrace_free_filter(&anchor);
}

static int arm_tracepoint(unsigned int i)
{
	int err = -ENOENT;

	if (tracepoints[i].tp)
		err = tracepoint_probe_register(tracepoints[i].tp, tracepoints[i].fn,
						(void *)watch_notes_at);
	tracepoints[i].armed = !err;
	return err;
}

/* Without the anchor ftrace may be off, and calls no hook: then the tracepoint sees frees. */
static int arm_tracepoints(void)
{
	unsigned int i;
	int err = 0;

	for_each_kernel_tracepoint(match_tracepoint, NULL);
	for (i = 0; i < ARRAY_SIZE(tracepoints) && !err; i++)
		if (i != PAGE_FREE || !has_anchor || !watch_freers_arm(tracepoints[i].tp))
			err = arm_tracepoint(i);
	if (err) {
		watch_freers_disarm();
		disarm_tracepoints();
		watch_hooks_settle();
	}
	return err;
}

/* Where WATCH_CORE() says: a nop that ftrace has made of the call of __fentry__, or a call. */
static bool is_at_beginning(const struct watch_hook *hook)
{
	u8 code = READ_ONCE(*(u8 *)(hook->addr + WATCH_HOOK_SIZE - WATCH_HOOK_CALL_SIZE));

	return code == NOP5_OPCODE || code == CALL_INSN_OPCODE;
}

static void arm_hook(struct watch_hook *hook)
{
	if (is_at_beginning(hook))
		watch_hook_attach(hook);
	else
		hook->err = -EOPNOTSUPP;
	if (hook->err)
		pr_warn("%s cannot be hooked: %pe; what goes that way is not seen\n", hook->name,
			ERR_PTR(hook->err));
}

/* Whether no hook is missing that a refusal depends on. */
static void note_seen(void)
{
	bool unmaps = has_anchor, pools = has_anchor;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		unmaps &= !hooks[i].unmap || hooks[i].armed;
		pools &= !hooks[i].pool || hooks[i].armed;
	}
	WRITE_ONCE(watch_unmaps_seen, unmaps);
	WRITE_ONCE(watch_pools_seen, pools);
}

/*
 * Without the tracepoints a page that was freed would seem to be held, so nothing is hooked.
 * Context: Task; may sleep. Return: 0, or an errno, with nothing armed.
 */
int watch_hooks_arm(void)
{
	unsigned int i;
	int err;

	drop_anchor();
	err = arm_tracepoints();
	if (err) {
		weigh_anchor();
		return err;
	}
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		arm_hook(&hooks[i]);
	note_seen();
	return 0;
}

static long calls_inside(void)
{
	long inside = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		inside += READ_ONCE(*per_cpu_ptr(&watch_inside, cpu));
	return inside;
}

/*
 * A module or a pool is watched no more. Returns once no call is under way that has looked it up
 * before and may still write a note: between a wrapper's look and its last use of what was found
 * no task sleeps. Other modules' calls go on coming.
 * Context: Task; may sleep.
 */
void watch_hooks_settle(void)
{
	synchronize_rcu_tasks();
}

/*
 * Returns once no call is in a stub or a wrapper. No hook is armed any more, so none comes.
 * Context: Task; may sleep.
 */
static void quiesce(void)
{
	synchronize_rcu_tasks();
	while (calls_inside())
		msleep(20);
	synchronize_rcu_tasks();
}

static bool is_any_armed(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].armed)
			return true;
	return false;
}

/*
 * Context: Task; may sleep. Return: whether no call is in a hook any more. If ftrace does not let
 * go of a function, calls go on coming, and the module and the notes must stay.
 */
bool watch_hooks_disarm(void)
{
	unsigned int i;

	WRITE_ONCE(watch_unmaps_seen, false);
	WRITE_ONCE(watch_pools_seen, false);
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		watch_hook_detach(&hooks[i]);
	watch_freers_disarm();
	weigh_anchor();
	disarm_tracepoints();
	quiesce();
	return !is_any_armed() && !watch_freers_armed();
}

void watch_hooks_show(struct seq_file *m)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		watch_hook_show(m, &hooks[i]);
	watch_freers_show(m);
}
