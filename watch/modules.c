// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which modules are watched: the parameter watch=, and modules that come and go. The state owned
 * here is the parameter, and whether the hooks are armed. The hooks are armed, and the notes
 * exist, only while the table of watched modules (watch/watched.c) is not empty.
 */
#define pr_fmt(fmt) "labyrinth_watch: " fmt

#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hook/board.h"
#include "labyrinth_compat.h"
#include "watch/adopt.h"
#include "watch/dma.h"
#include "watch/free.h"
#include "watch/hooks.h"
#include "watch/leak.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/poolset.h"

static bool ready;		/* after init; before, the parameter is only noted */
static bool gone;		/* after exit: the parameter is refused */
static bool armed;
static bool stuck;		/* a hook could not be let go, and the other hooks are off */
static char *wanted;		/* the parameter */

static void module_here(struct watch_module *watched, const struct module *mod, bool with_init)
{
	watch_code_is(&watched->text, lab_module_text(mod), lab_module_text_size(mod));
	watch_code_is(&watched->init, lab_module_init(mod),
		      with_init ? lab_module_init_size(mod) : 0);
}

static void module_away(struct watch_module *watched)
{
	watch_code_is(&watched->text, 0, 0);
	watch_code_is(&watched->init, 0, 0);
}

/* Of a module that is loaded already. The reference on the kobject keeps struct module there. */
static void find_loaded(struct watch_module *watched)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, watched->name);
	struct module *mod;

	if (!kobj)
		return;
	mod = container_of(kobj, struct module_kobject, kobj)->mod;
	if (mod && mod->state != MODULE_STATE_GOING)
		module_here(watched, mod, mod->state == MODULE_STATE_COMING);
	kobject_put(kobj);
}

static unsigned int module_named(const char *name)
{
	unsigned int i;

	for (i = 1; i < WATCH_MAX_MODULES; i++)
		if (!strcmp(watch_modules[i].name, name))
			return i;
	return 0;
}

static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (; list && *list; list = strchrnul(list, ',') + (*strchrnul(list, ',') == ','))
		if (!strncmp(list, name, length) && strchr(",", list[length]))
			return true;
	return false;
}

static void drop(unsigned int i)
{
	module_away(&watch_modules[i]);
	watch_lose_pools(i);
	watch_hooks_settle();
	watch_leak_forget(i);
	watch_unfollow(i);
	watch_notes_forget(i);
	watch_modules[i] = (struct watch_module){};
}

static void drop_unlisted(const char *list)
{
	unsigned int i;

	for (i = 1; i < WATCH_MAX_MODULES; i++)
		if (*watch_modules[i].name && !is_listed(list, watch_modules[i].name))
			drop(i);
}

static bool is_any(void)
{
	unsigned int i;

	for (i = 1; i < WATCH_MAX_MODULES; i++)
		if (*watch_modules[i].name)
			return true;
	return false;
}

static void disarm(void)
{
	if (!armed)
		return;
	stuck = !watch_hooks_disarm();
	if (stuck)
		return;
	watch_leak_stop();
	watch_free_kept();
	watch_dma_free();
	watch_notes_free();
	watch_text = (struct watch_text){};
	armed = false;
}

static int arm(void)
{
	int err;

	if (armed)
		return stuck ? -EBUSY : 0;
	err = watch_notes_alloc() ?: watch_dma_alloc() ?: watch_hooks_arm();
	armed = !err;
	if (err) {
		watch_dma_free();
		watch_notes_free();
	}
	return err;
}

static int add(const char *name)
{
	unsigned int i;
	int err;

	if (!*name || module_named(name))
		return 0;
	i = module_named("");
	if (!i)
		return -ENOSPC;
	err = arm();
	if (err)
		return err;
	strscpy(watch_modules[i].name, name, sizeof(watch_modules[i].name));
	find_loaded(&watch_modules[i]);
	if (watch_modules[i].text.size)
		watch_adopt_pools(i);
	pr_info("%s is watched%s\n", name, watch_modules[i].text.size ? "" :
		", from its first page on when it is loaded");
	return 0;
}

static int add_listed(const char *list)
{
	char *copy = kstrdup(list, GFP_KERNEL), *rest = copy, *name;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (name = strsep(&rest, ",")))
		err = add(name);
	kfree(copy);
	return err;
}

static int settle(const char *list)
{
	int err;

	drop_unlisted(list);
	err = add_listed(list);
	if (!is_any())
		disarm();
	return err;
}

/* What keeps a module of the name @name from being followed; NULL: nothing. */
static const char *why_not(const char *name)
{
	if (strlen(name) >= MODULE_NAME_LEN)
		return "no module has so long a name";
	if (!strcmp(name, KBUILD_MODNAME))
		return "this module does not follow itself";
	if (strpbrk(name, " \t\n"))
		return "a name has a space in it";
	return NULL;
}

static int refuse(const char *list, const char *why, int err)
{
	pr_err("watch=%s: %s\n", list, why);
	return err;
}

static_assert(WATCH_MAX_MODULES == 16, "a message says how many names there can be");

/*
 * The names as the kernel has them, with "_" for "-", and not this module's own. No more names than
 * there are places: else some would be watched, and the parameter would not say so.
 */
static int tidy(char *list)
{
	char *copy, *rest, *name;
	const char *why = NULL;
	unsigned int nr = 0;

	strreplace(list, '-', '_');
	copy = kstrdup(list, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	rest = copy;
	while ((name = strsep(&rest, ","))) {
		nr += *name != '\0';
		why = why ?: why_not(name);
	}
	kfree(copy);
	if (nr >= WATCH_MAX_MODULES)
		return refuse(list, "more than 15 names", -ENOSPC);
	return why ? refuse(list, why, -EINVAL) : 0;
}

static int take(const char *list)
{
	if (gone)
		return -ENODEV;
	return ready ? settle(list) : 0;
}

static int watch_set(const char *val, const struct kernel_param *kp)
{
	char *list = kstrdup(val, GFP_KERNEL), *trimmed;
	int err;

	if (!list)
		return -ENOMEM;
	trimmed = strim(list);
	err = tidy(trimmed);
	memmove(list, trimmed, strlen(trimmed) + 1);
	mutex_lock(&watch_modules_lock);
	err = err ?: take(list);
	if (err)
		swap(list, wanted);
	swap(list, wanted);
	mutex_unlock(&watch_modules_lock);
	kfree(list);
	return err;
}

static int watch_get(char *buf, const struct kernel_param *kp)
{
	int length;

	mutex_lock(&watch_modules_lock);
	length = scnprintf(buf, PAGE_SIZE, "%s\n", wanted ?: "");
	mutex_unlock(&watch_modules_lock);
	return length;
}

static const struct kernel_param_ops watch_ops = {
	.set = watch_set,
	.get = watch_get,
};

module_param_cb(watch, &watch_ops, NULL, 0644);
MODULE_PARM_DESC(watch, "modules whose pages are followed, separated by commas (default none)");

static void module_changes(unsigned int i, const struct module *mod, unsigned long event)
{
	struct watch_module *watched = &watch_modules[i];

	if (event == MODULE_STATE_COMING)
		module_here(watched, mod, true);
	if (event == MODULE_STATE_LIVE)
		module_here(watched, mod, false);
	if (event == MODULE_STATE_GOING) {
		watch_leak_module_goes(i);
		module_away(watched);
	}
}

static int notified(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *mod = data;
	unsigned int i;

	mutex_lock(&watch_modules_lock);
	i = module_named(mod->name);
	if (i)
		module_changes(i, mod, event);
	mutex_unlock(&watch_modules_lock);
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = { .notifier_call = notified };

/* Context: Task; may sleep. At module init. Return: 0 or an errno. */
int watch_modules_init(void)
{
	int err = lab_board_open();

	if (err)
		return err;
	watch_own_text = (struct watch_text){ lab_module_text(THIS_MODULE),
					      lab_module_text_size(THIS_MODULE) };
	register_module_notifier(&module_nb);
	mutex_lock(&watch_modules_lock);
	ready = true;
	err = wanted ? settle(wanted) : 0;
	mutex_unlock(&watch_modules_lock);
	if (err)
		watch_modules_exit();
	return err;
}

/* Context: Task; may sleep. At module exit. The files and the parameter are there longer. */
void watch_modules_exit(void)
{
	unregister_module_notifier(&module_nb);
	mutex_lock(&watch_modules_lock);
	gone = true;
	settle("");
	kfree(wanted);
	wanted = NULL;
	mutex_unlock(&watch_modules_lock);
	/* A hook that is stuck needs the module's text and notes, and exit cannot be refused. */
	while (armed)
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
	watch_free_exit();
	watch_hooks_exit();
	lab_board_close();
}
