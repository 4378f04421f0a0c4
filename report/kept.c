// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports by class and call site. The state owned here is a table with an entry for each class
 * and call site that refusals came from: how often, when, and the last report's text.
 *
 * A report finds an entry without a lock, and claims a free entry by a compare-and-exchange of
 * the key. Only the context that sets the busy bit writes and prints the text. A report that
 * finds the bit set, on another CPU or in an interrupt or NMI over the context that has set the
 * bit, is counted as a repeat and not printed: only debugfs waits for the bit. The table is
 * part of the module's data: nothing is allocated.
 *
 * The first report of an entry is always printed, a repeat within the rate limit. A timer says
 * how many reports were not printed.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "report/kept.h"
#include "report/report.h"
#include "report/text.h"

#define NR_BITS			7
#define NR_ENTRIES		BIT(NR_BITS)
/* How many places are searched for an entry. */
#define WINDOW			8U
#define TEXT_SIZE		2896
/* The shortest time before a text that is not printed is written anew. */
#define RENEW			max(HZ / 10, 1)
#define SAY_AFTER		(5 * HZ)

#define KEY_NONE		0UL
/* The call site's module has gone and another stands there: the entry may be taken over. */
#define KEY_GONE		1UL

/**
 * struct entry - the reports of a class and call site
 * @key: see key_of().
 * @ip: the call site.
 * @busy: bit 0 is set while a context reads or writes the members from @printed on.
 * @count: how many reports there were.
 * @untold: how many of @count have been neither printed nor said by the timer.
 * @first: the time of the first report, by the clock of dmesg.
 * @last: the time of the last report.
 * @printed: some report has been printed.
 * @nr: the number of the report in @bytes.
 * @renewed: jiffies when @bytes was written.
 * @length: of @bytes.
 * @bytes: the text.
 */
struct entry {
	unsigned long key;
	unsigned long ip;
	unsigned long busy;
	atomic_long_t count;
	atomic_long_t untold;
	u64 first;
	u64 last;
	bool printed;
	unsigned long nr;
	unsigned long renewed;
	unsigned int length;
	char bytes[TEXT_SIZE];
};

/* The last entry counts all reports that found no entry. */
static struct entry entries[NR_ENTRIES + 1];
static struct entry * const elsewhere = &entries[NR_ENTRIES];

static atomic_long_t numbers;

static void kick_untold(struct irq_work *work);
static void say_untold(struct work_struct *work);

static struct irq_work kick_work = IRQ_WORK_INIT_HARD(kick_untold);
static DECLARE_DELAYED_WORK(say_work, say_untold);

/* All kernel addresses have the same upper bits, which give room for class and call. */
static unsigned long key_of(const struct lab_refusal *refusal)
{
	return (refusal->ip & GENMASK(47, 0)) | (unsigned long)refusal->class << 48 |
	       (unsigned long)refusal->op << 56;
}

static bool entry_trylock(struct entry *entry)
{
	return !test_and_set_bit_lock(0, &entry->busy);
}

static void entry_unlock(struct entry *entry)
{
	clear_bit_unlock(0, &entry->busy);
}

static void begin_entry(struct entry *entry, unsigned long ip)
{
	WRITE_ONCE(entry->first, local_clock());
	WRITE_ONCE(entry->ip, ip);
}

static bool claim_entry(struct entry *entry, unsigned long key, unsigned long ip)
{
	unsigned long was = cmpxchg(&entry->key, KEY_NONE, key);

	if (was == KEY_NONE)
		begin_entry(entry, ip);
	return was == KEY_NONE || was == key;
}

/* The entry in the window to take over: an entry with KEY_GONE, or else the oldest. */
static struct entry *least_wanted(unsigned int start)
{
	struct entry *least = NULL;
	unsigned int i;

	for (i = 0; i < WINDOW; i++) {
		struct entry *entry = &entries[(start + i) % NR_ENTRIES];

		if (READ_ONCE(entry->key) == KEY_GONE)
			return entry;
		if (!least || READ_ONCE(entry->last) < READ_ONCE(least->last))
			least = entry;
	}
	return least;
}

/*
 * Races with a report that found the entry just before, and may be counted here: a count is
 * then off by 1.
 */
static struct entry *take_over_entry(struct entry *entry, unsigned long key, unsigned long ip)
{
	if (!entry_trylock(entry))
		return elsewhere;
	entry->printed = false;
	entry->length = 0;
	atomic_long_set(&entry->count, 0);
	atomic_long_set(&entry->untold, 0);
	begin_entry(entry, ip);
	WRITE_ONCE(entry->key, key);
	entry_unlock(entry);
	return entry;
}

static struct entry *find_entry(unsigned long key, unsigned long ip)
{
	unsigned int start = hash_long(key, NR_BITS);
	unsigned int i;

	for (i = 0; i < WINDOW; i++) {
		struct entry *entry = &entries[(start + i) % NR_ENTRIES];

		if (READ_ONCE(entry->key) == key || claim_entry(entry, key, ip))
			return entry;
	}
	return take_over_entry(least_wanted(start), key, ip);
}

static void kick_untold(struct irq_work *work)
{
	schedule_delayed_work(&say_work, SAY_AFTER);
}

/* An NMI cannot schedule work, but can queue an irq_work. */
static void leave_untold(struct entry *entry)
{
	if (atomic_long_inc_return(&entry->untold) == 1)
		irq_work_queue(&kick_work);
}

static void write_text(struct entry *entry, const struct lab_refusal *refusal,
		       unsigned long nr)
{
	struct lab_text text = { .bytes = entry->bytes, .size = TEXT_SIZE };

	lab_text_report(&text, refusal, nr);
	entry->length = text.length;
	entry->nr = nr;
	entry->renewed = jiffies;
}

static void print_text(struct entry *entry)
{
	lab_text_print(&(struct lab_text) { entry->bytes, TEXT_SIZE, entry->length },
		       entry->nr);
	entry->printed = true;
}

/*
 * Counts @refusal, keeps the text, and prints the text if this is the first report of the class
 * and call site, or @limit has room.
 * Context: Any.
 */
void lab_kept_report(const struct lab_refusal *refusal, struct ratelimit_state *limit)
{
	struct entry *entry = find_entry(key_of(refusal), refusal->ip);
	unsigned long nr = atomic_long_inc_return(&numbers);
	bool print;

	atomic_long_inc(&entry->count);
	WRITE_ONCE(entry->last, local_clock());
	if (!entry_trylock(entry))
		return leave_untold(entry);
	print = !entry->printed || ___ratelimit(limit, __func__);
	if (print || time_after_eq(jiffies, entry->renewed + RENEW))
		write_text(entry, refusal, nr);
	if (print)
		print_text(entry);
	entry_unlock(entry);
	if (!print)
		leave_untold(entry);
}

/* The text's first line has the class and the call site behind the word BUG. */
static void say_entry(struct entry *entry)
{
	long untold = atomic_long_xchg(&entry->untold, 0);
	const char *line = entry->bytes + strlen("BUG: labyrinth: ");

	if (!untold)
		return;
	if (entry == elsewhere)
		pr_err("%ld reports of call sites beyond %lu were not printed\n", untold,
		       NR_ENTRIES);
	else
		pr_err("%.*s: %ld more, %ld in all; the last that is kept is #%lu\n",
		       (int)strcspn(line, "\n"), line, untold,
		       atomic_long_read(&entry->count), entry->nr);
}

static void say_untold(struct work_struct *work)
{
	struct entry *entry;

	for (entry = entries; entry <= elsewhere; entry++) {
		if (!atomic_long_read(&entry->untold))
			continue;
		if (entry_trylock(entry)) {
			if (entry->length)
				say_entry(entry);
			entry_unlock(entry);
		} else {
			schedule_delayed_work(&say_work, SAY_AFTER);
		}
	}
}

/*
 * Reports kept from addresses where @module now stands were another module's, or of @module's
 * init text, which is gone: so @module has first reports again. The old entries keep the old
 * text.
 * Context: Task.
 */
void lab_kept_forget(const struct module *module)
{
	struct entry *entry;

	for (entry = entries; entry < elsewhere; entry++) {
		unsigned long key = READ_ONCE(entry->key);

		if (key > KEY_GONE && within_module(READ_ONCE(entry->ip), module))
			cmpxchg(&entry->key, key, KEY_GONE);
	}
}

/* Says how many reports were not printed; no more reports come. Context: Task; may sleep. */
void lab_kept_exit(void)
{
	irq_work_sync(&kick_work);
	cancel_delayed_work_sync(&say_work);
	say_untold(NULL);
	cancel_delayed_work_sync(&say_work);
}

/* The file "reports": a line and the last text for each class and call site. */

static void *kept_start(struct seq_file *m, loff_t *pos)
{
	return *pos <= NR_ENTRIES ? &entries[*pos] : NULL;
}

static void *kept_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return kept_start(m, pos);
}

static void kept_stop(struct seq_file *m, void *v)
{
}

static void show_time(struct seq_file *m, const char *which, u64 ns)
{
	u64 us = div_u64(ns, NSEC_PER_USEC);
	u32 rest;

	us = div_u64_rem(us, USEC_PER_SEC, &rest);
	seq_printf(m, ", %s at %llu.%06u", which, us, rest);
}

static void show_entry(struct seq_file *m, const struct entry *entry)
{
	seq_printf(m, "%ld times", atomic_long_read(&entry->count));
	show_time(m, "first", READ_ONCE(entry->first));
	show_time(m, "last", READ_ONCE(entry->last));
	seq_puts(m, ":\n");
	seq_write(m, entry->bytes, entry->length);
	seq_putc(m, '\n');
}

/* Waits while a report is printed on a slow console, but not for ever. */
static int kept_show(struct seq_file *m, void *v)
{
	struct entry *entry = v;
	unsigned int tries = 0;

	if (!atomic_long_read(&entry->count))
		return SEQ_SKIP;
	while (!entry_trylock(entry)) {
		if (++tries > 1000)
			return -EBUSY;
		usleep_range(1000, 2000);
	}
	if (entry->length)
		show_entry(m, entry);
	entry_unlock(entry);
	return 0;
}

static const struct seq_operations kept_sops = {
	.start = kept_start,
	.next = kept_next,
	.stop = kept_stop,
	.show = kept_show,
};

/* Context: Task; may sleep. Return: 0, -ENOMEM. */
int lab_kept_open(struct file *file)
{
	return seq_open(file, &kept_sops);
}
