// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to sealed pages by the direct map, diverted and reported. The state owned here is
 * the decoys, and the records of accesses that are not reported yet.
 *
 * The fault calls lab_stray_divert() in the context of the access: in an interrupt, an NMI,
 * with any lock held, inside printk(). lab_stray_divert() leads a reader to the page of zeroes,
 * and a writer to a decoy, fills a record, and the access is made again. The worker of
 * page/seal.c reports, and seals the page again. Until then a second access of the same kind
 * goes unnoticed, so a storm of accesses costs a bounded rate of faults and reports.
 *
 * A decoy stands in for a single page at a time. When more pages are strayed to than there are
 * decoys, the rest share another decoy, SHARED_DECOY. The bytes found there are not reported,
 * as the page is not known. Decoys are pages of this file, never of an owner or the system.
 *
 * The fault takes no lock. A fault claims a record by a compare-and-exchange of the record's
 * state, and a decoy by setting the decoy's bit. The worker, or the end of a sealed owner, frees
 * both under seal_lock of page/seal.c.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <asm/trap_pf.h>

#include "core/table.h"
#include "page/seal.h"
#include "page/stray.h"
#include "page/width.h"
#include "report/report.h"
#include "report/text.h"
#include "report/words.h"

#define NR_DECOYS	16U
#define SHARED_DECOY	NR_DECOYS
#define NO_DECOY	UINT_MAX
#define NR_RECORDS	64U

/* Entries of a stack to search for the access: the functions of the fault come first. */
#define STACK_DEPTH	32U

enum record_state {
	RECORD_FREE,
	RECORD_CLAIMED,		/* the fault's */
	RECORD_READY,		/* the worker's */
};

struct record {
	int state;
	unsigned int decoy;
	unsigned long pfn;
	lab_tag_t tag;
	struct lab_page_note note;
	unsigned long ip;
	struct lab_access access;
};

static struct page *decoys[NR_DECOYS + 1];
static DECLARE_BITMAP(taken, NR_DECOYS);
/* The page for which each decoy was taken last. */
static unsigned long decoy_pfns[NR_DECOYS];
/* Under seal_lock: decoys to which no entry leads any more, but perhaps a translation. */
static DECLARE_BITMAP(collected, NR_DECOYS);

static struct record records[NR_RECORDS];

static atomic_long_t nr_reads, nr_writes, nr_unrecorded;

void lab_stray_exit(void)
{
	unsigned int i;

	for (i = 0; i <= NR_DECOYS; i++) {
		if (decoys[i])
			__free_page(decoys[i]);
		decoys[i] = NULL;
	}
}

/* Context: Task; may sleep. Return: 0, -ENOMEM. */
int lab_stray_init(void)
{
	unsigned int i;

	for (i = 0; i <= NR_DECOYS; i++) {
		if (!decoys[i])
			decoys[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!decoys[i]) {
			lab_stray_exit();
			return lab_region_lacks("memory for decoys", -ENOMEM);
		}
	}
	return 0;
}

static unsigned int take_decoy(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < NR_DECOYS; i++) {
		if (test_and_set_bit(i, taken))
			continue;
		WRITE_ONCE(decoy_pfns[i], pfn);
		return i;
	}
	return SHARED_DECOY;
}

static void drop_decoy(unsigned int decoy)
{
	if (decoy < NR_DECOYS)
		clear_bit(decoy, taken);
}

static struct record *claim_record(void)
{
	unsigned int i;

	for (i = 0; i < NR_RECORDS; i++)
		if (READ_ONCE(records[i].state) == RECORD_FREE &&
		    cmpxchg(&records[i].state, RECORD_FREE, RECORD_CLAIMED) == RECORD_FREE)
			return &records[i];
	return NULL;
}

/* Notes the page, without the page's mappings: reading the list of mappings needs a lock. */
static void note_page(struct record *record)
{
	struct lab_slot *slot = lab_table_search(&labyrinth_hot.table, record->pfn,
						 &record->tag);
	struct lab_glance glance;

	record->note = (struct lab_page_note) {};
	if (!slot) {
		record->tag = 0;
		return;
	}
	glance = lab_slot_glance(slot);
	record->note.refs = lab_frame_refs(lab_frame_of_pfn(record->pfn));
	if (glance.tag != record->tag)
		return;
	record->note.site = glance.site;
	record->note.age_ms = lab_when_age_ms(glance.when);
	/* Of a page in quarantine: who freed the page. */
	record->note.last = lab_note_last(slot, &glance);
}

/* Notes the stack, from the instruction that made the access on. */
static void note_stack(struct lab_access *access, unsigned long ip)
{
	unsigned long entries[STACK_DEPTH];
	unsigned int nr = stack_trace_save(entries, STACK_DEPTH, 0);
	unsigned int i;

	for (i = 0; i < nr && entries[i] != ip; i++)
		;
	access->nr = min_t(unsigned int, nr - i, ARRAY_SIZE(access->entries));
	memcpy(access->entries, entries + i, access->nr * sizeof(*entries));
}

static void note_access(struct lab_access *access, unsigned long addr, bool write,
			unsigned long ip)
{
	access->offset = offset_in_page(addr);
	access->width = lab_width_at(ip);
	access->write = write;
	access->context = lab_context_name(lab_context_now());
	access->cpu = raw_smp_processor_id();
	access->pid = task_pid_nr(current);
	memcpy(access->comm, current->comm, sizeof(access->comm));
	access->comm[sizeof(access->comm) - 1] = 0;
	note_stack(access, ip);
}

static void record(unsigned long pfn, unsigned long addr, unsigned int decoy,
		   const struct pt_regs *regs)
{
	struct record *record = claim_record();

	/* Once more, after the entry: freshen() may have cleared the bit before. */
	set_bit(lab_region_index(pfn), lab_region_of(pfn)->stale);
	atomic_long_inc(decoy == NO_DECOY ? &nr_reads : &nr_writes);
	if (!record) {
		atomic_long_inc(&nr_unrecorded);
		return;
	}
	record->pfn = pfn;
	record->decoy = decoy;
	record->ip = regs->ip;
	note_page(record);
	note_access(&record->access, addr, decoy != NO_DECOY, regs->ip);
	/* Pairs with the acquire in report_one(). */
	smp_store_release(&record->state, RECORD_READY);
}

static unsigned long entry_to(struct page *page, pgprot_t prot)
{
	return pte_val(mk_pte(page, prot));
}

static bool is_zeroes(unsigned long entry)
{
	return lab_entry_is(entry, entry_to(ZERO_PAGE(0), PAGE_KERNEL_RO));
}

/*
 * Whether @entry permits the access, because another CPU changed the entry since the fault.
 * X86_PF_PROT: the entry was present but forbade the access. The entry of a diverted page
 * forbids writes alone.
 */
static bool is_allowed(unsigned long entry, unsigned long error)
{
	if (!(entry & _PAGE_PRESENT))
		return false;
	return error & X86_PF_WRITE ? entry & _PAGE_RW : !(error & X86_PF_PROT);
}

/* Makes the page's entry lead to the page of zeroes, for an access that reads. */
static bool divert_read(pte_t *entry, unsigned long pfn, unsigned long error,
			unsigned long addr, const struct pt_regs *regs)
{
	unsigned long was = cmpxchg(&entry->pte, 0, entry_to(ZERO_PAGE(0), PAGE_KERNEL_RO));

	if (was)
		return is_allowed(was, error);
	record(pfn, addr, NO_DECOY, regs);
	return true;
}

/*
 * Makes the page's entry lead to a decoy, for an access that writes. If the compare-and-exchange
 * fails, another CPU changed the entry, or a processor set the accessed flag. The access is made
 * again, and faults again if the entry still forbids.
 */
static bool divert_write(pte_t *entry, unsigned long pfn, unsigned long error,
			 unsigned long addr, const struct pt_regs *regs)
{
	unsigned long was = READ_ONCE(entry->pte);
	unsigned int decoy;

	if (was && !is_zeroes(was))
		return is_allowed(was, error);
	decoy = take_decoy(pfn);
	if (cmpxchg(&entry->pte, was, entry_to(decoys[decoy], PAGE_KERNEL)) != was) {
		drop_decoy(decoy);
		return true;
	}
	record(pfn, addr, decoy, regs);
	return true;
}

/* The page, in *@pfn, and the region of @addr; NULL if no page of the region was ever sealed. */
static struct lab_region *find(unsigned long addr, unsigned long *pfn)
{
	if (!lab_address_pfn((void *)(addr & PAGE_MASK), pfn))
		return NULL;
	return lab_region_of(*pfn);
}

/*
 * Diverts a fault of the kernel that the kernel cannot explain: at address @addr, with the
 * processor's error code @error, of the instruction in @regs.
 * Context: Any. Return: true if the access is to be made again, and will not fault for ever;
 * then the caller calls for the worker, by lab_seal_kick().
 */
bool lab_stray_divert(unsigned long error, unsigned long addr, const struct pt_regs *regs)
{
	struct lab_region *region;
	unsigned long pfn;
	pte_t *entry;

	if (error & ~(unsigned long)(X86_PF_PROT | X86_PF_WRITE))
		return false;
	region = find(addr, &pfn);
	entry = region ? lab_region_entry(pfn) : NULL;
	if (!entry)
		return false;
	if (!READ_ONCE(region->home[lab_region_index(pfn)]))
		return is_allowed(READ_ONCE(entry->pte), error);
	/* Before the entry: see freshen() and lab_seal_open(). */
	set_bit(lab_region_index(pfn), region->stale);
	if (error & X86_PF_WRITE)
		return divert_write(entry, pfn, error, addr, regs);
	return divert_read(entry, pfn, error, addr, regs);
}

/* Notes the decoy, if any, in @entry, a value just taken out of the direct map. Under seal_lock. */
void lab_stray_collect(unsigned long entry)
{
	unsigned int i;

	for (i = 0; i < NR_DECOYS && entry; i++)
		if (pte_pfn(__pte(entry)) == page_to_pfn(decoys[i]))
			__set_bit(i, collected);
}

/*
 * Finds the bytes written to @decoy, which held zeroes. Return: false if no byte was, or the
 * decoy no longer stands in for page @pfn.
 */
static bool find_written(unsigned int decoy, unsigned long pfn, struct lab_stray *stray)
{
	const u8 *bytes, *first;
	unsigned int end = PAGE_SIZE;

	if (decoy >= NR_DECOYS || READ_ONCE(decoy_pfns[decoy]) != pfn)
		return false;
	bytes = page_address(decoys[decoy]);
	first = memchr_inv(bytes, 0, PAGE_SIZE);
	if (!first)
		return false;
	stray->offset = first - bytes;
	while (!bytes[end - 1] && end > stray->offset + 1)
		end--;
	stray->length = end - stray->offset;
	memcpy(stray->bytes, first, min_t(size_t, stray->length, sizeof(stray->bytes)));
	return true;
}

static void report_one(struct record *record)
{
	struct lab_stray stray;
	struct lab_refusal refusal = {
		.class = LAB_FOREIGN,
		.op = record->access.write ? LAB_OP_WRITE : LAB_OP_READ,
		.addr = lab_pfn_address(record->pfn),
		.tag = record->tag,
		.note = record->note,
		.access = &record->access,
		.ip = record->ip,
	};

	if (find_written(record->decoy, record->pfn, &stray))
		refusal.stray = &stray;
	lab_report(&refusal);
}

/* Frees the collected decoys. All CPUs were flushed since: no CPU writes to a collected decoy. */
static void renew_decoys(void)
{
	unsigned int i;

	for_each_set_bit(i, collected, NR_DECOYS) {
		clear_page(page_address(decoys[i]));
		WRITE_ONCE(decoy_pfns[i], 0);
		__clear_bit(i, collected);
		/* Pairs with take_decoy() in a fault: a CPU that takes the decoy sees zeroes. */
		smp_mb__before_atomic();
		clear_bit(i, taken);
	}
}

/*
 * Reports the records that are ready, then frees the collected decoys. Under seal_lock, and all
 * CPUs were flushed since the last lab_stray_collect().
 * Context: Task.
 */
void lab_stray_report(void)
{
	unsigned int i;

	for (i = 0; i < NR_RECORDS; i++) {
		/* Pairs with the release in record(). */
		if (smp_load_acquire(&records[i].state) != RECORD_READY)
			continue;
		report_one(&records[i]);
		/* Pairs with the compare-and-exchange in claim_record(). */
		smp_store_release(&records[i].state, RECORD_FREE);
	}
	renew_decoys();
}

/* Context: Task. */
void lab_stray_show(struct seq_file *m)
{
	seq_printf(m, "diverted reads: %ld\n", atomic_long_read(&nr_reads));
	seq_printf(m, "diverted writes: %ld\n", atomic_long_read(&nr_writes));
	seq_printf(m, "not recorded: %ld\n", atomic_long_read(&nr_unrecorded));
	seq_printf(m, "decoys: %u of %u\n", bitmap_weight(taken, NR_DECOYS), NR_DECOYS);
}
