/* SPDX-License-Identifier: GPL-2.0-only */
/* The common part of the calls of labyrinth_alloc.h that name a page. See page/call.c. */
#ifndef LABYRINTH_CALL_H
#define LABYRINTH_CALL_H

#include "core/owner.h"
#include "core/table.h"
#include "inline/address.h"
#include "report/report.h"

/**
 * struct lab_call - one call of the API on its way
 * @op: the operation.
 * @ip: where the call returns to; or as in struct lab_refusal.
 * @back: where the call returns to, if that may not be @ip; else 0.
 * @handle: the handle presented.
 * @owner: the owner of @handle; NULL: no live owner.
 * @addr: the address that names the page.
 * @slot: the slot of the page's tag; NULL: the page has no tag.
 * @tag: the page's tag at the look-up, or 0.
 * @frame: the page's frame, if @tag is not 0.
 * @class: of the refusal, if the call is refused.
 * @note: of the page, for a report.
 * @asked: the mapping that the caller named, or NULL.
 * @elsewhere: as in struct lab_refusal.
 * @dev: the device that the caller named, if wrong.
 * @stamped: the caller has shown @stamp, see page/stamp.c.
 * @stamp: the stamp shown.
 * @silent: -EBUSY is an answer, not a refusal, unless @class is LAB_CORRUPT.
 * @full: the table has no room.
 * @may_lock: lab_may_lock() before preemption was disabled; set by release and adopt for an owner
 *	with %LABYRINTH_OWNER_DMA.
 * @missing: how many references were missing, and have been put back.
 * @damage: a word of struct page was wrong, and has been put right.
 * @dma: the mapping of the page that leaves, for after the call; or LAB_DMA_NONE.
 * @fresh: the mapping of the page for its next owner, or LAB_DMA_NONE.
 */
struct lab_call {
	enum lab_op op;
	unsigned long ip;
	unsigned long back;
	struct labyrinth_owner *handle;
	struct lab_owner *owner;
	const void *addr;
	struct lab_slot *slot;
	lab_tag_t tag;
	struct lab_frame *frame;
	enum lab_class class;
	struct lab_page_note note;
	const struct lab_map_note *asked;
	const struct lab_elsewhere *elsewhere;
	const struct device *dev;
	bool stamped;
	u32 stamp;
	bool silent;
	bool full;
	bool may_lock;
	int missing;
	struct lab_damage damage;
	u64 dma;
	u64 fresh;
};

/**
 * struct lab_fast - a page that passed all checks of a fast path
 * @slot: the slot of the page's tag.
 * @tag: the tag.
 * @frame: the page's frame.
 */
struct lab_fast {
	struct lab_slot *slot;
	lab_tag_t tag;
	struct lab_frame *frame;
};

/*
 * Finds the page at @addr, if the page is in @state and @handle's, and @handle's calls may take
 * the fast path: nothing is to be reported or traced. False if the slow path must look.
 * Context: As lab_owner_get().
 */
static __always_inline bool lab_fast_find(const struct labyrinth_owner *handle,
					  const void *addr,
					  enum lab_state state,
					  struct lab_fast *fast)
{
	const struct lab_front *front = lab_front_of(handle);
	unsigned long pfn;

	if (!lab_is_fast(front, handle) || unlikely(!lab_address_pfn(addr, &pfn)))
		return false;
	fast->tag = lab_tag_step(front->key + pfn, state);
	fast->slot = lab_table_find(&labyrinth_hot.table, fast->tag);
	if (unlikely(!fast->slot))
		return false;
	/* Only now: without a tag there may be no such frame, and no struct page. */
	fast->frame = lab_frame_of_pfn(pfn);
	return true;
}

static __always_inline bool lab_fast_commit(const struct lab_fast *fast,
					    enum lab_state state)
{
	/* Pairs as in lab_call_commit(). */
	return likely(cmpxchg(&fast->slot->tag, fast->tag,
			      lab_tag_step(fast->tag, state)) == fast->tag);
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
int lab_call_begin_core(struct lab_call *call) __acquires(RCU);
int lab_call_end_rcu(struct lab_call *call, int err) __releases(RCU);
int lab_call_refuse(struct lab_call *call, enum lab_class class);
int lab_call_page(struct lab_call *call, const void *addr);
bool lab_call_is_given_away(const struct lab_call *call);
int lab_call_again(struct lab_call *call);
bool lab_call_commit(const struct lab_call *call, lab_tag_t tag);
int lab_call_exclusive(struct lab_call *call);
int lab_call_await(struct lab_call *call);
int lab_call_freeze(struct lab_call *call);

#endif /* LABYRINTH_CALL_H */
