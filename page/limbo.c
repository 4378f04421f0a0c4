// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a page leaves. The state owned here is the pages in limbo, and the worker
 * that looks every now and then whether they may go.
 *
 * Before a page goes to the page allocator, or is handed out again, its struct page is
 * looked over, since any stale pointer in the kernel may have been used on it:
 *
 * - References missing: somebody dropped what was not theirs. That freed nothing; they
 *   are put back, and reported.
 * - Words overwritten: put right, and reported.
 * - References too many: somebody refers to the page. It waits in limbo.
 * - Neither mark nor seal: the page has been through the page allocator, and is somebody
 *   else's. Nothing of its struct page is touched; the tag alone goes, and a report says so.
 * - Memory that has failed: the page goes to the page allocator, which puts it away.
 */
#define pr_fmt(fmt) "labyrinth: " fmt

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "core/note.h"
#include "core/owner.h"
#include "core/table.h"
#include "page/limbo.h"
#include "page/mapping.h"
#include "page/seal.h"
#include "report/report.h"
#include "report/trace.h"

#define LIMBO_POLL HZ

static void limbo_look(struct work_struct *work);

/* Pages in limbo. Where they are, the table knows: they are few, and rare. */
static atomic_long_t limbo_pages;

/* Protects the step out of limbo, which the worker and destroy may take. */
static DEFINE_MUTEX(limbo_lock);

static DECLARE_DELAYED_WORK(limbo_work, limbo_look);

static void limbo_kick(struct irq_work *kick)
{
	schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

/* From a context in which a work item may not be queued. */
static struct irq_work limbo_kick_work = IRQ_WORK_INIT(limbo_kick);

static void limbo_end(lab_tag_t tag)
{
	if (lab_tag_state(tag) == LAB_LIMBO)
		atomic_long_dec(&limbo_pages);
}

/* What a claimed frame was found to be like, for reports once it is let go. */
struct finding {
	lab_tag_t tag;
	int missing;			/* references that had been dropped */
	struct lab_damage damage;
};

static void report_finding(const struct lab_owner *owner, enum lab_op op,
			   const struct finding *finding, unsigned long ip)
{
	struct lab_refusal refusal = {
		.op = op,
		.tag = finding->tag,
		.note.refs = LAB_REFS_EXCLUSIVE - finding->missing,
		.caller = owner,
		.ip = ip,
	};

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

/* Claims @frame, ours, if nobody but the owner refers to it; notes what was missing. */
static bool claim(struct lab_frame *frame, struct finding *finding)
{
	finding->missing = 0;
	if (lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE))
		return true;
	finding->missing = lab_frame_freeze_short(frame);
	return finding->missing;
}

/*
 * The page has been through the page allocator and is somebody else's. The tag goes, and
 * nothing is left of the page here but the report.
 */
static void forget(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag,
		   enum lab_op op, unsigned long ip)
{
	lab_report_corrupt(op, owner, slot, tag, ip);
	if (!lab_table_remove(&labyrinth_hot.table, slot, tag))
		return;
	limbo_end(tag);
	lab_owner_account(owner, -1);
	if (lab_owner_is_sealed(owner))
		lab_seal_lose(lab_tag_pfn(tag));
}

/*
 * The page allocator was given a page of failed memory behind our back, and has put it
 * away: it has no reference any more, and nobody gets it. The tag goes.
 */
static bool bury(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	struct lab_frame *frame = lab_frame_of_tag(tag);

	if (!lab_frame_is_poisoned(frame) || lab_frame_refs(frame) ||
	    lab_tag_state(tag) != LAB_LIMBO)
		return false;
	lab_frame_clear(frame);
	if (lab_table_remove(&labyrinth_hot.table, slot, tag)) {
		limbo_end(tag);
		lab_owner_account(owner, -1);
	}
	return true;
}

/*
 * Takes the tag off a frame that is frozen and the caller's alone. The type goes first:
 * without a tag, memory that has it and no reference may go offline.
 */
static bool untag(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag,
		  const struct finding *finding)
{
	struct lab_frame *frame = lab_frame_of_tag(tag);
	u32 type = READ_ONCE(frame->type);

	lab_frame_clear_type(frame);
	if (!lab_table_remove(&labyrinth_hot.table, slot, tag)) {
		WRITE_ONCE(frame->type, type);
		lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE - finding->missing);
		return false;
	}
	lab_frame_clear(frame);
	lab_frame_thaw(frame, 1);
	limbo_end(tag);
	lab_owner_account(owner, -1);
	lab_step(LAB_OP_RETURN, lab_tag_pfn(tag), owner, _RET_IP_);
	return true;
}

/*
 * What the words of a page that leaves @state were last: of one that is in limbo they may
 * have been a borrower's, who may have them still.
 */
static enum lab_words words_of(enum lab_state state)
{
	return state == LAB_LENT || state == LAB_LIMBO ? LAB_WORDS_LENT : LAB_WORDS_OWNED;
}

static void look_over(struct finding *finding)
{
	struct lab_frame *frame = lab_frame_of_tag(finding->tag);
	enum lab_words words = words_of(lab_tag_state(finding->tag));

	/* In limbo, some pages have the type, and some have not. */
	if (words == LAB_WORDS_LENT)
		lab_frame_clear_type(frame);
	lab_frame_mend(frame, lab_tag_pfn(finding->tag), words, &finding->damage);
}

/*
 * @tag's page has just become LIMBO: it is looked at now and then.
 * Context: Any.
 */
void lab_limbo_add(struct lab_owner *owner, lab_tag_t tag)
{
	lab_step(LAB_OP_LIMBO, lab_tag_pfn(tag), owner, _RET_IP_);
	atomic_long_inc(&limbo_pages);
	irq_work_queue(&limbo_kick_work);
}

/*
 * @slot's page, with @tag, is put into limbo. Nobody else changes this tag but an owner
 * that breaks its promise. From its list, a CACHED page has a link where the site is.
 */
static void send_to_limbo(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag,
			  bool freed)
{
	int next = lab_transition(LAB_OP_LIMBO, lab_tag_state(tag));

	/* In limbo already, if it is no transition: it stays there. */
	if (next < 0)
		return;
	if (lab_tag_state(tag) == LAB_CACHED && !freed)
		WRITE_ONCE(slot->site, 0);
	/* In the upper half there may be a stack's handle, or what the page holds. */
	WRITE_ONCE(slot->when, lab_jiffies() | (freed ? LAB_LIMBO_UNTOLD : 0));
	if (cmpxchg(&slot->tag, tag, lab_tag_step(tag, next)) == tag)
		lab_limbo_add(owner, tag);
}

/*
 * The worker is to give the CACHED page back, which is the caller's alone and on no
 * list: its own context may not, or the page is not to be cached. Or, if it was @freed just
 * now by an owner to whom it was handed out, when nobody refers to it any more.
 * Context: Any.
 */
void lab_retire(struct lab_owner *owner, struct lab_slot *slot, bool freed)
{
	send_to_limbo(owner, slot, READ_ONCE(slot->tag), freed);
}

/*
 * Puts the CACHED page right that is about to be handed out, unless it is already. The page
 * is the caller's alone and on no list. False where it cannot be handed out: then it is on
 * its way elsewhere.
 * Context: Any.
 */
bool lab_vet(struct lab_owner *owner, struct lab_slot *slot, unsigned long ip)
{
	struct finding finding = { .tag = READ_ONCE(slot->tag) };
	struct lab_frame *frame = lab_frame_of_tag(finding.tag);

	if (likely(lab_is_ready(frame)))
		return true;
	if (!lab_frame_is_ours(frame)) {
		forget(owner, slot, finding.tag, LAB_OP_ALLOC, ip);
		return false;
	}
	if (lab_frame_is_poisoned(frame) || !claim(frame, &finding)) {
		lab_retire(owner, slot, false);
		return false;
	}
	look_over(&finding);
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE);
	report_finding(owner, LAB_OP_ALLOC, &finding, ip);
	return true;
}

/* As lab_leave(), of a page that has the owner's tag @finding->tag. */
static bool leave(struct lab_owner *owner, struct lab_slot *slot, struct finding *finding)
{
	struct lab_frame *frame = lab_frame_of_tag(finding->tag);

	if (!lab_frame_is_ours(frame)) {
		forget(owner, slot, finding->tag, LAB_OP_RETURN, _RET_IP_);
		return false;
	}
	if (bury(owner, slot, finding->tag))
		return false;
	if (!claim(frame, finding)) {
		send_to_limbo(owner, slot, finding->tag, false);
		return false;
	}
	look_over(finding);
	if (!untag(owner, slot, finding->tag, finding))
		return false;
	report_finding(owner, LAB_OP_RETURN, finding, _RET_IP_);
	return true;
}

/*
 * Makes @owner's page, whose tag stands in @slot, an ordinary one if nobody refers to it
 * any more, and else puts it into limbo. It is the caller's alone and on no list.
 * Context: Any.
 * Return: the page, with one reference, the caller's to free; or NULL.
 */
struct page *lab_leave(struct lab_owner *owner, struct lab_slot *slot)
{
	struct finding finding = { .tag = READ_ONCE(slot->tag) };
	lab_tag_t tag = finding.tag;

	if (!tag || lab_tag_owner(tag) != lab_owner_id(owner)) {
		lab_report_corrupt(LAB_OP_RETURN, owner, slot, tag, _RET_IP_);
		return NULL;
	}
	/* Pairs with the lock's release by who takes the last mapping off the list. */
	if (smp_load_acquire(&slot->mappings))
		return NULL;
	return leave(owner, slot, &finding) ? pfn_to_page(lab_tag_pfn(tag)) : NULL;
}

/*
 * As lab_leave(), and gives the page back to the system if it left.
 * Context: Task.
 */
void lab_settle(struct lab_owner *owner, struct lab_slot *slot)
{
	struct page *page = lab_leave(owner, slot);

	if (page && lab_owner_is_sealed(owner))
		lab_seal_put(page);
	else if (page)
		__free_page(page);
}

/*
 * Settles a page of @owner's that was in limbo, with @tag in @slot, if it still is.
 * Context: Task; may sleep.
 */
void lab_limbo_settle(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	mutex_lock(&limbo_lock);
	if (READ_ONCE(slot->tag) == tag)
		lab_settle(owner, slot);
	mutex_unlock(&limbo_lock);
}

/*
 * A page was freed while somebody referred to it, as the core does to every page now and
 * then for a moment. Whoever still does a second later is worth a report: once.
 */
static void tell_late(struct lab_owner *owner, struct lab_slot *slot, lab_tag_t tag)
{
	u64 when = READ_ONCE(slot->when);

	if (!(when & LAB_LIMBO_UNTOLD) || slot->mappings || READ_ONCE(slot->tag) != tag ||
	    lab_when_age_ms(when) < MSEC_PER_SEC)
		return;
	if (cmpxchg(&slot->when, when, when & ~LAB_LIMBO_UNTOLD) != when)
		return;
	lab_report(&(struct lab_refusal) {
		.class = LAB_BUSY,
		.op = LAB_OP_LIMBO,
		.tag = tag,
		.note = lab_page_note(slot, tag),
		.caller = owner,
		.ip = slot->site,
	});
}

static void limbo_look(struct work_struct *work)
{
	struct lab_owner *owner;
	struct lab_slot *slot;
	lab_tag_t tag;
	u64 index;

	lab_table_for_each(&labyrinth_hot.table, index, tag) {
		if (lab_tag_state(tag) != LAB_LIMBO)
			continue;
		owner = lab_owner_by_id(lab_tag_owner(tag));
		slot = &labyrinth_hot.table.slots[index];
		lab_limbo_settle(owner, slot, tag);
		tell_late(owner, slot, tag);
		lab_owner_put_slot(owner);
	}
	if (lab_limbo_count())
		schedule_delayed_work(&limbo_work, LIMBO_POLL);
}

long lab_limbo_count(void)
{
	return atomic_long_read(&limbo_pages);
}
EXPORT_SYMBOL_FOR_LAB_TEST(lab_limbo_count);

/*
 * The module goes while others still refer to a page: it becomes an ordinary
 * page that is theirs, and the last of them frees it. One that a device may still write to
 * keeps Labyrinth's references: nobody gets it any more.
 */
static void abandon(struct lab_slot *slot, lab_tag_t tag)
{
	struct lab_frame *frame = lab_frame_of_tag(tag);
	bool for_good = slot->mappings;

	lab_table_remove(&labyrinth_hot.table, slot, tag);
	if (!lab_frame_is_ours(frame))
		return;		/* given away behind our back; no more ours */
	lab_frame_unmark(frame);
	/* Of one that was never lent; a borrower's page has none. */
	if (PageOffline(lab_frame_page(frame)))
		lab_frame_clear_type(frame);
	if (for_good || lab_frame_refs(frame) < LAB_REFS_EXCLUSIVE)
		return;
	if (page_ref_sub_and_test(lab_frame_page(frame), LAB_REFS_EXCLUSIVE)) {
		/* The last borrower went just now: nobody else will free it. */
		page_ref_inc(lab_frame_page(frame));
		__free_page(lab_frame_page(frame));
	}
}

/*
 * Context: Task; may sleep. No owner is left, and no call comes any more.
 */
void lab_limbo_exit(void)
{
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
		abandon(&labyrinth_hot.table.slots[index], tag);
		nr++;
	}
	if (nr)
		pr_warn("%u pages are still referred to: they are ordinary pages now\n",
			nr);
}
