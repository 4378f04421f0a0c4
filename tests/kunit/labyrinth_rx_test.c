// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers: each call in each state of the page gives what the table of transitions says,
 * whichever form serves the call. Where there is no DMA at all, as in User-Mode Linux, an owner
 * with LABYRINTH_OWNER_DMA gets no page: then that is tested, and the attributes.
 */
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/prandom.h>

#include "../../core/table.h"
#include "../../inline/tag.h"
#include "../../report/report.h"

#include "context.h"
#include "fixture.h"

#define LENT	4U

/* The form of a call that serves an owner: inline, or general for either of two reasons. */
enum forms { INLINE, QUOTA, SHARED, NR_FORMS };

struct rx {
	struct platform_device *device;
	struct labyrinth_owner *owners[NR_FORMS];
	struct labyrinth_owner *other;
};

/* A page in some state. */
struct buffer {
	struct labyrinth_owner *owner;
	void *addr;
	struct page *lent;		/* a borrower's reference */
	dma_addr_t dma;
};

static const enum lab_op ops[] = {
	LAB_OP_RX_READ, LAB_OP_RX_AGAIN, LAB_OP_RX_GIVE, LAB_OP_RX_PUT, LAB_OP_FREE, LAB_OP_LEND,
	LAB_OP_RELEASE, LAB_OP_TRANSFER, LAB_OP_RECLAIM, LAB_OP_DMA,
};

static const enum lab_state states[] = { LAB_CACHED, LAB_HELD, LAB_LENT, LAB_POSTED };

static struct labyrinth_owner *make_sized(struct kunit *test, struct rx *rx, enum forms form,
					  unsigned int size)
{
	return make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-rx", .nid = NUMA_NO_NODE, .dev = &rx->device->dev,
		.flags = LABYRINTH_OWNER_DMA | (form == SHARED ? 0 : LABYRINTH_OWNER_SINGLE),
		.dma_dir = DMA_FROM_DEVICE, .lent = LENT, .frag_size = size,
		.max_pages = form == QUOTA ? 100 : 0,
	});
}

static int take(struct page *page, struct page **given)
{
	if (!IS_ERR(page))
		*given = page;
	return PTR_ERR_OR_ZERO(page);
}

static int call(struct rx *rx, struct buffer *b, enum lab_op op)
{
	struct device *dev = &rx->device->dev;

	switch (op) {
	case LAB_OP_RX_READ:
		return labyrinth_rx_read(b->owner, b->addr, 0, 1);
	case LAB_OP_RX_AGAIN:
		return labyrinth_rx_again(b->owner, b->addr);
	case LAB_OP_RX_GIVE:
		return take(labyrinth_rx_give(b->owner, b->addr, 0, PAGE_SIZE), &b->lent);
	case LAB_OP_RX_PUT:
		return labyrinth_rx_put(b->owner, b->addr);
	case LAB_OP_FREE:
		return labyrinth_free_page(b->owner, b->addr);
	case LAB_OP_LEND:
		return take(labyrinth_lend(b->owner, b->addr), &b->lent);
	case LAB_OP_RELEASE:
		return take(labyrinth_release(b->owner, b->addr), &b->lent);
	case LAB_OP_TRANSFER:
		return labyrinth_transfer(b->owner, rx->other, b->addr);
	case LAB_OP_RECLAIM:
		return labyrinth_reclaim(b->owner, b->addr);
	case LAB_OP_DMA:
		return labyrinth_dma_map(b->owner, dev, b->addr, 0, 1, DMA_FROM_DEVICE, &b->dma);
	default:
		return -EUCLEAN;
	}
}

static void make_buffer(struct kunit *test, struct buffer *b, enum lab_state state)
{
	b->lent = NULL;
	if (state == LAB_POSTED || state == LAB_LENT)
		b->addr = labyrinth_rx_get(b->owner, &b->dma);
	else
		b->addr = alloc_exclusive(b->owner);
	KUNIT_ASSERT_NOT_NULL(test, b->addr);
	if (state == LAB_LENT)
		b->lent = labyrinth_rx_give(b->owner, b->addr, 0, 1);
	if (state == LAB_CACHED)
		KUNIT_ASSERT_EQ(test, labyrinth_free_page(b->owner, b->addr), 0);
}

static enum lab_state state_of(const void *addr)
{
	struct labyrinth_page_info info;

	return labyrinth_query(addr, &info) ? LAB_ABSENT : (enum lab_state)info.state;
}

static void end_buffer(struct rx *rx, struct buffer *b)
{
	enum lab_state state = state_of(b->addr);

	if (b->lent)
		put_page(b->lent);
	if (state == LAB_MAPPED)
		labyrinth_dma_unmap(b->owner, &rx->device->dev, b->addr, b->dma, 1,
				    DMA_FROM_DEVICE);
	if (state == LAB_POSTED)
		labyrinth_rx_put(b->owner, b->addr);
	if (state == LAB_LENT)
		labyrinth_reclaim(b->owner, b->addr);
	if (state != LAB_ABSENT && labyrinth_owns(rx->other, b->addr))
		labyrinth_free_page(rx->other, b->addr);
	else if (state == LAB_HELD || state == LAB_LENT || state == LAB_MAPPED)
		labyrinth_free_page(b->owner, b->addr);
}

static unsigned long all_reports(void)
{
	unsigned long nr = 0;
	int class;

	for (class = 0; class < LAB_NR_CLASSES; class++)
		nr += lab_report_count(class);
	return nr;
}

/* A reclaim of a page that a borrower has is answered with -EBUSY, and not reported. */
static int expected_next(enum lab_op op, enum lab_state state)
{
	return op == LAB_OP_RECLAIM && state == LAB_LENT ? -EBUSY : lab_transition(op, state);
}

static bool is_reported(enum lab_op op, int expected)
{
	return expected < 0 && !(op == LAB_OP_RECLAIM && expected == -EBUSY);
}

static void run_row(struct kunit *test, enum forms form, enum lab_state state, enum lab_op op)
{
	struct rx *rx = test->priv;
	struct buffer b = { .owner = rx->owners[form] };
	int expected = expected_next(op, state), err;
	unsigned long reports;

	make_buffer(test, &b, state);
	KUNIT_EXPECT_EQ(test, state_of(b.addr), state);
	reports = all_reports();
	err = call(rx, &b, op);
	context_count_task();
	KUNIT_EXPECT_EQ_MSG(test, err, min(expected, 0), "form %d, op %d, state %d", form, op,
			    state);
	KUNIT_EXPECT_EQ_MSG(test, state_of(b.addr), expected < 0 ? state : expected,
			    "form %d, op %d, state %d", form, op, state);
	KUNIT_EXPECT_EQ_MSG(test, all_reports() - reports,
			    (unsigned long)is_reported(op, expected),
			    "form %d, op %d, state %d", form, op, state);
	end_buffer(rx, &b);
}

static void skip_without_dma(struct kunit *test)
{
	context_count_task();
	if (!IS_ENABLED(CONFIG_HAS_DMA))
		kunit_skip(test, "no DMA here");
}

static void each_call_in_each_state_is_as_documented(struct kunit *test)
{
	int form, state, op;

	skip_without_dma(test);
	for (form = 0; form < NR_FORMS; form++)
		for (state = 0; state < ARRAY_SIZE(states); state++)
			for (op = 0; op < ARRAY_SIZE(ops); op++)
				run_row(test, form, states[state], ops[op]);
}

static void each_form_serves_its_owner(struct kunit *test)
{
	struct rx *rx = test->priv;
	int form;

	context_count_task();
	for (form = 0; form < NR_FORMS; form++)
		KUNIT_EXPECT_EQ(test, lab_front_of(rx->owners[form])->rx.handle ==
				(unsigned long)rx->owners[form], form == INLINE);
}

/* The page comes back from the stack at the same address for the device, POSTED. */
static void a_page_goes_round(struct kunit *test)
{
	struct rx *rx = test->priv;
	struct buffer b;
	dma_addr_t dma;
	int form;

	skip_without_dma(test);
	for (form = 0; form < NR_FORMS; form++) {
		b.owner = rx->owners[form];
		make_buffer(test, &b, LAB_LENT);
		put_page(b.lent);
		KUNIT_EXPECT_PTR_EQ(test, labyrinth_rx_get(b.owner, &dma), b.addr);
		KUNIT_EXPECT_EQ(test, dma, b.dma);
		KUNIT_EXPECT_EQ(test, state_of(b.addr), LAB_POSTED);
		KUNIT_EXPECT_EQ(test, labyrinth_rx_put(b.owner, b.addr), 0);
	}
}

/* A quota counts POSTED and LENT pages as handed out. */
static void posted_and_lent_pages_count(struct kunit *test)
{
	struct rx *rx = test->priv;
	struct labyrinth_owner *owner = rx->owners[QUOTA];
	const atomic_t *held = &lab_owner_slot(owner)->held;
	struct buffer b = { .owner = owner };

	skip_without_dma(test);
	make_buffer(test, &b, LAB_POSTED);
	KUNIT_EXPECT_EQ(test, atomic_read(held), 1);
	b.lent = labyrinth_rx_give(owner, b.addr, 0, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(held), 1);
	put_page(b.lent);
	KUNIT_EXPECT_PTR_EQ(test, labyrinth_rx_get(owner, &b.dma), b.addr);
	KUNIT_EXPECT_EQ(test, atomic_read(held), 1);
	KUNIT_EXPECT_EQ(test, labyrinth_rx_put(owner, b.addr), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(held), 0);
}

/* A page taken back by hand leaves an entry in the queue that leads nowhere. */
static void stale_entries_are_dropped(struct kunit *test)
{
	struct rx *rx = test->priv;
	struct buffer b;
	int form, i;

	skip_without_dma(test);
	for (form = 0; form < NR_FORMS; form++) {
		b.owner = rx->owners[form];
		for (i = 0; i < 3 * LENT; i++) {
			make_buffer(test, &b, LAB_LENT);
			put_page(b.lent);
			KUNIT_EXPECT_EQ(test, labyrinth_reclaim(b.owner, b.addr), 0);
			KUNIT_EXPECT_EQ(test, labyrinth_free_page(b.owner, b.addr), 0);
		}
	}
}

static void *lend_one(struct kunit *test, struct labyrinth_owner *owner)
{
	void *addr = alloc_exclusive(owner);

	KUNIT_ASSERT_NOT_NULL(test, addr);
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_lend(owner, addr), virt_to_page(addr));
	return addr;
}

/* The queue is full, and another call has the oldest page frozen, as a reclaim does. */
static void a_page_just_taken_back_is_no_fault(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-lender", .nid = NUMA_NO_NODE, .lent = 1,
	});
	void *oldest = lend_one(test, owner), *next;
	struct lab_frame *frame = lab_frame(virt_to_page(oldest));
	unsigned long reports = all_reports();

	put_page(virt_to_page(oldest));
	KUNIT_ASSERT_TRUE(test, lab_frame_freeze(frame, LAB_REFS_EXCLUSIVE));
	next = lend_one(test, owner);
	lab_frame_thaw(frame, LAB_REFS_EXCLUSIVE);
	context_count_task();
	KUNIT_EXPECT_EQ(test, all_reports(), reports);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, oldest), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, oldest), 0);
	put_page(virt_to_page(next));
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, next), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, next), 0);
}

/* All pages of the quota are lent, and have come back. */
static void pages_that_came_back_are_within_the_quota(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-lender", .nid = NUMA_NO_NODE, .flags = LABYRINTH_OWNER_ZERO,
		.lent = 2, .max_pages = 2,
	});
	void *first = lend_one(test, owner), *second = lend_one(test, owner);

	KUNIT_EXPECT_NULL(test, alloc_exclusive(owner));
	memset(first, 1, PAGE_SIZE);
	put_page(virt_to_page(first));
	KUNIT_EXPECT_PTR_EQ(test, alloc_exclusive(owner), first);
	KUNIT_EXPECT_NULL(test, memchr_inv(first, 0, PAGE_SIZE));
	KUNIT_EXPECT_NULL(test, alloc_exclusive(owner));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, first), 0);
	put_page(virt_to_page(second));
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, second), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, second), 0);
}

/* The page that has come back leaves at once, and the same call gets another one. */
static void a_page_that_is_not_kept_leaves_room_in_the_quota(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-lender", .nid = NUMA_NO_NODE, .lent = 1, .max_pages = 1,
	});
	struct page *page = alloc_page(GFP_KERNEL);
	void *next;

	KUNIT_ASSERT_NOT_NULL(test, page);
	set_page_pfmemalloc(page);
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_adopt(owner, page), page_address(page));
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_lend(owner, page_address(page)), page);
	put_page(page);
	next = alloc_exclusive(owner);
	KUNIT_ASSERT_NOT_NULL(test, next);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, next), 0);
}

#define INTERRUPTS	2000
#define PERIOD_NS	(30 * NSEC_PER_USEC)
#define LONGEST_MS	3000

/* Two loans, of which the queue has room for one, and an interrupt that lets go of both. */
struct letting {
	struct labyrinth_owner *owner;
	void *lent[2];			/* the later one first */
	struct page *kept;		/* by the borrower of the earlier one */
	unsigned long lends, by_hand, refused;
	struct interrupter interrupter;
};

/* A count of 0 is frozen: the thread that was interrupted is about to lend the page. */
static bool is_lent_now(const void *addr)
{
	struct labyrinth_page_info info;

	return addr && page_ref_count(virt_to_page(addr)) && !labyrinth_query(addr, &info) &&
	       info.state == LABYRINTH_PAGE_LENT;
}

static void let_go_in_irq(void *arg)
{
	struct letting *l = arg;
	struct page *page;
	int i;

	for (i = 0; i < ARRAY_SIZE(l->lent); i++) {
		if (!is_lent_now(READ_ONCE(l->lent[i])))
			continue;
		page = labyrinth_release_lent(l->owner, l->lent[i]);
		if (IS_ERR(page)) {
			l->refused++;
		} else {
			put_page(page);
			l->by_hand++;
		}
	}
}

/* The queue lets go of the earlier loan meanwhile, unless the interrupt has. */
static bool lend_another(struct letting *l)
{
	void *addr = alloc_exclusive(l->owner);
	struct page *page;

	if (!addr)
		return false;
	WRITE_ONCE(l->lent[1], l->lent[0]);
	WRITE_ONCE(l->lent[0], addr);
	page = labyrinth_lend(l->owner, addr);
	if (IS_ERR(page))
		return false;
	if (l->kept)
		put_page(l->kept);
	l->kept = page;
	l->lends++;
	return true;
}

/* Whoever of the two is late is refused nothing, and nothing is reported. */
static void page_is_let_go_of_by_the_queue_and_by_hand(struct kunit *test)
{
	static const enum lab_class classes[] = {
		LAB_CORRUPT, LAB_UNOWNED, LAB_DOUBLE, LAB_FOREIGN,
	};
	struct letting *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	ktime_t end = ktime_add_ms(ktime_get(), LONGEST_MS);
	unsigned long before[ARRAY_SIZE(classes)];
	bool lent = true;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-lender", .nid = NUMA_NO_NODE, .lent = 1,
	});
	for (i = 0; i < ARRAY_SIZE(classes); i++)
		before[i] = lab_report_count(classes[i]);
	interrupter_start(&l->interrupter, PERIOD_NS, let_go_in_irq, l);
	while (lent && READ_ONCE(l->interrupter.fired) < INTERRUPTS &&
	       ktime_before(ktime_get(), end))
		for (i = 0; i < 1000 && lent; i++)
			lent = lend_another(l);
	interrupter_stop(&l->interrupter);
	if (l->kept)
		put_page(l->kept);
	kunit_info(test, "%lu lends, %lu let go of by hand, in %u interrupts\n", l->lends,
		   l->by_hand, l->interrupter.fired);
	KUNIT_EXPECT_TRUE(test, lent);
	KUNIT_EXPECT_EQ(test, l->refused, 0UL);
	KUNIT_EXPECT_GT(test, l->by_hand, 100UL);
	for (i = 0; i < ARRAY_SIZE(classes); i++)
		KUNIT_EXPECT_EQ_MSG(test, lab_report_count(classes[i]), before[i], "%s",
				    lab_class_name(classes[i]));
}

/* What a buffer of a page is, as it should be. */
enum part { FRESH, WITH_DEVICE, WITH_STACK, DONE };

#define PARTS	4U

struct parts {
	struct labyrinth_owner *owner;
	void *bufs[PARTS];
	struct page *page;
	enum part part[PARTS];
	unsigned int next;		/* to be handed out */
	bool given;			/* the stack has had a buffer in this turn */
};

static bool all_are(const struct parts *p, bool done_only)
{
	unsigned int i;

	for (i = 0; i < PARTS; i++)
		if (p->part[i] == FRESH || p->part[i] == WITH_DEVICE ||
		    (done_only && p->part[i] == WITH_STACK))
			return false;
	return true;
}

static enum lab_state expected_state(const struct parts *p)
{
	if (p->given)
		return LAB_LENT;
	return all_are(p, false) ? LAB_CACHED : LAB_POSTED;
}

/* Hands out the next buffer, the first of another page if none is left. */
static void get_part(struct kunit *test, struct parts *p)
{
	dma_addr_t dma;
	void *buf;

	if (p->next == PARTS)
		return;
	buf = labyrinth_rx_get(p->owner, &dma);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	if (!p->next)
		p->bufs[0] = buf;
	KUNIT_EXPECT_PTR_EQ(test, buf, p->bufs[0] + p->next * (PAGE_SIZE / PARTS));
	p->bufs[p->next] = buf;
	p->part[p->next++] = WITH_DEVICE;
}

/* Gives, puts, reads or posts buffer @i, whatever it is. */
static void use_part(struct kunit *test, struct parts *p, unsigned int i, unsigned int how)
{
	void *buf = p->bufs[0] + i * (PAGE_SIZE / PARTS);
	int expected = p->part[i] == WITH_DEVICE ? 0 : -EINVAL, err;
	unsigned long reports = all_reports();

	if (how == 0)
		err = take(labyrinth_rx_give(p->owner, buf, 0, 1), &p->page);
	else if (how == 1)
		err = labyrinth_rx_put(p->owner, buf);
	else if (how == 2)
		err = labyrinth_rx_read(p->owner, buf, 0, 1);
	else
		err = labyrinth_rx_again(p->owner, buf);
	KUNIT_EXPECT_EQ_MSG(test, err, expected, "call %u of a buffer that is %d", how, p->part[i]);
	KUNIT_EXPECT_EQ(test, all_reports() - reports, (unsigned long)!!expected);
	if (err || how > 1)
		return;
	p->part[i] = how ? DONE : WITH_STACK;
	p->given |= !how;
}

static void drop_part(struct parts *p, unsigned int i)
{
	if (p->part[i] != WITH_STACK)
		return;
	put_page(p->page);
	p->part[i] = DONE;
}

/* Steps at random, until the page has come back. */
static void go_round(struct kunit *test, struct labyrinth_owner *owner, struct rnd_state *dice)
{
	struct parts p = { .owner = owner };

	get_part(test, &p);
	while (!all_are(&p, true)) {
		u32 roll = prandom_u32_state(dice);
		unsigned int i = roll >> 8 & (PARTS - 1);

		if (roll % 8 == 0)
			get_part(test, &p);
		else if (roll % 8 == 1)
			drop_part(&p, i);
		else
			use_part(test, &p, i, roll % 4);
		KUNIT_EXPECT_EQ(test, state_of(p.bufs[0]), expected_state(&p));
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, p.bufs[0]),
				expected_state(&p) == LAB_CACHED ? -ENOENT : -EBUSY);
	}
}

/* The end of a repair, in an interrupt that comes while the call looks. */
struct repair {
	struct lab_slot *slot;
	lab_tag_t tag;
	struct interrupter interrupter;
};

static void end_repair(void *arg)
{
	struct repair *repair = arg;

	/* Once: then the call goes on with the tag. */
	if (READ_ONCE(repair->interrupter.fired) == 1)
		WRITE_ONCE(repair->slot->tag, repair->tag);
}

/* As repair_references() does: on another CPU, which puts back references that were dropped. */
static void begin_repair(struct repair *repair, void *buf)
{
	repair->slot = lab_table_search(&labyrinth_hot.table, page_to_pfn(virt_to_page(buf)),
					&repair->tag);
	WRITE_ONCE(repair->slot->tag, lab_tag_step(repair->tag, LAB_CACHED));
	interrupter_start(&repair->interrupter, 5 * NSEC_PER_MSEC, end_repair, repair);
}

/* The page is CACHED for the moment, and the buffer is posted none the less. */
static void a_page_in_repair_is_waited_for(struct kunit *test)
{
	struct rx *rx = test->priv;
	struct repair *repair = kunit_kzalloc(test, sizeof(*repair), GFP_KERNEL);
	unsigned long reports = all_reports();
	struct labyrinth_owner *owner;
	dma_addr_t dma;
	void *buf;

	KUNIT_ASSERT_NOT_NULL(test, repair);
	skip_without_dma(test);
	owner = make_sized(test, rx, SHARED, PAGE_SIZE / PARTS);
	buf = labyrinth_rx_get(owner, &dma);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	begin_repair(repair, buf);
	KUNIT_EXPECT_EQ(test, labyrinth_rx_put(owner, buf), 0);
	KUNIT_EXPECT_GE(test, READ_ONCE(repair->interrupter.fired), 1U);
	interrupter_stop(&repair->interrupter);
	KUNIT_EXPECT_EQ(test, all_reports(), reports);
}

/* Each buffer of a page steps by itself, and the page as all of them say. */
static void buffers_of_a_page_step_alone(struct kunit *test)
{
	struct rx *rx = test->priv;
	struct rnd_state dice;
	int form, i;

	skip_without_dma(test);
	prandom_seed_state(&dice, 1729);
	for (form = 0; form < NR_FORMS; form++) {
		struct labyrinth_owner *owner = make_sized(test, rx, form, PAGE_SIZE / PARTS);

		KUNIT_EXPECT_EQ(test, lab_front_of(owner)->rx.frag_handle == (unsigned long)owner,
				form == INLINE);
		for (i = 0; i < 200; i++)
			go_round(test, owner, &dice);
		context_count_task();
	}
}

static void without_dma_there_is_no_buffer(struct kunit *test)
{
	struct rx *rx = test->priv;
	struct lab_owner *owner = lab_owner_slot(rx->owners[INLINE]);
	int fails = atomic_read(&owner->fails[LAB_FAIL_MEMORY]);
	dma_addr_t dma;

	context_count_task();
	if (IS_ENABLED(CONFIG_HAS_DMA))
		kunit_skip(test, "there is DMA here");
	KUNIT_EXPECT_NULL(test, labyrinth_rx_get(rx->owners[INLINE], &dma));
	KUNIT_EXPECT_EQ(test, atomic_read(&owner->fails[LAB_FAIL_MEMORY]), fails + 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&owner->pages), 0);
}

static const struct {
	const char *what;
	struct labyrinth_owner_attrs attrs;
	bool device;
	int err;
} rows[] = {
	{ "all right", { .flags = LABYRINTH_OWNER_DMA, .dma_dir = DMA_FROM_DEVICE,
			 .frag_size = PAGE_SIZE }, true, 0 },
	{ "no device", { .flags = LABYRINTH_OWNER_DMA, .dma_dir = DMA_FROM_DEVICE }, false,
	  -EINVAL },
	{ "no direction", { .flags = LABYRINTH_OWNER_DMA, .dma_dir = DMA_NONE }, true, -EINVAL },
	{ "odd buffers", { .frag_size = 3000 }, true, -EINVAL },
	{ "large buffers", { .frag_size = 2 * PAGE_SIZE }, true, -EINVAL },
	{ "half pages", { .flags = LABYRINTH_OWNER_DMA, .dma_dir = DMA_FROM_DEVICE,
			  .frag_size = PAGE_SIZE / 2 }, true, 0 },
	{ "half pages for nothing", { .frag_size = PAGE_SIZE / 2 }, true, -EINVAL },
	{ "tiny buffers", { .flags = LABYRINTH_OWNER_DMA, .dma_dir = DMA_FROM_DEVICE,
			    .frag_size = PAGE_SIZE / 32 }, true, -EOPNOTSUPP },
	{ "mapped by the core", { .flags = LABYRINTH_OWNER_CORE_MAPS }, true, 0 },
	{ "mapped by the core for nobody", { .flags = LABYRINTH_OWNER_CORE_MAPS }, false,
	  -EINVAL },
	{ "sealed", { .flags = LABYRINTH_OWNER_DMA | LABYRINTH_OWNER_SEALED, .reserve = 1,
		      .dma_dir = DMA_FROM_DEVICE }, true, -EOPNOTSUPP },
	{ "a queue beyond the table", { .lent = UINT_MAX }, true, -ENOSPC },
};

static void attributes_are_checked(struct kunit *test)
{
	struct rx *rx = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct labyrinth_owner_attrs attrs = rows[i].attrs;
		struct labyrinth_owner *owner;

		attrs.name = "kunit-rx-attrs";
		attrs.nid = NUMA_NO_NODE;
		attrs.dev = rows[i].device ? &rx->device->dev : NULL;
		owner = labyrinth_owner_create(&attrs);
		context_count_task();
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(owner), rows[i].err, "%s",
				    rows[i].what);
		if (!IS_ERR(owner))
			labyrinth_owner_destroy(owner);
	}
}

static int rx_case_init(struct kunit *test)
{
	struct rx *rx = kunit_kzalloc(test, sizeof(*rx), GFP_KERNEL);
	int form;

	if (!rx)
		return -ENOMEM;
	rx->device = platform_device_register_simple("labyrinth-kunit-rx", PLATFORM_DEVID_AUTO,
						     NULL, 0);
	if (IS_ERR(rx->device))
		return PTR_ERR(rx->device);
	test->priv = rx;
	for (form = 0; form < NR_FORMS; form++)
		rx->owners[form] = make_sized(test, rx, form, 0);
	rx->other = make_owner(test, "kunit-rx-other", 0);
	return 0;
}

/* As twins_case_exit(). */
static void rx_case_exit(struct kunit *test)
{
	struct rx *rx = test->priv;

	if (rx)
		platform_device_unregister(rx->device);
}

static struct kunit_case rx_cases[] = {
	KUNIT_CASE(each_form_serves_its_owner),
	KUNIT_CASE(each_call_in_each_state_is_as_documented),
	KUNIT_CASE(a_page_goes_round),
	KUNIT_CASE(posted_and_lent_pages_count),
	KUNIT_CASE(stale_entries_are_dropped),
	KUNIT_CASE(buffers_of_a_page_step_alone),
	KUNIT_CASE(a_page_in_repair_is_waited_for),
	KUNIT_CASE(a_page_just_taken_back_is_no_fault),
	KUNIT_CASE(pages_that_came_back_are_within_the_quota),
	KUNIT_CASE(a_page_that_is_not_kept_leaves_room_in_the_quota),
	KUNIT_CASE(page_is_let_go_of_by_the_queue_and_by_hand),
	KUNIT_CASE(without_dma_there_is_no_buffer),
	KUNIT_CASE(attributes_are_checked),
	{}
};

static struct kunit_suite rx_suite = {
	.name = "labyrinth_rx",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = rx_case_init,
	.exit = rx_case_exit,
	.test_cases = rx_cases,
};

kunit_test_suite(rx_suite);
