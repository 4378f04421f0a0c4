/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of functions that the guard hooks, on behalf of a page's owner. LAB_OWN(fn) is
 * called as fn is. The guard lets the call pass for where it returns to, see
 * labyrinth_stubs.S: so fn is the innermost of those that call one another.
 */
#ifndef LABYRINTH_OWN_H
#define LABYRINTH_OWN_H

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "labyrinth_compat.h"

#ifdef LAB_GUARD_POSSIBLE

#define LAB_OWN(fn)	lab_own_##fn
#define LAB_DECLARE_OWN(fn)	extern typeof(fn) LAB_OWN(fn)

LAB_DECLARE_OWN(vmap);
LAB_DECLARE_OWN(remap_pfn_range);
#if LAB_MAPS_PHYS
LAB_DECLARE_OWN(dma_map_phys);
#else
LAB_DECLARE_OWN(dma_map_page_attrs);
#endif

#else

#define LAB_OWN(fn)	fn

#endif

#endif /* LABYRINTH_OWN_H */
