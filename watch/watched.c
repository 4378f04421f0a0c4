// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of watched modules. Written by watch/modules.c alone.
 */
#include <linux/module.h>
#include <linux/mutex.h>

#include "watch/modules.h"

struct watch_text watch_text, watch_own_text;
struct watch_module watch_modules[WATCH_MAX_MODULES];

/*
 * Protects the table, which hooks are armed, the array of notes against going, and the names of
 * sites. ftrace's locks and the board's nest in this lock. The wrappers take no lock, and read
 * the table at any moment.
 */
DEFINE_MUTEX(watch_modules_lock);

/* See watch_module_at(). */
unsigned int watch_module_among(unsigned long ip)
{
	unsigned int i;

	for (i = 1; i < WATCH_MAX_MODULES; i++)
		if (watch_covers(&watch_modules[i].text, ip) ||
		    watch_covers(&watch_modules[i].init, ip))
			return i;
	return 0;
}
