// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers: of an owner that all actors use, from every CPU and context at once, and of a
 * SINGLE owner of each actor. A buffer is taken, misused, and given or put, all within a step.
 * So no slip is needed: the page is the actor's from labyrinth_rx_get() on. A page that was given
 * is dropped at once, and another actor's get may take it back in the same moment.
 */
#include <linux/err.h>
#include <linux/mm.h>

#include "torture.h"

/* Few, so that the queues of lent pages are full at times. */
#define LENT	8U

static struct labyrinth_owner *shared_ring;

/*
 * How many pages an owner's queue of lent pages has room for, usually @lent. The scribbler's words
 * stay in a page that is left to its borrowers, who would clear them before the last reference
 * goes: see close_books() in calls.c. Here a page just goes, so with a scribbler none is left.
 */
unsigned int tort_queue(unsigned int lent)
{
	return tort_scribbled ? TORT_LONG_QUEUE : lent;
}

static struct labyrinth_owner *create(const char *name, unsigned long flags)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .dev = tort_device(),
		.flags = LABYRINTH_OWNER_DMA | flags, .dma_dir = DMA_FROM_DEVICE,
		.lent = tort_queue(LENT),
	});
}

/* Context: Task; may sleep. Return: 0, or as labyrinth_owner_create(). */
int tort_rings_begin(void)
{
	shared_ring = create("ring", 0);
	return PTR_ERR_OR_ZERO(shared_ring);
}

int tort_ring_of(struct tort_actor *a)
{
	a->ring = create("own-ring", LABYRINTH_OWNER_SINGLE);
	return PTR_ERR_OR_ZERO(a->ring);
}

static void destroy(struct tort_actor *a, struct labyrinth_owner *ring)
{
	unsigned int out = IS_ERR_OR_NULL(ring) ? 0 : labyrinth_owner_destroy(ring);

	if (out && !tort_failed())
		tort_violation(a, NULL, "%u buffers were out at the end", out);
}

void tort_ring_end_of(struct tort_actor *a)
{
	destroy(a, a->ring);
}

void tort_rings_end(struct tort_actor *a)
{
	destroy(a, shared_ring);
}

static void expect_state(struct tort_actor *a, const void *buf, enum labyrinth_page_state wanted)
{
	struct labyrinth_page_info info = {};

	labyrinth_query(buf, &info);
	if (info.state != wanted)
		tort_violation(a, NULL, "a buffer has state %d, not %d", info.state, wanted);
}

/* A call that is not for a buffer that the device has. */
static int misuse(struct tort_actor *a, struct labyrinth_owner *ring, void *buf)
{
	dma_addr_t dma;

	switch (tort_roll(a, 5)) {
	case 0:
		return tort_call(a, buf, labyrinth_free_page(ring, buf));
	case 1:
		return PTR_ERR_OR_ZERO(tort_call(a, buf, labyrinth_lend(ring, buf)));
	case 2:
		return PTR_ERR_OR_ZERO(tort_call(a, buf, labyrinth_release(ring, buf)));
	case 3:
		return tort_call(a, buf, labyrinth_transfer(ring, tort_shared[TORT_PLAIN].handle,
							    buf));
	default:
		return tort_call(a, buf, labyrinth_dma_map(ring, tort_device(), buf, 0, 1,
							   DMA_FROM_DEVICE, &dma));
	}
}

/*
 * The stack gets the buffer, and drops the page. Of the shared owner, another actor's give may
 * let go of the page before, when the queue is full.
 */
static void play_give(struct tort_actor *a, struct labyrinth_owner *ring, void *buf)
{
	struct page *page = tort_call(a, buf, labyrinth_rx_give(ring, buf, 0, PAGE_SIZE));

	if (IS_ERR(page)) {
		tort_violation(a, NULL, "rx_give gave %pe", page);
		return;
	}
	if (ring == a->ring)
		expect_state(a, buf, LABYRINTH_PAGE_LENT);
	if (ring == a->ring && tort_roll(a, 4) == 0)
		tort_expect(a, "rx_put of a lent buffer", NULL, -EINVAL,
			    tort_call(a, buf, labyrinth_rx_put(ring, buf)), TORT_NOT_POSTED);
	put_page(page);
}

static void play_put(struct tort_actor *a, struct labyrinth_owner *ring, void *buf)
{
	tort_expect(a, "rx_read", NULL, 0, labyrinth_rx_read(ring, buf, 0, 64), TORT_NR_CLASSES);
	tort_expect(a, "rx_again", NULL, 0, labyrinth_rx_again(ring, buf), TORT_NR_CLASSES);
	tort_expect(a, "rx_put", NULL, 0, tort_call(a, buf, labyrinth_rx_put(ring, buf)),
		    TORT_NR_CLASSES);
}

/* Context: Any, in an RCU read-side section. */
void tort_play_receive(struct tort_actor *a, struct tort_slip **at)
{
	struct labyrinth_owner *ring = tort_roll(a, 2) ? shared_ring : a->ring;
	dma_addr_t dma;
	void *buf;

	if (!tort_may_map_dma())
		return;
	buf = tort_call(a, TORT_NO_PAGE, labyrinth_rx_get(ring, &dma));
	if (!buf) {
		a->empty_handed++;
		return;
	}
	expect_state(a, buf, LABYRINTH_PAGE_POSTED);
	if (tort_roll(a, 4) == 0)
		tort_expect(a, "misuse of a buffer", NULL, -EBUSY, misuse(a, ring, buf),
			    TORT_BUSY);
	if (tort_roll(a, 2))
		play_give(a, ring, buf);
	else
		play_put(a, ring, buf);
}
