// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that a module leaves behind. When a module goes, the names of the module's call sites are
 * kept. A grace period follows, in which a slow teardown may still give pages back. Then a worker
 * reports the pages that are still out: by allocation site, then by holder. The state owned here
 * is which modules have gone and still have to be reported.
 */
#define pr_fmt(fmt) "" fmt

#include <linux/bitmap.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "watch/leak.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/poolset.h"
#include "watch/report.h"
#include "watch/search.h"
#include "watch/turn.h"

#define MAX_SITES	16
#define PFNS_SHOWN	6
#define TEXT_SIZE	(16 * PAGE_SIZE)

static unsigned int grace = 5;
module_param(grace, uint, 0644);
MODULE_PARM_DESC(grace,
		 "seconds after a watched module has gone until its pages count as left behind (default 5)");

/* The pages with an allocation site. */
struct site {
	u32 site;
	unsigned int nr;
	unsigned int youngest_ms, oldest_ms;
	unsigned long pfns[PFNS_SHOWN];
};

static void look(struct work_struct *work);

/* A module that has gone, or a page_pool that was destroyed. */
struct goner {
	struct delayed_work work;
	bool pending;
	unsigned int module;
	unsigned int pool;		/* 0: the module */
};

static struct goner modules_gone[WATCH_MAX_MODULES], pools_gone[WATCH_MAX_FOLLOWED];

/* Protects the end of pools: a single worker decides by the notes. Held around watch_turn. */
static DEFINE_MUTEX(looking);

/*
 * Whether the page is held since before the module went, or is out of a pool that was destroyed.
 */
static bool is_left(const struct watch_note *note, const struct goner *goner)
{
	if (goner->pool)
		return READ_ONCE(note->state) == WATCH_OUT &&
		       READ_ONCE(note->pool) == goner->pool;
	return READ_ONCE(note->module) == goner->module && READ_ONCE(note->state) == WATCH_HELD &&
	       watch_site_is_kept(READ_ONCE(note->site));
}

static struct site *site_of(struct site *sites, u32 site)
{
	unsigned int i;

	for (i = 0; i < MAX_SITES - 1; i++)
		if (!sites[i].nr || sites[i].site == site)
			break;
	if (!sites[i].nr)
		sites[i] = (struct site){ .site = site, .youngest_ms = UINT_MAX };
	return &sites[i];
}

static void add_page(struct site *site, unsigned long pfn, const struct watch_note *note)
{
	unsigned int age = watch_note_age_ms(note);

	if (site->nr < PFNS_SHOWN)
		site->pfns[site->nr] = pfn;
	site->nr++;
	site->youngest_ms = min(site->youngest_ms, age);
	site->oldest_ms = max(site->oldest_ms, age);
}

static unsigned int group(const struct goner *goner, struct site *sites)
{
	unsigned long pfn;
	unsigned int nr = 0;

	for (pfn = 0; pfn < watch_nr_notes; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		if (!is_left(&watch_notes[pfn], goner))
			continue;
		add_page(site_of(sites, READ_ONCE(watch_notes[pfn].site)), pfn, &watch_notes[pfn]);
		nr++;
	}
	return nr;
}

/* Asks about the pages with allocation site @site. */
static void aim(struct watch_search *search, const struct goner *goner, u32 site)
{
	unsigned long pfn;
	int err = 0;

	for (pfn = 0; pfn < watch_nr_notes && !err; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		if (is_left(&watch_notes[pfn], goner) && READ_ONCE(watch_notes[pfn].site) == site)
			err = watch_search_add(search, pfn);
	}
}

/* Each line of @text is a message, since the log has a limit for a message. */
static void say_lines(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line)
			pr_err("  %s\n", line);
}

static void say_holders(struct watch_search *search, u64 took_ns)
{
	struct seq_file text = { .size = TEXT_SIZE };

	text.buf = kvzalloc(TEXT_SIZE, GFP_KERNEL);
	if (!text.buf)
		return;
	watch_report_show(&text, search, took_ns);
	text.buf[min(text.count, text.size - 1)] = '\0';
	say_lines(text.buf);
	kvfree(text.buf);
}

static void search_holders(const struct goner *goner, u32 site)
{
	struct watch_search *search = kzalloc(sizeof(*search), GFP_KERNEL);
	u64 began;

	if (!search)
		return;
	mutex_lock(&watch_turn);
	began = ktime_get_ns();
	if (!watch_search_init(search)) {
		aim(search, goner, site);
		watch_search_run(search);
		say_holders(search, ktime_get_ns() - began);
	}
	watch_search_exit(search);
	mutex_unlock(&watch_turn);
	kfree(search);
}

static void say_site(const struct goner *goner, const struct site *site)
{
	char name[WATCH_SITE_TEXT];

	watch_site_name(site->site, name);
	pr_err("BUG: labyrinth: %s in %s\n", goner->pool ? "pool-leak" : "leak", name);
	if (goner->pool)
		pr_err(" noticed: %u pages are still out of the page_pool of %s, destroyed by module %s\n",
		       site->nr, watch_followed[goner->pool].name,
		       watch_modules[goner->module].name);
	else
		pr_err(" noticed: %u pages of module %s are still out, which has gone\n",
		       site->nr, watch_modules[goner->module].name);
	pr_err(" since:   %u to %u ms, allocated at %s\n", site->youngest_ms, site->oldest_ms,
	       name);
	search_holders(goner, site->site);
}

/* The place of a pool may be another pool's from now on, so the pages are followed no more. */
static void end_pool(const struct goner *goner)
{
	unsigned long pfn;

	for (pfn = 0; pfn < watch_nr_notes; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		if (is_left(&watch_notes[pfn], goner))
			WRITE_ONCE(watch_notes[pfn].state, WATCH_NONE);
	}
	WRITE_ONCE(watch_followed[goner->pool].module, 0);
}

static void say_left(const struct goner *goner, struct site *sites)
{
	unsigned int i;

	if (!group(goner, sites) && !goner->pool)
		pr_info("labyrinth_watch: %s has gone, and has left no page behind\n",
			watch_modules[goner->module].name);
	for (i = 0; i < MAX_SITES && sites[i].nr; i++)
		say_site(goner, &sites[i]);
}

static bool is_ended(unsigned int pool, unsigned int module)
{
	return READ_ONCE(watch_followed[pool].module) == module &&
	       !READ_ONCE(watch_followed[pool].at);
}

/*
 * Ends all destroyed pools of @module of which no page is out, in one walk over the notes: no
 * further page comes out of a destroyed pool. Under looking; watch_leak_forget(@module) waits.
 */
static void end_empty_pools(unsigned int module)
{
	DECLARE_BITMAP(empty, WATCH_MAX_FOLLOWED) = {};
	unsigned long pfn;
	unsigned int i;

	for (i = 1; i < WATCH_MAX_FOLLOWED; i++)
		if (is_ended(i, module))
			__set_bit(i, empty);
	for (pfn = 0; pfn < watch_nr_notes; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		if (READ_ONCE(watch_notes[pfn].state) == WATCH_OUT)
			__clear_bit(READ_ONCE(watch_notes[pfn].pool), empty);
	}
	for_each_set_bit(i, empty, WATCH_MAX_FOLLOWED)
		WRITE_ONCE(watch_followed[i].module, 0);
}

/* Whether @goner has pages out, or may have, of a module. Under looking. */
static bool may_have_left(const struct goner *goner)
{
	if (!goner->pool)
		return true;
	/* The walk for another pool has ended the pool, or the place has been used again. */
	if (!is_ended(goner->pool, goner->module))
		return false;
	end_empty_pools(goner->module);
	return is_ended(goner->pool, goner->module);
}

static void say_and_end(const struct goner *goner)
{
	struct site *sites = kcalloc(MAX_SITES, sizeof(*sites), GFP_KERNEL);

	if (sites)
		say_left(goner, sites);
	else
		pr_warn("labyrinth_watch: no memory to find what %s has left behind\n",
			watch_modules[goner->module].name);
	kfree(sites);
	if (goner->pool)
		end_pool(goner);
}

static void look(struct work_struct *work)
{
	struct goner *goner = container_of(to_delayed_work(work), struct goner, work);

	mutex_lock(&looking);
	if (may_have_left(goner))
		say_and_end(goner);
	mutex_unlock(&looking);
}

static void look_later(struct goner *goner, unsigned int module, unsigned int pool)
{
	if (!goner->pending)
		INIT_DELAYED_WORK(&goner->work, look);
	goner->pending = true;
	goner->module = module;
	goner->pool = pool;
	mod_delayed_work(system_long_wq, &goner->work, (unsigned long)READ_ONCE(grace) * HZ);
}

/* Pages that were left by an earlier life of the module have a name for a site already. */
static void keep_sites(unsigned int module)
{
	struct watch_note *note;
	unsigned long pfn;

	for (pfn = 0; pfn < watch_nr_notes; pfn++) {
		note = &watch_notes[pfn];
		if (!(pfn % 4096))
			cond_resched();
		if (READ_ONCE(note->module) != module || !READ_ONCE(note->state))
			continue;
		WRITE_ONCE(note->site, watch_site_keep(READ_ONCE(note->site)));
		WRITE_ONCE(note->back, watch_site_keep(READ_ONCE(note->back)));
	}
}

/*
 * Context: Task; may sleep. Under the lock of watch/modules.c. The module's exit has returned,
 * and the code is still loaded.
 */
void watch_leak_module_goes(unsigned int module)
{
	keep_sites(module);
	look_later(&modules_gone[module], module, 0);
}

/* Context: Task. Followed pool @pool is about to be destroyed, by its user. */
void watch_leak_pool_ends(unsigned int pool)
{
	look_later(&pools_gone[pool], watch_followed[pool].module, pool);
}

static void forget(struct goner *goner)
{
	if (goner->pending)
		cancel_delayed_work_sync(&goner->work);
	goner->pending = false;
}

/* Cancels the reports of @module. Context: Task; may sleep. */
void watch_leak_forget(unsigned int module)
{
	unsigned int i;

	forget(&modules_gone[module]);
	for (i = 0; i < WATCH_MAX_FOLLOWED; i++)
		if (pools_gone[i].module == module)
			forget(&pools_gone[i]);
}

void watch_leak_stop(void)
{
	unsigned int i;

	for (i = 0; i < WATCH_MAX_MODULES; i++)
		watch_leak_forget(i);
}
