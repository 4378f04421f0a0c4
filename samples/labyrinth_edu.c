// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for qemu's edu device. By DMA the device reads and writes pages that nobody
 * else may touch. In each round the device reads a page into the device's buffer, and
 * writes the buffer to a second page; the two pages must then be equal.
 *
 * Each interrupt ends a transfer, takes and maps the page of the next transfer, and begins
 * that transfer. Probe begins the first transfer, remove waits for the last; in between,
 * only the interrupt handler touches the state.
 *
 * qemu needs -device edu,dma_mask=0xffffffff, or as wide a mask as dma_bits= says.
 *
 * With sealed=1 the pages are out of the direct map. Then the core can copy no page to a bounce
 * buffer: where the device does not reach a page by itself, labyrinth_dma_map() is -EOPNOTSUPP.
 */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "../labyrinth_alloc.h"
#include "labyrinth_edu.h"

static unsigned int rounds = 10;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "How many rounds each device does (default 10)");

static bool sealed;
module_param(sealed, bool, 0444);
MODULE_PARM_DESC(sealed, "Pages that are out of the direct map (default 0)");

static unsigned int dma_bits = 32;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "How many bits wide an address for DMA may be (default 32)");

struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct labyrinth_owner *owner;

	/* The round's pages; NULL where there is none yet. */
	void *out;			/* the device reads this page */
	void *in;			/* the device writes this page */

	/* The transfer under way; DMA_NONE: there is none. */
	enum dma_data_direction dir;
	dma_addr_t dma;

	struct completion idle;		/* no transfer, and none will be begun */
	bool stop;			/* do not begin another round */

	unsigned int rounds;
	unsigned int different;		/* rounds whose pages were not equal */
	unsigned int interrupts;
	u64 bytes_out;
	u64 bytes_in;
};

static void *page_in_transfer(struct edu *edu)
{
	return edu->dir == DMA_TO_DEVICE ? edu->out : edu->in;
}

static int begin_transfer(struct edu *edu, enum dma_data_direction dir)
{
	int err;

	edu->dir = dir;
	err = labyrinth_dma_map(edu->owner, &edu->pdev->dev,
				page_in_transfer(edu), 0, EDU_BYTES, dir,
				&edu->dma);
	if (err)
		edu->dir = DMA_NONE;
	else if (dir == DMA_TO_DEVICE)
		edu_start_read(edu->regs, edu->dma, EDU_DMA_IRQ);
	else
		edu_start_write(edu->regs, edu->dma, EDU_DMA_IRQ);
	return err;
}

/* The device must be done with the page. */
static void end_transfer(struct edu *edu)
{
	labyrinth_dma_unmap(edu->owner, &edu->pdev->dev, page_in_transfer(edu),
			    edu->dma, EDU_BYTES, edu->dir);
	edu->dir = DMA_NONE;
}

static void fill(u32 *words, u32 seed)
{
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		words[i] = (seed << 16) + i;
}

static int begin_round(struct edu *edu)
{
	edu->out = labyrinth_void_alloc_page_gfp_atomic_exclusive(edu->owner);
	if (!edu->out)
		return -ENOMEM;
	fill(edu->out, edu->rounds);
	return begin_transfer(edu, DMA_TO_DEVICE);
}

static int turn_round(struct edu *edu)
{
	edu->bytes_out += EDU_BYTES;
	edu->in = labyrinth_void_alloc_page_gfp_atomic_exclusive(edu->owner);
	if (!edu->in)
		return -ENOMEM;
	return begin_transfer(edu, DMA_FROM_DEVICE);
}

static void free_pages_of_round(struct edu *edu)
{
	if (edu->out)
		labyrinth_free_page(edu->owner, edu->out);
	if (edu->in)
		labyrinth_free_page(edu->owner, edu->in);
	edu->out = NULL;
	edu->in = NULL;
}

static void end_round(struct edu *edu)
{
	edu->bytes_in += EDU_BYTES;
	edu->different += !!memcmp(edu->out, edu->in, EDU_BYTES);
	edu->rounds++;
	free_pages_of_round(edu);
}

static bool is_last(struct edu *edu)
{
	return edu->rounds >= rounds || READ_ONCE(edu->stop);
}

/* Ends the transfer under way, and begins the next, if a round or transfer is left. */
static void go_on(struct edu *edu)
{
	int err = 0;

	end_transfer(edu);
	if (edu->in)
		end_round(edu);
	else
		err = turn_round(edu);
	if (!edu->out && !is_last(edu))
		err = begin_round(edu);
	if (err)
		dev_err(&edu->pdev->dev, "broken off: %pe\n", ERR_PTR(err));
	if (edu->dir == DMA_NONE)
		complete(&edu->idle);
}

static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu *edu = data;
	u32 status = readl(edu->regs + EDU_IRQ_STATUS);

	writel(status, edu->regs + EDU_IRQ_ACK);
	if (!(status & EDU_IRQ_DMA) || edu->dir == DMA_NONE)
		return IRQ_NONE;
	edu->interrupts++;
	go_on(edu);
	return IRQ_HANDLED;
}

static ssize_t stats_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(buf, "rounds %u\ndifferent %u\ninterrupts %u\n",
			  edu->rounds, edu->different, edu->interrupts);
}
static DEVICE_ATTR_RO(stats);

static struct attribute *edu_attrs[] = {
	&dev_attr_stats.attr,
	NULL
};
ATTRIBUTE_GROUPS(edu);

static bool is_alive(struct edu *edu)
{
	writel(0x5a5a0ff0, edu->regs + EDU_LIVENESS);
	return readl(edu->regs + EDU_LIVENESS) == ~0x5a5a0ff0U;
}

static int enable(struct edu *edu)
{
	int nr;

	edu->regs = edu_enable(edu->pdev);
	if (IS_ERR(edu->regs))
		return PTR_ERR(edu->regs);
	if (!is_alive(edu))
		return -ENODEV;
	nr = dma_set_mask_and_coherent(&edu->pdev->dev, DMA_BIT_MASK(dma_bits));
	if (nr)
		return nr;
	nr = pci_alloc_irq_vectors(edu->pdev, 1, 1, PCI_IRQ_MSI);
	return min(nr, 0);
}

static int make_owner(struct edu *edu)
{
	struct labyrinth_owner_attrs attrs = {
		.name = pci_name(edu->pdev),
		.dev = &edu->pdev->dev,	/* no other device may do DMA to the pages */
		.reserve = 2,
		.nid = dev_to_node(&edu->pdev->dev),
		.flags = sealed ? LABYRINTH_OWNER_SEALED : 0,
	};

	edu->owner = labyrinth_owner_create(&attrs);
	return PTR_ERR_OR_ZERO(edu->owner);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);
	int err;

	if (!edu)
		return -ENOMEM;
	edu->pdev = pdev;
	edu->dir = DMA_NONE;
	init_completion(&edu->idle);
	pci_set_drvdata(pdev, edu);
	err = enable(edu);
	if (!err)
		err = make_owner(edu);
	if (err)
		return err;
	err = pci_request_irq(pdev, 0, edu_interrupt, NULL, edu, KBUILD_MODNAME);
	if (err)
		goto destroy_owner;
	err = begin_round(edu);
	if (err)
		goto free_irq;
	return 0;

free_irq:
	pci_free_irq(pdev, 0, edu);
	free_pages_of_round(edu);
destroy_owner:
	labyrinth_owner_destroy(edu->owner);
	return err;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	WRITE_ONCE(edu->stop, true);
	if (!wait_for_completion_timeout(&edu->idle, 10 * HZ))
		dev_err(&pdev->dev, "a transfer does not end\n");
	/* In any state of the device, no DMA comes from here on. */
	pci_clear_master(pdev);
	pci_free_irq(pdev, 0, edu);
	if (edu->dir != DMA_NONE)
		end_transfer(edu);
	free_pages_of_round(edu);
	dev_info(&pdev->dev, "%u rounds, %u different, %u interrupts, %llu bytes out, %llu bytes in, %u pages left\n",
		 edu->rounds, edu->different, edu->interrupts, edu->bytes_out,
		 edu->bytes_in, labyrinth_owner_destroy(edu->owner));
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{}
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	.dev_groups = edu_groups,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("Labyrinth sample: DMA between qemu's edu device and exclusive pages");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
