// SPDX-License-Identifier: GPL-2.0-only
/*
 * A search: the targets and the holders found. A single search runs at a time (watch_turn), in
 * the task that asked, so no state here is shared.
 */
#include <linux/anon_inodes.h>
#include <linux/bitmap.h>
#include <linux/bsearch.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "watch/frame.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/search.h"
#include "watch/slab.h"
#include "watch/tasks.h"

#define MAX_TARGETS	4096
#define MAX_HOLDERS	512

/* Targets. */

/**
 * watch_search_add() - ask about another frame
 * @search: the search.
 * @pfn: the frame; a frame in a block asks about the whole block.
 *
 * Context: Task. Return: 0, -ENXIO: no such frame, -ENOSPC: too many.
 */
int watch_search_add(struct watch_search *search, unsigned long pfn)
{
	struct page *page = pfn < search->nr_frames ? pfn_to_online_page(pfn) : NULL;
	struct watch_target *target;

	if (!page)
		return -ENXIO;
	if (test_bit(pfn, search->frames))
		return 0;
	if (search->nr_targets == MAX_TARGETS)
		return -ENOSPC;
	target = &search->targets[search->nr_targets++];
	watch_frame_block(page, &target->pfn, &target->nr);
	target->nr = min(target->nr, search->nr_frames - target->pfn);
	target->refs = watch_frame_refs(target->pfn);
	bitmap_set(search->frames, target->pfn, target->nr);
	return 0;
}

static int in_target(const void *key, const void *element)
{
	const struct watch_target *target = element;
	unsigned long pfn = *(const unsigned long *)key;

	return pfn < target->pfn ? -1 : pfn - target->pfn >= target->nr;
}

struct watch_target *watch_target_of(struct watch_search *search, unsigned long pfn)
{
	return bsearch(&pfn, search->targets, search->nr_targets, sizeof(*search->targets),
		       in_target);
}

bool watch_explained(struct watch_search *search, unsigned long pfn)
{
	const struct watch_target *target = watch_target_of(search, pfn);

	return !target || target->found[WATCH_REFERENCE] >= target->refs;
}

/* Holders. */

/*
 * Note that the word at @word is explained. Return: whether the note is new, or could not be
 * made: without memory for the note, a second call returns true again.
 */
bool watch_account(struct watch_search *search, const void *word)
{
	void *old = xa_store(&search->accounted, watch_index(word), xa_mk_value(1), GFP_KERNEL);

	return !old || xa_is_err(old);
}

static struct watch_holder *holder_named(struct watch_search *search, const char *text,
					 enum watch_claim claim)
{
	struct watch_holder *holder;

	for (holder = search->holders; holder < search->holders + search->nr_holders; holder++)
		if (holder->claim == claim && !strcmp(holder->text, text))
			return holder;
	if (search->nr_holders == MAX_HOLDERS)
		return NULL;
	search->nr_holders++;
	holder->claim = claim;
	strscpy(holder->text, text, sizeof(holder->text));
	return holder;
}

static void add_to_holder(struct watch_holder *holder, unsigned long pfn)
{
	unsigned int i, known = min_t(unsigned int, holder->nr, WATCH_HOLDER_PFNS);

	holder->nr++;
	for (i = 0; i < known; i++)
		if (holder->pfns[i] == pfn)
			return;
	if (known < WATCH_HOLDER_PFNS)
		holder->pfns[known] = pfn;
}

/* The names of tasks and files are their users' to choose: a line feed would begin a line. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (!isascii(*text) || !isprint(*text))
			*text = '?';
}

/**
 * watch_hold() - a searcher has found a holder
 * @search: the search.
 * @pfn: a frame of the target.
 * @claim: how firm the claim is.
 * @at: where in the kernel's memory, or NULL.
 * @format: names the holder, without details that differ from frame to frame: equal names
 *	are a single holder.
 *
 * Context: Task.
 */
void watch_hold(struct watch_search *search, unsigned long pfn, enum watch_claim claim,
		const void *at, const char *format, ...)
{
	struct watch_target *target = watch_target_of(search, pfn);
	char text[WATCH_HOLDER_TEXT];
	struct watch_holder *holder;
	va_list args;

	if (!target)
		return;
	va_start(args, format);
	vscnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);
	target->found[claim]++;
	holder = holder_named(search, text, claim);
	if (!holder) {
		search->holders_left_out++;
		return;
	}
	holder->at = holder->at ?: at;
	add_to_holder(holder, pfn);
}

/* The whole. */

/*
 * Any open file tells which slab cache files have. The kernel may close the file a while after
 * fput(): the owner keeps these operations there until then.
 */
static const struct file_operations any_fops = { .owner = THIS_MODULE };

/**
 * watch_search_init() - begin a search
 * @search: written completely.
 *
 * Context: Task; may sleep.
 * Return: 0 or an errno, as -ENOMEM; watch_search_exit() is due in both cases.
 */
int watch_search_init(struct watch_search *search)
{
	struct file *file = anon_inode_getfile("[labyrinth_watch]", &any_fops, NULL, O_RDONLY);

	watch_peek_init();
	*search = (struct watch_search){};
	xa_init(&search->accounted);
	xa_init(&search->strays);
	search->nr_frames = watch_end_pfn;
	search->frames = vzalloc(BITS_TO_LONGS(search->nr_frames) * sizeof(long));
	search->targets = vcalloc(MAX_TARGETS, sizeof(*search->targets));
	search->holders = vcalloc(MAX_HOLDERS, sizeof(*search->holders));
	search->tasks = watch_tasks_get();
	watch_pace_begin(search);
	if (IS_ERR(file))
		return PTR_ERR(file);
	search->file_cache = watch_slab_cache(file);
	fput(file);
	return search->frames && search->targets && search->holders && search->tasks ? 0 : -ENOMEM;
}

/* The search is over: only its result is kept. Context: Task; may sleep. */
void watch_search_finish(struct watch_search *search)
{
	watch_tasks_put(search->tasks);
	search->tasks = NULL;
	vfree(search->frames);
	search->frames = NULL;
	xa_destroy(&search->strays);
	xa_destroy(&search->accounted);
}

void watch_search_exit(struct watch_search *search)
{
	watch_search_finish(search);
	vfree(search->holders);
	vfree(search->targets);
}
