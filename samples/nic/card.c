// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's registers, but for the rings' registers: reset, the card's address, the filter
 * of received frames, the link.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/iopoll.h>
#include <linux/mii.h>

#include "nic.h"

#define EEPROM_ADDRESS	0		/* three words, low byte first */
#define PHY_ADDRESS	1

/*
 * The interrupt line is low when this returns. An interrupt controller whose pin is given up
 * while the line is high may take the line for high when the pin is next in use.
 */
void card_mask_interrupts(struct nic *nic)
{
	nic_write(nic, IMC, ~0U);
	/* A read waits until the earlier writes have reached the card. */
	nic_read(nic, STATUS);
}

/* After the reset the card receives nothing, sends nothing and raises no interrupt. */
void card_reset(struct nic *nic)
{
	nic_write(nic, IMC, ~0U);
	nic_write(nic, RCTL, 0);
	nic_write(nic, TCTL, 0);
	/* The read waits for the writes, the sleep for the end of DMA under way. */
	nic_read(nic, STATUS);
	usleep_range(1000, 2000);
	nic_write(nic, CTRL, nic_read(nic, CTRL) | CTRL_RST);
	/* The card reads its EEPROM anew. */
	usleep_range(5000, 6000);
	nic_write(nic, IMC, ~0U);
	nic_read(nic, ICR);
}

static int eeprom_read(struct nic *nic, unsigned int word, u16 *value)
{
	u32 answer;
	int err;

	nic_write(nic, EERD, EERD_START | FIELD_PREP(EERD_ADDR, word));
	err = readl_poll_timeout(nic->regs + EERD, answer, answer & EERD_DONE,
				 10, 10000);
	*value = FIELD_GET(EERD_DATA, answer);
	return err;
}

int card_read_address(struct nic *nic, u8 *addr)
{
	unsigned int i;
	u16 word;
	int err;

	for (i = 0; i < ETH_ALEN / 2; i++) {
		err = eeprom_read(nic, EEPROM_ADDRESS + i, &word);
		if (err)
			return err;
		addr[2 * i] = word & 0xff;
		addr[2 * i + 1] = word >> 8;
	}
	return is_valid_ether_addr(addr) ? 0 : -EADDRNOTAVAIL;
}

void card_write_address(struct nic *nic, const u8 *addr)
{
	nic_write(nic, RAL0, addr[0] | addr[1] << 8 | addr[2] << 16 |
			     (u32)addr[3] << 24);
	nic_write(nic, RAH0, addr[4] | addr[5] << 8 | RAH_VALID);
}

static u32 buffer_size(const struct nic *nic)
{
	if (nic->prog || nic->rx.source->bytes == NIC_HALF)
		return RCTL_BSIZE_2048;
	return RCTL_BSEX | RCTL_BSIZE_4096;
}

/*
 * Sets which frames the card receives, and up to which length. Of multicast: all or none.
 * Context: the address lock held, as in ndo_set_rx_mode.
 */
void card_set_filter(struct nic *nic)
{
	struct net_device *dev = nic->dev;
	u32 rctl = RCTL_EN | RCTL_BAM | RCTL_SECRC | buffer_size(nic);

	if (dev->flags & IFF_PROMISC)
		rctl |= RCTL_UPE | RCTL_MPE;
	if (dev->flags & IFF_ALLMULTI || !netdev_mc_empty(dev))
		rctl |= RCTL_MPE;
	if (dev->mtu > ETH_DATA_LEN)
		rctl |= RCTL_LPE;
	nic_write(nic, RCTL, rctl);
}

/* Lets the card send; the rings must be set up. card_set_filter() lets the card receive. */
void card_start(struct nic *nic)
{
	unsigned int i;

	for (i = 0; i < MTA_WORDS; i++)
		nic_write(nic, MTA + 4 * i, 0);
	card_write_address(nic, nic->dev->dev_addr);
	nic_write(nic, CTRL, nic_read(nic, CTRL) | CTRL_SLU | CTRL_ASDE);
	nic_write(nic, TIPG, TIPG_COPPER);
	nic_write(nic, TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
}

bool card_link_is_up(const struct nic *nic)
{
	return nic_read(nic, STATUS) & STATUS_LU;
}

unsigned int card_speed(const struct nic *nic)
{
	static const unsigned int speeds[] = {
		SPEED_10, SPEED_100, SPEED_1000, SPEED_1000,
	};

	return speeds[FIELD_GET(STATUS_SPEED, nic_read(nic, STATUS))];
}

static int phy_access(struct nic *nic, u32 command, u32 *answer)
{
	int err;

	nic_write(nic, MDIC, command | FIELD_PREP(MDIC_PHY, PHY_ADDRESS));
	err = readl_poll_timeout(nic->regs + MDIC, *answer,
				 *answer & MDIC_READY, 50, 10000);
	if (err)
		return err;
	return *answer & MDIC_ERROR ? -EIO : 0;
}

/* Has the PHY negotiate anew: the link goes down, and up again. */
int card_restart_link(struct nic *nic)
{
	u32 reg = FIELD_PREP(MDIC_REG, MII_BMCR);
	u32 bmcr;
	int err;

	err = phy_access(nic, MDIC_READ | reg, &bmcr);
	if (err)
		return err;
	bmcr = FIELD_GET(MDIC_DATA, bmcr) | BMCR_ANENABLE | BMCR_ANRESTART;
	return phy_access(nic, MDIC_WRITE | reg | bmcr, &bmcr);
}
