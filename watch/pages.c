// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file pages: the watched modules, the hooks, and the pages that the modules hold, by
 * allocation site. No state.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "watch/hooks.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/poolset.h"

#define MAX_GROUPS	128

struct group {
	u32 site;
	u8 module;
	unsigned long nr;
	unsigned int oldest_ms;
};

/* The last group is for all that find no room. */
static struct group *group_of(struct group *groups, const struct watch_note *note)
{
	struct group *group = groups;

	for (; group < groups + MAX_GROUPS - 1 && group->nr; group++)
		if (group->site == READ_ONCE(note->site) &&
		    group->module == READ_ONCE(note->module))
			return group;
	group->site = group < groups + MAX_GROUPS - 1 ? READ_ONCE(note->site) : 0;
	group->module = READ_ONCE(note->module);
	return group;
}

static void add_note(struct group *groups, const struct watch_note *note)
{
	struct group *group = group_of(groups, note);

	group->nr += READ_ONCE(note->state) == WATCH_HELD ? 1UL << READ_ONCE(note->order) : 1;
	group->oldest_ms = max(group->oldest_ms, watch_note_age_ms(note));
}

static void show_groups(struct seq_file *m, const struct group *groups)
{
	const struct group *group;
	char name[WATCH_SITE_TEXT];

	for (group = groups; group < groups + MAX_GROUPS && group->nr; group++)
		seq_printf(m, "%s: %lu pages, the oldest for %u ms, allocated at %s\n",
			   watch_modules[group->module].name, group->nr, group->oldest_ms,
			   watch_site_name(group->site, name));
}

static bool is_out(const struct watch_note *note)
{
	u8 state = READ_ONCE(note->state);

	return state == WATCH_HELD || state == WATCH_OUT;
}

static int show_pages(struct seq_file *m)
{
	struct group *groups = kcalloc(MAX_GROUPS, sizeof(*groups), GFP_KERNEL);
	unsigned long pfn;

	if (!groups)
		return -ENOMEM;
	for (pfn = 0; pfn < watch_nr_notes; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		if (is_out(&watch_notes[pfn]))
			add_note(groups, &watch_notes[pfn]);
	}
	show_groups(m, groups);
	kfree(groups);
	return 0;
}

static void show_module(struct seq_file *m, const struct watch_module *module)
{
	seq_printf(m, "module %s: %s, allocations %ld, refused %ld, noticed %ld\n", module->name,
		   module->text.size ? "loaded" : "not loaded", atomic_long_read(&module->allocs),
		   atomic_long_read(&module->refused), atomic_long_read(&module->noticed));
}

static void show_pools(struct seq_file *m)
{
	unsigned int i;

	for (i = 1; i < WATCH_MAX_FOLLOWED; i++)
		if (watch_followed[i].module)
			seq_printf(m, "page_pool of %s: module %s%s\n", watch_followed[i].name,
				   watch_modules[watch_followed[i].module].name,
				   watch_followed[i].at ? "" : ", destroyed");
}

static int pages_show(struct seq_file *m, void *unused)
{
	unsigned int i;
	int err;

	mutex_lock(&watch_modules_lock);
	if (!watch_nr_notes)
		seq_puts(m, "no module is watched: see the parameter watch\n");
	for (i = 1; i < WATCH_MAX_MODULES; i++)
		if (*watch_modules[i].name)
			show_module(m, &watch_modules[i]);
	show_pools(m);
	if (watch_nr_notes)
		watch_hooks_show(m);
	err = show_pages(m);
	mutex_unlock(&watch_modules_lock);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(pages);

void watch_pages_debugfs(struct dentry *folder)
{
	debugfs_create_file("pages", 0400, folder, NULL, &pages_fops);
}
