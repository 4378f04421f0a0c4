/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks that are called directly from the hooked functions, where the architecture has the
 * stubs. Elsewhere each hook is a callback of ftrace's.
 */
#ifndef LABYRINTH_DIRECT_H
#define LABYRINTH_DIRECT_H

#include <linux/errno.h>
#include <linux/types.h>

#include "guard/hook.h"
#include "hook/board.h"

#ifdef LAB_DIRECT_POSSIBLE

/* Of guard/direct.S. */
void lab_hook_free_pages(void);
void lab_hook_free_address(void);
void lab_hook_dma_page(void);
void lab_hook_dma_phys(void);
void lab_hook_dma_unmap_page(void);
void lab_hook_dma_unmap_phys(void);
void lab_hook_pool_put(void);

/* Called by guard/direct.S. */
bool lab_refuse_block(struct page *page, unsigned int order);
bool lab_refuse_block_at(unsigned long addr, unsigned int order);
unsigned long lab_divert_dma_page(struct device *dev, struct page *page, size_t offset,
				  size_t size, unsigned long caller, unsigned long token);
unsigned long lab_divert_dma_phys(struct device *dev, phys_addr_t phys, size_t size, int dir,
				  unsigned long caller, unsigned long token);
unsigned long lab_divert_dma_unmap(struct device *dev, dma_addr_t dma, size_t size, int dir,
				   unsigned long caller, unsigned long token);
unsigned long lab_divert_pool_put(void *pool, struct page *page, unsigned int sync_size,
				  bool direct, unsigned long caller, unsigned long token);

/* Read by guard/direct.S. Written once, at load. */
extern const unsigned long lab_dma_mark;
extern const u32 lab_dma_type;
extern unsigned long lab_dma_frames;

/* The hooks of the direct calls that end in these functions. Written once, at load. */
extern struct lab_hook *lab_rawfree_pages, *lab_rawfree_address;
extern struct lab_hook *lab_dma_page_hook, *lab_dma_phys_hook;
extern struct lab_hook *lab_dma_unmap_page_hook, *lab_dma_unmap_phys_hook;
extern struct lab_hook *lab_pool_put_hook;

extern struct lab_stub lab_stub_free_pages, lab_stub_free_address;
extern struct lab_stub lab_stub_dma_page, lab_stub_dma_phys;
extern struct lab_stub lab_stub_dma_unmap_page, lab_stub_dma_unmap_phys;
extern struct lab_stub lab_stub_pool_put;

void lab_dma_find_frames(void);

/*
 * Of a struct lab_hook: the stub of guard/direct.S called @name, if @can; @hook is the word by
 * which the function behind the stub finds the hook.
 */
#define LAB_DIRECT(name, can, hook)					\
	.direct = lab_hook_##name, .stub = (can) ? &lab_stub_##name : NULL, .stub_of = &(hook)

#else /* !LAB_DIRECT_POSSIBLE */

#define LAB_DIRECT(name, can, hook)	.direct = NULL

static inline void lab_dma_find_frames(void)
{
}

#endif /* LAB_DIRECT_POSSIBLE */

#endif /* LABYRINTH_DIRECT_H */
