// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard: refuses calls by code that knows nothing of Labyrinth. The state owned here is the
 * value of guard_classes=, and which hooks are armed. guard/verdict.c has the value of guard=.
 *
 * Each hook has an ftrace_ops on a single function, so a function that cannot be hooked (a
 * livepatch has the function, say) costs no other hook. The callback runs before the function's
 * first instruction, in the context of the call, and looks the pages in the arguments up, by
 * plain loads. If no page is held, the function goes on. Else the callback sends the
 * instruction pointer to a function of hook/stubs.h, which returns the hooked function's value
 * for failure. (A return value set by the callback would not survive a BPF trampoline on the
 * same function.)
 *
 * Why unloading is safe: callbacks and functions of hook/stubs.h never sleep, but a task may be
 * preempted there. After the last hook is disarmed, lab_guard_exit() waits for a grace period
 * of RCU-tasks. By then each task has slept, or been in user space, since the task was in a
 * callback or a stub. If a hook cannot be disarmed, calls come for ever: then the module stays,
 * see disarm_hook().
 *
 * Recursion: the look-up calls no hooked function, so every call is judged, without protection.
 * A report may recurse: the printed text may go out over a network card, the driver of which
 * maps the text for DMA. So a report within a report is left out; the hook's count of found
 * calls includes such calls.
 *
 * A look-up may race with the owner, which just then gets the page or gives the page back.
 * Either answer was true at some moment of the call. Code that maps a page just before the page
 * gets an owner would win that race without a guard as well.
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
#include <linux/workqueue.h>

#include "core/param.h"
#include "guard/direct.h"
#include "guard/guard.h"
#include "guard/hook.h"
#include "hook/stubs.h"
#include "labyrinth_alloc.h"
#include "map/core.h"
#include "page/heal.h"
#include "page/hunt.h"

static const char * const hook_class_names[] = {
	[LAB_HOOK_MAP] = "map",
	[LAB_HOOK_FAULT] = "fault",
	[LAB_HOOK_VMAP] = "vmap",
	[LAB_HOOK_DMA] = "dma",
	[LAB_HOOK_FILE] = "file",
	[LAB_HOOK_FREE] = "free",
};

static_assert(ARRAY_SIZE(hook_class_names) == LAB_NR_HOOK_CLASSES);

static const char * const hook_state_names[] = {
	[LAB_HOOK_DISARMED] = "disarmed",
	[LAB_HOOK_ARMED] = "armed",
	[LAB_HOOK_MISSING] = "not in this kernel",
	[LAB_HOOK_FAILED] = "failed",
	[LAB_HOOK_STUCK] = "stuck",
};

static_assert(ARRAY_SIZE(hook_state_names) == LAB_NR_HOOK_STATES);

/* Room for the names of all classes. */
#define CLASSES_LEN	48

#define ALL_CLASSES	GENMASK(LAB_NR_HOOK_CLASSES - 1, 0)

/* Behind the mode, where it is said. */
#define DEAD		", dead: ftrace stopped"

/* How often is asked whether ftrace goes on, while a hook is armed. */
#define WATCH_EVERY	HZ

/*
 * Protects which hooks are armed, and all variables below. Taken in task context only; ftrace's
 * own locks nest in this lock. The callbacks take no lock, and read the mode at any moment.
 */
static DEFINE_MUTEX(guard_lock);
static unsigned long guard_classes = ALL_CLASSES;
static char hunt_wanted[LABYRINTH_NAME_LEN];	/* by hunt=, before init */
static bool guard_ready;	/* between init and exit; else parameters are only noted */
static bool missing_told;
static bool ever_armed;
static bool ftrace_dead;	/* seen, and said: nothing brings it back */

static void watch(struct work_struct *work);

/* Deferrable: while no CPU is awake, nobody is to be refused. */
static DECLARE_DEFERRABLE_WORK(watch_work, watch);

/* Judges a call that names a held page. */
static noinline void guard_tagged(struct lab_hook *hook, lab_tag_t tag,
				  unsigned long parent_ip, struct ftrace_regs *regs)
{
	struct lab_offender offender;

	if (lab_is_own_call(parent_ip, regs))
		return;
	if (hook->serve && (!hook->serves || hook->serves(regs, tag))) {
		lab_ftrace_divert(regs, hook->serve);
		return;
	}
	offender = lab_offender_of(hook, regs, parent_ip);
	if (!lab_guard_found(hook, tag, &offender, !hook->notice))
		return;
	if (hook->spend)
		lab_guard_refill(hook, tag, offender.ip);
	lab_ftrace_divert(regs, hook->refusal);
}

static void guard_called(unsigned long ip, unsigned long parent_ip,
			 struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	struct lab_hook *hook = container_of(ops, struct lab_hook, ops);
	lab_tag_t tag;

	/* A module may have a function of the same name. */
	if (hook->by_name && lab_is_module_text(ip))
		return;
	this_cpu_inc(*hook->hits);
	tag = hook->find(regs);
	if (unlikely(tag))
		guard_tagged(hook, tag, parent_ip, regs);
}

/* Tells ftrace which function to hook. */
static int aim_hook(struct lab_hook *hook)
{
	char name[KSYM_NAME_LEN];

	if (hook->addr)
		return ftrace_set_filter_ip(&hook->ops, hook->addr, 0, 1);
	if (!hook->by_name)
		return -ENOENT;
	/* ftrace writes into the string. */
	strscpy(name, hook->name, sizeof(name));
	return ftrace_set_filter(&hook->ops, name, strlen(name), 1);
}

/*
 * Sets callback and flags anew, since a failed try leaves flags in @hook->ops. ftrace keeps
 * data of its own there as well.
 *
 * Permanent: otherwise kernel.ftrace_enabled=0 would switch the guard off without a message.
 * (ftrace does not accept this flag for a direct call.)
 */
static void set_ops(struct lab_hook *hook, ftrace_func_t func, unsigned long flags)
{
	hook->ops.func = func;
	hook->ops.trampoline = 0;
	hook->ops.flags = (hook->ops.flags & FTRACE_OPS_FL_INITIALIZED) | flags;
}

static int attach_ops(struct lab_hook *hook)
{
	set_ops(hook, guard_called, FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT);
	return register_ftrace_function(&hook->ops);
}

/*
 * By a direct call where possible, which costs a tenth of a callback. A function has room for a
 * single direct call, which a BPF program may have; a callback goes along with a BPF program.
 */
static bool attach_direct(struct lab_hook *hook)
{
	return hook->stub && hook->addr && !lab_board_attach(hook->addr, hook->stub);
}

static int attach_hook(struct lab_hook *hook)
{
	int err;

	if (hook->tracepoint)
		return lab_rawfree_arm(hook);
	hook->by_direct = attach_direct(hook);
	if (hook->by_direct)
		return 0;
	err = aim_hook(hook);
	/* ftrace finds no function of this name, or none that can be traced. */
	if (err == -EINVAL && hook->by_name)
		return -ENOENT;
	return err ?: attach_ops(hook);
}

static int detach_hook(struct lab_hook *hook)
{
	if (hook->tracepoint)
		return lab_rawfree_disarm(hook);
	if (hook->by_direct)
		return lab_board_detach(hook->addr, hook->stub);
	return unregister_ftrace_function(&hook->ops);
}

static void say_failed(const struct lab_hook *hook)
{
	pr_err("guard: %s cannot be hooked: %pe%s\n", hook->name, ERR_PTR(hook->err),
	       hook->err == -EBUSY ? "; a livepatch or a kprobe with a post_handler has it" : "");
	pr_err("guard: to try again, write guard= again\n");
}

static void arm_hook(struct lab_hook *hook)
{
	if (hook->state == LAB_HOOK_ARMED || hook->state == LAB_HOOK_MISSING ||
	    hook->state == LAB_HOOK_STUCK)
		return;
	hook->err = attach_hook(hook);
	if (hook->err == -ENOENT) {
		hook->state = LAB_HOOK_MISSING;
		return;
	}
	hook->state = hook->err ? LAB_HOOK_FAILED : LAB_HOOK_ARMED;
	if (hook->err)
		say_failed(hook);
	else
		ever_armed = true;
}

/*
 * Returns once no call is in the callback any more. ftrace does not let go of a function when
 * ftrace has found itself broken, and stopped for good. Then calls go on coming to the
 * callback: the module must stay, since such calls need the module's text and table.
 */
static void disarm_hook(struct lab_hook *hook)
{
	if (hook->state == LAB_HOOK_FAILED) {
		hook->state = LAB_HOOK_DISARMED;
		hook->err = 0;
	}
	if (hook->state != LAB_HOOK_ARMED)
		return;
	hook->err = detach_hook(hook);
	hook->state = hook->err ? LAB_HOOK_STUCK : LAB_HOOK_DISARMED;
	if (!hook->err)
		return;
	pr_err("guard: %s cannot be let go: %pe; so the module can never be unloaded\n",
	       hook->name, ERR_PTR(hook->err));
	__module_get(THIS_MODULE);
}

/* The module's exit can no longer be refused: if a hook is stuck, exit never returns. */
static void stay_if_stuck(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++)
		while (lab_hooks[i].state == LAB_HOOK_STUCK)
			schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
}

static void say_missing(void)
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

/*
 * Whether ftrace has found itself broken and stopped for good. It refuses to change any
 * filter then, also where there is nothing to change: no function is at 0, and the filter
 * is of no use to anybody.
 */
static bool has_ftrace_stopped(void)
{
	static struct ftrace_ops idle;

	return ftrace_set_filter_ip(&idle, 0, 1, 0) == -ENODEV;
}

/*
 * Whether it is not known if calls of the hooked function come here: they may not where
 * somebody else traces it as well.
 */
static bool is_unsure(const struct lab_hook *hook)
{
	return ftrace_dead && hook->state == LAB_HOOK_ARMED && !hook->tracepoint;
}

static bool is_any_armed(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++)
		if (lab_hooks[i].state == LAB_HOOK_ARMED && !lab_hooks[i].tracepoint)
			return true;
	return false;
}

/* Under guard_lock. */
static void look_at_ftrace(void)
{
	if (ftrace_dead || !is_any_armed() || !has_ftrace_stopped())
		return;
	ftrace_dead = true;
	pr_err("guard: dead: ftrace stopped: it has found itself broken, see the kernel's WARNING before this; calls of a hooked function that others trace as well may not be looked at any more, until the system is booted anew\n");
}

/*
 * Nobody tells when ftrace stops, which is no wrong of Labyrinth's or the guard's: on some
 * kernels, two BPF programs on one hooked function are enough. So it is asked.
 */
static void watch(struct work_struct *work)
{
	mutex_lock(&guard_lock);
	look_at_ftrace();
	if (guard_ready && !ftrace_dead && is_any_armed())
		schedule_delayed_work(&watch_work, WATCH_EVERY);
	mutex_unlock(&guard_lock);
}

/*
 * Whether the core may have mapped pages while the guard was on, to be unmapped while the guard is
 * off. Under guard_lock.
 */
static bool hook_is_kept(const struct lab_hook *hook)
{
	return hook->unmaps && hook->state == LAB_HOOK_ARMED && guard_ready;
}

static bool hook_is_wanted(const struct lab_hook *hook)
{
	if (hook->unmaps && !lab_core_count(NULL, 0))
		return false;
	if (hook_is_kept(hook))
		return true;
	return lab_guard_mode.chosen != LAB_GUARD_OFF && guard_classes & BIT(hook->class);
}

/* Whether the guard keeps the last reference of a page from going. Under guard_lock. */
static bool can_hunt(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++)
		if (lab_hooks[i].tracepoint && lab_hooks[i].state == LAB_HOOK_ARMED)
			return lab_guard_refuses() && hook_is_wanted(&lab_hooks[i]) &&
			       lab_rawfree_can_refuse();
	return false;
}

/* A page that is being refused, or that a call has right now, is soon done. */
#define STOP_ROUNDS	100

/* Hunts nobody any more, and returns when no page is thin. Under guard_lock. */
static void stop_hunt(void)
{
	unsigned int round = 0;

	if (!*lab_hunt_name())
		return;
	while (lab_hunt_stop(round++ < STOP_ROUNDS)) {
		lab_heal_flush();
		schedule_timeout_idle(1);
	}
	pr_info("guard: nobody is hunted\n");
}

/*
 * Hunts the owners called @name, as page/hunt.c says; nobody if @name is empty. Before init the
 * name is only noted.
 * Context: Task; may sleep. Return: 0, or -EOPNOTSUPP: the guard does not refuse frees.
 */
int lab_guard_hunt(const char *name)
{
	int err = 0;

	mutex_lock(&guard_lock);
	if (!guard_ready) {
		strscpy(hunt_wanted, name, sizeof(hunt_wanted));
	} else if (*name && !can_hunt()) {
		err = -EOPNOTSUPP;
	} else {
		stop_hunt();
		if (*name)
			lab_hunt_start(name);
	}
	mutex_unlock(&guard_lock);
	return err;
}

/* Begins the hunt that insmod asked for. Under guard_lock. */
static void start_hunt(void)
{
	if (!*hunt_wanted)
		return;
	if (can_hunt())
		lab_hunt_start(hunt_wanted);
	else
		pr_err("guard: hunt=%s needs guard=refuse with the class free armed\n",
		       hunt_wanted);
}

/* Whether each unmap that this kernel knows comes to the guard. Under guard_lock. */
static bool sees_unmaps(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++)
		if (lab_hooks[i].unmaps && lab_hooks[i].state != LAB_HOOK_ARMED &&
		    lab_hooks[i].state != LAB_HOOK_MISSING)
			return false;
	return true;
}

/* Whether a hook on unmaps that is armed is to be disarmed. Under guard_lock. */
static bool loses_unmaps(void)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++)
		if (lab_hooks[i].unmaps && lab_hooks[i].state == LAB_HOOK_ARMED &&
		    !hook_is_wanted(&lab_hooks[i]))
			return true;
	return false;
}

/* Arms and disarms the hooks as mode and classes ask. Under guard_lock. */
static void settle_hooks(void)
{
	unsigned int i;

	/* Not otherwise: what the core maps meanwhile counts, if it did before. */
	if (loses_unmaps())
		lab_core_trust(false);
	look_at_ftrace();
	for (i = 0; i < lab_nr_hooks; i++) {
		if (hook_is_wanted(&lab_hooks[i]))
			arm_hook(&lab_hooks[i]);
		else
			disarm_hook(&lab_hooks[i]);
	}
	lab_core_trust(sees_unmaps());
	if (lab_guard_mode.chosen != LAB_GUARD_OFF && !missing_told)
		say_missing();
	if (is_any_armed())
		schedule_delayed_work(&watch_work, WATCH_EVERY);
}

/* Writes the names of the classes to be armed into @buf. Return: the length. */
static int list_classes(char *buf, int size)
{
	unsigned long classes = READ_ONCE(guard_classes);
	int class, len = 0;

	for_each_set_bit(class, &classes, LAB_NR_HOOK_CLASSES)
		len += scnprintf(buf + len, size - len, "%s%s", len ? "," : "",
				 hook_class_names[class]);
	return len;
}

/* A hook on an unmap that waits for its first owner is told of if the kernel has it not. */
static bool hook_is_told(const struct lab_hook *hook)
{
	return hook_is_wanted(hook) || guard_classes & BIT(hook->class);
}

/* Prints the result of the parameters, in a line. Under guard_lock. */
static void say_armed(void)
{
	unsigned int nr[LAB_NR_HOOK_STATES] = {};
	char classes[CLASSES_LEN];
	unsigned int i;

	if (lab_guard_mode.chosen == LAB_GUARD_OFF) {
		pr_info("guard: off\n");
		return;
	}
	for (i = 0; i < lab_nr_hooks; i++)
		nr[lab_hooks[i].state] += hook_is_told(&lab_hooks[i]);
	list_classes(classes, sizeof(classes));
	pr_info("guard: %s%s, hooks armed: %u of the classes %s; failed: %u, not in this kernel: %u\n",
		lab_guard_mode.words[lab_guard_mode.chosen], ftrace_dead ? DEAD : "",
		nr[LAB_HOOK_ARMED] + nr[LAB_HOOK_STUCK], classes, nr[LAB_HOOK_FAILED],
		nr[LAB_HOOK_MISSING]);
}

/* Before init the parameters are only noted. Under guard_lock. */
static void settle_and_say(void)
{
	if (!guard_ready)
		return;
	settle_hooks();
	say_armed();
}

/*
 * An owner with LABYRINTH_OWNER_CORE_MAPS and the device @dev comes (@change is 1) or goes (-1):
 * the hooks on unmaps are armed with the first such owner, and disarmed with the last.
 * Context: Task; may sleep.
 */
void lab_guard_core_maps(const struct device *dev, int change)
{
	mutex_lock(&guard_lock);
	lab_core_count(dev, change);
	if (guard_ready)
		settle_hooks();
	mutex_unlock(&guard_lock);
}

static int mode_set(const char *val, const struct kernel_param *kp)
{
	int err;

	mutex_lock(&guard_lock);
	/* While a page is thin, the guard refuses. */
	stop_hunt();
	err = lab_choice_ops.set(val, kp);
	if (!err) {
		lab_rawfree_forget();
		settle_and_say();
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

/* Return: the classes named in @list, which strsep() changes; 0: no class, or an unknown class. */
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
		class = match_string(hook_class_names, LAB_NR_HOOK_CLASSES, word);
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
	stop_hunt();
	WRITE_ONCE(guard_classes, classes);
	settle_and_say();
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

/* guard: the mode, then a line for each hook. */

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
		   hook->name, hook_class_names[hook->class],
		   is_unsure(hook) ? "unsure" : hook_state_names[hook->state], hits_of(hook),
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
	look_at_ftrace();
	seq_printf(m, "guard: %s%s\n", lab_guard_mode.words[lab_guard_mode.chosen],
		   ftrace_dead ? DEAD : "");
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

static void set_up_stub(struct lab_hook *hook)
{
	*hook->stub_of = hook;
	hook->stub->entry = hook->direct;
	hook->stub->hits = hook->hits;
}

static int prepare_hook(struct lab_hook *hook)
{
	hook->hits = alloc_percpu(unsigned long);
	if (!hook->hits)
		return -ENOMEM;
	if (hook->stub)
		set_up_stub(hook);
	if (!hook->addr && !hook->by_name && !hook->tracepoint)
		hook->state = LAB_HOOK_MISSING;
	return 0;
}

/*
 * Arms the hooks as the parameters ask. The owner table exists by now.
 * Context: Task; may sleep. Return: 0 or -ENOMEM; a hook that cannot be armed is no error, but
 * is reported.
 */
int lab_guard_init(void)
{
	unsigned int i;
	int err = 0;

	lab_dma_find_frames();
	for (i = 0; i < lab_nr_hooks && !err; i++)
		err = prepare_hook(&lab_hooks[i]);
	err = err ?: lab_board_open();
	if (err) {
		free_hooks();
		return err;
	}
	mutex_lock(&guard_lock);
	guard_ready = true;
	if (lab_guard_mode.chosen != LAB_GUARD_OFF)
		settle_and_say();
	start_hunt();
	mutex_unlock(&guard_lock);
	return 0;
}

/*
 * Disarms all hooks, and waits until no call is in a hook.
 * Context: Task; may sleep.
 */
void lab_guard_exit(void)
{
	mutex_lock(&guard_lock);
	guard_ready = false;
	stop_hunt();
	WRITE_ONCE(lab_guard_mode.chosen, LAB_GUARD_OFF);
	settle_hooks();
	mutex_unlock(&guard_lock);
	cancel_delayed_work_sync(&watch_work);
	stay_if_stuck();
	/* A task may still be in a function of hook/stubs.h. */
	if (ever_armed)
		synchronize_rcu_tasks();
	lab_heal_exit();
	lab_board_close();
	free_hooks();
}
