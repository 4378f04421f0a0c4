// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports of single calls, in the form that labyrinth.ko's reports have: first the class and
 * the caller, then the page with both ends of its life. No state but the rate limit.
 */
#define pr_fmt(fmt) "" fmt

#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>

#include "watch/dma.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/say.h"

#define STACK_DEPTH	12

static const char *context_word(void)
{
	if (in_nmi())
		return "NMI";
	if (in_hardirq())
		return "hardirq";
	return in_serving_softirq() ? "softirq" : "task";
}

static bool in_own_text(unsigned long ip)
{
	return ip - watch_own_text.base < watch_own_text.size;
}

unsigned long watch_caller_on_stack(void)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int i, nr = stack_trace_save(entries, STACK_DEPTH, 1);

	for (i = 0; i < nr; i++)
		if (entries[i] >= MODULES_VADDR && entries[i] < MODULES_END &&
		    !in_own_text(entries[i]))
			return entries[i];
	return nr ? entries[0] : 0;
}

static void say_stack(void)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int i, nr = stack_trace_save(entries, STACK_DEPTH, 1);

	for (i = 0; i < nr; i++)
		if (!in_own_text(entries[i]))
			pr_err("  %pS\n", (void *)entries[i]);
}

static void say_note(const struct watch_note *note)
{
	char site[WATCH_SITE_TEXT], back[WATCH_SITE_TEXT];
	u8 state = READ_ONCE(note->state);

	if (state == WATCH_NONE)
		return;
	watch_site_name(READ_ONCE(note->site), site);
	watch_site_name(READ_ONCE(note->back), back);
	if (state == WATCH_FREED || state == WATCH_POOLED)
		pr_err(" before:  given back %u ms ago, at %s\n", watch_note_age_ms(note), back);
	else
		pr_err(" since:   %u ms\n", watch_note_age_ms(note));
	pr_err(" site:    allocated at %s\n", site);
}

/* After the rate limit, since a look through all records takes long. */
static void say_mapping(const struct watch_finding *finding, const struct watch_note *note)
{
	struct watch_finding found = *finding;
	char site[WATCH_SITE_TEXT];

	if (!found.mapped_at && note && READ_ONCE(note->maps))
		watch_dma_describe(page_to_pfn(found.page), &found);
	if (found.mapped_at)
		pr_err(" mapped:  for DMA, %u bytes, at %s\n", found.mapped_size,
		       watch_site_name(found.mapped_at, site));
}

/* Context: Any. */
void watch_say(const struct watch_finding *finding)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);
	struct watch_module *module = &watch_modules[finding->module];
	struct watch_note *note = watch_note_of(finding->page);

	atomic_long_inc(finding->refused ? &module->refused : &module->noticed);
	if (!__ratelimit(&limit))
		return;
	pr_err("BUG: labyrinth: %s in %pS\n", finding->class, (void *)finding->ip);
	pr_err(" %s: %s(pfn 0x%lx)\n", finding->refused ? "refused" : "noticed",
	       finding->function, page_to_pfn(finding->page));
	pr_err(" page:    pfn 0x%lx, %d references, watched for module %s\n",
	       page_to_pfn(finding->page), page_ref_count(finding->page), module->name);
	if (note)
		say_note(note);
	say_mapping(finding, note);
	pr_err(" context: %s, CPU %d, task %s:%d\n", context_word(), raw_smp_processor_id(),
	       current->comm, task_pid_nr(current));
	say_stack();
}
