// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of a report: a rendering of a refusal's record. No state is owned here: the text is
 * written to the caller's buffer.
 */
#include <linux/device.h>
#include <linux/dma-direction.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "core/owner.h"
#include "inline/address.h"
#include "labyrinth_compat.h"
#include "report/history.h"
#include "report/report.h"
#include "report/site.h"
#include "report/text.h"
#include "report/words.h"

#define LAB_STACK_DEPTH		16
#define LAB_STACK_SHOWN		6U

/* What may follow the history at most, but for the stack of the call. */
#define AFTER_HISTORY		1000
/* The longest line of a step. */
#define STEP_MAX		256

/*
 * How many bytes a single printk() may take, with the lines' prefixes: the kernel cuts off a
 * longer record, when storing the record or when a console shows the record.
 */
#define RECORD_MAX		976
#define PREFIX_MAX		24

static __printf(2, 3) void say(struct lab_text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->length += vscnprintf(text->bytes + text->length,
				   text->size - text->length, format, args);
	va_end(args);
}

static void say_trace(struct lab_text *text, const unsigned long *entries, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < min(nr, LAB_STACK_SHOWN); i++)
		say(text, "  %s\n", lab_site_name(entries[i]).text);
}

static void say_page(struct lab_text *text, const struct lab_refusal *refusal)
{
	say(text, " page:    pfn 0x%lx at %p, %s, %d references\n",
	    lab_tag_pfn(refusal->tag),
	    lab_pfn_address(lab_tag_pfn(refusal->tag)),
	    lab_state_name(lab_tag_state(refusal->tag)),
	    refusal->note.refs);
}

static void say_depot(struct lab_text *text, u32 stack)
{
	unsigned long *entries;
	unsigned int nr = stack_depot_fetch(stack, &entries);

	say_trace(text, entries, nr);
}

/*
 * The owner might go and another owner come while the name is read here. At worst the name is
 * the next owner's. The last byte is always 0.
 */
static void say_holder(struct lab_text *text, const struct lab_refusal *refusal)
{
	const struct lab_page_note *note = &refusal->note;
	unsigned int id = lab_tag_owner(refusal->tag);
	const struct lab_owner *owner = lab_owner_by_id(id);

	say(text, " owner:   \"%s\" (id %u) of module %s\n", owner->name, id,
	    owner->module_name);
	if (!note->site)
		return;
	say(text, " since:   %u.%03u s, allocated at %s\n", note->age_ms / 1000,
	    note->age_ms % 1000, lab_site_name(note->site).text);
	if (note->stack)
		say_depot(text, note->stack);
}

static const char *direction(const struct lab_map_note *map)
{
	switch (map->dir) {
	case DMA_TO_DEVICE:
		return "to the device";
	case DMA_FROM_DEVICE:
		return "from the device";
	case DMA_BIDIRECTIONAL:
		return "both ways";
	default:
		return "no way";
	}
}

/* Without a site: what was mapped when the owner went, see lab_mapping_keep(). */
static void say_dma(struct lab_text *text, const struct lab_map_note *map)
{
	if (!map->site)
		say(text, " mapped:  for DMA when the owner went: the device may still write\n");
	else
		say(text, " mapped:  for DMA, %u bytes at 0x%llx, %s, by %s\n",
		    map->size, map->addr, direction(map), lab_site_name(map->site).text);
}

static void say_mapping(struct lab_text *text, const struct lab_page_note *note)
{
	const struct lab_map_note *map = &note->map;

	switch (map->kind) {
	case LAB_MAP_DMA:
	case LAB_MAP_CORE:
		say_dma(text, map);
		break;
	case LAB_MAP_KERNEL:
		say(text, " mapped:  into the kernel at %p, by %s\n",
		    (void *)(unsigned long)map->addr, lab_site_name(map->site).text);
		break;
	case LAB_MAP_PROCESS:
		say(text, " mapped:  into process %*pE:%d at 0x%llx, by %s\n",
		    (int)strlen(note->process.comm), note->process.comm, note->process.pid,
		    map->addr, lab_site_name(map->site).text);
		break;
	}
	if (note->mappings > 1)
		say(text, "          and %u times more\n", note->mappings - 1);
}

/*
 * Copies a text of up to @size - 1 characters, and reads nothing behind its end. False if the text
 * cannot be read.
 */
static bool copy_text(char *to, const char *from, size_t size)
{
	while (--size && lab_copy_from(to, from++, 1))
		if (!*to++)
			return true;
	*to = '\0';
	return !size;
}

/* The caller's device pointer may be any value at all, so the name is copied with care. */
static void say_device(struct lab_text *text, const struct device *wrong,
		       const struct device *right)
{
	char copy[LABYRINTH_NAME_LEN] = "";
	const char *name;

	if (!lab_copy_from(&name, &wrong->kobj.name, sizeof(name)) ||
	    !copy_text(copy, name, sizeof(copy)))
		strscpy(copy, "no device", sizeof(copy));
	say(text, " device:  %*pE; the owner's is %s\n", (int)strlen(copy), copy,
	    right ? dev_name(right) : "none");
}

static void say_asked(struct lab_text *text, const struct lab_refusal *refusal)
{
	const struct lab_map_note *asked = refusal->asked;

	if (asked)
		say(text, " asked:   %u bytes at 0x%llx, %s\n", asked->size,
		    asked->addr, direction(asked));
	if (refusal->elsewhere)
		say(text, "          which is pfn 0x%lx's address, mapped by %s\n",
		    refusal->elsewhere->pfn, lab_site_name(refusal->elsewhere->map.site).text);
	if (refusal->class == LAB_STALE)
		say(text, " asked:   stamp %u, of an earlier hand-out; the page has stamp %u\n",
		    refusal->stamp, refusal->note.stamp);
	if (refusal->class == LAB_WRONG_DEVICE)
		say_device(text, refusal->dev, refusal->caller->dev);
	if (refusal->class == LAB_WRONG_VMA)
		say(text, " vma:     not one of the process's own\n");
}

/* Appends the line of a step of the page's history. Context: Any. */
void lab_text_step(struct lab_text *text, const char *label, const struct lab_past *past)
{
	say(text, " %s %s by ", label, lab_op_name(past->op));
	if (past->gone)
		say(text, "an owner that has gone");
	else
		say(text, "\"%s\"", lab_owner_by_id(past->owner_id)->name);
	say(text, " at %s, %s, CPU %u, %u.%03u s ago\n", lab_site_name(past->site).text,
	    lab_context_name(past->context), past->cpu,
	    past->age_ms / 1000, past->age_ms % 1000);
}

static const char * const last_words[] = {
	[LAB_LAST_FREE] = "freed:   by",
	[LAB_LAST_LEND] = "lent:    by",
	[LAB_LAST_UNMAP] = "unmap:   last by",
	[LAB_LAST_ALLOC] = "before:  handed out at",
};

static void say_last(struct lab_text *text, const struct lab_last *last)
{
	if (last->step == LAB_LAST_NONE)
		return;
	say(text, " %s %s, ", last_words[last->step], lab_site_name(last->site).text);
	if (last->context && last->context <= LAB_NR_CONTEXTS)
		say(text, "%s, ", lab_context_name(last->context - 1));
	say(text, "%u.%03u s ago\n", last->age_ms / 1000, last->age_ms % 1000);
}

/* A hunted page has no reference to spare, so each single put by somebody else is refused. */
static void say_who_drops(struct lab_text *text, const struct lab_owner *owner)
{
	if (owner->front.flags & LAB_OWNER_HUNTED)
		say(text, " by whom: not known; several at once, or in a call of the owner's\n");
	else
		say(text, " by whom: not known; guard=refuse and hunt=%s name the next\n",
		    owner->name);
}

/* How to find out who did it, where neither the slot nor the history tells; or NULL. */
static const char *how_to_know(const struct lab_refusal *refusal)
{
	switch (refusal->class) {
	case LAB_DOUBLE:
		if (refusal->note.last.step == LAB_LAST_FREE || READ_ONCE(lab_history_on))
			return NULL;
		return " freed:   on a fast path, unnoted; the owner's next frees are noted\n";
	case LAB_CORRUPT:
		return " by whom: not known; guard=refuse names who frees a page of another\n";
	case LAB_STRAY_WRITE:
		return " by whom: not known; quarantine=N names who uses a page after its free\n";
	default:
		return NULL;
	}
}

static void say_how(struct lab_text *text, const struct lab_refusal *refusal)
{
	const char *how = how_to_know(refusal);

	if (how)
		say(text, "%s", how);
	if (refusal->class == LAB_LOST_REFERENCE && !refusal->function)
		say_who_drops(text, lab_owner_by_id(lab_tag_owner(refusal->tag)));
}

/*
 * The steps of the page before, the last step first, if history= keeps steps. Where names are
 * long, as Rust's are, the oldest steps are left out.
 */
static void say_history(struct lab_text *text, const struct lab_refusal *refusal)
{
	struct lab_past past[LAB_HISTORY_SHOWN];
	unsigned long pfn = lab_tag_pfn(refusal->tag);
	unsigned int i, nr;

	if (!refusal->tag && !lab_address_pfn(refusal->addr, &pfn))
		return;
	nr = lab_history_get(pfn, past, ARRAY_SIZE(past));
	for (i = 0; i < nr && text->length + STEP_MAX + AFTER_HISTORY <= text->size; i++)
		lab_text_step(text, i ? "        " : "history:", &past[i]);
}

static void say_stray(struct lab_text *text, const struct lab_stray *stray)
{
	unsigned int shown = min_t(size_t, stray->length, sizeof(stray->bytes));

	say(text, " content: written to from offset 0x%x on, %u bytes, the first are %*ph\n",
	    stray->offset, stray->length, (int)shown, stray->bytes);
}

static void say_damage(struct lab_text *text, const struct lab_damage *damage)
{
	say(text, " content: %s of the page's struct page held 0x%lx, and holds 0x%lx again\n",
	    damage->word, damage->held, damage->right);
	if (damage->more)
		say(text, "          and %u of its other words were wrong too\n", damage->more);
}

/*
 * A process chooses the name that is printed here. The name may hold a line feed or a
 * terminal's control characters, and may change right now: characters that are not printable
 * are escaped in a copy.
 */
static void say_context(struct lab_text *text)
{
	char comm[TASK_COMM_LEN];

	strscpy(comm, current->comm, sizeof(comm));
	say(text, " context: %s, CPU %d, task %*pE:%d\n", lab_context_name(lab_context_now()),
	    raw_smp_processor_id(), (int)strlen(comm), comm, task_pid_nr(current));
}

/* The access was recorded in the fault, the report is made later by the worker. */
static void say_accessor(struct lab_text *text, const struct lab_access *access)
{
	say(text, " access:  ");
	if (access->width)
		say(text, "%u byte%s ", access->width, access->width == 1 ? "" : "s");
	say(text, "by the direct map, at offset 0x%x; diverted, the page is as it was\n",
	    access->offset);
	say(text, " context: %s, CPU %d, task %*pE:%d\n", access->context, access->cpu,
	    (int)strlen(access->comm), access->comm, access->pid);
	say_trace(text, access->entries, access->nr);
}

static void say_caller(struct lab_text *text, const struct lab_refusal *refusal)
{
	const struct lab_owner *owner = refusal->caller;

	if (owner)
		say(text, " caller:  owner \"%s\" (id %u) of module %s\n",
		    owner->name, lab_owner_id(owner), owner->module_name);
	else if (refusal->function)
		say(text, " caller:  no owner's handle: a call of %s()\n",
		    refusal->function);
	else
		say(text, " caller:  handle %p, which is no live owner's\n",
		    refusal->handle);
	if (refusal->back)
		say(text, " through: %s: the call returns to %s\n",
		    lab_is_module_text(refusal->back) ? "a probe's jump" : "core code",
		    lab_site_name(refusal->back).text);
	say_context(text);
}

/* The stack of the call, beginning with the caller that the report names. */
static void say_stack(struct lab_text *text, unsigned long ip)
{
	unsigned long entries[LAB_STACK_DEPTH];
	unsigned int nr = stack_trace_save(entries, LAB_STACK_DEPTH, 0);
	unsigned int i;

	for (i = 0; i < nr && entries[i] != ip; i++)
		;
	say_trace(text, entries + i, nr - i);
}

/*
 * Writes the report of @refusal, which is number @nr, over the content of @text. Only old steps
 * of the history and the end of a stack may not fit, and are left out.
 * Context: Any.
 */
void lab_text_report(struct lab_text *text, const struct lab_refusal *refusal,
		     unsigned long nr)
{
	text->length = 0;
	say(text, "BUG: labyrinth: %s-%s in %s\n",
	    lab_class_name(refusal->class), lab_op_name(refusal->op),
	    lab_site_name(refusal->ip).text);
	say(text, " report:  #%lu\n", nr);
	if (refusal->err)
		say(text, " refused: %s(%p), %pe\n", lab_op_name(refusal->op),
		    refusal->addr, ERR_PTR(refusal->err));
	else
		say(text, " noticed: during %s\n", lab_op_name(refusal->op));
	if (refusal->tag) {
		say_page(text, refusal);
		say_holder(text, refusal);
	}
	if (refusal->note.mappings)
		say_mapping(text, &refusal->note);
	say_last(text, &refusal->note.last);
	say_history(text, refusal);
	say_how(text, refusal);
	if (refusal->damage)
		say_damage(text, refusal->damage);
	if (refusal->stray)
		say_stray(text, refusal->stray);
	say_asked(text, refusal);
	if (refusal->access) {
		say_accessor(text, refusal->access);
		return;
	}
	say_caller(text, refusal);
	say_stack(text, refusal->back ?: refusal->ip);
}

/* How many of @bytes, in whole lines, a single printk() takes. */
static unsigned int record_length(const char *bytes, unsigned int length)
{
	unsigned int fits = 0, used = 0;

	while (fits < length) {
		const char *end = memchr(bytes + fits, '\n', length - fits);
		unsigned int line = end ? end - (bytes + fits) + 1 : length - fits;

		used += line + PREFIX_MAX;
		if (fits && used > RECORD_MAX)
			break;
		fits += line;
	}
	return fits;
}

/*
 * Prints report @nr in as few pieces as printk() allows. Each piece stays whole in the log,
 * whatever other CPUs print. Every piece but the first says which report is continued.
 * Context: Any.
 */
void lab_text_print(const struct lab_text *text, unsigned long nr)
{
	unsigned int done = record_length(text->bytes, text->length);
	unsigned int more;

	pr_err("%.*s", (int)done, text->bytes);
	for (; done < text->length; done += more) {
		more = record_length(text->bytes + done, text->length - done);
		pr_err(" report:  #%lu, continued\n%.*s", nr, (int)more,
		       text->bytes + done);
	}
}
