// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver of receive buffers that are parts of pages, without a card: see receive.c. A word
 * written to /sys/kernel/debug/labyrinth_frags/do chooses the test, see words[]. The write returns
 * the test's errno, and the log says what was wrong.
 */
#define pr_fmt(fmt) "labyrinth_frags: " fmt

#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/hrtimer.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/random.h>
#include <linux/string.h>

#include "deeds.h"
#include "labyrinth_alloc.h"

#define RESERVE		8U
#define LENT		8U
#define BYTES		64U
#define OFFSET		32U
#define MOST		16U		/* buffers of a page */

static bool single;
module_param(single, bool, 0444);
MODULE_PARM_DESC(single, "Make the owner a SINGLE one (default 0)");

static unsigned int size = 2048;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "Bytes of a buffer (default 2048)");

static struct dentry *root;
static struct platform_device *card;
static struct labyrinth_owner *ring, *other;

static unsigned int per_page(void)
{
	return PAGE_SIZE / size;
}

static void *page_of(void *buf)
{
	return (void *)((unsigned long)buf & PAGE_MASK);
}

static enum labyrinth_page_state state_of(void *buf)
{
	struct labyrinth_page_info info;

	return labyrinth_query(page_of(buf), &info) ? LABYRINTH_PAGE_ABSENT : info.state;
}

static int give_err(void *buf)
{
	return PTR_ERR_OR_ZERO(labyrinth_rx_give(ring, buf, 0, BYTES));
}

/* Writes where the device would. */
static void device_writes(dma_addr_t dma, u8 pattern)
{
	memset(phys_to_virt(dma), pattern, size);
}

static struct labyrinth_owner *make(const char *name, unsigned int frag_size,
				    unsigned long flags, unsigned int lent)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .flags = flags, .dev = &card->dev,
		.reserve = RESERVE, .dma_dir = DMA_FROM_DEVICE, .lent = lent,
		.frag_size = frag_size,
	});
}

static struct labyrinth_owner *make_ring(unsigned int lent)
{
	return make("frags", size, LABYRINTH_OWNER_DMA | (single ? LABYRINTH_OWNER_SINGLE : 0),
		    lent);
}

static int do_begin(void)
{
	ring = make_ring(LENT);
	other = make("other", size, LABYRINTH_OWNER_DMA, LENT);
	return IS_ERR(ring) || IS_ERR(other) ? -EIO : 0;
}

static int do_end(void)
{
	unsigned int out = labyrinth_owner_destroy(ring) + labyrinth_owner_destroy(other);

	return expect("pages out", out, 0);
}

static int create_errno(unsigned int frag_size, unsigned long flags)
{
	struct labyrinth_owner *owner = make("attributes", frag_size, flags, LENT);

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	labyrinth_owner_destroy(owner);
	return 0;
}

static int do_attributes(void)
{
	const unsigned long flags = LABYRINTH_OWNER_DMA;
	int err = expect("half a page", create_errno(PAGE_SIZE / 2, flags), 0);

	err = err ?: expect("a sixteenth", create_errno(PAGE_SIZE / 16, flags), 0);
	err = err ?: expect("too small", create_errno(PAGE_SIZE / 32, flags), -EOPNOTSUPP);
	err = err ?: expect("no power of two", create_errno(3000, flags), -EINVAL);
	err = err ?: expect("large", create_errno(2 * PAGE_SIZE, flags), -EINVAL);
	return err ?: expect("no receive buffers", create_errno(PAGE_SIZE / 2, 0), -EINVAL);
}

/* The buffers of a page, of which none has been handed out in this turn. */
static int get_all(void **bufs, dma_addr_t *dmas)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < per_page() && !err; i++) {
		bufs[i] = labyrinth_rx_get(ring, &dmas[i]);
		if (!bufs[i])
			return -ENOMEM;
		err = expect("address", bufs[i] - bufs[0], i * size);
		err = err ?: expect("for the device", dmas[i] - dmas[0], i * size);
		err = err ?: expect("begins a page", offset_in_page(bufs[0]), 0);
		err = err ?: expect("posted", state_of(bufs[i]), LABYRINTH_PAGE_POSTED);
	}
	return err;
}

static int expect_bytes(const void *at, u8 pattern)
{
	return memchr_inv(at, pattern, BYTES) ? wrong("bytes", *(const u8 *)at, pattern) : 0;
}

/* As long as a buffer is with the device, the page goes nowhere. */
static int expect_stays(void *buf)
{
	void *addr = page_of(buf);
	int err = expect("free", labyrinth_free_page(ring, addr), -EBUSY);

	err = err ?: expect("lend", PTR_ERR_OR_ZERO(labyrinth_lend(ring, addr)), -EBUSY);
	err = err ?: expect("release", PTR_ERR_OR_ZERO(labyrinth_release(ring, addr)), -EBUSY);
	err = err ?: expect("release_lent", PTR_ERR_OR_ZERO(labyrinth_release_lent(ring, addr)),
			    -EBUSY);
	err = err ?: expect("transfer", labyrinth_transfer(ring, other, addr), -EBUSY);
	return err ?: expect("reclaim", labyrinth_reclaim(ring, addr), -EBUSY);
}

/* Each buffer is given and comes back by itself, the page with the last. */
static int round_trip(u8 pattern)
{
	struct page *pages[MOST];
	dma_addr_t dmas[MOST], dma;
	void *bufs[MOST], *next;
	unsigned int i, nr = per_page();
	int err = get_all(bufs, dmas);

	for (i = 0; i < nr && !err; i++) {
		device_writes(dmas[i], pattern + i);
		err = labyrinth_rx_read(ring, bufs[i], OFFSET, BYTES);
		err = err ?: expect_bytes(bufs[i] + OFFSET, pattern + i);
		err = err ?: labyrinth_rx_again(ring, bufs[i]);
		pages[i] = labyrinth_rx_give(ring, bufs[i], OFFSET, BYTES);
		err = err ?: PTR_ERR_OR_ZERO(pages[i]);
		err = err ?: expect("the page", pages[i] == virt_to_page(bufs[0]), true);
		err = err ?: expect("lent", state_of(bufs[i]), LABYRINTH_PAGE_LENT);
		err = err ?: expect("type", PageOffline(pages[i]), false);
		/* The stack is done with all buffers but the first. */
		if (!err && i)
			put_page(pages[i]);
	}
	next = labyrinth_rx_get(ring, &dma);
	err = err ?: expect("another page", page_of(next) != page_of(bufs[0]), true);
	err = err ?: expect_bytes(bufs[0] + OFFSET, pattern);
	put_page(pages[0]);
	return err ?: labyrinth_rx_put(ring, next);
}

/* The rest of the open page, so that the next buffer begins a page. */
static int use_up(void)
{
	dma_addr_t dma;
	void *buf;

	do {
		buf = labyrinth_rx_get(ring, &dma);
		if (!buf || labyrinth_rx_put(ring, buf))
			return -EIO;
	} while (offset_in_page(buf) + size < PAGE_SIZE);
	return 0;
}

static int do_rounds(void)
{
	int i, err = 0;

	for (i = 0; i < 100 && !err; i++)
		err = round_trip(i) ?: use_up();
	return err;
}

/* The page that the stack had comes back before another page comes. */
static int do_back(void)
{
	struct page *page = NULL;
	dma_addr_t dmas[MOST];
	void *bufs[MOST], *again[MOST];
	unsigned int i;
	int err = get_all(bufs, dmas);

	for (i = 0; i < per_page() && !err; i++) {
		page = labyrinth_rx_give(ring, bufs[i], 0, BYTES);
		err = PTR_ERR_OR_ZERO(page);
		if (!err)
			put_page(page);
	}
	err = err ?: get_all(again, dmas);
	err = err ?: expect("the same page", again[0] == bufs[0], true);
	err = err ?: expect("type", PageOffline(page), true);
	for (i = 0; i < per_page() && !err; i++)
		err = labyrinth_rx_put(ring, again[i]);
	return err ?: expect("kept ready", state_of(bufs[0]), LABYRINTH_PAGE_CACHED);
}

/* A buffer is given, the others are put, in every order. */
static int mix(unsigned int first)
{
	struct page *page = NULL;
	dma_addr_t dmas[MOST];
	void *bufs[MOST];
	unsigned int i, nr = per_page();
	int err = get_all(bufs, dmas);

	for (i = 0; i < nr && !err; i++) {
		void *buf = bufs[(first + i) % nr];

		err = expect_stays(buf);
		if (err)
			break;
		if (i == nr / 2) {
			page = labyrinth_rx_give(ring, buf, 0, BYTES);
			err = PTR_ERR_OR_ZERO(page);
		} else {
			err = labyrinth_rx_put(ring, buf);
		}
	}
	err = err ?: expect("lent", state_of(bufs[0]), LABYRINTH_PAGE_LENT);
	err = err ?: expect("the stack has it", labyrinth_reclaim(ring, bufs[0]), -EBUSY);
	if (page)
		put_page(page);
	err = err ?: expect("reclaim", labyrinth_reclaim(ring, bufs[0]), 0);
	return err ?: expect("free", labyrinth_free_page(ring, bufs[0]), 0);
}

static int do_mix(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < per_page() && !err; i++)
		err = mix(i);
	return err;
}

/* What is not posted cannot be given, put, read or posted again. */
static int misuse_done(void *buf)
{
	int err = expect("give", give_err(buf), -EINVAL);

	err = err ?: expect("put", labyrinth_rx_put(ring, buf), -EINVAL);
	err = err ?: expect("read", labyrinth_rx_read(ring, buf, 0, BYTES), -EINVAL);
	return err ?: expect("again", labyrinth_rx_again(ring, buf), -EINVAL);
}

static int misuse_posted(void *buf)
{
	struct page *page = labyrinth_rx_give(other, buf, 0, BYTES);
	int err = expect("another's give", PTR_ERR_OR_ZERO(page), -EPERM);

	err = err ?: expect("another's put", labyrinth_rx_put(other, buf), -EPERM);
	err = err ?: expect("no beginning", labyrinth_rx_put(ring, buf + 1), -EINVAL);
	page = labyrinth_rx_give(ring, buf, 1, size);
	err = err ?: expect("beyond the end", PTR_ERR_OR_ZERO(page), -EINVAL);
	return err ?: expect("read beyond", labyrinth_rx_read(ring, buf, size, 1), -EINVAL);
}

/* Each refused call changes nothing: neither of this buffer nor of the others of the page. */
static int do_misuse(void)
{
	dma_addr_t dma;
	void *first = labyrinth_rx_get(ring, &dma), *second;
	struct page *page;
	int err = expect("begins a page", offset_in_page(first), 0);

	/* Not handed out. */
	err = err ?: misuse_done(first + size);
	second = labyrinth_rx_get(ring, &dma);
	err = err ?: expect("the next", second == first + size, true);
	err = err ?: misuse_posted(second);
	/* Put. */
	err = err ?: expect("put", labyrinth_rx_put(ring, first), 0);
	err = err ?: misuse_done(first);
	err = err ?: expect("posted", state_of(first), LABYRINTH_PAGE_POSTED);
	/* Given. */
	page = labyrinth_rx_give(ring, second, 0, BYTES);
	err = err ?: PTR_ERR_OR_ZERO(page);
	if (err)
		return err;
	err = misuse_done(second) ?: misuse_done(first);
	err = err ?: expect("references", page_ref_count(page) > 0, true);
	put_page(page);
	return err ?: use_up();
}

/* Somebody has a reference: the first buffer is not given, and stays posted. */
static int do_referred(void)
{
	dma_addr_t dmas[MOST];
	struct page *page;
	void *bufs[MOST];
	unsigned int i;
	int err = get_all(bufs, dmas);

	if (err)
		return err;
	page = virt_to_page(bufs[0]);
	get_page(page);
	err = expect("give", give_err(bufs[0]), -EBUSY);
	err = err ?: expect("posted", state_of(bufs[0]), LABYRINTH_PAGE_POSTED);
	for (i = 0; i < per_page() && !err; i++)
		err = labyrinth_rx_put(ring, bufs[i]);
	err = err ?: expect("limbo", state_of(bufs[0]), LABYRINTH_PAGE_LIMBO);
	put_page(page);
	return err;
}

/* With the queue full, pages that were lent before are the stack's. */
static int do_full_queue(void)
{
	static struct page *pages[2 * LENT * MOST];
	static void *bufs[2 * LENT * MOST];
	unsigned int i, nr = 2 * LENT * per_page(), gone = 0;
	dma_addr_t dma;
	int err = 0;

	for (i = 0; i < nr; i++)
		bufs[i] = labyrinth_rx_get(ring, &dma);
	for (i = 0; i < nr; i++) {
		pages[i] = labyrinth_rx_give(ring, bufs[i], 0, BYTES);
		if (IS_ERR(pages[i]))
			return PTR_ERR(pages[i]);
	}
	for (i = 0; i < nr; i++) {
		if (state_of(bufs[i]) == LABYRINTH_PAGE_ABSENT)
			gone++;
		put_page(pages[i]);
	}
	err = expect("let go", gone, LENT * per_page());
	/* Those on the queue are home. */
	return err ?: use_up();
}

/* Gives the buffer to the stack, which is done with it at once. */
static int give_and_drop(void *buf)
{
	struct page *page = labyrinth_rx_give(ring, buf, 0, BYTES);

	if (IS_ERR(page))
		return PTR_ERR(page);
	put_page(page);
	return 0;
}

/*
 * Two pages in use, of whose buffers one each is back from the stack, and the rest posted. Nobody
 * refers to the pages, which stay nevertheless.
 */
static int use_two(void *bufs[2][MOST])
{
	dma_addr_t dmas[MOST];
	int i, err = 0;

	for (i = 0; i < 2 && !err; i++)
		err = get_all(bufs[i], dmas) ?: give_and_drop(bufs[i][0]) ?:
		      expect_stays(bufs[i][0]);
	return err;
}

/* The queue has entries of four pages that the owner took back by hand, and freed. */
static int leave_entries(void)
{
	void *bufs[4][MOST];
	dma_addr_t dmas[MOST];
	unsigned int i, j;
	int err = 0;

	for (i = 0; i < 4 && !err; i++)
		err = get_all(bufs[i], dmas);
	for (i = 0; i < 4 && !err; i++)
		for (j = 0; j < per_page() && !err; j++)
			err = give_and_drop(bufs[i][j]);
	for (i = 0; i < 4 && !err; i++)
		err = labyrinth_reclaim(ring, bufs[i][0]);
	/* Those lent last come first again, and so have their old entries next to each other. */
	for (i = 0; i < 4 && !err; i++)
		err = labyrinth_free_page(ring, bufs[i ^ (i >> 1)][0]);
	return err;
}

static int get_beside_old_entries(void)
{
	void *bufs[2][MOST], *next;
	dma_addr_t dma;
	unsigned int i;
	int err = leave_entries() ?: use_two(bufs);

	if (err)
		return err;
	next = labyrinth_rx_get(ring, &dma);
	err = expect("the first page", page_of(next) == bufs[0][0], false);
	err = err ?: expect("the second page", page_of(next) == bufs[1][0], false);
	for (i = 1; i < per_page() && !err; i++)
		err = labyrinth_rx_put(ring, bufs[0][i]) ?: labyrinth_rx_put(ring, bufs[1][i]);
	return err ?: labyrinth_rx_put(ring, next);
}

/*
 * A page has an entry of the queue from an earlier turn, and buffers are with the device: the page
 * is not taken back. The owner is new, so that the queue has no other entries.
 */
static int do_old_entries(void)
{
	struct labyrinth_owner *before = ring;
	int err;

	ring = make_ring(LENT);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = get_beside_old_entries();
	err = expect("pages out", labyrinth_owner_destroy(ring), 0) ?: err;
	ring = before;
	return err;
}

/* An owner without a queue goes, and the stack has a buffer of the open page. */
static int do_unqueued(void)
{
	struct labyrinth_owner *before = ring;
	struct page *page;
	dma_addr_t dma;
	void *buf;
	int err;

	ring = make_ring(0);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	buf = labyrinth_rx_get(ring, &dma);
	page = labyrinth_rx_give(ring, buf, 0, BYTES);
	err = PTR_ERR_OR_ZERO(page);
	err = expect("pages out", labyrinth_owner_destroy(ring), 0) ?: err;
	err = err ?: expect("the stack's", state_of(buf), LABYRINTH_PAGE_ABSENT);
	err = err ?: expect("references", page_ref_count(page), 1);
	if (!IS_ERR(page))
		put_page(page);
	ring = before;
	return err;
}

/* With a buffer with device and stack each, both with the stack, and a page just opened. */
static int do_destroy(void)
{
	dma_addr_t dmas[MOST];
	void *mixed[MOST], *lent[MOST], *open;
	struct page *pages[MOST], *given;
	unsigned int i, nr = per_page();
	int err = get_all(mixed, dmas) ?: get_all(lent, dmas);

	if (err)
		return err;
	given = labyrinth_rx_give(ring, mixed[0], 0, BYTES);
	for (i = 0; i < nr; i++)
		pages[i] = labyrinth_rx_give(ring, lent[i], 0, BYTES);
	open = labyrinth_rx_get(ring, dmas);
	err = labyrinth_rx_put(ring, open);
	err = err ?: expect("pages out", labyrinth_owner_destroy(ring), 1);
	err = err ?: expect("mixed", state_of(mixed[0]), LABYRINTH_PAGE_LIMBO);
	err = err ?: expect("lent", state_of(lent[0]), LABYRINTH_PAGE_ABSENT);
	err = err ?: expect("open", state_of(open), LABYRINTH_PAGE_ABSENT);
	err = err ?: expect("references", page_ref_count(pages[0]), nr);
	for (i = 0; i < nr; i++)
		put_page(pages[i]);
	put_page(given);
	labyrinth_owner_destroy(other);
	return err;
}

/* Users of the owner on several CPUs at once, each with a few pages that the stack still has. */
#define USERS	3
#define STEPS	20000
#define KEPT	8

struct frag_user {
	struct completion done;
	struct page *kept[KEPT];
	int err;
};

static int use_buffer(struct frag_user *user, void *buf)
{
	u32 dice = get_random_u32();
	struct page *page, **kept = &user->kept[dice >> 8 & (KEPT - 1)];

	if (dice & 1 && (labyrinth_rx_read(ring, buf, 0, BYTES) || labyrinth_rx_again(ring, buf)))
		return -EIO;
	if (!(dice & 6))
		return labyrinth_rx_put(ring, buf);
	page = labyrinth_rx_give(ring, buf, 0, BYTES);
	if (IS_ERR(page))
		return PTR_ERR(page);
	if (*kept)
		put_page(*kept);
	*kept = page;
	return 0;
}

static int use(void *arg)
{
	struct frag_user *user = arg;
	void *bufs[4];
	dma_addr_t dma;
	unsigned int i, j;

	for (i = 0; i < STEPS && !user->err; i++) {
		for (j = 0; j < ARRAY_SIZE(bufs); j++)
			bufs[j] = labyrinth_rx_get(ring, &dma);
		for (j = 0; j < ARRAY_SIZE(bufs); j++)
			if (bufs[j])
				user->err = use_buffer(user, bufs[j]) ?: user->err;
		cond_resched();
	}
	for (i = 0; i < KEPT; i++)
		if (user->kept[i])
			put_page(user->kept[i]);
	complete(&user->done);
	return 0;
}

static int do_users(void)
{
	static struct frag_user users[USERS];
	int i, err = 0;

	for (i = 0; i < USERS; i++) {
		users[i] = (struct frag_user) {};
		init_completion(&users[i].done);
		if (IS_ERR(kthread_run(use, &users[i], "labyrinth_user")))
			return -ENOMEM;
	}
	for (i = 0; i < USERS; i++) {
		wait_for_completion(&users[i].done);
		err = err ?: expect("user", users[i].err, 0);
	}
	return err;
}

/* Two CPUs give or put the same buffer: one of them does. */
#define RACES	3000

static void *raced;
static atomic_t won, arrived;

static int claim(bool by_give)
{
	struct page *page;

	if (!by_give)
		return labyrinth_rx_put(ring, raced);
	page = labyrinth_rx_give(ring, raced, 0, BYTES);
	if (IS_ERR(page))
		return PTR_ERR(page);
	put_page(page);
	return 0;
}

static int race(void *arg)
{
	struct completion *done = arg;

	atomic_inc(&arrived);
	while (atomic_read(&arrived) < 2)
		cond_resched();
	if (!claim(get_random_u32() & 1))
		atomic_inc(&won);
	complete(done);
	return 0;
}

static int do_race(void)
{
	struct completion done;
	dma_addr_t dma;
	int i, err = 0;

	for (i = 0; i < RACES / 10 && !err; i++) {
		raced = labyrinth_rx_get(ring, &dma);
		atomic_set(&won, 0);
		atomic_set(&arrived, 0);
		init_completion(&done);
		kthread_run(race, &done, "labyrinth_race");
		kthread_run(race, &done, "labyrinth_race");
		wait_for_completion(&done);
		wait_for_completion(&done);
		err = expect("winners", atomic_read(&won), 1);
	}
	return err;
}

/* A hard interrupt gives a buffer of the page of which a thread just gives another. */
#define PERIOD		(20 * NSEC_PER_USEC)

static struct hrtimer timer;
static void *for_interrupt;
static unsigned int given_there;
static int interrupt_err;

static enum hrtimer_restart give_in_interrupt(struct hrtimer *unused)
{
	void *buf = xchg(&for_interrupt, NULL);
	int err = buf ? give_and_drop(buf) : 0;

	given_there += buf && !err;
	interrupt_err = interrupt_err ?: err;
	hrtimer_forward_now(&timer, ns_to_ktime(PERIOD));
	return HRTIMER_RESTART;
}

/* Gives all buffers of a page but the second, which is the interrupt's, if one comes. */
static int give_beside_interrupt(void)
{
	dma_addr_t dmas[MOST];
	void *bufs[MOST], *left;
	unsigned int i;
	int err = get_all(bufs, dmas);

	if (err)
		return err;
	WRITE_ONCE(for_interrupt, bufs[1]);
	for (i = 0; i < per_page() && !err; i++)
		err = i == 1 ? 0 : give_and_drop(bufs[i]);
	left = xchg(&for_interrupt, NULL);
	if (left)
		err = give_and_drop(left) ?: err;
	return err;
}

static int do_interrupt(void)
{
	int i, err = 0;

	/* There no interrupt may call. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return 0;
	given_there = 0;
	interrupt_err = 0;
	lab_hrtimer_setup(&timer, give_in_interrupt, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&timer, ns_to_ktime(PERIOD), HRTIMER_MODE_REL_HARD);
	for (i = 0; i < STEPS && !err; i++)
		err = give_beside_interrupt();
	hrtimer_cancel(&timer);
	err = err ?: expect("given in an interrupt", interrupt_err, 0);
	return err ?: expect("interrupts came", given_there > 0, true);
}

static const struct deed words[] = {
	{ "attributes", do_attributes },
	{ "begin", do_begin },
	{ "end", do_end },
	{ "rounds", do_rounds },
	{ "back", do_back },
	{ "mix", do_mix },
	{ "misuse", do_misuse },
	{ "referred", do_referred },
	{ "full-queue", do_full_queue },
	{ "old-entries", do_old_entries },
	{ "unqueued", do_unqueued },
	{ "destroy", do_destroy },
	{ "users", do_users },
	{ "race", do_race },
	{ "interrupt", do_interrupt },
};

static ssize_t do_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	return do_deed(words, ARRAY_SIZE(words), from, len);
}

static const struct file_operations do_fops = {
	.owner = THIS_MODULE,
	.write = do_write,
};

static int __init frags_init(void)
{
	card = platform_device_register_simple("labyrinth_frags", 0, NULL, 0);
	if (IS_ERR(card))
		return PTR_ERR(card);
	dma_coerce_mask_and_coherent(&card->dev, DMA_BIT_MASK(64));
	root = debugfs_create_dir("labyrinth_frags", NULL);
	debugfs_create_file("do", 0200, root, NULL, &do_fops);
	return 0;
}

static void __exit frags_exit(void)
{
	debugfs_remove(root);
	platform_device_unregister(card);
}

module_init(frags_init);
module_exit(frags_exit);

MODULE_DESCRIPTION("Labyrinth test: receive buffers that are parts of pages");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
