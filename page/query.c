// SPDX-License-Identifier: GPL-2.0-only
/* Tells any caller all that is known of a page. No state is owned here, and none is changed. */
#include <linux/module.h>
#include <linux/string.h>

#include "core/owner.h"
#include "core/table.h"
#include "inline/address.h"
#include "page/call.h"
#include "page/seal.h"

/* Callers get a tag's state as a number, without translation. */
static_assert(LABYRINTH_PAGE_ABSENT == (int)LAB_ABSENT);
static_assert(LABYRINTH_PAGE_CACHED == (int)LAB_CACHED);
static_assert(LABYRINTH_PAGE_HELD == (int)LAB_HELD);
static_assert(LABYRINTH_PAGE_LENT == (int)LAB_LENT);
static_assert(LABYRINTH_PAGE_LIMBO == (int)LAB_LIMBO);
static_assert(LABYRINTH_PAGE_MAPPED == (int)LAB_MAPPED);
static_assert(LABYRINTH_PAGE_POSTED == (int)LAB_POSTED);
static_assert(LABYRINTH_PAGE_POSTED + 1 == (int)LAB_NR_STATES);

/**
 * labyrinth_page() - the struct page of an owner's page
 * @owner: the page's owner.
 * @addr: the page's address.
 *
 * Takes the place of virt_to_page(), which is wrong for a sealed page. Leave the struct page
 * unchanged. To map or to lend the page, use the calls for that.
 *
 * Context: Any. Never sleeps.
 * Return: the struct page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as labyrinth_free_page().
 */
struct page *labyrinth_page(struct labyrinth_owner *owner, const void *addr)
{
	struct lab_call call = {
		.op = LAB_OP_PAGE, .handle = owner, .addr = addr, .ip = _RET_IP_,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	err = lab_call_end(&call, err);
	return err ? ERR_PTR(err) : lab_frame_page(call.frame);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_page, LAB_NS);

static void copy_info(const struct lab_glance *glance, struct labyrinth_page_info *info)
{
	const struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(glance->tag));
	bool out = lab_tag_state(glance->tag) != LAB_CACHED;

	*info = (struct labyrinth_page_info) {
		.pfn = lab_tag_pfn(glance->tag),
		.state = (enum labyrinth_page_state)lab_tag_state(glance->tag),
		.owner_id = lab_tag_owner(glance->tag),
		.refs = lab_frame_refs(lab_frame_of_tag(glance->tag)),
		.age_ms = out ? lab_when_age_ms(glance->when) : 0,
		.site = glance->site,
		.sealed = lab_owner_is_sealed(owner) &&
			  lab_seal_is_closed(lab_tag_pfn(glance->tag)),
	};
	memcpy(info->owner, owner->name, LABYRINTH_NAME_LEN);
	memcpy(info->module, owner->module_name, LABYRINTH_NAME_LEN);
}

/**
 * labyrinth_query() - tell all that is known of a page
 * @addr: an address; any value at all.
 * @info: where the answer goes; untouched on failure.
 *
 * The answer is a consistent copy, which was true at some moment during the call. But beside
 * labyrinth_reclaim() of the page, LENT may come with the age of the hold that begins.
 *
 * Context: Any, also in NMI and in a panic. Never sleeps or waits, reports
 * nothing.
 * Return: 0; -ENOENT no Labyrinth page; -EINVAL @info is NULL, or @addr is NULL,
 * not page-aligned or not an address of the direct map.
 */
int labyrinth_query(const void *addr, struct labyrinth_page_info *info)
{
	struct labyrinth_page_info copy;
	struct lab_glance glance;
	struct lab_slot *slot;
	lab_tag_t tag;

	if (!info)
		return -EINVAL;
	/* The loop ends when no call changes the tag during the copy. */
	while ((slot = lab_call_search(addr, &tag))) {
		glance = lab_slot_glance(slot);
		if (glance.tag != tag)
			continue;
		copy_info(&glance, &copy);
		/* Pairs with the release by which the slot gets its next tag. */
		smp_rmb();
		if (likely(READ_ONCE(slot->tag) == tag)) {
			*info = copy;
			return 0;
		}
	}
	return lab_address_valid(addr) ? -ENOENT : -EINVAL;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_query, LAB_NS);
