// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes that drivers make, made on purpose: the mistake that the parameter names, once, as
 * soon as the stack has been given a page. Labyrinth refuses and reports the mistake; the
 * driver works on. Documentation/porting.rst has the reports.
 */
#define pr_fmt(fmt) "labyrinth_nic: " fmt

#include <linux/dma-mapping.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "../../labyrinth_alloc.h"
#include "bug.h"
#include "nic.h"
#include "rx_labyrinth.h"

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "A mistake to make: free-mapped, lend-mapped, double-free, use-lent, other-device, forget (default none)");

static void tried(long err)
{
	pr_info("bug=%s: %pe\n", bug, ERR_PTR(err));
}

/* The ring's next page: the card may write to it at any moment. */
static void *page_of_card(struct nic_rx *rx)
{
	return rx->pages[rx->next].addr;
}

static void *page_of_stack(struct rx_labyrinth *lab)
{
	return lab->lent[(lab->head - 1) % RX_LENT];
}

static void bug_free_mapped(struct nic_rx *rx, struct rx_labyrinth *lab)
{
	tried(labyrinth_free_page(lab->owner, page_of_card(rx)));
}

/* Lends the stack a page that is still mapped for the card. */
static void bug_lend_mapped(struct nic_rx *rx, struct rx_labyrinth *lab)
{
	tried(PTR_ERR_OR_ZERO(labyrinth_lend(lab->owner, page_of_card(rx))));
}

static void bug_double_free(struct nic_rx *rx, struct rx_labyrinth *lab)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(lab->owner);

	labyrinth_free_page(lab->owner, addr);
	tried(labyrinth_free_page(lab->owner, addr));
}

/* Maps a page for the card while the stack may be reading the page. */
static void bug_use_lent(struct nic_rx *rx, struct rx_labyrinth *lab)
{
	dma_addr_t dma;

	tried(labyrinth_dma_map(lab->owner, rx->dev, page_of_stack(lab), 0,
				PAGE_SIZE, DMA_FROM_DEVICE, &dma));
}

static void bug_other_device(struct nic_rx *rx, struct rx_labyrinth *lab)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(lab->owner);
	dma_addr_t dma;

	tried(labyrinth_dma_map(lab->owner, rx->dev->parent, addr, 0, PAGE_SIZE,
				DMA_FROM_DEVICE, &dma));
	labyrinth_free_page(lab->owner, addr);
}

/* A leak: reported when the interface goes down. */
static void bug_forget(struct nic_rx *rx, struct rx_labyrinth *lab)
{
	labyrinth_void_alloc_page_gfp_atomic_exclusive(lab->owner);
}

static const struct {
	const char *name;
	void (*make)(struct nic_rx *rx, struct rx_labyrinth *lab);
} bugs[] = {
	{ "none", NULL },
	{ "free-mapped", bug_free_mapped },
	{ "lend-mapped", bug_lend_mapped },
	{ "double-free", bug_double_free },
	{ "use-lent", bug_use_lent },
	{ "other-device", bug_other_device },
	{ "forget", bug_forget },
};

static void (*make_bug)(struct nic_rx *rx, struct rx_labyrinth *lab);

bool bug_pending;

/* Context: Task. Return: 0, or -EINVAL where there is no such bug. */
int bug_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(bug, bugs[i].name))
			continue;
		make_bug = bugs[i].make;
		bug_pending = make_bug;
		return 0;
	}
	return -EINVAL;
}

/* Context: NAPI. */
void bug_strike(struct nic *nic)
{
	if (nic->rx.source != &rx_labyrinth_source ||
	    !nic->counts[NIC_RX_PAGES])
		return;
	/* With two cards, the NAPI of a single card makes the mistake. */
	if (xchg(&bug_pending, false))
		make_bug(&nic->rx, nic->rx.private);
}
