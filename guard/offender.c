// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller of a function at which the guard has found a page. No state is owned here.
 *
 * The return address of a call names the caller, except in two cases. A page is freed in the depth
 * of the core, so the stack is searched for a module. And a probe on a tracepoint of Labyrinth may
 * end with a jump into a hooked function: then the call returns to Labyrinth, and no probe is on
 * the stack. But the tracepoint has a list of probes.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "guard/hook.h"
#include "report/site.h"

#define STACK_DEPTH	16

/* False where Labyrinth is built into the kernel: no address tells Labyrinth from the core then. */
static bool in_labyrinth(unsigned long ip)
{
	const struct module *self = THIS_MODULE;

	return self && within_module(ip, self);
}

/*
 * Whether @ip, an address between those of modules, is a module's. Trampolines of ftrace and of BPF
 * lie between modules, too. A trampoline of ftrace has no name, and a trampoline of BPF has a
 * module "bpf" in the name.
 */
static bool is_named(unsigned long ip)
{
	struct lab_site_name name = lab_site_name(ip);
	const char *module = strrchr(name.text, '[');

	return module && strcmp(module, "[bpf]");
}

/**
 * struct probes - the probes of other modules on Labyrinth's tracepoints
 * @ip: the probe that was found last.
 * @nr: how many probes were found.
 */
struct probes {
	unsigned long ip;
	unsigned int nr;
};

/* Under rcu_read_lock(), so that the list stays. */
static void count_probes(struct probes *probes, const struct tracepoint *tp)
{
	const struct tracepoint_func *func = rcu_dereference_raw(tp->funcs);

	for (; func && func->func; func++) {
		unsigned long ip = (unsigned long)func->func;

		if (in_labyrinth(ip) || !lab_is_module_text(ip) || ip == probes->ip)
			continue;
		probes->ip = ip;
		probes->nr++;
	}
}

/*
 * The caller, for a call that returns to Labyrinth, and that Labyrinth did not make: the probe of
 * another module. Of several probes each may be the caller, so the result is 0.
 */
static unsigned long find_probe(void)
{
	const struct module *self = THIS_MODULE;
	struct probes probes = {};
	unsigned int i;

	rcu_read_lock();
	for (i = 0; self && i < self->num_tracepoints; i++)
		count_probes(&probes, tracepoint_ptr_deref(&self->tracepoints_ptrs[i]));
	rcu_read_unlock();
	return probes.nr == 1 ? probes.ip : 0;
}

/* Where @ip is in the stack @entries; 0, the innermost entry, if @ip is 0 or not there. */
static unsigned int index_of(const unsigned long *entries, unsigned int nr, unsigned long ip)
{
	unsigned int i;

	for (i = 0; ip && i < nr; i++)
		if (entries[i] == ip)
			return i;
	return 0;
}

/*
 * The code that frees a page: of the modules on the stack, Labyrinth aside, the innermost, since
 * core functions further in run on behalf of that module. Without a module, the innermost core
 * function. Labyrinth frees no page that has an owner. So where Labyrinth is below core functions
 * on the stack, a probe has jumped, or an interrupt has come. What is further in than @site is
 * ftrace's; 0: nothing is.
 */
static unsigned long find_offender(unsigned long site)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int nr = stack_trace_save(entries, STACK_DEPTH, 0);
	unsigned long first = 0;
	unsigned int i;

	for (i = index_of(entries, nr, site); i < nr; i++) {
		if (in_labyrinth(entries[i])) {
			if (first)
				return find_probe() ?: first;
		} else if (!lab_is_module_text(entries[i])) {
			first = first ?: entries[i];
		} else if (is_named(entries[i])) {
			return entries[i];
		}
	}
	return first;
}

/* The code that frees a page, see find_offender(). Context: Any. */
unsigned long lab_offender_on_stack(void)
{
	return find_offender(0);
}

/* lab_offender_on_stack(), for ftrace's callback. */
unsigned long lab_offender_of_free(struct ftrace_regs *regs, unsigned long ip)
{
	return find_offender(lab_ftrace_site(regs));
}

static unsigned long caller_of(const struct lab_hook *hook, struct ftrace_regs *regs,
			       unsigned long ip)
{
	if (in_labyrinth(ip))
		return find_probe() ?: ip;
	return hook->offender ? hook->offender(regs, ip) : ip;
}

/*
 * The caller of @hook's function, for a call that returns to @ip.
 * Context: Any.
 */
struct lab_offender lab_offender_of(const struct lab_hook *hook, struct ftrace_regs *regs,
				    unsigned long ip)
{
	struct lab_offender offender = { .ip = caller_of(hook, regs, ip) };

	if (offender.ip != ip && hook->class != LAB_HOOK_FREE)
		offender.back = ip;
	return offender;
}
