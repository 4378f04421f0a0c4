/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers and descriptors of the 82540EM that this driver needs.
 * Names and numbers are as in Intel's "PCI/PCI-X Family of Gigabit Ethernet
 * Controllers Software Developer's Manual".
 */
#ifndef LABYRINTH_NIC_REGS_H
#define LABYRINTH_NIC_REGS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

#define CTRL		0x0000
#define CTRL_ASDE	BIT(5)		/* speed from the PHY */
#define CTRL_SLU	BIT(6)		/* set link up */
#define CTRL_RST	BIT(26)

#define STATUS		0x0008
#define STATUS_LU	BIT(1)
#define STATUS_SPEED	GENMASK(7, 6)	/* 10, 100, 1000, 1000 */

#define EERD		0x0014		/* EEPROM read */
#define EERD_START	BIT(0)
#define EERD_DONE	BIT(4)
#define EERD_ADDR	GENMASK(15, 8)
#define EERD_DATA	GENMASK(31, 16)

#define MDIC		0x0020		/* to the PHY's registers */
#define MDIC_DATA	GENMASK(15, 0)
#define MDIC_REG	GENMASK(20, 16)
#define MDIC_PHY	GENMASK(25, 21)
#define MDIC_WRITE	BIT(26)
#define MDIC_READ	BIT(27)
#define MDIC_READY	BIT(28)
#define MDIC_ERROR	BIT(30)

#define ICR		0x00c0		/* interrupt causes; a read clears all causes */
#define IMS		0x00d0		/* mask set: these interrupt */
#define IMC		0x00d8		/* mask clear: these do not */
#define INT_TXDW	BIT(0)		/* a transmit descriptor is done */
#define INT_LSC		BIT(2)		/* link status change */
#define INT_RXDMT0	BIT(4)		/* few receive descriptors are left */
#define INT_RXO		BIT(6)		/* none was left */
#define INT_RXT0	BIT(7)		/* a frame was received */
#define INT_RINGS	(INT_TXDW | INT_RXDMT0 | INT_RXO | INT_RXT0)

#define RCTL		0x0100
#define RCTL_EN		BIT(1)
#define RCTL_UPE	BIT(3)		/* all unicast */
#define RCTL_MPE	BIT(4)		/* all multicast */
#define RCTL_LPE	BIT(5)		/* frames of more than 1522 bytes */
#define RCTL_BAM	BIT(15)		/* broadcast */
#define RCTL_BSIZE_4096	GENMASK(17, 16)	/* a buffer's size, with BSEX */
#define RCTL_BSIZE_2048	0		/* likewise, without BSEX */
#define RCTL_BSEX	BIT(25)
#define RCTL_SECRC	BIT(26)		/* strip the CRC */

#define TCTL		0x0400
#define TCTL_EN		BIT(1)
#define TCTL_PSP	BIT(3)		/* pad short packets */
#define TCTL_CT		(0x0f << 4)	/* collision threshold */
#define TCTL_COLD	(0x40 << 12)	/* collision distance, full duplex */

#define TIPG		0x0410		/* gaps between packets */
#define TIPG_COPPER	(10 | 8 << 10 | 6 << 20)

#define RDBAL		0x2800
#define RDBAH		0x2804
#define RDLEN		0x2808
#define RDH		0x2810
#define RDT		0x2818

#define TDBAL		0x3800
#define TDBAH		0x3804
#define TDLEN		0x3808
#define TDH		0x3810
#define TDT		0x3818

#define MPC		0x4010		/* missed packets: the ring was full */

#define MTA		0x5200		/* multicast table */
#define MTA_WORDS	128
#define RAL0		0x5400		/* the first receive address */
#define RAH0		0x5404
#define RAH_VALID	BIT(31)

/* The card wants a ring to be a multiple of this many bytes long. */
#define RING_ALIGN	128

struct rx_desc {
	__le64 addr;
	__le16 length;
	__le16 checksum;
	u8 status;
	u8 errors;
	__le16 special;
};

static_assert(sizeof(struct rx_desc) == 16);

#define RXD_DD		BIT(0)		/* done */
#define RXD_EOP		BIT(1)		/* the frame ends here */
/* The errors that make a frame bad; the other two bits are about checksums. */
#define RXD_ERRORS	(BIT(0) | BIT(1) | BIT(2) | BIT(4) | BIT(7))

struct tx_desc {
	__le64 addr;
	__le16 length;
	u8 checksum_offset;
	u8 command;
	u8 status;
	u8 checksum_start;
	__le16 special;
};

static_assert(sizeof(struct tx_desc) == 16);

#define TXD_EOP		BIT(0)		/* command: the frame ends here */
#define TXD_IFCS	BIT(1)		/* append the CRC */
#define TXD_RS		BIT(3)		/* report status */
#define TXD_DD		BIT(0)		/* status: done */

#endif /* LABYRINTH_NIC_REGS_H */
