// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hook through which page/stray.c sees faults on sealed pages. The state owned here is
 * which hook is armed.
 *
 * The hook is armed when the first sealed owner comes, and stays until the module goes. Hooked
 * is page_fault_oops(), which the kernel calls only for a fault that the kernel cannot explain.
 * So where no access goes astray, nothing is slower. The callback, called(), runs in the context
 * of the access. If the access is diverted, the callback makes page_fault_oops() return at once,
 * and the access is made again.
 *
 * Recursion is safe without ftrace's check: the callback takes no lock, and a stray access
 * within the callback finds the page diverted already, or is diverted.
 *
 * Where ftrace refuses the hook, as when a livepatch has page_fault_oops(), the die notifier
 * oopsed() diverts the access a step later: the oops is printed, but the machine goes on.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/debugfs.h>
#include <linux/ftrace.h>
#include <linux/kdebug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/special_insns.h>

#include "guard/fault.h"
#include "hook/stubs.h"
#include "page/quarantine.h"
#include "page/reseal.h"
#include "page/seal.h"
#include "page/stray.h"

enum fault_hook {
	FAULT_NONE,
	FAULT_FTRACE,
	FAULT_DIE,
};

static const char * const hook_names[] = {
	[FAULT_NONE] = "none",
	[FAULT_FTRACE] = "page_fault_oops",
	[FAULT_DIE] = "die notifier",
};

/* Protects which hook is armed. Taken in task context; ftrace's locks nest in it. */
static DEFINE_MUTEX(fault_lock);
static enum fault_hook armed;

/* Context: Any. Return: whether the access is to be made again. */
static bool divert(unsigned long error, unsigned long addr, const struct pt_regs *regs)
{
	if (!lab_stray_divert(error, addr, regs))
		return false;
	lab_seal_kick();
	return true;
}

#ifdef LAB_GUARD_POSSIBLE

/* Called before page_fault_oops(regs, error_code, address). */
static void called(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *fregs)
{
	struct pt_regs *args = lab_ftrace_regs(fregs);
	const struct pt_regs *regs = (void *)regs_get_kernel_argument(args, 0);

	/* A module may have a function of the same name. */
	if (ip >= MODULES_VADDR && ip < MODULES_END)
		return;
	if (divert(regs_get_kernel_argument(args, 1), regs_get_kernel_argument(args, 2), regs))
		lab_ftrace_divert(fregs, (unsigned long)lab_return_zero);
}

static struct ftrace_ops fault_ops = { .func = called };

static int arm_ftrace(void)
{
	/* ftrace writes into the string. */
	char name[] = "page_fault_oops";

	/* Anew, since a failed try leaves flags. */
	fault_ops.flags = (fault_ops.flags & FTRACE_OPS_FL_INITIALIZED) | FTRACE_OPS_FL_IPMODIFY |
			  FTRACE_OPS_FL_RECURSION | FTRACE_OPS_FL_PERMANENT;
	return ftrace_set_filter(&fault_ops, name, strlen(name), 1) ?:
	       register_ftrace_function(&fault_ops);
}

static int disarm_ftrace(void)
{
	return unregister_ftrace_function(&fault_ops);
}

static void end_ftrace(void)
{
	/* A preempted task may still be in lab_return_zero(). */
	if (armed == FAULT_FTRACE)
		synchronize_rcu_tasks();
	/* A hook that was refused has a filter too. */
	ftrace_free_filter(&fault_ops);
}

#else /* !LAB_GUARD_POSSIBLE */

static int arm_ftrace(void)
{
	return -EOPNOTSUPP;
}

static int disarm_ftrace(void)
{
	return 0;
}

static void end_ftrace(void)
{
}

#endif /* LAB_GUARD_POSSIBLE */

static int oopsed(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct die_args *args = data;

	if (event != DIE_OOPS || !lab_stray_divert(args->err, lab_fault_address(args), args->regs))
		return NOTIFY_DONE;
	/* The worker's run that is called for finds the hold. */
	lab_seal_hold();
	lab_seal_kick();
	return NOTIFY_STOP;
}

static struct notifier_block oops_nb = {
	.notifier_call = oopsed,
	.priority = INT_MAX,
};

/* Where there is no notifier either, no access is diverted, and so no page may be sealed. */
static int arm_notifier(int why)
{
	int err = register_die_notifier(&oops_nb);

	if (err)
		return lab_region_lacks("a hook on page_fault_oops, or a die notifier", err);
	pr_warn("sealed pages: page_fault_oops cannot be hooked: %pe; so a stray access is an oops that the machine survives\n",
		ERR_PTR(why));
	armed = FAULT_DIE;
	return 0;
}

static int arm_locked(void)
{
	int err = arm_ftrace();

	if (err)
		return arm_notifier(err);
	armed = FAULT_FTRACE;
	return 0;
}

/*
 * Arms the hook, unless an earlier call did.
 * Context: Task; may sleep. Return: 0, or -EOPNOTSUPP where there is no way.
 */
int lab_fault_arm(void)
{
	int err = 0;

	mutex_lock(&fault_lock);
	if (armed == FAULT_NONE)
		err = arm_locked();
	mutex_unlock(&fault_lock);
	return err ? -EOPNOTSUPP : 0;
}

/*
 * Disarms the hook, when no page is sealed any more. While ftrace refuses to unregister the
 * hook, the module must stay: see disarm_hook() in guard/guard.c.
 * Context: Task; may sleep.
 */
void lab_fault_exit(void)
{
	if (armed == FAULT_DIE)
		unregister_die_notifier(&oops_nb);
	while (armed == FAULT_FTRACE && disarm_ftrace())
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
	end_ftrace();
}

static int sealed_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "hook: %s\n", hook_names[READ_ONCE(armed)]);
	lab_seal_show(m);
	lab_reseal_show(m);
	lab_quarantine_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sealed);

/* Context: Task. */
void lab_fault_debugfs(struct dentry *root)
{
	debugfs_create_file("sealed", 0400, root, NULL, &sealed_fops);
}
