// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner's pages by state and call site: printed to dmesg at an owner's end, and shown in
 * debugfs for a live owner. The state owned here is a single census, taken under the lock.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "core/note.h"
#include "core/owner.h"
#include "core/table.h"
#include "report/census.h"
#include "report/report.h"
#include "report/site.h"

#define NR_GROUPS		64U
#define GROUPS_PRINTED		8U

/**
 * struct group - pages in the same state, from the same call sites
 * @site: where the pages were allocated.
 * @map_site: where the pages were mapped; 0: not mapped, or not known any more.
 * @lent_site: where the pages were lent; 0: not lent.
 * @state: &enum lab_state.
 * @mapped: whether the pages are mapped.
 * @map_kind: &enum lab_map_kind, if mapped.
 * @nr: how many pages the group has.
 * @oldest: milliseconds since the first page was handed out, or went to limbo.
 * @youngest: milliseconds since the last page was handed out, or went to limbo.
 */
struct group {
	unsigned long site;
	unsigned long map_site;
	unsigned long lent_site;
	u8 state;
	bool mapped;
	u8 map_kind;
	unsigned int nr;
	unsigned int oldest;
	unsigned int youngest;
};

/* Protects all below. Taken in task context; nests in the owners' mutex. */
static DEFINE_MUTEX(census_lock);
static struct group groups[NR_GROUPS];
static unsigned int nr_groups;
/* Pages that found no room in @groups. */
static unsigned int nr_rest;
static unsigned int nr_total;

/* The device may still write to the pages after the owner's end, so the pages never leave limbo. */
static bool for_good(const struct group *group)
{
	return group->mapped && (group->map_kind == LAB_MAP_DMA ||
				 group->map_kind == LAB_MAP_CORE);
}

static bool same_group(const struct group *a, const struct group *b)
{
	return a->site == b->site && a->map_site == b->map_site &&
	       a->lent_site == b->lent_site &&
	       a->state == b->state && a->mapped == b->mapped &&
	       a->map_kind == b->map_kind;
}

static void add_to_group(const struct group *page)
{
	unsigned int i;

	nr_total++;
	for (i = 0; i < nr_groups && !same_group(&groups[i], page); i++)
		;
	if (i == NR_GROUPS) {
		nr_rest++;
		return;
	}
	if (i == nr_groups)
		groups[nr_groups++] = *page;
	groups[i].nr++;
	groups[i].oldest = max(groups[i].oldest, page->oldest);
	groups[i].youngest = min(groups[i].youngest, page->youngest);
}

static void add_page(struct lab_slot *slot, lab_tag_t tag)
{
	struct lab_page_note note = lab_page_note(slot, tag);

	add_to_group(&(struct group) {
		.site = note.site,
		.map_site = note.mappings ? note.map.site : 0,
		.lent_site = note.last.step == LAB_LAST_LEND ? note.last.site : 0,
		.state = lab_tag_state(tag),
		.mapped = note.mappings,
		.map_kind = note.mappings ? note.map.kind : 0,
		.oldest = note.age_ms,
		.youngest = note.age_ms,
	});
}

/* Pages that are lost for good come first, then the largest groups. */
static int compare_groups(const void *a, const void *b)
{
	const struct group *one = a, *other = b;

	if (for_good(one) != for_good(other))
		return for_good(one) ? -1 : 1;
	return one->nr < other->nr ? 1 : one->nr > other->nr ? -1 : 0;
}

/* Whether a page in @state is counted: one that was given up and waits, or any that is out. */
static bool counts(enum lab_state state, bool only_limbo)
{
	return only_limbo ? state == LAB_LIMBO : state != LAB_CACHED;
}

static void take_census(const struct lab_owner *owner, bool only_limbo)
{
	lab_tag_t tag;
	u64 index;

	lockdep_assert_held(&census_lock);
	nr_groups = 0;
	nr_rest = 0;
	nr_total = 0;
	lab_owner_for_each(owner, index, tag)
		if (counts(lab_tag_state(tag), only_limbo))
			add_page(&labyrinth_hot.table.slots[index], tag);
	sort(groups, nr_groups, sizeof(groups[0]), compare_groups, NULL);
}

/* The text of @group, in @text of @size bytes. */
static void describe_group(char *text, size_t size, const struct group *group)
{
	unsigned int length = scnprintf(text, size, "%u %s", group->nr,
					lab_state_name(group->state));

	if (group->mapped)
		length += scnprintf(text + length, size - length, ", mapped %s %s%s",
				    lab_map_kind_name(group->map_kind),
				    group->map_site ? "by " : "when the owner went",
				    group->map_site ? lab_site_name(group->map_site).text : "");
	if (group->lent_site)
		length += scnprintf(text + length, size - length, ", lent by %s",
				    lab_site_name(group->lent_site).text);
	if (group->site)
		length += scnprintf(text + length, size - length, ", allocated at %s",
				    lab_site_name(group->site).text);
	if (group->site || group->state == LAB_LIMBO)
		scnprintf(text + length, size - length, ", %s%u.%03u to %u.%03u s%s",
			  group->state == LAB_LIMBO ? "in limbo for " : "",
			  group->youngest / 1000, group->youngest % 1000,
			  group->oldest / 1000, group->oldest % 1000,
			  group->state == LAB_LIMBO ? "" : " ago");
}

static void print_groups(void)
{
	unsigned int left = nr_total;
	char text[384];
	unsigned int i;

	for (i = 0; i < min(nr_groups, GROUPS_PRINTED); i++) {
		describe_group(text, sizeof(text), &groups[i]);
		pr_err("  %s%s\n", for_good(&groups[i]) ? "for good: " : "", text);
		left -= groups[i].nr;
	}
	if (left)
		pr_err("  and %u more\n", left);
}

/*
 * Prints the pages that @owner, which is about to go, leaves out or in limbo.
 * Context: Task; may sleep.
 */
void lab_census_print(const struct lab_owner *owner)
{
	mutex_lock(&census_lock);
	take_census(owner, false);
	if (nr_total) {
		pr_err("owner %s (id %u) of module %s goes, and of its pages are out or in limbo:\n",
		       owner->name, lab_owner_id(owner), owner->module_name);
		print_groups();
	}
	mutex_unlock(&census_lock);
}

/*
 * Prints the pages of @owner, live or gone, that stay in limbo.
 * Context: Task; may sleep.
 */
void lab_census_limbo(const struct lab_owner *owner)
{
	mutex_lock(&census_lock);
	take_census(owner, true);
	if (nr_total) {
		pr_err("owner %s (id %u) of module %s: pages stay in limbo:\n", owner->name,
		       lab_owner_id(owner), owner->module_name);
		print_groups();
	}
	mutex_unlock(&census_lock);
}

static void show_group(struct seq_file *m, const struct lab_owner *owner,
		       const struct group *group)
{
	char text[384];

	describe_group(text, sizeof(text), group);
	seq_printf(m, "%u %s %s\n", lab_owner_id(owner), owner->name, text);
}

/*
 * Shows a line for each state and call site of @owner's pages.
 * Context: Task; may sleep.
 */
void lab_census_show(struct seq_file *m, const struct lab_owner *owner)
{
	unsigned int i;

	mutex_lock(&census_lock);
	take_census(owner, false);
	for (i = 0; i < nr_groups; i++)
		show_group(m, owner, &groups[i]);
	if (nr_rest)
		seq_printf(m, "%u %s %u from other call sites\n", lab_owner_id(owner),
			   owner->name, nr_rest);
	mutex_unlock(&census_lock);
}
