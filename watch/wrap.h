/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wrappers: a call by a watched module runs the wrapper in place of the hooked function. See
 * watch/alloc.c, watch/free.c, watch/dma.c and watch/hooks.c.
 */
#ifndef WATCH_WRAP_H
#define WATCH_WRAP_H

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/stringify.h>

#include "labyrinth_compat.h"

#include LAB_PAGE_POOL_H

/*
 * How many calls are in a wrapper, summed over all CPUs. A call may sleep in the function and
 * return on another CPU, so the number of a single CPU means nothing.
 */
DECLARE_PER_CPU(long, watch_inside);

#define WATCH_CALLER	((unsigned long)__builtin_return_address(0))

static inline void watch_enter(void)
{
	this_cpu_inc(watch_inside);
}

static inline void watch_leave(void)
{
	this_cpu_dec(watch_inside);
}

/*
 * How long a hook is: from a function's address to its body, where a call goes on that the hook
 * lets pass. A BPF trampoline calls the function it stands for there as well. An armed hook is
 * at the function's very beginning, see watch/hooks.c.
 */
#ifdef CONFIG_X86_KERNEL_IBT
#define WATCH_HOOK_SIZE		9	/* endbr64, and the call */
#else
#define WATCH_HOOK_SIZE		5
#endif
#define WATCH_HOOK_CALL_SIZE	5

/*
 * @function, for which the wrapper watch_@name stands, is called by the wrapper as
 * watch_core_@name(), past the hook: no tracer, nor the guard, sees the call a second time.
 */
#define WATCH_CORE(name, function)					\
	extern typeof(watch_##name) watch_core_##name;			\
	asm(".set watch_core_" #name ", " __stringify(function) " + "	\
	    __stringify(WATCH_HOOK_SIZE))

/* Each called by the stub of the same name in watch/stubs.S. */
struct page *watch_alloc_pages(gfp_t gfp, unsigned int order);
struct page *watch_alloc_node(LAB_ALLOC_NODE_PARAMS);
unsigned long watch_alloc_bulk(gfp_t gfp, int nid, nodemask_t *mask, int nr,
			       LAB_BULK_LIST_PARAM struct page **array);
unsigned long watch_get_pages(gfp_t gfp, unsigned int order);
unsigned long watch_get_zeroed(gfp_t gfp);
void watch_free_page(struct page *page, unsigned int order);
void watch_free_address(unsigned long addr, unsigned int order);
void watch_folio_put(struct folio *folio);
dma_addr_t watch_dma_map(struct device *dev, struct page *page, size_t offset, size_t size,
			 enum dma_data_direction dir, unsigned long attrs);
void watch_dma_unmap(struct device *dev, dma_addr_t dma, size_t size,
		     enum dma_data_direction dir, unsigned long attrs);

lab_pool_ref watch_pool_get(struct page_pool *pool, gfp_t gfp);
lab_pool_ref watch_pool_frag(struct page_pool *pool, unsigned int *offset, unsigned int size,
			     gfp_t gfp);
void watch_pool_put(struct page_pool *pool, lab_pool_ref ref, unsigned int sync_size,
		    bool direct);
struct page *watch_pool_get_page(struct page_pool *pool, gfp_t gfp);
struct page *watch_pool_frag_page(struct page_pool *pool, unsigned int *offset,
				  unsigned int size, gfp_t gfp);
struct page_pool *watch_pool_create(const struct page_pool_params *params);
void watch_pool_destroy(struct page_pool *pool);

/* All pages that are freed come here: by hooks, or by the tracepoint. See watch/freers.c. */
struct folio_batch;

void watch_freed_page(struct page *page);
void watch_freed_batch(struct folio_batch *batch);
void watch_page_is_freed(void *data, struct page *page, unsigned int order);

#endif /* WATCH_WRAP_H */
