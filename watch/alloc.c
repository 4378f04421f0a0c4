// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocations of watched modules. Each function calls the core's, and notes the result. No
 * state is owned here. The caller's context is whatever the core's function allows.
 */
#include <linux/mm.h>

#include "watch/modules.h"
#include "watch/note.h"
#include "watch/wrap.h"

static __always_inline void note_got(struct page *page, unsigned int order, unsigned long ip)
{
	struct watch_note *note = watch_note_of(page);
	unsigned int module;

	if (unlikely(!note))
		return;
	module = watch_module_at(ip);
	if (unlikely(!module))
		return;
	WRITE_ONCE(note->site, watch_site(ip));
	WRITE_ONCE(note->back, 0);
	WRITE_ONCE(note->when, (u32)jiffies);
	WRITE_ONCE(note->module, module);
	WRITE_ONCE(note->order, order);
	WRITE_ONCE(note->state, WATCH_HELD);
	atomic_long_inc(&watch_modules[module].allocs);
}

WATCH_CORE(alloc_pages, lab_core_alloc_pages);

struct page *watch_alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	watch_enter();
	page = watch_core_alloc_pages(gfp, order);
	if (page)
		note_got(page, order, WATCH_CALLER);
	watch_leave();
	return page;
}

WATCH_CORE(alloc_node, LAB_CORE_ALLOC_NODE);

struct page *watch_alloc_node(LAB_ALLOC_NODE_PARAMS)
{
	struct page *page;

	watch_enter();
	page = watch_core_alloc_node(LAB_ALLOC_NODE_ARGS);
	if (page)
		note_got(page, order, WATCH_CALLER);
	watch_leave();
	return page;
}

WATCH_CORE(alloc_bulk, lab_core_alloc_bulk);

/* The array may hold pages before the call; those are not new. A list is not looked at. */
unsigned long watch_alloc_bulk(gfp_t gfp, int nid, nodemask_t *mask, int nr,
			       LAB_BULK_LIST_PARAM struct page **array)
{
	unsigned long ip = WATCH_CALLER, got, i;
	struct watch_note *note;

	watch_enter();
	got = watch_core_alloc_bulk(gfp, nid, mask, nr, LAB_BULK_LIST_ARG array);
	for (i = 0; array && i < got; i++) {
		note = watch_note_of(array[i]);
		if (note && READ_ONCE(note->state) != WATCH_HELD)
			note_got(array[i], 0, ip);
	}
	watch_leave();
	return got;
}

WATCH_CORE(get_pages, lab_core_get_free_pages);

unsigned long watch_get_pages(gfp_t gfp, unsigned int order)
{
	unsigned long addr;

	watch_enter();
	addr = watch_core_get_pages(gfp, order);
	if (addr)
		note_got(virt_to_page((void *)addr), order, WATCH_CALLER);
	watch_leave();
	return addr;
}

WATCH_CORE(get_zeroed, lab_core_get_zeroed_page);

unsigned long watch_get_zeroed(gfp_t gfp)
{
	unsigned long addr;

	watch_enter();
	addr = watch_core_get_zeroed(gfp);
	if (addr)
		note_got(virt_to_page((void *)addr), 0, WATCH_CALLER);
	watch_leave();
	return addr;
}
