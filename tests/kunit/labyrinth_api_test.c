// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call, on a page in every state, by every kind of caller, in every
 * context: the exact answer, and that a refused call changes nothing.
 *
 * The expected answers stand in two tables below, for the page's owner and for a foreign owner.
 * A caller without a live handle gets the same answer in every state. Both tables are written
 * by hand from the documentation, not taken from lab_transitions.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include "../../labyrinth_alloc.h"
#include "../../page/cache.h"

#include "context.h"
#include "fixture.h"

enum call {
	FREE,
	TRANSFER,
	TRANSFER_TO_SELF,
	TRANSFER_TO_DEAD,
	RELEASE,
	RELEASE_LENT,
	ADOPT,
	LEND,
	RECLAIM,
	OWNS,		/* answers 1 or 0 */
	QUERY,
	ALLOC,		/* answers the number of pages */
	BULK,
	DESTROY,	/* with a dead handle only; else see labyrinth_owner */
	NR_CALLS
};

static const char * const call_names[NR_CALLS] = {
	"free", "transfer", "transfer to self", "transfer to dead", "release",
	"release lent", "adopt", "lend", "reclaim", "owns", "query", "alloc",
	"bulk", "destroy",
};

enum state {
	ABSENT,		/* an ordinary page with one reference */
	CACHED,		/* freed before */
	HELD,
	SHARED,		/* held, and somebody else took a reference */
	LENT,
	RETURNED,	/* lent, and the borrower is done */
	LIMBO,		/* of an owner that lives */
	NR_STATES
};

static const char * const state_names[NR_STATES] = {
	"absent", "cached", "held", "shared", "lent", "returned", "limbo",
};

enum caller {
	OWNER,
	FOREIGN,
	/* From here on, no live handles. */
	STALE,
	NULL_HANDLE,
	FORGED_MARK,
	FORGED_GENERATION,
	FORGED_TOP,
	ALL_ONES,
	POINTER,
	NR_CALLERS
};

static const char * const caller_names[NR_CALLERS] = {
	"owner", "foreign owner", "stale handle", "NULL", "forged mark",
	"forged generation", "forged top", "all ones", "a pointer",
};

static const int by_owner[NR_CALLS][NR_STATES] = {
/*			absent	 cached   held	   shared   lent    returned limbo */
[FREE] =	     { -ENOENT, -ENOENT, 0,	  0,	   -EBUSY, -EBUSY, -ENOENT },
[TRANSFER] =	     { -ENOENT, -ENOENT, 0,	  -EBUSY,  -EBUSY, -EBUSY, -ENOENT },
[TRANSFER_TO_SELF] = { -ENOENT, -ENOENT, 0,	  -EBUSY,  -EBUSY, -EBUSY, -ENOENT },
[TRANSFER_TO_DEAD] = { -ENOENT, -ENOENT, -EINVAL, -EINVAL, -EBUSY, -EBUSY, -ENOENT },
[RELEASE] =	     { -ENOENT, -ENOENT, 0,	  -EBUSY,  -EBUSY, -EBUSY, -ENOENT },
[RELEASE_LENT] =     { -ENOENT, -ENOENT, 0,	  -EBUSY,  0,	   0,	   -ENOENT },
[ADOPT] =	     { 0,	-EBUSY,	 -EBUSY,  -EBUSY,  -EBUSY, -EBUSY, -EBUSY },
[LEND] =	     { -ENOENT, -ENOENT, 0,	  -EBUSY,  -EBUSY, -EBUSY, -ENOENT },
[RECLAIM] =	     { -ENOENT, -ENOENT, 0,	  -EBUSY,  -EBUSY, 0,	   -ENOENT },
[OWNS] =	     { 0,	0,	 1,	  1,	   1,	   1,	   0 },
[QUERY] =	     { -ENOENT, 0,	 0,	  0,	   0,	   0,	   0 },
[ALLOC] =	     { 1,	1,	 1,	  1,	   1,	   1,	   1 },
[BULK] =	     { 2,	2,	 2,	  2,	   2,	   2,	   2 },
};

static const int by_foreign[NR_CALLS][NR_STATES] = {
[FREE] =	     { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[TRANSFER] =	     { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[TRANSFER_TO_SELF] = { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[TRANSFER_TO_DEAD] = { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[RELEASE] =	     { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[RELEASE_LENT] =     { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[ADOPT] =	     { 0,	-EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[LEND] =	     { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[RECLAIM] =	     { -ENOENT, -EPERM,	 -EPERM,  -EPERM,  -EPERM, -EPERM, -EPERM },
[OWNS] =	     { 0,	0,	 0,	  0,	   0,	   0,	   0 },
[QUERY] =	     { -ENOENT, 0,	 0,	  0,	   0,	   0,	   0 },
[ALLOC] =	     { 1,	1,	 1,	  1,	   1,	   1,	   1 },
[BULK] =	     { 2,	2,	 2,	  2,	   2,	   2,	   2 },
};

static int expected_answer(enum call call, enum state state, enum caller caller)
{
	if (caller == OWNER || call == QUERY)
		return by_owner[call][state];
	if (caller == FOREIGN)
		return by_foreign[call][state];
	return call < OWNS ? -EINVAL : 0;
}

/* The state and the references after a successful call; a call without a row changes neither. */
struct effect {
	bool changes;
	enum labyrinth_page_state state;
	int refs;
};

static const struct effect effects[NR_CALLS] = {
	[FREE] = { true, LABYRINTH_PAGE_CACHED, LAB_REFS_EXCLUSIVE },
	[TRANSFER] = { true, LABYRINTH_PAGE_HELD, LAB_REFS_EXCLUSIVE },
	[TRANSFER_TO_SELF] = { true, LABYRINTH_PAGE_HELD, LAB_REFS_EXCLUSIVE },
	[RELEASE] = { true, LABYRINTH_PAGE_ABSENT, 1 },
	[RELEASE_LENT] = { true, LABYRINTH_PAGE_ABSENT, 1 },
	[ADOPT] = { true, LABYRINTH_PAGE_HELD, LAB_REFS_EXCLUSIVE },
	[LEND] = { true, LABYRINTH_PAGE_LENT, LAB_REFS_LENT },
	[RECLAIM] = { true, LABYRINTH_PAGE_HELD, LAB_REFS_EXCLUSIVE },
};

#define NR_BULK		2
enum { MINE, OTHER, HEIR, NR_OWNERS };

/* The world of a test parameter: the owners, and the row's page in the row's state. */
struct world {
	struct labyrinth_owner *owners[NR_OWNERS];
	struct labyrinth_owner *stale;
	void *bystanders[NR_OWNERS];	/* a held page of each owner; no row names these pages */
	void *addr;
	int extra_refs;			/* the test's references to @addr */
	struct page *in_limbo[2 * NR_CALLERS];	/* pages of earlier rows */
	unsigned int nr_in_limbo;

	/* The row's call, and the results. */
	enum call call;
	struct labyrinth_owner *handle;
	void *got[NR_BULK];
	int answer;
};

struct world_view {
	struct page_view page;
	struct page_view bystanders[NR_OWNERS];
	struct census census[NR_OWNERS];
	int fails[NR_OWNERS];
};

static struct labyrinth_owner *handle_of(const struct world *w,
					 enum caller caller)
{
	unsigned long mine = (unsigned long)w->owners[MINE];

	switch (caller) {
	case OWNER:
		return w->owners[MINE];
	case FOREIGN:
		return w->owners[OTHER];
	case STALE:
		return w->stale;
	case FORGED_MARK:
		return (void *)(mine ^ 1);
	case FORGED_GENERATION:
		return (void *)(mine + BIT(LAB_OWNER_SLOT_SHIFT + LAB_OWNER_BITS));
	case FORGED_TOP:
		return (void *)(mine ^ BIT(63));
	case ALL_ONES:
		return (void *)~0UL;
	case POINTER:
		return (void *)w;
	default:
		return NULL;
	}
}

static int alloc_some(struct world *w, unsigned int wanted)
{
	unsigned int i, nr;

	if (w->call == BULK)
		nr = labyrinth_alloc_bulk(w->handle, wanted, w->got);
	else
		nr = !!(w->got[0] = alloc_exclusive(w->handle));
	for (i = 0; i < nr; i++)
		if (!labyrinth_owns(w->handle, w->got[i]))
			return -EILSEQ;
	return nr;
}

/* An errno, 0 for @right, or an errno that no call has for anything else. */
static int answer_of(const void *returned, const void *right)
{
	if (IS_ERR_OR_NULL(returned))
		return returned ? PTR_ERR(returned) : -EILSEQ;
	return returned == right ? 0 : -EILSEQ;
}

static int lend(struct world *w)
{
	struct page *page = virt_to_page(w->addr);
	int answer = answer_of(labyrinth_lend(w->handle, w->addr), page);

	w->extra_refs += !answer;
	return answer;
}

static int transfer(struct world *w, struct labyrinth_owner *to)
{
	return labyrinth_transfer(w->handle, to, w->addr);
}

static int query(struct world *w)
{
	struct labyrinth_page_info info;

	return labyrinth_query(w->addr, &info);
}

static int make_call(struct world *w)
{
	struct page *page = virt_to_page(w->addr);

	switch (w->call) {
	case FREE:
		return labyrinth_free_page(w->handle, w->addr);
	case TRANSFER:
		return transfer(w, w->owners[HEIR]);
	case TRANSFER_TO_SELF:
		return transfer(w, w->handle);
	case TRANSFER_TO_DEAD:
		return transfer(w, w->stale);
	case RELEASE:
		return answer_of(labyrinth_release(w->handle, w->addr), page);
	case RELEASE_LENT:
		return answer_of(labyrinth_release_lent(w->handle, w->addr),
				 page);
	case ADOPT:
		return answer_of(labyrinth_adopt(w->handle, page), w->addr);
	case LEND:
		return lend(w);
	case RECLAIM:
		return labyrinth_reclaim(w->handle, w->addr);
	case OWNS:
		return labyrinth_owns(w->handle, w->addr);
	case QUERY:
		return query(w);
	case ALLOC:
	case BULK:
		return alloc_some(w, NR_BULK);
	case DESTROY:
		return labyrinth_owner_destroy(w->handle);
	default:
		return -EILSEQ;
	}
}

static void call_in_context(void *arg)
{
	struct world *w = arg;

	w->answer = make_call(w);
}

static void take_ref(struct world *w)
{
	get_page(virt_to_page(w->addr));
	w->extra_refs++;
}

static void drop_ref(struct world *w)
{
	w->extra_refs--;
	put_page(virt_to_page(w->addr));
}

static bool is_in_limbo(void *addr)
{
	struct labyrinth_page_info info;

	return !labyrinth_query(addr, &info) &&
	       info.state == LABYRINTH_PAGE_LIMBO;
}

/* A page that the owner freed while somebody else had a reference. */
static void make_limbo(struct kunit *test, struct world *w)
{
	w->addr = make_page(test, w->owners[MINE]);
	fill_page(w->addr, LIMBO);
	take_ref(w);
	KUNIT_ASSERT_EQ(test, labyrinth_free_page(w->owners[MINE], w->addr), 0);
	KUNIT_ASSERT_TRUE(test, is_in_limbo(w->addr));
}

static void make_absent(struct kunit *test, struct world *w)
{
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	w->addr = page_address(page);
	fill_page(w->addr, ABSENT);
}

static void make_lent(struct kunit *test, struct world *w)
{
	struct page *page = labyrinth_lend(w->owners[MINE], w->addr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, page);
	w->extra_refs++;
}

/* Brings a page into @state: @w->addr. */
static void make_state(struct kunit *test, struct world *w, enum state state)
{
	w->extra_refs = 0;
	if (state == ABSENT)
		return make_absent(test, w);
	if (state == LIMBO)
		return make_limbo(test, w);
	w->addr = make_page(test, w->owners[MINE]);
	fill_page(w->addr, state);
	if (state == CACHED)
		KUNIT_ASSERT_EQ(test, labyrinth_free_page(w->owners[MINE],
							  w->addr), 0);
	if (state == SHARED)
		take_ref(w);
	if (state == LENT || state == RETURNED)
		make_lent(test, w);
	if (state == RETURNED)
		drop_ref(w);
}

static struct labyrinth_owner *owner_by_id(const struct world *w,
					   unsigned int id)
{
	int i;

	for (i = 0; i < NR_OWNERS; i++)
		if (lab_owner_id(lab_owner_slot(w->owners[i])) == id)
			return w->owners[i];
	return NULL;
}

/* Gives the row's page back, from any state that the call may have led to. */
static void end_page(struct kunit *test, struct world *w)
{
	struct labyrinth_page_info info;
	struct labyrinth_owner *owner;

	/* The limbo worker must not change the counts between two views. */
	if (is_in_limbo(w->addr)) {
		w->in_limbo[w->nr_in_limbo++] = virt_to_page(w->addr);
		return;
	}
	while (w->extra_refs)
		drop_ref(w);
	if (labyrinth_query(w->addr, &info))
		return __free_page(virt_to_page(w->addr));
	owner = owner_by_id(w, info.owner_id);
	if (info.state == LABYRINTH_PAGE_LENT)
		KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, w->addr), 0);
	if (labyrinth_owns(owner, w->addr))
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, w->addr), 0);
}

static void end_got(struct kunit *test, struct world *w)
{
	int i;

	for (i = 0; i < NR_BULK; i++)
		if (w->got[i] && w->got[i] != w->addr)
			KUNIT_EXPECT_EQ(test,
					labyrinth_free_page(w->handle,
							    w->got[i]), 0);
	memset(w->got, 0, sizeof(w->got));
}

static int count_fails(const struct labyrinth_owner *handle)
{
	int fail, nr = 0;

	for (fail = 0; fail < LAB_NR_FAILS; fail++)
		nr += atomic_read(&lab_owner_slot(handle)->fails[fail]);
	return nr;
}

static void view_world(const struct world *w, struct world_view *view)
{
	int i;

	view->page = view_page(w->addr);
	for (i = 0; i < NR_OWNERS; i++) {
		view->bystanders[i] = view_page(w->bystanders[i]);
		view->census[i] = count_tags(w->owners[i]);
		view->fails[i] = count_fails(w->owners[i]);
	}
}

/* Moves the row's page, in the expected census, from the old owner and state to those of @to. */
static void expect_move(const struct world *w, struct world_view *expected,
			const struct page_view *to)
{
	const struct page_view *from = &expected->page;
	int i;

	for (i = 0; i < NR_OWNERS; i++) {
		unsigned int id = lab_owner_id(lab_owner_slot(w->owners[i]));

		if (!from->err && from->owner_id == id)
			expected->census[i].nr[from->state]--;
		if (!to->err && to->owner_id == id)
			expected->census[i].nr[to->state]++;
	}
}

static unsigned int owner_id_after(const struct world *w,
				   const struct page_view *before)
{
	if (w->call == RELEASE || w->call == RELEASE_LENT)
		return 0;
	if (w->call == TRANSFER)
		return lab_owner_id(lab_owner_slot(w->owners[HEIR]));
	if (w->call == ADOPT)
		return lab_owner_id(lab_owner_slot(w->handle));
	return before->owner_id;
}

/* Changes @expected, the view before the row's call, to the view that the call must lead to. */
static void expect_effect(const struct world *w, struct world_view *expected,
			  const struct world_view *after)
{
	const struct effect *effect = &effects[w->call];
	struct page_view page = expected->page;

	page.err = effect->state == LABYRINTH_PAGE_ABSENT ? -ENOENT : 0;
	page.owner_id = owner_id_after(w, &page);
	page.state = effect->state;
	page.refs = effect->refs;
	/* Borrowers, and others with a reference, keep their references. */
	if (w->call == RELEASE_LENT || w->call == FREE)
		page.refs += w->extra_refs;
	if (w->call == FREE && w->extra_refs)
		page.state = LABYRINTH_PAGE_LIMBO;
	page.offline = page.state == LABYRINTH_PAGE_CACHED ||
		       page.state == LABYRINTH_PAGE_LIMBO ||
		       page.state == LABYRINTH_PAGE_HELD;
	/* Another suite tests the time and the site of the allocation. */
	page.site = after->page.site;
	expect_move(w, expected, &page);
	expected->page = page;
}

static void expect_same_counts(struct kunit *test, const struct world_view *was,
			       const struct world_view *is, const char *what)
{
	int i, state;

	for (i = 0; i < NR_OWNERS; i++) {
		for (state = 0; state < LAB_NR_STATES; state++)
			KUNIT_EXPECT_EQ_MSG(test, is->census[i].nr[state],
					    was->census[i].nr[state],
					    "%s: state %d of owner %d", what,
					    state, i);
		KUNIT_EXPECT_EQ_MSG(test, is->fails[i], was->fails[i], "%s",
				    what);
		expect_same_page(test, &was->bystanders[i], &is->bystanders[i],
				 what);
	}
}

/* Each owner's counts must equal the number of the owner's tags in the table. */
static void expect_true_counts(struct kunit *test, const struct world *w,
			       const struct world_view *view, const char *what)
{
	int i, state;

	for (i = 0; i < NR_OWNERS; i++) {
		struct lab_owner *owner = lab_owner_slot(w->owners[i]);
		const unsigned int *nr = view->census[i].nr;
		unsigned int pages = 0;

		for (state = 0; state < LAB_NR_STATES; state++)
			pages += nr[state];
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&owner->pages), pages,
				    "%s: owner %d", what, i);
		if (owner->max_pages)
			KUNIT_EXPECT_EQ_MSG(test, atomic_read(&owner->held),
					    nr[LAB_HELD] + nr[LAB_LENT] +
					    nr[LAB_MAPPED] + nr[LAB_POSTED],
					    "%s: owner %d", what, i);
	}
}

static bool is_alloc(enum call call)
{
	return call == ALLOC || call == BULK;
}

/*
 * An allocation takes pages from the cache and may refill the cache, so the census changes. The
 * row's page must be unchanged, unless that page was in the cache.
 */
static void expect_alloc(struct kunit *test, const struct world *w,
			 const struct world_view *before,
			 const struct world_view *after, const char *what)
{
	unsigned int i, was = 0, is = 0;

	for (i = 0; i < NR_OWNERS; i++) {
		was += before->census[i].nr[LAB_HELD];
		is += after->census[i].nr[LAB_HELD];
	}
	KUNIT_EXPECT_EQ_MSG(test, is, was + w->answer, "%s", what);
	if (before->page.state != LABYRINTH_PAGE_CACHED)
		expect_same_page(test, &before->page, &after->page, what);
}

static void judge(struct kunit *test, const struct world *w,
		  struct world_view *before, const struct world_view *after,
		  const char *what)
{
	if (is_alloc(w->call) && w->answer > 0)
		return expect_alloc(test, w, before, after, what);
	if (effects[w->call].changes && !w->answer)
		expect_effect(w, before, after);
	expect_same_page(test, &before->page, &after->page, what);
	expect_same_counts(test, before, after, what);
}

static void run_row(struct kunit *test, struct world *w,
		    enum test_context context, enum state state,
		    enum caller caller)
{
	struct world_view *views = kunit_kcalloc(test, 2, sizeof(*views),
						 GFP_KERNEL);
	char what[80];

	KUNIT_ASSERT_NOT_NULL(test, views);
	snprintf(what, sizeof(what), "%s of a page %s by %s",
		 call_names[w->call], state_names[state], caller_names[caller]);
	make_state(test, w, state);
	w->handle = handle_of(w, caller);
	view_world(w, &views[0]);
	KUNIT_EXPECT_TRUE(test, context_run(context, call_in_context, w));
	KUNIT_EXPECT_EQ_MSG(test, w->answer,
			    expected_answer(w->call, state, caller), "%s", what);
	view_world(w, &views[1]);
	judge(test, w, &views[0], &views[1], what);
	expect_true_counts(test, w, &views[1], what);
	kunit_kfree(test, views);
	end_got(test, w);
	end_page(test, w);
}

/* Destroy may sleep, and with a live handle would end an owner that later rows need. */
static bool is_possible(enum call call, enum test_context context,
			enum caller caller)
{
	return call != DESTROY || (context == IN_TASK && caller >= STALE);
}

static void run_states_and_callers(struct kunit *test, struct world *w,
				   enum test_context context)
{
	enum state state;
	enum caller caller;

	for (state = 0; state < NR_STATES; state++)
		for (caller = 0; caller < NR_CALLERS; caller++)
			if (is_possible(w->call, context, caller))
				run_row(test, w, context, state, caller);
}

struct setting {
	enum test_context context;
	const char *kind;
	unsigned long flags;
	unsigned int max_pages;	/* never reached, but counted */
};

#define AMPLE	(10 * LAB_SINGLE_MAX)

static const struct setting settings[] = {
	{ IN_TASK, "any" },
	{ IN_TASK, "single", LABYRINTH_OWNER_SINGLE },
	{ IN_TASK, "quota", 0, AMPLE },
	{ IN_TASK, "single, quota", LABYRINTH_OWNER_SINGLE, AMPLE },
	{ IN_SOFTIRQ, "any" },
	{ IN_SOFTIRQ, "single", LABYRINTH_OWNER_SINGLE },
	{ IN_SOFTIRQ, "quota", 0, AMPLE },
	{ IN_SOFTIRQ, "single, quota", LABYRINTH_OWNER_SINGLE, AMPLE },
	{ IN_HARDIRQ, "any" },
	{ IN_HARDIRQ, "single", LABYRINTH_OWNER_SINGLE },
	{ IN_HARDIRQ, "quota", 0, AMPLE },
	{ IN_HARDIRQ, "single, quota", LABYRINTH_OWNER_SINGLE, AMPLE },
};

static void setting_desc(const struct setting *setting, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s",
		 context_name(setting->context), setting->kind);
}

KUNIT_ARRAY_PARAM(setting, settings, setting_desc);

static struct world *make_world(struct kunit *test,
				const struct setting *setting)
{
	static const char * const names[NR_OWNERS] = {
		"kunit-mine", "kunit-other", "kunit-heir",
	};
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->stale = make_stale(test);
	for (i = 0; i < NR_OWNERS; i++) {
		w->owners[i] = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
			.name = names[i], .nid = NUMA_NO_NODE,
			.flags = setting->flags,
			.max_pages = setting->max_pages,
		});
		w->bystanders[i] = make_page(test, w->owners[i]);
		fill_page(w->bystanders[i], 100 + i);
	}
	return w;
}

static void end_world(struct kunit *test, struct world *w)
{
	int i;

	for (i = 0; i < NR_OWNERS; i++) {
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(w->owners[i],
							  w->bystanders[i]), 0);
		KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(w->owners[i]), 0);
	}
	while (w->nr_in_limbo)
		put_page(w->in_limbo[--w->nr_in_limbo]);
}

static void run_call(struct kunit *test, enum call call)
{
	const struct setting *setting = test->param_value;
	struct world *w = make_world(test, setting);

	w->call = call;
	run_states_and_callers(test, w, setting->context);
	end_world(test, w);
}

#define API_CASE(name, call)						\
static void name(struct kunit *test)					\
{									\
	run_call(test, call);						\
}

API_CASE(free_page_answers, FREE)
API_CASE(transfer_answers, TRANSFER)
API_CASE(transfer_to_self_answers, TRANSFER_TO_SELF)
API_CASE(transfer_to_dead_answers, TRANSFER_TO_DEAD)
API_CASE(release_answers, RELEASE)
API_CASE(release_lent_answers, RELEASE_LENT)
API_CASE(adopt_answers, ADOPT)
API_CASE(lend_answers, LEND)
API_CASE(reclaim_answers, RECLAIM)
API_CASE(owns_answers, OWNS)
API_CASE(query_answers, QUERY)
API_CASE(alloc_answers, ALLOC)
API_CASE(alloc_bulk_answers, BULK)
API_CASE(destroy_answers, DESTROY)

/* The last case: no page of the cases above stays in limbo. */
static void limbo_is_empty_in_the_end(struct kunit *test)
{
	context_count_task();
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
}

static struct kunit_case api_cases[] = {
	KUNIT_CASE_PARAM(free_page_answers, setting_gen_params),
	KUNIT_CASE_PARAM(transfer_answers, setting_gen_params),
	KUNIT_CASE_PARAM(transfer_to_self_answers, setting_gen_params),
	KUNIT_CASE_PARAM(transfer_to_dead_answers, setting_gen_params),
	KUNIT_CASE_PARAM(release_answers, setting_gen_params),
	KUNIT_CASE_PARAM(release_lent_answers, setting_gen_params),
	KUNIT_CASE_PARAM(adopt_answers, setting_gen_params),
	KUNIT_CASE_PARAM(lend_answers, setting_gen_params),
	KUNIT_CASE_PARAM(reclaim_answers, setting_gen_params),
	KUNIT_CASE_PARAM(owns_answers, setting_gen_params),
	KUNIT_CASE_PARAM(query_answers, setting_gen_params),
	KUNIT_CASE_PARAM(alloc_answers, setting_gen_params),
	KUNIT_CASE_PARAM(alloc_bulk_answers, setting_gen_params),
	KUNIT_CASE_PARAM(destroy_answers, setting_gen_params),
	KUNIT_CASE(limbo_is_empty_in_the_end),
	{}
};

static struct kunit_suite api_suite = {
	.name = "labyrinth_api",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.test_cases = api_cases,
};

kunit_test_suite(api_suite);
