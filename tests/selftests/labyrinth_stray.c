// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for two of qemu's edu devices, with planted bugs: the driver's device writes to a page
 * where the device has no right to write, no longer or never. Load this module for a test only. A
 * word written to /sys/module/labyrinth_stray/parameters/deed is a deed for a single page; the
 * write returns the deed's errno:
 *
 *	take, again	get a page that the device can address; get the page freed last
 *	map, unmap	map the page for the device to write; unmap the page
 *	map-other	map the page for the other device: must be refused
 *	map-plain	the same by the kernel's own call: the guard must refuse
 *	free		free the page
 *	write		the device writes to the page's mapping, or the last mapping
 *	write-phys	the device writes to the page's physical address
 *	write-other	the other device writes to the address that "write" uses
 *	look		-EUCLEAN: the page was written to since "take" or "again"
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "../../labyrinth_alloc.h"
#include "../../samples/labyrinth_edu.h"

#define PAINT		0x5a
#define TIMEOUT_US	(60 * USEC_PER_SEC)

static struct pci_dev *devices[2];
static struct labyrinth_owner *owner;

/* The page in question, and the DMA address of the page's last mapping. */
static void *page;
static dma_addr_t dma;

static int write_to(struct pci_dev *pdev, dma_addr_t where)
{
	void __iomem *regs = pcim_iomap_table(pdev)[0];
	u64 cmd;

	if (where > dma_get_mask(&pdev->dev))
		return -ERANGE;
	edu_start_write(regs, where, 0);
	return readq_poll_timeout(regs + EDU_DMA_CMD, cmd,
				  !(cmd & EDU_DMA_START), 10000, TIMEOUT_US);
}

static int keep(void *taken)
{
	if (IS_ERR_OR_NULL(taken))
		return taken ? PTR_ERR(taken) : -ENOMEM;
	page = memset(taken, PAINT, PAGE_SIZE);
	return 0;
}

static int do_take(void)
{
	struct page *low = alloc_page(GFP_KERNEL | __GFP_DMA32);

	return low ? keep(labyrinth_adopt(owner, low)) : -ENOMEM;
}

static int do_again(void)
{
	return keep(labyrinth_void_alloc_page_gfp_atomic_exclusive(owner));
}

static int do_map(void)
{
	return labyrinth_dma_map(owner, &devices[0]->dev, page, 0, PAGE_SIZE,
				 DMA_FROM_DEVICE, &dma);
}

static int do_map_other(void)
{
	dma_addr_t unused;

	return labyrinth_dma_map(owner, &devices[1]->dev, page, 0, PAGE_SIZE,
				 DMA_FROM_DEVICE, &unused);
}

static int do_map_plain(void)
{
	struct device *dev = &devices[1]->dev;
	dma_addr_t plain = dma_map_single(dev, page, PAGE_SIZE, DMA_FROM_DEVICE);

	if (dma_mapping_error(dev, plain))
		return -EIO;
	dma_unmap_single(dev, plain, PAGE_SIZE, DMA_FROM_DEVICE);
	return 0;
}

static int do_unmap(void)
{
	return labyrinth_dma_unmap(owner, &devices[0]->dev, page, dma,
				   PAGE_SIZE, DMA_FROM_DEVICE);
}

static int do_free(void)
{
	return labyrinth_free_page(owner, page);
}

static int do_write(void)
{
	return write_to(devices[0], dma);
}

static int do_write_phys(void)
{
	return write_to(devices[0], virt_to_phys(page));
}

static int do_write_other(void)
{
	return write_to(devices[1], dma);
}

static int do_look(void)
{
	return memchr_inv(page, PAINT, PAGE_SIZE) ? -EUCLEAN : 0;
}

static const struct {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "take", do_take },
	{ "again", do_again },
	{ "map", do_map },
	{ "map-other", do_map_other },
	{ "map-plain", do_map_plain },
	{ "unmap", do_unmap },
	{ "free", do_free },
	{ "write", do_write },
	{ "write-phys", do_write_phys },
	{ "write-other", do_write_other },
	{ "look", do_look },
};

static int run_deed(const char *word, const struct kernel_param *param)
{
	size_t i;

	if (!owner)
		return -ENODEV;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (sysfs_streq(word, words[i].word))
			return words[i].fn();
	return -EINVAL;
}
module_param_call(deed, run_deed, NULL, NULL, 0200);
MODULE_PARM_DESC(deed, "What is to befall the page (after loading)");

static int stray_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	void __iomem *regs = edu_enable(pdev);

	if (IS_ERR(regs))
		return PTR_ERR(regs);
	devices[devices[0] ? 1 : 0] = pdev;
	return 0;
}

static const struct pci_device_id stray_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{}
};

static struct pci_driver stray_driver = {
	.name = KBUILD_MODNAME,
	.id_table = stray_ids,
	.probe = stray_probe,
};

static int make_owner(void)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "stray",
		.nid = NUMA_NO_NODE,
		.flags = LABYRINTH_OWNER_SINGLE,	/* a freed page comes next */
	};

	if (!devices[1])
		return -ENODEV;
	attrs.dev = &devices[0]->dev;
	owner = labyrinth_owner_create(&attrs);
	return PTR_ERR_OR_ZERO(owner);
}

static int __init stray_init(void)
{
	int err = pci_register_driver(&stray_driver);

	if (err)
		return err;
	err = make_owner();
	if (err)
		pci_unregister_driver(&stray_driver);
	return err;
}

static void __exit stray_exit(void)
{
	labyrinth_owner_destroy(owner);
	pci_unregister_driver(&stray_driver);
}

module_init(stray_init);
module_exit(stray_exit);

MODULE_DESCRIPTION("Labyrinth self-test: a device that writes where it should not");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
