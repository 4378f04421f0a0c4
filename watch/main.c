// SPDX-License-Identifier: GPL-2.0-only
/*
 * labyrinth_watch: finds the holders of a page, on a machine with unchanged drivers. The
 * module only reads, and only when a user asks: no hook, no lock that other code waits for,
 * no write but to the module's own answers. With watch=, the module also follows the pages of
 * the modules named there, by hooks. No other module is needed.
 */
#include <linux/debugfs.h>
#include <linux/module.h>

#include "core/version.h"
#include "watch/census.h"
#include "watch/holders.h"
#include "watch/modules.h"
#include "watch/peek.h"
#include "watch/register.h"
#include "watch/skb.h"
#include "watch/slab.h"
#include "watch/turn.h"

/* See turn.h. */
DEFINE_MUTEX(watch_turn);

static struct dentry *folder;

static void tear_down(void)
{
	debugfs_remove(folder);
	watch_holders_exit();
	watch_register_exit();
}

static int __init watch_init(void)
{
	int err;

	watch_peek_init();
	err = watch_slab_init() ?: watch_skb_init() ?: watch_register_init();
	if (err) {
		pr_err("labyrinth_watch: this kernel's slabs are not understood: %pe\n",
		       ERR_PTR(err));
		return err;
	}
	folder = debugfs_create_dir("labyrinth_watch", NULL);
	watch_holders_debugfs(folder);
	watch_census_debugfs(folder);
	watch_pages_debugfs(folder);
	err = watch_modules_init();
	if (err)
		tear_down();
	return err;
}

static void __exit watch_exit(void)
{
	watch_modules_exit();
	tear_down();
}

module_init(watch_init);
module_exit(watch_exit);

MODULE_DESCRIPTION("Labyrinth: who holds a page");
MODULE_LICENSE("GPL");
MODULE_VERSION(LABYRINTH_VERSION);
