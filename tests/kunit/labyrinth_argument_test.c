// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad arguments: addresses, pages and handles that no caller should pass. Every call answers a
 * bad argument with an errno, and never dereferences a bad pointer.
 */
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "../../labyrinth_alloc.h"

#include "context.h"
#include "fixture.h"

/* Bits of an address above which there is no memory on any machine. */
#define TOP_BIT		57
#define RANDOM_ROWS	2000

struct arguments {
	struct labyrinth_owner *owner;
	struct labyrinth_owner *heir;
	void *held;		/* the owner's only page */
	void *freed;		/* an ordinary page, given back to the system */
	void *vmalloced;
	void *slab;
	struct page_view whole;

	/* The row's argument, and the answers of the calls. */
	void *addr;
	struct page *page;
	struct labyrinth_owner *handle;
	int err;
	int query;
	unsigned int wrong;	/* the number of calls with another answer than @err */
};

static int argument_case_init(struct kunit *test)
{
	struct arguments *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);

	if (!a)
		return -ENOMEM;
	test->priv = a;
	a->vmalloced = vmalloc(PAGE_SIZE);
	a->slab = kzalloc(PAGE_SIZE, GFP_KERNEL);
	a->freed = (void *)__get_free_page(GFP_KERNEL);
	if (!a->vmalloced || !a->slab || !a->freed)
		return -ENOMEM;
	a->owner = make_owner(test, "kunit-argument", 0);
	a->heir = make_owner(test, "kunit-heir", 0);
	a->held = make_page(test, a->owner);
	/* Last, so that no allocation of this function is given the freed page. */
	free_page((unsigned long)a->freed);
	fill_page(a->held, 5);
	a->whole = view_page(a->held);
	return 0;
}

static void argument_case_exit(struct kunit *test)
{
	struct arguments *a = test->priv;

	if (!a)
		return;
	vfree(a->vmalloced);
	kfree(a->slab);
}

/* After the bad calls: the held page is unchanged, and can be freed. */
static void expect_whole(struct kunit *test, struct arguments *a)
{
	struct page_view is = view_page(a->held);

	expect_same_page(test, &a->whole, &is, "held page");
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(a->owner, a->held), 0);
}

static bool is_in(int err, int one, int other)
{
	return err == one || err == other;
}

/*
 * Makes every call that takes an address. All calls must give the same errno, but for
 * labyrinth_owns(), which is never true, and labyrinth_query(), which answers 0 for a cached page.
 */
static void try_address(void *arg)
{
	struct arguments *a = arg;
	struct labyrinth_page_info info;
	dma_addr_t dma;

	a->err = labyrinth_free_page(a->owner, a->addr);
	a->wrong += labyrinth_transfer(a->owner, a->heir, a->addr) != a->err;
	a->wrong += labyrinth_transfer(a->owner, a->owner, a->addr) != a->err;
	a->wrong += PTR_ERR(labyrinth_release(a->owner, a->addr)) != a->err;
	a->wrong += PTR_ERR(labyrinth_release_lent(a->owner, a->addr)) != a->err;
	a->wrong += PTR_ERR(labyrinth_lend(a->owner, a->addr)) != a->err;
	a->wrong += labyrinth_reclaim(a->owner, a->addr) != a->err;
	a->wrong += labyrinth_owns(a->owner, a->addr);
	a->wrong += labyrinth_dma_map(a->owner, NULL, a->addr, 0, 1,
				      DMA_TO_DEVICE, &dma) != a->err;
	a->wrong += labyrinth_dma_unmap(a->owner, NULL, a->addr, 0, 1,
					DMA_TO_DEVICE) != a->err;
	a->query = labyrinth_query(a->addr, &info);
}

/* A VMA for @nr pages, as the core passes to a driver's mmap(). */
static struct vm_area_struct make_vma(unsigned int nr)
{
	return (struct vm_area_struct) {
		.vm_end = nr * PAGE_SIZE,
		.vm_mm = current->active_mm,
	};
}

/* Makes the calls that may sleep. Of several pages, the last page is bad. */
static void try_address_asleep(struct arguments *a)
{
	void *addrs[] = { a->held, a->addr };
	struct vm_area_struct vma = make_vma(ARRAY_SIZE(addrs));
	int wanted = a->addr && PAGE_ALIGNED((unsigned long)a->addr) ? -ENOENT :
								       -EINVAL;

	lab_vm_flags_set(&vma, VM_SHARED | VM_MAYSHARE);
	a->wrong += PTR_ERR(labyrinth_vmap(a->owner, addrs, 2)) != a->err;
	/* A VMA on the stack is of no process: -EINVAL for any pages. */
	a->wrong += labyrinth_mmap(a->owner, &vma, addrs, 2) != -EINVAL;
	a->wrong += labyrinth_vunmap(a->owner, a->addr) != wanted;
}

/* EITHER: whether the address is in the direct map is the architecture's. */
enum expectation {
	NO_ADDRESS,	/* -EINVAL */
	NO_OWNER,	/* -ENOENT */
	EITHER,
};

struct bad_address {
	const char *what;
	void *(*get)(const struct arguments *a);
	enum expectation expectation;
};

static void *null_address(const struct arguments *a)
{
	return NULL;
}

static void *one(const struct arguments *a)
{
	return (void *)1;
}

static void *all_ones(const struct arguments *a)
{
	return (void *)ULONG_MAX;
}

static void *last_page(const struct arguments *a)
{
	return (void *)PAGE_MASK;
}

static void *user_address(const struct arguments *a)
{
	return (void *)(16 * PAGE_SIZE);
}

static void *inside_held(const struct arguments *a)
{
	return a->held + PAGE_SIZE / 2;
}

static void *before_end_of_held(const struct arguments *a)
{
	return a->held + PAGE_SIZE - 1;
}

static void *vmalloc_address(const struct arguments *a)
{
	return a->vmalloced;
}

static void *text_address(const struct arguments *a)
{
	return PTR_ALIGN_DOWN((void *)try_address, PAGE_SIZE) + 1;
}

static void *text_page(const struct arguments *a)
{
	return PTR_ALIGN_DOWN((void *)try_address, PAGE_SIZE);
}

static void *stack_address(const struct arguments *a)
{
	return task_stack_page(current) + 64;
}

static void *stack_page(const struct arguments *a)
{
	return task_stack_page(current);
}

static void *slab_page(const struct arguments *a)
{
	return a->slab;
}

static void *freed_page(const struct arguments *a)
{
	return a->freed;
}

static void *poison(const struct arguments *a)
{
	return (void *)0xdead000000000100UL;
}

static void *aligned_poison(const struct arguments *a)
{
	return (void *)0xdead000000000000UL;
}

static void *use_after_free(const struct arguments *a)
{
	return (void *)0x6b6b6b6b6b6b6b6bUL;
}

static void *non_canonical(const struct arguments *a)
{
	return (void *)BIT(62);
}

static void *error_pointer(const struct arguments *a)
{
	return ERR_PTR(-ENOMEM);
}

static void *own_handle(const struct arguments *a)
{
	return a->owner;
}

static void *struct_page(const struct arguments *a)
{
	return virt_to_page(a->held);
}

static const struct bad_address bad_addresses[] = {
	{ "NULL", null_address, NO_ADDRESS },
	{ "one", one, NO_ADDRESS },
	{ "all ones", all_ones, NO_ADDRESS },
	{ "last page", last_page, NO_ADDRESS },
	{ "user", user_address, NO_ADDRESS },
	{ "inside the page", inside_held, NO_ADDRESS },
	{ "end of the page", before_end_of_held, NO_ADDRESS },
	{ "vmalloc", vmalloc_address, NO_ADDRESS },
	{ "text", text_address, NO_ADDRESS },
	{ "page of text", text_page, EITHER },
	{ "stack", stack_address, NO_ADDRESS },
	{ "page of the stack", stack_page, EITHER },
	{ "page of a slab", slab_page, NO_OWNER },
	{ "freed page", freed_page, NO_OWNER },
	{ "list poison", poison, NO_ADDRESS },
	{ "aligned poison", aligned_poison, NO_ADDRESS },
	{ "freed slab poison", use_after_free, NO_ADDRESS },
	{ "non-canonical", non_canonical, NO_ADDRESS },
	{ "error pointer", error_pointer, NO_ADDRESS },
	{ "owner's handle", own_handle, NO_ADDRESS },
	{ "struct page", struct_page, EITHER },
};

static void bad_address_desc(const struct bad_address *bad, char *desc)
{
	strscpy(desc, bad->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_address, bad_addresses, bad_address_desc);

static void expect_errno(struct kunit *test, int err,
			 enum expectation expectation)
{
	switch (expectation) {
	case NO_ADDRESS:
		KUNIT_EXPECT_EQ(test, err, -EINVAL);
		break;
	case NO_OWNER:
		KUNIT_EXPECT_EQ(test, err, -ENOENT);
		break;
	case EITHER:
		KUNIT_EXPECT_TRUE(test, is_in(err, -EINVAL, -ENOENT));
	}
}

static void bad_address_is_refused(struct kunit *test)
{
	const struct bad_address *bad = test->param_value;
	struct arguments *a = test->priv;
	enum test_context context;

	a->addr = bad->get(a);
	for (context = 0; context < NR_CONTEXTS; context++) {
		KUNIT_EXPECT_TRUE(test, context_run(context, try_address, a));
		expect_errno(test, a->err, bad->expectation);
		KUNIT_EXPECT_EQ(test, a->query, a->err);
		KUNIT_EXPECT_EQ(test, a->wrong, 0);
	}
	try_address_asleep(a);
	KUNIT_EXPECT_EQ(test, a->wrong, 0);
	expect_whole(test, a);
}

/*
 * A good address with a single bit flipped. The result may be the address of another page, even
 * of a page that the same owner has cached, but never of a page that the owner may free.
 */
static void address_with_one_bit_flipped_is_refused(struct kunit *test)
{
	struct arguments *a = test->priv;
	enum test_context context;
	int bit;

	for (context = 0; context < NR_CONTEXTS; context++) {
		for (bit = 0; bit < 64; bit++) {
			a->addr = (void *)((unsigned long)a->held ^ BIT(bit));
			context_run(context, try_address, a);
			if (bit < PAGE_SHIFT || bit >= TOP_BIT)
				KUNIT_EXPECT_EQ_MSG(test, a->err, -EINVAL,
						    "bit %d", bit);
			KUNIT_EXPECT_TRUE_MSG(test,
					      is_in(a->err, -EINVAL, -ENOENT),
					      "bit %d: %d", bit, a->err);
			KUNIT_EXPECT_TRUE_MSG(test, is_in(a->query, a->err, 0),
					      "bit %d: %d", bit, a->query);
			KUNIT_EXPECT_EQ_MSG(test, a->wrong, 0, "bit %d", bit);
		}
	}
	expect_whole(test, a);
}

static void random_addresses_are_refused(struct kunit *test)
{
	struct arguments *a = test->priv;
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 1009);
	for (i = 0; i < RANDOM_ROWS; i++) {
		u64 high = (u64)prandom_u32_state(&rnd) << 32;

		/* Odd rows are page-aligned, so that more checks are reached. */
		a->addr = (void *)(high | prandom_u32_state(&rnd));
		if (i & 1)
			a->addr = PTR_ALIGN_DOWN(a->addr, PAGE_SIZE);
		context_run(IN_TASK, try_address, a);
		try_address_asleep(a);
		KUNIT_EXPECT_TRUE_MSG(test, is_in(a->err, -EINVAL, -ENOENT),
				      "%#lx: %d", (unsigned long)a->addr,
				      a->err);
		KUNIT_EXPECT_EQ(test, a->query, a->err);
	}
	KUNIT_EXPECT_EQ(test, a->wrong, 0);
	expect_whole(test, a);
}

/* Adopt takes a struct page. */

static void try_adopt(void *arg)
{
	struct arguments *a = arg;

	a->err = PTR_ERR(labyrinth_adopt(a->owner, a->page));
}

static void expect_adopt(struct kunit *test, struct arguments *a, void *page,
			 int err, const char *what)
{
	enum test_context context;

	a->page = page;
	for (context = 0; context < NR_CONTEXTS; context++) {
		KUNIT_EXPECT_TRUE(test, context_run(context, try_adopt, a));
		KUNIT_EXPECT_EQ_MSG(test, a->err, err, "%s", what);
	}
}

static void adopt_refuses_what_is_no_struct_page(struct kunit *test)
{
	struct arguments *a = test->priv;
	const struct {
		const char *what;
		void *page;
	} rows[] = {
		{ "NULL", NULL },
		{ "one", (void *)1 },
		{ "all ones", (void *)ULONG_MAX },
		{ "vmalloc", a->vmalloced },
		{ "slab", a->slab },
		{ "stack", task_stack_page(current) + 64 },
		{ "the page itself", a->held },
		{ "list poison", (void *)0xdead000000000100UL },
		{ "non-canonical", (void *)BIT(62) },
		{ "error pointer", ERR_PTR(-ENOMEM) },
		{ "handle", a->owner },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		expect_adopt(test, a, rows[i].page, -EINVAL, rows[i].what);
	expect_whole(test, a);
}

/*
 * The compiler may assume that a pointer to a struct page points to the beginning of a struct
 * page, and leave out a check of the alignment.
 */
static void adopt_refuses_the_inside_of_a_struct_page(struct kunit *test)
{
	static const int offsets[] = { 1, 4, 8, 16, 32, sizeof(struct page) - 8 };
	struct arguments *a = test->priv;
	void *page = virt_to_page(a->held);
	char what[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		snprintf(what, sizeof(what), "offset %d", offsets[i]);
		expect_adopt(test, a, page + offsets[i], -EINVAL, what);
	}
	expect_whole(test, a);
}

/* Half of the pointers are near a real struct page. All are odd, so not aligned. */
static void adopt_refuses_random_pointers(struct kunit *test)
{
	struct arguments *a = test->priv;
	struct rnd_state rnd;
	char what[32];
	int i;

	prandom_seed_state(&rnd, 1019);
	for (i = 0; i < RANDOM_ROWS; i++) {
		u64 page = (u64)prandom_u32_state(&rnd) << 32;

		page |= prandom_u32_state(&rnd);
		if (i & 1)
			page = (u64)virt_to_page(a->held) + (s32)page;
		snprintf(what, sizeof(what), "%#llx", page | 1);
		expect_adopt(test, a, (void *)(page | 1), -EINVAL, what);
	}
	expect_whole(test, a);
}

/* Pages of memory in another state than a page fresh from alloc_page(). */
static void adopt_refuses_pages_in_other_use(struct kunit *test)
{
	struct arguments *a = test->priv;
	struct page *shared = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, shared);
	get_page(shared);
	expect_adopt(test, a, shared, -EBUSY, "shared");
	KUNIT_EXPECT_EQ(test, page_ref_count(shared), 2);
	put_page(shared);
	/* The word @mapping as in a page of the page cache. */
	shared->mapping = (struct address_space *)a;
	expect_adopt(test, a, shared, -EBUSY, "a file's");
	shared->mapping = NULL;
	__free_page(shared);
	/* Free by now: if adopted, the page would soon have a second user as well. */
	expect_adopt(test, a, shared, -EBUSY, "free");
	expect_adopt(test, a, virt_to_page(a->held), -EBUSY, "held");
	expect_adopt(test, a, ZERO_PAGE(0), -EINVAL, "reserved");
	expect_whole(test, a);
}

/* "-EINVAL not a page of order 0": the tail pages would be lost. */
static void adopt_refuses_a_page_of_higher_order(struct kunit *test)
{
	struct arguments *a = test->priv;
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	KUNIT_ASSERT_NOT_NULL(test, page);
	expect_adopt(test, a, page, -EINVAL, "head");
	expect_adopt(test, a, page + 1, -EINVAL, "tail");
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	__free_pages(page, 2);
	expect_whole(test, a);
}

static void adopt_refuses_a_page_of_a_slab(struct kunit *test)
{
	struct arguments *a = test->priv;
	struct page *page = virt_to_page(a->slab);
	int refs = page_ref_count(page);

	a->page = page;
	context_run(IN_TASK, try_adopt, a);
	/* Most slabs are of a higher order. */
	KUNIT_EXPECT_TRUE(test, is_in(a->err, -EINVAL, -EBUSY));
	KUNIT_EXPECT_EQ(test, page_ref_count(page), refs);
	expect_whole(test, a);
}

/* Handles. */

/* Makes every call with @a->handle, on a page that a live handle could use. */
static void try_handle(void *arg)
{
	struct arguments *a = arg;
	struct page *page = virt_to_page(a->held);
	dma_addr_t dma;
	void *addrs[2];

	a->wrong += !!alloc_exclusive(a->handle);
	a->wrong += labyrinth_alloc_bulk(a->handle, 2, addrs);
	a->wrong += labyrinth_owns(a->handle, a->held);
	a->wrong += labyrinth_free_page(a->handle, a->held) != -EINVAL;
	a->wrong += labyrinth_transfer(a->handle, a->owner, a->held) != -EINVAL;
	a->wrong += labyrinth_transfer(a->owner, a->handle, a->held) != -EINVAL;
	a->wrong += PTR_ERR(labyrinth_release(a->handle, a->held)) != -EINVAL;
	a->wrong += PTR_ERR(labyrinth_release_lent(a->handle, a->held)) != -EINVAL;
	a->wrong += PTR_ERR(labyrinth_adopt(a->handle, page)) != -EINVAL;
	a->wrong += PTR_ERR(labyrinth_lend(a->handle, a->held)) != -EINVAL;
	a->wrong += labyrinth_reclaim(a->handle, a->held) != -EINVAL;
	a->wrong += labyrinth_dma_map(a->handle, NULL, a->held, 0, 1,
				      DMA_TO_DEVICE, &dma) != -EINVAL;
	a->wrong += labyrinth_dma_unmap(a->handle, NULL, a->held, 0, 1,
					DMA_TO_DEVICE) != -EINVAL;
}

static void try_handle_asleep(struct arguments *a)
{
	struct vm_area_struct vma = make_vma(1);

	lab_vm_flags_set(&vma, VM_SHARED | VM_MAYSHARE);
	a->wrong += PTR_ERR(labyrinth_vmap(a->handle, &a->held, 1)) != -EINVAL;
	a->wrong += labyrinth_mmap(a->handle, &vma, &a->held, 1) != -EINVAL;
	a->wrong += labyrinth_vunmap(a->handle, a->held) != -EINVAL;
	a->wrong += labyrinth_owner_destroy(a->handle) != 0;
}

static void expect_dead(struct kunit *test, struct arguments *a,
			enum test_context context, unsigned long handle)
{
	a->wrong = 0;
	a->handle = (void *)handle;
	/* The changed handle may be the handle of another live owner. */
	if (handle_lives(a->handle))
		return;
	KUNIT_EXPECT_TRUE(test, context_run(context, try_handle, a));
	if (context == IN_TASK)
		try_handle_asleep(a);
	KUNIT_EXPECT_EQ_MSG(test, a->wrong, 0, "handle %#lx", handle);
}

static void handle_with_one_bit_flipped_is_dead(struct kunit *test)
{
	struct arguments *a = test->priv;
	enum test_context context;
	int bit;

	for (context = 0; context < NR_CONTEXTS; context++)
		for (bit = 0; bit < 64; bit++)
			expect_dead(test, a, context,
				    (unsigned long)a->owner ^ BIT(bit));
	expect_whole(test, a);
}

static void odd_handles_are_dead(struct kunit *test)
{
	struct arguments *a = test->priv;
	const unsigned long odd[] = {
		0, 1, ULONG_MAX, LONG_MAX, (unsigned long)a->held,
		(unsigned long)lab_owner_slot(a->owner), (unsigned long)&odd,
		(unsigned long)a->vmalloced, (unsigned long)try_handle,
		(unsigned long)ERR_PTR(-EINVAL), (unsigned long)ERR_PTR(-ENOSPC),
		0xdead000000000100UL, 0x6b6b6b6b6b6b6b6bUL,
		lab_owner_dead(lab_owner_slot(a->owner)),
	};
	enum test_context context;
	int i;

	for (context = 0; context < NR_CONTEXTS; context++)
		for (i = 0; i < ARRAY_SIZE(odd); i++)
			expect_dead(test, a, context, odd[i]);
	expect_whole(test, a);
}

static void random_handles_are_dead(struct kunit *test)
{
	struct arguments *a = test->priv;
	unsigned long low = (unsigned long)a->owner & (BIT(24) - 1);
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 1013);
	for (i = 0; i < RANDOM_ROWS; i++) {
		u64 handle = (u64)prandom_u32_state(&rnd) << 32;

		handle |= prandom_u32_state(&rnd);
		/* Odd rows lead to the owner's own slot. */
		if (i & 1)
			handle = (handle & ~(BIT_ULL(24) - 1)) | low;
		expect_dead(test, a, IN_TASK, handle);
	}
	expect_whole(test, a);
}

/* The rest. */

static void missing_room_for_answers_is_refused(struct kunit *test)
{
	struct arguments *a = test->priv;
	void *addr = a;

	context_count_task();
	KUNIT_EXPECT_EQ(test, labyrinth_query(a->held, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, labyrinth_alloc_bulk(a->owner, 5, NULL), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_alloc_bulk(a->owner, 0, &addr), 0);
	KUNIT_EXPECT_PTR_EQ(test, addr, (void *)a);
	expect_whole(test, a);
}

/* Ranges that make no sense, of a page that could be mapped. */
static void odd_ranges_are_refused(struct kunit *test)
{
	struct arguments *a = test->priv;
	struct vm_area_struct vma = make_vma(1), longer = make_vma(2);
	struct vm_area_struct private = make_vma(1);
	static const unsigned int odd[] = { 0, INT_MAX, UINT_MAX };
	int i;

	context_count_task();
	lab_vm_flags_set(&vma, VM_SHARED | VM_MAYSHARE);
	lab_vm_flags_set(&longer, VM_SHARED | VM_MAYSHARE);
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				PTR_ERR(labyrinth_vmap(a->owner, &a->held, odd[i])));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				labyrinth_mmap(a->owner, &vma, &a->held, odd[i]));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(labyrinth_vmap(a->owner, NULL, 1)));
	KUNIT_EXPECT_EQ(test, -EINVAL, labyrinth_mmap(a->owner, &vma, NULL, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, labyrinth_mmap(a->owner, NULL, &a->held, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			labyrinth_mmap(a->owner, &longer, &a->held, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			labyrinth_mmap(a->owner, &private, &a->held, 1));
	expect_whole(test, a);
}

static void failed_query_leaves_the_answer_alone(struct kunit *test)
{
	struct arguments *a = test->priv;
	struct labyrinth_page_info info, was;

	context_count_task();
	memset(&info, 0x5a, sizeof(info));
	was = info;
	KUNIT_EXPECT_EQ(test, labyrinth_query(a->freed, &info), -ENOENT);
	KUNIT_EXPECT_EQ(test, labyrinth_query(NULL, &info), -EINVAL);
	KUNIT_EXPECT_EQ(test, memcmp(&info, &was, sizeof(info)), 0);
	expect_whole(test, a);
}

static struct kunit_case argument_cases[] = {
	KUNIT_CASE_PARAM(bad_address_is_refused, bad_address_gen_params),
	KUNIT_CASE(address_with_one_bit_flipped_is_refused),
	KUNIT_CASE(random_addresses_are_refused),
	KUNIT_CASE(adopt_refuses_what_is_no_struct_page),
	KUNIT_CASE(adopt_refuses_the_inside_of_a_struct_page),
	KUNIT_CASE(adopt_refuses_random_pointers),
	KUNIT_CASE(adopt_refuses_pages_in_other_use),
	KUNIT_CASE(adopt_refuses_a_page_of_higher_order),
	KUNIT_CASE(adopt_refuses_a_page_of_a_slab),
	KUNIT_CASE(handle_with_one_bit_flipped_is_dead),
	KUNIT_CASE(odd_handles_are_dead),
	KUNIT_CASE(random_handles_are_dead),
	KUNIT_CASE(missing_room_for_answers_is_refused),
	KUNIT_CASE(odd_ranges_are_refused),
	KUNIT_CASE(failed_query_leaves_the_answer_alone),
	{}
};

static struct kunit_suite argument_suite = {
	.name = "labyrinth_argument",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = argument_case_init,
	.exit = argument_case_exit,
	.test_cases = argument_cases,
};

kunit_test_suite(argument_suite);
