// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bugs of Documentation/symptoms.rst, each in a few lines of a network driver that there might
 * be. A word written to /sys/kernel/debug/labyrinth_symptoms/do brings one about. The functions
 * that the chapter's reports name are not inlined, and end in no jump.
 */
#define pr_fmt(fmt) "labyrinth_symptoms: " fmt

#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../../labyrinth_alloc.h"

#define NR_RING		8
#define RXBUF		2048
#define FRAME		98

static struct platform_device *pdev;
static struct dentry *root;
static struct labyrinth_owner *rx, *tx;
static void *ring[NR_RING];
static dma_addr_t dma[NR_RING];
static struct page *borrowed[NR_RING];

static int raise_queue(struct labyrinth_owner **queue, const char *name, unsigned int quota)
{
	const struct labyrinth_owner_attrs attrs = {
		.name = name,
		.dev = &pdev->dev,
		.max_pages = quota,
		.nid = NUMA_NO_NODE,
	};

	*queue = labyrinth_owner_create(&attrs);
	return PTR_ERR_OR_ZERO(*queue);
}

/* Neither inlined nor made one with a function that does the same. */
#define DEED __attribute__((noipa))

/* Keeps the compiler from ending a function by a jump, which would hide the function's name. */
#define RETURN(value) ({ int result = (value); barrier(); result; })

static DEED int rx_refill(int i)
{
	ring[i] = labyrinth_void_alloc_page_gfp_atomic_exclusive(rx);
	return RETURN(ring[i] ? 0 : -ENOMEM);
}

static DEED int rx_post(int i)
{
	return RETURN(rx_refill(i) ?: labyrinth_dma_map(rx, &pdev->dev, ring[i], 0, RXBUF,
							DMA_FROM_DEVICE, &dma[i]));
}

static DEED int rx_free(int i)
{
	return RETURN(labyrinth_free_page(rx, ring[i]));
}

static DEED int rx_unmap(int i, size_t size)
{
	return RETURN(labyrinth_dma_unmap(rx, &pdev->dev, ring[i], dma[i], size,
					  DMA_FROM_DEVICE));
}

/* To the network stack, as a fragment of an skb. */
static DEED int rx_to_stack(int i)
{
	borrowed[i] = labyrinth_lend(rx, ring[i]);
	return RETURN(PTR_ERR_OR_ZERO(borrowed[i]));
}

static DEED int stack_is_done(int i)
{
	put_page(borrowed[i]);
	return RETURN(labyrinth_reclaim(rx, ring[i]));
}

/* The interface goes down and comes up: its queue has another owner afterwards. */
static DEED int rx_down(void)
{
	labyrinth_owner_destroy(rx);
	return RETURN(raise_queue(&rx, "rx0", 0));
}

/* The stack keeps five pages while the interface goes down. */
static int do_stall(void)
{
	int i, err = 0;

	for (i = 0; i < 5 && !err; i++)
		err = rx_refill(i) ?: rx_to_stack(i);
	return err ?: rx_down();
}

static int do_stall_end(void)
{
	int i;

	for (i = 0; i < 5; i++)
		put_page(borrowed[i]);
	return 0;
}

/* The path of short frames copies, and forgets the page. */
static DEED int rx_copybreak(int i)
{
	ring[i] = labyrinth_void_alloc_page_gfp_atomic_exclusive(rx);
	return RETURN(ring[i] ? 0 : -ENOMEM);
}

static int do_one_lost(void)
{
	int i, err = 0;

	for (i = 0; i < NR_RING && !err; i++)
		err = rx_refill(i);
	for (; i && !err; i--)
		err = rx_free(i - 1);
	return err ?: rx_copybreak(0) ?: rx_down();
}

/* The other end of a shared ring has a page, and the frontend frees it: which page, whose? */
static DEED int front_grant(int i)
{
	borrowed[i] = labyrinth_lend(rx, ring[i]);
	return RETURN(PTR_ERR_OR_ZERO(borrowed[i]));
}

static DEED int front_end(int i)
{
	return RETURN(labyrinth_free_page(rx, ring[i]));
}

static int do_frontend(void)
{
	int err = rx_refill(0) ?: front_grant(0);

	if (err)
		return err;
	front_end(0);
	return stack_is_done(0) ?: rx_free(0);
}

/* The device is gone, with its owner; then a completion that was on its way unmaps. */
static DEED int late_completion(struct labyrinth_owner *of)
{
	return RETURN(labyrinth_dma_unmap(of, &pdev->dev, ring[0], dma[0], RXBUF,
					  DMA_FROM_DEVICE));
}

static int do_late_unmap(void)
{
	struct labyrinth_owner *gone = rx;
	int err = rx_post(0) ?: rx_down();

	if (!err)
		late_completion(gone);
	return err;
}

/* An interrupt's allocation fails, and there is memory. */
static DEED void *small_irq(struct labyrinth_owner *small)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(small);

	barrier();
	return page;
}

static int do_atomic_fails(void)
{
	struct labyrinth_owner *small;
	void *pages[3];
	int i, err = raise_queue(&small, "small", 2);

	if (err)
		return err;
	for (i = 0; i < 3; i++)
		pages[i] = small_irq(small);
	err = pages[2] ? -EUCLEAN : 0;
	for (i = 0; i < 2; i++)
		labyrinth_free_page(small, pages[i]);
	labyrinth_owner_destroy(small);
	return err;
}

/* A transfer forgets its unmap; the next one, of the same page, is in order, and fails. */
static DEED int first_transfer(void)
{
	return RETURN(labyrinth_dma_map(rx, &pdev->dev, ring[0], 0, PAGE_SIZE, DMA_TO_DEVICE,
					&dma[0]));
}

static DEED int next_transfer(void)
{
	int err = labyrinth_dma_map(rx, &pdev->dev, ring[0], 0, RXBUF, DMA_FROM_DEVICE, &dma[1]) ?:
		  labyrinth_dma_unmap(rx, &pdev->dev, ring[0], dma[1], RXBUF, DMA_FROM_DEVICE);

	return RETURN(err ?: labyrinth_free_page(rx, ring[0]));
}

static int do_previous(void)
{
	int err = rx_refill(0) ?: first_transfer();

	if (err)
		return err;
	next_transfer();
	return labyrinth_dma_unmap(rx, &pdev->dev, ring[0], dma[0], PAGE_SIZE, DMA_TO_DEVICE) ?:
	       rx_free(0);
}

/* Pages of redirected XDP frames: the other driver's ring stops, and returns half of them. */
static DEED int xdp_redirect(int i)
{
	borrowed[i] = labyrinth_lend(rx, ring[i]);
	return RETURN(PTR_ERR_OR_ZERO(borrowed[i]));
}

static int do_xdp(void)
{
	int i, err = 0;

	for (i = 0; i < 4 && !err; i++)
		err = rx_refill(i) ?: xdp_redirect(i);
	for (i = 0; i < 2 && !err; i++)
		err = stack_is_done(i) ?: rx_free(i);
	return err;
}

static int do_xdp_end(void)
{
	return stack_is_done(2) ?: rx_free(2) ?: stack_is_done(3) ?: rx_free(3);
}

/* Unmaps as many bytes as the frame had. */
static DEED int rx_done(int i)
{
	return RETURN(rx_unmap(i, FRAME));
}

static int do_unmap_size(void)
{
	int err = rx_post(0);

	if (err)
		return err;
	rx_done(0);
	return rx_unmap(0, RXBUF) ?: rx_free(0);
}

/* Two requests are completed with each other's addresses. */
static DEED int complete_crosswise(int page, int address)
{
	return RETURN(labyrinth_dma_unmap(rx, &pdev->dev, ring[page], dma[address], RXBUF,
					  DMA_FROM_DEVICE));
}

static int do_unmap_swapped(void)
{
	int err = rx_post(0) ?: rx_post(1);

	if (err)
		return err;
	complete_crosswise(0, 1);
	return rx_unmap(0, RXBUF) ?: rx_unmap(1, RXBUF) ?: rx_free(0) ?: rx_free(1);
}

/* The path of a timeout frees, and does not unmap. */
static DEED int rx_timeout(int i)
{
	return RETURN(labyrinth_free_page(rx, ring[i]));
}

static int do_unmap_forgotten(void)
{
	int err = rx_post(0);

	if (err)
		return err;
	rx_timeout(0);
	return rx_unmap(0, RXBUF) ?: rx_free(0);
}

/* The device writes, by its address of the page, after the page was freed. */
static int do_late_dma(void)
{
	void *page;
	int err = rx_post(0) ?: rx_unmap(0, RXBUF) ?: rx_free(0);

	if (err)
		return err;
	memset(ring[0] + 64, 0x5a, 128);
	page = ring[0];
	err = rx_refill(0);
	return err ?: ring[0] == page ? rx_free(0) : -EAGAIN;
}

/* The layer below puts one reference too often. */
static DEED void lower_layer(int i)
{
	put_page(borrowed[i]);
	put_page(borrowed[i]);
	barrier();
}

static int do_put_too_often(void)
{
	int err = rx_refill(0) ?: rx_to_stack(0);

	if (err)
		return err;
	lower_layer(0);
	return labyrinth_reclaim(rx, ring[0]) ?: rx_free(0);
}

/* Spare pages are chained by page->private, as they were when alloc_page() gave them. */
static int do_private_chain(void)
{
	int err = rx_refill(0);

	if (err)
		return err;
	set_page_private(virt_to_page(ring[0]), (unsigned long)ring);
	return rx_to_stack(0) ?: stack_is_done(0) ?: rx_free(0);
}

/* An error path frees with the old function. */
static DEED void error_path(int i)
{
	free_page((unsigned long)ring[i]);
	barrier();
}

static int do_wrong_free(void)
{
	int err = rx_refill(0);

	if (err)
		return err;
	error_path(0);
	return rx_free(0);
}

static int do_unowned_free(void)
{
	ring[0] = (void *)__get_free_page(GFP_KERNEL);
	rx_free(0);
	free_page((unsigned long)ring[0]);
	return 0;
}

/* Two paths free one page. */
static DEED int rx_clean(int i)
{
	return RETURN(labyrinth_free_page(rx, ring[i]));
}

static int do_double_free(void)
{
	int err = rx_refill(0) ?: rx_clean(0);

	if (!err)
		rx_free(0);
	return err;
}

/* A descriptor is completed twice, and between the two its page was handed out again. */
static DEED void *desc_refill(struct labyrinth_owner *stamped)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(stamped);

	barrier();
	return page;
}

static DEED int desc_complete(struct labyrinth_owner *stamped, void *page, u32 stamp)
{
	return RETURN(labyrinth_free_page_stamped(stamped, page, stamp));
}

static DEED int desc_complete_again(struct labyrinth_owner *stamped, void *page, u32 stamp)
{
	return RETURN(labyrinth_free_page_stamped(stamped, page, stamp));
}

static int complete_twice(struct labyrinth_owner *stamped)
{
	void *page = desc_refill(stamped), *next;
	u32 stamp = labyrinth_stamp(stamped, page);
	int err = desc_complete(stamped, page, stamp);

	next = desc_refill(stamped);
	if (err || next != page)
		return err ?: -EAGAIN;
	err = desc_complete_again(stamped, page, stamp);
	return labyrinth_free_page(stamped, next) ?: err == -ESTALE ? 0 : -EUCLEAN;
}

static int do_stale(void)
{
	const struct labyrinth_owner_attrs attrs = {
		.name = "cq0",
		.nid = NUMA_NO_NODE,
		.flags = LABYRINTH_OWNER_STAMPED,
	};
	struct labyrinth_owner *stamped = labyrinth_owner_create(&attrs);
	int err;

	if (IS_ERR(stamped))
		return PTR_ERR(stamped);
	err = complete_twice(stamped);
	labyrinth_owner_destroy(stamped);
	return err;
}

/* The frame is still being sent; the handler of the timeout uses its page for the next. */
static DEED int timeout_reuse(void)
{
	return RETURN(labyrinth_dma_map(rx, &pdev->dev, ring[0], 0, RXBUF, DMA_FROM_DEVICE,
					&dma[0]));
}

static int do_reused(void)
{
	int err = rx_refill(0) ?: rx_to_stack(0);

	if (err)
		return err;
	timeout_reuse();
	return stack_is_done(0) ?: rx_free(0);
}

/* The wrong queue's handle. */
static int do_wrong_queue(void)
{
	int err = rx_refill(0);

	if (err)
		return err;
	labyrinth_free_page(tx, ring[0]);
	return rx_free(0);
}

/* Many are out when the driver goes, some mapped for DMA: those are lost for good. */
static DEED int tx_control(void)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(rx);

	return RETURN(page ? 0 : -ENOMEM);
}

static int do_leak(void)
{
	int i, err = rx_post(0);

	for (i = 0; i < 40 && !err; i++)
		err = rx_refill(1);
	for (i = 0; i < 3 && !err; i++)
		err = tx_control();
	return err ?: rx_down();
}

/* Two CPUs, each with an owner and the other's page, make a mistake at the same moment. */
static DEED int queue0_reap(void *wrong)
{
	return RETURN(labyrinth_free_page(tx, wrong));
}

static DEED int queue1_reap(void *wrong)
{
	return RETURN(labyrinth_free_page(rx, wrong));
}

static int one_cpu(void *wrong)
{
	int i;

	for (i = 0; i < 5; i++)
		if (wrong == ring[0])
			queue0_reap(wrong);
		else
			queue1_reap(wrong);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int do_two_cpus(void)
{
	struct task_struct *threads[2] = {};
	int i, err = rx_refill(0);

	ring[1] = labyrinth_void_alloc_page_gfp_atomic_exclusive(tx);
	if (err || !ring[1])
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		threads[i] = kthread_create(one_cpu, ring[i], "queue%d", i);
		if (IS_ERR(threads[i]))
			return PTR_ERR(threads[i]);
		kthread_bind(threads[i], i % num_online_cpus());
	}
	for (i = 0; i < 2; i++)
		wake_up_process(threads[i]);
	schedule_timeout_uninterruptible(HZ / 5);
	for (i = 0; i < 2; i++)
		kthread_stop(threads[i]);
	return labyrinth_free_page(tx, ring[1]) ?: rx_free(0);
}

/* A page for other modules' mistakes, see symptoms.sh. */
static int do_hold(void)
{
	return rx_refill(0);
}

static int do_free(void)
{
	return rx_free(0);
}

static const struct {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "stall", do_stall },
	{ "stall-end", do_stall_end },
	{ "one-lost", do_one_lost },
	{ "frontend", do_frontend },
	{ "late-unmap", do_late_unmap },
	{ "atomic-fails", do_atomic_fails },
	{ "previous", do_previous },
	{ "xdp", do_xdp },
	{ "xdp-end", do_xdp_end },
	{ "unmap-size", do_unmap_size },
	{ "unmap-swapped", do_unmap_swapped },
	{ "unmap-forgotten", do_unmap_forgotten },
	{ "late-dma", do_late_dma },
	{ "put-too-often", do_put_too_often },
	{ "private-chain", do_private_chain },
	{ "wrong-free", do_wrong_free },
	{ "unowned-free", do_unowned_free },
	{ "double-free", do_double_free },
	{ "stale", do_stale },
	{ "reused", do_reused },
	{ "wrong-queue", do_wrong_queue },
	{ "leak", do_leak },
	{ "two-cpus", do_two_cpus },
	{ "hold", do_hold },
	{ "free", do_free },
};

static ssize_t do_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[32] = {};
	int err = -EINVAL;
	size_t i;

	if (count >= sizeof(word) || copy_from_user(word, buf, count))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(strim(word), words[i].word))
			err = words[i].fn();
	return err ?: count;
}

static const struct file_operations do_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = do_write,
};

static int __init symptoms_init(void)
{
	int err;

	pdev = platform_device_register_simple("labyrinth_symptoms", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64)) ?:
	      raise_queue(&rx, "rx0", 0);
	if (!err) {
		err = raise_queue(&tx, "tx0", 0);
		if (err)
			labyrinth_owner_destroy(rx);
	}
	if (err) {
		platform_device_unregister(pdev);
		return err;
	}
	root = debugfs_create_dir("labyrinth_symptoms", NULL);
	debugfs_create_file("do", 0200, root, NULL, &do_fops);
	return 0;
}
module_init(symptoms_init);

static void __exit symptoms_exit(void)
{
	debugfs_remove(root);
	labyrinth_owner_destroy(tx);
	labyrinth_owner_destroy(rx);
	platform_device_unregister(pdev);
}
module_exit(symptoms_exit);

MODULE_DESCRIPTION("Labyrinth self-test: the bugs of the chapter on symptoms");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
