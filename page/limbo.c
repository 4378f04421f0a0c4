// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a page leaves Labyrinth. The state owned here is the list of the pages in limbo, and the
 * worker that looks every LIMBO_POLL whether a page may leave.
 *
 * The list is linked by slot numbers in lab_slot.when. Any context pushes a page onto limbo_new.
 * A pass over the list, under limbo_lock, moves these pages to limbo_first. Only a pass takes a
 * page out of limbo, so no slot of the list gets another tag before the slot is off the list.
 *
 * Before a page goes to the page allocator, or is handed out again, Labyrinth looks over the
 * struct page, since any stale pointer in the kernel may have been used on the page:
 *
 * - References missing: foreign code dropped references that only Labyrinth may drop. That
 *   freed nothing. The references are put back, and the loss is reported.
 * - Words overwritten: put right, and reported.
 * - References too many: somebody refers to the page. The page waits in limbo.
 * - Neither mark nor seal: the page has been through the page allocator, and has another user.
 *   Nothing of the struct page is touched; the tag alone goes, and a report says so.
 * - On a list of the core's, by way of a file into which a borrower had put the page: the core's
 *   last put_page() frees the page.
 * - Memory that has failed: the page goes to the page allocator, which puts the page away.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "core/note.h"
#include "core/owner.h"
#include "core/table.h"
#include "page/heal.h"
#include "page/hunt.h"
#include "page/limbo.h"
#include "page/mapping.h"
#include "page/resident.h"
#include "page/seal.h"
#include "report/census.h"
#include "report/holders.h"
#include "report/report.h"
#include "report/trace.h"

#define LIMBO_POLL HZ

#define LIMBO_NEXT_MASK	GENMASK_ULL(LAB_LIMBO_NEXT_BITS - 1, 0)

#define LIMBO_FILTER_BITS 10

static void limbo_look(struct work_struct *work);

atomic_long_t lab_limbo_pages;
EXPORT_SYMBOL_FOR_LAB_TEST(lab_limbo_pages);

/* How many pages in limbo have frame numbers with this hash: see lab_limbo_may_have(). */
static atomic_t limbo_filter[1U << LIMBO_FILTER_BITS];

/* The page that came to limbo last, by the slot's number plus 1; 0: none since the last pass. */
static u32 limbo_new;

/*
 * Protects limbo_first, the links of the pages on that list, and the step out of limbo.
 * owners_lock, census_lock, seal_lock and map_lock nest in limbo_lock.
 */
static DEFINE_MUTEX(limbo_lock);
static u32 limbo_first;

static DECLARE_DELAYED_WORK(limbo_work, limbo_look);

static void limbo_kick(struct irq_work *kick)
{
	schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

/* From a context in which a work item may not be queued. */
static struct irq_work limbo_kick_work = IRQ_WORK_INIT_HARD(limbo_kick);

static atomic_t *filter_of(unsigned long pfn)
{
	return &limbo_filter[hash_long(pfn, LIMBO_FILTER_BITS)];
}

/* The faults found on a claimed frame, to be reported after the frame is thawed. */
struct finding {
	lab_tag_t tag;
	struct lab_page_note note;	/* if a fault was found: taken before the page left */
	int missing;			/* how many references had been dropped */
	bool gone;			/* the tag was removed */
	struct lab_damage damage;
};

/* Leaves the note alone, which is large: most pages that leave have no fault. */
static void begin_finding(struct finding *finding, lab_tag_t tag)
{
	finding->tag = tag;
	finding->missing = 0;
	finding->gone = false;
	finding->damage = (struct lab_damage) {};
}

static bool has_fault(const struct finding *finding)
{
	return unlikely(finding->missing || finding->damage.word);
}

static noinline void report_fault(const struct lab_owner *owner, enum lab_op op,
				  const struct finding *finding, unsigned long ip)
{
	struct lab_refusal refusal = {
		.op = op,
		.tag = finding->tag,
		.note = finding->note,
		.caller = owner,
		.ip = ip,
	};

	refusal.note.refs = LAB_REFS_EXCLUSIVE - finding->missing;
	if (finding->missing) {
		refusal.class = LAB_LOST_REFERENCE;
		lab_report(&refusal);
	}
	if (finding->damage.word) {
		refusal.class = LAB_OVERWRITTEN;
		refusal.damage = &finding->damage;
		lab_report(&refusal);
	}
}

static void report_finding(const struct lab_owner *owner, enum lab_op op,
			   const struct finding *finding, unsigned long ip)
{
	if (has_fault(finding))
		report_fault(owner, op, finding, ip);
}

/*
 * Claims @frame, Labyrinth's, if nobody but the owner refers to the page. Notes in @finding how
 * many references were missing.
 */
static bool claim_frame(struct lab_frame *frame, struct finding *finding)
{
	finding->missing = 0;
	if (lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE))
		return true;
	finding->missing = lab_frame_freeze_short(frame);
	return finding->missing;
}

/*
 * Removes the tag @finding->tag of @owner's page. With @lost, the page is not the caller's but
 * somebody else's: then a sealed page must be reached by the direct map again. False if another
 * call changed the tag first.
 */
static bool remove_tag(struct lab_owner *owner, struct lab_slot *slot,
		       struct finding *finding, bool lost)
{
	unsigned long pfn = lab_tag_pfn(finding->tag);
	u64 dma = lab_resident_of(owner, slot);

	if (!lab_table_remove(&labyrinth_hot.table, slot, finding->tag))
		return false;
	finding->gone = true;
	lab_resident_unmap(owner, dma);
	if (lab_tag_state(finding->tag) == LAB_LIMBO) {
		atomic_dec(filter_of(pfn));
		atomic_long_dec(&lab_limbo_pages);
	}
	if (lost && lab_owner_is_sealed(owner))
		lab_seal_lose(pfn);
	/* Last: the owner's slot may get a new owner. */
	lab_owner_lose(owner, slot);
	return true;
}

/*
 * The page has been through the page allocator and has another user: reports that, and removes
 * the tag. Nothing of the struct page is touched.
 */
static void forget_page(struct lab_owner *owner, struct lab_slot *slot,
			struct finding *finding, enum lab_op op, unsigned long ip)
{
	lab_report_corrupt(op, owner, slot, finding->tag, ip);
	remove_tag(owner, slot, finding, true);
}

/*
 * Ends limbo for a page of failed memory that got to the page allocator behind Labyrinth's
 * back. The allocator has put the page away: no reference is left, and nobody gets the page.
 * Removes the tag. False if the page is no such page.
 */
static bool bury_page(struct lab_owner *owner, struct lab_slot *slot, struct finding *finding)
{
	if (lab_tag_state(finding->tag) != LAB_LIMBO || !lab_heal_is_put_away(slot))
		return false;
	lab_frame_clear(lab_frame_of_tag(finding->tag));
	remove_tag(owner, slot, finding, true);
	return true;
}

/*
 * Takes the tag off a frozen frame that is the caller's alone. The type goes first: memory with
 * the type and without a reference may go offline, and only a tag keeps such memory online.
 */
static bool untag_page(struct lab_owner *owner, struct lab_slot *slot,
		       struct finding *finding)
{
	struct lab_frame *frame = lab_frame_of_tag(finding->tag);
	u32 type = READ_ONCE(frame->type);

	lab_frame_clear_type(frame);
	if (!remove_tag(owner, slot, finding, false)) {
		WRITE_ONCE(frame->type, type);
		lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE - finding->missing);
		return false;
	}
	lab_frame_clear(frame);
	lab_frame_thaw(frame, 1);
	if (lab_tag_state(finding->tag) == LAB_CACHED)
		lab_step_cached(LAB_OP_RETURN, lab_tag_pfn(finding->tag), owner, _RET_IP_);
	else
		lab_step(LAB_OP_RETURN, lab_tag_pfn(finding->tag), owner, _RET_IP_);
	return true;
}

/*
 * Which code could write the words of struct page until the page leaves @state. A page in limbo
 * may have been lent, and a borrower may still write.
 */
static enum lab_words words_of(enum lab_state state)
{
	return state == LAB_LENT || state == LAB_LIMBO ? LAB_WORDS_LENT : LAB_WORDS_OWNED;
}

static void look_over_frame(struct lab_slot *slot, struct finding *finding)
{
	struct lab_frame *frame = lab_frame_of_tag(finding->tag);
	enum lab_words words = words_of(lab_tag_state(finding->tag));

	/* In limbo, some pages have the type, and some have not. */
	if (words == LAB_WORDS_LENT)
		lab_frame_clear_type(frame);
	lab_frame_mend(frame, lab_tag_pfn(finding->tag), words, &finding->damage);
	if (has_fault(finding))
		finding->note = lab_page_note(slot, finding->tag);
}

/*
 * Leaves the page, whose frame is frozen, to the core, which takes the page off its lists before it
 * frees the page: see lab_frame_is_listed(). Borrowers have no reference left.
 */
static bool leave_to_core(struct lab_owner *owner, struct lab_slot *slot,
			  struct finding *finding)
{
	struct lab_frame *frame = lab_frame_of_tag(finding->tag);

	lab_frame_clear_type(frame);
	lab_frame_mend_lent(frame, lab_tag_pfn(finding->tag), &finding->damage);
	if (has_fault(finding))
		finding->note = lab_page_note(slot, finding->tag);
	if (!remove_tag(owner, slot, finding, true)) {
		lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE - finding->missing);
		return false;
	}
	lab_frame_unmark(frame);
	lab_frame_thaw(frame, 1);
	lab_step(LAB_OP_RETURN, lab_tag_pfn(finding->tag), owner, _RET_IP_);
	put_page(lab_frame_page(frame));
	return true;
}

/* Whether borrowers had the page until now. In limbo no other code writes the note. */
static bool was_lent(const struct lab_slot *slot, lab_tag_t tag)
{
	return lab_tag_state(tag) == LAB_LENT ||
	       (lab_tag_state(tag) == LAB_LIMBO && READ_ONCE(slot->when) & LAB_LIMBO_LENT);
}

static struct lab_slot *slot_at(u32 link)
{
	return &labyrinth_hot.table.slots[link - 1];
}

static u32 next_of(const struct lab_slot *slot)
{
	return READ_ONCE(slot->when) >> LAB_LIMBO_NEXT_SHIFT & LIMBO_NEXT_MASK;
}

/* Of a page that the caller is about to push, or that is on limbo_first: nobody else writes. */
static void set_next(struct lab_slot *slot, u32 next)
{
	u64 when = READ_ONCE(slot->when) & ~(LIMBO_NEXT_MASK << LAB_LIMBO_NEXT_SHIFT);

	WRITE_ONCE(slot->when, when | (u64)next << LAB_LIMBO_NEXT_SHIFT);
}

static void push_new(struct lab_slot *slot)
{
	u32 link = slot - labyrinth_hot.table.slots + 1;
	u32 old = READ_ONCE(limbo_new), seen;

	do {
		seen = old;
		set_next(slot, seen);
		/* A full barrier. Pairs with the exchange in settle_new(), which sees the link. */
		old = cmpxchg(&limbo_new, seen, link);
	} while (unlikely(old != seen));
}

/*
 * The page of @tag in @slot has just become LIMBO: from now on a pass may take the page out.
 * Context: Any.
 */
void lab_limbo_add(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	unsigned long pfn = lab_tag_pfn(tag);

	lab_step(LAB_OP_LIMBO, pfn, owner, _RET_IP_);
	atomic_inc(filter_of(pfn));
	atomic_long_inc(&lab_limbo_pages);
	push_new(slot);
	irq_work_queue(&limbo_kick_work);
}

/* What lab_slot.when says in limbo of the page's way there. */
static u64 limbo_marks(enum lab_state state, bool freed)
{
	if (freed)
		return LAB_LIMBO_UNTOLD | LAB_LIMBO_FREED;
	return state == LAB_LENT ? LAB_LIMBO_LENT : 0;
}

/*
 * Puts the page of @tag in @slot into limbo. No other code changes the tag meanwhile, but for
 * LAB_TAG_THIN, unless an owner's user breaks the promise of LABYRINTH_OWNER_SINGLE. A CACHED page
 * that was not just @freed comes from a list, so the word of the site holds a link.
 */
static void send_to_limbo(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag,
			  bool freed)
{
	int next = lab_transition(LAB_OP_LIMBO, lab_tag_state(tag));
	lab_tag_t seen = tag;

	/* No transition: the page is in limbo already, and stays there. */
	if (next < 0)
		return;
	if (lab_tag_state(tag) == LAB_CACHED && !freed)
		WRITE_ONCE(slot->site, 0);
	/* Also clears the link: a stack's handle, or the note of a cached page's content. */
	WRITE_ONCE(slot->when, (lab_jiffies() & LAB_LIMBO_TIME_MASK) |
		   limbo_marks(lab_tag_state(tag), freed));
	/* The end of a hunt gives spare references back, whatever becomes of the page. */
	while (!try_cmpxchg(&slot->tag, &seen, lab_tag_step(seen, next)))
		if ((seen ^ tag) & ~LAB_TAG_THIN)
			return;
	lab_limbo_add(owner, slot, tag);
}

/*
 * Puts a CACHED page that is on no list and the caller's alone into limbo; the worker gives the
 * page back later. For a context that may not use the page allocator, and for a page that may
 * not be cached. With @freed: the owner just freed the page while somebody referred to the
 * page, and the worker waits until nobody does.
 * Context: Any.
 */
void lab_retire(struct lab_owner *owner, struct lab_slot *slot, bool freed)
{
	send_to_limbo(owner, slot, READ_ONCE(slot->tag), freed);
}

/*
 * Makes a CACHED page fit to be handed out: puts right the words of struct page and the
 * references, unless the page is fit already. The page is on no list and the caller's alone.
 * A page that has another user, and is mapped, leaves by limbo, where its mapping can be ended.
 * False if the page cannot be handed out: then limbo or another user has the page.
 * Context: Any.
 */
bool lab_vet(struct lab_owner *owner, struct lab_slot *slot, unsigned long ip)
{
	lab_tag_t tag = READ_ONCE(slot->tag);
	struct lab_frame *frame = lab_frame_of_tag(tag);
	struct finding finding;

	if (likely(lab_is_ready(frame)))
		return true;
	if (!lab_frame_is_ours(frame) && !lab_owner_is_dma(owner)) {
		begin_finding(&finding, tag);
		forget_page(owner, slot, &finding, LAB_OP_ALLOC, ip);
		return false;
	}
	begin_finding(&finding, tag);
	if (!lab_frame_is_ours(frame) || lab_frame_is_poisoned(frame) ||
	    !claim_frame(frame, &finding)) {
		lab_retire(owner, slot, false);
		return false;
	}
	look_over_frame(slot, &finding);
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE);
	report_finding(owner, LAB_OP_ALLOC, &finding, ip);
	return true;
}

/* As lab_leave(), of a page that has the owner's tag @finding->tag. */
static bool leave_owner(struct lab_owner *owner, struct lab_slot *slot, struct finding *finding,
			unsigned long ip)
{
	struct lab_frame *frame = lab_frame_of_tag(finding->tag);

	if (!lab_frame_is_ours(frame)) {
		forget_page(owner, slot, finding, LAB_OP_RETURN, ip);
		return false;
	}
	if (bury_page(owner, slot, finding))
		return false;
	if (finding->tag & LAB_TAG_THIN || !claim_frame(frame, finding)) {
		send_to_limbo(owner, slot, finding->tag, false);
		return false;
	}
	if (unlikely(lab_frame_is_listed(frame)) && was_lent(slot, finding->tag)) {
		if (leave_to_core(owner, slot, finding))
			report_finding(owner, LAB_OP_RETURN, finding, ip);
		return false;
	}
	look_over_frame(slot, finding);
	if (!untag_page(owner, slot, finding))
		return false;
	report_finding(owner, LAB_OP_RETURN, finding, ip);
	return true;
}

/* As lab_leave(), and says in @finding whether the tag is gone. */
static struct page *leave(struct lab_owner *owner, struct lab_slot *slot,
			  struct finding *finding, unsigned long ip)
{
	/* Pairs with lab_mapping_retire(): a page that came mapped has a list by then. */
	lab_tag_t tag = smp_load_acquire(&slot->tag);

	begin_finding(finding, tag);
	if (!tag || lab_tag_owner(tag) != lab_owner_id(owner)) {
		lab_report_corrupt(LAB_OP_RETURN, owner, slot, tag, ip);
		return NULL;
	}
	/* Pairs with unlink_mapping(): the list is done with after the last mapping. */
	if (lab_slot_list(smp_load_acquire(&slot->last)))
		return NULL;
	tag = lab_hunt_thick(slot, tag);
	finding->tag = tag;
	return leave_owner(owner, slot, finding, ip) ? pfn_to_page(lab_tag_pfn(tag)) : NULL;
}

/*
 * Makes @owner's page in @slot an ordinary page if nobody else refers to the page, otherwise
 * puts the page into limbo. The page is on no list and the caller's alone. Faults found are
 * reported with the call site @ip.
 * Context: Any.
 * Return: the page, with a single reference, the caller's to free; or NULL.
 */
struct page *lab_leave(struct lab_owner *owner, struct lab_slot *slot, unsigned long ip)
{
	struct finding finding;

	return leave(owner, slot, &finding, ip);
}

/* Context: Task. */
static void give_back(struct page *page, bool sealed)
{
	if (page && sealed)
		lab_seal_put(page);
	else if (page)
		__free_page(page);
}

/*
 * As lab_leave(), and gives a page that left back to the system.
 * Context: Task.
 */
void lab_settle(struct lab_owner *owner, struct lab_slot *slot, unsigned long ip)
{
	/* Before the page leaves: with the last page, a dead owner's slot may get a new owner. */
	bool sealed = lab_owner_is_sealed(owner);

	give_back(lab_leave(owner, slot, ip), sealed);
}

/*
 * @owner is about to go, and its device with it: ends the mappings of all pages that stay
 * behind in limbo. The worker of limbo finds no mapping to end after that.
 * Context: Task; may sleep.
 */
void lab_limbo_unmap(struct lab_owner *owner)
{
	lab_tag_t tag;
	u64 index;

	if (!lab_owner_is_dma(owner))
		return;
	mutex_lock(&limbo_lock);
	lab_owner_for_each(owner, index, tag)
		lab_resident_end(owner, &labyrinth_hot.table.slots[index], tag);
	mutex_unlock(&limbo_lock);
}

/*
 * Reports a page to which somebody still refers a second after the free: once. A shorter
 * reference is no fault, since the core refers to every page now and then for a moment.
 */
static void report_late(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	u64 when = READ_ONCE(slot->when);

	if (!(when & LAB_LIMBO_UNTOLD) || lab_slot_list(READ_ONCE(slot->last)) ||
	    lab_when_age_ms(when) < MSEC_PER_SEC)
		return;
	WRITE_ONCE(slot->when, when & ~LAB_LIMBO_UNTOLD);
	lab_report(&(struct lab_refusal) {
		.class = LAB_BUSY,
		.op = LAB_OP_LIMBO,
		.tag = tag,
		.note = lab_page_note(slot, tag),
		.caller = owner,
		.ip = slot->site,
	});
	lab_holders_ask(lab_tag_pfn(tag));
}

/* How many pages of an owner's are named, by frame number, at a time. */
#define ASKED_AT_ONCE	16

/* The owner whose lasting pages this pass reports. Under limbo_lock. */
static struct {
	const struct lab_owner *owner;
	unsigned int nr;
	unsigned long quiet_until;
} lasting;

/*
 * Notes a page that has been in limbo for longer than patience=, once. One owner's pages are
 * reported in a pass; the pages of other owners wait for a later pass.
 */
static void note_lasting(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	u64 when = READ_ONCE(slot->when);

	if (when & LAB_LIMBO_LASTS ||
	    !lab_holders_patience_over(lab_when_age_ms(when)))
		return;
	if ((lasting.owner && lasting.owner != owner) ||
	    time_before(jiffies, lasting.quiet_until))
		return;
	WRITE_ONCE(slot->when, when | LAB_LIMBO_LASTS);
	lasting.owner = owner;
	if (!lab_slot_list(READ_ONCE(slot->last)) && lasting.nr++ < ASKED_AT_ONCE)
		lab_holders_ask(lab_tag_pfn(tag));
}

/* Pages of which the worker can only repeat the same are left alone for a while. */
static void report_lasting(void)
{
	if (!lasting.owner)
		return;
	lab_census_limbo(lasting.owner);
	lasting.owner = NULL;
	lasting.nr = 0;
	lasting.quiet_until = jiffies + 10 * LIMBO_POLL;
}

/* Takes the page in @slot, on the list, out of limbo if the page may leave. False if it stays. */
static bool settle_listed(struct lab_slot *slot)
{
	struct lab_owner *owner = lab_owner_by_id(lab_tag_owner(READ_ONCE(slot->tag)));
	bool sealed = lab_owner_is_sealed(owner);
	struct finding finding = {};
	struct page *page;

	lockdep_assert_held(&limbo_lock);
	/* As in report_late(), the report names the call site that allocated the page. */
	page = leave(owner, slot, &finding, READ_ONCE(slot->site) ?: _THIS_IP_);
	give_back(page, sealed);
	if (finding.gone) {
		lab_owner_put_slot(owner);
		return true;
	}
	report_late(owner, slot, finding.tag);
	note_lasting(owner, slot, finding.tag);
	return false;
}

/*
 * A pass over the list that begins at *@first, which leads behind the pages that left.
 * Return: the last page that stays, or NULL.
 */
static struct lab_slot *settle_list(u32 *first)
{
	struct lab_slot *last = NULL;
	u32 link = *first;

	while (link) {
		struct lab_slot *slot = slot_at(link);

		/* Before the page leaves: then the slot may get another tag. */
		link = next_of(slot);
		if (!settle_listed(slot))
			last = slot;
		else if (last)
			set_next(last, link);
		else
			*first = link;
		cond_resched();
	}
	return last;
}

static void settle_new(void)
{
	/* A full barrier. Pairs with push_new(). */
	u32 first = xchg(&limbo_new, 0);
	struct lab_slot *last = settle_list(&first);

	if (last) {
		set_next(last, limbo_first);
		limbo_first = first;
	}
}

/*
 * Takes those pages out of limbo that came since the last pass and may leave.
 * Context: Task; may sleep.
 */
void lab_limbo_settle_new(void)
{
	mutex_lock(&limbo_lock);
	settle_new();
	/* The owner noted may be gone, and the owner's slot free, before the next pass. */
	report_lasting();
	mutex_unlock(&limbo_lock);
}

/* Only a pass changes the tag of a page on the list, and limbo_lock keeps passes away. */
static void bequeath_page(struct lab_owner *owner, struct lab_slot *slot, struct lab_owner *heir)
{
	lab_tag_t tag = READ_ONCE(slot->tag);
	lab_tag_t next = (tag & ~LAB_OWNER_MASK) | lab_tag_make(0, lab_owner_id(heir), LAB_ABSENT);

	lockdep_assert_held(&limbo_lock);
	lab_owner_gain(heir, slot);
	/*
	 * A full barrier. Pairs as in lab_call_commit(). Fails only for lab_hunt_forget(), and then
	 * the page stays @owner's.
	 */
	lab_owner_lose(cmpxchg(&slot->tag, tag, next) == tag ? owner : heir, slot);
}

/* Whether a record of the owner's is on the list of the page, which is in limbo: a look. */
static bool has_record(const struct lab_slot *slot)
{
	const struct lab_mapping *first = lab_slot_list(READ_ONCE(slot->last));

	return first && first != &lab_mapping_kept;
}

/*
 * @owner is gone, and pages of the owner's are left in limbo. If another owner of the same name is
 * gone and has pages in limbo, the pages go to that owner: so the owners of a name that come and
 * go hold a single slot. The records of a page that is mapped lead to the owner, and such a page
 * stays. A page that a device may still write to has no such record.
 * Context: Task; may sleep.
 */
void lab_limbo_bequeath(struct lab_owner *owner)
{
	struct lab_owner *heir;
	struct lab_slot *slot;
	u32 link;

	mutex_lock(&limbo_lock);
	lab_owners_lock();
	heir = lab_owner_find_heir(owner);
	for (link = heir ? limbo_first : 0; link; link = next_of(slot)) {
		slot = slot_at(link);
		if (lab_tag_owner(READ_ONCE(slot->tag)) == lab_owner_id(owner) &&
		    !has_record(slot))
			bequeath_page(owner, slot, heir);
		cond_resched();
	}
	lab_owners_unlock();
	mutex_unlock(&limbo_lock);
}

static void limbo_look(struct work_struct *work)
{
	mutex_lock(&limbo_lock);
	settle_list(&limbo_first);
	settle_new();
	report_lasting();
	mutex_unlock(&limbo_lock);
	if (lab_limbo_count())
		schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

/* lab_limbo_may_have(), while there are pages in limbo. Context: Any. */
bool lab_limbo_filter_has(unsigned long pfn)
{
	return atomic_read(filter_of(pfn));
}

/*
 * Labyrinth is unloaded while borrowers still refer to the page. Makes the page an ordinary
 * page of the borrowers, with the words of struct page put right; the last put_page() frees the
 * page. A page to which a device may still write keeps Labyrinth's references, so nobody gets
 * the page any more.
 */
static void abandon(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	struct finding finding = { .tag = tag };
	struct lab_frame *frame = lab_frame_of_tag(tag);
	bool for_good = lab_slot_list(READ_ONCE(slot->last));

	tag = lab_hunt_thick(slot, tag);
	finding.tag = tag;
	lab_table_remove(&labyrinth_hot.table, slot, tag);
	lab_owner_lose(owner, slot);
	if (!lab_frame_is_ours(frame))
		return;		/* given away behind Labyrinth's back */
	/* Only a page that was never lent has the type. */
	if (PageOffline(lab_frame_page(frame)))
		lab_frame_clear_type(frame);
	/* The core follows a tail's mark in any page, also in a page that nobody gets any more. */
	lab_frame_mend_lent(frame, lab_tag_pfn(tag), &finding.damage);
	lab_frame_unmark(frame);
	report_finding(owner, LAB_OP_LIMBO, &finding, _RET_IP_);
	if (for_good || lab_frame_refs(frame) < LAB_REFS_EXCLUSIVE)
		return;
	/* If the last borrower went just now, frees the page, and takes it off the core's lists. */
	page_ref_sub(lab_frame_page(frame), LAB_REFS_EXCLUSIVE - 1);
	put_page(lab_frame_page(frame));
}

/*
 * Context: Task; may sleep. No owner is left, and no call comes any more.
 */
void lab_limbo_exit(void)
{
	struct lab_owner *owner;
	unsigned int nr = 0;
	lab_tag_t tag;
	u64 index;

	irq_work_sync(&limbo_kick_work);
	cancel_delayed_work_sync(&limbo_work);
	limbo_look(NULL);
	cancel_delayed_work_sync(&limbo_work);
	/* Whoever has such a page reaches it by the direct map again, before it is theirs. */
	lab_seal_stop();
	lab_table_for_each(&labyrinth_hot.table, index, tag) {
		owner = lab_owner_by_id(lab_tag_owner(tag));
		abandon(owner, &labyrinth_hot.table.slots[index], tag);
		lab_owner_put_slot(owner);
		nr++;
	}
	if (nr)
		pr_warn("%u pages are still referred to: they are ordinary pages now\n",
			nr);
}
