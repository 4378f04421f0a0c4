// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stray writes noticed. A wild pointer reaches any page that is not sealed, and a device
 * that goes on writing reaches any page. But
 * no code has any business in a CACHED page. With poison=1 a page is filled with a pattern when
 * cached, and compared when handed out. A difference tells where the write went and the bytes
 * written, not the writer. A page that came zeroed from the page allocator is left so: the
 * pattern is 0.
 *
 * The state owned here is the parameter. While poison=1, no page takes the fast path. A page
 * cached before is not known to hold the pattern, and not compared.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poison.h>
#include <linux/string.h>

#include "core/note.h"
#include "core/owner.h"
#include "core/param.h"
#include "inline/address.h"
#include "page/poison.h"
#include "page/seal.h"
#include "report/report.h"

static struct lab_switch poison;
module_param_cb(poison, &lab_switch_ops, &poison, 0644);
MODULE_PARM_DESC(poison,
		 "Fill cached pages with a pattern, and report what was written to one when it is handed out (default 0)");

static void *address_of(const struct lab_slot *slot)
{
	lab_tag_t tag = READ_ONCE(slot->tag);

	return lab_page_address(lab_owner_by_id(lab_tag_owner(tag)), lab_tag_pfn(tag));
}

/*
 * The page in @slot is about to be cached, with any content.
 * Context: Any. The page is the caller's alone.
 */
void lab_poison_cached(struct lab_slot *slot)
{
	if (likely(!READ_ONCE(poison.on))) {
		lab_slot_note_content(slot, LAB_CONTENT_ANY);
		return;
	}
	memset(address_of(slot), PAGE_POISON, PAGE_SIZE);
	lab_slot_note_content(slot, LAB_CONTENT_POISON);
}

static void report_stray(const struct lab_owner *owner, struct lab_slot *slot,
			 const u8 *first, u8 pattern, unsigned long ip)
{
	const u8 *page = address_of(slot);
	struct lab_stray stray = { .offset = first - page };
	lab_tag_t tag = READ_ONCE(slot->tag);
	unsigned int last = PAGE_SIZE;

	while (page[last - 1] == pattern && last > stray.offset)
		last--;
	stray.length = last - stray.offset;
	memcpy(stray.bytes, first, min_t(size_t, stray.length, sizeof(stray.bytes)));
	lab_report(&(struct lab_refusal) {
		.class = LAB_STRAY_WRITE,
		.op = LAB_OP_ALLOC,
		.tag = tag,
		.note = lab_page_note(slot, tag),
		.stray = &stray,
		.caller = owner,
		.ip = ip,
	});
}

/* The right value of each byte of the page in @slot, or -1 if the content is not known. */
static int pattern_of(const struct lab_slot *slot)
{
	u64 content = READ_ONCE(slot->when);

	if (content == LAB_CONTENT_POISON)
		return PAGE_POISON;
	return content == LAB_CONTENT_ZEROES && READ_ONCE(poison.on) ? 0 : -1;
}

/*
 * The page in @slot has just been taken off a list, and is about to be handed out.
 * Context: Any. The page is the caller's alone.
 */
void lab_poison_check(const struct lab_owner *owner, struct lab_slot *slot,
		      unsigned long ip)
{
	int pattern = pattern_of(slot);
	const void *stray;

	if (likely(pattern < 0))
		return;
	stray = memchr_inv(address_of(slot), pattern, PAGE_SIZE);
	if (likely(!stray))
		return;
	report_stray(owner, slot, stray, pattern, ip);
	/* The page no longer holds zeroes alone. */
	lab_slot_note_content(slot, LAB_CONTENT_ANY);
}
