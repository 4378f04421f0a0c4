// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accurate look at pages to be mapped for DMA, for calls that guard/direct.S does not let
 * pass at once. No state but what the assembler reads, which is written once, at load.
 *
 * The stub takes the place of ftrace's callback on the two functions that nearly all mappings
 * come to: a mapping of a page that is not Labyrinth's costs less than 20 instructions more.
 */
#include <linux/io.h>
#include <linux/mm.h>

#include "guard/direct.h"
#include "guard/find.h"
#include "hook/stubs.h"
#include "map/core.h"

/* Numbers in guard/direct.S. */
static_assert(offsetof(struct lab_frame, flags) == 0);
static_assert(offsetof(struct lab_frame, type) == 48);
static_assert(PAGE_SIZE == 4096);

const unsigned long lab_dma_mark = LAB_FRAME_MARK;
const u32 lab_dma_type = LAB_TYPE_OFFLINE;
unsigned long lab_dma_frames __ro_after_init;

struct lab_stub lab_stub_dma_page, lab_stub_dma_phys;
struct lab_stub lab_stub_dma_unmap_page, lab_stub_dma_unmap_phys;

/* Where the array of the frames' structures begins. Context: Task; at module init. */
void lab_dma_find_frames(void)
{
	lab_dma_frames = (unsigned long)pfn_to_page(0);
}

/* A call that maps a held page: the core's on behalf of the page's owner, or a foreigner's. */
static unsigned long judge(struct lab_hook *hook, const struct device *dev, lab_tag_t tag,
			   bool in_a_page, unsigned long caller)
{
	struct lab_offender offender;

	if (in_a_page && lab_core_serves(dev, tag))
		return hook->serve;
	offender = lab_offender_of(hook, NULL, caller);
	return lab_guard_found(hook, tag, &offender, true) ? hook->refusal : 0;
}

static noinline unsigned long divert(struct lab_hook *hook, const struct device *dev,
				     phys_addr_t start, size_t size, unsigned long caller,
				     unsigned long token)
{
	lab_tag_t tag = lab_guard_find_bytes(start, size);

	if (likely(!tag) || lab_has_token(token))
		return 0;
	return judge(hook, dev, tag, size <= PAGE_SIZE - offset_in_page(start), caller);
}

struct lab_hook *lab_dma_page_hook __read_mostly;
struct lab_hook *lab_dma_phys_hook __read_mostly;
struct lab_hook *lab_dma_unmap_page_hook __read_mostly;
struct lab_hook *lab_dma_unmap_phys_hook __read_mostly;

/*
 * Called by guard/direct.S. Context: Any. Return: the function that the call is to run instead of
 * the hooked function: to be refused, or served; 0: none.
 */
unsigned long lab_divert_dma_page(struct device *dev, struct page *page, size_t offset, size_t size,
				  unsigned long caller, unsigned long token)
{
	return divert(lab_dma_page_hook, dev, page_to_phys(page) + offset, size, caller, token);
}

/* As lab_divert_dma_page(), by address. */
unsigned long lab_divert_dma_phys(struct device *dev, phys_addr_t phys, size_t size, int dir,
				  unsigned long caller, unsigned long token)
{
	return divert(lab_dma_phys_hook, dev, phys, size, caller, token);
}

/* As lab_divert_dma_page(), for an unmap, of which the address names no page. */
unsigned long lab_divert_dma_unmap(struct device *dev, dma_addr_t dma, size_t size, int dir,
				   unsigned long caller, unsigned long token)
{
	return lab_core_knows(dev) && !lab_has_token(token) ? (unsigned long)lab_core_unmap : 0;
}
