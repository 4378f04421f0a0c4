// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo's play with a device: driver B tells its card (qemu's edu, which takes a tenth of a
 * second) to write to a page, and frees the page before the card has written; driver A is given a
 * page, and keeps a balance there. With pages from alloc_page() A is given B's page, and the card
 * overwrites the balance. With pages from Labyrinth B's free is refused, since the page is mapped
 * for the card, and A is given another.
 *
 * All of it happens in probe.
 */
#define pr_fmt(fmt) "story: " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "../labyrinth_alloc.h"
#include "labyrinth_edu.h"

#define BALANCE 100
/* A page just freed comes out of the page allocator again within so many allocations. */
#define TRIES 64
/* The longest that a card takes, in steps of a fiftieth of a second. */
#define STEPS 250

static bool safe;
module_param(safe, bool, 0444);
MODULE_PARM_DESC(safe, "Pages from Labyrinth, not from alloc_page() (default 0)");

struct play {
	struct device *dev;
	void __iomem *regs;
	struct labyrinth_owner *a, *b;	/* only if safe */
	void *page;			/* B's, which the card writes to */
	dma_addr_t dma;
	int *balance;			/* A's page */
};

static void card_begins(struct play *play)
{
	edu_start_write(play->regs, play->dma, 0);
	pr_info("B tells its card to write to a page, and does not wait for it\n");
}

static void card_ends(const struct play *play)
{
	unsigned int step;

	for (step = 0; step < STEPS; step++) {
		if (!(readq(play->regs + EDU_DMA_CMD) & EDU_DMA_START))
			break;
		msleep(20);
	}
	pr_info("the card has written\n");
}

static void a_has_page(struct play *play)
{
	*play->balance = BALANCE;
	pr_info("A is given %s page, and keeps its balance there: %d\n",
		play->balance == play->page ? "that" : "another", BALANCE);
}

static void a_reads(const struct play *play)
{
	int balance = READ_ONCE(*play->balance);

	pr_info("A reads its balance: %d, which is %s\n", balance,
		balance == BALANCE ? "right" : "WRONG");
}

/* B's mistake, and A, who makes none: with interrupts off, nobody else is given the page. */
static void b_frees_a_takes(struct play *play)
{
	void *pages[TRIES];
	unsigned int n = 0;
	unsigned long flags;

	local_irq_save(flags);
	free_page((unsigned long)play->page);
	do {
		pages[n] = (void *)__get_free_page(GFP_ATOMIC | __GFP_NOWARN);
	} while (pages[n] != play->page && ++n < TRIES);
	if (n < TRIES)
		play->balance = pages[n];
	while (n--)
		free_page((unsigned long)pages[n]);
	local_irq_restore(flags);
}

/* The card must not write to a page that is nobody's: without A, the play is off. */
static int play_unsafe(struct play *play)
{
	play->page = (void *)__get_free_page(GFP_KERNEL);
	if (!play->page)
		return -ENOMEM;
	play->dma = dma_map_single(play->dev, play->page, PAGE_SIZE, DMA_FROM_DEVICE);
	if (dma_mapping_error(play->dev, play->dma)) {
		free_page((unsigned long)play->page);
		return -ENOMEM;
	}
	b_frees_a_takes(play);
	if (play->balance) {
		card_begins(play);
		pr_info("B frees the page: nobody minds\n");
		a_has_page(play);
		card_ends(play);
	}
	dma_unmap_single(play->dev, play->dma, PAGE_SIZE, DMA_FROM_DEVICE);
	if (!play->balance)
		return -EAGAIN;
	a_reads(play);
	free_page((unsigned long)play->balance);
	return 0;
}

/* The same steps; B goes on after the refusal, and frees when the card is done. */
static int play_safe(struct play *play)
{
	int err;

	play->page = labyrinth_void_alloc_page_gfp_atomic_exclusive(play->b);
	play->balance = labyrinth_void_alloc_page_gfp_atomic_exclusive(play->a);
	if (!play->page || !play->balance)
		return -ENOMEM;
	err = labyrinth_dma_map(play->b, play->dev, play->page, 0, PAGE_SIZE, DMA_FROM_DEVICE,
				&play->dma);
	if (err)
		return err;
	card_begins(play);
	err = labyrinth_free_page(play->b, play->page);
	pr_info("B frees the page: refused, %pe\n", ERR_PTR(err));
	a_has_page(play);
	card_ends(play);
	labyrinth_dma_unmap(play->b, play->dev, play->page, play->dma, PAGE_SIZE, DMA_FROM_DEVICE);
	a_reads(play);
	labyrinth_free_page(play->b, play->page);
	labyrinth_free_page(play->a, play->balance);
	return 0;
}

static struct labyrinth_owner *create(const char *name, struct device *dev)
{
	struct labyrinth_owner_attrs attrs = {
		.name = name,
		.dev = dev,
		.nid = NUMA_NO_NODE,
	};
	struct labyrinth_owner *owner = labyrinth_owner_create(&attrs);

	return IS_ERR(owner) ? NULL : owner;
}

static int play_with_owners(struct play *play)
{
	int err = -ENOMEM;

	play->a = create("A", NULL);
	play->b = create("B", play->dev);
	if (play->a && play->b)
		err = play_safe(play);
	if (play->b)
		labyrinth_owner_destroy(play->b);
	if (play->a)
		labyrinth_owner_destroy(play->a);
	return err;
}

static int card_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct play play = { .dev = &pdev->dev };

	play.regs = edu_enable(pdev);
	if (IS_ERR(play.regs))
		return PTR_ERR(play.regs);
	return safe ? play_with_owners(&play) : play_unsafe(&play);
}

static const struct pci_device_id card_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{ }
};

static struct pci_driver card_driver = {
	.name = KBUILD_MODNAME,
	.id_table = card_ids,
	.probe = card_probe,
};

module_pci_driver(card_driver);

MODULE_DESCRIPTION("Labyrinth sample: a device that writes late, without it and with it");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
