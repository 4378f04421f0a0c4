// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that borrowers may read by reference for a while. No state is owned here. The top of
 * labyrinth_alloc.c says which calls can race.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "core/context.h"
#include "core/frags.h"
#include "page/hunt.h"
#include "page/lend.h"
#include "page/lent.h"
#include "page/resident.h"
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
static void unmark_frame(struct lab_call *call)
{
	note_lender(call->slot, lab_context_now() + 1, call->ip);
	lab_frame_clear_type(call->frame);
	if (call->tag & LAB_TAG_EMERGENCY)
		WRITE_ONCE(call->frame->lru, LAB_FRAME_PFMEMALLOC);
}

/*
 * Puts a sealed page, which is LENT now, as @lent says, and whose frame is frozen, back into the
 * direct map. Where somebody strayed there just now, which is no fault of the owner's, takes the
 * loan back, and thaws the frame: no other call changes the tag before the thaw.
 */
static int open_sealed(struct lab_call *call, lab_tag_t lent)
{
	if (!lab_owner_is_sealed(call->owner) || !lab_seal_open(lab_tag_pfn(call->tag)))
		return 0;
	/* Pairs as in lab_call_commit(). */
	cmpxchg(&call->slot->tag, lent, call->tag);
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	call->class = LAB_BUSY;
	call->silent = true;
	return -EBUSY;
}

/* The marks of a page that is lent, see inline/tag.h. */
static lab_tag_t lent_marks(const struct lab_owner *owner)
{
	return (lab_owner_is_hunted(owner) ? LAB_TAG_THIN : 0) |
	       (lab_owner_is_sealed(owner) ? LAB_TAG_REMOTE : 0);
}

/*
 * Lends the page of @call, whose frame is frozen, and thaws the frame.
 * Context: Any. Return: 0, or as lab_call_again().
 */
int lab_lend_frozen(struct lab_call *call)
{
	lab_tag_t marks = lent_marks(call->owner);
	lab_tag_t lent = lab_tag_step(call->tag, LAB_LENT) | marks;
	int err;

	if (!lab_call_commit(call, lent)) {
		lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
		return lab_call_again(call);
	}
	err = open_sealed(call, lent);
	if (err)
		return err;
	unmark_frame(call);
	lab_frame_thaw(call->frame, marks & LAB_TAG_THIN ? LAB_REFS_THIN + 1 : LAB_REFS_LENT);
	lab_step(call->op, lab_tag_pfn(call->tag), call->owner, call->ip);
	return 0;
}

/* The page, no longer frozen, is not lent any more. */
static void close_sealed(const struct lab_call *call)
{
	if (lab_owner_is_sealed(call->owner))
		lab_seal_kick();
}

static int lend_held(struct lab_call *call)
{
	return lab_call_freeze(call) ?: lab_lend_frozen(call);
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

/* Whether @tag is of page @pfn, lent by @owner. */
static bool is_lent_by(const struct lab_owner *owner, lab_tag_t tag, unsigned long pfn)
{
	return lab_tag_pfn(tag) == pfn && lab_tag_state(tag) == LAB_LENT &&
	       lab_tag_owner(tag) == lab_owner_id(owner);
}

/*
 * Finds the page of @lent, an entry of a queue, for @call. A thin page gets its references back.
 * -ENOMEM, which is no refusal: not lent any more, or lent anew and not done.
 */
int lab_lend_find(struct lab_call *call, const struct lab_cached *lent)
{
	unsigned long pfn = page_to_pfn(lab_frame_page(lent->frame));

	call->slot = lent->slot;
	call->frame = lent->frame;
	call->tag = READ_ONCE(lent->slot->tag);
	call->addr = lab_page_address(call->owner, pfn);
	call->class = LAB_UNOWNED;
	if (is_lent_by(call->owner, call->tag, pfn))
		call->tag = lab_hunt_thick(call->slot, call->tag);
	if (is_lent_by(call->owner, call->tag, pfn) &&
	    !lab_frags_are_out(call->owner, call->slot))
		return 0;
	/* No refusal: an entry is a hint. */
	call->tag = 0;
	return -ENOMEM;
}

/*
 * The result of a call about an entry of a queue, where @err is that of the page. By an older
 * entry of the page's, or by hand, another call may have taken the page back or let go of it since
 * lab_lend_find(): as there, that is no refusal.
 */
int lab_lend_hinted(int err)
{
	return err == -ENOENT || err == -EPERM ? -ENOMEM : err;
}

/*
 * Takes the page for the call, LENT -> CACHED on no list, and with the page the mapping, unless a
 * buffer of the page is out: map_lock keeps the page from being opened. An entry of the queue may
 * be older than the loan, and the call that lends the page still about to end the mapping
 * (finish_loan() of labyrinth_rx.c): map_lock lets only one of the two have the mapping. In an NMI
 * no such page comes here.
 */
static bool take_lent(struct lab_call *call)
{
	lab_tag_t taken = lab_tag_step(call->tag, LAB_CACHED);
	struct lab_owner *owner = call->owner;
	unsigned long flags;
	bool done;
	u64 dma;

	if (!lab_owner_is_dma(owner))
		return lab_call_commit(call, taken);
	raw_spin_lock_irqsave(&owner->map_lock, flags);
	dma = lab_resident_of(owner, call->slot);
	done = !lab_frags_are_out(owner, call->slot) && lab_call_commit(call, taken);
	if (done) {
		call->dma = dma;
		WRITE_ONCE(lab_resident_at(call->slot)->dma, LAB_DMA_NONE);
	}
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return done;
}

/*
 * A reclaim that has the frame frozen has found the page LENT, and writes notes to the slot until
 * the thaw: so long the slot stays this page's. No other call leads the page on from CACHED. This
 * CPU cannot have the frame frozen, as in lab_frame_disown(): lab_lend_untag() looked. The freeze
 * came after that look, so calls that wait here do not wait for each other in a ring.
 */
static void remove_taken(const struct lab_call *call)
{
	while (!lab_frame_refs(call->frame))
		cpu_relax();
	lab_table_remove(&labyrinth_hot.table, call->slot, lab_tag_step(call->tag, LAB_CACHED));
}

/*
 * Takes the tag off. A borrower may be about to map the page: no interrupt makes the moment longer
 * in which the guard finds it CACHED, see find_lasting() of guard/find.c.
 */
static bool remove_lent(struct lab_call *call)
{
	unsigned long flags;
	bool done;

	local_irq_save(flags);
	done = take_lent(call);
	if (done)
		remove_taken(call);
	local_irq_restore(flags);
	return done;
}

/*
 * Takes the tag off a lent page. The borrowers keep any number of references, so nobody can
 * freeze the frame. Only the mark and the spare references are taken off, at which no borrower
 * looks.
 * Context: Any. Return: 0, with the page's mapping in @call->dma; or -EBUSY, -ENOENT.
 */
int lab_lend_untag(struct lab_call *call)
{
	int err = 0;

	/* A page that is thin still lacks the references that lab_frame_disown() drops. */
	if (lab_frame_refs(call->frame) <= LAB_REFS_EXCLUSIVE || call->tag & LAB_TAG_THIN)
		err = lab_call_await(call);

	if (!err && lab_call_is_given_away(call)) {
		call->class = LAB_CORRUPT;
		err = -EBUSY;
	}
	if (err)
		return err;
	if (!remove_lent(call))
		return lab_call_again(call);
	/* The last borrower's put_page() frees the page, so the words must be right. */
	lab_frame_mend_lent(call->frame, lab_tag_pfn(call->tag), &call->damage);
	lab_frame_disown(call->frame);
	return 0;
}

/*
 * Leaves the page of @lent to the borrowers: an ordinary page, no longer mapped, which the last
 * put_page() frees.
 * Context: Where lab_may_lock() is true; the owner stays.
 * Return: false if the page is not lent any more.
 */
bool lab_lend_let_go(struct lab_owner *owner, const struct lab_cached *lent, unsigned long ip)
{
	struct lab_call call = {
		.op = LAB_OP_RELEASE_LENT, .owner = owner, .ip = ip, .dma = LAB_DMA_NONE,
		/* Another call may take the page back just now, or let go of it: no fault. */
		.silent = true,
	};
	int err;

	preempt_disable();
	err = lab_lend_hinted(lab_lend_find(&call, lent) ?: lab_lend_untag(&call));
	if (!err) {
		lab_owner_quota_give(owner, 1);
		/* Harmless, as in lab_home_take_back(). */
		data_race(owner->front.rx.let_go++);
		lab_step(LAB_OP_RELEASE, lab_tag_pfn(call.tag), owner, ip);
	}
	err = lab_call_end(&call, err);
	lab_resident_unmap(owner, call.dma);
	if (err)
		return false;
	put_page(lab_frame_page(lent->frame));
	/* Last: with the last page, the slot of an owner that is gone may get a new owner. */
	lab_owner_lose(owner, call.slot);
	return true;
}

/*
 * Puts @page, just lent, on the owner's queue. In an NMI, and with the queue full where no page
 * can be let go of, the page stays off the queue.
 * Context: Any; the owner stays.
 */
void lab_lend_queue(struct lab_owner *owner, struct lab_cached page, unsigned long ip)
{
	struct lab_cached oldest;

	if (in_nmi())
		return;
	if (lab_lent_push(owner, page, lab_may_lock() ? &oldest : NULL))
		lab_lend_let_go(owner, &oldest, ip);
}

/* The borrower may have dropped the page already, and another call taken it back. */
static void queue_lent(struct labyrinth_owner *handle, struct page *page, unsigned long ip)
{
	struct lab_cached lent = { .frame = lab_frame(page) };
	struct lab_owner *owner;
	lab_tag_t tag;

	rcu_read_lock();
	owner = lab_owner_get(handle);
	lent.slot = lab_table_search(&labyrinth_hot.table, page_to_pfn(page), &tag);
	if (owner && lent.slot)
		lab_lend_queue(owner, lent, ip);
	rcu_read_unlock();
}

/**
 * labyrinth_lend() - let borrowers read a page by reference
 * @owner: the holder of the page.
 * @addr: the page's address.
 *
 * After success the page is still @owner's, but an ordinary page in a borrower's hands. A
 * single reference is added: the borrower's, to be dropped with put_page(). The borrower may
 * take more. @owner must not write to the page, and gets the page back with
 * labyrinth_reclaim(); or by itself, if the owner was made with @lent: then the page stands in a
 * queue, from which allocations take back first what has come back, and the page lent longest is
 * let go of when so many pages are lent. A page lent in an NMI, or on PREEMPT_RT with preemption
 * disabled while the queue is full, stands in no queue.
 *
 * A sealed page is back in the direct map as long as it is lent, and for up to a second after
 * labyrinth_reclaim(); if freed meanwhile, it is handed out again only later. Where somebody has
 * just strayed there, it is not reported, and the page can be lent some milliseconds later.
 *
 * Context: Any. Never sleeps.
 * Return: the page; or ERR_PTR: -EPERM, -ENOENT, -EINVAL as
 * labyrinth_free_page(); -EBUSY lent already, mapped, POSTED, or something refers to the page; or,
 * without a report, the page is sealed and a stray access to the page was diverted just now, or a
 * worker is about to seal the page again: try again.
 */
struct page *labyrinth_lend(struct labyrinth_owner *owner, void *addr)
{
	const struct lab_front *front = lab_front_of(owner);
	struct page *page;

	preempt_disable();
	page = lend_fast(owner, addr, _RET_IP_);
	preempt_enable();
	if (unlikely(!page))
		page = lend_slow(owner, addr, _RET_IP_);
	if (unlikely(front->rx.limit) && !IS_ERR(page))
		queue_lent(owner, page, _RET_IP_);
	return page;
}
EXPORT_SYMBOL_NS_GPL(labyrinth_lend, LAB_NS);

/*
 * LENT -> HELD, for a frozen frame whose words have been put right, and whose tag was @lent after
 * the freeze. A frozen page stays LENT (but for a moment in which repair_references() has the tag
 * CACHED), unless labyrinth_release_lent() takes the tag: then the slot stays the page's until the
 * thaw, and after that remove_taken()'s caller takes off what is written here. HELD is written
 * last, as in hand_over() of labyrinth_transfer.c.
 */
static __always_inline bool reclaim_frozen(struct lab_frame *frame, struct lab_slot *slot,
					   lab_tag_t lent, unsigned long ip, u32 stamp)
{
	lab_slot_note(slot, ip);
	if (stamp)
		lab_slot_note_stack(slot, stamp);
	lab_frame_set_type(frame);
	/* Pairs as in lab_call_commit(). */
	if (cmpxchg(&slot->tag, lent, lab_tag_step(lent, LAB_HELD)) == lent)
		return true;
	lab_frame_clear_type(frame);
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
	/* Before anything is written: from here on only take_lent() leads the tag on. */
	done = READ_ONCE(page.slot->tag) == page.tag && is_clean_lent(page.frame) &&
	       lab_frame_is_at_home(page.frame, lab_tag_pfn(page.tag));
	if (likely(done)) {
		lab_frame_reset_words(page.frame);
		done = reclaim_frozen(page.frame, page.slot, page.tag, ip, 0);
	}
	lab_frame_thaw(page.frame, LAB_REFS_EXCLUSIVE);
	return done ? 0 : 1;
}

static int reclaim_lent(struct lab_call *call, u32 stamp)
{
	int err = lab_call_freeze(call);
	bool done;

	if (err)
		return err;
	/* Not before: the page may have come back, and be LENT again in the next turn. */
	done = !lab_frags_are_out(call->owner, call->slot) &&
	       reclaim_frozen(call->frame, call->slot, call->tag, call->ip, stamp);
	lab_frame_thaw(call->frame, LAB_REFS_EXCLUSIVE);
	return done ? 0 : lab_call_again(call);
}

/* As lend_first() of page/frag.c: an interrupt may come that gives a buffer of the page. */
static int reclaim_parted(struct lab_call *call, u32 stamp)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = reclaim_lent(call, stamp);
	local_irq_restore(flags);
	return err;
}

/*
 * Takes the page that @call has looked up back. @stamp is the page's from then on; 0 if the owner
 * is not for stamps.
 * Context: Any. Return: 0, -EBUSY, -ENOENT.
 */
int lab_lend_reclaim(struct lab_call *call, u32 stamp)
{
	int err;

	if (lab_tag_state(call->tag) == LAB_HELD)
		return lab_call_exclusive(call);
	err = lab_owner_has_frags(call->owner) ? reclaim_parted(call, stamp) :
						 reclaim_lent(call, stamp);
	if (err)
		return err;
	lab_step(LAB_OP_RECLAIM, lab_tag_pfn(call->tag), call->owner, call->ip);
	close_sealed(call);
	return 0;
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_lend_reclaim);

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
		err = lab_lend_reclaim(&call, lab_stamp_of(call.owner, call.slot));
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
 * A page that a borrower put into a file stays on the core's lists when the file has let go of the
 * page. Only the core can take the page off, so such a page does not come back, and is
 * labyrinth_release_lent()'s, or goes with the owner.
 *
 * Context: Any. Never sleeps.
 * Return: 0; -EBUSY somebody still has a reference or a buffer of the page, or the page is mapped
 * or POSTED, or on a list of the core's: try again later, nothing is reported but, once, a loan
 * that lasts longer than the parameter patience says, and, each time, a page that was freed behind
 * Labyrinth's back until the page allocator had it; -EPERM, -ENOENT, -EINVAL as
 * labyrinth_free_page().
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
