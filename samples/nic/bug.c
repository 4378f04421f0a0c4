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
#include "rx_mapped.h"

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "A mistake to make: free-mapped, lend-mapped, double-free, use-lent, other-device, forget; with pages=labyrinth give-twice, put-given, free-posted, lend-posted, post-twice, forget-posted; with pages=frags half-twice, half-put-given, half-forget (default none)");

static void tried(long err)
{
	pr_info("bug=%s: %pe\n", bug, ERR_PTR(err));
}

static struct labyrinth_owner *owner_of(struct nic_rx *rx)
{
	const struct rx_mapped *lab = rx->private;

	return rx->source == &rx_mapped_source ? lab->owner : rx->private;
}

/* The ring's next page: the card may write to it at any moment. */
static void *page_of_card(struct nic_rx *rx)
{
	return rx->pages[rx->next].addr;
}

static void *page_of_stack(struct nic_rx *rx)
{
	const struct rx_mapped *lab = rx->private;

	return lab->lent[(lab->head - 1) % RX_LENT];
}

static void bug_free_mapped(struct nic_rx *rx)
{
	tried(labyrinth_free_page(owner_of(rx), page_of_card(rx)));
}

/* Lends the stack a page that is still mapped for the card. */
static void bug_lend_mapped(struct nic_rx *rx)
{
	tried(PTR_ERR_OR_ZERO(labyrinth_lend(owner_of(rx), page_of_card(rx))));
}

static void bug_double_free(struct nic_rx *rx)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner_of(rx));

	labyrinth_free_page(owner_of(rx), addr);
	tried(labyrinth_free_page(owner_of(rx), addr));
}

/* Maps a page for the card while the stack may be reading the page. */
static void bug_use_lent(struct nic_rx *rx)
{
	dma_addr_t dma;

	tried(labyrinth_dma_map(owner_of(rx), rx->dev, page_of_stack(rx), 0,
				PAGE_SIZE, DMA_FROM_DEVICE, &dma));
}

static void bug_other_device(struct nic_rx *rx)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner_of(rx));
	dma_addr_t dma;

	tried(labyrinth_dma_map(owner_of(rx), rx->dev->parent, addr, 0, PAGE_SIZE,
				DMA_FROM_DEVICE, &dma));
	labyrinth_free_page(owner_of(rx), addr);
}

/* A leak: reported when the interface goes down. */
static void bug_forget(struct nic_rx *rx)
{
	labyrinth_void_alloc_page_gfp_atomic_exclusive(owner_of(rx));
}

/* A buffer that the stack has just been given; @page is the stack's reference. */
static void *given(struct nic_rx *rx, struct page **page)
{
	dma_addr_t dma;
	void *buf = labyrinth_rx_get(owner_of(rx), &dma);

	*page = labyrinth_rx_give(owner_of(rx), buf, 0, rx->source->bytes);
	return buf;
}

/* The frame would be two frames, and the page be taken back while the stack reads one. */
static void bug_give_twice(struct nic_rx *rx)
{
	struct page *page;
	void *buf = given(rx, &page);

	tried(PTR_ERR_OR_ZERO(labyrinth_rx_give(owner_of(rx), buf, 0, rx->source->bytes)));
	put_page(page);
}

/* The page would be used for the next frame while the stack reads this one. */
static void bug_put_given(struct nic_rx *rx)
{
	struct page *page;
	void *buf = given(rx, &page);

	tried(labyrinth_rx_put(owner_of(rx), buf));
	put_page(page);
}

/* Gives the card a page that the card has. */
static void bug_post_twice(struct nic_rx *rx)
{
	dma_addr_t dma;

	tried(labyrinth_dma_map(owner_of(rx), rx->dev, page_of_card(rx), 0, PAGE_SIZE,
				DMA_FROM_DEVICE, &dma));
}

/* As bug_forget(). The card may still write to the buffer. */
static void bug_forget_posted(struct nic_rx *rx)
{
	dma_addr_t dma;

	labyrinth_rx_get(owner_of(rx), &dma);
}

static const struct {
	const char *name;
	const struct page_source *source;
	void (*make)(struct nic_rx *rx);
} bugs[] = {
	{ "none", NULL, NULL },
	{ "free-mapped", &rx_mapped_source, bug_free_mapped },
	{ "lend-mapped", &rx_mapped_source, bug_lend_mapped },
	{ "double-free", &rx_mapped_source, bug_double_free },
	{ "use-lent", &rx_mapped_source, bug_use_lent },
	{ "other-device", &rx_mapped_source, bug_other_device },
	{ "forget", &rx_mapped_source, bug_forget },
	{ "give-twice", &rx_labyrinth_source, bug_give_twice },
	{ "put-given", &rx_labyrinth_source, bug_put_given },
	{ "free-posted", &rx_labyrinth_source, bug_free_mapped },
	{ "lend-posted", &rx_labyrinth_source, bug_lend_mapped },
	{ "post-twice", &rx_labyrinth_source, bug_post_twice },
	{ "forget-posted", &rx_labyrinth_source, bug_forget_posted },
	{ "half-twice", &rx_frags_source, bug_give_twice },
	{ "half-put-given", &rx_frags_source, bug_put_given },
	{ "half-forget", &rx_frags_source, bug_forget_posted },
};

static void (*make_bug)(struct nic_rx *rx);
static const struct page_source *bug_source;

bool bug_pending;

/* Context: Task. Return: 0, or -EINVAL where there is no such bug. */
int bug_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(bug, bugs[i].name))
			continue;
		make_bug = bugs[i].make;
		bug_source = bugs[i].source;
		bug_pending = make_bug;
		return 0;
	}
	return -EINVAL;
}

/* Context: NAPI. */
void bug_strike(struct nic *nic)
{
	if (nic->rx.source != bug_source || !nic->counts[NIC_RX_PAGES])
		return;
	/* With two cards, the NAPI of a single card makes the mistake. */
	if (xchg(&bug_pending, false))
		make_bug(&nic->rx);
}
