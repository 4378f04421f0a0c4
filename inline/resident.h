/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapping of a page that stays mapped. A page of an owner with LABYRINTH_OWNER_DMA is mapped
 * for the owner's device when the page comes to the owner, until the page leaves. See
 * page/resident.c.
 */
#ifndef LABYRINTH_RESIDENT_H
#define LABYRINTH_RESIDENT_H

#include "hot.h"

/*
 * The address for the device begins at a page, so the low bits are free. With LAB_DMA_SYNC_CPU
 * the core has something to do when the page goes from device to processor, with
 * LAB_DMA_SYNC_DEV when the page goes to the device. With LAB_DMA_GONE the page is not mapped;
 * then the other bits are set too, so that a single test finds either.
 */
#define LAB_DMA_SYNC_CPU	BIT_ULL(0)
#define LAB_DMA_SYNC_DEV	BIT_ULL(1)
#define LAB_DMA_GONE		BIT_ULL(2)
#define LAB_DMA_BITS		(LAB_DMA_SYNC_CPU | LAB_DMA_SYNC_DEV | LAB_DMA_GONE)
#define LAB_DMA_NONE		LAB_DMA_BITS

/**
 * struct lab_resident - what is known of a page beside the notes in the page's slot
 * @dma: the address for the device, with LAB_DMA_*.
 * @flags: the flags word of struct page, as Labyrinth leaves the word.
 */
struct lab_resident {
	u64 dma;
	unsigned long flags;
};

static_assert(sizeof(struct lab_resident) * 2 == sizeof(struct lab_slot));

/* Of a page whose owner has LABYRINTH_OWNER_DMA. Before the first such owner there is no array. */
static __always_inline struct lab_resident *lab_resident_at(const struct lab_slot *slot)
{
	/* Half the bytes: the compiler would divide and multiply. */
	unsigned long offset = (unsigned long)slot - (unsigned long)labyrinth_hot.table.slots;

	return (void *)labyrinth_hot.table.resident + offset / 2;
}

#endif /* LABYRINTH_RESIDENT_H */
