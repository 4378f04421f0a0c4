/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The source of the receive ring's pages: the only difference between a driver before and
 * after the port to Labyrinth.
 */
#ifndef LABYRINTH_NIC_PAGE_SOURCE_H
#define LABYRINTH_NIC_PAGE_SOURCE_H

#include <linux/types.h>

struct nic_rx;
struct sk_buff;

/* A page, or half a page, that the card may write to. */
struct rx_page {
	void *addr;
	dma_addr_t dma;
};

/*
 * A source has a single user at a time: NAPI, or nic_open() and nic_stop() while NAPI is
 * disabled.
 */
struct page_source {
	const char *name;
	/* What the card may write to a page: PAGE_SIZE, or NIC_HALF. */
	unsigned int bytes;
	/* Task context. create: 0 or an errno; destroy: all pages were put. */
	int (*create)(struct nic_rx *rx);
	void (*destroy)(struct nic_rx *rx);
	/* A fresh page, mapped for the card. Atomic. 0 or an errno. */
	int (*get)(struct nic_rx *rx, struct rx_page *page);
	/* A page is not needed any more. */
	void (*put)(struct nic_rx *rx, struct rx_page *page);
	/*
	 * The first @len bytes that the card has written are to be copied; then the card gets
	 * the page again.
	 */
	int (*read)(struct nic_rx *rx, struct rx_page *page, unsigned int len);
	void (*again)(struct nic_rx *rx, struct rx_page *page, unsigned int len);
	/*
	 * The card has written @len bytes to a page, which become a fragment
	 * of @skb. The page is the stack's; after an errno the page is lost.
	 */
	int (*give)(struct nic_rx *rx, struct rx_page *page,
		    struct sk_buff *skb, unsigned int len);
};

extern const struct page_source rx_alloc_source;
extern const struct page_source rx_pool_source;
extern const struct page_source rx_labyrinth_source;
extern const struct page_source rx_mapped_source;
extern const struct page_source rx_frags_source;
extern const struct page_source rx_flip_source;

#endif /* LABYRINTH_NIC_PAGE_SOURCE_H */
