// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the core maps for the device of their owner (LABYRINTH_OWNER_CORE_MAPS), by calls that
 * know no owner. The slip of such a page goes from actor to actor like any other, so the actor that
 * unmaps may be another, on another CPU, in another context. While the guard is off no such mapping
 * counts: the mapping is ended at once. The guard refuses the core's map of any other owner's page.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>

#include "torture.h"

static dma_addr_t map(const struct tort_slip *p, const struct tort_dma *dma)
{
	return dma_map_page(tort_device(), virt_to_page(p->addr), dma->offset, dma->size,
			    dma->dir);
}

static bool core_maps(struct tort_actor *a, const struct tort_slip *p, struct tort_dma *dma)
{
	dma->addr = tort_call(a, p->addr, map(p, dma));
	return !dma_mapping_error(tort_device(), dma->addr);
}

static bool unmap(const struct tort_dma *dma)
{
	dma_unmap_page(tort_device(), dma->addr, dma->size, dma->dir);
	return true;
}

static void core_unmaps(struct tort_actor *a, const struct tort_slip *p, const struct tort_dma *dma)
{
	tort_call(a, p->addr, unmap(dma));
}

static enum labyrinth_page_state state_of(struct tort_actor *a, const struct tort_slip *p)
{
	struct labyrinth_page_info info;

	return tort_call(a, p->addr, labyrinth_query(p->addr, &info)) ? LABYRINTH_PAGE_ABSENT :
									info.state;
}

/* The guard passes a page whose struct page does not say any more that it is Labyrinth's. */
static bool is_unsure(void)
{
	return tort_guard == TORT_GUARD_SWITCHED || tort_is_scribbled();
}

/* The core mapped the page: the page is MAPPED from now on, if that counts. */
static void has_mapped(struct tort_actor *a, struct tort_slip *p, const struct tort_dma *dma)
{
	enum labyrinth_page_state state = state_of(a, p);
	bool counts = state == LABYRINTH_PAGE_MAPPED, wanted = tort_guard == TORT_GUARD_REFUSES;

	if ((!counts && state != LABYRINTH_PAGE_HELD) || (!is_unsure() && counts != wanted))
		tort_violation(a, p, "the core mapped it, and it has state %d", state);
	if (!counts) {
		core_unmaps(a, p, dma);
		return;
	}
	p->core = *dma;
	p->state = TORT_MAPPED;
}

/* The owner's pages are not for the core to map: refused, unless the guard is off. */
static void judge_foreign(struct tort_actor *a, const struct tort_slip *p, bool mapped)
{
	if (is_unsure())
		a->perhaps[TORT_FOREIGN]++;
	else if (mapped != (tort_guard == TORT_GUARD_OFF))
		tort_violation(a, p, "a map by the core was %s",
			       mapped ? "let through" : "refused");
	else
		a->refused[TORT_FOREIGN] += !mapped;
}

/* Context: Any, in an RCU read-side section. */
void tort_play_core_map(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_dma dma = tort_any_part(a);
	struct tort_slip *p = *at;
	bool mapped;

	if (p->owner->mortal || !tort_may_map_dma())
		return;
	mapped = core_maps(a, p, &dma);
	if (p->owner != &tort_shared[TORT_CORE]) {
		judge_foreign(a, p, mapped);
		if (mapped)
			core_unmaps(a, p, &dma);
	} else if (mapped) {
		has_mapped(a, p, &dma);
	} else if (tort_is_fed()) {
		tort_violation(a, p, "the core could not map it");
	}
}

/* What was mapped is counted also if the guard has been switched off since. */
void tort_play_core_unmap(struct tort_actor *a, struct tort_slip **at)
{
	struct tort_slip *p = *at;
	enum labyrinth_page_state state;

	if (!tort_may_map_dma())
		return;
	core_unmaps(a, p, &p->core);
	p->state = TORT_HELD;
	state = state_of(a, p);
	if (state != LABYRINTH_PAGE_HELD)
		tort_violation(a, p, "the core unmapped it, and it has state %d", state);
}

/* The core maps another part meanwhile, and the owner cannot end what the core has mapped. */
static void map_again(struct tort_actor *a, const struct tort_slip *p)
{
	struct tort_dma dma = tort_any_part(a);

	if (core_maps(a, p, &dma))
		core_unmaps(a, p, &dma);
	else if (tort_is_fed())
		tort_violation(a, p, "the core could not map it again");
	tort_expect(a, "an owner's dma_unmap of the core's mapping", p, -EINVAL,
		    tort_call(a, p->addr,
			      labyrinth_dma_unmap(p->handle, tort_device(), p->addr, p->core.addr,
						  p->core.size, p->core.dir)),
		    TORT_BAD_MAPPING);
}

/* Calls about a page that the core has mapped: the page stays MAPPED. */
void tort_play_core_busy(struct tort_actor *a, struct tort_slip **at)
{
	const struct tort_slip *p = *at;

	if (tort_may_map_dma())
		map_again(a, p);
	tort_check_mapped(a, p);
	tort_attack_mapped(a, p);
}
