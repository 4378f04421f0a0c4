// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter quarantine=. The state owned here is the parameter; page/quarantine.c has the
 * pages. Sealing needs the hook on the fault and the records of regions, which the first sealed
 * owner brings. So quarantine counts as a sealed owner.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "core/owner.h"
#include "core/param.h"
#include "guard/fault.h"
#include "page/quarantine.h"
#include "page/seal.h"
#include "system/quarantine.h"

#define QUARANTINE_MAX	1048576U

/*
 * Protects @wanted, @kept and @ready. Taken in task context; owners_lock, seal_lock and fault_lock
 * nest in it.
 */
static DEFINE_MUTEX(quarantine_lock);
static unsigned int wanted;	/* the parameter's value */
static unsigned int kept;	/* the value in effect */
static bool ready;		/* between init and exit */

static int begin(unsigned int nr)
{
	int err = lab_fault_arm() ?: lab_seal_begin();

	if (err)
		return err;
	err = lab_quarantine_resize(nr);
	if (err)
		lab_seal_end();
	else
		lab_watch_begin();
	return err;
}

static void end(void)
{
	lab_watch_end();
	lab_quarantine_resize(0);
	lab_seal_end();
}

static int apply(unsigned int nr)
{
	int err = 0;

	lockdep_assert_held(&quarantine_lock);
	if (nr && kept)
		err = lab_quarantine_resize(nr);
	else if (nr)
		err = begin(nr);
	else if (kept)
		end();
	if (!err)
		kept = nr;
	else
		pr_err("quarantine=%u: pages cannot be sealed, for want of %s: %pe\n", nr,
		       lab_region_lacking() ?: "memory", ERR_PTR(err));
	return err;
}

static int quarantine_set(const char *val, const struct kernel_param *kp)
{
	unsigned int nr;
	int err = 0;

	if (kstrtouint(val, 0, &nr) || nr > QUARANTINE_MAX)
		return lab_param_refuse(kp, val, "no number from 0 to 1048576");
	mutex_lock(&quarantine_lock);
	if (ready)
		err = apply(nr);
	if (!err)
		wanted = nr;
	mutex_unlock(&quarantine_lock);
	return err;
}

static const struct kernel_param_ops quarantine_ops = {
	.set = quarantine_set,
	.get = param_get_uint,
};

module_param_cb(quarantine, &quarantine_ops, &wanted, 0644);
MODULE_PARM_DESC(quarantine,
		 "Keep so many pages sealed after they were freed, so that a use after free is caught; no page takes the fast path meanwhile (default 0)");

/* If insmod's value cannot be had, there is no quarantine. Context: Task; may sleep. Return: 0. */
int lab_quarantine_init(void)
{
	mutex_lock(&quarantine_lock);
	ready = true;
	if (apply(wanted))
		wanted = 0;
	mutex_unlock(&quarantine_lock);
	return 0;
}

/* Context: Task; may sleep. */
void lab_quarantine_exit(void)
{
	mutex_lock(&quarantine_lock);
	apply(0);
	ready = false;
	mutex_unlock(&quarantine_lock);
}
