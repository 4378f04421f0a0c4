// SPDX-License-Identifier: GPL-2.0-only
/*
 * The notes: 16 bytes for each frame of the machine, in a separate array, which exists only
 * while a module is watched. Nothing in struct page is touched. The state owned here is the
 * array, and the names of call sites whose code has gone.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "watch/note.h"
#include "watch/peek.h"

struct watch_note *watch_notes;
unsigned long watch_nr_notes;
unsigned long watch_notes_at, watch_pages_end;

/* Sites from 1 on to here are no addresses, but stand for a name that is kept. */
#define NR_KEPT		256

/* Each name is written once, under the lock of watch/modules.c. The last stands for all further. */
static char kept[NR_KEPT][WATCH_SITE_TEXT];
static u32 nr_kept;

/* Context: Task; may sleep. Return: 0 or -ENOMEM. */
int watch_notes_alloc(void)
{
	watch_peek_init();
	watch_notes = vcalloc(watch_end_pfn, sizeof(*watch_notes));
	if (!watch_notes)
		return -ENOMEM;
	watch_nr_notes = watch_end_pfn;
	watch_notes_at = (unsigned long)watch_notes -
			 (unsigned long)pfn_to_page(0) / WATCH_PAGE_NOTES;
	watch_pages_end = (unsigned long)pfn_to_page(watch_end_pfn);
	return 0;
}

/* Context: Task; may sleep. No hook is armed any more, and no call is in a hook. */
void watch_notes_free(void)
{
	watch_nr_notes = 0;
	watch_pages_end = 0;
	vfree(watch_notes);
	watch_notes = NULL;
}

static bool is_kept(u8 state)
{
	return state == WATCH_KEPT || state == WATCH_LET_GO;
}

/* Meanwhile another watched module may free the page, and the page be kept: see keep(). */
static void forget(struct watch_note *note)
{
	u8 state = READ_ONCE(note->state);

	while (!is_kept(state) && !try_cmpxchg(&note->state, &state, WATCH_NONE))
		;
}

/*
 * A page that is kept stays so: the end of the page's last mapping frees the page, whatever is
 * watched by then. Context: Task; may sleep. Under the lock of watch/modules.c. Of @module's notes,
 * only frees and unmappings write any more.
 */
void watch_notes_forget(unsigned int module)
{
	unsigned long pfn;

	for (pfn = 0; pfn < watch_nr_notes; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		if (READ_ONCE(watch_notes[pfn].module) == module)
			forget(&watch_notes[pfn]);
	}
}

bool watch_site_is_kept(u32 site)
{
	return site && site < NR_KEPT;
}

/* Writes the name of @site to @text, of %WATCH_SITE_TEXT bytes. Return: @text. */
const char *watch_site_name(u32 site, char *text)
{
	if (!site)
		strscpy(text, "a place not known", WATCH_SITE_TEXT);
	else if (watch_site_is_kept(site))
		strscpy(text, kept[site], WATCH_SITE_TEXT);
	else
		scnprintf(text, WATCH_SITE_TEXT, "%pS", (void *)watch_site_ip(site));
	return text;
}

/* "fill+0x12/0x40 [driver]" becomes "fill+0x12/0x40 [driver, gone]". */
static void make_name(u32 site, char *name)
{
	size_t length;

	watch_site_name(site, name);
	length = strnlen(name, WATCH_SITE_TEXT - sizeof(", gone]"));
	if (length && name[length - 1] == ']')
		strscpy(name + length - 1, ", gone]", WATCH_SITE_TEXT - length);
}

/*
 * Keeps the name of @site before the code goes. Context: Task. Under the lock of
 * watch/modules.c. Return: the number that stands for the site from now on.
 */
u32 watch_site_keep(u32 site)
{
	char name[WATCH_SITE_TEXT];
	u32 i;

	if (!site || watch_site_is_kept(site))
		return site;
	make_name(site, name);
	for (i = 1; i <= nr_kept; i++)
		if (!strcmp(kept[i], name))
			return i;
	if (nr_kept == NR_KEPT - 2) {
		strscpy(kept[NR_KEPT - 1], "code that has gone", WATCH_SITE_TEXT);
		return NR_KEPT - 1;
	}
	strscpy(kept[++nr_kept], name, WATCH_SITE_TEXT);
	return nr_kept;
}
