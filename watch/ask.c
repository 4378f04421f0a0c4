// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds pages, asked by another module and not by a user. No state but the answer under way.
 * labyrinth.ko gets the function by symbol_get(), and so needs this module only while the
 * question lasts.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "watch/ask.h"
#include "watch/report.h"
#include "watch/search.h"
#include "watch/turn.h"

#define ANSWER_SIZE	SZ_16K

static int search_for(struct watch_search *search, const unsigned long *pfns, unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr && !err; i++)
		err = watch_search_add(search, pfns[i]);
	if (!err)
		watch_search_run(search);
	return err;
}

/* With watch_turn held. */
static int answer(struct seq_file *m, const unsigned long *pfns, unsigned int nr)
{
	u64 began = ktime_get_ns();
	struct watch_search search;
	int err = watch_search_init(&search) ?: search_for(&search, pfns, nr);

	if (!err)
		watch_report_show(m, &search, ktime_get_ns() - began);
	watch_search_exit(&search);
	return err;
}

/* An answer that is too long loses the last lines. */
static void tell_lines(struct seq_file *m, void (*line)(const char *line, void *arg), void *arg)
{
	char *text = m->buf, *next;

	m->buf[min(m->count, m->size - 1)] = '\0';
	while ((next = strsep(&text, "\n")))
		if (*next)
			line(next, arg);
}

/**
 * labyrinth_watch_ask() - find the holders of frames
 * @pfns: the frames.
 * @nr: how many.
 * @line: called with each line of the answer, without the line feed.
 * @arg: for @line.
 *
 * Waits for a search that a user has begun.
 *
 * Context: Task; may sleep, for as long as a search takes.
 * Return: 0, -ENXIO: no such frame, -ENOSPC: too many, -ENOMEM.
 */
int labyrinth_watch_ask(const unsigned long *pfns, unsigned int nr,
			void (*line)(const char *line, void *arg), void *arg)
{
	struct seq_file m = { .buf = kvzalloc(ANSWER_SIZE, GFP_KERNEL), .size = ANSWER_SIZE };
	int err;

	if (!m.buf)
		return -ENOMEM;
	mutex_lock(&watch_turn);
	err = answer(&m, pfns, nr);
	mutex_unlock(&watch_turn);
	if (!err)
		tell_lines(&m, line, arg);
	kvfree(m.buf);
	return err;
}
EXPORT_SYMBOL_GPL(labyrinth_watch_ask);
