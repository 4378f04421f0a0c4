// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of hooked core functions: how the arguments of each function name pages, and the
 * value that a refused call returns. No state but the table.
 *
 * Some of the functions call one another. All are hooked. The hook of the outermost function
 * judges the whole range before the first page is mapped. The hooks of the inner functions
 * judge again, since only the compiler knows whether a call is left there.
 *
 * The finders run in any context and call no hooked function. A finder reads an array in the
 * arguments only where the core would: if the core rejects the number of entries before reading
 * any, so does the finder. The finder survives a fault, since the core may still fail (for lack
 * of memory or address space, say) in front of an array that is shorter than the caller says. A
 * structure that the core reads in any case is read plainly.
 */
#include <linux/bvec.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/scatterlist.h>
#include <linux/splice.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "guard/direct.h"
#include "guard/find.h"
#include "guard/hook.h"
#include "hook/stubs.h"
#include "map/core.h"
#include "report/site.h"

/* In some kernels' pfn_t the bits above any frame number are flags. */
#define PFN_ONLY	GENMASK(BITS_PER_LONG - PAGE_SHIFT - 1, 0)

/* How many words of an array are read at a time. */
#define CHUNK		16

/* No more pages can be mapped into the kernel's own address space. */
#define VMALLOC_PAGES	((VMALLOC_END - VMALLOC_START) >> PAGE_SHIFT)

static lab_tag_t find_pfn(unsigned long pfn)
{
	return lab_guard_find_among(pfn, 1, false);
}

static lab_tag_t find_page(const struct page *page)
{
	return find_pfn(page_to_pfn(page));
}

static lab_tag_t find_range(unsigned long pfn, unsigned long nr)
{
	return lab_guard_find_among(pfn, nr, false);
}

/*
 * For functions that map into a process by frame number. Such a mapping has no reference and
 * leaves no trace in struct page, so the mapping would outlive a loan unnoticed:
 * labyrinth_reclaim() would return 0 while the process goes on writing to the page. Hence LENT
 * pages are refused here too.
 */
static lab_tag_t find_frames(unsigned long pfn, unsigned long nr)
{
	return lab_guard_find_among(pfn, nr, true);
}

/* The words of an array that name pages. */
enum word_kind {
	WORD_PFN,
	WORD_PAGE,
	/* Of pages whose references are given back. */
	WORD_PAGE_GIVEN,
	WORD_ADDRESS_GIVEN
};

static lab_tag_t find_word(unsigned long word, enum word_kind kind)
{
	switch (kind) {
	case WORD_PFN:
		return find_pfn(word);
	case WORD_PAGE:
		return word ? find_page((struct page *)word) : 0;
	case WORD_PAGE_GIVEN:
		return word ? lab_guard_find_given(page_to_pfn((struct page *)word)) : 0;
	case WORD_ADDRESS_GIVEN:
		break;
	}
	return virt_addr_valid((void *)word) ? lab_guard_find_given(PHYS_PFN(__pa(word))) : 0;
}

/*
 * Looks up @nr words of @kind. Ends at a word that cannot be read: the core will
 * fail before that word, or fault there.
 */
static lab_tag_t find_words(const void *array, unsigned long nr, enum word_kind kind)
{
	const unsigned long *next = array;
	unsigned long words[CHUNK];
	lab_tag_t tag = 0;

	while (nr && !tag) {
		/* Not beyond the page with the next word, which may be the last word. */
		unsigned long left = (PAGE_SIZE - offset_in_page(next)) / sizeof(*next);
		unsigned long i, now = min3(nr, max(left, 1UL), (unsigned long)CHUNK);

		if (copy_from_kernel_nofault(words, next, now * sizeof(*next)))
			return 0;
		for (i = 0; i < now && !tag; i++)
			tag = find_word(words[i], kind);
		next += now;
		nr -= now;
	}
	return tag;
}

static lab_tag_t find_pages(struct page **pages, unsigned long nr)
{
	return find_words(pages, nr, WORD_PAGE);
}

/* Likewise, but for pages that the core may map for @dev. */
static lab_tag_t find_bytes_for(const struct device *dev, phys_addr_t start, size_t size)
{
	lab_tag_t tag = lab_guard_find_bytes(start, size);
	unsigned long pfn = PHYS_PFN(start), end = PHYS_PFN(start + size - 1);

	if (likely(!tag) || !lab_core_serves(dev, tag))
		return tag;
	for (tag = 0; pfn <= end && !tag; pfn++) {
		tag = find_pfn(pfn);
		if (tag && lab_core_serves(dev, tag))
			tag = 0;
	}
	return tag;
}

/* The first tag among @nents entries, or up to the end mark of the list. */
static lab_tag_t find_sg(const struct device *dev, struct scatterlist *list, unsigned int nents)
{
	struct scatterlist *sg;
	lab_tag_t tag = 0;

	for (sg = list; sg && nents-- && !tag; sg = sg_next(sg))
		tag = find_bytes_for(dev, page_to_phys(sg_page(sg)) + sg->offset,
				     sg->length);
	return tag;
}

/* Without a mask the core maps nothing, and reads no list. */
static bool can_do_dma(const struct device *dev)
{
	return dev->dma_mask;
}

/* Argument @n of the call, counted as in the function's prototype. */
static unsigned long arg(struct ftrace_regs *regs, unsigned int n)
{
	return lab_ftrace_arg(regs, n);
}

static void *arg_ptr(struct ftrace_regs *regs, unsigned int n)
{
	return (void *)arg(regs, n);
}

/* The frame number of a page, or of a folio's first page. */
static unsigned long arg_pfn(struct ftrace_regs *regs, unsigned int n)
{
	struct page *page = arg_ptr(regs, n);

	return page_to_pfn(page);
}

/* (vma, addr, page) */
static lab_tag_t find_insert_page(struct ftrace_regs *regs)
{
	return find_pfn(arg_pfn(regs, 2));
}

/* The pages for the mapping from @addr on, unless the mapping has no room for @nr pages. */
static lab_tag_t find_for(const struct vm_area_struct *vma, unsigned long addr,
			  struct page **pages, unsigned long nr)
{
	if (addr < vma->vm_start || addr >= vma->vm_end ||
	    nr > (vma->vm_end - addr) >> PAGE_SHIFT)
		return 0;
	return find_pages(pages, nr);
}

/* (vma, addr, pages, &nr) */
static lab_tag_t find_insert_pages(struct ftrace_regs *regs)
{
	const unsigned long *nr = arg_ptr(regs, 3);

	return find_for(arg_ptr(regs, 0), arg(regs, 1), arg_ptr(regs, 2), *nr);
}

/* Of @nr pages, from @first on, as many as the mapping has; none if there are too few. */
static lab_tag_t find_window(struct vm_area_struct *vma,
			     struct page **pages, unsigned long nr,
			     unsigned long first)
{
	if (first >= nr || vma_pages(vma) > nr - first)
		return 0;
	return find_pages(pages + first, vma_pages(vma));
}

/* (vma, pages, nr): from the mapping's offset on. */
static lab_tag_t find_map_pages(struct ftrace_regs *regs)
{
	struct vm_area_struct *vma = arg_ptr(regs, 0);

	return find_window(vma, arg_ptr(regs, 1), arg(regs, 2), vma->vm_pgoff);
}

/* (vma, pages, nr) */
static lab_tag_t find_map_pages_zero(struct ftrace_regs *regs)
{
	return find_window(arg_ptr(regs, 0), arg_ptr(regs, 1), arg(regs, 2), 0);
}

/* (vma, action) */
static lab_tag_t find_map_kernel(struct ftrace_regs *regs)
{
	const struct lab_mmap_action *action = arg_ptr(regs, 1);

	return find_for(arg_ptr(regs, 0), action->map_kernel.start,
			action->map_kernel.pages, action->map_kernel.nr_pages);
}

/* (vma, addr, pfn, size, prot) */
static lab_tag_t find_remap(struct ftrace_regs *regs)
{
	return find_frames(arg(regs, 2), PFN_UP(arg(regs, 3)));
}

/* (vma, action) */
static lab_tag_t find_remap_action(struct ftrace_regs *regs)
{
	const struct lab_mmap_action *action = arg_ptr(regs, 1);

	return find_frames(action->remap.start_pfn, PFN_UP(action->remap.size));
}

/*
 * (vma, start, len): as many pages as the mapping has, from the mapping's offset on. The user
 * chose size and offset: the core refuses pages beyond @len, so these are not looked up.
 */
static lab_tag_t find_iomap(struct ftrace_regs *regs)
{
	struct vm_area_struct *vma = arg_ptr(regs, 0);
	unsigned long start = arg(regs, 1), len = arg(regs, 2);
	unsigned long pages = PFN_UP(offset_in_page(start) + len);

	if (start + len < start || vma->vm_pgoff > pages ||
	    vma_pages(vma) > pages - vma->vm_pgoff)
		return 0;
	return find_frames(PHYS_PFN(start) + vma->vm_pgoff, vma_pages(vma));
}

/* (vma, addr, pfn) and (vma, addr, pfn_t) */
static lab_tag_t find_insert_pfn(struct ftrace_regs *regs)
{
	return find_frames(arg(regs, 2) & PFN_ONLY, 1);
}

/* (vmf, page) */
static lab_tag_t find_fault_insert(struct ftrace_regs *regs)
{
	return find_pfn(arg_pfn(regs, 1));
}

static lab_tag_t find_huge_frames(unsigned long pfn, unsigned long nr)
{
	return find_frames(ALIGN_DOWN(pfn, nr), nr);
}

static lab_tag_t find_huge_folio(unsigned long pfn, unsigned long nr)
{
	return find_range(ALIGN_DOWN(pfn, nr), nr);
}

/* (vmf, pfn) and (vmf, pfn_t) */
static lab_tag_t find_pmd(struct ftrace_regs *regs)
{
	return find_huge_frames(arg(regs, 1) & PFN_ONLY, PFN_DOWN(PMD_SIZE));
}

static lab_tag_t find_pud(struct ftrace_regs *regs)
{
	return find_huge_frames(arg(regs, 1) & PFN_ONLY, PFN_DOWN(PUD_SIZE));
}

/* (vmf, folio) */
static lab_tag_t find_folio_pmd(struct ftrace_regs *regs)
{
	return find_huge_folio(arg_pfn(regs, 1), PFN_DOWN(PMD_SIZE));
}

static lab_tag_t find_folio_pud(struct ftrace_regs *regs)
{
	return find_huge_folio(arg_pfn(regs, 1), PFN_DOWN(PUD_SIZE));
}

/*
 * (vmf): the page that the driver's fault handler left in vmf->page. For a private mapping the
 * core has made a copy by now, which a refusal throws away.
 */
static lab_tag_t find_fault(struct ftrace_regs *regs)
{
	const struct vm_fault *vmf = arg_ptr(regs, 0);

	return vmf->page ? find_page(vmf->page) : 0;
}

/* (vma, ...), in an mmap(): the driver's, if the driver's mmap() ends in the call. */
static unsigned long by_mmap(struct ftrace_regs *regs, unsigned long ip)
{
	return lab_site_of_mmap(arg_ptr(regs, 0), ip);
}

/* (vma, ...), in a fault. */
static unsigned long by_fault(struct ftrace_regs *regs, unsigned long ip)
{
	return lab_site_of_fault(arg_ptr(regs, 0), ip, false);
}

/* (vmf, ...). Of finish_fault() too: the core has called on behalf of the driver. */
static unsigned long by_vmf(struct ftrace_regs *regs, unsigned long ip)
{
	const struct vm_fault *vmf = arg_ptr(regs, 0);

	return lab_site_of_fault(vmf->vma, ip, false);
}

static unsigned long by_huge_vmf(struct ftrace_regs *regs, unsigned long ip)
{
	const struct vm_fault *vmf = arg_ptr(regs, 0);

	return lab_site_of_fault(vmf->vma, ip, true);
}

/* (pages, nr): if @nr is more than the machine's memory, the core reads no page. */
static lab_tag_t find_vmap(struct ftrace_regs *regs)
{
	unsigned int nr = arg(regs, 1);

	return nr > totalram_pages() ? 0 : find_pages(arg_ptr(regs, 0), nr);
}

/* (pages, nr) */
static lab_tag_t find_map_ram(struct ftrace_regs *regs)
{
	unsigned int nr = arg(regs, 1);

	return nr > VMALLOC_PAGES ? 0 : find_pages(arg_ptr(regs, 0), nr);
}

/* (pfns, nr) */
static lab_tag_t find_vmap_pfn(struct ftrace_regs *regs)
{
	unsigned int nr = arg(regs, 1);

	return nr > VMALLOC_PAGES ? 0 : find_words(arg_ptr(regs, 0), nr, WORD_PFN);
}

/* (dev, page, offset, size) */
static lab_tag_t find_dma_page(struct ftrace_regs *regs)
{
	return lab_guard_find_bytes(PFN_PHYS(arg_pfn(regs, 1)) + arg(regs, 2),
				    arg(regs, 3));
}

/* (dev, phys, size) */
static lab_tag_t find_dma_phys(struct ftrace_regs *regs)
{
	return lab_guard_find_bytes(arg(regs, 1), arg(regs, 2));
}

/* (dev, sg, nents) */
static lab_tag_t find_dma_sg(struct ftrace_regs *regs)
{
	if (!can_do_dma(arg_ptr(regs, 0)))
		return 0;
	return find_sg(arg_ptr(regs, 0), arg_ptr(regs, 1), (unsigned int)arg(regs, 2));
}

/* (dev, sgt) */
static lab_tag_t find_dma_sgtable(struct ftrace_regs *regs)
{
	const struct sg_table *sgt = arg_ptr(regs, 1);

	if (!can_do_dma(arg_ptr(regs, 0)))
		return 0;
	return find_sg(arg_ptr(regs, 0), sgt->sgl, sgt->orig_nents);
}

static bool is_in_a_page(phys_addr_t start, size_t size)
{
	return size <= PAGE_SIZE - offset_in_page(start);
}

/* (dev, page, offset, size) */
static bool serves_page(struct ftrace_regs *regs, lab_tag_t tag)
{
	return lab_core_serves(arg_ptr(regs, 0), tag) &&
	       is_in_a_page(arg(regs, 2), arg(regs, 3));
}

/* (dev, phys, size) */
static bool serves_phys(struct ftrace_regs *regs, lab_tag_t tag)
{
	return lab_core_serves(arg_ptr(regs, 0), tag) &&
	       is_in_a_page(arg(regs, 1), arg(regs, 2));
}

/*
 * (dev, address for the device): the address names no page. Any tag will do, of a device of an
 * owner's: lab_core_unmap() looks.
 */
static lab_tag_t find_unmap(struct ftrace_regs *regs)
{
	return lab_core_knows(arg_ptr(regs, 0)) ? LAB_PFN_MASK : 0;
}

/* (dev, state, phys, offset, size): the offset is into the I/O addresses. */
static lab_tag_t find_dma_link(struct ftrace_regs *regs)
{
	return lab_guard_find_bytes(arg(regs, 2), arg(regs, 4));
}

/* (addr, nr): addresses of the direct map. */
static lab_tag_t find_set_memory(struct ftrace_regs *regs)
{
	void *addr = arg_ptr(regs, 0);
	int nr = arg(regs, 1);

	return nr > 0 && virt_addr_valid(addr) ?
		find_range(PHYS_PFN(__pa(addr)), nr) : 0;
}

/* (page, nr) */
static lab_tag_t find_set_pages(struct ftrace_regs *regs)
{
	int nr = arg(regs, 1);

	return nr > 0 ? find_range(arg_pfn(regs, 0), nr) : 0;
}

/* (pages, nr) */
static lab_tag_t find_set_array(struct ftrace_regs *regs)
{
	int nr = arg(regs, 1);

	return nr > 0 ? find_pages(arg_ptr(regs, 0), nr) : 0;
}

/* (mapping, folio, index, gfp) */
static lab_tag_t find_add_folio(struct ftrace_regs *regs)
{
	return find_pfn(arg_pfn(regs, 1));
}

/* (pipe, description) */
static lab_tag_t find_pipe(struct ftrace_regs *regs)
{
	const struct splice_pipe_desc *spd = arg_ptr(regs, 1);

	return find_pages(spd->pages, max(spd->nr_pages, 0));
}

/* (socket, page, offset, size, flags) */
static lab_tag_t find_send_page(struct ftrace_regs *regs)
{
	return lab_guard_find_bytes(PFN_PHYS(arg_pfn(regs, 1)) + (int)arg(regs, 2),
				    arg(regs, 3));
}

/* (skb, iter, size): the pages of the first @size bytes, if the iterator is over pages. */
static lab_tag_t find_send_iter(struct ftrace_regs *regs)
{
	const struct iov_iter *iter = arg_ptr(regs, 1);
	size_t left = min_t(size_t, iter->count, arg(regs, 2)) + iter->iov_offset;
	const struct bio_vec *bvec;
	lab_tag_t tag = 0;

	if (!iov_iter_is_bvec(iter))
		return 0;
	for (bvec = iter->bvec; left && !tag; bvec++) {
		size_t now = min_t(size_t, left, bvec->bv_len);

		tag = lab_guard_find_bytes(page_to_phys(bvec->bv_page) + bvec->bv_offset, now);
		left -= now;
	}
	return tag;
}

/* (page, order): blocks only, since the tracepoint's hook looks at single pages. */
static lab_tag_t find_free_pages(struct ftrace_regs *regs)
{
	unsigned int order = arg(regs, 1);

	return order ? lab_guard_find_block(arg_ptr(regs, 0), order) : 0;
}

/* (addr, order) */
static lab_tag_t find_free_address(struct ftrace_regs *regs)
{
	unsigned long addr = arg(regs, 0);
	unsigned int order = arg(regs, 1);

	return order && addr ? lab_guard_find_block(virt_to_page((void *)addr), order) : 0;
}

/*
 * (page): who unpins drops 1,024 references at once, so the count falls below 0 and the page
 * allocator, with its tracepoint, is never asked. A borrower may have pinned the page.
 */
static lab_tag_t find_unpin(struct ftrace_regs *regs)
{
	return lab_guard_find_given(arg_pfn(regs, 0));
}

/* (pages, nr): if @nr is an errno, the core reads no page. */
static lab_tag_t find_unpin_pages(struct ftrace_regs *regs)
{
	unsigned long nr = arg(regs, 1);

	return IS_ERR_VALUE(nr) ? 0 : find_words(arg_ptr(regs, 0), nr, WORD_PAGE_GIVEN);
}

/* (page, nr) */
static lab_tag_t find_unpin_range(struct ftrace_regs *regs)
{
	unsigned long i, pfn = arg_pfn(regs, 0), nr = arg(regs, 1);
	lab_tag_t tag = 0;

	if (likely(!find_range(pfn, nr)))
		return 0;
	for (i = 0; i < nr && !tag; i++)
		tag = lab_guard_find_given(pfn + i);
	return tag;
}

/*
 * (pool, page): a pool keeps a page that has one reference, as a hunted page has, and asks the page
 * allocator nothing. A page that is lent has more, of which the pool drops the borrower's.
 */
static lab_tag_t find_pool_put(struct ftrace_regs *regs)
{
	return lab_guard_find_given(arg_pfn(regs, 1));
}

/* (pool, addresses, nr) */
static lab_tag_t find_pool_bulk(struct ftrace_regs *regs)
{
	int nr = arg(regs, 2);

	return nr > 0 ? find_words(arg_ptr(regs, 1), nr, WORD_ADDRESS_GIVEN) : 0;
}

/* (pfn, nr) */
static lab_tag_t find_free_range(struct ftrace_regs *regs)
{
	return lab_guard_find_tagged(arg(regs, 0), arg(regs, 1));
}

/*
 * The functions' addresses. Weak, so a function that this kernel does not export is NULL. The
 * names here differ from the functions' names, since prototypes differ between kernels, and
 * must not clash.
 */
#define CORE(fn)	extern const char core_##fn[] __asm__(#fn) __weak

CORE(vm_insert_page);
CORE(vm_insert_pages);
CORE(vm_map_pages);
CORE(vm_map_pages_zero);
CORE(map_kernel_pages_complete);
CORE(remap_pfn_range);
CORE(vm_iomap_memory);
CORE(vmf_insert_page_mkwrite);
CORE(vmf_insert_pfn);
CORE(vmf_insert_pfn_prot);
CORE(vmf_insert_mixed);
CORE(vmf_insert_mixed_prot);
CORE(vmf_insert_mixed_mkwrite);
CORE(vmf_insert_pfn_pmd);
CORE(vmf_insert_pfn_pmd_prot);
CORE(vmf_insert_pfn_pud);
CORE(vmf_insert_pfn_pud_prot);
CORE(vmf_insert_folio_pmd);
CORE(vmf_insert_folio_pud);
CORE(vmap);
CORE(vm_map_ram);
CORE(vmap_pfn);
CORE(dma_map_page_attrs);
CORE(dma_map_phys);
CORE(dma_unmap_page_attrs);
CORE(dma_unmap_phys);
CORE(dma_map_resource);
CORE(dma_map_sg_attrs);
CORE(dma_map_sgtable);
CORE(dma_iova_link);
CORE(set_memory_uc);
CORE(set_memory_wc);
CORE(set_pages_uc);
CORE(set_pages_array_uc);
CORE(set_pages_array_wc);
CORE(filemap_add_folio);
CORE(splice_to_pipe);
CORE(kernel_sendpage);
CORE(skb_splice_from_iter);
CORE(__free_pages);
CORE(free_pages);
CORE(free_contig_range);
CORE(free_contig_frozen_range);
CORE(free_reserved_pages);
CORE(unpin_user_page);
CORE(unpin_user_pages);
CORE(unpin_user_pages_dirty_lock);
CORE(unpin_user_page_range_dirty_lock);
CORE(unpin_user_folio);
CORE(unpin_folio);
CORE(unpin_folios);
CORE(page_pool_put_defragged_page);
CORE(page_pool_put_page_bulk);

/* Numbers in hook/stubs.S and hook/stubs_arm64.S. */
static_assert((__force unsigned long)VM_FAULT_SIGBUS == 2);
static_assert((long)DMA_MAPPING_ERROR == -1);

/* An exported function; behind what each hook has, what only some have. */
#define HOOK(fn, cls, how, ret, ...) {					\
	.name = #fn,							\
	.addr = (unsigned long)core_##fn,				\
	.class = LAB_HOOK_##cls,					\
	.find = how,							\
	.refusal = (unsigned long)ret,					\
	__VA_ARGS__							\
}

#define FREE_HOOK(fn, how, ...)						\
	HOOK(fn, FREE, how, lab_return_zero,				\
	     .offender = lab_offender_of_free, __VA_ARGS__)

/*
 * Most frees are of single pages, for which a callback by ftrace would cost too much on these
 * two functions. So the functions call the block hook directly, where possible.
 */
#define BLOCK_HOOK(fn, how, name, who)					\
	FREE_HOOK(fn, how, LAB_DIRECT(name, true, who))

/* The frames' structures stand in one array, in steps of 64 bytes. */
#define KNOWS_FRAMES							\
	(IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) && sizeof(struct page) == 64)

/* Each page of a page_pool comes here when it comes back. */
#define POOL_HOOK(fn, how, name)					\
	FREE_HOOK(fn, how, LAB_DIRECT(name, KNOWS_FRAMES, lab_##name##_hook))

/*
 * Nearly all mappings for DMA come here. @can: whether the stub knows this kernel's frames. The
 * core may map a page on behalf of the page's owner.
 */
#define DMA_HOOK(fn, how, name, can, by, instead)			\
	HOOK(fn, DMA, how, lab_return_no_dma,				\
	     LAB_DIRECT(name, can, lab_##name##_hook),			\
	     .serves = by, .serve = (unsigned long)(instead))

/* The core then unmaps the page. */
#define UNMAP_HOOK(fn, name)						\
	HOOK(fn, DMA, find_unmap, 0,					\
	     LAB_DIRECT(name, true, lab_##name##_hook),			\
	     .unmaps = true, .serve = (unsigned long)lab_core_unmap)

#define MAP_HOOK(fn, how)						\
	HOOK(fn, MAP, how, lab_return_eperm, .offender = by_mmap)

#define FAULT_HOOK(fn, how, who)					\
	HOOK(fn, FAULT, how, lab_return_sigbus, .offender = who)

/* A function that is not exported, where the kernel has it. */
#define NAMED_HOOK(fn, is_there, cls, how, ret, ...) {			\
	.name = #fn,							\
	.by_name = is_there,						\
	.class = LAB_HOOK_##cls,					\
	.find = how,							\
	.refusal = (unsigned long)ret,					\
	__VA_ARGS__							\
}

struct lab_hook lab_hooks[] = {
	BLOCK_HOOK(__free_pages, find_free_pages, free_pages, lab_rawfree_pages),
	BLOCK_HOOK(free_pages, find_free_address, free_address, lab_rawfree_address),
	FREE_HOOK(free_contig_range, find_free_range),
	FREE_HOOK(free_contig_frozen_range, find_free_range),
	FREE_HOOK(free_reserved_pages, find_free_pages),
	FREE_HOOK(unpin_user_page, find_unpin),
	FREE_HOOK(unpin_user_pages, find_unpin_pages),
	FREE_HOOK(unpin_user_pages_dirty_lock, find_unpin_pages),
	FREE_HOOK(unpin_user_page_range_dirty_lock, find_unpin_range),
	FREE_HOOK(unpin_user_folio, find_unpin),
	FREE_HOOK(unpin_folio, find_unpin),
	FREE_HOOK(unpin_folios, find_unpin_pages),
	/* Newer kernels' pools count the parts of a page, and warn of a page without a count. */
	POOL_HOOK(page_pool_put_defragged_page, find_pool_put, pool_put),
	FREE_HOOK(page_pool_put_page_bulk, find_pool_bulk),

	MAP_HOOK(vm_insert_page, find_insert_page),
	MAP_HOOK(vm_insert_pages, find_insert_pages),
	MAP_HOOK(vm_map_pages, find_map_pages),
	MAP_HOOK(vm_map_pages_zero, find_map_pages_zero),
	MAP_HOOK(map_kernel_pages_complete, find_map_kernel),
	MAP_HOOK(remap_pfn_range, find_remap),
	NAMED_HOOK(remap_pfn_range_complete, LAB_HAS_MMAP_ACTION, MAP, find_remap_action,
		   lab_return_eperm, .offender = by_mmap),
	MAP_HOOK(vm_iomap_memory, find_iomap),

	FAULT_HOOK(vmf_insert_page_mkwrite, find_fault_insert, by_vmf),
	FAULT_HOOK(vmf_insert_pfn, find_insert_pfn, by_fault),
	FAULT_HOOK(vmf_insert_pfn_prot, find_insert_pfn, by_fault),
	FAULT_HOOK(vmf_insert_mixed, find_insert_pfn, by_fault),
	FAULT_HOOK(vmf_insert_mixed_prot, find_insert_pfn, by_fault),
	FAULT_HOOK(vmf_insert_mixed_mkwrite, find_insert_pfn, by_fault),
	FAULT_HOOK(vmf_insert_pfn_pmd, find_pmd, by_huge_vmf),
	FAULT_HOOK(vmf_insert_pfn_pmd_prot, find_pmd, by_huge_vmf),
	FAULT_HOOK(vmf_insert_pfn_pud, find_pud, by_huge_vmf),
	FAULT_HOOK(vmf_insert_pfn_pud_prot, find_pud, by_huge_vmf),
	FAULT_HOOK(vmf_insert_folio_pmd, find_folio_pmd, by_huge_vmf),
	FAULT_HOOK(vmf_insert_folio_pud, find_folio_pud, by_huge_vmf),
	NAMED_HOOK(finish_fault, true, FAULT, find_fault, lab_return_sigbus,
		   .offender = by_vmf, .spend = true),

	HOOK(vmap, VMAP, find_vmap, lab_return_zero),
	HOOK(vm_map_ram, VMAP, find_map_ram, lab_return_zero),
	HOOK(vmap_pfn, VMAP, find_vmap_pfn, lab_return_zero),
	HOOK(set_memory_uc, VMAP, find_set_memory, lab_return_eperm),
	HOOK(set_memory_wc, VMAP, find_set_memory, lab_return_eperm),
	HOOK(set_pages_uc, VMAP, find_set_pages, lab_return_eperm),
	HOOK(set_pages_array_uc, VMAP, find_set_array, lab_return_eperm),
	HOOK(set_pages_array_wc, VMAP, find_set_array, lab_return_eperm),

	DMA_HOOK(dma_map_page_attrs, find_dma_page, dma_page, true, serves_page,
		 lab_core_map_page),
	DMA_HOOK(dma_map_phys, find_dma_phys, dma_phys, KNOWS_FRAMES, serves_phys,
		 lab_core_map_phys),
	UNMAP_HOOK(dma_unmap_page_attrs, dma_unmap_page),
	UNMAP_HOOK(dma_unmap_phys, dma_unmap_phys),
	HOOK(dma_map_resource, DMA, find_dma_phys, lab_return_no_dma),
	HOOK(dma_map_sg_attrs, DMA, find_dma_sg, lab_return_zero),
	HOOK(dma_map_sgtable, DMA, find_dma_sgtable, lab_return_eperm),
	HOOK(dma_iova_link, DMA, find_dma_link, lab_return_eperm),

	HOOK(filemap_add_folio, FILE, find_add_folio, lab_return_eperm),
	HOOK(kernel_sendpage, FILE, find_send_page, lab_return_eperm),
	HOOK(skb_splice_from_iter, FILE, find_send_iter, lab_return_eperm),
	/*
	 * splice_to_pipe() drops the references of pages that the pipe does not take. A
	 * refused call would leak these.
	 */
	HOOK(splice_to_pipe, FILE, find_pipe, 0, .notice = true),

	{
		.name = "mm_page_free",
		.tracepoint = true,
		.class = LAB_HOOK_FREE,
	},
};
EXPORT_SYMBOL_FOR_LAB_TEST(lab_hooks);

const unsigned int lab_nr_hooks = ARRAY_SIZE(lab_hooks);
EXPORT_SYMBOL_FOR_LAB_TEST(lab_nr_hooks);
