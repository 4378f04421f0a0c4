// SPDX-License-Identifier: GPL-2.0-only
/*
 * Foreign code, written without Labyrinth's header: tries every way by which a module can reach
 * another module's page, by the page's frame number.
 *
 * A line "word pfn" is written to /dev/labyrinth_intruder. A word of the kernel's side is done at
 * once, and the write returns the word's errno; a mapping that the word makes is read and unmapped
 * again. A word of the user's side is done by the next mmap() of the same file, or by the page
 * fault after that. Words ending in -range offer pages of our own beside the page in question.
 *
 * Results without an errno get an errno: NULL is -ENOMEM, no DMA address -EIO.
 */
#define pr_fmt(fmt) "labyrinth_intruder: " fmt

#include <linux/cpu.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pfn.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/timex.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

/*
 * Of Labyrinth's, only the names for interfaces that differ between kernels, and the words of a
 * page that do_put_page_flag() destroys.
 */
#include "../../inline/frame.h"
#include "../../labyrinth_compat.h"
#include LAB_PFN_T_H
#if IS_ENABLED(CONFIG_PAGE_POOL)
#include LAB_PAGE_POOL_H
#endif

#define PATTERN		0x5a
#define NR_PAGES	3	/* in a range: ours, the page in question, ours */
#define BLOCK_ORDER	1
#define NR_WALK		16

#define BENCH_ROUNDS	20
#define BENCH_OPS	100

struct attempt {
	const struct way *way;
	unsigned long pfn;
	struct page *page;
	struct page *pages[NR_PAGES];
};

struct way {
	const char *word;
	int (*now)(struct attempt *try);
	int (*mmap)(struct attempt *try, struct vm_area_struct *vma);
	vm_fault_t (*fault)(struct attempt *try, struct vm_fault *vmf);
	unsigned long flags;		/* of the mapping that faults */
};

static struct platform_device *pdev;
static struct page *own[NR_PAGES];

/*
 * Two pages that were allocated as a block. Labyrinth gets a page of the two; the other page is
 * ours, whatever becomes of the block.
 */
static unsigned long block;
module_param(block, ulong, 0444);
MODULE_PARM_DESC(block, "The first page's frame number, once block-make has been asked");

/* Into the kernel. */

static int use_and_vunmap(void *addr, void (*unmap)(const void *addr))
{
	if (!addr)
		return -ENOMEM;
	READ_ONCE(*(char *)addr);
	unmap(addr);
	return 0;
}

static int do_vmap(struct attempt *try)
{
	return use_and_vunmap(vmap(&try->page, 1, VM_MAP, PAGE_KERNEL), vunmap);
}

static int do_vmap_range(struct attempt *try)
{
	return use_and_vunmap(vmap(try->pages, NR_PAGES, VM_MAP, PAGE_KERNEL),
			      vunmap);
}

static int do_vm_map_ram(struct attempt *try)
{
	void *addr = vm_map_ram(&try->page, 1, NUMA_NO_NODE);

	if (!addr)
		return -ENOMEM;
	READ_ONCE(*(char *)addr);
	vm_unmap_ram(addr, 1);
	return 0;
}

static int do_vmap_pfn(struct attempt *try)
{
	if (!IS_ENABLED(CONFIG_VMAP_PFN))
		return -EOPNOTSUPP;
	return use_and_vunmap(vmap_pfn(&try->pfn, 1, PAGE_KERNEL), vunmap);
}

static int do_ioremap_page(struct attempt *try)
{
	void __iomem *addr = ioremap(PFN_PHYS(try->pfn), PAGE_SIZE);

	if (!addr)
		return -ENOMEM;
	iounmap(addr);
	return 0;
}

/* Of memory, this is the direct map by another name. */
static int do_memremap(struct attempt *try)
{
	void *addr = memremap(PFN_PHYS(try->pfn), PAGE_SIZE, MEMREMAP_WB);

	if (!addr)
		return -ENOMEM;
	memunmap(addr);
	return addr == page_address(try->page) ? 0 : -EUCLEAN;
}

/* To a device. */

static int unmap_dma(dma_addr_t dma)
{
	if (dma_mapping_error(&pdev->dev, dma))
		return -EIO;
	dma_unmap_page(&pdev->dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	return 0;
}

static int do_dma_map_page(struct attempt *try)
{
	return unmap_dma(dma_map_page(&pdev->dev, try->page, 0, PAGE_SIZE,
				      DMA_BIDIRECTIONAL));
}

static int do_dma_map_single(struct attempt *try)
{
	return unmap_dma(dma_map_single(&pdev->dev, page_address(try->page),
					PAGE_SIZE, DMA_BIDIRECTIONAL));
}

/* From the page before into the page in question. */
static int do_dma_map_page_range(struct attempt *try)
{
	struct page *before = pfn_to_page(try->pfn - 1);

	return unmap_dma(dma_map_page(&pdev->dev, before, PAGE_SIZE - 64, 128,
				      DMA_BIDIRECTIONAL));
}

/* So many pages that a small table is walked instead. */
static int do_dma_map_page_walk(struct attempt *try)
{
	struct page *first = pfn_to_page(try->pfn - NR_WALK / 2);

	return unmap_dma(dma_map_page(&pdev->dev, first, 0, NR_WALK * PAGE_SIZE,
				      DMA_BIDIRECTIONAL));
}

static int do_dma_map_resource(struct attempt *try)
{
	dma_addr_t dma = dma_map_resource(&pdev->dev, PFN_PHYS(try->pfn),
					  PAGE_SIZE, DMA_BIDIRECTIONAL, 0);

	if (dma_mapping_error(&pdev->dev, dma))
		return -EIO;
	dma_unmap_resource(&pdev->dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
	return 0;
}

static void make_sg(struct scatterlist *sg, struct attempt *try)
{
	int i;

	sg_init_table(sg, NR_PAGES);
	for (i = 0; i < NR_PAGES; i++)
		sg_set_page(&sg[i], try->pages[i], PAGE_SIZE, 0);
}

static int do_dma_map_sg(struct attempt *try)
{
	struct scatterlist sg[NR_PAGES];

	make_sg(sg, try);
	if (!dma_map_sg(&pdev->dev, sg, NR_PAGES, DMA_BIDIRECTIONAL))
		return -EIO;
	dma_unmap_sg(&pdev->dev, sg, NR_PAGES, DMA_BIDIRECTIONAL);
	return 0;
}

static int do_dma_map_sgtable(struct attempt *try)
{
	struct scatterlist sg[NR_PAGES];
	struct sg_table table = {
		.sgl = sg, .nents = NR_PAGES, .orig_nents = NR_PAGES,
	};
	int err;

	make_sg(sg, try);
	err = dma_map_sgtable(&pdev->dev, &table, DMA_BIDIRECTIONAL, 0);
	if (!err)
		dma_unmap_sgtable(&pdev->dev, &table, DMA_BIDIRECTIONAL, 0);
	return err;
}

/* Out of the owner's hands. */

static int do_free_page(struct attempt *try)
{
	__free_page(try->page);
	return 0;
}

/* Puts every reference, though this module has none: the last put frees the page. */
static int do_put_page_away(struct attempt *try)
{
	while (page_ref_count(try->page) > 1)
		put_page(try->page);
	put_page(try->page);
	return 0;
}

/* As do_put_page_away(), with Labyrinth's flag alone left of the words that tell a page. */
static int do_put_page_flag(struct attempt *try)
{
	struct lab_frame *frame = lab_frame(try->page);

	lab_frame_clear_type(frame);
	WRITE_ONCE(frame->seal, (unsigned long)LIST_POISON2);
	return do_put_page_away(try);
}

/* Likewise, with the seal. */
static int do_put_page_seal(struct attempt *try)
{
	struct lab_frame *frame = lab_frame(try->page);

	lab_frame_clear_type(frame);
	clear_bit(PG_owner_priv_1, &frame->flags);
	return do_put_page_away(try);
}

/* The last reference goes by way of a list, as a user of the page cache drops references. */
static int do_release_pages_away(struct attempt *try)
{
	while (page_ref_count(try->page) > 1)
		put_page(try->page);
	release_pages(&try->page, 1);
	return 0;
}

static int do_put_page(struct attempt *try)
{
	put_page(try->page);
	return 0;
}

/* Of a page that this module has not pinned. */
static int do_unpin_page(struct attempt *try)
{
	unpin_user_page(try->page);
	return 0;
}

static int do_unpin_pages(struct attempt *try)
{
	unpin_user_pages(&try->page, 1);
	return 0;
}

static int do_unpin_range(struct attempt *try)
{
	unpin_user_page_range_dirty_lock(try->page, 1, false);
	return 0;
}

/* As pin_user_pages() pins. */
static int do_pin_unpin(struct attempt *try)
{
	page_ref_add(try->page, GUP_PIN_COUNTING_BIAS);
	unpin_user_page(try->page);
	return 0;
}

static int do_pin_unpin_pages(struct attempt *try)
{
	page_ref_add(try->page, GUP_PIN_COUNTING_BIAS);
	return do_unpin_pages(try);
}

static int do_pin_unpin_range(struct attempt *try)
{
	page_ref_add(try->page, GUP_PIN_COUNTING_BIAS);
	return do_unpin_range(try);
}

#if IS_ENABLED(CONFIG_PAGE_POOL)
/* Into a pool that has not given the page. */
static int do_page_pool(struct attempt *try)
{
	const struct page_pool_params params = { .pool_size = 16, .nid = NUMA_NO_NODE };
	struct page_pool *pool = page_pool_create(&params);

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	page_pool_put_full_page(pool, try->page, false);
	page_pool_destroy(pool);
	return 0;
}
#endif

/* A wild page->mapping: the page allocator takes no page that has a mapping. */
static int do_spoil(struct attempt *try)
{
	WRITE_ONCE(try->page->mapping, (struct address_space *)0x1000);
	return 0;
}

static int do_folio_put(struct attempt *try)
{
	folio_put(page_folio(try->page));
	return 0;
}

/* As a part of a block. */

static int do_block_make(struct attempt *try)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, BLOCK_ORDER);

	if (!page)
		return -ENOMEM;
	split_page(page, BLOCK_ORDER);
	block = page_to_pfn(page);
	return 0;
}

/* The page in question is Labyrinth's; the block's other page goes. */
static int do_block_drop(struct attempt *try)
{
	__free_page(pfn_to_page(block + (try->pfn == block)));
	block = 0;
	return 0;
}

static int do_free_pages(struct attempt *try)
{
	__free_pages(pfn_to_page(block), BLOCK_ORDER);
	return 0;
}

/* The first page lives on, and the allocator frees the rest of the block unchecked. */
static int do_free_pages_raised(struct attempt *try)
{
	struct page *first = pfn_to_page(block);

	get_page(first);
	__free_pages(first, BLOCK_ORDER);
	if (page_ref_count(first) > 1)
		put_page(first);
	return 0;
}

static int do_free_address(struct attempt *try)
{
	free_pages((unsigned long)page_address(pfn_to_page(block)), BLOCK_ORDER);
	return 0;
}

/* A page of ours, by a size that is too large. */
static int do_free_coherent(struct attempt *try)
{
	dma_free_coherent(&pdev->dev, 2 * PAGE_SIZE,
			  page_address(pfn_to_page(block)), PFN_PHYS(block));
	return 0;
}

#ifdef CONFIG_CONTIG_ALLOC
static int do_free_contig_range(struct attempt *try)
{
	free_contig_range(block, 2);
	return 0;
}
#endif

#define NR_GRABBED	4096

/* Which lists of a CPU's a page may be on. */
static const gfp_t kinds[] = {
	GFP_KERNEL, GFP_KERNEL | __GFP_RECLAIMABLE, GFP_KERNEL | __GFP_MOVABLE,
};

struct grab {
	struct page *wanted;
	unsigned int order;
	int nr;			/* of each kind: blocks wait on shorter lists */
	struct page *pages[ARRAY_SIZE(kinds) * NR_GRABBED];
};

static bool has_grabbed(const struct grab *grab, const struct page *page)
{
	return page && grab->wanted >= page && grab->wanted < page + (1 << grab->order);
}

/* An allocation without a zone comes from the highest zone that has memory. */
#ifdef CONFIG_ZONE_DMA32
static gfp_t zone_of(const struct page *page)
{
	return page_zonenum(page) == ZONE_DMA32 ? GFP_DMA32 : 0;
}
#else
static gfp_t zone_of(const struct page *page)
{
	return 0;
}
#endif

static long grab(void *arg)
{
	struct grab *grab = arg;
	gfp_t where = zone_of(grab->wanted) | __GFP_THISNODE | __GFP_NOWARN | __GFP_NORETRY;
	long err = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds) * grab->nr; i++) {
		grab->pages[i] = alloc_pages_node(page_to_nid(grab->wanted),
						  kinds[i / grab->nr] | where,
						  grab->order);
		if (has_grabbed(grab, grab->pages[i]))
			err = -EEXIST;
	}
	for (i = 0; i < ARRAY_SIZE(kinds) * grab->nr; i++)
		if (grab->pages[i])
			__free_pages(grab->pages[i], grab->order);
	return err;
}

/*
 * Whether the page allocator hands out the page in question, on any CPU: alone, or as a part of
 * the block that was freed with the page, which waits on the list of the block's order.
 */
static int do_grab(struct attempt *try)
{
	struct grab *all = vmalloc(sizeof(*all));
	int cpu, err = 0;

	if (!all)
		return -ENOMEM;
	all->wanted = try->page;
	for (all->order = 0; all->order <= BLOCK_ORDER; all->order++) {
		all->nr = NR_GRABBED >> 3 * all->order;
		for_each_online_cpu(cpu)
			err = err ?: work_on_cpu(cpu, grab, all);
	}
	vfree(all);
	return err;
}

static int do_hwpoison(struct attempt *try)
{
	return PageHWPoison(try->page) ? -EHWPOISON : 0;
}

/* While the owner has the page, and by reference. */

#ifdef CONFIG_X86
static int do_set_memory_uc(struct attempt *try)
{
	unsigned long addr = (unsigned long)page_address(try->page);
	int err = set_memory_uc(addr, 1);

	return err ?: set_memory_wb(addr, 1);
}
#endif

static int do_filemap(struct attempt *try)
{
	struct file *file = filp_open("/tmp/labyrinth_intruder", O_RDWR | O_CREAT, 0600);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = filemap_add_folio(file->f_mapping, page_folio(try->page), 0, GFP_KERNEL);
	fput(file);
	return err;
}

/* In a file for a while: the core has the page on its lists ever after. */
static int do_file_cut(struct attempt *try)
{
	struct file *file = filp_open("/tmp/labyrinth_intruder", O_RDWR | O_CREAT, 0600);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = filemap_add_folio(file->f_mapping, page_folio(try->page), 0, GFP_KERNEL);
	if (!err) {
		unlock_page(try->page);
		truncate_inode_pages(file->f_mapping, 0);
	}
	fput(file);
	return err;
}

/* Numbers that the core finds too large before it reads an array. */

static int do_vmap_huge(struct attempt *try)
{
	struct page **pages = vmalloc(PAGE_SIZE);
	void *addr;
	int i;

	if (!pages)
		return -EAGAIN;
	for (i = 0; i < PAGE_SIZE / sizeof(*pages); i++)
		pages[i] = own[0];
	addr = vmap(pages, BIT(30), VM_MAP, PAGE_KERNEL);
	vfree(pages);
	return use_and_vunmap(addr, vunmap);
}

/* Through the direct map, where Labyrinth cannot stop an access: so the test may see. */

static int do_paint(struct attempt *try)
{
	memset(page_address(try->page), PATTERN, PAGE_SIZE);
	return 0;
}

static int do_look(struct attempt *try)
{
	void *addr = page_address(try->page);

	return memchr_inv(addr, PATTERN, PAGE_SIZE) ? -EUCLEAN : 0;
}

/* Into a process, by mmap(). */

static int mmap_insert_page(struct attempt *try, struct vm_area_struct *vma)
{
	return vm_insert_page(vma, vma->vm_start, try->page);
}

static int mmap_insert_pages(struct attempt *try, struct vm_area_struct *vma)
{
	unsigned long nr = NR_PAGES;

	return vm_insert_pages(vma, vma->vm_start, try->pages, &nr);
}

/* More pages than there is room for: the core does not read the array. */
static int mmap_insert_pages_huge(struct attempt *try, struct vm_area_struct *vma)
{
	unsigned long nr = BIT(30);
	struct page **pages = vzalloc(PAGE_SIZE);
	int err;

	if (!pages)
		return -EAGAIN;
	err = vm_insert_pages(vma, vma->vm_start, pages, &nr);
	vfree(pages);
	return err;
}

static int mmap_map_pages(struct attempt *try, struct vm_area_struct *vma)
{
	return vm_map_pages(vma, try->pages, NR_PAGES);
}

static int mmap_map_pages_zero(struct attempt *try, struct vm_area_struct *vma)
{
	return vm_map_pages_zero(vma, try->pages, NR_PAGES);
}

static int mmap_remap(struct attempt *try, struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, try->pfn, PAGE_SIZE,
			       vma->vm_page_prot);
}

static int mmap_remap_range(struct attempt *try, struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, try->pfn - 1, 3 * PAGE_SIZE,
			       vma->vm_page_prot);
}

static int mmap_iomap(struct attempt *try, struct vm_area_struct *vma)
{
	return vm_iomap_memory(vma, PFN_PHYS(try->pfn), 3 * PAGE_SIZE);
}

/* Into a process, by a page fault. */

static vm_fault_t fault_insert_pfn(struct attempt *try, struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address, try->pfn);
}

static vm_fault_t fault_insert_pfn_prot(struct attempt *try,
					struct vm_fault *vmf)
{
	return vmf_insert_pfn_prot(vmf->vma, vmf->address, try->pfn,
				   vmf->vma->vm_page_prot);
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* A huge entry does not fit where user/intrude.c maps, and is refused for that at the latest. */
static vm_fault_t fault_insert_pmd(struct attempt *try, struct vm_fault *vmf)
{
	return vmf_insert_pfn_pmd(vmf, lab_mixed_pfn(try->pfn), false);
}
#endif

static vm_fault_t fault_insert_mixed(struct attempt *try, struct vm_fault *vmf)
{
	return vmf_insert_mixed(vmf->vma, vmf->address,
				lab_mixed_pfn(try->pfn));
}

static vm_fault_t fault_insert_page(struct attempt *try, struct vm_fault *vmf)
{
	return vmf_insert_page(vmf->vma, vmf->address, try->page);
}

static vm_fault_t fault_page(struct attempt *try, struct vm_fault *vmf)
{
	get_page(try->page);
	vmf->page = try->page;
	return 0;
}

/* The bug: munmap(), or the refusal, puts a reference that was never taken. */
static vm_fault_t fault_page_no_get(struct attempt *try, struct vm_fault *vmf)
{
	vmf->page = try->page;
	return 0;
}

/* The guard's cost for other code: dmesg has the figures. */

static u64 bench_dma(struct vm_area_struct *vma)
{
	u64 start = get_cycles();
	unsigned int i;

	for (i = 0; i < BENCH_OPS; i++)
		unmap_dma(dma_map_page(&pdev->dev, own[0], 0, PAGE_SIZE,
				       DMA_BIDIRECTIONAL));
	return get_cycles() - start;
}

static u64 bench_free(struct vm_area_struct *vma)
{
	u64 start = get_cycles();
	unsigned int i;

	for (i = 0; i < BENCH_OPS; i++)
		__free_page(alloc_page(GFP_ATOMIC));
	return get_cycles() - start;
}

static u64 bench_remap(struct vm_area_struct *vma)
{
	unsigned long pfn = page_to_pfn(own[0]);
	u64 start, cycles = 0;
	unsigned int i;

	for (i = 0; i < BENCH_OPS; i++) {
		start = get_cycles();
		remap_pfn_range(vma, vma->vm_start, pfn, PAGE_SIZE,
				vma->vm_page_prot);
		cycles += get_cycles() - start;
		lab_zap_vma_ptes(vma, vma->vm_start, PAGE_SIZE);
	}
	return cycles;
}

static void bench(const char *name, u64 (*fn)(struct vm_area_struct *vma),
		  struct vm_area_struct *vma)
{
	u64 best = U64_MAX;
	int round;

	for (round = 0; round < BENCH_ROUNDS; round++)
		best = min(best, fn(vma));
	pr_info("cost: %s: %llu\n", name, best / BENCH_OPS);
}

static int do_bench(struct attempt *try)
{
	bench("dma_map_page", bench_dma, NULL);
	bench("alloc_page and __free_page", bench_free, NULL);
	return 0;
}

static int mmap_bench(struct attempt *try, struct vm_area_struct *vma)
{
	int err = remap_pfn_range(vma, vma->vm_start, page_to_pfn(own[0]),
				  PAGE_SIZE, vma->vm_page_prot);

	if (err)
		return err;
	lab_zap_vma_ptes(vma, vma->vm_start, PAGE_SIZE);
	bench("remap_pfn_range", bench_remap, vma);
	return 0;
}

#define PFNMAP	(VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP)

static const struct way ways[] = {
	{ "vmap", .now = do_vmap },
	{ "vmap-range", .now = do_vmap_range },
	{ "vm_map_ram", .now = do_vm_map_ram },
	{ "vmap_pfn", .now = do_vmap_pfn },
	{ "ioremap", .now = do_ioremap_page },
	{ "memremap", .now = do_memremap },
	{ "dma_map_page", .now = do_dma_map_page },
	{ "dma_map_page-range", .now = do_dma_map_page_range },
	{ "dma_map_page-walk", .now = do_dma_map_page_walk },
	{ "dma_map_single", .now = do_dma_map_single },
	{ "dma_map_resource", .now = do_dma_map_resource },
	{ "dma_map_sg-range", .now = do_dma_map_sg },
	{ "dma_map_sgtable-range", .now = do_dma_map_sgtable },
	{ "free_page", .now = do_free_page },
	{ "put_page", .now = do_put_page },
	{ "unpin_user_page", .now = do_unpin_page },
	{ "unpin_user_pages", .now = do_unpin_pages },
	{ "unpin_user_page_range", .now = do_unpin_range },
	{ "pin-unpin", .now = do_pin_unpin },
	{ "pin-unpin-pages", .now = do_pin_unpin_pages },
	{ "pin-unpin-range", .now = do_pin_unpin_range },
#if IS_ENABLED(CONFIG_PAGE_POOL)
	{ "page_pool", .now = do_page_pool },
#endif
	{ "spoil", .now = do_spoil },
	{ "put_page-away", .now = do_put_page_away },
	{ "put_page-flag", .now = do_put_page_flag },
	{ "put_page-seal", .now = do_put_page_seal },
	{ "release_pages-away", .now = do_release_pages_away },
	{ "folio_put", .now = do_folio_put },
	{ "block-make", .now = do_block_make },
	{ "block-drop", .now = do_block_drop },
	{ "__free_pages", .now = do_free_pages },
	{ "__free_pages-raised", .now = do_free_pages_raised },
	{ "free_pages", .now = do_free_address },
	{ "dma_free_coherent", .now = do_free_coherent },
#ifdef CONFIG_CONTIG_ALLOC
	{ "free_contig_range", .now = do_free_contig_range },
#endif
	{ "grab", .now = do_grab },
	{ "hwpoison", .now = do_hwpoison },
#ifdef CONFIG_X86
	{ "set_memory_uc", .now = do_set_memory_uc },
#endif
	{ "splice_to_pipe" },
	{ "filemap_add_folio", .now = do_filemap },
	{ "file-cut", .now = do_file_cut },
	{ "vmap-huge", .now = do_vmap_huge },
	{ "paint", .now = do_paint },
	{ "look", .now = do_look },
	{ "bench", .now = do_bench },
	{ "vm_insert_page", .mmap = mmap_insert_page },
	{ "vm_insert_pages-huge", .mmap = mmap_insert_pages_huge },
	{ "vm_insert_pages-range", .mmap = mmap_insert_pages },
	{ "vm_map_pages-range", .mmap = mmap_map_pages },
	{ "vm_map_pages_zero-range", .mmap = mmap_map_pages_zero },
	{ "remap_pfn_range", .mmap = mmap_remap },
	{ "remap_pfn_range-range", .mmap = mmap_remap_range },
	{ "vm_iomap_memory", .mmap = mmap_iomap },
	{ "bench-mmap", .mmap = mmap_bench },
	{ "vmf_insert_pfn", .fault = fault_insert_pfn, .flags = PFNMAP },
	{ "vmf_insert_pfn_prot", .fault = fault_insert_pfn_prot,
	  .flags = PFNMAP },
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	{ "vmf_insert_pfn_pmd", .fault = fault_insert_pmd, .flags = PFNMAP },
#endif
	{ "vmf_insert_mixed", .fault = fault_insert_mixed,
	  .flags = VM_MIXEDMAP },
	{ "vmf_insert_page", .fault = fault_insert_page,
	  .flags = VM_MIXEDMAP },
	{ "fault", .fault = fault_page },
	{ "fault-no-get", .fault = fault_page_no_get },
};

static int find_attempt(struct attempt *try, const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		if (strcmp(word, ways[i].word))
			continue;
		try->way = &ways[i];
		return 0;
	}
	return -EINVAL;
}

static ssize_t intruder_write(struct file *file, const char __user *buf,
			      size_t count, loff_t *pos)
{
	struct attempt *try = file->private_data;
	char line[64] = {};
	char word[32];
	int err;

	if (count >= sizeof(line) || copy_from_user(line, buf, count))
		return -EINVAL;
	if (sscanf(line, "%31s %li", word, (long *)&try->pfn) != 2 ||
	    !pfn_valid(try->pfn))
		return -EINVAL;
	try->page = pfn_to_page(try->pfn);
	try->pages[0] = own[0];
	try->pages[1] = try->page;
	try->pages[2] = own[2];
	err = find_attempt(try, word);
	if (!err && try->way->now)
		err = try->way->now(try);
	return err ?: count;
}

static vm_fault_t intruder_fault(struct vm_fault *vmf)
{
	struct attempt *try = vmf->vma->vm_file->private_data;

	return try->way->fault(try, vmf);
}

static const struct vm_operations_struct intruder_vm_ops = {
	.fault = intruder_fault,
};

static int intruder_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct attempt *try = file->private_data;

	if (!try->way || !(try->way->mmap || try->way->fault))
		return -EINVAL;
	if (try->way->mmap)
		return try->way->mmap(try, vma);
	lab_vm_flags_set(vma, try->way->flags);
	vma->vm_ops = &intruder_vm_ops;
	return 0;
}

static void put_buffer(struct pipe_inode_info *pipe, struct pipe_buffer *buf)
{
	put_page(buf->page);
}

static const struct pipe_buf_operations buffer_ops = {
	.release = put_buffer,
	.get = generic_pipe_buf_get,
};

static void put_spd_page(struct splice_pipe_desc *spd, unsigned int i)
{
	put_page(spd->pages[i]);
}

/* Puts the page into the pipe with a reference for the pipe, as any driver may. */
static ssize_t intruder_splice(struct file *file, loff_t *pos,
			       struct pipe_inode_info *pipe, size_t len,
			       unsigned int flags)
{
	struct attempt *try = file->private_data;
	struct partial_page part = { .len = PAGE_SIZE };
	struct splice_pipe_desc spd = {
		.pages = &try->page,
		.partial = &part,
		.nr_pages = 1,
		.nr_pages_max = 1,
		.ops = &buffer_ops,
		.spd_release = put_spd_page,
	};

	get_page(try->page);
	return splice_to_pipe(pipe, &spd);
}

static int intruder_open(struct inode *inode, struct file *file)
{
	struct attempt *try = kzalloc(sizeof(*try), GFP_KERNEL);

	file->private_data = try;
	return try ? 0 : -ENOMEM;
}

static int intruder_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations intruder_fops = {
	.owner = THIS_MODULE,
	.open = intruder_open,
	.release = intruder_release,
	.write = intruder_write,
	.mmap = intruder_mmap,
	.splice_read = intruder_splice,
};

static struct miscdevice intruder_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "labyrinth_intruder",
	.fops = &intruder_fops,
	.mode = 0600,
};

static void free_own(void)
{
	int i;

	for (i = 0; i < NR_PAGES; i++)
		if (own[i])
			__free_page(own[i]);
}

static int make_own(void)
{
	int i;

	for (i = 0; i < NR_PAGES; i++) {
		own[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!own[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_device(void)
{
	pdev = platform_device_register_simple("labyrinth_intruder", -1, NULL,
					       0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	return dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
}

static void undo(void)
{
	if (!IS_ERR_OR_NULL(pdev))
		platform_device_unregister(pdev);
	free_own();
}

static int __init intruder_init(void)
{
	int err = make_own();

	if (!err)
		err = make_device();
	if (!err)
		err = misc_register(&intruder_dev);
	if (err)
		undo();
	return err;
}

static void __exit intruder_exit(void)
{
	misc_deregister(&intruder_dev);
	undo();
}

module_init(intruder_init);
module_exit(intruder_exit);

MODULE_DESCRIPTION("Labyrinth self-test: tries every way to somebody else's page");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
