// SPDX-License-Identifier: GPL-2.0-only
/*
 * All memory that the kernel may keep pointers in, word by word. First by the kernel's own
 * page table, which gives the addresses of modules' data, of the kernel's data and of
 * vmalloc()'s; then the rest of the direct map: slabs and pages. Left out are pages of files
 * and processes, free pages, page tables, and all addresses that are not memory: to read a
 * device's register may change the device.
 */
#include <linux/bitmap.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/percpu.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "watch/frame.h"
#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/place.h"
#include "watch/search.h"
#include "watch/searchers.h"
#include "watch/walk.h"

#define WORDS	(PAGE_SIZE / sizeof(long))

/* For each CPU, the first per-CPU area lies within an aligned span of this size. */
#define PERCPU_SPAN	PMD_SIZE

struct memory_walk {
	struct watch_walk walk;
	unsigned long *seen;	/* frames that were looked at by another address */
	unsigned long *words;	/* a copy of the page that is looked at */
};

/* One page. */

/* With all references explained, a further pointer is but a trace of a former holder. */
static void tell_word(struct watch_search *search, const unsigned long *word, unsigned long pfn)
{
	char text[WATCH_PLACE_TEXT];
	enum watch_claim claim;

	if (watch_explained(search, pfn))
		return;
	claim = watch_place_describe(search, word, text);
	watch_hold(search, pfn, claim, word, "a pointer in %s", text);
}

/* A pointer to an skb in no queue: the first target stands for all targets of the skb. */
static void tell_stray(struct watch_search *search, const unsigned long *word)
{
	char text[WATCH_PLACE_TEXT];
	enum watch_claim claim = watch_place_describe(search, word, text);

	watch_hold(search, search->targets[0].pfn, claim, word,
		   "a pointer to an skb that is in no queue, in %s", text);
}

static void look_at_word(struct watch_search *search, const unsigned long *at, unsigned long word)
{
	unsigned long pfn;

	if ((long)word >= 0)
		return;
	pfn = watch_word_pfn(word);
	if (watch_wanted(search, pfn) && !watch_accounted(search, at))
		tell_word(search, at, pfn);
	else if (pfn && !xa_empty(&search->strays) &&
		 xa_load(&search->strays, watch_index((void *)word)) && !(word % sizeof(long)))
		tell_stray(search, at);
}

static void look_at_page(struct memory_walk *memory, const unsigned long *page)
{
	struct watch_search *search = memory->walk.search;
	unsigned int i;

	if (!watch_peek(memory->words, page, PAGE_SIZE))
		return;
	for (i = 0; i < WORDS; i++)
		look_at_word(search, page + i, memory->words[i]);
}

/* What the frame is. */

/* Neither a device's memory, nor memory that nobody may touch. */
static bool is_memory(struct page *page)
{
	return page && !WATCH_IS(PageHWPoison, page) && !WATCH_IS(PageOffline, page) &&
	       !WATCH_IS(is_zone_device_page, page);
}

static bool is_reserved(struct page *page)
{
	return is_memory(page) && WATCH_IS(PageReserved, page);
}

static bool may_have_pointers(struct page *page)
{
	struct page *head = is_memory(page) ? watch_head(page) : NULL;

	return head && !WATCH_IS(PageReserved, page) && !WATCH_IS(PageLRU, head) &&
	       !WATCH_IS(PageBuddy, page) && !WATCH_IS(PageTable, page) &&
	       (WATCH_IS(PageSlab, head) || page_ref_count(head));
}

/* By the kernel's page table. */

static void look_at_mapped(struct watch_walk *walk, unsigned long addr, unsigned long pfn,
			   unsigned long nr, pteval_t flags)
{
	struct memory_walk *memory = container_of(walk, struct memory_walk, walk);
	unsigned long i;

	if (!(flags & _PAGE_RW))
		return;
	for (i = 0; i < nr && pfn + i < walk->search->nr_frames; i++) {
		/* Before the read: ->seen has the targets and memory->words from the start. */
		if (!is_memory(pfn_to_online_page(pfn + i)) || test_bit(pfn + i, memory->seen))
			continue;
		set_bit(pfn + i, memory->seen);
		look_at_page(memory, (void *)(addr + i * PAGE_SIZE));
		if (watch_pause(walk->search))
			return;
	}
}

/*
 * A kernel thread runs with the mm of a process that ran before. While the search sleeps, that
 * process may end, and the page table with it. With interrupts off, the mm stays until the mm has
 * the reference.
 */
static struct mm_struct *grab_active_mm(void)
{
	struct mm_struct *mm;
	unsigned long flags;

	local_irq_save(flags);
	mm = current->active_mm;
	mmgrab(mm);
	local_irq_restore(flags);
	return mm;
}

static void look_by_page_table(struct memory_walk *memory)
{
	struct mm_struct *mm = grab_active_mm();

	watch_walk(&memory->walk, mm->pgd, VMALLOC_START, VMALLOC_END);
	watch_walk(&memory->walk, mm->pgd, __START_KERNEL_map, MODULES_END);
	mmdrop(mm);
}

/* By the direct map. */

static void look_at_frames(struct memory_walk *memory, unsigned long pfn, unsigned long end,
			   bool reserved)
{
	struct page *page;

	end = min(end, memory->walk.search->nr_frames);
	for (; pfn < end; pfn++) {
		if (!(pfn % 16) && watch_pause(memory->walk.search))
			return;
		page = pfn_to_online_page(pfn);
		if (!page || test_bit(pfn, memory->seen))
			continue;
		if (reserved ? is_reserved(page) : may_have_pointers(page))
			look_at_page(memory, pfn_to_kaddr(pfn));
	}
}

/* The kernel's own per-CPU data is reserved memory, as is much that has no pointers. */
static void look_at_percpu(struct memory_walk *memory)
{
	unsigned long base;
	int cpu;

	for_each_possible_cpu(cpu) {
		base = ALIGN_DOWN((unsigned long)&cpu_data(cpu), PERCPU_SPAN);
		if (watch_is_direct(base))
			look_at_frames(memory, watch_direct_pfn(base),
				       watch_direct_pfn(base + PERCPU_SPAN), true);
	}
}

static void leave_out(struct memory_walk *memory, const void *page)
{
	unsigned long pfn = watch_direct_pfn((unsigned long)page);

	if (pfn < memory->walk.search->nr_frames)
		set_bit(pfn, memory->seen);
}

void watch_find_in_memory(struct watch_search *search)
{
	struct memory_walk *memory = kzalloc(sizeof(*memory), GFP_KERNEL);

	if (!memory)
		return;
	memory->walk = (struct watch_walk){ .search = search, .leaf = look_at_mapped };
	memory->words = (void *)__get_free_page(GFP_KERNEL);
	/* The targets are not searched for pointers. */
	memory->seen = vzalloc(BITS_TO_LONGS(search->nr_frames) * sizeof(long));
	if (memory->words && memory->seen) {
		bitmap_copy(memory->seen, search->frames, search->nr_frames);
		leave_out(memory, memory->words);
		look_by_page_table(memory);
		look_at_percpu(memory);
		look_at_frames(memory, 1, search->nr_frames, false);
	}
	vfree(memory->seen);
	free_page((unsigned long)memory->words);
	kfree(memory);
}
