// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard's hooks, also for functions that this kernel does not have: each hook must find a
 * held page at every place in the arguments of a call, and find nothing in arguments without
 * a held page.
 */
#include <kunit/test.h>
#include <linux/bvec.h>
#include <linux/device.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include "../../guard/hook.h"
#include "../../labyrinth_alloc.h"

#include "context.h"
#include "fixture.h"

#define NR_PAGES	3

/* A call that names @pages, and all objects that the call's arguments may point to. */
struct hooked_call {
	struct page *pages[NR_PAGES];
	unsigned int place;		/* the index of the page in question */
	unsigned long pfns[NR_PAGES];
	void *addrs[NR_PAGES];
	unsigned long nr;
	struct vm_area_struct vma;
	struct vm_fault vmf;
	struct lab_mmap_action action;
	struct scatterlist list[NR_PAGES];
	struct sg_table sgt;
	struct device dev;
	u64 dma_mask;
	struct bio_vec bvec[NR_PAGES];
	struct iov_iter iter;
	struct splice_pipe_desc spd;
	struct pt_regs regs;
};

static void set_args(struct hooked_call *call, unsigned long a, unsigned long b,
		     unsigned long c, unsigned long d, unsigned long e)
{
	call->regs.di = a;
	call->regs.si = b;
	call->regs.dx = c;
	call->regs.cx = d;
	call->regs.r8 = e;
}

#define ADDR(pointer)	((unsigned long)(pointer))

static unsigned long its_pfn(const struct hooked_call *call)
{
	return page_to_pfn(call->pages[call->place]);
}

static unsigned long its_page(const struct hooked_call *call)
{
	return ADDR(call->pages[call->place]);
}

/* A setter for each kind of prototype. */

static void set_third_page(struct hooked_call *call)
{
	set_args(call, 0, 0, its_page(call), 0, 0);
}

static void set_pages_and_count(struct hooked_call *call)
{
	call->vma.vm_end = NR_PAGES * PAGE_SIZE;
	set_args(call, ADDR(&call->vma), 0, ADDR(call->pages), ADDR(&call->nr), 0);
}

static void set_window(struct hooked_call *call)
{
	/* The window is the page in question alone. */
	call->vma.vm_pgoff = call->place;
	call->vma.vm_end = PAGE_SIZE;
	set_args(call, ADDR(&call->vma), ADDR(call->pages), NR_PAGES, 0, 0);
}

static void set_whole_window(struct hooked_call *call)
{
	call->vma.vm_end = NR_PAGES * PAGE_SIZE;
	set_args(call, ADDR(&call->vma), ADDR(call->pages), NR_PAGES, 0, 0);
}

static void set_kernel_action(struct hooked_call *call)
{
	call->action.map_kernel.pages = call->pages;
	call->action.map_kernel.nr_pages = NR_PAGES;
	call->vma.vm_end = NR_PAGES * PAGE_SIZE;
	set_args(call, ADDR(&call->vma), ADDR(&call->action), 0, 0, 0);
}

static void set_remap(struct hooked_call *call)
{
	set_args(call, 0, 0, its_pfn(call), PAGE_SIZE, 0);
}

static void set_remap_action(struct hooked_call *call)
{
	call->action.remap.start_pfn = its_pfn(call);
	call->action.remap.size = PAGE_SIZE;
	set_args(call, 0, ADDR(&call->action), 0, 0, 0);
}

static void set_iomap(struct hooked_call *call)
{
	call->vma.vm_end = PAGE_SIZE;
	set_args(call, ADDR(&call->vma), PFN_PHYS(its_pfn(call)), PAGE_SIZE, 0, 0);
}

static void set_second_page(struct hooked_call *call)
{
	set_args(call, ADDR(&call->vmf), its_page(call), 0, 0, 0);
}

static void set_third_pfn(struct hooked_call *call)
{
	set_args(call, 0, 0, its_pfn(call), 0, 0);
}

static void set_second_pfn(struct hooked_call *call)
{
	set_args(call, ADDR(&call->vmf), its_pfn(call), 0, 0, 0);
}

static void set_fault(struct hooked_call *call)
{
	call->vmf.page = call->pages[call->place];
	set_args(call, ADDR(&call->vmf), 0, 0, 0, 0);
}

static void set_pages(struct hooked_call *call)
{
	set_args(call, ADDR(call->pages), NR_PAGES, 0, 0, 0);
}

static void set_pfns(struct hooked_call *call)
{
	set_args(call, ADDR(call->pfns), NR_PAGES, 0, 0, 0);
}

static void set_pool_addresses(struct hooked_call *call)
{
	set_args(call, 0, ADDR(call->addrs), NR_PAGES, 0, 0);
}

static void set_dma_page(struct hooked_call *call)
{
	set_args(call, 0, its_page(call), 8, 8, 0);
}

static void set_phys(struct hooked_call *call)
{
	set_args(call, 0, PFN_PHYS(its_pfn(call)), 8, 0, 0);
}

static void set_list(struct hooked_call *call)
{
	set_args(call, ADDR(&call->dev), ADDR(call->list), NR_PAGES, 0, 0);
}

static void set_table(struct hooked_call *call)
{
	call->sgt.sgl = call->list;
	call->sgt.orig_nents = NR_PAGES;
	set_args(call, ADDR(&call->dev), ADDR(&call->sgt), 0, 0, 0);
}

static void set_link(struct hooked_call *call)
{
	set_args(call, 0, 0, PFN_PHYS(its_pfn(call)), 8, 8);
}

static void set_addr(struct hooked_call *call)
{
	set_args(call, ADDR(page_address(call->pages[call->place])), 1, 0, 0, 0);
}

static void set_first_page(struct hooked_call *call)
{
	set_args(call, its_page(call), 1, 0, 0, 0);
}

static void set_send_page(struct hooked_call *call)
{
	set_args(call, 0, its_page(call), 8, 8, 0);
}

static void set_send_iter(struct hooked_call *call)
{
	unsigned int i;

	for (i = 0; i < NR_PAGES; i++)
		call->bvec[i] = (struct bio_vec) {
			.bv_page = call->pages[i], .bv_len = 8,
		};
	iov_iter_bvec(&call->iter, WRITE, call->bvec, NR_PAGES, NR_PAGES * 8);
	set_args(call, 0, ADDR(&call->iter), NR_PAGES * 8, 0, 0);
}

static void set_pipe(struct hooked_call *call)
{
	call->spd.pages = call->pages;
	call->spd.nr_pages = NR_PAGES;
	set_args(call, 0, ADDR(&call->spd), 0, 0, 0);
}

/* Order 1: a block of two pages. */
static void set_block(struct hooked_call *call)
{
	set_args(call, its_page(call), 1, 0, 0, 0);
}

static void set_range(struct hooked_call *call)
{
	set_args(call, its_pfn(call), 1, 0, 0, 0);
}

static const struct prototype {
	const char *name;
	void (*set)(struct hooked_call *call);
	bool huge;		/* names more pages than @pages */
	bool lent;		/* finds lent pages, too */
} prototypes[] = {
	{ "vm_insert_page", set_third_page },
	{ "vm_insert_pages", set_pages_and_count },
	{ "vm_map_pages", set_window },
	{ "vm_map_pages_zero", set_whole_window },
	{ "map_kernel_pages_complete", set_kernel_action },
	{ "remap_pfn_range", set_remap, false, true },
	{ "remap_pfn_range_complete", set_remap_action, false, true },
	{ "vm_iomap_memory", set_iomap, false, true },
	{ "vmf_insert_page_mkwrite", set_second_page },
	{ "vmf_insert_pfn", set_third_pfn, false, true },
	{ "vmf_insert_pfn_prot", set_third_pfn, false, true },
	{ "vmf_insert_mixed", set_third_pfn, false, true },
	{ "vmf_insert_mixed_prot", set_third_pfn, false, true },
	{ "vmf_insert_mixed_mkwrite", set_third_pfn, false, true },
	{ "vmf_insert_pfn_pmd", set_second_pfn, true },
	{ "vmf_insert_pfn_pmd_prot", set_second_pfn, true },
	{ "vmf_insert_pfn_pud", set_second_pfn, true },
	{ "vmf_insert_pfn_pud_prot", set_second_pfn, true },
	{ "vmf_insert_folio_pmd", set_second_page, true },
	{ "vmf_insert_folio_pud", set_second_page, true },
	{ "finish_fault", set_fault },
	{ "vmap", set_pages },
	{ "vm_map_ram", set_pages },
	{ "vmap_pfn", set_pfns },
	{ "dma_map_page_attrs", set_dma_page },
	{ "dma_map_phys", set_phys },
	{ "dma_map_resource", set_phys },
	{ "dma_map_sg_attrs", set_list },
	{ "dma_map_sgtable", set_table },
	{ "dma_iova_link", set_link },
	{ "set_memory_uc", set_addr },
	{ "set_memory_wc", set_addr },
	{ "set_pages_uc", set_first_page },
	{ "set_pages_array_uc", set_pages },
	{ "set_pages_array_wc", set_pages },
	{ "filemap_add_folio", set_second_page },
	{ "kernel_sendpage", set_send_page },
	{ "skb_splice_from_iter", set_send_iter },
	{ "splice_to_pipe", set_pipe },
	{ "__free_pages", set_block, true, true },
	{ "free_pages", set_addr, true, true },
	{ "free_contig_range", set_range, false, true },
	{ "free_contig_frozen_range", set_range, false, true },
	{ "free_reserved_pages", set_block, true, true },
	{ "unpin_user_page", set_first_page },
	{ "unpin_user_pages", set_pages },
	{ "unpin_user_pages_dirty_lock", set_pages },
	{ "unpin_user_page_range_dirty_lock", set_first_page },
	{ "unpin_user_folio", set_first_page },
	{ "unpin_folio", set_first_page },
	{ "unpin_folios", set_pages },
	{ "page_pool_put_defragged_page", set_second_page },
	{ "page_pool_put_page_bulk", set_pool_addresses },
};

static const struct prototype *prototype_of(const struct lab_hook *hook)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(prototypes); i++)
		if (!strcmp(prototypes[i].name, hook->name))
			return &prototypes[i];
	return NULL;
}

static bool prototype_sets(const struct lab_hook *hook,
			   void (*set)(struct hooked_call *call))
{
	const struct prototype *type = prototype_of(hook);

	return type && type->set == set;
}

/* The tag that @hook finds if @page is at @place, and @rest at all other places. */
static lab_tag_t find(const struct lab_hook *hook, const struct prototype *type,
		      struct page *page, struct page *rest, unsigned int place)
{
	struct hooked_call call = {
		.place = place, .nr = NR_PAGES, .vmf = { .vma = &call.vma },
	};
	int i;

	call.dev.dma_mask = &call.dma_mask;
	sg_init_table(call.list, NR_PAGES);
	for (i = 0; i < NR_PAGES; i++) {
		call.pages[i] = i == place ? page : rest;
		call.pfns[i] = page_to_pfn(i == place ? page : rest);
		call.addrs[i] = page_address(i == place ? page : rest);
		sg_set_page(&call.list[i], i == place ? page : rest, 8, 8);
	}
	type->set(&call);
	/* A hook reads nothing but the registers in the struct ftrace_regs. */
	return hook->find((struct ftrace_regs *)&call.regs);
}

struct hooks_world {
	struct labyrinth_owner *owner;
	void *held;			/* NULL: released */
	struct page *other;		/* an ordinary page */
};

static int hooks_case_init(struct kunit *test)
{
	struct hooks_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	test->priv = w;
	w->other = alloc_page(GFP_KERNEL);
	if (!w->other)
		return -ENOMEM;
	w->owner = make_owner(test, "kunit-hooks", 0);
	w->held = make_page(test, w->owner);
	context_count_task();
	return 0;
}

static void hooks_case_exit(struct kunit *test)
{
	struct hooks_world *w = test->priv;

	if (!w)
		return;
	if (w->held)
		labyrinth_free_page(w->owner, w->held);
	if (w->other)
		__free_page(w->other);
}

static void expect_found(struct kunit *test, const struct lab_hook *hook,
			 bool found)
{
	const struct prototype *type = prototype_of(hook);
	struct hooks_world *w = test->priv;
	struct page *page = virt_to_page(w->held);
	unsigned long pfn;
	unsigned int place;

	/* A tracepoint's hook is given the page, so there are no arguments to search. */
	if (hook->tracepoint)
		return;
	KUNIT_ASSERT_NOT_NULL_MSG(test, type, "%s is not tested", hook->name);
	for (place = 0; place < NR_PAGES; place++) {
		pfn = lab_tag_pfn(find(hook, type, page, w->other, place));
		/* Another page of the huge page may be held by anybody. */
		if (!type->huge)
			KUNIT_EXPECT_EQ_MSG(test, pfn, found ? page_to_pfn(page) : 0,
					    "%s, place %u", hook->name, place);
		else if (found)
			KUNIT_EXPECT_NE_MSG(test, pfn, 0UL, "%s", hook->name);
	}
}

static void each_hook_finds_a_held_page(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < lab_nr_hooks; i++)
		expect_found(test, &lab_hooks[i], true);
}

/*
 * Nobody may free a block with an owned page, lent or not, nor map a page by frame number: such a
 * mapping would outlive the loan.
 */
static bool finds_lent(const struct lab_hook *hook)
{
	const struct prototype *type = prototype_of(hook);

	return type && type->lent;
}

static void only_frees_and_maps_by_frame_number_find_a_lent_page(struct kunit *test)
{
	struct hooks_world *w = test->priv;
	struct page *page = labyrinth_lend(w->owner, w->held);
	unsigned int i;

	KUNIT_ASSERT_PTR_EQ(test, page, virt_to_page(w->held));
	for (i = 0; i < lab_nr_hooks; i++)
		expect_found(test, &lab_hooks[i], finds_lent(&lab_hooks[i]));
	put_page(page);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(w->owner, w->held), 0);
}

static void no_hook_finds_a_page_that_was_released(struct kunit *test)
{
	struct hooks_world *w = test->priv;
	struct page *page = labyrinth_release(w->owner, w->held);
	unsigned int i;

	KUNIT_ASSERT_PTR_EQ(test, page, virt_to_page(w->held));
	for (i = 0; i < lab_nr_hooks; i++)
		expect_found(test, &lab_hooks[i], false);
	w->held = NULL;
	__free_page(page);
}

/* A mapping's window may begin behind the last page. */
static void a_window_beyond_the_pages_holds_none(struct kunit *test)
{
	struct hooks_world *w = test->priv;
	struct hooked_call call = { .place = NR_PAGES };
	unsigned int i;

	for (i = 0; i < NR_PAGES; i++)
		call.pages[i] = virt_to_page(w->held);
	set_window(&call);
	for (i = 0; i < lab_nr_hooks; i++)
		if (!strcmp(lab_hooks[i].name, "vm_map_pages"))
			KUNIT_EXPECT_EQ(test, lab_hooks[i].find((void *)&call.regs),
					0ULL);
}

/* Counts that the core refuses before a read, and arrays at which the core itself would fault. */
static void an_array_that_is_not_there_is_survived(struct kunit *test)
{
	struct page **pages = vmalloc(PAGE_SIZE);
	struct vm_area_struct vma = { .vm_end = PAGE_SIZE };
	unsigned long nr = 1UL << 40;
	struct hooked_call call = {};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	memset(pages, 0, PAGE_SIZE);
	for (i = 0; i < lab_nr_hooks; i++) {
		if (prototype_sets(&lab_hooks[i], set_pages) ||
		    prototype_sets(&lab_hooks[i], set_pfns))
			set_args(&call, ADDR(pages), PAGE_SIZE, 0, 0, 0);
		else if (prototype_sets(&lab_hooks[i], set_pages_and_count))
			set_args(&call, ADDR(&vma), 0, ADDR(pages), ADDR(&nr), 0);
		else
			continue;
		KUNIT_EXPECT_EQ_MSG(test, lab_hooks[i].find((void *)&call.regs), 0ULL,
				    "%s", lab_hooks[i].name);
	}
	vfree(pages);
}

/* Lists may have gaps, and a fault's handler may leave no page. */
static void a_missing_page_is_passed_over(struct kunit *test)
{
	struct hooks_world *w = test->priv;
	struct hooked_call call = { .place = NR_PAGES - 1, .nr = NR_PAGES };
	unsigned int i;

	call.pages[call.place] = virt_to_page(w->held);
	for (i = 0; i < lab_nr_hooks; i++) {
		if (!strcmp(lab_hooks[i].name, "vmap")) {
			set_pages(&call);
			KUNIT_EXPECT_NE(test, lab_hooks[i].find((void *)&call.regs),
					0ULL);
		} else if (!strcmp(lab_hooks[i].name, "finish_fault")) {
			set_fault(&call);
			call.vmf.page = NULL;
			KUNIT_EXPECT_EQ(test, lab_hooks[i].find((void *)&call.regs),
					0ULL);
		}
	}
}

static struct kunit_case hooks_cases[] = {
	KUNIT_CASE(each_hook_finds_a_held_page),
	KUNIT_CASE(only_frees_and_maps_by_frame_number_find_a_lent_page),
	KUNIT_CASE(no_hook_finds_a_page_that_was_released),
	KUNIT_CASE(a_window_beyond_the_pages_holds_none),
	KUNIT_CASE(an_array_that_is_not_there_is_survived),
	KUNIT_CASE(a_missing_page_is_passed_over),
	{}
};

static struct kunit_suite hooks_suite = {
	.name = "labyrinth_hooks",
	.suite_init = context_suite_init,
	.suite_exit = context_suite_exit,
	.init = hooks_case_init,
	.exit = hooks_case_exit,
	.test_cases = hooks_cases,
};

kunit_test_suite(hooks_suite);
