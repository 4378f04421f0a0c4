/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions. The only file that asks for one: the
 * rest is written against the newest form of each interface.
 */
#ifndef LABYRINTH_COMPAT_H
#define LABYRINTH_COMPAT_H

#include <linux/ftrace.h>
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

/* 6.14 dropped "array" from the name, and a list from the arguments beneath. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define lab_alloc_pages_bulk_node	alloc_pages_bulk_array_node
#define LAB_BULK_PAGES_ARG	5
#else
#define lab_alloc_pages_bulk_node	alloc_pages_bulk_node
#define LAB_BULK_PAGES_ARG	4
#endif

/* 6.9 replaced __stack_depot_save() and its flag argument. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#define LAB_DEPOT_CAN_ALLOC	1
#define lab_stack_depot_save(entries, nr, gfp, flags) \
	__stack_depot_save(entries, nr, 0, gfp, flags)
#else
#define LAB_DEPOT_CAN_ALLOC	STACK_DEPOT_FLAG_CAN_ALLOC
#define lab_stack_depot_save	stack_depot_save_flags
#endif

/*
 * What is in page->page_type of a page with the type PageOffline, and of one without a type.
 * 6.12 turned the types from bits that are cleared into numbers in the upper byte.
 * lab_frame_type_fits() tries it at load.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define LAB_TYPE_OFFLINE	((u32)PGTY_offline << 24)
#else
#define LAB_TYPE_OFFLINE	(~(u32)PG_offline)
#endif
#define LAB_TYPE_NONE		U32_MAX

/* Newer kernels keep more than page_pool's mark in page->pp_magic. */
#ifdef PP_MAGIC_MASK
#define LAB_POOL_MASK		PP_MAGIC_MASK
#else
#define LAB_POOL_MASK		(~3UL)
#endif

/* 6.6 moved page_pool's headers into a folder of their own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define LAB_PAGE_POOL_H		"net/page_pool/helpers.h"
#else
#define LAB_PAGE_POOL_H		"net/page_pool.h"
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

/* 6.3 wants a mapping's flags changed by a function. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define lab_vm_flags_set vm_flags_set
#else
#define lab_vm_flags_set(vma, flags) ((vma)->vm_flags |= (flags))
#endif

/* Before 6.17 some frame numbers had flags, and a type of their own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define LAB_PFN_T_H		"linux/pfn_t.h"
#define lab_mixed_pfn(pfn)	__pfn_to_pfn_t(pfn, PFN_DEV)
#else
#define LAB_PFN_T_H		"linux/pfn.h"
#define lab_mixed_pfn(pfn)	(pfn)
#endif

/* Whether the page is charged to a memory cgroup, as kernel memory or otherwise. */
#ifdef CONFIG_MEMCG
#define lab_page_charged(page)	(!!READ_ONCE((page)->memcg_data))
#else
#define lab_page_charged(page)	((void)(page), false)
#endif

/* 7.3 says for which mappings it is meant. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define lab_zap_vma_ptes zap_special_vma_range
#else
#define lab_zap_vma_ptes zap_vma_ptes
#endif

/* 6.13 counts writers from when they have the lock; their unlock counts everywhere. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define lab_mm_write_begin	mm_lock_seqcount_begin
#else
#define lab_mm_write_begin(mm)	((void)(mm))
#endif

/* Newer kernels have no mmap_write_trylock(). */
static inline bool lab_mmap_write_trylock(struct mm_struct *mm)
{
	if (!down_write_trylock(&mm->mmap_lock))
		return false;
	lab_mm_write_begin(mm);
	return true;
}

/* Which page an entry of a VM_PFNMAP or VM_IO mapping leads to: 0, or -EINVAL for none. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
static inline int lab_follow_pfn(struct vm_area_struct *vma, unsigned long addr,
				 unsigned long *pfn)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int err = follow_pfnmap_start(&args);

	if (err)
		return err;
	*pfn = args.pfn;
	follow_pfnmap_end(&args);
	return 0;
}
#else
#define lab_follow_pfn follow_pfn
#endif

/* The guard needs ftrace's view of the arguments, and x86's calls. */
#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#define LAB_GUARD_POSSIBLE
#endif

/* The innermost of what the guard hooks: see labyrinth_own.h. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define lab_dma_map_page(dev, page, offset, size, dir) \
	LAB_OWN(dma_map_phys)(dev, page_to_phys(page) + (offset), size, dir, 0)
#else
#define lab_dma_map_page(dev, page, offset, size, dir) \
	LAB_OWN(dma_map_page_attrs)(dev, page, offset, size, dir, 0)
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

/* 6.5 hides the local APIC's methods; for who includes <asm/apic.h>. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define lab_send_nmi(mask)	__apic_send_IPI_mask(mask, NMI_VECTOR)
#else
#define lab_send_nmi(mask)	apic->send_IPI_mask(mask, NMI_VECTOR)
#endif

/* Newer kernels hide what is in ftrace_regs. */
#ifdef arch_ftrace_regs
#define lab_ftrace_regs(fregs)	(&arch_ftrace_regs(fregs)->regs)
#else
#define lab_ftrace_regs(fregs)	(&(fregs)->regs)
#endif

/* To be told from an ftrace callback: run the function at @ip instead of the hooked one. */
#define lab_ftrace_divert(fregs, ip) \
	instruction_pointer_set(lab_ftrace_regs(fregs), ip)

/* Direct calls from hooked functions: before 6.4 the name has "multi" in it. */
#ifndef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#define lab_direct_register(ops, addr)		(-EOPNOTSUPP)
#define lab_direct_unregister(ops, addr)	(-EOPNOTSUPP)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define lab_direct_register(ops, addr)		register_ftrace_direct(ops, addr)
#define lab_direct_unregister(ops, addr)	unregister_ftrace_direct(ops, addr, false)
#else
#define lab_direct_register(ops, addr)		register_ftrace_direct_multi(ops, addr)
#define lab_direct_unregister(ops, addr)	unregister_ftrace_direct_multi(ops, addr)
#endif

/* 7.3's mmap_prepare hands a driver's wish to the core in one structure. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define LAB_HAS_MMAP_ACTION	true
#define lab_mmap_action		mmap_action
#else
#define LAB_HAS_MMAP_ACTION	false
struct lab_mmap_action {
	struct {
		unsigned long start_pfn;
		unsigned long size;
	} remap;
	struct {
		unsigned long start;
		struct page **pages;
		unsigned long nr_pages;
	} map_kernel;
};
#endif

#endif /* LABYRINTH_COMPAT_H */
