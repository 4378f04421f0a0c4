// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are mapped: for DMA by a device that exists for that alone, and into the kernel's
 * address space. The owner of a mapped page may only map the page again.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "torture.h"

/* Mappings of a page at a time. */
#define DMA_MAPS	3U
/* Pages in a mapping. */
#define VMAP_PAGES	4U

static struct platform_device *device;

/* The device of all owners. Context: Any. */
struct device *tort_device(void)
{
	return &device->dev;
}

/*
 * With one of four seeds the device reaches no more than 4 GB, so that pages beyond have bounce
 * buffers.
 * Context: Task; may sleep. Return: 0, or as platform_device_register().
 */
int tort_device_begin(void)
{
	device = platform_device_register_simple("labyrinth_torture",
						 PLATFORM_DEVID_NONE, NULL, 0);
	if (!IS_ERR(device) && tort_seed % 4)
		dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(64));
	return PTR_ERR_OR_ZERO(device);
}

/* Context: Task; may sleep. */
void tort_device_end(void)
{
	platform_device_unregister(device);
}

/*
 * Whether this context may map for DMA: not in User-Mode Linux, which has no DMA, and not where
 * no lock may be taken. Context: Any.
 */
bool tort_may_map_dma(void)
{
	return IS_ENABLED(CONFIG_HAS_DMA) && tort_may_lock();
}

/* Context: Any. */
struct tort_dma tort_any_part(struct tort_actor *a)
{
	struct tort_dma dma = {
		.offset = tort_roll(a, PAGE_SIZE),
		/* No device writes, so the page's mark stays. */
		.dir = tort_roll(a, DMA_NONE),
	};

	dma.size = 1 + tort_roll(a, PAGE_SIZE - dma.offset);
	return dma;
}

static int map_dma(struct tort_actor *a, const struct tort_slip *p,
		   struct tort_dma *dma)
{
	return tort_call(a, p->addr,
			 labyrinth_dma_map(p->handle, tort_device(), p->addr,
					   dma->offset, dma->size, dma->dir,
					   &dma->addr));
}

static int unmap_dma(struct tort_actor *a, const struct tort_slip *p,
		     const struct tort_dma *dma, struct device *dev)
{
	return tort_call(a, p->addr,
			 labyrinth_dma_unmap(p->handle, dev, p->addr, dma->addr,
					     dma->size, dma->dir));
}

/* Context: Any. */
void tort_check_mapped(struct tort_actor *a, const struct tort_slip *p)
{
	struct labyrinth_page_info info;
	int err = tort_call(a, p->addr, labyrinth_query(p->addr, &info));

	if (err || info.state != LABYRINTH_PAGE_MAPPED)
		tort_violation(a, p, "mapped, but query gives %pe, state %d",
			       ERR_PTR(err), err ? -1 : info.state);
}

static bool is_one_of(const struct tort_dma *dma, const struct tort_dma *maps,
		      unsigned int nr)
{
	while (nr--)
		if (maps[nr].addr == dma->addr && maps[nr].size == dma->size &&
		    maps[nr].dir == dma->dir)
			return true;
	return false;
}

/*
 * Unmaps an address that is not mapped, or for another device. Where the page is out of the
 * device's reach, the mappings are bounce buffers that may lie side by side: then the wrong
 * address may be mapped.
 */
static void unmap_wrongly(struct tort_actor *a, const struct tort_slip *p,
			  const struct tort_dma *maps, unsigned int nr)
{
	struct tort_dma wrong = maps[0];

	if (tort_roll(a, 2)) {
		tort_expect(a, "dma_unmap for no device", p, -EPERM,
			    unmap_dma(a, p, &maps[0], NULL), TORT_WRONG_DEVICE);
		return;
	}
	wrong.addr += PAGE_SIZE;
	if (is_one_of(&wrong, maps, nr))
		return;
	tort_expect(a, "dma_unmap of what is not", p, -EINVAL,
		    unmap_dma(a, p, &wrong, tort_device()), TORT_BAD_MAPPING);
}

/* Maps parts of the page, makes calls that must be refused meanwhile, and unmaps. */
void tort_play_dma(struct tort_actor *a, struct tort_slip **at)
{
	unsigned int wanted = 1 + tort_roll(a, DMA_MAPS), nr;
	const struct tort_slip *p = *at;
	struct tort_dma maps[DMA_MAPS];
	int err = 0;

	if (p->owner->mortal || !tort_may_map_dma())
		return;
	for (nr = 0; nr < wanted && !err; nr++) {
		maps[nr] = tort_any_part(a);
		err = map_dma(a, p, &maps[nr]);
	}
	if (err)
		nr--;
	if (err && (err != -ENOMEM || tort_is_fed()))
		tort_violation(a, p, "dma_map gave %pe", ERR_PTR(err));
	if (!nr)
		return;
	tort_check_mapped(a, p);
	tort_attack_mapped(a, p);
	unmap_wrongly(a, p, maps, nr);
	while (nr--)
		tort_expect(a, "dma_unmap", p, 0,
			    unmap_dma(a, p, &maps[nr], tort_device()),
			    TORT_NR_CLASSES);
	tort_expect(a, "one dma_unmap more", p, -ENOENT,
		    unmap_dma(a, p, &maps[0], tort_device()), TORT_BAD_MAPPING);
}

/* Finds slips of @p's owner, @p included. */
static unsigned int find_more(struct tort_actor *a, struct tort_slip *p,
			      struct tort_slip **found)
{
	unsigned int i, nr = 0, wanted = 1 + tort_roll(a, VMAP_PAGES);

	found[nr++] = p;
	for (i = 0; i < TORT_SLOTS && nr < wanted; i++) {
		struct tort_slip *other = a->slots[i];

		if (other != p && other->state == TORT_HELD &&
		    other->handle == p->handle)
			found[nr++] = other;
	}
	return nr;
}

static void use_vmapping(struct tort_actor *a, struct tort_slip **found,
			 unsigned int nr, void *vaddr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (memcmp(vaddr + i * PAGE_SIZE, found[i]->addr, PAGE_SIZE))
			tort_violation(a, found[i], "page %u of the mapping is another",
				       i);
		tort_check_mapped(a, found[i]);
		tort_attack_mapped(a, found[i]);
	}
	tort_expect(a, "a foreigner's vunmap", found[0], -EPERM,
		    tort_call(a, TORT_NO_PAGE,
			      labyrinth_vunmap(tort_attacker.handle, vaddr)),
		    TORT_FOREIGN);
}

/*
 * Maps the page, and more pages of the same owner, into the kernel, makes calls that must be
 * refused meanwhile, and unmaps.
 * Context: Task; may sleep.
 */
void tort_vmap(struct tort_actor *a, struct tort_slip *p)
{
	struct tort_slip *found[VMAP_PAGES];
	void *addrs[VMAP_PAGES], *vaddr;
	unsigned int nr, i;

	if (p->owner->mortal)
		return;
	nr = find_more(a, p, found);
	for (i = 0; i < nr; i++)
		addrs[i] = found[i]->addr;
	vaddr = tort_call(a, addrs[0], labyrinth_vmap(p->handle, addrs, nr));
	if (vaddr == ERR_PTR(-ENOMEM) && !tort_is_fed())
		return;
	if (IS_ERR(vaddr)) {
		tort_violation(a, p, "vmap of %u pages gave %pe", nr, vaddr);
		return;
	}
	/* Time for the scribbler to write to the pages while mapped. */
	if (tort_is_scribbled())
		schedule_timeout_uninterruptible(1);
	use_vmapping(a, found, nr, vaddr);
	tort_expect(a, "vunmap", p, 0,
		    tort_call(a, TORT_NO_PAGE, labyrinth_vunmap(p->handle, vaddr)),
		    TORT_NR_CLASSES);
}
