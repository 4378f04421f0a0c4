// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter hunt=. No state is owned here: page/hunt.c has the name, and guard/guard.c sees to
 * it that nobody is hunted unless the guard refuses frees.
 */
#include <linux/module.h>
#include <linux/string.h>

#include "core/param.h"
#include "guard/guard.h"
#include "labyrinth_alloc.h"
#include "page/hunt.h"

static int hunt_set(const char *val, const struct kernel_param *kp)
{
	char name[LABYRINTH_NAME_LEN];

	if (strscpy(name, skip_spaces(val), sizeof(name)) < 0)
		return lab_param_refuse(kp, val, "longer than an owner's name");
	strim(name);
	if (!lab_guard_hunt(name))
		return 0;
	return lab_param_refuse(kp, val,
				"not possible, unless guard=refuse has armed the class free");
}

static int hunt_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", lab_hunt_name());
}

static const struct kernel_param_ops hunt_ops = {
	.set = hunt_set,
	.get = hunt_get,
};

module_param_cb(hunt, &hunt_ops, NULL, 0644);
MODULE_PARM_DESC(hunt,
		 "Name of owners whose pages have no references to spare, so that with guard=refuse the first foreign put_page() is named; such owners take the slow paths (default: none)");
