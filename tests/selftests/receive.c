// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver of receive buffers without a card: a platform device, for which pages are mapped, and
 * a hand that writes to memory where a device would. A word written to
 * /sys/kernel/debug/labyrinth_receive/do chooses the test, see words[]. The write returns the
 * test's errno, and the log says what was wrong.
 */
#define pr_fmt(fmt) "labyrinth_receive: " fmt

#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/string.h>

#include "deeds.h"
#include "labyrinth_compat.h"
#include "labyrinth_alloc.h"

#define RESERVE		8U
#define LENT		4U
#define BYTES		64U
#define OFFSET		32U

static bool single;
module_param(single, bool, 0444);
MODULE_PARM_DESC(single, "Make the owner a SINGLE one (default 0)");

static bool by_pointer;
module_param(by_pointer, bool, 0444);
MODULE_PARM_DESC(by_pointer, "Call the functions, not the inline forms (default 0)");

static struct dentry *root;
static struct platform_device *card, *other_card;
static struct labyrinth_owner *ring, *other, *plain;
static u32 found;

/* The calls, inline or not. */
static void *get(dma_addr_t *dma)
{
	return by_pointer ? (labyrinth_rx_get)(ring, dma) : labyrinth_rx_get(ring, dma);
}

static struct page *give(void *buf, size_t offset, size_t len)
{
	return by_pointer ? (labyrinth_rx_give)(ring, buf, offset, len) :
			    labyrinth_rx_give(ring, buf, offset, len);
}

static int read(void *buf, size_t offset, size_t len)
{
	return by_pointer ? (labyrinth_rx_read)(ring, buf, offset, len) :
			    labyrinth_rx_read(ring, buf, offset, len);
}

static int again(void *buf)
{
	return by_pointer ? (labyrinth_rx_again)(ring, buf) : labyrinth_rx_again(ring, buf);
}

static int put(void *buf)
{
	return by_pointer ? (labyrinth_rx_put)(ring, buf) : labyrinth_rx_put(ring, buf);
}

static int give_err(void *buf)
{
	return PTR_ERR_OR_ZERO(give(buf, 0, BYTES));
}

static enum labyrinth_page_state state_of(const void *buf)
{
	struct labyrinth_page_info info;

	return labyrinth_query(buf, &info) ? LABYRINTH_PAGE_ABSENT : info.state;
}

/* Writes where the device would: without an IOMMU, the address is that of memory. */
static void device_writes(dma_addr_t dma, u8 pattern)
{
	memset(phys_to_virt(dma), pattern, PAGE_SIZE);
}

static struct labyrinth_owner *make(const char *name, struct device *dev, unsigned long flags,
				    unsigned int lent)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = name, .nid = NUMA_NO_NODE, .flags = flags, .dev = dev,
		.reserve = RESERVE, .dma_dir = DMA_FROM_DEVICE, .lent = lent,
	});
}

static int do_begin(void)
{
	unsigned long flags = LABYRINTH_OWNER_DMA | (single ? LABYRINTH_OWNER_SINGLE : 0);

	ring = make("ring", &card->dev, flags, LENT);
	other = make("other", &other_card->dev, LABYRINTH_OWNER_DMA, 0);
	plain = make("plain", NULL, 0, 0);
	if (IS_ERR(ring) || IS_ERR(other) || IS_ERR(plain))
		return -EIO;
	return 0;
}

static int do_end(void)
{
	unsigned int out = labyrinth_owner_destroy(ring) + labyrinth_owner_destroy(other) +
			   labyrinth_owner_destroy(plain);

	ring = NULL;
	return expect("pages out", out, 0);
}

static int create_errno(const struct labyrinth_owner_attrs *attrs)
{
	struct labyrinth_owner *owner = labyrinth_owner_create(attrs);

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	labyrinth_owner_destroy(owner);
	return 0;
}

/* Attributes that make no sense, or cannot be had. */
static int do_attributes(void)
{
	struct labyrinth_owner_attrs good = {
		.name = "attributes", .nid = NUMA_NO_NODE, .flags = LABYRINTH_OWNER_DMA,
		.dev = &card->dev, .dma_dir = DMA_FROM_DEVICE, .frag_size = PAGE_SIZE,
	}, bad;
	int err = expect("good", create_errno(&good), 0);

	bad = good;
	bad.dev = NULL;
	err = err ?: expect("no device", create_errno(&bad), -EINVAL);
	bad = good;
	bad.dma_dir = DMA_NONE;
	err = err ?: expect("no direction", create_errno(&bad), -EINVAL);
	bad = good;
	bad.frag_size = 3000;
	err = err ?: expect("odd size", create_errno(&bad), -EINVAL);
	bad.frag_size = 2 * PAGE_SIZE;
	err = err ?: expect("large size", create_errno(&bad), -EINVAL);
	bad.frag_size = 2048;
	err = err ?: expect("half a page", create_errno(&bad), 0);
	bad = good;
	bad.flags |= LABYRINTH_OWNER_SEALED;
	bad.reserve = 1;
	err = err ?: expect("sealed", create_errno(&bad), -EOPNOTSUPP);
	bad.flags = LABYRINTH_OWNER_SEALED;
	bad.dev = NULL;
	bad.lent = 1;
	err = err ?: expect("a queue of sealed pages", create_errno(&bad), -EOPNOTSUPP);
	bad = good;
	bad.flags |= LABYRINTH_OWNER_STAMPED;
	err = err ?: expect("stamped", create_errno(&bad), -EOPNOTSUPP);
	bad = good;
	bad.lent = UINT_MAX;
	return err ?: expect("a queue beyond the table", create_errno(&bad), -ENOSPC);
}

/* Checks the content of a frame that the "device" wrote. */
static int expect_bytes(const void *at, u8 pattern)
{
	return memchr_inv(at, pattern, BYTES) ? wrong("bytes", *(const u8 *)at, pattern) : 0;
}

/* A frame is received, goes to the stack and comes back: the same page, mapped as before. */
static int round_trip(u8 pattern)
{
	dma_addr_t dma, first;
	struct page *page;
	void *buf = get(&first);
	int err;

	if (!buf)
		return -ENOMEM;
	err = expect("after get", state_of(buf), LABYRINTH_PAGE_POSTED);
	err = err ?: expect("owns", labyrinth_owns(ring, buf), true);
	device_writes(first, pattern);
	page = give(buf, OFFSET, BYTES);
	if (IS_ERR(page))
		return PTR_ERR(page);
	err = err ?: expect("after give", state_of(buf), LABYRINTH_PAGE_LENT);
	err = err ?: expect("the page", page == virt_to_page(buf), true);
	err = err ?: expect("type", PageOffline(page), false);
	err = err ?: expect_bytes(buf + OFFSET, pattern);
	put_page(page);
	err = err ?: expect("back", get(&dma) == buf, true);
	err = err ?: expect("mapped", dma, first);
	err = err ?: expect("type", PageOffline(page), true);
	return err ?: expect("put", put(buf), 0);
}

static int do_rounds(void)
{
	int i, err = 0;

	for (i = 0; i < 200 && !err; i++)
		err = round_trip(i);
	return err;
}

/* A frame is copied: the buffer stays with the device, at the same address. */
static int do_copy(void)
{
	dma_addr_t dma;
	void *buf = get(&dma);
	int i, err = buf ? 0 : -ENOMEM;

	for (i = 0; i < 10 && !err; i++) {
		device_writes(dma, i);
		err = expect("read", read(buf, OFFSET, BYTES), 0);
		err = err ?: expect_bytes(buf + OFFSET, i);
		err = err ?: expect("again", again(buf), 0);
		err = err ?: expect("state", state_of(buf), LABYRINTH_PAGE_POSTED);
	}
	return err ?: expect("put", put(buf), 0);
}

/* A page that the stack still has is not taken back; nothing is reported. */
static int do_busy(void)
{
	struct page *pages[LENT];
	dma_addr_t dma;
	void *bufs[LENT], *buf;
	int i, err = 0;

	for (i = 0; i < LENT; i++) {
		bufs[i] = get(&dma);
		pages[i] = give(bufs[i], 0, BYTES);
		if (IS_ERR(pages[i]))
			return PTR_ERR(pages[i]);
	}
	/* All are lent, so this page is another. */
	for (i = 0; i < 3 && !err; i++) {
		buf = get(&dma);
		err = expect("another", state_of(buf), LABYRINTH_PAGE_POSTED) ?:
		      expect("put", put(buf), 0);
	}
	for (i = 0; i < LENT; i++) {
		err = err ?: expect("lent", state_of(bufs[i]), LABYRINTH_PAGE_LENT);
		put_page(pages[i]);
	}
	return err;
}

/* With the queue full, a page that was lent before is the stack's: an ordinary page. */
static int do_full_queue(void)
{
	struct page *pages[2 * LENT];
	void *bufs[2 * LENT];
	int i, err = 0, gone = 0;
	dma_addr_t dma;

	for (i = 0; i < 2 * LENT; i++) {
		bufs[i] = get(&dma);
		pages[i] = give(bufs[i], 0, BYTES);
		if (IS_ERR(pages[i]))
			return PTR_ERR(pages[i]);
	}
	for (i = 0; i < 2 * LENT; i++) {
		if (state_of(bufs[i]) == LABYRINTH_PAGE_ABSENT) {
			gone++;
			err = err ?: expect("references", page_ref_count(pages[i]), 1);
		} else {
			err = err ?: expect("state", state_of(bufs[i]), LABYRINTH_PAGE_LENT);
		}
		put_page(pages[i]);
	}
	return err ?: expect("let go", gone, LENT);
}

/* What may not be done with a buffer that the device has. */
static int misuse_posted(void *buf)
{
	struct page *page;
	dma_addr_t dma;
	void *kernel;
	int err = expect("free", labyrinth_free_page(ring, buf), -EBUSY);

	err = err ?: expect("lend", PTR_ERR_OR_ZERO(labyrinth_lend(ring, buf)), -EBUSY);
	err = err ?: expect("release", PTR_ERR_OR_ZERO(labyrinth_release(ring, buf)), -EBUSY);
	page = labyrinth_release_lent(ring, buf);
	err = err ?: expect("release_lent", PTR_ERR_OR_ZERO(page), -EBUSY);
	err = err ?: expect("transfer", labyrinth_transfer(ring, other, buf), -EBUSY);
	err = err ?: expect("post twice", labyrinth_dma_map(ring, &card->dev, buf, 0, PAGE_SIZE,
							    DMA_FROM_DEVICE, &dma), -EBUSY);
	err = err ?: expect("unmap", labyrinth_dma_unmap(ring, &card->dev, buf, 0, PAGE_SIZE,
							 DMA_FROM_DEVICE), -ENOENT);
	kernel = labyrinth_vmap(ring, &buf, 1);
	err = err ?: expect("vmap", PTR_ERR_OR_ZERO(kernel), -EBUSY);
	kernel = labyrinth_adopt(ring, virt_to_page(buf));
	err = err ?: expect("adopt", PTR_ERR_OR_ZERO(kernel), -EBUSY);
	err = err ?: expect("another's put", labyrinth_rx_put(other, buf), -EPERM);
	page = labyrinth_rx_give(other, buf, 0, BYTES);
	err = err ?: expect("another's give", PTR_ERR_OR_ZERO(page), -EPERM);
	err = err ?: expect("beyond the end", PTR_ERR_OR_ZERO(give(buf, 1, PAGE_SIZE)), -EINVAL);
	err = err ?: expect("read beyond the end", read(buf, PAGE_SIZE + 1, 0), -EINVAL);
	return err ?: expect("wrapped", PTR_ERR_OR_ZERO(give(buf, 64, -32UL)), -EINVAL);
}

/* And with a page that the device has not. */
static int misuse_other(void *buf, int err_wanted)
{
	int err = expect("give", give_err(buf), err_wanted);

	err = err ?: expect("read", read(buf, 0, BYTES), err_wanted);
	err = err ?: expect("again", again(buf), err_wanted);
	return err ?: expect("put", put(buf), err_wanted);
}

/* Each refused call changes nothing. */
static int do_misuse(void)
{
	dma_addr_t dma;
	void *buf = get(&dma), *held;
	struct page *page;
	int err = misuse_posted(buf);

	err = err ?: expect("still", state_of(buf), LABYRINTH_PAGE_POSTED);
	page = err ? ERR_PTR(err) : give(buf, 0, BYTES);
	if (IS_ERR(page))
		return PTR_ERR(page);
	err = misuse_other(buf, -EINVAL);
	err = err ?: expect("still", state_of(buf), LABYRINTH_PAGE_LENT);
	put_page(page);
	err = err ?: expect("back", get(&dma) == buf, true);
	err = err ?: expect("put", put(buf), 0);
	err = err ?: misuse_other(buf, -EINVAL);
	held = labyrinth_void_alloc_page_gfp_atomic_exclusive(ring);
	err = err ?: misuse_other(held, -EINVAL);
	err = err ?: expect("still", state_of(held), LABYRINTH_PAGE_HELD);
	err = err ?: expect("free", labyrinth_free_page(ring, held), 0);
	err = err ?: misuse_other(&err, -EINVAL);
	err = err ?: expect("no address", !get(NULL), true);
	return err ?: expect("an owner without", !labyrinth_rx_get(plain, &dma), true);
}

/* Somebody has a reference: the buffer may go neither to the stack nor into the cache. */
static int do_referred(void)
{
	dma_addr_t dma;
	void *buf = get(&dma);
	struct page *page = virt_to_page(buf);
	int err;

	get_page(page);
	err = expect("give", give_err(buf), -EBUSY);
	err = err ?: expect("still", state_of(buf), LABYRINTH_PAGE_POSTED);
	err = err ?: expect("put", put(buf), 0);
	err = err ?: expect("limbo", state_of(buf), LABYRINTH_PAGE_LIMBO);
	put_page(page);
	return err;
}

/* Words of struct page overwritten while the device has the buffer: put right, and reported. */
static int do_overwritten(void)
{
	dma_addr_t dma;
	void *buf = get(&dma);
	struct page *page = virt_to_page(buf), *given;
	int err;

	set_page_private(page, 0x1234);
	given = give(buf, 0, BYTES);
	err = expect("give", given == page, true);
	err = err ?: expect("private", page_private(page), 0);
	/* A borrower may do that. */
	set_page_private(page, 0x1234);
	put_page(page);
	err = err ?: expect("back", get(&dma) == buf, true);
	err = err ?: expect("private", page_private(page), 0);
	return err ?: expect("put", put(buf), 0);
}

/* Pages go to owners with other devices and without, and come from there. */
static int do_transfer(void)
{
	void *buf = labyrinth_void_alloc_page_gfp_atomic_exclusive(ring);
	struct page *page;
	dma_addr_t dma;
	int err;

	err = expect("to another device", labyrinth_transfer(ring, other, buf), 0);
	err = err ?: expect("to none", labyrinth_transfer(other, plain, buf), 0);
	err = err ?: expect("to a device", labyrinth_transfer(plain, ring, buf), 0);
	page = labyrinth_release(ring, buf);
	err = err ?: expect("release", PTR_ERR_OR_ZERO(page), 0);
	err = err ?: expect("adopt", labyrinth_adopt(ring, page) == buf, true);
	err = err ?: expect("free", labyrinth_free_page(ring, buf), 0);
	/* A SINGLE owner's next page is the page freed last; the queue is empty. */
	err = err ?: expect("get", get(&dma) == buf, true);
	if (err)
		return err;
	device_writes(dma, 0x42);
	page = give(buf, 0, BYTES);
	err = expect_bytes(buf, 0x42);
	put_page(page);
	return err;
}

/* A page of the stack's that the owner gives up, queue or not. */
static int do_release_lent(void)
{
	dma_addr_t dma;
	void *buf = get(&dma), *next;
	struct page *page = give(buf, 0, BYTES);
	int err = expect("release_lent", labyrinth_release_lent(ring, buf) == page, true);

	err = err ?: expect("gone", state_of(buf), LABYRINTH_PAGE_ABSENT);
	err = err ?: expect("references", page_ref_count(page), 2);
	put_page(page);
	put_page(page);
	/* The queue's entry leads nowhere. */
	next = get(&dma);
	err = err ?: expect("get", state_of(next), LABYRINTH_PAGE_POSTED);
	return err ?: expect("put", put(next), 0);
}

/* The main call takes back what was lent, when nothing else is there. */
static int do_main_call(void)
{
	struct labyrinth_owner *lender = make("lender", NULL, 0, LENT);
	struct labyrinth_page_info info = {};
	struct page *page;
	void *buf, *next;
	unsigned int i;
	int err;

	buf = labyrinth_void_alloc_page_gfp_atomic_exclusive(lender);
	page = labyrinth_lend(lender, buf);
	put_page(page);
	/* The cache comes first. */
	for (i = 0; i < 100; i++) {
		next = labyrinth_void_alloc_page_gfp_atomic_exclusive(lender);
		if (next == buf)
			break;
	}
	err = expect("taken back", next == buf, true);
	labyrinth_query(buf, &info);
	err = err ?: expect("state", info.state, LABYRINTH_PAGE_HELD);
	labyrinth_owner_destroy(lender);
	return err;
}

/*
 * Destroys an owner that has a buffer with the device, a page that the stack still has, and one
 * that came back.
 */
static int do_destroy(void)
{
	struct labyrinth_owner *old = ring;
	void *posted, *lent, *back;
	struct page *page, *home;
	dma_addr_t dma;
	int err;

	posted = get(&dma);
	lent = get(&dma);
	page = give(lent, 0, BYTES);
	back = get(&dma);
	home = give(back, 0, BYTES);
	put_page(home);
	ring = NULL;
	err = expect("pages out", labyrinth_owner_destroy(old), 1);
	err = err ?: expect("posted", state_of(posted), LABYRINTH_PAGE_LIMBO);
	err = err ?: expect("lent", state_of(lent), LABYRINTH_PAGE_ABSENT);
	err = err ?: expect("back", state_of(back), LABYRINTH_PAGE_ABSENT);
	err = err ?: expect("references", page_ref_count(page), 1);
	put_page(page);
	labyrinth_owner_destroy(other);
	labyrinth_owner_destroy(plain);
	return err;
}

/* More buffers than the reserve, and back. */
static int do_many(void)
{
	static void *bufs[1000];
	dma_addr_t dma;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(bufs); i++) {
		bufs[i] = get(&dma);
		if (!bufs[i])
			break;
	}
	found = i;
	for (j = 0; j < i; j++)
		if (put(bufs[j]))
			return -EIO;
	return i == ARRAY_SIZE(bufs) ? 0 : -ENOMEM;
}

/* Frames whose page comes back at once, so that none is asked of the cache, or put there. */
static int do_stream(void)
{
	struct page *page;
	dma_addr_t dma;
	void *buf;
	int i;

	for (i = 0; i < 50; i++) {
		buf = get(&dma);
		if (!buf)
			return -ENOMEM;
		page = give(buf, 0, BYTES);
		if (IS_ERR(page))
			return PTR_ERR(page);
		put_page(page);
	}
	return 0;
}

/* Leaves no page on the queue. */
static int do_stream_end(void)
{
	dma_addr_t dma;
	void *buf = get(&dma);

	return buf ? put(buf) : -ENOMEM;
}

/* Takes more buffers than the reserve has, gives half of them to the stack, puts the rest. */
static int use_some(struct labyrinth_owner *owner)
{
	void *bufs[3 * RESERVE];
	struct page *page;
	unsigned int i;
	dma_addr_t dma;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(bufs); i++)
		bufs[i] = labyrinth_rx_get(owner, &dma);
	for (i = 0; i < ARRAY_SIZE(bufs); i++) {
		if (!bufs[i]) {
			err = -ENOMEM;
		} else if (i % 2) {
			err = labyrinth_rx_put(owner, bufs[i]) ?: err;
		} else {
			page = labyrinth_rx_give(owner, bufs[i], 0, BYTES);
			if (IS_ERR(page))
				return PTR_ERR(page);
			put_page(page);
		}
	}
	return err;
}

static int sweep_owner(unsigned long flags)
{
	struct labyrinth_owner *owner = make("swept", &card->dev, LABYRINTH_OWNER_DMA | flags,
					     LENT);
	int err;

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = use_some(owner);
	return labyrinth_owner_destroy(owner) ? -EIO : err;
}

/* An owner's whole life, for a test in which calls of the kernel fail. */
static int do_sweep(void)
{
	return sweep_owner(0) ?: sweep_owner(LABYRINTH_OWNER_SINGLE);
}

static const struct deed words[] = {
	{ "attributes", do_attributes },
	{ "begin", do_begin },
	{ "end", do_end },
	{ "rounds", do_rounds },
	{ "copy", do_copy },
	{ "busy", do_busy },
	{ "full-queue", do_full_queue },
	{ "misuse", do_misuse },
	{ "referred", do_referred },
	{ "overwritten", do_overwritten },
	{ "transfer", do_transfer },
	{ "release-lent", do_release_lent },
	{ "main-call", do_main_call },
	{ "destroy", do_destroy },
	{ "many", do_many },
	{ "stream", do_stream },
	{ "stream-end", do_stream_end },
	{ "sweep", do_sweep },
};

static ssize_t do_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	return do_deed(words, ARRAY_SIZE(words), from, len);
}

static const struct file_operations do_fops = {
	.owner = THIS_MODULE,
	.write = do_write,
};

static struct platform_device *make_card(int id)
{
	struct platform_device *pdev = platform_device_register_simple("labyrinth_receive", id,
								       NULL, 0);

	if (!IS_ERR(pdev))
		dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	return pdev;
}

static int __init receive_init(void)
{
	card = make_card(0);
	if (IS_ERR(card))
		return PTR_ERR(card);
	other_card = make_card(1);
	if (IS_ERR(other_card)) {
		platform_device_unregister(card);
		return PTR_ERR(other_card);
	}
	root = debugfs_create_dir("labyrinth_receive", NULL);
	debugfs_create_file("do", 0200, root, NULL, &do_fops);
	debugfs_create_u32("found", 0400, root, &found);
	return 0;
}

static void __exit receive_exit(void)
{
	debugfs_remove(root);
	platform_device_unregister(other_card);
	platform_device_unregister(card);
}

module_init(receive_init);
module_exit(receive_exit);

MODULE_DESCRIPTION("Labyrinth test: receive buffers, used well and badly");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
