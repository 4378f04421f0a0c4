// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers that are a part of a page each, of owners made with a @frag_size below a page.
 * The state owned here is a word for each slot of the table, beside the tag:
 *
 *	 63                      32 31         16 15          0
 *	+--------------------------+-------------+-------------+
 *	|           turn           |    fresh    |   posted    |
 *	+--------------------------+-------------+-------------+
 *
 * and, of each owner, the open page: front.rx.open.
 *
 * A buffer is fresh until labyrinth_rx_get() hands the buffer out, then posted until the driver
 * gives or puts the buffer, then done. A page turns when all its buffers are fresh again. Only
 * the open page has fresh buffers.
 *
 * The tag speaks of the page, the word of the buffers:
 *
 *	tag      word        what the page is
 *	POSTED   not 0       no buffer has been given in this turn
 *	LENT     not 0       the stack has had a buffer, and another is not done
 *	LENT     0           all buffers are done: on the queue of lent pages, as any lent page
 *	other    0           not in use for buffers
 *
 * Which word decides: that a buffer is given or put, a compare-and-exchange of the whole word, in
 * which the buffer's posted bit goes. Of two calls about the same buffer one wins. A call that
 * began in an earlier turn loses, since the turn differs. The call after which neither posted nor
 * fresh bits are left settles the page: that call alone. The tag decides about the page as ever,
 * and the calls that would take a LENT page, reclaim and release_lent, are -EBUSY while the word is
 * not 0. A LENT page's word never leaves 0, but the page may come back and be LENT again in the
 * next turn. So reclaim looks with the frame frozen, and release_lent under map_lock: then the page
 * is in this turn still when the tag is taken. The call that settles the page looks at the tag
 * before the last posted bit goes: after that a reclaim may come first, and the page be POSTED in
 * the next turn.
 *
 * The first give of a turn claims the page as labyrinth_lend() does. Until then nobody but the
 * owner refers to the page. Each later give adds a reference to a LENT page. A give adds the
 * reference before the posted bit goes, so the call that settles the page comes after all
 * references of the turn, and the page cannot be taken back before the last of these is dropped.
 *
 * Borrowers drop references at any moment, and know no buffers. The shrinker and the worker touch
 * CACHED pages alone. destroy waits for all calls, see labyrinth_owner.c.
 *
 * Of a SINGLE owner only the owner's user writes the words, so the functions _single() use plain
 * stores. Of any other owner map_lock protects the open page and the step from fresh to posted.
 */
#include <linux/mm.h>

#include "core/context.h"
#include "labyrinth_alloc.h"
#include "page/cache.h"
#include "page/frag.h"
#include "page/home.h"
#include "page/lend.h"
#include "page/lent.h"
#include "page/limbo.h"
#include "page/resident.h"
#include "report/trace.h"

#define FRESH_SHIFT	16
#define TURN_SHIFT	32
#define FRESH_MASK	GENMASK_ULL(TURN_SHIFT - 1, FRESH_SHIFT)
#define TURN_MASK	GENMASK_ULL(63, TURN_SHIFT)

static_assert(LAB_FRAGS_MAX <= FRESH_SHIFT);

/**
 * struct frag - a buffer that a call names
 * @index: which part of the page.
 * @at: the page's word.
 * @word: the word as it was when the buffer was posted.
 * @lent: of the turn's last buffer: the stack has had a buffer of the page.
 */
struct frag {
	unsigned int index;
	u64 *at;
	u64 word;
	bool lent;
};

/* The word of a page of which the first buffer is handed out. */
static u64 first_word(const struct lab_front *front, u64 word)
{
	u64 all = BIT_ULL(PAGE_SIZE >> front->frag_shift) - 1;

	return (word & TURN_MASK) + BIT_ULL(TURN_SHIFT) + (all << FRESH_SHIFT);
}

static unsigned int fresh_index(u64 word)
{
	return __ffs64(word & FRESH_MASK) - FRESH_SHIFT;
}

static u64 take_fresh(u64 word, unsigned int index)
{
	return (word & ~BIT_ULL(index + FRESH_SHIFT)) | BIT_ULL(index);
}

/* Whether neither a posted nor a fresh buffer is left. */
static bool is_done(u64 word)
{
	return !(u32)word;
}

static size_t frag_size(const struct lab_front *front)
{
	return BIT(front->frag_shift);
}

static bool fits(const struct lab_front *front, size_t offset, size_t len)
{
	return likely(offset <= frag_size(front) && len <= frag_size(front) - offset);
}

static void *page_of(const void *buf)
{
	return (void *)((unsigned long)buf & PAGE_MASK);
}

static unsigned int index_of(const struct lab_front *front, const void *buf)
{
	return offset_in_page(buf) >> front->frag_shift;
}

static bool is_aligned(const struct lab_front *front, const void *buf)
{
	return likely(!((unsigned long)buf & (frag_size(front) - 1)));
}

/* The buffer's address, and in @dma the address for the device. */
static void *name_buffer(const struct lab_front *front, const struct lab_cached *page,
			 unsigned int index, dma_addr_t *dma)
{
	size_t offset = (size_t)index << front->frag_shift;

	*dma = (READ_ONCE(lab_resident_at(page->slot)->dma) & ~LAB_DMA_BITS) + offset;
	return lab_frame_address(page->frame) + offset;
}

/*
 * Drops the first entries of a SINGLE owner's queue that are older than the turns of the pages: a
 * page comes to the queue when all buffers are done.
 */
static __always_inline void drop_stale(struct lab_rx *rx)
{
	while (rx->tail != rx->head && !is_done(*lab_frags_at(rx->lent[rx->tail & rx->mask].slot)))
		rx->tail++;
}

/* Opens a page, of a SINGLE owner without an open page. False if no page is at hand. */
static noinline bool open_single(const struct labyrinth_owner *handle, struct lab_front *front,
				 unsigned long ip)
{
	unsigned int tries = LAB_LENT_TRIES;
	struct lab_cached page;
	u64 *at;

	do {
		drop_stale(&front->rx);
		if (lab_rx_take_single(front, ip, &page)) {
			lab_rx_turn(handle, page.slot, 0, PAGE_SIZE, false);
			at = lab_frags_at(page.slot);
			WRITE_ONCE(*at, first_word(front, *at));
			front->rx.open = page;
			return true;
		}
	} while (--tries);
	return false;
}

/*
 * The next fresh buffer of the open page. NULL if a page must be asked for.
 * Context: The owner's user, of a SINGLE owner.
 */
void *lab_frag_get_single(const struct labyrinth_owner *handle, struct lab_front *front,
			  dma_addr_t *dma, unsigned long ip)
{
	struct lab_cached page;
	unsigned int index;
	u64 *at, word;

	if (!front->rx.open.slot && unlikely(!open_single(handle, front, ip)))
		return NULL;
	page = front->rx.open;
	at = lab_frags_at(page.slot);
	index = fresh_index(*at);
	word = take_fresh(*at, index);
	lab_single_enter(front);
	WRITE_ONCE(*at, word);
	if (!(word & FRESH_MASK))
		front->rx.open.slot = NULL;
	lab_single_leave(front);
	return name_buffer(front, &page, index, dma);
}

/* Whether @slot has the tag of the page, POSTED or LENT. @held: the page's tag if HELD. */
static __always_inline bool is_at(const struct lab_slot *slot, lab_tag_t held, bool *lent)
{
	/* Harmless, as in lab_is_held_at(). */
	lab_tag_t step = data_race(slot->tag) - held;

	*lent = step == LAB_STEP(LAB_HELD, LAB_LENT);
	return *lent || likely(step == LAB_STEP(LAB_HELD, LAB_POSTED));
}

/*
 * Finds the page of @buf, POSTED or LENT, as lab_rx_find(). The buffer is posted. @at: the page's
 * word.
 */
static __always_inline bool find_single(const struct lab_front *front, const void *buf,
					struct lab_cached *page, u64 **at, bool *lent)
{
	unsigned long pfn;

	if (unlikely(!is_aligned(front, buf) || !lab_address_pfn(page_of(buf), &pfn)))
		return false;
	page->slot = lab_slot_preferred(pfn);
	if (!is_at(page->slot, front->key + pfn, lent)) {
		page->slot = lab_slot_hinted(pfn);
		if (!is_at(page->slot, front->key + pfn, lent))
			return false;
	}
	page->frame = lab_frame_of_pfn(pfn);
	*at = lab_frags_at(page->slot);
	return likely(**at & BIT_ULL(index_of(front, buf)));
}

static __always_inline bool turn_buffer(const struct labyrinth_owner *handle,
					const struct lab_front *front,
					const struct lab_slot *slot, const void *buf,
					size_t offset, size_t len, bool for_cpu)
{
	return fits(front, offset, len) &&
	       lab_rx_turn(handle, slot, offset_in_page(buf) + offset, len, for_cpu);
}

/* Context: As lab_frag_get_single(). Return: false if a check fails. */
bool lab_frag_turn_single(const struct labyrinth_owner *handle, const struct lab_front *front,
			  const void *buf, size_t offset, size_t len, bool for_cpu)
{
	struct lab_cached page;
	bool lent;
	u64 *at;

	return find_single(front, buf, &page, &at, &lent) &&
	       turn_buffer(handle, front, page.slot, buf, offset, len, for_cpu);
}

/*
 * Gives the buffer to the stack, with a reference. NULL if a check fails, or if this settles the
 * page and the queue has no room.
 * Context: As lab_frag_get_single().
 */
struct page *lab_frag_give_single(const struct labyrinth_owner *handle, struct lab_front *front,
				  const void *buf, size_t offset, size_t len)
{
	struct lab_rx *rx = &front->rx;
	u64 *at, bit = BIT_ULL(index_of(front, buf));
	struct lab_cached page;
	bool lent;

	if (!find_single(front, buf, &page, &at, &lent) ||
	    unlikely(rx->head - rx->tail >= rx->limit) ||
	    (!lent && unlikely(!lab_rx_is_clean(page.frame, lab_resident_at(page.slot)))) ||
	    !turn_buffer(handle, front, page.slot, buf, offset, len, true))
		return NULL;
	if (!lent) {
		lab_single_step(page.slot, LAB_STEP(LAB_POSTED, LAB_LENT));
		lab_frame_clear_type(page.frame);
		/* Pairs with the borrower's first look, as in lab_rx_give_single(). */
		smp_mb__before_atomic();
	}
	page_ref_inc(lab_frame_page(page.frame));
	lab_single_enter(front);
	WRITE_ONCE(*at, *at & ~bit);
	if (is_done(*at))
		rx->lent[rx->head++ & rx->mask] = page;
	lab_single_leave(front);
	return lab_frame_page(page.frame);
}

/* Under map_lock. */
static void *take_open(struct lab_owner *owner, dma_addr_t *dma)
{
	struct lab_front *front = &owner->front;
	struct lab_cached page = front->rx.open;
	unsigned int index;
	u64 *at, old;

	if (!page.slot)
		return NULL;
	at = lab_frags_at(page.slot);
	old = READ_ONCE(*at);
	/* Meanwhile another CPU may give or put a buffer of the page. */
	do {
		index = fresh_index(old);
	} while (!try_cmpxchg(at, &old, take_fresh(old, index)));
	if (!(take_fresh(old, index) & FRESH_MASK))
		front->rx.open.slot = NULL;
	return name_buffer(front, &page, index, dma);
}

/*
 * The next fresh buffer of the open page, if there is one. @handle is checked here.
 * Context: Where lab_may_lock() is true.
 */
void *lab_frag_next(struct labyrinth_owner *handle, dma_addr_t *dma, unsigned long ip)
{
	struct lab_owner *owner;
	unsigned long flags;
	void *buf = NULL;

	rcu_read_lock();
	owner = lab_owner_get(handle);
	if (likely(owner && lab_owner_may_use(owner))) {
		raw_spin_lock_irqsave(&owner->map_lock, flags);
		buf = take_open(owner, dma);
		raw_spin_unlock_irqrestore(&owner->map_lock, flags);
		if (buf)
			lab_step(LAB_OP_RX_GET, page_to_pfn(virt_to_page(buf)), owner, ip);
	}
	rcu_read_unlock();
	return buf;
}

/*
 * Opens the page at @addr, which the caller has just got POSTED. False if another CPU has opened a
 * page meanwhile, or the owner is gone: the page is the caller's to put.
 * Context: As lab_frag_next().
 */
bool lab_frag_open(struct labyrinth_owner *handle, void *addr)
{
	struct lab_owner *owner;
	struct lab_cached page;
	unsigned long flags;
	bool done = false;
	lab_tag_t tag;
	u64 *at;

	rcu_read_lock();
	owner = lab_owner_get(handle);
	page.slot = lab_call_search(addr, &tag);
	if (owner && page.slot) {
		page.frame = lab_frame_of_tag(tag);
		at = lab_frags_at(page.slot);
		raw_spin_lock_irqsave(&owner->map_lock, flags);
		done = !owner->front.rx.open.slot;
		if (done) {
			WRITE_ONCE(*at, first_word(&owner->front, *at));
			owner->front.rx.open = page;
		}
		raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	}
	rcu_read_unlock();
	return done;
}

/* Whether lab_call_page() said @err since the page, the owner's, is LENT. */
static bool is_lent(const struct lab_call *call, int err)
{
	return err == -EINVAL && call->class == LAB_NOT_POSTED &&
	       lab_tag_state(call->tag) == LAB_LENT;
}

/*
 * Whether lab_call_page() said @err since another call is about to put back references that were
 * dropped, see repair_references(): the page, of which buffers are out, is CACHED meanwhile.
 */
static bool is_in_repair(const struct lab_call *call, int err)
{
	return err == -EINVAL && call->class == LAB_NOT_POSTED &&
	       lab_tag_state(call->tag) == LAB_CACHED &&
	       !is_done(READ_ONCE(*lab_frags_at(call->slot)));
}

/*
 * Each a look-up of the page: longer than a frame is frozen, also if a hypervisor takes the other
 * CPU away just then.
 */
#define REFER_TRIES	BIT(20)

/* As lab_call_page(), but a repair is waited for. */
static int look_up(struct lab_call *call, const void *buf)
{
	unsigned long tries = REFER_TRIES;
	int err = lab_call_page(call, page_of(buf));

	while (unlikely(err < 0 && is_in_repair(call, err) && --tries)) {
		cpu_relax();
		err = lab_call_page(call, page_of(buf));
	}
	return err;
}

/*
 * Finds the buffer at @buf, which must be posted, and its page, POSTED or LENT. The tag is read
 * before the word and after: both are of the same turn then.
 */
static int find_frag(struct lab_call *call, const void *buf, struct frag *frag)
{
	const struct lab_front *front = lab_front_of(call->handle);
	int err;

	do {
		err = look_up(call, buf);
		if (err < 0 && !is_lent(call, err))
			return err;
		frag->at = lab_frags_at(call->slot);
		frag->word = READ_ONCE(*frag->at);
		/* Pairs with the compare-and-exchange of the tag by the call that leads it on. */
		smp_rmb();
	} while (READ_ONCE(call->slot->tag) != call->tag);
	frag->index = index_of(front, buf);
	if (frag->word & BIT_ULL(frag->index) && is_aligned(front, buf))
		return 0;
	call->class = is_aligned(front, buf) ? LAB_NOT_POSTED : LAB_BAD_ADDRESS;
	return -EINVAL;
}

/*
 * Whether the page is LENT by now. In a turn a page that is LENT stays so. A repair, during which
 * the page is CACHED, is waited for; and without the posted bit this call is about to lose.
 */
static bool is_lent_now(const struct lab_call *call, const struct frag *frag)
{
	unsigned long tries = REFER_TRIES;
	lab_tag_t tag = call->tag;

	if (lab_tag_state(tag) == LAB_LENT)
		return true;
	/* Pairs with the claim of each other give of the turn, which has led the tag to LENT. */
	smp_rmb();
	tag = READ_ONCE(call->slot->tag);
	while (unlikely(lab_tag_state(tag) == LAB_CACHED) && --tries &&
	       READ_ONCE(*frag->at) & BIT(frag->index)) {
		cpu_relax();
		tag = READ_ONCE(call->slot->tag);
	}
	return lab_tag_state(tag) == LAB_LENT;
}

/*
 * The buffer is the turn's last, and posted still: so nobody takes the page yet.
 * Return: whether the page is to be unmapped when the buffer is done.
 */
static bool look_at_page(const struct lab_call *call, struct frag *frag)
{
	frag->lent = is_lent_now(call, frag);
	return frag->lent && lab_resident_unmaps_lent();
}

/*
 * Until end_mapping() the page does not come back, to be posted with that mapping. A call that is
 * about to lose may refer to anybody's page, as in add_reference().
 * Return: false if the page must stay mapped, since the reference keeps nobody away. A frozen page
 * has no borrower. If references are missing, a reclaim would take this one for Labyrinth's.
 */
static bool refer_meanwhile(const struct lab_call *call)
{
	struct page *page = lab_frame_page(call->frame);

	if (!get_page_unless_zero(page))
		return false;
	if (likely(lab_frame_refs(call->frame) > LAB_REFS_EXCLUSIVE))
		return true;
	put_page(page);
	return false;
}

/* The page may have been let go meanwhile, and its mapping with it. */
static void end_mapping(const struct lab_call *call, bool won)
{
	if (won)
		lab_resident_end(call->owner, call->slot, call->tag);
	/* A full barrier. Pairs with the freeze by which the page is taken back. */
	put_page(lab_frame_page(call->frame));
}

/*
 * Takes the posted bit, in the turn in which the buffer was found.
 * Return: false if another call has given or put the buffer; else the word is left in @frag.
 */
static bool claim_frag(const struct lab_call *call, struct frag *frag)
{
	u64 seen = READ_ONCE(*frag->at), turn = frag->word & TURN_MASK;
	bool ends, won;

	while ((seen & TURN_MASK) == turn && seen & BIT_ULL(frag->index)) {
		frag->word = seen & ~BIT_ULL(frag->index);
		ends = is_done(frag->word) && look_at_page(call, frag) && refer_meanwhile(call);
		/* A full barrier. Pairs with the same of the call that settles the page. */
		won = try_cmpxchg(frag->at, &seen, frag->word);
		if (unlikely(ends))
			end_mapping(call, won);
		if (won)
			return true;
	}
	return false;
}

static int check_part(struct lab_call *call, size_t offset, size_t len)
{
	if (fits(lab_front_of(call->handle), offset, len))
		return 0;
	call->class = LAB_BAD_MAPPING;
	return -EINVAL;
}

static void sync_frag(const struct lab_call *call, const void *buf, size_t offset, size_t len,
		      bool for_cpu)
{
	lab_resident_sync_page(call->owner, call->slot, offset_in_page(buf) + offset, len, for_cpu);
}

/*
 * labyrinth_rx_read() and labyrinth_rx_again(), between lab_call_begin_rcu() and
 * lab_call_end_rcu().
 * Context: Where lab_may_lock() is true, and so the following. Return: 0 or an errno.
 */
int lab_frag_turn(struct lab_call *call, void *buf, size_t offset, size_t len, bool for_cpu)
{
	struct frag frag;
	int err = find_frag(call, buf, &frag) ?: check_part(call, offset, len);

	if (!err)
		sync_frag(call, buf, offset, len, for_cpu);
	return err;
}

/* All buffers of the LENT page are done. By now the page may have been taken back. */
static void settle_lent(struct lab_call *call)
{
	struct lab_cached page = { call->slot, call->frame };

	if (call->owner->front.rx.limit)
		lab_lend_queue(call->owner, page, call->ip);
}

/*
 * POSTED -> LENT, with the reference. An interrupt on this CPU that gives another buffer of the
 * page would wait for the thaw in vain, so there is none meanwhile.
 */
static int lend_first(struct lab_call *call)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = lab_call_freeze(call) ?: lab_lend_frozen(call);
	local_irq_restore(flags);
	return err;
}

/*
 * Whether a first give that failed with @err may do better, or fail for the right reason, when the
 * page is found again: unless a foreigner refers to the page. Also as a foreigner's reference shows
 * that of another give, which has made the page LENT; and with the count as it should be, or lower,
 * another call had the frame frozen, or put references back.
 */
static bool is_passing(const struct lab_call *call, int err)
{
	int refs = lab_frame_refs(call->frame);

	if (err != -EBUSY)
		return true;
	/* The guard has just refused the page's free: that lasts. */
	if (call->class != LAB_BUSY || (refs <= 0 && lab_frame_is_poisoned(call->frame)))
		return false;
	return refs <= LAB_REFS_EXCLUSIVE ||
	       lab_tag_state(READ_ONCE(call->slot->tag)) == LAB_LENT;
}

/*
 * Adds the stack's reference. The first give of a turn makes the page LENT. Two such calls may
 * race: one has the frame frozen, and the other finds the page LENT afterwards. Of two gives of the
 * same buffer, the second may come here when the page has left, and is anybody's, or nobody's: a
 * page without references gets none.
 * Return: 0; or -EAGAIN, find the page again; or an errno.
 */
static int add_reference(struct lab_call *call)
{
	int err;

	if (lab_tag_state(call->tag) == LAB_LENT) {
		if (unlikely(!get_page_unless_zero(lab_frame_page(call->frame))))
			return -EAGAIN;
		lab_step(call->op, lab_tag_pfn(call->tag), call->owner, call->ip);
		return 0;
	}
	err = lab_call_await(call) ?: lend_first(call);
	return err && is_passing(call, err) ? -EAGAIN : err;
}

/* Each of them waits for LAB_MOMENT_TRIES where another call has the frame frozen. */
#define REFER_ROUNDS	BIT(16)
/*
 * After so many, each time, the page may well have been freed behind Labyrinth's back. Nobody thaws
 * the count then.
 */
#define REFER_LOOK	BIT(12)

/* Of two gives of a buffer, the second may have found the page gone. */
static bool is_given_away(const struct lab_call *call)
{
	return call->slot && lab_call_is_given_away(call);
}

static int refer_to(struct lab_call *call, void *buf, struct frag *frag)
{
	unsigned long rounds = REFER_ROUNDS;
	int err;

	for (;;) {
		err = find_frag(call, buf, frag) ?: add_reference(call);
		if (likely(err != -EAGAIN))
			return err;
		if (!--rounds || (!(rounds % REFER_LOOK) && is_given_away(call)))
			break;
		/* Under a hypervisor, also lets the CPU run that has the frame frozen. */
		cpu_relax();
	}
	call->class = is_given_away(call) ? LAB_CORRUPT : LAB_BUSY;
	call->silent = true;
	return -EBUSY;
}

/* labyrinth_rx_give(). */
int lab_frag_give(struct lab_call *call, void *buf, size_t offset, size_t len)
{
	struct frag frag;
	int err = find_frag(call, buf, &frag) ?: check_part(call, offset, len);

	if (err)
		return err;
	sync_frag(call, buf, offset, len, true);
	err = refer_to(call, buf, &frag);
	if (err)
		return err;
	if (!claim_frag(call, &frag)) {
		put_page(lab_frame_page(call->frame));
		call->class = LAB_NOT_POSTED;
		return -EINVAL;
	}
	if (is_done(frag.word))
		settle_lent(call);
	return 0;
}

/*
 * labyrinth_rx_put().
 * Return: 0; 1 if all buffers of the page are done and none has been given: the caller puts the
 * page; or an errno.
 */
int lab_frag_put(struct lab_call *call, void *buf)
{
	struct frag frag;
	int err = find_frag(call, buf, &frag);

	if (err)
		return err;
	if (!claim_frag(call, &frag)) {
		call->class = LAB_NOT_POSTED;
		return -EINVAL;
	}
	/*
	 * From POSTED nobody else leads the tag on, but for a give that is about to fail, see
	 * lab_frag_settle().
	 */
	if (is_done(frag.word) && !frag.lent)
		return 1;
	lab_step(LAB_OP_RX_PUT, lab_tag_pfn(call->tag), call->owner, call->ip);
	if (is_done(frag.word))
		settle_lent(call);
	return 0;
}

/*
 * The caller has put the page, as lab_frag_put() said, with the result @err. A give of a buffer
 * that this call put may have led the tag to LENT meanwhile, and is about to fail: then the page
 * belongs on the queue, and no other call puts the page there.
 * Return: @err, or 0.
 */
int lab_frag_settle(struct lab_call *call, int err)
{
	if (!is_lent(call, err))
		return err;
	settle_lent(call);
	return 0;
}

/* The page is the borrowers' from now on, as the pages on the queue are soon. */
static void leave_lent(struct lab_owner *owner, struct lab_cached page, unsigned long ip)
{
	if (owner->front.rx.limit)
		lab_lend_queue(owner, page, ip);
	else
		lab_lend_let_go(owner, &page, ip);
}

/*
 * Ends the open page of an owner that goes: buffers that were never handed out are not missed.
 * Context: Task; may sleep. Nobody uses the owner's handle any more.
 */
void lab_frag_close(struct lab_owner *owner, unsigned long ip)
{
	struct lab_cached page = owner->front.rx.open;
	lab_tag_t tag;
	u64 *at;

	owner->front.rx.open.slot = NULL;
	if (!page.slot)
		return;
	at = lab_frags_at(page.slot);
	WRITE_ONCE(*at, *at & ~FRESH_MASK);
	tag = READ_ONCE(page.slot->tag);
	if (!is_done(*at))
		return;
	if (lab_tag_state(tag) == LAB_LENT) {
		leave_lent(owner, page, ip);
	} else if (cmpxchg(&page.slot->tag, tag, lab_tag_step(tag, LAB_CACHED)) == tag) {
		lab_owner_quota_give(owner, 1);
		lab_settle(owner, page.slot, ip);
	}
}
