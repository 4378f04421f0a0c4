// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words that make an owner and destroy the owner at the end: whatever fails on the way, nothing
 * may be left of the owner.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "../../labyrinth_alloc.h"
#include "probe_fresh.h"

#define MAPPINGS	4

static int with_attrs(const struct labyrinth_owner_attrs *attrs,
		      int (*fn)(struct labyrinth_owner *owner, unsigned long nr),
		      unsigned long nr)
{
	struct labyrinth_owner *owner = labyrinth_owner_create(attrs);
	int err;

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	err = fn(owner, nr);
	return labyrinth_owner_destroy(owner) ? -EUCLEAN : err;
}

static int with_owner(unsigned long flags, unsigned int reserve,
		      int (*fn)(struct labyrinth_owner *owner, unsigned long nr),
		      unsigned long nr)
{
	return with_attrs(&(struct labyrinth_owner_attrs) {
		.name = "fresh",
		.nid = NUMA_NO_NODE,
		.flags = flags,
		.reserve = reserve,
	}, fn, nr);
}

static int do_nothing(struct labyrinth_owner *owner, unsigned long nr)
{
	return 0;
}

/* Takes @nr pages, and gives back every page that was got. */
static int take_many(struct labyrinth_owner *owner, unsigned long nr,
		     unsigned int (*take)(struct labyrinth_owner *owner,
					  unsigned int nr, void **addrs))
{
	void **addrs = kvcalloc(nr, sizeof(*addrs), GFP_KERNEL);
	unsigned long got, i;
	int err;

	if (!addrs)
		return -ENOMEM;
	got = take(owner, nr, addrs);
	err = got == nr ? 0 : -ENOMEM;
	for (i = 0; i < got; i++)
		err = labyrinth_free_page(owner, addrs[i]) ?: err;
	kvfree(addrs);
	return err;
}

static unsigned int take_each(struct labyrinth_owner *owner, unsigned int nr,
			      void **addrs)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		addrs[i] = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
		if (!addrs[i])
			break;
	}
	return i;
}

static int take(struct labyrinth_owner *owner, unsigned long nr)
{
	return take_many(owner, nr, take_each);
}

static int take_bulk(struct labyrinth_owner *owner, unsigned long nr)
{
	return take_many(owner, nr, labyrinth_alloc_bulk);
}

/* The worker has the time to fill the reserve, or to fail to. */
static int take_slowly(struct labyrinth_owner *owner, unsigned long nr)
{
	int err = take(owner, nr);

	msleep(20);
	return err;
}

/* Takes an ordinary page through all that can become of a page, and out of Labyrinth again. */
static int journey(struct labyrinth_owner *owner, unsigned long nr)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct page *lent;
	void *addr;
	int err;

	if (!page)
		return -ENOMEM;
	addr = labyrinth_adopt(owner, page);
	if (IS_ERR(addr)) {
		__free_page(page);
		return PTR_ERR(addr);
	}
	lent = labyrinth_lend(owner, addr);
	if (!IS_ERR(lent))
		put_page(lent);
	err = PTR_ERR_OR_ZERO(lent) ?: labyrinth_reclaim(owner, addr);
	page = labyrinth_release(owner, addr);
	if (IS_ERR(page))
		return PTR_ERR(page);
	__free_page(page);
	return err;
}

static int vmap_once(struct labyrinth_owner *owner, unsigned long nr)
{
	void *pages[MAPPINGS], *window = ERR_PTR(-ENOMEM);
	int i, err;

	nr = labyrinth_alloc_bulk(owner, MAPPINGS, pages);
	if (nr == MAPPINGS)
		window = labyrinth_vmap(owner, pages, MAPPINGS);
	err = PTR_ERR_OR_ZERO(window) ?: labyrinth_vunmap(owner, window);
	for (i = 0; i < nr; i++)
		err = labyrinth_free_page(owner, pages[i]) ?: err;
	return err;
}

static struct platform_device *device;

/* Maps a page so often that records must be made beyond the reserve's. */
static int dma_map_often(struct labyrinth_owner *owner, unsigned long nr)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	dma_addr_t dma[MAPPINGS];
	int i, err = 0;

	if (!page)
		return -ENOMEM;
	for (i = 0; i < MAPPINGS && !err; i++)
		err = labyrinth_dma_map(owner, &device->dev, page, i, 1,
					DMA_TO_DEVICE, &dma[i]);
	if (err)
		i--;
	while (i--)
		labyrinth_dma_unmap(owner, &device->dev, page, dma[i], 1,
				    DMA_TO_DEVICE);
	return labyrinth_free_page(owner, page) ?: err;
}

int probe_create(unsigned long nr)
{
	return with_owner(0, nr, do_nothing, 0);
}

int probe_create_single(unsigned long nr)
{
	return with_owner(LABYRINTH_OWNER_SINGLE, nr, do_nothing, 0);
}

int probe_take(unsigned long nr)
{
	return with_owner(0, 0, take, nr);
}

int probe_take_single(unsigned long nr)
{
	return with_owner(LABYRINTH_OWNER_SINGLE, 0, take, nr);
}

int probe_take_reserved(unsigned long nr)
{
	return with_owner(0, nr, take_slowly, nr);
}

int probe_bulk(unsigned long nr)
{
	return with_owner(0, 0, take_bulk, nr);
}

int probe_journey(unsigned long nr)
{
	return with_owner(0, 0, journey, nr);
}

int probe_vmap(unsigned long nr)
{
	return with_owner(0, 0, vmap_once, nr);
}

int probe_dma_map(unsigned long nr)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "fresh",
		.nid = NUMA_NO_NODE,
		.reserve = MAPPINGS / 2,
	};
	int err;

	device = platform_device_register_simple("labyrinth_probe", 0, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	attrs.dev = &device->dev;
	err = dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(64)) ?:
	      with_attrs(&attrs, dma_map_often, nr);
	platform_device_unregister(device);
	return err;
}
