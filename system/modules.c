// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call sites in modules whose code goes. No state is owned here but the entry in the
 * kernel's chain of module notifiers.
 *
 * Each site that Labyrinth has noted in code that is about to go is replaced by a kept
 * name, see report/site.c: MODULE_STATE_LIVE comes right before the kernel frees a
 * module's init text, MODULE_STATE_GOING before all of the module. The owners that the
 * module leaves behind are destroyed earlier, by a notifier of higher priority. Accesses to
 * sealed pages that strayed from the code are reported before the code goes.
 *
 * A call may note a site in the module's code after the walk, if the module's own code still
 * runs. Module code that runs after its module's exit is a bug of that module.
 */
#include <linux/module.h>
#include <linux/notifier.h>

#include "core/owner.h"
#include "core/table.h"
#include "inline/hot.h"
#include "page/mapping.h"
#include "page/seal.h"
#include "report/history.h"
#include "report/site.h"
#include "report/stack.h"
#include "system/modules.h"

/**
 * struct going - the code that goes
 * @module: the module with that code.
 * @init_only: the init text alone.
 * @site: the site that was replaced last. A driver may have filled a million pages at one site,
 *	and the kernel's look-up of a symbol takes long.
 * @kept: the address that stands for @site now.
 * @stack: the allocation stack that was looked at last.
 * @stack_kept: what stands for @stack now.
 */
struct going {
	const struct module *module;
	bool init_only;
	unsigned long site;
	unsigned long kept;
	u32 stack;
	u32 stack_kept;
};

static bool is_going(const struct going *going, unsigned long site)
{
	return site && (going->init_only ? within_module_init(site, going->module) :
					   within_module(site, going->module));
}

static unsigned long keep(struct going *going, unsigned long site)
{
	if (going->site != site) {
		going->site = site;
		going->kept = lab_site_keep(site, going->init_only ? "init" : "gone");
	}
	return going->kept;
}

/* Returns the address that stands for @site from now on: @site, unless the code is going. */
static unsigned long site_after(unsigned long site, void *going)
{
	return is_going(going, site) ? keep(going, site) : site;
}

/* A search for a mapping with a site that is going; the site is put into *@site. */
struct search {
	const struct going *going;
	unsigned long *site;
};

static bool take_going(struct lab_mapping *map, bool alone, const void *arg)
{
	const struct search *search = arg;

	*search->site = map->what.site;
	return is_going(search->going, map->what.site);
}

/* A name is made without the list's lock, so the sites are replaced in turn, not all at once. */
static void visit_mappings(struct lab_slot *slot, lab_tag_t tag, struct going *going)
{
	struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(tag));
	unsigned long site;
	struct search search = { going, &site };

	if (!lab_slot_list(READ_ONCE(slot->last)))
		return;
	while (lab_mapping_find(owner, slot, take_going, &search))
		lab_mapping_rename(owner, slot, site, keep(going, site));
}

static void visit_last(struct lab_slot *slot, struct going *going)
{
	u64 word = READ_ONCE(slot->last);
	unsigned long site = lab_last_site(word);

	if (word & LAB_LAST_NOTED && is_going(going, site))
		cmpxchg(&slot->last, word, (word & GENMASK_ULL(LAB_LAST_SITE_SHIFT - 1, 0)) |
			(u64)keep(going, site) << LAB_LAST_SITE_SHIFT);
}

/* Whether the slot's word with the time may have a stack beside the time; see core/note.c. */
static bool has_stack(lab_tag_t tag)
{
	enum lab_state state = lab_tag_state(tag);

	return (state == LAB_HELD || state == LAB_MAPPED || state == LAB_POSTED) &&
	       !lab_owner_is_stamped(lab_owner_by_id(lab_tag_owner(tag)));
}

static void visit_stack(struct lab_slot *slot, struct going *going)
{
	/* Of a page in limbo, the word has a link where the stack was. */
	struct lab_glance glance = lab_slot_glance(slot);
	u64 when = glance.when;
	u32 stack = lab_when_stack(when);

	if (!stack || !has_stack(glance.tag))
		return;
	if (going->stack != stack) {
		going->stack_kept = lab_stack_after(stack, site_after, going);
		going->stack = stack;
	}
	/* Of a page that has moved on since, the word has another time. */
	if (going->stack_kept != stack)
		cmpxchg(&slot->when, when, (u32)when | (u64)going->stack_kept << 32);
}

/* The site of a CACHED page may be a link, which is no address of module code. */
static void visit_slot(struct lab_slot *slot, lab_tag_t tag, struct going *going)
{
	unsigned long site = READ_ONCE(slot->site);

	/* Full barrier: the name is complete before a reader finds the name's address. */
	if (is_going(going, site))
		cmpxchg(&slot->site, site, keep(going, site));
	visit_last(slot, going);
	visit_stack(slot, going);
	visit_mappings(slot, tag, going);
}

static void visit_owner(struct lab_owner *owner, void *going)
{
	owner->created_at = site_after(owner->created_at, going);
}

static void visit_all(struct going *going)
{
	lab_tag_t tag;
	u64 index;

	lab_seal_settle();
	lab_owners_each(visit_owner, going);
	lab_history_sites(site_after, going);
	if (!lab_table_used(&labyrinth_hot.table))
		return;
	lab_table_for_each(&labyrinth_hot.table, index, tag)
		visit_slot(&labyrinth_hot.table.slots[index], tag, going);
}

static int modules_notify(struct notifier_block *nb, unsigned long action, void *module)
{
	struct going going = { .module = module, .init_only = action == MODULE_STATE_LIVE };

	if (action == MODULE_STATE_LIVE || action == MODULE_STATE_GOING)
		visit_all(&going);
	return NOTIFY_DONE;
}

static struct notifier_block modules_nb = {
	.notifier_call = modules_notify,
	/* After the notifier of labyrinth_owner.c, which destroys the owners left behind. */
	.priority = -1,
};

/* Context: Task; may sleep. Return: 0, or an errno of the core's. */
int lab_modules_init(void)
{
	return register_module_notifier(&modules_nb);
}

void lab_modules_exit(void)
{
	unregister_module_notifier(&modules_nb);
}
