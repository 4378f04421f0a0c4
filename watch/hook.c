// SPDX-License-Identifier: GPL-2.0-only
/*
 * A single hook of labyrinth_watch.ko: see watch/hooks.c and watch/freers.c, which have the tables.
 * No state.
 */
#define pr_fmt(fmt) "labyrinth_watch: " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "watch/hook.h"

/* Context: Task; may sleep. */
void watch_hook_attach(struct watch_hook *hook)
{
	/* ftrace has not let go of the hook. */
	if (hook->armed)
		return;
	hook->err = lab_board_attach(hook->addr, &hook->stub);
	hook->armed = !hook->err;
}

/* Context: Task; may sleep. A call may still be in the stub. */
void watch_hook_detach(struct watch_hook *hook)
{
	if (!hook->armed)
		return;
	hook->err = lab_board_detach(hook->addr, &hook->stub);
	if (!hook->err) {
		hook->armed = false;
		return;
	}
	pr_err("%s cannot be let go: %pe; so the module can never be unloaded\n", hook->name,
	       ERR_PTR(hook->err));
	__module_get(THIS_MODULE);
}

void watch_hook_show(struct seq_file *m, const struct watch_hook *hook)
{
	if (hook->err)
		seq_printf(m, "hook on %s: missing, %pe\n", hook->name, ERR_PTR(hook->err));
	else
		seq_printf(m, "hook on %s: %s\n", hook->name,
			   hook->armed ? "armed" : "disarmed");
}
