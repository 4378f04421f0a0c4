/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of qemu's edu device (docs/specs/edu.txt) that the sample uses. A transfer
 * is between memory and the device's buffer of 4096 bytes, takes a tenth of a second, and
 * cannot be stopped.
 */
#ifndef LABYRINTH_EDU_H
#define LABYRINTH_EDU_H

#include <linux/bits.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/pci.h>

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

/* In BAR 0. From 0x80 on, 64 bits wide. */
#define EDU_LIVENESS	0x04	/* reads as the complement of the value written last */
#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_ACK	0x64
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_CMD	0x98

#define EDU_IRQ_DMA	BIT(8)

#define EDU_DMA_START	BIT(0)	/* reads as set until the transfer has ended */
#define EDU_DMA_TO_RAM	BIT(1)
#define EDU_DMA_IRQ	BIT(2)

#define EDU_BUFFER	0x40000UL	/* the device's address of the buffer */
/* Not 4096: qemu 7.2 aborts at a transfer that reaches the buffer's last byte. */
#define EDU_BYTES	4088

/*
 * Makes the device ready for DMA and maps the registers, until the driver is unbound.
 * Context: Task; may sleep. Return: the registers, or an ERR_PTR().
 */
static inline void __iomem *edu_enable(struct pci_dev *pdev)
{
	int err = pcim_enable_device(pdev);

	if (!err)
		err = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (!err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (err)
		return IOMEM_ERR_PTR(err);
	pci_set_master(pdev);
	return pcim_iomap_table(pdev)[0];
}

static inline void edu_start(void __iomem *regs, u64 src, u64 dst, u64 cmd)
{
	writeq(src, regs + EDU_DMA_SRC);
	writeq(dst, regs + EDU_DMA_DST);
	writeq(EDU_BYTES, regs + EDU_DMA_COUNT);
	writeq(cmd | EDU_DMA_START, regs + EDU_DMA_CMD);
}

/* The device reads memory. */
static inline void edu_start_read(void __iomem *regs, u64 dma, u64 cmd)
{
	edu_start(regs, dma, EDU_BUFFER, cmd);
}

/* The device writes memory. */
static inline void edu_start_write(void __iomem *regs, u64 dma, u64 cmd)
{
	edu_start(regs, EDU_BUFFER, dma, cmd | EDU_DMA_TO_RAM);
}

#endif /* LABYRINTH_EDU_H */
