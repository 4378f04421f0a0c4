// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frees of watched modules, and the place to which every freed page comes, whatever code frees
 * the page. The state owned here is the worker that frees kept pages.
 *
 * A free is refused on proof alone. The caller proves nothing: a core function may end with a
 * jump into a free, and the free then returns to the module that called the core function. The
 * first proof is a page without a reference, which is free already. A caller with a right to
 * free has a reference, so the count cannot be 0, and no other code can freeze a count that has
 * a reference too many.
 *
 * The second proof is a record of a mapping for DMA: a device may still write to the page. The
 * reference that the caller gives up is kept until the last mapping ends.
 */
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/workqueue.h>

#include "watch/dma.h"
#include "watch/free.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/recycle.h"
#include "watch/say.h"
#include "watch/wrap.h"

#include LAB_FOLIO_BATCH_H

/* Not inline: its record on the stack would have every free check the stack. */
static noinline void say_refused(const char *class, const char *function, struct page *page,
				 unsigned long ip, unsigned int module)
{
	watch_say(&(struct watch_finding) {
		.class = class, .function = function, .page = page, .ip = ip, .module = module,
		.refused = true,
	});
}

static bool is_mapped(const struct watch_note *note)
{
	return READ_ONCE(note->maps) && READ_ONCE(watch_unmaps_seen) &&
	       READ_ONCE(note->state) == WATCH_HELD;
}

/*
 * Whether the block of @order is kept, with the reference that the caller gives up. From then on
 * the end of the last mapping frees the block, as the caller would have. The mapping may have ended
 * since is_mapped(): with the state written first, and @maps read after, either this function
 * finds no mapping, or watch_free_unmapped() finds the state. Pairs with watch_dma_end(), which
 * writes @maps first. Both write with a full barrier.
 */
static bool keep(struct watch_note *note, unsigned int order)
{
	WRITE_ONCE(note->order, order);
	if (cmpxchg(&note->state, WATCH_HELD, WATCH_KEPT) != WATCH_HELD)
		return false;
	return READ_ONCE(note->maps) || cmpxchg(&note->state, WATCH_KEPT, WATCH_HELD) != WATCH_KEPT;
}

static bool refuse_free(const char *function, struct page *page, unsigned int order,
			unsigned long ip)
{
	struct watch_note *note = watch_note_of(page);
	unsigned int module = watch_module_at(ip);

	if (!module)
		return false;
	if (!page_ref_count(page)) {
		say_refused("double-free", function, page, ip, module);
		return true;
	}
	if (!note)
		return false;
	WRITE_ONCE(note->back, watch_site(ip));
	if (page_ref_count(page) > 1 || !is_mapped(note) || !keep(note, order))
		return false;
	say_refused("mapped-free", function, page, ip, module);
	return true;
}

static void free_kept(struct page *page, struct watch_note *note)
{
	if (cmpxchg(&note->state, WATCH_LET_GO, WATCH_HELD) == WATCH_LET_GO)
		__free_pages(page, note->order);
}

/* Kept pages are rare, so all notes are looked at. Context: Task; may sleep. */
void watch_free_kept(void)
{
	unsigned long pfn;

	for (pfn = 0; pfn < watch_nr_notes; pfn++) {
		if (!(pfn % 4096))
			cond_resched();
		if (unlikely(READ_ONCE(watch_notes[pfn].state) == WATCH_LET_GO))
			free_kept(pfn_to_page(pfn), &watch_notes[pfn]);
	}
}

static void free_later(struct work_struct *work)
{
	mutex_lock(&watch_modules_lock);
	watch_free_kept();
	mutex_unlock(&watch_modules_lock);
}

static DECLARE_WORK(free_work, free_later);

static void queue_work_now(struct irq_work *work)
{
	schedule_work(&free_work);
}

static struct irq_work free_irq_work = IRQ_WORK_INIT_HARD(queue_work_now);

/* A mapping of a kept page has ended. Context: Any. */
void watch_free_let_go(struct watch_note *note)
{
	if (READ_ONCE(note->maps))
		return;
	if (cmpxchg(&note->state, WATCH_KEPT, WATCH_LET_GO) == WATCH_KEPT)
		irq_work_queue(&free_irq_work);
}

/* Context: Task; may sleep. No hook is armed any more. */
void watch_free_exit(void)
{
	irq_work_sync(&free_irq_work);
	flush_work(&free_work);
}

WATCH_CORE(free_page, __free_pages);

void watch_free_page(struct page *page, unsigned int order)
{
	watch_enter();
	if (!refuse_free("__free_pages", page, order, WATCH_CALLER))
		watch_core_free_page(page, order);
	watch_leave();
}

WATCH_CORE(free_address, free_pages);

void watch_free_address(unsigned long addr, unsigned int order)
{
	bool known = addr && virt_addr_valid((void *)addr);

	watch_enter();
	if (!known ||
	    !refuse_free("free_pages", virt_to_page((void *)addr), order, WATCH_CALLER))
		watch_core_free_address(addr, order);
	watch_leave();
}

/*
 * To refuse is to give the reference back that put_page() has taken, before the page is kept: from
 * then on the page may be freed. If the page is not kept after all, the reference is dropped anew;
 * other code that walks over pages may have taken a reference meanwhile, and frees the page then.
 */
static bool refuse_put(struct folio *folio, struct watch_note *note, unsigned long ip)
{
	unsigned int module = watch_module_at(ip);
	struct page *page = &folio->page;

	if (!module)
		return false;
	WRITE_ONCE(note->back, watch_site(ip));
	if (!is_mapped(note))
		return false;
	page_ref_inc(page);
	if (!keep(note, folio_order(folio)))
		return !page_ref_dec_and_test(page);
	say_refused("mapped-free", "put_page", page, ip, module);
	return true;
}

WATCH_CORE(folio_put, __folio_put);

/* put_page() is inline, and has taken the last reference already. */
void watch_folio_put(struct folio *folio)
{
	struct watch_note *note = watch_note_of(&folio->page);

	watch_enter();
	if (!note || !refuse_put(folio, note, WATCH_CALLER))
		watch_core_folio_put(folio);
	watch_leave();
}

static noinline void note_freed(struct watch_note *note)
{
	u8 state = READ_ONCE(note->state);

	if (likely(state == WATCH_HELD)) {
		WRITE_ONCE(note->when, (u32)jiffies);
		WRITE_ONCE(note->state, WATCH_FREED);
	} else if (watch_is_pool_state(state)) {
		watch_pool_page_freed(pfn_to_page(note - watch_notes), note);
	} else if (state != WATCH_FREED || READ_ONCE(note->when) != (u32)jiffies) {
		/*
		 * Somebody else has had the page since: one hooked function may have called
		 * another, but then the clock has not ticked.
		 */
		WRITE_ONCE(note->state, WATCH_NONE);
	}
}

/*
 * A page with a note is about to be freed: see watch/freers.c. Context: Any; nothing here sleeps.
 */
void watch_freed_page(struct page *page)
{
	note_freed(watch_note_of(page));
}

/* Pages of which each may have a note. Context: as above. */
void watch_freed_batch(struct folio_batch *batch)
{
	struct watch_note *note;
	unsigned int i;

	for (i = 0; i < folio_batch_count(batch); i++) {
		note = watch_note_of(&batch->folios[i]->page);
		/* A plain load of one byte, as in watch_page_is_freed(). */
		if (unlikely(note && data_race(note->state)))
			note_freed(note);
	}
}

/*
 * The probe of the tracepoint: every page of the machine that is freed comes here, so without a
 * note the page costs six instructions. @data: watch_notes_at. Context: Any.
 */
void watch_page_is_freed(void *data, struct page *page, unsigned int order)
{
	struct watch_note *note = data + (unsigned long)page / WATCH_PAGE_NOTES;

	/* One byte, a note's or none: a plain load, which is one instruction. */
	if (unlikely((unsigned long)page < watch_pages_end && data_race(note->state)))
		note_freed(note);
}
