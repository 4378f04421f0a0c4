// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of a refusal: the fields of the tracepoint labyrinth:refusal, and the counts. The
 * rate limit of dmesg limits neither. The text in dmesg is tested elsewhere.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/tracepoint.h>

#include "../../inline/hot.h"
#include "../../page/mapping.h"
#include "../../report/report.h"
#include "../../report/trace.h"

#include "context.h"
#include "fixture.h"

/* The records that the probe saw; the test thread reads the results after the call. */
static struct {
	struct tracepoint *tracepoint;
	struct lab_refusal last;
	unsigned int nr;
	bool to_unmap;			/* the page of the next record */
} seen;

/* As a process may unmap a page at any time, also while the page's owner goes. */
static void __maybe_unused unmap(lab_tag_t tag)
{
	struct lab_slot *slot = lab_table_search(&labyrinth_hot.table, lab_tag_pfn(tag),
						 &tag);

	lab_mapping_detach(lab_owner_by_id(lab_tag_owner(tag)), slot, slot->mappings,
			   _RET_IP_);
}

static void __maybe_unused probe(void *data, const struct lab_refusal *refusal)
{
	seen.last = *refusal;
	seen.nr++;
	if (seen.to_unmap)
		unmap(refusal->tag);
	seen.to_unmap = false;
}

#ifdef CONFIG_TRACEPOINTS
static void look_for_tracepoint(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "refusal"))
		seen.tracepoint = tp;
}

#ifdef CONFIG_MODULES
/* Called for the modules that are loaded already, too. */
static int module_comes(struct notifier_block *nb, unsigned long action,
			void *data)
{
	struct module *mod = ((struct tp_module *)data)->mod;
	unsigned int i;

	if (strcmp(mod->name, "labyrinth"))
		return NOTIFY_DONE;
	for (i = 0; i < mod->num_tracepoints; i++)
		look_for_tracepoint(tracepoint_ptr_deref(&mod->tracepoints_ptrs[i]),
				    NULL);
	return NOTIFY_OK;
}

static void look_in_modules(void)
{
	static struct notifier_block nb = { .notifier_call = module_comes };

	register_tracepoint_module_notifier(&nb);
	unregister_tracepoint_module_notifier(&nb);
}
#else
static void look_in_modules(void)
{
}
#endif

static void attach_probe(void)
{
	for_each_kernel_tracepoint(look_for_tracepoint, NULL);
	if (!seen.tracepoint)
		look_in_modules();
	if (seen.tracepoint &&
	    tracepoint_probe_register(seen.tracepoint, probe, NULL))
		seen.tracepoint = NULL;
}

static void detach_probe(void)
{
	if (!seen.tracepoint)
		return;
	tracepoint_probe_unregister(seen.tracepoint, probe, NULL);
	tracepoint_synchronize_unregister();
}
#else
static void attach_probe(void)
{
}

static void detach_probe(void)
{
}
#endif

static int refusal_suite_init(struct kunit_suite *suite)
{
	memset(&seen, 0, sizeof(seen));
	attach_probe();
	return context_suite_init_expect(suite);
}

static void refusal_suite_exit(struct kunit_suite *suite)
{
	detach_probe();
	context_suite_exit_expect(suite);
}

/* The wrong calls: on a page of @mine, unless said otherwise. */

struct scene {
	struct labyrinth_owner *mine;
	struct labyrinth_owner *other;
	struct labyrinth_owner *stale;
	struct labyrinth_owner *bound;	/* to a thread that never runs here */
	void *held;
	void *lent;
	void *freed;
	struct page *ordinary;		/* no Labyrinth page */
	struct page *shared;		/* ordinary, with two references */
	int (*call)(struct scene *s);
	int err;
};

/*
 * Around the last call of each function below, to prevent a tail call: the record must name
 * that function, not the function's caller.
 */
static __always_inline int returned(int err)
{
	OPTIMIZER_HIDE_VAR(err);
	return err;
}

static int free_foreign(struct scene *s)
{
	return returned(labyrinth_free_page(s->other, s->held));
}

static int release_foreign(struct scene *s)
{
	return returned(PTR_ERR(labyrinth_release(s->other, s->held)));
}

static int adopt_foreign(struct scene *s)
{
	return returned(PTR_ERR(labyrinth_adopt(s->other, virt_to_page(s->held))));
}

static int free_twice(struct scene *s)
{
	return returned(labyrinth_free_page(s->mine, s->freed));
}

static int lend_freed(struct scene *s)
{
	return returned(PTR_ERR(labyrinth_lend(s->mine, s->freed)));
}

static int free_ordinary(struct scene *s)
{
	return returned(labyrinth_free_page(s->mine, page_address(s->ordinary)));
}

static int free_lent(struct scene *s)
{
	return returned(labyrinth_free_page(s->mine, s->lent));
}

static int transfer_lent(struct scene *s)
{
	return returned(labyrinth_transfer(s->mine, s->other, s->lent));
}

static int free_null(struct scene *s)
{
	return returned(labyrinth_free_page(s->mine, NULL));
}

static int free_unaligned(struct scene *s)
{
	return returned(labyrinth_free_page(s->mine, s->held + 1));
}

static int free_stale(struct scene *s)
{
	return returned(labyrinth_free_page(s->stale, s->held));
}

static int alloc_stale(struct scene *s)
{
	return returned(alloc_exclusive(s->stale) ? 0 : -EINVAL);
}

static int destroy_stale(struct scene *s)
{
	return returned(labyrinth_owner_destroy(s->stale) ? 0 : -EINVAL);
}

static int transfer_to_stale(struct scene *s)
{
	return returned(labyrinth_transfer(s->mine, s->stale, s->held));
}

static int adopt_shared(struct scene *s)
{
	return returned(PTR_ERR(labyrinth_adopt(s->mine, s->shared)));
}

static int adopt_null(struct scene *s)
{
	return returned(PTR_ERR(labyrinth_adopt(s->mine, NULL)));
}

static int reclaim_foreign(struct scene *s)
{
	return returned(labyrinth_reclaim(s->other, s->lent));
}

static int free_bound(struct scene *s)
{
	return returned(labyrinth_free_page(s->bound, s->held));
}

static int alloc_bound(struct scene *s)
{
	return returned(alloc_exclusive(s->bound) ? 0 : -EPERM);
}

/* Which page the record must name. */
enum named {
	NOTHING,
	THE_HELD,
	THE_LENT,
	THE_FREED,
};

struct wrong {
	const char *what;
	int (*call)(struct scene *s);
	enum lab_class class;
	enum lab_op op;
	int err;
	enum named named;
	bool dead;		/* no live handle was presented */
};

static const struct wrong wrongs[] = {
	{ "foreign free", free_foreign, LAB_FOREIGN, LAB_OP_FREE, -EPERM,
	  THE_HELD },
	{ "foreign release", release_foreign, LAB_FOREIGN, LAB_OP_RELEASE,
	  -EPERM, THE_HELD },
	{ "foreign adopt", adopt_foreign, LAB_FOREIGN, LAB_OP_ADOPT, -EPERM,
	  THE_HELD },
	{ "foreign reclaim", reclaim_foreign, LAB_FOREIGN, LAB_OP_RECLAIM,
	  -EPERM, THE_LENT },
	{ "double free", free_twice, LAB_DOUBLE, LAB_OP_FREE, -ENOENT,
	  THE_FREED },
	{ "lend of a freed page", lend_freed, LAB_DOUBLE, LAB_OP_LEND, -ENOENT,
	  THE_FREED },
	{ "free of an ordinary page", free_ordinary, LAB_UNOWNED, LAB_OP_FREE,
	  -ENOENT },
	{ "free of a lent page", free_lent, LAB_BUSY, LAB_OP_FREE, -EBUSY,
	  THE_LENT },
	{ "transfer of a lent page", transfer_lent, LAB_BUSY, LAB_OP_TRANSFER,
	  -EBUSY, THE_LENT },
	{ "free of NULL", free_null, LAB_BAD_ADDRESS, LAB_OP_FREE, -EINVAL },
	{ "free between pages", free_unaligned, LAB_BAD_ADDRESS, LAB_OP_FREE,
	  -EINVAL },
	{ "free by a stale handle", free_stale, LAB_BAD_HANDLE, LAB_OP_FREE,
	  -EINVAL, THE_HELD, .dead = true },
	{ "alloc by a stale handle", alloc_stale, LAB_BAD_HANDLE, LAB_OP_ALLOC,
	  -EINVAL, .dead = true },
	{ "destroy of a stale handle", destroy_stale, LAB_BAD_HANDLE,
	  LAB_OP_DESTROY, -EINVAL, .dead = true },
	{ "transfer to a stale handle", transfer_to_stale, LAB_BAD_HANDLE,
	  LAB_OP_TRANSFER, -EINVAL, THE_HELD },
	{ "adopt of a shared page", adopt_shared, LAB_BAD_PAGE, LAB_OP_ADOPT,
	  -EBUSY },
	{ "adopt of NULL", adopt_null, LAB_BAD_PAGE, LAB_OP_ADOPT, -EINVAL },
	{ "free by the wrong thread", free_bound, LAB_WRONG_THREAD,
	  LAB_OP_FREE, -EPERM, THE_HELD },
	{ "alloc by the wrong thread", alloc_bound, LAB_WRONG_THREAD,
	  LAB_OP_ALLOC, -EPERM },
};

static void wrong_desc(const struct wrong *wrong, char *desc)
{
	strscpy(desc, wrong->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(wrong, wrongs, wrong_desc);

static struct scene *make_scene(struct kunit *test)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->stale = make_stale(test);
	s->mine = make_owner(test, "kunit-mine", 0);
	s->other = make_owner(test, "kunit-other", 0);
	s->bound = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-bound", .nid = NUMA_NO_NODE, .task = &init_task,
	});
	s->freed = make_page(test, s->mine);
	s->held = make_page(test, s->mine);
	s->lent = make_page(test, s->mine);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, labyrinth_lend(s->mine, s->lent));
	KUNIT_ASSERT_EQ(test, labyrinth_free_page(s->mine, s->freed), 0);
	s->ordinary = alloc_page(GFP_KERNEL);
	s->shared = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->ordinary);
	KUNIT_ASSERT_NOT_NULL(test, s->shared);
	get_page(s->shared);
	return s;
}

static void end_scene(struct kunit *test, struct scene *s)
{
	put_page(s->shared);
	__free_page(s->shared);
	__free_page(s->ordinary);
	put_page(virt_to_page(s->lent));
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(s->mine, s->lent), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(s->mine, s->lent), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(s->mine, s->held), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(s->mine), 0);
}

static void count_all(unsigned long counts[LAB_NR_CLASSES])
{
	int class;

	for (class = 0; class < LAB_NR_CLASSES; class++)
		counts[class] = lab_report_count(class);
}

/* Since @before, the count of @class must have risen by @nr, and no other count. */
static void expect_counts(struct kunit *test, const unsigned long *before,
			  enum lab_class class, unsigned int nr)
{
	unsigned long after[LAB_NR_CLASSES];
	int i;

	count_all(after);
	for (i = 0; i < LAB_NR_CLASSES; i++)
		KUNIT_EXPECT_EQ_MSG(test, after[i] - before[i],
				    i == class ? nr : 0, "class %d", i);
}

static void call_here(void *arg)
{
	struct scene *s = arg;

	s->err = s->call(s);
}

static void wrong_call_is_counted_once_in_its_class(struct kunit *test)
{
	const struct wrong *wrong = test->param_value;
	struct scene *s = make_scene(test);
	unsigned long before[LAB_NR_CLASSES];
	enum test_context context;

	s->call = wrong->call;
	for (context = 0; context < NR_CONTEXTS; context++) {
		if (wrong->op == LAB_OP_DESTROY && context != IN_TASK)
			continue;
		count_all(before);
		KUNIT_EXPECT_TRUE(test, context_run(context, call_here, s));
		KUNIT_EXPECT_EQ(test, s->err, wrong->err);
		expect_counts(test, before, wrong->class, 1);
	}
	end_scene(test, s);
}

static void expect_named(struct kunit *test, struct scene *s,
			 enum named named, enum lab_state state)
{
	void *addrs[] = {
		[THE_HELD] = s->held,
		[THE_LENT] = s->lent,
		[THE_FREED] = s->freed,
	};
	unsigned long pfn = page_to_pfn(virt_to_page(addrs[named]));
	unsigned int id = lab_owner_id(lab_owner_slot(s->mine));

	KUNIT_EXPECT_PTR_EQ(test, seen.last.addr, (const void *)addrs[named]);
	KUNIT_EXPECT_EQ(test, seen.last.tag, lab_tag_make(pfn, id, state));
}

/* Compares names: the length of a function, under KASAN say, cannot be asked. */
static bool is_in_call(unsigned long ip, int (*call)(struct scene *s))
{
	char wanted[64], got[64];

	snprintf(wanted, sizeof(wanted), "%ps", call);
	snprintf(got, sizeof(got), "%ps", (void *)(ip - 1));
	/* The name of the module may follow, or ".cold" for an unlikely part. */
	return !strncmp(got, wanted, strcspn(wanted, " "));
}

static void record_says_what_was_wrong(struct kunit *test)
{
	static const enum lab_state states[] = {
		[THE_HELD] = LAB_HELD,
		[THE_LENT] = LAB_LENT,
		[THE_FREED] = LAB_CACHED,
	};
	const struct wrong *wrong = test->param_value;
	struct scene *s = make_scene(test);

	if (!seen.tracepoint) {
		end_scene(test, s);
		kunit_skip(test, "no tracepoints in this kernel");
	}
	context_count_task();
	seen.nr = 0;
	KUNIT_EXPECT_EQ(test, wrong->call(s), wrong->err);
	KUNIT_EXPECT_EQ(test, seen.nr, 1);
	KUNIT_EXPECT_EQ(test, seen.last.class, wrong->class);
	KUNIT_EXPECT_EQ(test, seen.last.op, wrong->op);
	KUNIT_EXPECT_EQ(test, seen.last.err, wrong->err);
	KUNIT_EXPECT_TRUE(test, is_in_call(seen.last.ip, wrong->call));
	KUNIT_EXPECT_EQ(test, !seen.last.caller, wrong->dead);
	if (wrong->dead)
		KUNIT_EXPECT_PTR_EQ(test, seen.last.handle,
				    (const void *)s->stale);
	if (wrong->named)
		expect_named(test, s, wrong->named, states[wrong->named]);
	else
		KUNIT_EXPECT_EQ(test, seen.last.tag, 0);
	end_scene(test, s);
}

/* A driver may poll with reclaim, so -EBUSY is no refusal; nor is a full quota. */
static void busy_reclaim_is_no_refusal(struct kunit *test)
{
	struct scene *s = make_scene(test);
	unsigned long before[LAB_NR_CLASSES];

	context_count_task();
	count_all(before);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(s->mine, s->lent), -EBUSY);
	expect_counts(test, before, LAB_BUSY, 0);
	end_scene(test, s);
}

static void full_quota_is_no_refusal(struct kunit *test)
{
	struct labyrinth_owner *owner;
	unsigned long before[LAB_NR_CLASSES];
	void *addr;

	context_count_task();
	owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-quota", .nid = NUMA_NO_NODE, .max_pages = 1,
	});
	addr = make_page(test, owner);
	count_all(before);
	KUNIT_EXPECT_NULL(test, alloc_exclusive(owner));
	expect_counts(test, before, LAB_BUSY, 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

static void questions_are_never_reported(struct kunit *test)
{
	struct scene *s = make_scene(test);
	unsigned long before[LAB_NR_CLASSES];
	struct labyrinth_page_info info;

	context_count_task();
	count_all(before);
	KUNIT_EXPECT_FALSE(test, labyrinth_owns(s->stale, s->held));
	KUNIT_EXPECT_FALSE(test, labyrinth_owns(s->other, s->held));
	KUNIT_EXPECT_FALSE(test, labyrinth_owns(s->mine, NULL));
	KUNIT_EXPECT_EQ(test, labyrinth_query(NULL, &info), -EINVAL);
	KUNIT_EXPECT_EQ(test, labyrinth_query(s->held, NULL), -EINVAL);
	expect_counts(test, before, LAB_BUSY, 0);
	end_scene(test, s);
}

static void destroy_with_pages_out_is_one_leak(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-leak", 0);
	unsigned long before[LAB_NR_CLASSES];
	int i;

	context_count_task();
	for (i = 0; i < 10; i++)
		make_page(test, owner);
	count_all(before);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 10);
	expect_counts(test, before, LAB_LEAKED, 1);
}

static noinline int destroy_mine(struct scene *s)
{
	return returned(labyrinth_owner_destroy(s->mine));
}

/* Destroy checks the owner's pages for overwriting; the report names the caller of destroy. */
static void overwritten_page_is_reported_of_who_destroys(struct kunit *test)
{
	struct scene s = { .mine = make_owner(test, "kunit-overwritten", 0) };
	struct page *page;

	if (!seen.tracepoint)
		kunit_skip(test, "no tracepoints in this kernel");
	context_count_task();
	page = virt_to_page(make_page(test, s.mine));
	set_page_private(page, 0x5ca1ab1e);
	seen.nr = 0;
	KUNIT_EXPECT_EQ(test, destroy_mine(&s), 1);
	KUNIT_EXPECT_EQ(test, seen.nr, 2);
	KUNIT_EXPECT_EQ(test, seen.last.class, LAB_OVERWRITTEN);
	KUNIT_EXPECT_TRUE(test, is_in_call(seen.last.ip, destroy_mine));
}

/* Destroy reports the leak after the read of the page's tag, and before the change of the tag. */
static void page_that_is_unmapped_meanwhile_goes_with_its_owner(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-unmapped", 0);
	struct labyrinth_page_info info;
	void *addrs[2];
	int i;

	if (!seen.tracepoint)
		kunit_skip(test, "no tracepoints in this kernel");
	context_count_task();
	for (i = 0; i < ARRAY_SIZE(addrs); i++) {
		addrs[i] = make_page(test, owner);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, labyrinth_vmap(owner, &addrs[i], 1));
	}
	seen.to_unmap = true;
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 2);
	KUNIT_EXPECT_FALSE(test, seen.to_unmap);
	for (i = 0; i < ARRAY_SIZE(addrs); i++)
		KUNIT_EXPECT_EQ(test, labyrinth_query(addrs[i], &info), -ENOENT);
}

/* Thefts: somebody drops a reference without having taken a reference. */

static void foreign_put_page(struct page *page)
{
	put_page(page);
}

static void foreign_free_page(struct page *page)
{
	__free_page(page);
}

struct theft {
	const char *what;
	void (*steal)(struct page *page);
	unsigned long flags;
};

static const struct theft thefts[] = {
	{ "put_page, any", foreign_put_page, 0 },
	{ "put_page, single", foreign_put_page, LABYRINTH_OWNER_SINGLE },
	{ "__free_page, any", foreign_free_page, 0 },
	{ "__free_page, single", foreign_free_page, LABYRINTH_OWNER_SINGLE },
};

static void theft_desc(const struct theft *theft, char *desc)
{
	strscpy(desc, theft->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(theft, thefts, theft_desc);

struct robbed {
	struct labyrinth_owner *owner;
	void *addr;
	struct page_view whole;		/* the page before the theft */
	unsigned long before[LAB_NR_CLASSES];
};

static void rob(struct kunit *test, struct robbed *r)
{
	const struct theft *theft = test->param_value;

	context_count_task();
	r->owner = make_owner(test, "kunit-robbed", theft->flags);
	r->addr = make_page(test, r->owner);
	fill_page(r->addr, 3);
	r->whole = view_page(r->addr);
	count_all(r->before);
	theft->steal(virt_to_page(r->addr));
}

/* No allocation may be given the robbed page. */
static void expect_not_given_away(struct kunit *test, void *addr)
{
	struct page *pages[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_EXPECT_PTR_NE(test, pages[i], virt_to_page(addr));
	}
	while (i--)
		if (pages[i])
			__free_page(pages[i]);
}

static void robbed_page_survives(struct kunit *test)
{
	struct robbed r;
	struct page_view view;

	rob(test, &r);
	expect_not_given_away(test, r.addr);
	view = view_page(r.addr);
	view.refs++;
	expect_same_page(test, &r.whole, &view, "robbed");
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(r.owner, r.addr), 0);
}

/* As many thefts as Documentation/design.rst promises. Another theft would free the page. */
static void page_survives_31_thefts(struct kunit *test)
{
	const struct theft *theft = test->param_value;
	struct robbed r;
	int thefts = 1;

	rob(test, &r);
	for (; page_ref_count(virt_to_page(r.addr)) > 1; thefts++)
		theft->steal(virt_to_page(r.addr));
	KUNIT_EXPECT_EQ(test, thefts, 31);
	expect_not_given_away(test, r.addr);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(r.owner, r.addr), 0);
	expect_counts(test, r.before, LAB_LOST_REFERENCE, 1);
}

static void owner_notices_a_lost_reference(struct kunit *test)
{
	struct labyrinth_page_info info;
	struct robbed r;

	rob(test, &r);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(r.owner, r.addr), 0);
	expect_counts(test, r.before, LAB_LOST_REFERENCE, 1);
	KUNIT_ASSERT_EQ(test, labyrinth_query(r.addr, &info), 0);
	KUNIT_EXPECT_EQ(test, info.state, LABYRINTH_PAGE_CACHED);
	KUNIT_EXPECT_EQ(test, info.refs, LAB_REFS_EXCLUSIVE);
	/* The page is as good as any other, and the lost reference is not noticed twice. */
	KUNIT_EXPECT_PTR_EQ(test, make_page(test, r.owner), r.addr);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(r.owner, r.addr), 0);
	expect_counts(test, r.before, LAB_LOST_REFERENCE, 1);
}

static void lost_reference_is_noticed_by_release(struct kunit *test)
{
	struct robbed r;
	struct page *page;

	rob(test, &r);
	page = labyrinth_release(r.owner, r.addr);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, page);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	__free_page(page);
	expect_counts(test, r.before, LAB_LOST_REFERENCE, 1);
}

static void lost_reference_is_noticed_by_destroy(struct kunit *test)
{
	struct robbed r;

	rob(test, &r);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(r.owner), 1);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_LOST_REFERENCE) -
			r.before[LAB_LOST_REFERENCE], 1);
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_LEAKED) -
			r.before[LAB_LEAKED], 1);
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
}

/* The lost reference of a cached page is noticed when the page goes back to the system. */
static void lost_reference_of_a_cached_page_is_noticed(struct kunit *test)
{
	const struct theft *theft = test->param_value;
	struct robbed r;

	context_count_task();
	r.owner = make_owner(test, "kunit-robbed", theft->flags);
	r.addr = make_page(test, r.owner);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(r.owner, r.addr), 0);
	count_all(r.before);
	theft->steal(virt_to_page(r.addr));
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(r.owner), 0);
	expect_counts(test, r.before, LAB_LOST_REFERENCE, 1);
}

static struct kunit_case refusal_cases[] = {
	KUNIT_CASE_PARAM(wrong_call_is_counted_once_in_its_class,
			 wrong_gen_params),
	KUNIT_CASE_PARAM(record_says_what_was_wrong, wrong_gen_params),
	KUNIT_CASE(busy_reclaim_is_no_refusal),
	KUNIT_CASE(full_quota_is_no_refusal),
	KUNIT_CASE(questions_are_never_reported),
	KUNIT_CASE(destroy_with_pages_out_is_one_leak),
	KUNIT_CASE(overwritten_page_is_reported_of_who_destroys),
	KUNIT_CASE(page_that_is_unmapped_meanwhile_goes_with_its_owner),
	KUNIT_CASE_PARAM(robbed_page_survives, theft_gen_params),
	KUNIT_CASE_PARAM(page_survives_31_thefts, theft_gen_params),
	KUNIT_CASE_PARAM(owner_notices_a_lost_reference, theft_gen_params),
	KUNIT_CASE_PARAM(lost_reference_is_noticed_by_release,
			 theft_gen_params),
	KUNIT_CASE_PARAM(lost_reference_is_noticed_by_destroy,
			 theft_gen_params),
	KUNIT_CASE_PARAM(lost_reference_of_a_cached_page_is_noticed,
			 theft_gen_params),
	{}
};

static struct kunit_suite refusal_suite = {
	.name = "labyrinth_refusal",
	.suite_init = refusal_suite_init,
	.suite_exit = refusal_suite_exit,
	.test_cases = refusal_cases,
};

kunit_test_suite(refusal_suite);
