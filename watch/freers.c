// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on the functions of the page allocator by which every page is freed, in place of the
 * tracepoint kmem:mm_page_free: a page without a note costs 8 instructions by a hook, and 23 by
 * the tracepoint. The state owned here is which hooks are armed, under watch_modules_lock.
 *
 * The functions have other names in each kernel, are not exported, and may be copied into their
 * callers by the compiler. So the kernel is asked: each such function has the tracepoint inside,
 * and the static key of a tracepoint has a list of the places in the code where the tracepoint is.
 * If each place is in a function of the table below, and each of these functions can be hooked, no
 * free is missed. Else no function is hooked, and the tracepoint is used.
 */
#include <linux/jump_label.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "watch/freers.h"
#include "watch/hook.h"
#include "watch/stubs.h"

#define FREER(function, wrapper) {					\
	.name = function,						\
	.stub.entry = watch_stub_##wrapper,				\
}

/* The first argument is the page, or the batch of folios. */
static struct watch_hook freers[] = {
	FREER("__free_pages_ok", freed_page),
	FREER("free_pcp_prepare", freed_page),
	FREER("free_unref_page", freed_page),
	FREER("__free_frozen_pages", freed_page),
	FREER("free_unref_folios", freed_batch),
	/*
	 * Where ftrace has no call there, compaction alone calls the function, for pages that no
	 * hooked function has allocated. Elsewhere vfree() and ranges of frames come here as well.
	 */
	{
		.name = "free_pages_prepare",
		.stub.entry = watch_stub_freed_page,
		.optional = true,
	},
};

#ifdef CONFIG_JUMP_LABEL

/* @text: "name+0x12/0x40", as the kernel names a place at @code. Cuts the name off. */
static unsigned long beginning_of(unsigned long code, char *text)
{
	char *plus = strchr(text, '+');
	unsigned long offset;

	if (!plus || sscanf(plus, "+0x%lx/", &offset) != 1)
		return 0;
	*plus = '\0';
	return code - offset;
}

/* Whether the function with @code inside is in the table. */
static bool find_freer(unsigned long code)
{
	static char text[KSYM_SYMBOL_LEN];
	unsigned long addr;
	unsigned int i;

	sprint_symbol(text, code);
	addr = beginning_of(code, text);
	for (i = 0; addr && i < ARRAY_SIZE(freers); i++) {
		if (strcmp(freers[i].name, text))
			continue;
		/* A second function of that name has no place in the table. */
		if (freers[i].addr && freers[i].addr != addr)
			return false;
		freers[i].addr = addr;
		return true;
	}
	return false;
}

/*
 * The list is a piece of a table that is sorted by key, with other data of the kernel behind the
 * table. A key that modules use as well has another list, which is not read.
 */
static bool find_freers(const struct tracepoint *tp)
{
	const struct static_key *key = (const struct static_key *)&tp->key;
	unsigned long type = READ_ONCE(key->type);
	struct jump_entry *entry = (struct jump_entry *)(type & ~JUMP_TYPE_MASK);

	if (type & JUMP_TYPE_LINKED || !entry)
		return false;
	for (; jump_entry_key(entry) == key; entry++)
		if (!jump_entry_is_init(entry) && !find_freer(jump_entry_code(entry)))
			return false;
	return true;
}

#else

static bool find_freers(const struct tracepoint *tp)
{
	return false;
}

#endif /* CONFIG_JUMP_LABEL */

/* Whether frees may be missed. Where ftrace has no call, the errno is -EINVAL. */
static bool is_lacking(const struct watch_hook *freer)
{
	return freer->err && !(freer->optional && freer->err == -EINVAL);
}

static bool attach_all(void)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(freers); i++) {
		if (!freers[i].addr)
			continue;
		watch_hook_attach(&freers[i]);
		any |= freers[i].armed;
		if (is_lacking(&freers[i]))
			return false;
		freers[i].err = 0;
	}
	return any;
}

/*
 * @tp: kmem:mm_page_free, or NULL. Context: Task; may sleep. Return: whether every free comes to
 * a hook; if not, no hook is armed.
 */
bool watch_freers_arm(const struct tracepoint *tp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(freers); i++)
		freers[i].addr = 0;
	if (tp && find_freers(tp) && attach_all())
		return true;
	watch_freers_disarm();
	return false;
}

/* Context: Task; may sleep. A call may still be in a stub. */
void watch_freers_disarm(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(freers); i++)
		watch_hook_detach(&freers[i]);
}

bool watch_freers_armed(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(freers); i++)
		if (freers[i].armed)
			return true;
	return false;
}

void watch_freers_show(struct seq_file *m)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(freers); i++)
		if (freers[i].armed)
			watch_hook_show(m, &freers[i]);
	if (!watch_freers_armed())
		seq_puts(m, "frees are seen by the tracepoint kmem:mm_page_free\n");
}
