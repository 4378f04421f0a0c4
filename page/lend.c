// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that borrowers may read by reference for a while. No state is owned here. The top of
 * labyrinth_alloc.c says which calls can race.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "core/context.h"
#include "page/call.h"
#include "page/hunt.h"
#include "page/seal.h"
#include "page/stamp.h"
#include "report/holders.h"
#include "report/trace.h"

/*
 * Called when the page is LENT, with the frame still frozen: no call moves the page on. A reader
 * that comes before finds the note of an earlier loan, which is older than the hold, or none.
 */
static __always_inline void note_lender(struct lab_slot *slot, unsigned int context,
					unsigned long ip)
{
	WRITE_ONCE(slot->last, lab_last_make(LAB_LAST_LEND, context, ip));
}

/* NULL if the slow path must look. */
static struct page *lend_fast(struct labyrinth_owner *owner, void *addr, unsigned long ip)
{
	struct lab_fast page;
	bool done;

	if (!lab_fast_find(owner, addr, LAB_HELD, &page) ||
	    unlikely(!lab_frame_freeze(page.frame, LAB_REFS_EXCLUSIVE)))
		return NULL;
	done = likely(lab_frame_is_clean(page.frame)) &&
	       lab_frame_is_at_home(page.frame, lab_tag_pfn(page.tag)) &&
	       lab_fast_commit(&page, LAB_LENT);
	if (likely(done)) {
		lab_frame_clear_type(page.frame);
		note_lender(page.slot, 0, ip);
	}
	lab_frame_thaw(page.frame, done ? LAB_REFS_LENT : LAB_REFS_EXCLUSIVE);
	return done ? lab_frame_page(page.frame) : NULL;
}

/* A borrower sees a struct page as alloc_page() leaves the words. */
static void lend_frozen(struct lab_call *call)
{
	note_lender(call->slot, lab_context_now() + 1, call->ip);
	lab_frame_clear_type(call->frame);
	if (call->tag & LAB_TAG_EMERGENCY)
		WRITE_ONCE(call->frame->lru, LAB_FRAME_PFMEMALLOC);
}

/*
 * Puts a sealed page back into the direct map. That somebody strayed there just now is no
 * fault of the owner's.
 */
static int open_sealed(struct lab_call *call)
{
	if (!lab_owner_is_sealed(call->owner) || !lab_seal_open(lab_tag_pfn(call->tag)))
		return 0;
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	call->class = LAB_BUSY;
	call->silent = true;
	return -EBUSY;
}

/* The page, no longer frozen, is not lent, or not any more. */
static void close_sealed(const struct lab_call *call)
{
	if (lab_owner_is_sealed(call->owner))
		lab_seal_kick();
}

static int lend_held(struct lab_call *call)
{
	lab_tag_t thin = lab_owner_is_hunted(call->owner) ? LAB_TAG_THIN : 0;
	int err = lab_call_freeze(call) ?: open_sealed(call);

	if (err)
		return err;
	if (!lab_call_commit(call, lab_tag_step(call->tag, LAB_LENT) | thin)) {
		lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
		close_sealed(call);
		return lab_call_again(call);
	}
	lend_frozen(call);
	lab_frame_thaw(call->frame, thin ? LAB_REFS_THIN + 1 : LAB_REFS_LENT);
	lab_step(LAB_OP_LEND, lab_tag_pfn(call->tag), call->owner, call->ip);
	return 0;
}

static noinline struct page *lend_slow(struct labyrinth_owner *owner, void *addr,
				       unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_LEND, .handle = owner, .addr = addr, .ip = ip,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = lend_held(&call);
	err = lab_call_end(&call, err);
	return err ? ERR_PTR(err) : lab_frame_page(call.frame);
}

/**
 * labyrinth_lend() - let borrowers read a page by reference
 * @owner: the holder of the page.
 * @addr: the page's address.
 *
 * After success the page is still @owner's, but an ordinary page in a borrower's hands. A
 * single reference is added: the borrower's, to be dropped with put_page(). The borrower may
 * take more. @owner must not write to the page, and gets the page back with
 * labyrinth_reclaim().
 *
 * A sealed page is back in the direct map as long as it is lent, and for up to a second after
 * labyrinth_reclaim(). Where somebody has just strayed there, it is not reported, and the page
 * can be lent some milliseconds later.
 *
 * Context: Any. Never sleeps.
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as
 * labyrinth_free_page(); -EBUSY lent already, mapped, or something refers to the page; or the
 * page is sealed and a stray access to the page was diverted just now.
 */
struct page *labyrinth_lend(struct labyrinth_owner *owner, void *addr)
{
	struct page *page;

	preempt_disable();
	page = lend_fast(owner, addr, _RET_IP_);
	preempt_enable();
	return likely(page) ? page : lend_slow(owner, addr, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(labyrinth_lend, LAB_NS);

/*
 * LENT -> HELD, for a frozen frame whose words have been put right. A frozen page stays LENT
 * (but for a moment in which repair_references() has the tag CACHED), unless
 * labyrinth_release_lent() takes the tag. After that nothing of Labyrinth's may be left on the
 * frame. HELD is written last, as in hand_over() of labyrinth_transfer.c.
 */
static __always_inline bool reclaim_frozen(struct lab_frame *frame, struct lab_slot *slot,
					   lab_tag_t lent, unsigned long ip, u32 stamp)
{
	if (READ_ONCE(slot->tag) != lent)
		return false;
	lab_slot_note(slot, ip);
	if (stamp)
		lab_slot_note_stack(slot, stamp);
	lab_frame_set_type(frame);
	/* Pairs as in lab_call_commit(). */
	if (cmpxchg(&slot->tag, lent, lab_tag_step(lent, LAB_HELD)) == lent)
		return true;
	lab_frame_clear_type(frame);
	if (lab_tag_pfn(READ_ONCE(slot->tag)) != lab_tag_pfn(lent))
		lab_frame_clear(frame);
	return false;
}

/*
 * Whether the words of a frozen page that was lent are right, save for those that a borrower
 * may change.
 */
static bool is_clean_lent(const struct lab_frame *frame)
{
	return likely((READ_ONCE(frame->flags) & (LAB_FRAME_BAD_FLAGS | LAB_FRAME_MARK)) ==
		      LAB_FRAME_MARK && !READ_ONCE(frame->mapping) &&
		      READ_ONCE(frame->type) == LAB_TYPE_NONE);
}

/* Return: 0, -EBUSY, or 1 if the slow path must look. */
static int reclaim_fast(struct labyrinth_owner *owner, void *addr,
			unsigned long ip)
{
	struct lab_fast page;
	bool done;

	if (!lab_fast_find(owner, addr, LAB_LENT, &page))
		return 1;
	if (!lab_frame_freeze(page.frame, LAB_REFS_EXCLUSIVE))
		return lab_frame_refs(page.frame) > LAB_REFS_EXCLUSIVE ? -EBUSY : 1;
	done = is_clean_lent(page.frame) &&
	       lab_frame_is_at_home(page.frame, lab_tag_pfn(page.tag));
	if (likely(done)) {
		lab_frame_reset_words(page.frame);
		done = reclaim_frozen(page.frame, page.slot, page.tag, ip, 0);
	}
	lab_frame_thaw(page.frame, LAB_REFS_EXCLUSIVE);
	return done ? 0 : 1;
}

static int reclaim_lent(struct lab_call *call)
{
	bool done;
	int err;

	if (lab_tag_state(call->tag) == LAB_HELD)
		return lab_call_exclusive(call);
	err = lab_call_freeze(call);
	if (err)
		return err;
	done = reclaim_frozen(call->frame, call->slot, call->tag, call->ip,
			      lab_stamp_of(call->owner, call->slot));
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	if (!done)
		return lab_call_again(call);
	lab_step(LAB_OP_RECLAIM, lab_tag_pfn(call->tag), call->owner, call->ip);
	close_sealed(call);
	return 0;
}

/*
 * A loan that lasts longer than patience= is reported once, with the page's holders. In the note
 * of the loan, the context then gives way to a mark.
 */
static noinline void notice_lasting(const void *addr)
{
	struct lab_page_note note;
	struct lab_slot *slot;
	lab_tag_t tag;
	u64 word;

	slot = lab_call_search(addr, &tag);
	if (!slot || lab_tag_state(tag) != LAB_LENT)
		return;
	word = READ_ONCE(slot->last);
	note = lab_page_note(slot, tag);
	if (note.last.step != LAB_LAST_LEND || note.last.context == LAB_LAST_CONTEXT_MASK ||
	    !lab_holders_patience_over(note.last.age_ms))
		return;
	if (cmpxchg(&slot->last, word,
		    word | LAB_LAST_CONTEXT_MASK << LAB_LAST_CONTEXT_SHIFT) == word)
		lab_holders_ask(lab_tag_pfn(tag));
}

static noinline int reclaim_slow(struct labyrinth_owner *owner, void *addr,
				 unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RECLAIM, .handle = owner, .addr = addr, .ip = ip,
		.silent = true,
	};
	int err = lab_call_begin(&call);

	if (!err)
		err = lab_call_page(&call, addr);
	if (err >= 0)
		err = reclaim_lent(&call);
	return lab_call_end(&call, err);
}

/**
 * labyrinth_reclaim() - take a lent page back
 * @owner: the owner that lent the page.
 * @addr: the page's address.
 *
 * After success only @owner holds the page again. For a page that is HELD, says only whether
 * nobody but @owner refers to the page.
 *
 * A borrower's mapping by frame number (remap_pfn_range(), vmf_insert_pfn()), by
 * vmap() or for DMA has no reference and leaves no trace in struct page. Such a mapping
 * outlives the loan: 0 means that no reference is left, not that nothing reaches the page.
 * With guard=refuse mappings into processes by frame number are refused while the
 * page is LENT.
 *
 * Context: Any. Never sleeps.
 * Return: 0; -EBUSY somebody still has a reference, or the page is mapped: try again later,
 * nothing is reported but, once, a loan that lasts longer than the parameter patience says; -EPERM, -ENOENT, -EINVAL as labyrinth_free_page().
 */
int labyrinth_reclaim(struct labyrinth_owner *owner, void *addr)
{
	int err;

	preempt_disable();
	err = reclaim_fast(owner, addr, _RET_IP_);
	preempt_enable();
	if (unlikely(err > 0))
		err = reclaim_slow(owner, addr, _RET_IP_);
	if (unlikely(err == -EBUSY))
		notice_lasting(addr);
	return err;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_reclaim, LAB_NS);
