/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions. The only file that asks for one: the
 * rest is written against the newest form of each interface.
 */
#ifndef LABYRINTH_COMPAT_H
#define LABYRINTH_COMPAT_H

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/version.h>

/*
 * 6.13 turned the symbol namespace from a token into a string. A consumer says
 * LABYRINTH_IMPORT_NS() once, beside its MODULE_LICENSE().
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define LAB_NS			"LABYRINTH"
#define LABYRINTH_IMPORT_NS()	MODULE_IMPORT_NS("LABYRINTH")
#else
#define LAB_NS			LABYRINTH
#define LABYRINTH_IMPORT_NS()	MODULE_IMPORT_NS(LABYRINTH)
#endif

/* What only the KUnit suites reach; exported to them alone. */
#ifdef LABYRINTH_KUNIT_TEST
#define EXPORT_SYMBOL_FOR_LAB_TEST(sym)	EXPORT_SYMBOL_NS_GPL(sym, LAB_NS)
#else
#define EXPORT_SYMBOL_FOR_LAB_TEST(sym)
#endif

/* 6.14 dropped "array" from the name. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define alloc_pages_bulk_node(gfp, nid, nr, pages) \
	alloc_pages_bulk_array_node(gfp, nid, nr, pages)
#endif

/* 6.9 replaced __stack_depot_save() and its flag argument. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#define STACK_DEPOT_FLAG_CAN_ALLOC	1
#define stack_depot_save_flags(entries, nr, gfp, flags) \
	__stack_depot_save(entries, nr, 0, gfp, flags)
#endif

/* Newer kernels keep more than page_pool's mark in page->pp_magic. */
#ifdef PP_MAGIC_MASK
#define LAB_POOL_MASK		PP_MAGIC_MASK
#else
#define LAB_POOL_MASK		(~3UL)
#endif

/* 6.6 moved page_pool's headers into a folder of their own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define LAB_PAGE_POOL_FOLDER
#endif

/* 6.7 allocates the shrinker itself. There is one, so there is room for one. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define lab_shrinker_register(count, scan) ({				\
	struct shrinker *lab_new = shrinker_alloc(0, "labyrinth");	\
									\
	if (lab_new) {							\
		lab_new->count_objects = (count);			\
		lab_new->scan_objects = (scan);				\
		lab_new->seeks = DEFAULT_SEEKS;				\
		shrinker_register(lab_new);				\
	}								\
	lab_new;							\
})
#define lab_shrinker_unregister(shrinker) shrinker_free(shrinker)
#else
#define lab_shrinker_register(count, scan) ({				\
	static struct shrinker lab_the_one;				\
									\
	lab_the_one.count_objects = (count);				\
	lab_the_one.scan_objects = (scan);				\
	lab_the_one.seeks = DEFAULT_SEEKS;				\
	register_shrinker(&lab_the_one, "labyrinth") ? NULL :		\
						       &lab_the_one;	\
})
#define lab_shrinker_unregister(shrinker) unregister_shrinker(shrinker)
#endif

/* 6.13 has hrtimer_setup(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define lab_hrtimer_setup hrtimer_setup
#else
#define lab_hrtimer_setup(timer, fn, clock, mode) do {			\
	struct hrtimer *lab_timer = (timer);				\
	hrtimer_init(lab_timer, clock, mode);				\
	lab_timer->function = (fn);					\
} while (0)
#endif

#endif /* LABYRINTH_COMPAT_H */
