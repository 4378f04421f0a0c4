/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the calls of labyrinth_alloc.h that name a page have in common. See
 * labyrinth_call.c.
 */
#ifndef LABYRINTH_CALL_H
#define LABYRINTH_CALL_H

#include "labyrinth_owner.h"
#include "labyrinth_report.h"

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
 * @lost: references were missing, and have been put back.
 */
struct lab_call {
	enum lab_op op;
	unsigned long ip;
	struct labyrinth_owner *handle;
	struct lab_owner *owner;
	const void *addr;
	lab_tag_t *slot;
	lab_tag_t tag;
	struct lab_frame *frame;
	enum lab_class class;
	struct lab_page_note note;
	const struct lab_map_note *asked;
	const struct device *dev;
	bool silent;
	bool full;
	bool lost;
};

int lab_call_begin(struct lab_call *call);
int lab_call_end(struct lab_call *call, int err);
int lab_call_begin_rcu(struct lab_call *call) __acquires(RCU);
int lab_call_end_rcu(struct lab_call *call, int err) __releases(RCU);
int lab_call_refuse(struct lab_call *call, enum lab_class class);
int lab_call_page(struct lab_call *call, const void *addr);
int lab_call_again(struct lab_call *call);
bool lab_call_commit(const struct lab_call *call, lab_tag_t tag);
int lab_call_exclusive(struct lab_call *call);
int lab_call_freeze(struct lab_call *call);

#endif /* LABYRINTH_CALL_H */
