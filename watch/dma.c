// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wrappers of dma_map_page() and dma_unmap_page(): a mapping by a watched module gets a
 * record, and each unmapping is compared with the record. Nothing is refused here. No state.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>

#include "watch/dma.h"
#include "watch/free.h"
#include "watch/modules.h"
#include "watch/note.h"
#include "watch/record.h"
#include "watch/say.h"
#include "watch/wrap.h"

/* The page that must not be freed before the mapping ends. */
static struct page *first_page(struct page *page, size_t offset)
{
	return PageCompound(page) ? compound_head(page) : page + (offset >> PAGE_SHIFT);
}

WATCH_CORE(dma_map, dma_map_page_attrs);

dma_addr_t watch_dma_map(struct device *dev, struct page *page, size_t offset, size_t size,
			 enum dma_data_direction dir, unsigned long attrs)
{
	unsigned long ip = WATCH_CALLER;
	unsigned int module;
	dma_addr_t dma;

	watch_enter();
	dma = watch_core_dma_map(dev, page, offset, size, dir, attrs);
	/* Not before: with PREEMPT_RT the call may have slept. See watch_hooks_settle(). */
	module = watch_module_at(ip);
	if (likely(module && dma != DMA_MAPPING_ERROR))
		watch_dma_begin(dma, dev, first_page(page, offset), size, dir, watch_site(ip),
				module);
	watch_leave();
	return dma;
}

static void say(const char *class, const struct watch_mapping *record, unsigned long ip)
{
	watch_say(&(struct watch_finding) {
		.class = class, .function = "dma_unmap_page", .page = pfn_to_page(record->pfn),
		.ip = ip, .module = record->module, .mapped_at = record->site,
		.mapped_size = record->size,
	});
}

/*
 * Whether all mappings of the page have been seen: the module has allocated the page while the
 * module was watched. A page of other code may have been mapped before the watch began, at the
 * same address.
 */
static bool is_known_page(const struct watch_mapping *record)
{
	const struct watch_note *note = watch_note_of(pfn_to_page(record->pfn));

	return note && READ_ONCE(note->module) == record->module &&
	       READ_ONCE(note->state) != WATCH_NONE;
}

/*
 * A mapping by other code, at the same address, has no record: if other code has ended the module's
 * record, the module's mapping may be there still.
 */
static bool is_twice(const struct watch_mapping *record, unsigned long ip)
{
	return watch_module_at(ip) == record->module &&
	       watch_module_at(watch_site_ip(record->back)) == record->module;
}

static void compare(const struct watch_mapping *record, u32 size, u8 dir, unsigned long ip)
{
	bool live = watch_is_live(record->turn);

	if (!live && is_twice(record, ip))
		say("unmap-twice", record, ip);
	else if (live && record->size != size)
		say("unmap-other-size", record, ip);
	else if (live && record->dir != dir)
		say("unmap-other-direction", record, ip);
}

/*
 * An unmapping without a live record of just that. A mapping that is older than the watch has no
 * record, and an unmapping of it is right.
 */
static noinline struct watch_note *note_odd_unmapping(const struct device *dev, dma_addr_t dma,
						      u32 size, u8 dir, unsigned long ip)
{
	struct watch_mapping record, asked = {
		.dev = dev, .dma = dma, .size = size, .dir = dir, .back = watch_site(ip),
	};

	if (!watch_dma_take(&asked, &record))
		return NULL;
	if (watch_dma_is_sure(dma) && is_known_page(&record))
		compare(&record, size, dir, ip);
	return watch_is_live(record.turn) ? watch_note_of(pfn_to_page(record.pfn)) : NULL;
}

/*
 * To be called before the mapping ends: after that, another mapping may begin at the address.
 * Return: the page's note, or NULL.
 */
static __always_inline struct watch_note *
note_unmapping(const struct device *dev, dma_addr_t dma, u32 size, u8 dir, unsigned long ip)
{
	struct watch_mapping *record;
	u32 turn;

	record = watch_dma_find(dma, dev, size, dir, &turn);
	if (likely(record && watch_dma_claim(record, turn)))
		return watch_dma_end(record, turn, watch_site(ip));
	return note_odd_unmapping(dev, dma, size, dir, ip);
}

/*
 * Where dma_unmap_page_attrs() ends with a jump into dma_unmap_phys(), only the latter is hooked:
 * an unmapping that comes to both hooks would end a second record of the same address, of a
 * mapping that is still there. The jump keeps the caller.
 */
WATCH_CORE(dma_unmap, LAB_CORE_DMA_UNMAP);

void watch_dma_unmap(struct device *dev, dma_addr_t dma, size_t size,
		     enum dma_data_direction dir, unsigned long attrs)
{
	struct watch_note *note;

	watch_enter();
	note = note_unmapping(dev, dma, size, dir, WATCH_CALLER);
	watch_core_dma_unmap(dev, dma, size, dir, attrs);
	watch_free_unmapped(note);
	watch_leave();
}
