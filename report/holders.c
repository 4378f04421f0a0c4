// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that do not come back: lent, or in limbo, for long. The state owned here is the pages
 * about which somebody is to be asked, the worker that asks, and the parameter patience=.
 *
 * labyrinth_watch.ko knows who has a page, if that module is loaded: symbol_get() finds the
 * function, and holds the module while the search lasts. Without that module the worker tells
 * the page's age and sites alone.
 *
 * Any context, on any CPU, takes a free place of asked[] by a compare-and-exchange. The worker
 * alone empties a place. A page that finds no place is not asked about.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "core/note.h"
#include "core/owner.h"
#include "core/param.h"
#include "core/table.h"
#include "report/holders.h"
#include "report/site.h"
#include "report/words.h"
#include "watch/ask.h"

#define NR_ASKED	32U
#define PAGES_TOLD	8
#define LINES_TOLD	24U
/* Most references go within this time, and the limbo worker has looked once. */
#define ASK_AFTER	(2 * HZ)

static int patience = 60;
module_param_cb(patience, &lab_count_ops, &patience, 0644);
MODULE_PARM_DESC(patience,
		 "Seconds after which a page that is still lent when the owner asks for it, or still in limbo, is reported with its holders (default 60)");

static unsigned long asked[NR_ASKED];

static void kick_ask(struct irq_work *work);
static void ask_all(struct work_struct *work);

static struct irq_work kick_work = IRQ_WORK_INIT_HARD(kick_ask);
static DECLARE_DELAYED_WORK(ask_work, ask_all);

/* Context: Any. */
bool lab_holders_patience_over(unsigned int age_ms)
{
	return age_ms / MSEC_PER_SEC >= (unsigned int)READ_ONCE(patience);
}

static void kick_ask(struct irq_work *work)
{
	schedule_delayed_work(&ask_work, ASK_AFTER);
}

/*
 * Has the worker say who has page @pfn, if the page is not back by then. An owner's end and the
 * limbo worker may ask about the same page.
 * Context: Any.
 */
void lab_holders_ask(unsigned long pfn)
{
	unsigned long was;
	unsigned int i;

	for (i = 0; i < NR_ASKED; i++) {
		was = cmpxchg(&asked[i], 0, pfn);
		if (!was || was == pfn)
			break;
	}
	irq_work_queue(&kick_work);
}

/* The tag of page @pfn, if the page is lent or in limbo, and an owner's of @id; else 0. */
static lab_tag_t still_out(unsigned long pfn, int id)
{
	lab_tag_t tag = 0;

	lab_table_search(&labyrinth_hot.table, pfn, &tag);
	if (lab_tag_state(tag) != LAB_LENT && lab_tag_state(tag) != LAB_LIMBO)
		return 0;
	return id < 0 || lab_tag_owner(tag) == (unsigned int)id ? tag : 0;
}

static void tell_page(unsigned long pfn, lab_tag_t tag)
{
	struct lab_page_note note = lab_page_note(NULL, tag);
	bool lent = note.last.step == LAB_LAST_LEND;
	unsigned int age = lab_tag_state(tag) == LAB_LENT && lent ? note.last.age_ms : note.age_ms;

	pr_warn("  pfn 0x%lx, %s for %u.%03u s, %s %s\n", pfn, lab_state_name(lab_tag_state(tag)),
		age / 1000, age % 1000, lent ? "lent by" : "allocated at",
		lab_site_name(lent ? note.last.site : note.site).text);
}

static void tell_line(const char *line, void *arg)
{
	unsigned int *lines = arg;

	if ((*lines)++ < LINES_TOLD)
		pr_warn("  %s\n", line);
}

static void ask_watch(const unsigned long *pfns, unsigned int nr)
{
	typeof(labyrinth_watch_ask) *ask = symbol_get(labyrinth_watch_ask);
	unsigned int lines = 0;
	int err;

	if (!ask) {
		pr_warn("  who has them is not known: load labyrinth_watch\n");
		return;
	}
	pr_warn("  who has them, as labyrinth_watch finds:\n");
	err = ask(pfns, nr, tell_line, &lines);
	symbol_put(labyrinth_watch_ask);
	if (err)
		pr_warn("  no answer: %pe\n", ERR_PTR(err));
	if (lines > LINES_TOLD)
		pr_warn("  and %u more lines\n", lines - LINES_TOLD);
}

/* Tells of the pages of the owner of @pfns[0], and takes these pages out of @pfns. */
static void tell_owner(unsigned long *pfns, unsigned int nr)
{
	const struct lab_owner *owner;
	unsigned long its[NR_ASKED];
	unsigned int i, id, nr_its = 0;
	lab_tag_t tag;

	tag = still_out(pfns[0], -1);
	if (!tag)
		return;
	id = lab_tag_owner(tag);
	owner = lab_owner_by_id(id);
	for (i = 0; i < nr; i++)
		if (pfns[i] && still_out(pfns[i], id)) {
			its[nr_its++] = pfns[i];
			pfns[i] = 0;
		}
	if (!nr_its)
		return;
	pr_warn("owner %s (id %u) of module %s: pages that do not come back: %u\n", owner->name,
		id, owner->module_name, nr_its);
	for (i = 0; i < nr_its && i < PAGES_TOLD; i++) {
		tag = still_out(its[i], id);
		if (tag)
			tell_page(its[i], tag);
	}
	ask_watch(its, nr_its);
}

static void ask_all(struct work_struct *work)
{
	unsigned long pfns[NR_ASKED];
	unsigned int i;

	for (i = 0; i < NR_ASKED; i++)
		pfns[i] = xchg(&asked[i], 0);
	for (i = 0; i < NR_ASKED; i++)
		if (pfns[i])
			tell_owner(pfns + i, NR_ASKED - i);
}

/* No page is asked about any more. Context: Task; may sleep. */
void lab_holders_exit(void)
{
	irq_work_sync(&kick_work);
	cancel_delayed_work_sync(&ask_work);
}
