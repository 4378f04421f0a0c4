// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guard's hooks make of a call's arguments, those of functions included that
 * this kernel does not have: each finds a held page among them, wherever it stands,
 * and none where there is none.
 */
#include <kunit/test.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "../../labyrinth_alloc.h"
#include "../../labyrinth_guard.h"

#include "context.h"
#include "fixture.h"

#define NR_PAGES	3

/* A call that names @pages, and all that its arguments may point to. */
struct hooked_call {
	struct page *pages[NR_PAGES];
	unsigned int place;		/* where the page in question stands */
	unsigned long pfns[NR_PAGES];
	unsigned long nr;
	struct vm_area_struct vma;
	struct vm_fault vmf;
	struct lab_mmap_action action;
	struct scatterlist list[NR_PAGES];
	struct sg_table sgt;
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

/* One setter for each kind of prototype. */

static void set_third_page(struct hooked_call *call)
{
	set_args(call, 0, 0, its_page(call), 0, 0);
}

static void set_pages_and_count(struct hooked_call *call)
{
	set_args(call, 0, 0, ADDR(call->pages), ADDR(&call->nr), 0);
}

static void set_window(struct hooked_call *call)
{
	/* The window begins at the page in question, where that is asked. */
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
	set_args(call, 0, ADDR(&call->action), 0, 0, 0);
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
	set_args(call, 0, ADDR(call->list), NR_PAGES, 0, 0);
}

static void set_table(struct hooked_call *call)
{
	call->sgt.sgl = call->list;
	call->sgt.orig_nents = NR_PAGES;
	set_args(call, 0, ADDR(&call->sgt), 0, 0, 0);
}

static void set_link(struct hooked_call *call)
{
	set_args(call, 0, 0, PFN_PHYS(its_pfn(call)), 8, 8);
}

static const struct prototype {
	const char *name;
	void (*set)(struct hooked_call *call);
	bool huge;		/* names all pages of a huge one */
} prototypes[] = {
	{ "vm_insert_page", set_third_page },
	{ "vm_insert_pages", set_pages_and_count },
	{ "vm_map_pages", set_window },
	{ "vm_map_pages_zero", set_whole_window },
	{ "map_kernel_pages_complete", set_kernel_action },
	{ "remap_pfn_range", set_remap },
	{ "remap_pfn_range_complete", set_remap_action },
	{ "vm_iomap_memory", set_iomap },
	{ "vmf_insert_page_mkwrite", set_second_page },
	{ "vmf_insert_pfn", set_third_pfn },
	{ "vmf_insert_pfn_prot", set_third_pfn },
	{ "vmf_insert_mixed", set_third_pfn },
	{ "vmf_insert_mixed_prot", set_third_pfn },
	{ "vmf_insert_mixed_mkwrite", set_third_pfn },
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
};

static const struct prototype *prototype_of(const struct lab_hook *hook)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(prototypes); i++)
		if (!strcmp(prototypes[i].name, hook->name))
			return &prototypes[i];
	return NULL;
}

/* What @hook finds where @page is named among others of @rest. */
static lab_tag_t find(const struct lab_hook *hook, const struct prototype *type,
		      struct page *page, struct page *rest, unsigned int place)
{
	struct hooked_call call = {
		.place = place, .nr = NR_PAGES, .vmf = { .vma = &call.vma },
	};
	int i;

	sg_init_table(call.list, NR_PAGES);
	for (i = 0; i < NR_PAGES; i++) {
		call.pages[i] = i == place ? page : rest;
		call.pfns[i] = page_to_pfn(i == place ? page : rest);
		sg_set_page(&call.list[i], i == place ? page : rest, 8, 8);
	}
	type->set(&call);
	/* Of ftrace's view of the arguments, the registers are all. */
	return hook->find((struct ftrace_regs *)&call.regs);
}

struct hooks_world {
	struct labyrinth_owner *owner;
	void *held;			/* NULL: not any more */
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

	/* It looks at the page alone, and has no arguments to find it in. */
	if (hook->tracepoint)
		return;
	KUNIT_ASSERT_NOT_NULL_MSG(test, type, "%s is not tested", hook->name);
	for (place = 0; place < NR_PAGES; place++) {
		pfn = lab_tag_pfn(find(hook, type, page, w->other, place));
		/* The rest of a huge page may be anybody's. */
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

static void no_hook_finds_a_lent_page(struct kunit *test)
{
	struct hooks_world *w = test->priv;
	struct page *page = labyrinth_lend(w->owner, w->held);
	unsigned int i;

	KUNIT_ASSERT_PTR_EQ(test, page, virt_to_page(w->held));
	for (i = 0; i < lab_nr_hooks; i++)
		expect_found(test, &lab_hooks[i], false);
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
	KUNIT_CASE(no_hook_finds_a_lent_page),
	KUNIT_CASE(no_hook_finds_a_page_that_was_released),
	KUNIT_CASE(a_window_beyond_the_pages_holds_none),
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
