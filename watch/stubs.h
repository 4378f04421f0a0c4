/* SPDX-License-Identifier: GPL-2.0-only */
/* The stubs of watched functions: see watch/stubs.S. */
#ifndef WATCH_STUBS_H
#define WATCH_STUBS_H

void watch_stub_alloc_pages(void);
void watch_stub_alloc_node(void);
void watch_stub_alloc_bulk(void);
void watch_stub_get_pages(void);
void watch_stub_get_zeroed(void);
void watch_stub_free_page(void);
void watch_stub_free_address(void);
void watch_stub_folio_put(void);
void watch_stub_dma_map(void);
void watch_stub_dma_unmap(void);
void watch_stub_freed_page(void);
void watch_stub_freed_batch(void);
void watch_stub_pool_create(void);
void watch_stub_pool_destroy(void);
void watch_stub_pool_get(void);
void watch_stub_pool_frag(void);
void watch_stub_pool_put(void);
void watch_stub_pool_get_page(void);
void watch_stub_pool_frag_page(void);

#endif /* WATCH_STUBS_H */
