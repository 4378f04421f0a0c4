// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of Labyrinth that an oops or a panic involves. No state is owned here but the two
 * entries in the core's notifier chains.
 *
 * After the kernel has printed the registers of an oops, each register that points into a
 * Labyrinth page, or to a Labyrinth page's struct page, gets a line: which page, the owner, the
 * state, the time and call site of the hand-out, and with history= the last steps. A panic has no
 * registers to show: there the numbers in the panic's message are looked at, and then the words
 * on the stack, which hold what the callers of panic() had in registers. A word on the stack may be
 * a leftover of an earlier call.
 *
 * The oops may have interrupted any code, with any lock held. So the table and the slots are
 * read by plain loads, and no lock is taken.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/kdebug.h>
#include <linux/kernel.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#ifdef CONFIG_X86_64
#include <asm/special_insns.h>
#endif

#include "core/owner.h"
#include "core/table.h"
#include "inline/address.h"
#include "labyrinth_compat.h"
#include "report/history.h"
#include "report/report.h"
#include "report/site.h"
#include "report/text.h"
#include "report/words.h"
#include "system/oops.h"

/* Room for the line of a step. */
#define STEP_LINE	320

#ifdef CONFIG_X86_64
static const char * const register_names[] = {
	"R15", "R14", "R13", "R12", "RBP", "RBX", "R11", "R10", "R9", "R8", "RAX", "RCX",
	"RDX", "RSI", "RDI", "ORIG_RAX", "RIP", "CS", "EFLAGS", "RSP", "SS",
};
#elif defined(CONFIG_ARM64)
static const char * const register_names[] = {
	"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
	"x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
	"x27", "x28", "x29", "x30", "sp", "pc", "pstate",
};
#else
static const char * const register_names[] = {};
#endif

static const char *register_name(unsigned int i)
{
	return i < ARRAY_SIZE(register_names) ? register_names[i] : "register";
}

/* False if @value points neither into a tagged page nor to a tagged page's struct page. */
static bool find_page(unsigned long value, struct lab_glance *glance, bool *is_struct)
{
	unsigned long pfn;
	struct lab_slot *slot;
	lab_tag_t tag;

	*is_struct = lab_page_valid((struct page *)value);
	if (*is_struct)
		pfn = lab_page_pfn((struct page *)value);
	else if (!lab_address_pfn((void *)(value & PAGE_MASK), &pfn))
		return false;
	slot = lab_table_search(&labyrinth_hot.table, pfn, &tag);
	if (!slot)
		return false;
	*glance = lab_slot_glance(slot);
	return glance->tag && lab_tag_pfn(glance->tag) == pfn;
}

static void say_since(const struct lab_glance *glance)
{
	unsigned int age = lab_when_age_ms(glance->when);

	if (glance->site)
		pr_emerg("  for %u.%03u s, allocated at %s\n", age / 1000, age % 1000,
			 lab_site_name(glance->site).text);
}

static void say_steps(unsigned long pfn)
{
	struct lab_past past[LAB_HISTORY_SHOWN];
	unsigned int nr = lab_history_get(pfn, past, ARRAY_SIZE(past));
	char line[STEP_LINE];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct lab_text text = { .bytes = line, .size = sizeof(line) };

		lab_text_step(&text, "", &past[i]);
		pr_emerg("%s", line);
	}
}

static void say_register(const char *name, unsigned long value)
{
	const struct lab_owner *owner;
	struct lab_glance glance;
	bool is_struct;

	if (!find_page(value, &glance, &is_struct))
		return;
	owner = lab_owner_by_id(lab_tag_owner(glance.tag));
	pr_emerg("%s 0x%lx is %s pfn 0x%lx, %s by \"%s\" (id %u) of module %s\n", name, value,
		 is_struct ? "the struct page of" : "in", lab_tag_pfn(glance.tag),
		 lab_state_name(lab_tag_state(glance.tag)), owner->name,
		 lab_tag_owner(glance.tag), owner->module_name);
	say_since(&glance);
	say_steps(lab_tag_pfn(glance.tag));
}

static int oops_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct die_args *args = data;
	const unsigned long *words = (const unsigned long *)args->regs;
	unsigned int i;

	if (action != DIE_OOPS || !words)
		return NOTIFY_DONE;
	for (i = 0; i < sizeof(*args->regs) / sizeof(*words); i++)
		say_register(register_name(i), words[i]);
	say_register("fault address", lab_fault_address(args));
	return NOTIFY_DONE;
}

static struct notifier_block oops_nb = { .notifier_call = oops_notify };

/* How much of the stack is looked at, and how many pages are told in all. */
#define STACK_WORDS	512
#define PAGES_TOLD	4

/* The pages told, each once. A panic happens once, on one CPU. */
struct told {
	unsigned long pfns[PAGES_TOLD];
	unsigned int nr;
};

static void tell_once(struct told *told, const char *where, unsigned long value)
{
	struct lab_glance glance;
	bool is_struct;
	unsigned int i;

	if (told->nr == PAGES_TOLD || !find_page(value, &glance, &is_struct))
		return;
	for (i = 0; i < told->nr; i++)
		if (told->pfns[i] == lab_tag_pfn(glance.tag))
			return;
	told->pfns[told->nr++] = lab_tag_pfn(glance.tag);
	say_register(where, value);
}

/* Each run of hexadecimal digits in the message is a number, "0x" before the run or not. */
static void tell_message(struct told *told, const char *message)
{
	unsigned long value;

	while (message && *message) {
		size_t length = strspn(message, "0123456789abcdefABCDEF");
		char digits[2 * sizeof(value) + 1];

		if (length && length < sizeof(digits)) {
			strscpy(digits, message, length + 1);
			if (!kstrtoul(digits, 16, &value))
				tell_once(told, "message", value);
		}
		message += length ?: 1;
	}
}

static void tell_stack(struct told *told)
{
	const unsigned long *word = __builtin_frame_address(0);
	unsigned long value;
	unsigned int i;

	/* The stack may end sooner: the next page cannot be read then. */
	for (i = 0; i < STACK_WORDS && lab_copy_from(&value, word + i, sizeof(value)); i++)
		tell_once(told, "stack", value);
}

/* Whether refusals came before may matter too. */
static int panic_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned long refusals = 0;
	struct told told = {};
	unsigned int class;

	for (class = 0; class < LAB_NR_CLASSES; class++)
		refusals += lab_report_count(class);
	pr_emerg("%lu pages are tagged, %lu refusals and findings were counted before the panic\n",
		 lab_table_used(&labyrinth_hot.table), refusals);
	tell_message(&told, data);
	tell_stack(&told);
	return NOTIFY_DONE;
}

static struct notifier_block panic_nb = { .notifier_call = panic_notify };

/* Context: Task; may sleep. Return: 0, or an errno of the core's. */
int lab_oops_init(void)
{
	int err = register_die_notifier(&oops_nb);

	if (err)
		return err;
	err = atomic_notifier_chain_register(&panic_notifier_list, &panic_nb);
	if (err)
		unregister_die_notifier(&oops_nb);
	return err;
}

void lab_oops_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_nb);
	unregister_die_notifier(&oops_nb);
}
