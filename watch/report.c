// SPDX-License-Identifier: GPL-2.0-only
/*
 * The result of a search, as text. The search is over and only read here.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

#include "watch/frame.h"
#include "watch/peek.h"
#include "watch/report.h"
#include "watch/search.h"
#include "watch/slab.h"

#define MAX_FRAMES_SHOWN	8
#define FRAME_TEXT		80

static const char *const claims[] = {
	[WATCH_REFERENCE] = "reference",
	[WATCH_SHARED] = "shared",
	[WATCH_POINTER] = "pointer",
	[WATCH_TRACE] = "trace",
};

static_assert(ARRAY_SIZE(claims) == WATCH_NR_CLAIMS);

static void show_target(struct seq_file *m, const struct watch_target *target)
{
	char text[FRAME_TEXT];

	watch_frame_describe(target->pfn, text, sizeof(text));
	seq_printf(m, "pfn 0x%lx", target->pfn);
	if (target->nr > 1)
		seq_printf(m, " and %lu more", target->nr - 1);
	seq_printf(m, ": %s; references %ld, found %u, pointers %u, traces %u\n", text,
		   target->refs, target->found[WATCH_REFERENCE], target->found[WATCH_POINTER],
		   target->found[WATCH_TRACE]);
}

static void show_targets(struct seq_file *m, const struct watch_search *search)
{
	unsigned int i;

	for (i = 0; i < search->nr_targets && i < MAX_FRAMES_SHOWN; i++)
		show_target(m, &search->targets[i]);
	if (i < search->nr_targets)
		seq_printf(m, "and %u more\n", search->nr_targets - i);
}

static void show_place(struct seq_file *m, const void *at)
{
	struct watch_slab_object object;

	if (!watch_is_direct((unsigned long)at))
		seq_printf(m, ", at %pS", at);
	else if (watch_slab_find(at, &object))
		seq_printf(m, ", at 0x%lx + 0x%lx", object.start, (unsigned long)at - object.start);
	else
		seq_printf(m, ", at 0x%lx", (unsigned long)at);
}

static void show_holder(struct seq_file *m, const struct watch_holder *holder)
{
	unsigned int i;

	seq_printf(m, "  %s, %u: %s", claims[holder->claim], holder->nr, holder->text);
	if (holder->at)
		show_place(m, holder->at);
	seq_puts(m, " (pfn");
	for (i = 0; i < WATCH_HOLDER_PFNS && holder->pfns[i]; i++)
		seq_printf(m, " 0x%lx", holder->pfns[i]);
	seq_printf(m, "%s)\n", holder->nr > i ? " ..." : "");
}

/* The firmest claims first; holders of equal claim in the order of the search. */
static void show_holders(struct seq_file *m, const struct watch_search *search)
{
	enum watch_claim claim;
	unsigned int i;

	for (claim = 0; claim < WATCH_NR_CLAIMS; claim++)
		for (i = 0; i < search->nr_holders; i++)
			if (search->holders[i].claim == claim)
				show_holder(m, &search->holders[i]);
	if (search->holders_left_out)
		seq_printf(m, "  %u more that there was no room for\n", search->holders_left_out);
}

static void show_sum(struct seq_file *m, const struct watch_search *search, u64 took_ns)
{
	unsigned long refs = 0, found = 0;
	unsigned int i;

	for (i = 0; i < search->nr_targets; i++) {
		refs += search->targets[i].refs;
		found += search->targets[i].found[WATCH_REFERENCE];
	}
	seq_printf(m, "references %lu, found %lu; %u frames of %lu MB, %llu ms%s\n", refs, found,
		   search->nr_targets, watch_end_pfn >> (20 - PAGE_SHIFT),
		   took_ns / NSEC_PER_MSEC, search->stopped ? ", STOPPED before its end" : "");
}

/**
 * watch_report_show() - print the result of a search
 * @m: the file to print to.
 * @search: the search.
 * @took_ns: how long the search took.
 *
 * Context: Task.
 */
void watch_report_show(struct seq_file *m, struct watch_search *search, u64 took_ns)
{
	show_targets(m, search);
	show_holders(m, search);
	show_sum(m, search, took_ns);
}
