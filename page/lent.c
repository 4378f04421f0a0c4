// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of the pages that an owner has lent, oldest first: mostly the order in which the
 * pages come back. The state owned here is the ring in struct lab_rx, which the inline calls of
 * a SINGLE owner's user also change. map_lock protects the ring of any other owner.
 *
 * An entry is a hint. The owner may take a page back by labyrinth_reclaim(), and lend it again:
 * then the page has two entries. So whoever pops an entry looks at the tag.
 */
#include <linux/log2.h>
#include <linux/mm.h>

#include "page/hunt.h"
#include "page/lent.h"

/*
 * Makes a queue for @limit pages; none for 0.
 * Context: Task; may sleep. Return: 0, -ENOMEM, or -ENOSPC for more than the table can hold.
 */
int lab_lent_init(struct lab_owner *owner, unsigned int limit)
{
	struct lab_rx *rx = &owner->front.rx;
	unsigned long entries;

	*rx = (struct lab_rx) { .handle = rx->handle, .frag_handle = rx->frag_handle };
	if (!limit)
		return 0;
	if (limit > labyrinth_hot.table.capacity)
		return -ENOSPC;
	entries = roundup_pow_of_two(limit);
	rx->lent = kvcalloc(entries, sizeof(*rx->lent), GFP_KERNEL);
	if (!rx->lent)
		return -ENOMEM;
	rx->mask = entries - 1;
	rx->limit = limit;
	return 0;
}

/* Context: Task. Nobody uses the owner's handle any more. */
void lab_lent_exit(struct lab_owner *owner)
{
	kvfree(owner->front.rx.lent);
	owner->front.rx.lent = NULL;
	owner->front.rx.limit = 0;
}

/* Under the lock. */
static bool pop(struct lab_rx *rx, struct lab_cached *oldest)
{
	if (rx->head == rx->tail)
		return false;
	*oldest = rx->lent[rx->tail & rx->mask];
	WRITE_ONCE(rx->tail, rx->tail + 1);
	return true;
}

/* Under the lock; the queue has room. */
static void push(struct lab_rx *rx, struct lab_cached page)
{
	rx->lent[rx->head & rx->mask] = page;
	WRITE_ONCE(rx->head, rx->head + 1);
}

/*
 * Puts @page, just lent, at the end. If the queue is full, the oldest page leaves the queue,
 * for the caller to let go of; where @oldest is NULL, @page stays off the queue instead.
 * Context: Any but NMI. Return: whether @oldest is such a page.
 */
bool lab_lent_push(struct lab_owner *owner, struct lab_cached page, struct lab_cached *oldest)
{
	struct lab_rx *rx = &owner->front.rx;
	unsigned long flags;
	bool full;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	full = rx->head - rx->tail >= rx->limit;
	if (full && oldest)
		pop(rx, oldest);
	if (!full || oldest)
		push(rx, page);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return full && oldest;
}

/*
 * Whether a borrower has the page of @lent: a look. Without the page's tag in the slot, the page
 * has left, and the memory may be gone.
 */
bool lab_lent_is_out(const struct lab_cached *lent)
{
	unsigned long pfn = page_to_pfn(lab_frame_page(lent->frame));
	lab_tag_t tag = READ_ONCE(lent->slot->tag);
	int own = tag & LAB_TAG_THIN ? LAB_REFS_THIN : LAB_REFS_EXCLUSIVE;

	return lab_tag_state(tag) == LAB_LENT && lab_tag_pfn(tag) == pfn &&
	       lab_frame_refs(lent->frame) > own;
}

/*
 * Takes the oldest page off the queue. A page in the hands of a borrower goes to the end, and sets
 * @out; under one hold of the lock, as another page might take the room.
 * Context: Any but NMI. Return: false if the queue is empty.
 */
bool lab_lent_turn(struct lab_owner *owner, struct lab_cached *oldest, bool *out)
{
	struct lab_rx *rx = &owner->front.rx;
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	found = pop(rx, oldest);
	*out = found && lab_lent_is_out(oldest);
	if (*out)
		push(rx, *oldest);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return found;
}

/* Takes the oldest page off the queue. Context: Any but NMI. Return: false if there is none. */
bool lab_lent_pop(struct lab_owner *owner, struct lab_cached *oldest)
{
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&owner->map_lock, flags);
	found = pop(&owner->front.rx, oldest);
	raw_spin_unlock_irqrestore(&owner->map_lock, flags);
	return found;
}
