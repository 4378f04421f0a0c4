// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/labyrinth: snapshots of the table and the owners, read while calls go on.
 * This file takes no lock that an allocation waits for, and writes no word that an allocation
 * reads.
 */
#include <linux/bitops.h>
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "core/table.h"
#include "guard/fault.h"
#include "guard/guard.h"
#include "page/cache.h"
#include "page/limbo.h"
#include "report/census.h"
#include "report/kept.h"
#include "report/report.h"
#include "report/site.h"
#include "system/debugfs.h"

static struct dentry *root;

/* owners: a line for each owner, with the states counted over the whole table. */

struct tally {
	unsigned int nr[LAB_NR_STATES];
};

static void tally_tags(struct tally *tally)
{
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(&labyrinth_hot.table, index, tag)
		tally[lab_tag_owner(tag) & (lab_owners.nr - 1)]
			.nr[lab_tag_state(tag)]++;
}

/* A state more is a column more, in show_owner(). */
static_assert(LAB_NR_STATES == LAB_POSTED + 1);

static void show_owner(struct seq_file *m, const struct lab_owner *owner,
		       const struct tally *tally)
{
	int fail;

	seq_printf(m, "%u %s module=%s device=%s quota=%u reserve=%u/%u held=%u cached=%u lent=%u limbo=%u mapped=%u posted=%u peak=%d",
		   lab_owner_id(owner), owner->name, owner->module_name,
		   owner->dev ? dev_name(owner->dev) : "-", owner->max_pages,
		   atomic_read(&owner->reserve_held), owner->reserve_target,
		   tally->nr[LAB_HELD], tally->nr[LAB_CACHED],
		   tally->nr[LAB_LENT], tally->nr[LAB_LIMBO],
		   tally->nr[LAB_MAPPED], tally->nr[LAB_POSTED], atomic_read(&owner->peak));
	for (fail = 0; fail < LAB_NR_FAILS; fail++)
		seq_printf(m, " fail_%s=%d", lab_fail_name(fail),
			   atomic_read(&owner->fails[fail]));
	if (owner->front.rx.limit)
		seq_printf(m, " queue=%u/%u taken_back=%u let_go=%u",
			   READ_ONCE(owner->front.rx.head) - READ_ONCE(owner->front.rx.tail),
			   owner->front.rx.limit, READ_ONCE(owner->front.rx.taken_back),
			   READ_ONCE(owner->front.rx.let_go));
	seq_printf(m, "%s\n",
		   owner->phase == LAB_PHASE_GONE ? " destroyed" : "");
}

static int owners_show(struct seq_file *m, void *unused)
{
	struct tally *tally = vcalloc(lab_owners.nr, sizeof(*tally));
	unsigned int id;

	if (!tally)
		return -ENOMEM;
	tally_tags(tally);
	lab_owners_lock();
	for (id = 0; id < lab_owners.nr; id++)
		if (lab_owners.slots[id].phase != LAB_PHASE_FREE)
			show_owner(m, &lab_owners.slots[id], &tally[id]);
	lab_owners_unlock();
	vfree(tally);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(owners);

/* sites: where each owner's pages are from, a line for each state and call site. */
static int sites_show(struct seq_file *m, void *unused)
{
	unsigned int id;

	lab_owners_lock();
	for (id = 0; id < lab_owners.nr; id++)
		if (lab_owners.slots[id].phase != LAB_PHASE_FREE)
			lab_census_show(m, &lab_owners.slots[id]);
	lab_owners_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sites);

/* pages: a line for each tag; the position is the slot's number. */

/*
 * A line is put together by hand: the core's formatting took most of 4,100 instructions a line. No
 * line is longer than PAGES_LINE.
 */
#define PAGES_LINE	(64 + LABYRINTH_NAME_LEN + sizeof(struct lab_site_name))

/* Several hundred lines for each look at the name of a call site, see pages_start(). */
#define PAGES_BUFFER	SZ_64K

static char *put_text(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_hex(char *to, unsigned long number)
{
	int shift = number ? round_down(__fls(number), 4) : 0;

	for (; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[number >> shift & 0xf];
	return to;
}

/* Decimal, with at least @least digits. */
static char *put_number(char *to, unsigned int number, unsigned int least)
{
	char digits[10];
	unsigned int nr = 0;

	while (number || nr < least) {
		digits[nr++] = '0' + number % 10;
		number /= 10;
	}
	while (nr)
		*to++ = digits[--nr];
	return to;
}

/* The names of call sites in the lines before: most pages are from a few. */
#define PAGES_MEMO_BITS	4

struct pages_memo {
	struct {
		unsigned long site;
		struct lab_site_name name;
	} of[1U << PAGES_MEMO_BITS];
};

/* Where the name of @site is, or is to be: with too many sites, in place of another's. */
static unsigned int memo_find(const struct pages_memo *memo, unsigned long site)
{
	unsigned int first = hash_long(site, PAGES_MEMO_BITS), i, at;

	for (i = 0; i < ARRAY_SIZE(memo->of); i++) {
		at = (first + i) % ARRAY_SIZE(memo->of);
		if (memo->of[at].site == site || !memo->of[at].site)
			return at;
	}
	return first;
}

static const char *memo_name(struct pages_memo *memo, unsigned long site)
{
	unsigned int at = memo_find(memo, site);

	if (memo->of[at].site != site) {
		memo->of[at].site = site;
		memo->of[at].name = lab_site_name(site);
	}
	return memo->of[at].name.text;
}

/* The slot of the first tag at *@pos or behind; *@pos moves on, also where no tag is left. */
static void *pages_seek(loff_t *pos)
{
	u64 index = *pos;
	bool found = lab_table_next(&labyrinth_hot.table, &index);

	*pos = index;
	return found ? &labyrinth_hot.table.slots[index] : NULL;
}

static void *pages_start(struct seq_file *m, loff_t *pos)
{
	struct pages_memo *memo = m->private;
	unsigned int i;

	/* Since the last read, other code may have come to the same address. */
	for (i = 0; i < ARRAY_SIZE(memo->of); i++)
		memo->of[i].site = 0;
	return pages_seek(pos);
}

static void *pages_next(struct seq_file *m, void *v, loff_t *pos)
{
	(*pos)++;
	return pages_seek(pos);
}

static void pages_stop(struct seq_file *m, void *v)
{
}

/* "frame owner name state", and of a page that is handed out "age site". */
static char *put_line(char *to, const struct lab_glance *glance, struct pages_memo *memo)
{
	unsigned int owner = lab_tag_owner(glance->tag), age;

	to = put_hex(put_text(to, "0x"), lab_tag_pfn(glance->tag));
	*to++ = ' ';
	to = put_number(to, owner, 1);
	*to++ = ' ';
	to = put_text(to, lab_owner_by_id(owner)->name);
	*to++ = ' ';
	to = put_text(to, lab_state_name(lab_tag_state(glance->tag)));
	if (glance->site) {
		age = lab_when_age_ms(glance->when);
		*to++ = ' ';
		to = put_number(to, age / MSEC_PER_SEC, 1);
		*to++ = '.';
		to = put_number(to, age % MSEC_PER_SEC, 3);
		*to++ = ' ';
		to = put_text(to, memo_name(memo, glance->site));
	}
	*to++ = '\n';
	return to;
}

static int pages_show(struct seq_file *m, void *v)
{
	struct lab_glance glance = lab_slot_glance(v);
	char *line;
	size_t room = seq_get_buf(m, &line);

	/* The page has left since pages_seek(). */
	if (!glance.tag)
		return SEQ_SKIP;
	/* -1: the line begins the next buffer. */
	seq_commit(m, room < PAGES_LINE ? -1 : put_line(line, &glance, m->private) - line);
	return 0;
}

static const struct seq_operations pages_sops = {
	.start = pages_start,
	.next = pages_next,
	.stop = pages_stop,
	.show = pages_show,
};

/* seq_release() frees the buffer. Without memory, seq_read() takes a smaller one. */
static int pages_open(struct inode *inode, struct file *file)
{
	int err = seq_open_private(file, &pages_sops, sizeof(struct pages_memo));
	struct seq_file *m = file->private_data;

	if (err)
		return err;
	m->buf = kvmalloc(PAGES_BUFFER, GFP_KERNEL | __GFP_NOWARN);
	if (m->buf)
		m->size = PAGES_BUFFER;
	return 0;
}

static const struct file_operations pages_fops = {
	.owner = THIS_MODULE,
	.open = pages_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

static int table_show(struct seq_file *m, void *unused)
{
	struct lab_table_stats stats;
	u64 bytes = lab_table_span(&labyrinth_hot.table) * sizeof(struct lab_slot);

	lab_table_stats(&labyrinth_hot.table, &stats);
	seq_printf(m, "capacity: %llu\n", labyrinth_hot.table.capacity);
	seq_printf(m, "slots: %llu\n", labyrinth_hot.table.nr_slots);
	seq_printf(m, "bytes: %llu\n", bytes);
	seq_printf(m, "used: %lu\n", stats.used);
	seq_printf(m, "load: %llu %%\n",
		   div64_u64(stats.used * 100ULL, labyrinth_hot.table.capacity));
	seq_printf(m, "preferred slot: %lu\n", stats.preferred);
	seq_printf(m, "second bucket: %lu\n", stats.second_bucket);
	seq_printf(m, "stash: %u of %llu\n", stats.stash_used,
		   lab_table_stashes(&labyrinth_hot.table) * LAB_STASH_TAGS);
	seq_printf(m, "longest probe: %u\n", stats.longest_probe);
	seq_printf(m, "limbo: %ld\n", lab_limbo_count());
	seq_printf(m, "walks: %lu\n", stats.walks);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(table);

static int refusals_show(struct seq_file *m, void *unused)
{
	int class;

	for (class = 0; class < LAB_NR_CLASSES; class++)
		seq_printf(m, "%s: %lu\n", lab_class_name(class),
			   lab_report_count(class));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(refusals);

static int reports_open(struct inode *inode, struct file *file)
{
	return lab_kept_open(file);
}

static const struct file_operations reports_fops = {
	.owner = THIS_MODULE,
	.open = reports_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release,
};

/* The table of transitions that this module runs by. */
static int transitions_show(struct seq_file *m, void *unused)
{
	int op, state;

	seq_printf(m, "%-12s", "operation");
	for (state = 0; state < LAB_NR_STATES; state++)
		seq_printf(m, " %8s", lab_state_name(state));
	seq_putc(m, '\n');
	for (op = 0; op < LAB_NR_OPS; op++) {
		seq_printf(m, "%-12s", lab_op_name(op));
		for (state = 0; state < LAB_NR_STATES; state++) {
			int next = lab_transition(op, state);

			if (next < 0)
				seq_printf(m, " %8pe", ERR_PTR(next));
			else
				seq_printf(m, " %8s", lab_state_name(next));
		}
		seq_putc(m, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(transitions);

/* Context: Task. No failure is told: no other part needs debugfs. */
int lab_debugfs_init(void)
{
	root = debugfs_create_dir("labyrinth", NULL);
	debugfs_create_file("owners", 0400, root, NULL, &owners_fops);
	debugfs_create_file("pages", 0400, root, NULL, &pages_fops);
	debugfs_create_file("sites", 0400, root, NULL, &sites_fops);
	debugfs_create_file("table", 0400, root, NULL, &table_fops);
	debugfs_create_file("refusals", 0400, root, NULL, &refusals_fops);
	debugfs_create_file("reports", 0400, root, NULL, &reports_fops);
	debugfs_create_file("transitions", 0400, root, NULL,
			    &transitions_fops);
	lab_guard_debugfs(root);
	lab_fault_debugfs(root);
	return 0;
}

void lab_debugfs_exit(void)
{
	debugfs_remove(root);
}
