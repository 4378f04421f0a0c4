/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Labyrinth: pages with exactly one owner.
 *
 * The only header that a driver includes. The kernel-doc of each function, with contexts, errno
 * values and the page's owner afterwards, stands at the function's definition;
 * Documentation/usage.rst is the guide.
 *
 * A consumer built as a module says LABYRINTH_IMPORT_NS() beside the licence.
 */
#ifndef LABYRINTH_ALLOC_H
#define LABYRINTH_ALLOC_H

#include <linux/bits.h>
#include <linux/dma-direction.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/types.h>

#include "labyrinth_compat.h"

struct device;
struct page;
struct task_struct;
struct labyrinth_owner;
struct vm_area_struct;

/* Bytes that an owner's or a module's name takes in a report, NUL included. */
#define LABYRINTH_NAME_LEN	32

/* Pages are handed out zeroed. */
#define LABYRINTH_OWNER_ZERO	BIT(0)
/*
 * The caller promises one user at a time (a NAPI instance, a thread): the fastest path, which
 * masks nothing and locks nothing.
 */
#define LABYRINTH_OWNER_SINGLE	BIT(1)
/*
 * Pages are out of the direct map while Labyrinth has the pages: only the address handed out
 * leads to a page. Needs a reserve, as allocations take pages from the reserve alone.
 */
#define LABYRINTH_OWNER_SEALED	BIT(2)
/*
 * Pages are mapped for @dev, in @dma_dir, as long as the pages are the owner's, lent pages
 * included: for labyrinth_rx_get() and the calls that go with it.
 */
#define LABYRINTH_OWNER_DMA	BIT(3)
/*
 * Code of the core (virtio, USB, SPI, MMC) maps pages for @dev on the driver's behalf. The guard
 * lets such calls of dma_map_*() pass, and the page is MAPPED until the core unmaps the page.
 */
#define LABYRINTH_OWNER_CORE_MAPS	BIT(4)

/*
 * Each hand-out of a page has a stamp, see labyrinth_stamp(). The owner takes the slower path, and
 * stacks=1 keeps no stacks of such pages.
 */
#define LABYRINTH_OWNER_STAMPED	BIT(5)

/**
 * struct labyrinth_owner_attrs - the attributes of a new owner
 * @name: copied, at most %LABYRINTH_NAME_LEN - 1 bytes; shown in dmesg,
 *	traces and debugfs. Neither NULL nor empty.
 * @dev: the only device that may DMA to the owner's pages; NULL: none may.
 * @task: the only thread that may use the handle; NULL: not bound.
 * @max_pages: quota of pages handed out at once; 0: none.
 * @reserve: pages kept back for when memory is out.
 * @nid: NUMA node, or NUMA_NO_NODE.
 * @flags: LABYRINTH_OWNER_*.
 * @dma_dir: with %LABYRINTH_OWNER_DMA, the direction in which pages are mapped.
 * @lent: how many pages may be lent at once; the owner then keeps a queue of the pages lent,
 *	takes back what has come back, and lets go of the oldest page when the queue is full.
 *	0: no queue, the pages are taken back one by one by labyrinth_reclaim().
 * @frag_size: with %LABYRINTH_OWNER_DMA, bytes of a receive buffer: a power of two, from a
 *	sixteenth of a page up to %PAGE_SIZE. 0: %PAGE_SIZE. Below a page, a page has several
 *	buffers, each of which is handed out, given and put by itself; the page comes back when all
 *	buffers have. Buffers have no inline path.
 */
struct labyrinth_owner_attrs {
	const char *name;
	struct device *dev;
	struct task_struct *task;
	unsigned int max_pages;
	unsigned int reserve;
	int nid;
	unsigned long flags;
	enum dma_data_direction dma_dir;
	unsigned int lent;
	unsigned int frag_size;
};

/**
 * enum labyrinth_page_state - the state of a page
 * @LABYRINTH_PAGE_ABSENT: not tagged: no Labyrinth page.
 * @LABYRINTH_PAGE_CACHED: kept ready by the owner, not handed out.
 * @LABYRINTH_PAGE_HELD: handed out, exclusive.
 * @LABYRINTH_PAGE_LENT: handed out, borrowers may read the page by reference.
 * @LABYRINTH_PAGE_LIMBO: given up, something still refers to the page.
 * @LABYRINTH_PAGE_MAPPED: handed out, exclusive, and mapped by the owner.
 * @LABYRINTH_PAGE_POSTED: handed out as a receive buffer, which the device may write to.
 */
enum labyrinth_page_state {
	LABYRINTH_PAGE_ABSENT,
	LABYRINTH_PAGE_CACHED,
	LABYRINTH_PAGE_HELD,
	LABYRINTH_PAGE_LENT,
	LABYRINTH_PAGE_LIMBO,
	LABYRINTH_PAGE_MAPPED,
	LABYRINTH_PAGE_POSTED,
};

/**
 * struct labyrinth_page_info - all that is known of a page, copied
 * @pfn: page frame number.
 * @state: see &enum labyrinth_page_state.
 * @owner_id: the owner's number, as in debugfs.
 * @refs: the frame's reference count, Labyrinth's own included.
 * @age_ms: milliseconds since the page was handed out, 49 days at the most; 0
 *	while the page is cached.
 * @site: the address that the allocation returned to; 0 while the page is cached. When that
 *	code has gone, an address in labyrinth.ko.
 * @owner: the owner's name.
 * @module: the name of the module that made the owner.
 * @sealed: the page is out of the direct map. False while lent, and for a moment afterwards.
 */
struct labyrinth_page_info {
	unsigned long pfn;
	enum labyrinth_page_state state;
	unsigned int owner_id;
	int refs;
	unsigned int age_ms;
	unsigned long site;
	char owner[LABYRINTH_NAME_LEN];
	char module[LABYRINTH_NAME_LEN];
	bool sealed;
};

/**
 * labyrinth_owner_create() - make a new owner of pages, of the calling module
 * @attrs: the owner's attributes, a pointer to &struct labyrinth_owner_attrs; copied.
 *
 * labyrinth_owner_create_for() with THIS_MODULE. The owner remembers the calling module, but
 * does not pin the module.
 *
 * Context: Task. May sleep.
 * Return: The handle or an ERR_PTR, as labyrinth_owner_create_for().
 */
#define labyrinth_owner_create(attrs...) \
	labyrinth_owner_create_for(attrs, THIS_MODULE)

struct labyrinth_owner *
labyrinth_owner_create_for(const struct labyrinth_owner_attrs *attrs,
			   struct module *module);
unsigned int labyrinth_owner_destroy(struct labyrinth_owner *owner);
unsigned int labyrinth_owner_destroy_bulk(struct labyrinth_owner **owners, unsigned int nr);

void *
labyrinth_void_alloc_page_gfp_atomic_exclusive(struct labyrinth_owner *owner);
unsigned int labyrinth_alloc_bulk(struct labyrinth_owner *owner,
				  unsigned int nr, void **addrs);
int labyrinth_free_page(struct labyrinth_owner *owner, void *addr);
int labyrinth_transfer(struct labyrinth_owner *from,
		       struct labyrinth_owner *to, void *addr);
u32 labyrinth_stamp(struct labyrinth_owner *owner, const void *addr);
int labyrinth_free_page_stamped(struct labyrinth_owner *owner, void *addr, u32 stamp);
int labyrinth_transfer_stamped(struct labyrinth_owner *from, struct labyrinth_owner *to,
			       void *addr, u32 stamp);
struct page *labyrinth_release(struct labyrinth_owner *owner, void *addr);
struct page *labyrinth_release_lent(struct labyrinth_owner *owner, void *addr);
void *labyrinth_adopt(struct labyrinth_owner *owner, struct page *page);
struct page *labyrinth_lend(struct labyrinth_owner *owner, void *addr);
int labyrinth_reclaim(struct labyrinth_owner *owner, void *addr);

bool labyrinth_owns(struct labyrinth_owner *owner, const void *addr);
struct page *labyrinth_page(struct labyrinth_owner *owner, const void *addr);
int labyrinth_query(const void *addr, struct labyrinth_page_info *info);

void *labyrinth_vmap(struct labyrinth_owner *owner, void **addrs,
		     unsigned int nr);
int labyrinth_vunmap(struct labyrinth_owner *owner, void *vaddr);
int labyrinth_mmap(struct labyrinth_owner *owner, struct vm_area_struct *vma,
		   void **addrs, unsigned int nr);
int labyrinth_dma_map(struct labyrinth_owner *owner, struct device *dev,
		      void *addr, size_t offset, size_t size,
		      enum dma_data_direction dir, dma_addr_t *dma);
int labyrinth_dma_map_attrs(struct labyrinth_owner *owner, struct device *dev,
			    void *addr, size_t offset, size_t size,
			    enum dma_data_direction dir, dma_addr_t *dma,
			    unsigned long attrs);
int labyrinth_dma_unmap(struct labyrinth_owner *owner, struct device *dev,
			void *addr, dma_addr_t dma, size_t size,
			enum dma_data_direction dir);

void *labyrinth_rx_get(struct labyrinth_owner *owner, dma_addr_t *dma);
int labyrinth_rx_read(struct labyrinth_owner *owner, void *buf, size_t offset,
		      size_t len);
int labyrinth_rx_again(struct labyrinth_owner *owner, void *buf);
struct page *labyrinth_rx_give(struct labyrinth_owner *owner, void *buf,
			       size_t offset, size_t len);
int labyrinth_rx_put(struct labyrinth_owner *owner, void *buf);

/*
 * The fast paths, inline. Below the declarations of the functions that the paths call when a
 * check fails.
 */
#include "inline/fast.h"
#include "inline/rx.h"

#endif /* LABYRINTH_ALLOC_H */
