// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers that are parts of pages, of owners that all actors use. A buffer is taken by an
 * actor, and given or put by another, on whatever CPU and in whatever context: of a page, some
 * buffers are then with the device, and others with borrowers, who are others again. Each buffer
 * carries a mark from the moment when the device would write to it until the last who has the
 * buffer is done. So a page that came back before all its buffers had would be seen: a buffer would
 * be handed out while somebody has it.
 *
 * Who has a posted buffer of a page knows that the page is in this turn still (page/frag.c), and so
 * knows the errno of each wrong call, whatever the others do meanwhile.
 *
 * frags_own.c has the buffers of an owner that a single actor uses, which are known exactly.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>

#include "torture.h"

#define FRAG_CELLS	16U

static const struct ring {
	const char *name;
	unsigned int parts;	/* of a page */
	unsigned int lent;
} rings[] = {
	{ "halves", 2, 8 },
	{ "quarters", 4, 4 },
	{ "sixteenths", 16, 4 },
};

static struct labyrinth_owner *handles[ARRAY_SIZE(rings)];

/* Buffers on the way from actor to actor. A cell is never NULL, but its buffer may be no buffer. */
static struct tort_frag *posted[FRAG_CELLS], *lent[FRAG_CELLS];
static struct tort_frag cells[2 * FRAG_CELLS];

/* Makes an owner of buffers, @parts to a page. Context: Task; may sleep. */
struct labyrinth_owner *tort_frags_create(const char *name, unsigned long flags,
					  unsigned int parts, unsigned int lent)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .dev = tort_device(),
		.flags = LABYRINTH_OWNER_DMA | flags, .dma_dir = DMA_FROM_DEVICE,
		.lent = lent, .frag_size = PAGE_SIZE / parts,
	});
}

/* Context: Task; may sleep. Return: 0, or as labyrinth_owner_create(). */
int tort_frags_begin(void)
{
	unsigned int i;

	for (i = 0; i < FRAG_CELLS; i++) {
		posted[i] = &cells[2 * i];
		lent[i] = &cells[2 * i + 1];
	}
	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		handles[i] = tort_frags_create(rings[i].name, 0, rings[i].parts,
					       tort_queue(rings[i].lent));
		if (IS_ERR(handles[i]))
			return PTR_ERR(handles[i]);
	}
	return 0;
}

static void *page_of(const void *buf)
{
	return (void *)((unsigned long)buf & PAGE_MASK);
}

/* The mark that a buffer carries at both ends. */
struct mark {
	u32 generation;
	u32 size;
	const void *buf;
};

static struct mark mark_of(const struct tort_frag *f)
{
	return (struct mark) { .generation = f->generation, .size = f->size, .buf = f->buf };
}

static void places_of(const struct tort_frag *f, struct mark *places[2])
{
	places[0] = f->buf;
	places[1] = f->buf + f->size - sizeof(struct mark);
}

/*
 * Writes the buffer's mark, as the device would: not where @dma is elsewhere than the buffer, a
 * bounce buffer, say.
 */
static void mark(struct tort_actor *a, struct tort_frag *f, dma_addr_t dma)
{
	struct mark *places[2];

	f->marked = dma == virt_to_phys(f->buf);
	if (!f->marked)
		return;
	f->generation = ++a->generation << 8 | (u8)a->id;
	places_of(f, places);
	*places[0] = mark_of(f);
	*places[1] = mark_of(f);
}

static void check_mark(struct tort_actor *a, const struct tort_frag *f, const char *when)
{
	struct mark wanted = mark_of(f), *places[2];
	int i;

	if (!f->marked)
		return;
	places_of(f, places);
	for (i = 0; i < 2; i++)
		if (memcmp(places[i], &wanted, sizeof(wanted)))
			tort_violation(a, NULL, "%s, at %zu of pfn 0x%lx: 0x%x, found 0x%x",
				       when, offset_in_page(f->buf),
				       page_to_pfn(virt_to_page(f->buf)), wanted.generation,
				       places[i]->generation);
}

/* 0, or where nobody knows of the page. */
static enum labyrinth_page_state state_of(const struct tort_frag *f)
{
	struct labyrinth_page_info info;

	return labyrinth_query(page_of(f->buf), &info) ? LABYRINTH_PAGE_ABSENT : info.state;
}

/* While a buffer of it is posted, a page has one of two states. */
static void check_posted(struct tort_actor *a, const struct tort_frag *f)
{
	enum labyrinth_page_state state = state_of(f);

	if (state != LABYRINTH_PAGE_POSTED && state != LABYRINTH_PAGE_LENT)
		tort_violation(a, NULL, "the page of a posted buffer has state %d", state);
}

/*
 * Gets a buffer of @ring, with @parts to a page. Context: Where tort_may_map_dma() is true, and so
 * the following. Return: whether there was one.
 */
bool tort_frag_get(struct tort_actor *a, struct tort_frag *f, struct labyrinth_owner *ring,
		   unsigned int parts)
{
	dma_addr_t dma;

	*f = (struct tort_frag) { .ring = ring, .size = PAGE_SIZE / parts };
	f->buf = tort_call(a, TORT_NO_PAGE, labyrinth_rx_get(ring, &dma));
	if (!f->buf) {
		a->empty_handed++;
		return false;
	}
	if ((unsigned long)f->buf % f->size)
		tort_violation(a, NULL, "a buffer of %u bytes at %zu of a page", f->size,
			       offset_in_page(f->buf));
	mark(a, f, dma);
	check_posted(a, f);
	return true;
}

static struct page *give(struct tort_actor *a, const struct tort_frag *f,
			 struct labyrinth_owner *ring, void *buf, size_t offset)
{
	return tort_call(a, buf, labyrinth_rx_give(ring, buf, offset, f->size));
}

/* A call for the whole page: whoever of its buffers is posted, the page goes nowhere. */
static int misuse_page(struct tort_actor *a, const struct tort_frag *f)
{
	void *addr = page_of(f->buf);
	dma_addr_t dma;

	switch (tort_roll(a, 6)) {
	case 0:
		return tort_call(a, addr, labyrinth_free_page(f->ring, addr));
	case 1:
		return PTR_ERR_OR_ZERO(tort_call(a, addr, labyrinth_lend(f->ring, addr)));
	case 2:
		return PTR_ERR_OR_ZERO(tort_call(a, addr, labyrinth_release(f->ring, addr)));
	case 3:
		return PTR_ERR_OR_ZERO(tort_call(a, addr, labyrinth_release_lent(f->ring, addr)));
	case 4:
		return tort_call(a, addr, labyrinth_transfer(f->ring,
							     tort_shared[TORT_PLAIN].handle, addr));
	default:
		return tort_call(a, addr, labyrinth_dma_map(f->ring, tort_device(), addr, 0, 1,
							    DMA_FROM_DEVICE, &dma));
	}
}

/* A call that must be refused for a posted buffer, and change nothing. */
static void misuse(struct tort_actor *a, const struct tort_frag *f)
{
	struct labyrinth_owner *other = f->ring == handles[0] ? handles[1] : handles[0];

	switch (tort_roll(a, 6)) {
	case 0:
		tort_expect(a, "a foreigner's rx_give", NULL, -EPERM,
			    PTR_ERR_OR_ZERO(give(a, f, other, f->buf, 0)), TORT_FOREIGN);
		break;
	case 1:
		tort_expect(a, "a foreigner's rx_put", NULL, -EPERM,
			    tort_call(a, f->buf, labyrinth_rx_put(other, f->buf)), TORT_FOREIGN);
		break;
	case 2:
		tort_expect(a, "rx_put of what is no buffer", NULL, -EINVAL,
			    tort_call(a, f->buf, labyrinth_rx_put(f->ring, f->buf + 8)),
			    TORT_BAD_ADDRESS);
		break;
	case 3:
		tort_expect(a, "rx_give beyond the end", NULL, -EINVAL,
			    PTR_ERR_OR_ZERO(give(a, f, f->ring, f->buf, 1)), TORT_BAD_MAPPING);
		break;
	case 4:
		tort_expect(a, "reclaim of a buffer's page", NULL, -EBUSY,
			    tort_call(a, f->buf, labyrinth_reclaim(f->ring, page_of(f->buf))),
			    TORT_NR_CLASSES);
		break;
	default:
		tort_expect(a, "a call for a buffer's whole page", NULL, -EBUSY, misuse_page(a, f),
			    TORT_BUSY);
	}
}

/*
 * A call for a buffer that was given or put in this turn of the page, which has not ended.
 */
void tort_frag_misuse_done(struct tort_actor *a, const struct tort_frag *f)
{
	void *buf = f->buf;
	int err;

	switch (tort_roll(a, 4)) {
	case 0:
		err = PTR_ERR_OR_ZERO(give(a, f, f->ring, buf, 0));
		break;
	case 1:
		err = tort_call(a, buf, labyrinth_rx_put(f->ring, buf));
		break;
	case 2:
		err = tort_call(a, buf, labyrinth_rx_read(f->ring, buf, 0, 8));
		break;
	default:
		err = tort_call(a, buf, labyrinth_rx_again(f->ring, buf));
	}
	tort_expect(a, "a call for a buffer that is done", NULL, -EINVAL, err, TORT_NOT_POSTED);
}

static void read_and_again(struct tort_actor *a, const struct tort_frag *f)
{
	tort_expect(a, "rx_read of a part", NULL, 0,
		    tort_call(a, f->buf, labyrinth_rx_read(f->ring, f->buf, 0, f->size)),
		    TORT_NR_CLASSES);
	tort_expect(a, "rx_again of a part", NULL, 0,
		    tort_call(a, f->buf, labyrinth_rx_again(f->ring, f->buf)), TORT_NR_CLASSES);
}

/* The borrower's reference keeps the page; with a full queue, the owner may have let go of it. */
static void check_given(struct tort_actor *a, const struct tort_frag *f, struct page *page)
{
	enum labyrinth_page_state state = state_of(f);

	if (page != virt_to_page(f->buf))
		tort_violation(a, NULL, "rx_give of a part gave another page");
	else if (state != LABYRINTH_PAGE_LENT && state != LABYRINTH_PAGE_ABSENT)
		tort_violation(a, NULL, "the page of a buffer that was given has state %d", state);
	else if (PageOffline(page) && !tort_is_scribbled())
		tort_violation(a, NULL, "a borrower has a page of Labyrinth's type");
}

static void give_frag(struct tort_actor *a, struct tort_frag *f)
{
	struct page *page = give(a, f, f->ring, f->buf, 0);

	if (IS_ERR(page)) {
		tort_violation(a, NULL, "rx_give of a part gave %pe", page);
		f->buf = NULL;
		return;
	}
	f->lent = true;
	check_given(a, f, page);
}

/* Puts the buffer: the mark is nobody's from then on, but the address stays for a wrong call. */
void tort_frag_put(struct tort_actor *a, struct tort_frag *f)
{
	check_mark(a, f, "put");
	tort_expect(a, "rx_put of a part", NULL, 0,
		    tort_call(a, f->buf, labyrinth_rx_put(f->ring, f->buf)), TORT_NR_CLASSES);
}

/* Gives the posted buffer, which is @f->lent then, or puts it. */
void tort_frag_finish(struct tort_actor *a, struct tort_frag *f)
{
	check_mark(a, f, "posted");
	check_posted(a, f);
	if (tort_roll(a, 3) == 0)
		misuse(a, f);
	if (tort_roll(a, 4) == 0)
		read_and_again(a, f);
	if (tort_roll(a, 3))
		give_frag(a, f);
	else
		tort_frag_put(a, f);
}

/* The borrower is done. As tort_return_loan(). */
void tort_frag_return(struct tort_actor *a, struct tort_frag *f)
{
	struct page *page = virt_to_page(f->buf);
	struct tort_turn *turn = f->turn;

	check_mark(a, f, "lent");
	if (tort_roll(a, 2)) {
		get_page(page);
		put_page(page);
	}
	f->buf = NULL;
	f->lent = false;
	if (turn)
		atomic_fetch_dec_release(&turn->loans_min);
	put_page(page);
	/* Pairs with the atomic_read_acquire() in frags_own.c. */
	if (turn)
		atomic_fetch_dec_release(&turn->loans_max);
}

/* Hands the lent buffer of @a->frag to some borrower, who may be done with another. */
void tort_frag_lend(struct tort_actor *a)
{
	a->frag = xchg(&lent[tort_roll(a, FRAG_CELLS)], a->frag);
	if (a->frag->buf)
		tort_frag_return(a, a->frag);
}

/* @a->frag is no buffer's after that. */
static void finish_any(struct tort_actor *a)
{
	if (!a->frag->buf)
		return;
	tort_frag_finish(a, a->frag);
	if (a->frag->lent)
		tort_frag_lend(a);
	else
		a->frag->buf = NULL;
}

/* Gets a buffer for whoever comes, and finishes another's. */
static void play_pass(struct tort_actor *a, unsigned int which)
{
	tort_frag_get(a, a->frag, handles[which], rings[which].parts);
	a->frag = xchg(&posted[tort_roll(a, FRAG_CELLS)], a->frag);
	finish_any(a);
}

/*
 * Of two buffers of a page, the second keeps the page in the turn in which the first is done: then
 * whoever gives or puts the first once more is refused, and of several at once one is not.
 */
static void play_twins(struct tort_actor *a, unsigned int which)
{
	struct tort_frag first, second;

	if (!tort_frag_get(a, &first, handles[which], rings[which].parts))
		return;
	if (!tort_frag_get(a, &second, handles[which], rings[which].parts)) {
		tort_frag_put(a, &first);
		return;
	}
	if (page_of(first.buf) == page_of(second.buf)) {
		if (tort_roll(a, 2) && tort_frags_duel(a, &first, &second))
			return;
		tort_frag_finish(a, &first);
		tort_frag_misuse_done(a, &first);
	} else {
		tort_frag_finish(a, &first);
	}
	if (first.lent)
		tort_frag_return(a, &first);
	tort_frag_finish(a, &second);
	if (second.lent)
		tort_frag_return(a, &second);
}

/* Context: Any, in an RCU read-side section. */
void tort_play_fragment(struct tort_actor *a, struct tort_slip **at)
{
	unsigned int which = tort_roll(a, ARRAY_SIZE(rings));

	if (!tort_may_map_dma())
		return;
	switch (tort_roll(a, 4)) {
	case 0:
		play_twins(a, which);
		break;
	case 1:
		play_pass(a, which);
		break;
	default:
		tort_frags_own(a);
	}
}

/* All buffers come back, when no other actor plays any more. Context: Task. */
void tort_frags_settle(struct tort_actor *a)
{
	unsigned int i;

	for (i = 0; i < FRAG_CELLS; i++) {
		if (lent[i]->buf)
			tort_frag_return(a, lent[i]);
		if (posted[i]->buf)
			tort_frag_put(a, posted[i]);
		posted[i]->buf = NULL;
	}
	for (i = 0; i < tort_nr_actors; i++)
		tort_frags_settle_own(a, tort_actors[i]);
}

/* Context: Task; may sleep. */
void tort_frags_destroy(struct tort_actor *a, struct labyrinth_owner *ring)
{
	unsigned int out = IS_ERR_OR_NULL(ring) ? 0 : labyrinth_owner_destroy(ring);

	if (out && !tort_failed())
		tort_violation(a, NULL, "%u pages with parts were out at the end", out);
}

void tort_frags_end(struct tort_actor *a)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rings); i++)
		tort_frags_destroy(a, handles[i]);
}
