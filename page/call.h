/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the calls of labyrinth_alloc.h that name a page have in common. See
 * page/call.c.
 */
#ifndef LABYRINTH_CALL_H
#define LABYRINTH_CALL_H

#include "core/owner.h"
#include "core/table.h"
#include "inline/address.h"
#include "report/report.h"

/**
 * struct lab_call - one call of the API on its way
 * @op: what is asked for.
 * @ip: where the call returns to.
 * @handle: the handle presented.
 * @owner: whose it is; NULL: no live owner's.
 * @addr: the address that names the page.
 * @slot: where that page's tag stands; NULL: it has none.
 * @tag: what it was when looked at, or 0.
 * @frame: the page's, if there is a tag.
 * @class: of the refusal, if it comes to one.
 * @note: for its report.
 * @asked: the mapping that the caller named, if the call has one to name.
 * @dev: the device that the caller named, if it is the wrong one.
 * @silent: -EBUSY is an answer, not a refusal.
 * @full: the table has no room.
 * @missing: references were missing, so many, and have been put back.
 * @damage: a word of struct page was wrong, and has been put right.
 */
struct lab_call {
	enum lab_op op;
	unsigned long ip;
	struct labyrinth_owner *handle;
	struct lab_owner *owner;
	const void *addr;
	struct lab_slot *slot;
	lab_tag_t tag;
	struct lab_frame *frame;
	enum lab_class class;
	struct lab_page_note note;
	const struct lab_map_note *asked;
	const struct device *dev;
	bool silent;
	bool full;
	int missing;
	struct lab_damage damage;
};

/**
 * struct lab_quick - a page of which all is as it mostly is
 * @slot: where its tag stands.
 * @tag: what it is.
 * @frame: the page's.
 */
struct lab_quick {
	struct lab_slot *slot;
	lab_tag_t tag;
	struct lab_frame *frame;
};

/*
 * Whether the page at @addr is in @state, @handle's, and its calls may go the short
 * way: nothing is to be reported or traced. If not, more must be asked.
 * Context: As lab_owner_get().
 */
static __always_inline bool lab_quick_find(const struct labyrinth_owner *handle,
					   const void *addr,
					   enum lab_state state,
					   struct lab_quick *quick)
{
	const struct lab_front *front = lab_front_of(handle);
	unsigned long pfn;

	if (!lab_is_plain(front, handle) || unlikely(!lab_address_pfn(addr, &pfn)))
		return false;
	quick->tag = lab_tag_step(front->key + pfn, state);
	quick->slot = lab_table_find(&labyrinth_hot.table, quick->tag);
	if (unlikely(!quick->slot))
		return false;
	/* Not before: there may be no such frame, and then no struct page. */
	quick->frame = lab_frame_of_pfn(pfn);
	return true;
}

static __always_inline bool lab_quick_commit(const struct lab_quick *quick,
					     enum lab_state state)
{
	/* Pairs as in lab_call_commit(). */
	return likely(cmpxchg(&quick->slot->tag, quick->tag,
			      lab_tag_step(quick->tag, state)) == quick->tag);
}

struct lab_slot *lab_call_search_sealed(const void *addr, lab_tag_t *tag);

/*
 * The slot of the page at @addr, any value at all, and its tag in @tag; or NULL. No frame
 * has the number that lab_address_pfn() makes of an alias.
 * Context: Any.
 */
static __always_inline struct lab_slot *lab_call_search(const void *addr, lab_tag_t *tag)
{
	struct lab_slot *slot = NULL;
	unsigned long pfn;

	if (likely(lab_address_pfn(addr, &pfn)))
		slot = lab_table_search(&labyrinth_hot.table, pfn, tag);
	return likely(slot) ? slot : lab_call_search_sealed(addr, tag);
}

int lab_call_begin(struct lab_call *call);
int lab_call_end(struct lab_call *call, int err);
int lab_call_begin_rcu(struct lab_call *call) __acquires(RCU);
int lab_call_end_rcu(struct lab_call *call, int err) __releases(RCU);
int lab_call_refuse(struct lab_call *call, enum lab_class class);
int lab_call_page(struct lab_call *call, const void *addr);
int lab_call_again(struct lab_call *call);
bool lab_call_commit(const struct lab_call *call, lab_tag_t tag);
int lab_call_exclusive(struct lab_call *call);
int lab_call_await(struct lab_call *call);
int lab_call_freeze(struct lab_call *call);

#endif /* LABYRINTH_CALL_H */
