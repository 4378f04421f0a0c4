/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels. Only this file tells kernels apart: all other files are written
 * against the newest form of each interface.
 *
 * No version is asked for, since distributions backport. A driver compiles the first half,
 * through labyrinth_alloc.h: the kernel's own headers decide there. The rest is for Labyrinth
 * alone, and LAB_HAS_* decides, from the table of probes in Kbuild. A driver's build has no
 * LAB_HAS_*.
 */
#ifndef LABYRINTH_COMPAT_H
#define LABYRINTH_COMPAT_H

/* Kbuild found something missing: then only this is compiled. */
#ifdef LAB_IMPOSSIBLE
#if !defined(CONFIG_64BIT)
#error "Labyrinth needs a 64-bit kernel"
#elif defined(LAB_TOO_OLD)
#error "This kernel is too old for Labyrinth, which runs on 6.1 and later"
#else
#error "Labyrinth needs a kernel with CONFIG_STACKDEPOT"
#endif
#endif

#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/module.h>

/*
 * A consumer says this once, beside MODULE_LICENSE(). MODULE_IMPORT_NS() takes a token on some
 * kernels and a string on others, but makes the same modinfo on all.
 */
#define LABYRINTH_IMPORT_NS()	MODULE_INFO(import_ns, "LABYRINTH")

/* Newer kernels keep more than page_pool's mark in page->pp_magic. */
#ifdef PP_MAGIC_MASK
#define LAB_POOL_MASK		PP_MAGIC_MASK
#else
#define LAB_POOL_MASK		(~3UL)
#endif

/*
 * The values of page->page_type for PageOffline, and for no type. Older kernels clear a bit for
 * each type, newer kernels have a number in the upper byte. lab_frame_type_fits() tries both
 * values at load.
 */
#ifdef PAGE_TYPE_BASE
#define LAB_TYPE_OFFLINE	(~(u32)PG_offline)
#else
#define LAB_TYPE_OFFLINE	((u32)PGTY_offline << 24)
#endif
#define LAB_TYPE_NONE		U32_MAX

/* The guard needs ftrace's view of the arguments, and assembler: see hook/. */
#if (defined(CONFIG_X86_64) || defined(CONFIG_ARM64)) && \
	defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#define LAB_GUARD_POSSIBLE
#endif

/* The stubs that hooked functions call directly are x86-64's assembler. */
#ifdef CONFIG_X86_64
#define LAB_DIRECT_POSSIBLE
#endif

/* Modules' pages are followed by direct calls from what the modules call. */
#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)
#define LAB_FOLLOW_POSSIBLE
#endif

/* Sealed pages need the direct map's page tables, and x86's way to flush the TLB. */
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#define LAB_SEAL_POSSIBLE
#endif

/* Newer kernels hide the members of ftrace_regs. */
#ifdef arch_ftrace_regs
#define lab_ftrace_regs(fregs)	(&arch_ftrace_regs(fregs)->regs)
#else
#define lab_ftrace_regs(fregs)	(&(fregs)->regs)
#endif

/* From here on: for Labyrinth's own build. */
#ifdef LAB_PROBED

/* An exported symbol's namespace: a token at first, then a string. */
#ifdef LAB_HAS_NAMESPACE_TOKEN
#define LAB_NS			LABYRINTH
#else
#define LAB_NS			"LABYRINTH"
#endif

/* Functions for the KUnit suites alone, exported only in their builds. */
#ifdef LABYRINTH_KUNIT_TEST
#define EXPORT_SYMBOL_FOR_LAB_TEST(sym)	EXPORT_SYMBOL_NS_GPL(sym, LAB_NS)
#else
#define EXPORT_SYMBOL_FOR_LAB_TEST(sym)
#endif

/* Once page_pool had a single header. */
#ifdef LAB_HAS_PAGE_POOL_FOLDER
#define LAB_PAGE_POOL_H		"net/page_pool/helpers.h"
#else
#define LAB_PAGE_POOL_H		"net/page_pool.h"
#endif

/* Once batches of folios had the header of the batches of pages. */
#ifdef LAB_HAS_FOLIO_BATCH
#define LAB_FOLIO_BATCH_H	"linux/folio_batch.h"
#else
#define LAB_FOLIO_BATCH_H	"linux/pagevec.h"
#endif

/* Newer page_pools know their network device, and the NAPI instance that polls. */
#ifdef LAB_HAS_PAGE_POOL_NETDEV
#define lab_pool_netdev(pool)	((pool)->slow.netdev)
#define lab_pool_napi(pool)	((pool)->p.napi)
#else
#define lab_pool_netdev(pool)	((void)(pool), NULL)
#define lab_pool_napi(pool)	((void)(pool), NULL)
#endif

/* The member by which a dentry is linked to the inode's other aliases has two names. */
#ifdef LAB_HAS_DENTRY_UNION_NAME
#define LAB_DENTRY_ALIAS	d_u.d_alias
#else
#define LAB_DENTRY_ALIAS	d_alias
#endif

/* Without IPv6, no socket has such an address. */
#if IS_ENABLED(CONFIG_IPV6)
#define lab_sock_v6_peer(common)	(&(common)->skc_v6_daddr)
#else
#define lab_sock_v6_peer(common)	((void)(common), &in6addr_any)
#endif

/* Newer kernels have a header for fragments of pages. */
#ifdef LAB_HAS_PAGE_FRAG_CACHE
#define LAB_PAGE_FRAG_H		"linux/page_frag_cache.h"
#else
#define LAB_PAGE_FRAG_H		"linux/gfp.h"
#endif

/* Newer kernels do not export put_pages_list(), which does this to each page. */
#ifdef LAB_HAS_PUT_PAGES_LIST
#define lab_put_pages_list	put_pages_list
#else
static inline void lab_put_pages_list(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		put_page(page);
	}
}
#endif

/* Some kernels' frame numbers have flags, and a special type. */
#ifdef LAB_HAS_PFN_T
#define LAB_PFN_T_H		"linux/pfn_t.h"
#define lab_mixed_pfn(pfn)	__pfn_to_pfn_t(pfn, PFN_DEV)
#else
#define LAB_PFN_T_H		"linux/pfn.h"
#define lab_mixed_pfn(pfn)	(pfn)
#endif

/*
 * Newer kernels have no "array" in the name of bulk allocation, and no list among the arguments
 * beneath.
 */
#ifdef LAB_HAS_BULK_ARRAY
#define lab_alloc_pages_bulk_node	alloc_pages_bulk_array_node
#define LAB_BULK_PAGES_ARG	5
#else
#define lab_alloc_pages_bulk_node	alloc_pages_bulk_node
#define LAB_BULK_PAGES_ARG	4
#endif

/* The page allocator's functions as the kernel exports them: newer kernels count by call site. */
#ifdef LAB_HAS_ALLOC_NOPROF
#define lab_core_alloc_pages		alloc_pages_noprof
#define lab_core_get_free_pages		get_free_pages_noprof
#define lab_core_get_zeroed_page	get_zeroed_page_noprof
#define lab_core_alloc_bulk		alloc_pages_bulk_noprof
#else
#define lab_core_alloc_pages		alloc_pages
#define lab_core_get_free_pages		__get_free_pages
#define lab_core_get_zeroed_page	get_zeroed_page
#define lab_core_alloc_bulk		__alloc_pages_bulk
#endif

/* To allocate from a node: inline around a function with the arguments in another order. */
#if defined(LAB_HAS_ALLOC_NODE)
#define LAB_CORE_ALLOC_NODE		alloc_pages_node_noprof
#define LAB_ALLOC_NODE_PARAMS		int nid, gfp_t gfp, unsigned int order
#define LAB_ALLOC_NODE_ARGS		nid, gfp, order
#else
#ifdef LAB_HAS_ALLOC_NOPROF
#define LAB_CORE_ALLOC_NODE		__alloc_pages_noprof
#else
#define LAB_CORE_ALLOC_NODE		__alloc_pages
#endif
#define LAB_ALLOC_NODE_PARAMS		gfp_t gfp, unsigned int order, int nid, nodemask_t *mask
#define LAB_ALLOC_NODE_ARGS		gfp, order, nid, mask
#endif

/* Older kernels' bulk allocation can fill a list, in place of an array. */
#ifdef LAB_HAS_BULK_LIST
#define LAB_BULK_LIST_PARAM		struct list_head *list,
#define LAB_BULK_LIST_ARG		list,
#else
#define LAB_BULK_LIST_PARAM
#define LAB_BULK_LIST_ARG
#endif

/* page_pool's functions: newer pools have netmem references in place of pages. */
#ifdef LAB_HAS_POOL_NETMEM
#define lab_pool_ref			netmem_ref
#ifdef LAB_HAS_POOL_NETMEMS
#define lab_core_pool_get		page_pool_alloc_netmems
#else
#define lab_core_pool_get		page_pool_alloc_netmem
#endif
#define lab_core_pool_frag		page_pool_alloc_frag_netmem
#define lab_core_pool_put		page_pool_put_unrefed_netmem
#else
#define lab_pool_ref			struct page *
#define lab_core_pool_get		page_pool_alloc_pages
#define lab_core_pool_frag		page_pool_alloc_frag
#define lab_core_pool_put		page_pool_put_defragged_page
#endif

/* A module's code, and its init code. */
#ifdef LAB_HAS_MODULE_MEMORY
#define lab_module_text(mod)		((unsigned long)(mod)->mem[MOD_TEXT].base)
#define lab_module_text_size(mod)	((mod)->mem[MOD_TEXT].size)
#define lab_module_init(mod)		((unsigned long)(mod)->mem[MOD_INIT_TEXT].base)
#define lab_module_init_size(mod)	((mod)->mem[MOD_INIT_TEXT].size)
#else
#define lab_module_text(mod)		((unsigned long)(mod)->core_layout.base)
#define lab_module_text_size(mod)	((mod)->core_layout.text_size)
#define lab_module_init(mod)		((unsigned long)(mod)->init_layout.base)
#define lab_module_init_size(mod)	((mod)->init_layout.text_size)
#endif

/* Newer kernels have a function with flags in place of __stack_depot_save() with a bool. */
#ifdef LAB_HAS_DEPOT_FLAGS
#define LAB_DEPOT_CAN_ALLOC	STACK_DEPOT_FLAG_CAN_ALLOC
#define lab_stack_depot_save	stack_depot_save_flags
#else
#define LAB_DEPOT_CAN_ALLOC	1
#define lab_stack_depot_save(entries, nr, gfp, flags) \
	__stack_depot_save(entries, nr, 0, gfp, flags)
#endif

/*
 * Newer kernels allocate the shrinker; on older kernels there is room for a single shrinker
 * here.
 */
#ifdef LAB_HAS_SHRINKER_ALLOC
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

/* Newer kernels want a mapping's flags changed by a function. */
#ifdef LAB_HAS_VM_FLAGS_SET
#define lab_vm_flags_set vm_flags_set
#else
#define lab_vm_flags_set(vma, flags) ((vma)->vm_flags |= (flags))
#endif

/* Whether the page is charged to a memory cgroup, as kernel memory or otherwise. */
#ifdef CONFIG_MEMCG
#define lab_page_charged(page)	(!!READ_ONCE((page)->memcg_data))
#else
#define lab_page_charged(page)	((void)(page), false)
#endif

/* Newer kernels have in the name for which mappings the function is meant. */
#ifdef LAB_HAS_ZAP_SPECIAL
#define lab_zap_vma_ptes zap_special_vma_range
#else
#define lab_zap_vma_ptes zap_vma_ptes
#endif

/* Some kernels count writers when the lock is taken; all kernels count at the unlock. */
#ifdef LAB_HAS_MM_WRITE_BEGIN
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
#ifdef LAB_HAS_FOLLOW_PFNMAP
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

/* The innermost function that the guard hooks; @own is LAB_OWN of hook/own.h. */
#ifdef LAB_HAS_DMA_MAP_PHYS
#define lab_dma_map_page(own, dev, page, offset, size, dir, attrs) \
	own(dma_map_phys)(dev, page_to_phys(page) + (offset), size, dir, attrs)
#define lab_dma_unmap_page(own, dev, addr, size, dir, attrs) \
	own(dma_unmap_phys)(dev, addr, size, dir, attrs)
#define LAB_CORE_DMA_UNMAP	dma_unmap_phys
#else
#define lab_dma_map_page(own, dev, page, offset, size, dir, attrs) \
	own(dma_map_page_attrs)(dev, page, offset, size, dir, attrs)
#define lab_dma_unmap_page(own, dev, addr, size, dir, attrs) \
	own(dma_unmap_page_attrs)(dev, addr, size, dir, attrs)
#define LAB_CORE_DMA_UNMAP	dma_unmap_page_attrs
#endif

/* Newer kernels want to be told, before a program comes, what a network device can do. */
#ifdef LAB_HAS_XDP_FEATURES
#define lab_xdp_set_features(dev, can)					\
	xdp_set_features_flag(dev, (can) ? NETDEV_XDP_ACT_BASIC |	\
			      NETDEV_XDP_ACT_REDIRECT | NETDEV_XDP_ACT_NDO_XMIT : 0)
#else
#define lab_xdp_set_features(dev, can)	((void)(dev), (void)(can))
#endif

#ifdef LAB_HAS_HRTIMER_SETUP
#define lab_hrtimer_setup hrtimer_setup
#else
#define lab_hrtimer_setup(timer, fn, clock, mode) do {			\
	struct hrtimer *lab_timer = (timer);				\
	hrtimer_init(lab_timer, clock, mode);				\
	lab_timer->function = (fn);					\
} while (0)
#endif

/* Newer kernels hide the local APIC's methods. For files that include <asm/apic.h>. */
#ifdef LAB_HAS_APIC_SEND_IPI
#define lab_send_nmi(mask)	__apic_send_IPI_mask(mask, NMI_VECTOR)
#else
#define lab_send_nmi(mask)	apic->send_IPI_mask(mask, NMI_VECTOR)
#endif

/*
 * For an ftrace callback. lab_ftrace_arg() is argument @n of the call. lab_ftrace_divert() makes
 * the call run the function at @ip instead of the hooked function. lab_ftrace_site() is the
 * address, in the hooked function, to which ftrace's own code returns; 0 where no such code has a
 * name. lab_ftrace_frame() is the frame record of the hooked function's caller.
 */
#ifdef CONFIG_ARM64
#define lab_ftrace_arg(fregs, n)	ftrace_regs_get_argument(fregs, n)
#define lab_ftrace_divert(fregs, ip)	ftrace_regs_set_instruction_pointer(fregs, ip)
#define lab_ftrace_site(fregs)		ftrace_regs_get_instruction_pointer(fregs)
#ifdef arch_ftrace_regs
#define lab_ftrace_frame(fregs)		(arch_ftrace_regs(fregs)->fp)
#else
#define lab_ftrace_frame(fregs)		((fregs)->fp)
#endif
#else
#define lab_ftrace_arg(fregs, n)	regs_get_kernel_argument(lab_ftrace_regs(fregs), n)
#define lab_ftrace_divert(fregs, ip) \
	instruction_pointer_set(lab_ftrace_regs(fregs), ip)
#define lab_ftrace_site(fregs)		((void)(fregs), 0UL)
#endif

/* Direct calls from hooked functions: some kernels have "multi" in the name. */
#ifndef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS
#define lab_direct_register(ops, addr)		(-EOPNOTSUPP)
#define lab_direct_unregister(ops, addr)	(-EOPNOTSUPP)
#define lab_direct_modify(ops, addr)		(-EOPNOTSUPP)
#elif defined(LAB_HAS_DIRECT_MULTI)
#define lab_direct_register(ops, addr)		register_ftrace_direct_multi(ops, addr)
#define lab_direct_unregister(ops, addr)	unregister_ftrace_direct_multi(ops, addr)
#define lab_direct_modify(ops, addr)		modify_ftrace_direct_multi(ops, addr)
#else
#define lab_direct_register(ops, addr)		register_ftrace_direct(ops, addr)
#define lab_direct_unregister(ops, addr)	unregister_ftrace_direct(ops, addr, false)
#define lab_direct_modify(ops, addr)		modify_ftrace_direct(ops, addr)
#endif

/*
 * The address that faulted, if the oops of @args, a struct die_args, is a page fault; else 0. The
 * core's word for the oops tells: of a fault in the kernel the core notes no number of the trap. On
 * arm64 the register may be of a later fault by now.
 */
#ifdef CONFIG_X86_64
#define lab_fault_address(args)	(strcmp((args)->str, "Oops") ? 0UL : native_read_cr2())
#else
#define lab_fault_address(args)	((void)(args), 0UL)
#endif

/* Where @ops has a driver's mmap_prepare(), of kernels that know such; else a word of 0. */
#ifdef LAB_HAS_MMAP_PREPARE
#define lab_mmap_prepare_of(ops)	(&(ops)->mmap_prepare)
#else
#define lab_mmap_prepare_of(ops)	((void)(ops), NULL)
#endif

/*
 * Whether @ip is in a module's text, not in the core's. On s390 and RISC-V the bounds are made of
 * symbols that no module may use; there a module's text counts as the core's.
 */
#if defined(CONFIG_ARM64)
/*
 * Modules are near the kernel, wherever that has been loaded: no bounds are fixed. But of all that
 * has an address there, the kernel alone stands at one distance from its physical address.
 */
static inline bool lab_is_module_text(unsigned long ip)
{
	const struct page *page;

	if (ip < MODULES_VADDR || ip >= VMALLOC_END)
		return false;
	page = vmalloc_to_page((const void *)ip);
	return !page || page_to_phys(page) != (ip & PAGE_MASK) - kimage_voffset;
}
#elif defined(MODULES_VADDR) && !defined(CONFIG_S390) && !defined(CONFIG_RISCV)
static inline bool lab_is_module_text(unsigned long ip)
{
	return ip >= MODULES_VADDR && ip < MODULES_END;
}
#else
static inline bool lab_is_module_text(unsigned long ip)
{
	return is_vmalloc_addr((void *)ip);
}
#endif

/* An mmap_prepare may hand a driver's wish to the core in a single structure. */
#ifdef LAB_HAS_MAP_KERNEL_PAGES
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

#endif /* LAB_PROBED */

#endif /* LABYRINTH_COMPAT_H */
