// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accurate look at blocks and at a page_pool's pages to be freed, for calls that guard/direct.S
 * does not let pass at once. No state but what says which hooks these are, written once, at load.
 */
#include <linux/mm.h>

#include "guard/direct.h"
#include "guard/find.h"

struct lab_hook *lab_rawfree_pages __read_mostly;
struct lab_hook *lab_rawfree_address __read_mostly;
struct lab_stub lab_stub_free_pages, lab_stub_free_address;

static noinline bool refuse_block(struct lab_hook *hook, struct page *page,
				  unsigned int order)
{
	lab_tag_t tag = lab_guard_find_block(page, order);

	this_cpu_inc(*hook->hits);
	return unlikely(tag) && lab_rawfree_found(hook, tag, true);
}

/*
 * Called by guard/direct.S in place of the callback, with an @order that is not 0.
 * Context: Any. Return: whether the free is to be refused.
 */
bool lab_refuse_block(struct page *page, unsigned int order)
{
	return refuse_block(lab_rawfree_pages, page, order);
}

/* As lab_refuse_block(), by the block's address. */
bool lab_refuse_block_at(unsigned long addr, unsigned int order)
{
	return addr && refuse_block(lab_rawfree_address, virt_to_page((void *)addr), order);
}

struct lab_hook *lab_pool_put_hook __read_mostly;
struct lab_stub lab_stub_pool_put;

/* Called by guard/direct.S. Context: Any. Return: as lab_divert_dma_page(). */
unsigned long lab_divert_pool_put(void *pool, struct page *page, unsigned int sync_size,
				  bool direct, unsigned long caller, unsigned long token)
{
	lab_tag_t tag = lab_guard_find_among(page_to_pfn(page), 1, false);

	if (likely(!tag))
		return 0;
	return lab_rawfree_found(lab_pool_put_hook, tag, true) ? lab_pool_put_hook->refusal : 0;
}
