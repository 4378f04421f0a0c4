// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of watched modules, and where the code of watched modules is. Written by
 * watch/modules.c alone, by watch_code_is() and directly.
 *
 * For the stubs, which leave at once if the caller is in no piece of 64 KB that has watched code.
 * In such a piece may be other code as well: then a stub compares with the range of all watched
 * code, and the wrappers tell watched code from the rest.
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "watch/modules.h"

struct watch_text watch_text, watch_own_text;
u8 watch_code_map[WATCH_CODE_PIECES];
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

static void count_code(const struct watch_text *text, int change)
{
	unsigned long piece = text->base / WATCH_CODE_PIECE;
	unsigned long last = (text->base + text->size - 1) / WATCH_CODE_PIECE;
	u8 *count;

	if (!text->size)
		return;
	for (; piece <= last; piece++) {
		count = &watch_code_map[piece % WATCH_CODE_PIECES];
		WRITE_ONCE(*count, *count + change);
	}
}

/*
 * The range never shrinks while hooks are armed, so that no watched code is ever outside: a stub
 * reads the base first, and x86 stores in order.
 */
static void widen(const struct watch_text *text)
{
	unsigned long base = text->base, end = base + text->size;

	if (!text->size)
		return;
	if (watch_text.size) {
		base = min(base, watch_text.base);
		end = max(end, watch_text.base + watch_text.size);
	}
	WRITE_ONCE(watch_text.size, end - base);
	WRITE_ONCE(watch_text.base, base);
}

static void set_text(struct watch_text *text, const struct watch_text *to)
{
	WRITE_ONCE(text->size, 0);
	/* Not ordered: a reader that sees an old base with a new size errs for a moment. */
	WRITE_ONCE(text->base, to->base);
	WRITE_ONCE(text->size, to->size);
}

/*
 * A watched module's code is at @base now; with a @size of 0, nowhere. The code of other modules is
 * in the map and in the range all the time. Context: Task, under watch_modules_lock.
 */
void watch_code_is(struct watch_text *text, unsigned long base, unsigned long size)
{
	struct watch_text was = *text, now = { .base = base, .size = size };

	if (was.base == base && was.size == size)
		return;
	widen(&now);
	count_code(&now, 1);
	set_text(text, &now);
	count_code(&was, -1);
}
