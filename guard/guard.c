// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard: refuses those who never ask. The state owned here is what guard=
 * and guard_classes= ask for, and of each hook whether it is armed.
 *
 * A hook is an ftrace_ops of its own on one function, so that one that cannot
 * be had (a livepatch has the function, say) costs no other. Its callback runs
 * before the function's first instruction, in the context of the call, whichever
 * that is. It looks the pages in the arguments up, which is plain loads. Where
 * none of them is held, that was all. Else the instruction pointer is sent to a function
 * of hook/stubs.S, which returns what the hooked function returns on failure: a value
 * set by the callback would not survive a BPF trampoline on the same function.
 *
 * Why unloading is safe: neither a callback nor a function of hook/stubs.S ever
 * sleeps, but a task may be preempted in either. After the last hook is disarmed,
 * lab_guard_exit() waits for a grace period of RCU-tasks, after which each task has
 * slept, or been in user space, since it was in one. Where a hook cannot be disarmed,
 * calls come for ever: then the module stays, see disarm().
 *
 * Recursion: the look-up calls nothing that is hooked, so the decision needs no
 * protection, and is made for every call. The report may: what it prints may go
 * out over a network card, which maps it for DMA. So a report within a report
 * is left out; the count beside the hook tells of it.
 *
 * A look-up may race with the owner, who just then gets or gives back the page.
 * Either answer was true at one moment of the call; who maps pages that are
 * about to become somebody else's would win that race without a guard as well.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/debugfs.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/param.h"
#include "guard/guard.h"
#include "guard/hook.h"
#include "hook/stubs.h"

static const char * const class_names[] = {
	[LAB_HOOK_MAP] = "map",
	[LAB_HOOK_FAULT] = "fault",
	[LAB_HOOK_VMAP] = "vmap",
	[LAB_HOOK_DMA] = "dma",
	[LAB_HOOK_FILE] = "file",
	[LAB_HOOK_FREE] = "free",
};

static_assert(ARRAY_SIZE(class_names) == LAB_NR_HOOK_CLASSES);

static const char * const state_names[] = {
	[LAB_HOOK_DISARMED] = "disarmed",
	[LAB_HOOK_ARMED] = "armed",
	[LAB_HOOK_MISSING] = "not in this kernel",
	[LAB_HOOK_FAILED] = "failed",
	[LAB_HOOK_STUCK] = "stuck",
};

static_assert(ARRAY_SIZE(state_names) == LAB_NR_HOOK_STATES);

/* Room for the names of all classes. */
#define CLASSES_LEN	48

#define ALL_CLASSES	GENMASK(LAB_NR_HOOK_CLASSES - 1, 0)

/*
 * Protects which hooks are armed, and all below. Taken in task context
 * only; ftrace's own locks nest in it. The callbacks take no lock: they read the
 * mode as it is.
 */
static DEFINE_MUTEX(guard_lock);
static unsigned long guard_classes = ALL_CLASSES;
static bool guard_ready;	/* between init and exit; else only noted */
static bool missing_told;
static bool ever_armed;

/*
 * Whether the call that returns to @caller is Labyrinth's own, on behalf of the page's
 * owner. All those are in hook/stubs.S, side by side. That a call returns to somewhere
 * else in the module is no proof: a probe on one of its tracepoints may end with a jump.
 */
static bool is_ours(unsigned long caller)
{
	return caller >= (unsigned long)lab_own_calls &&
	       caller < (unsigned long)lab_own_calls_end;
}

/* The call names a held page. */
static noinline void found(struct lab_hook *hook, lab_tag_t tag,
			   unsigned long parent_ip, struct ftrace_regs *regs)
{
	unsigned long caller = parent_ip;

	if (is_ours(parent_ip))
		return;
	if (hook->offender)
		caller = hook->offender(regs) ?: parent_ip;
	if (!lab_guard_found(hook, tag, caller, !hook->notice))
		return;
	if (hook->spend)
		lab_guard_refill(hook, tag, caller);
	lab_ftrace_divert(regs, hook->refusal);
}

static void called(unsigned long ip, unsigned long parent_ip,
		   struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	struct lab_hook *hook = container_of(ops, struct lab_hook, ops);
	lab_tag_t tag;

	/* A module may have a function of the same name. */
	if (hook->by_name && ip >= MODULES_VADDR && ip < MODULES_END)
		return;
	this_cpu_inc(*hook->hits);
	tag = hook->find(regs);
	if (unlikely(tag))
		found(hook, tag, parent_ip, regs);
}

/* Tells ftrace which function it is. */
static int aim(struct lab_hook *hook)
{
	char name[KSYM_NAME_LEN];

	if (hook->addr)
		return ftrace_set_filter_ip(&hook->ops, hook->addr, 0, 1);
	if (!hook->by_name)
		return -ENOENT;
	/* ftrace writes into what it is given. */
	strscpy(name, hook->name, sizeof(name));
	return ftrace_set_filter(&hook->ops, name, strlen(name), 1);
}

/*
 * How ftrace is to call: it keeps what else it knows of @hook in the same structure, and
 * leaves something of a failed try there.
 *
 * Permanent: or kernel.ftrace_enabled=0 would switch the guard off, and nobody would be
 * told. (A direct call has its own flags; ftrace gives no such flag to those.)
 */
static void set_ops(struct lab_hook *hook, ftrace_func_t func, unsigned long flags)
{
	hook->ops.func = func;
	hook->ops.trampoline = 0;
	hook->ops.flags = (hook->ops.flags & FTRACE_OPS_FL_INITIALIZED) | flags;
}

/*
 * By a direct call where there is one to be had: a BPF program, say, has the function's
 * only one, but goes along with a callback.
 */
static int attach_ops(struct lab_hook *hook)
{
	if (hook->direct) {
		set_ops(hook, NULL, 0);
		hook->by_direct = !lab_direct_register(&hook->ops, hook->direct);
		if (hook->by_direct)
			return 0;
	}
	set_ops(hook, called, FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT);
	return register_ftrace_function(&hook->ops);
}

static int attach(struct lab_hook *hook)
{
	int err;

	if (hook->tracepoint)
		return lab_rawfree_arm(hook);
	err = aim(hook);
	/* What is looked for by name is not there, or not to be traced. */
	if (err == -EINVAL && hook->by_name)
		return -ENOENT;
	return err ?: attach_ops(hook);
}

static int detach(struct lab_hook *hook)
{
	if (hook->tracepoint)
		return lab_rawfree_disarm(hook);
	if (hook->by_direct)
		return lab_direct_unregister(&hook->ops, hook->direct);
	return unregister_ftrace_function(&hook->ops);
}

static void tell_failed(const struct lab_hook *hook)
{
	pr_err("guard: %s cannot be hooked: %pe%s\n", hook->name, ERR_PTR(hook->err),
	       hook->err == -EBUSY ? "; a livepatch or a kprobe with a post_handler has it" : "");
	pr_err("guard: to try again, write guard= again\n");
}

static void arm(struct lab_hook *hook)
{
	if (hook->state == LAB_HOOK_ARMED || hook->state == LAB_HOOK_MISSING ||
	    hook->state == LAB_HOOK_STUCK)
		return;
	hook->err = attach(hook);
	if (hook->err == -ENOENT) {
		hook->state = LAB_HOOK_MISSING;
		return;
	}
	hook->state = hook->err ? LAB_HOOK_FAILED : LAB_HOOK_ARMED;
	if (hook->err)
		tell_failed(hook);
	else
		ever_armed = true;
}

/*
 * Returns once no call is in the callback any more. Where ftrace does not let go, as when
 * it has found itself broken and stopped for good, calls of the function go on coming:
 * the module must stay, for its text and its table are what they run on.
 */
static void disarm(struct lab_hook *hook)
{
	if (hook->state == LAB_HOOK_FAILED) {
		hook->state = LAB_HOOK_DISARMED;
		hook->err = 0;
	}
	if (hook->state != LAB_HOOK_ARMED)
		return;
	hook->err = detach(hook);
	hook->state = hook->err ? LAB_HOOK_STUCK : LAB_HOOK_DISARMED;
	if (!hook->err)
		return;
	pr_err("guard: %s cannot be let go: %pe; so the module can never be unloaded\n",
	       hook->name, ERR_PTR(hook->err));
	__module_get(THIS_MODULE);
}

/* The module is going, and cannot be kept any more but by not returning from here. */
static void stay_if_stuck(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++)
		while (lab_hooks[i].state == LAB_HOOK_STUCK)
			schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
}

static void tell_missing(void)
{
	char *names = kzalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	if (!names)
		return;
	for (i = 0; i < lab_nr_hooks; i++) {
		if (lab_hooks[i].state != LAB_HOOK_MISSING)
			continue;
		strlcat(names, " ", PAGE_SIZE);
		strlcat(names, lab_hooks[i].name, PAGE_SIZE);
	}
	if (*names)
		pr_info("guard: not in this kernel:%s\n", names);
	kfree(names);
	missing_told = true;
}

static bool wanted(const struct lab_hook *hook)
{
	return lab_guard_mode.chosen != LAB_GUARD_OFF && guard_classes & BIT(hook->class);
}

/* Makes the hooks what mode and classes ask for. Under guard_lock. */
static void settle(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++) {
		if (wanted(&lab_hooks[i]))
			arm(&lab_hooks[i]);
		else
			disarm(&lab_hooks[i]);
	}
	if (lab_guard_mode.chosen != LAB_GUARD_OFF && !missing_told)
		tell_missing();
}

/* The names of the classes that are to be armed, into @buf. Return: their length. */
static int list_classes(char *buf, int size)
{
	unsigned long classes = READ_ONCE(guard_classes);
	int class, len = 0;

	for_each_set_bit(class, &classes, LAB_NR_HOOK_CLASSES)
		len += scnprintf(buf + len, size - len, "%s%s", len ? "," : "",
				 class_names[class]);
	return len;
}

/* What has come of the parameters, in a line. Under guard_lock. */
static void tell_armed(void)
{
	unsigned int nr[LAB_NR_HOOK_STATES] = {};
	char classes[CLASSES_LEN];
	unsigned int i;

	if (lab_guard_mode.chosen == LAB_GUARD_OFF) {
		pr_info("guard: off\n");
		return;
	}
	for (i = 0; i < lab_nr_hooks; i++)
		nr[lab_hooks[i].state] += wanted(&lab_hooks[i]);
	list_classes(classes, sizeof(classes));
	pr_info("guard: %s, hooks armed: %u of the classes %s; failed: %u, not in this kernel: %u\n",
		lab_guard_mode.words[lab_guard_mode.chosen],
		nr[LAB_HOOK_ARMED] + nr[LAB_HOOK_STUCK], classes, nr[LAB_HOOK_FAILED], nr[LAB_HOOK_MISSING]);
}

/* Before init the parameters are only noted. Under guard_lock. */
static void settle_and_tell(void)
{
	if (!guard_ready)
		return;
	settle();
	tell_armed();
}

static int mode_set(const char *val, const struct kernel_param *kp)
{
	int err;

	mutex_lock(&guard_lock);
	err = lab_choice_ops.set(val, kp);
	if (!err) {
		lab_rawfree_forget();
		settle_and_tell();
	}
	mutex_unlock(&guard_lock);
	return err;
}

static int mode_get(char *buf, const struct kernel_param *kp)
{
	return lab_choice_ops.get(buf, kp);
}

static const struct kernel_param_ops mode_ops = {
	.set = mode_set,
	.get = mode_get,
};

module_param_cb(guard, &mode_ops, &lab_guard_mode, 0644);
MODULE_PARM_DESC(guard,
		 "What becomes of a call that maps a held page and knows nothing of Labyrinth: off (default: only what the core refuses itself), report or refuse");

/* Return: the classes named in @list, which is taken apart; 0: none, or there is no such class. */
static unsigned long parse_classes(char *list)
{
	unsigned long classes = 0;
	char *word;
	int class;

	if (!strcmp(list, "all"))
		return ALL_CLASSES;
	while ((word = strsep(&list, ","))) {
		if (!*word)
			continue;
		class = match_string(class_names, LAB_NR_HOOK_CLASSES, word);
		if (class < 0)
			return 0;
		classes |= BIT(class);
	}
	return classes;
}

static int classes_set(const char *val, const struct kernel_param *kp)
{
	char *list = kstrdup(val, GFP_KERNEL);
	unsigned long classes;

	if (!list)
		return -ENOMEM;
	classes = parse_classes(strim(list));
	kfree(list);
	if (!classes)
		return lab_param_refuse(kp, val,
					"neither all nor a list of map, fault, vmap, dma, file, free");
	mutex_lock(&guard_lock);
	WRITE_ONCE(guard_classes, classes);
	settle_and_tell();
	mutex_unlock(&guard_lock);
	return 0;
}

static int classes_get(char *buf, const struct kernel_param *kp)
{
	int len = list_classes(buf, PAGE_SIZE - 1);

	return len + scnprintf(buf + len, PAGE_SIZE - len, "\n");
}

static const struct kernel_param_ops classes_ops = {
	.set = classes_set,
	.get = classes_get,
};

module_param_cb(guard_classes, &classes_ops, NULL, 0644);
MODULE_PARM_DESC(guard_classes,
		 "Which hooks the guard arms, separated by commas: map, fault, vmap, dma, file, free; or all (default)");

/* guard: the mode, then one line for each hook. */

static unsigned long hits_of(const struct lab_hook *hook)
{
	unsigned long hits = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		hits += READ_ONCE(*per_cpu_ptr(hook->hits, cpu));
	return hits;
}

static void show_hook(struct seq_file *m, const struct lab_hook *hook)
{
	seq_printf(m, "%-26s %-5s %-18s hits=%lu found=%ld refused=%ld",
		   hook->name, class_names[hook->class],
		   state_names[hook->state], hits_of(hook),
		   atomic_long_read(&hook->found),
		   atomic_long_read(&hook->refused));
	if (hook->err)
		seq_printf(m, " error=%pe", ERR_PTR(hook->err));
	seq_putc(m, '\n');
}

static int guard_show(struct seq_file *m, void *unused)
{
	unsigned int i;

	mutex_lock(&guard_lock);
	seq_printf(m, "guard: %s\n", lab_guard_mode.words[lab_guard_mode.chosen]);
	for (i = 0; i < lab_nr_hooks; i++)
		show_hook(m, &lab_hooks[i]);
	mutex_unlock(&guard_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(guard);

/* Context: Task. */
void lab_guard_debugfs(struct dentry *root)
{
	debugfs_create_file("guard", 0400, root, NULL, &guard_fops);
}

static void free_hooks(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++) {
		ftrace_free_filter(&lab_hooks[i].ops);
		free_percpu(lab_hooks[i].hits);
	}
}

static int prepare(struct lab_hook *hook)
{
	hook->hits = alloc_percpu(unsigned long);
	if (!hook->hits)
		return -ENOMEM;
	if (hook->direct_of)
		*hook->direct_of = hook;
	if (!hook->addr && !hook->by_name && !hook->tracepoint)
		hook->state = LAB_HOOK_MISSING;
	return 0;
}

/*
 * Arms what the parameters ask for. The table is there by now.
 * Context: Task; may sleep. Return: 0 or -ENOMEM; a hook that cannot be armed is
 * no error, but is said.
 */
int lab_guard_init(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < lab_nr_hooks && !err; i++)
		err = prepare(&lab_hooks[i]);
	if (err) {
		free_hooks();
		return err;
	}
	mutex_lock(&guard_lock);
	guard_ready = true;
	if (lab_guard_mode.chosen != LAB_GUARD_OFF)
		settle_and_tell();
	mutex_unlock(&guard_lock);
	return 0;
}

/*
 * Disarms all hooks, and waits until no call is in one.
 * Context: Task; may sleep.
 */
void lab_guard_exit(void)
{
	mutex_lock(&guard_lock);
	guard_ready = false;
	WRITE_ONCE(lab_guard_mode.chosen, LAB_GUARD_OFF);
	settle();
	mutex_unlock(&guard_lock);
	stay_if_stuck();
	/* A task may be in hook/stubs.S yet. */
	if (ever_armed)
		synchronize_rcu_tasks();
	lab_rawfree_exit();
	free_hooks();
}
