// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: the arguments of create, the effects of the attributes, and the end.
 */
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/task.h>

#include "../../core/owner.h"
#include "../../core/table.h"
#include "../../labyrinth_alloc.h"
#include "../../page/limbo.h"
#include "../../report/report.h"

#include "context.h"
#include "fixture.h"

static struct lab_owner *slot_of(const struct labyrinth_owner *handle)
{
	return lab_owner_slot(handle);
}

static int fails_of(const struct labyrinth_owner *handle, enum lab_fail fail)
{
	return atomic_read(&slot_of(handle)->fails[fail]);
}

static struct labyrinth_owner *make_quota(struct kunit *test, unsigned int max)
{
	return make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-quota", .nid = NUMA_NO_NODE, .max_pages = max,
	});
}

/* Creation. */

struct bad_attrs {
	const char *what;
	struct labyrinth_owner_attrs attrs;
};

static const struct bad_attrs bad_attrs[] = {
	{ "no name", { .nid = NUMA_NO_NODE } },
	{ "empty name", { .name = "", .nid = NUMA_NO_NODE } },
	{ "unknown flag", { .name = "x", .nid = NUMA_NO_NODE, .flags = BIT(2) } },
	{ "top flag", { .name = "x", .nid = NUMA_NO_NODE, .flags = BIT(63) } },
	{ "reserve", { .name = "x", .nid = NUMA_NO_NODE, .reserve = 1U << 31 } },
	{ "negative node", { .name = "x", .nid = -2 } },
	{ "node beyond all", { .name = "x", .nid = MAX_NUMNODES } },
	{ "huge node", { .name = "x", .nid = INT_MAX } },
};

static void bad_attrs_desc(const struct bad_attrs *bad, char *desc)
{
	strscpy(desc, bad->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_attrs, bad_attrs, bad_attrs_desc);

static void bad_attribute_is_refused(struct kunit *test)
{
	const struct bad_attrs *bad = test->param_value;

	KUNIT_EXPECT_EQ(test, PTR_ERR(labyrinth_owner_create(&bad->attrs)),
			-EINVAL);
}

static void no_attributes_are_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(labyrinth_owner_create(NULL)), -EINVAL);
}

struct creation {
	struct labyrinth_owner_attrs attrs;
	struct labyrinth_owner *owner;
};

static void create_here(void *arg)
{
	struct creation *creation = arg;

	creation->owner = labyrinth_owner_create(&creation->attrs);
}

/* What a driver then does without: create has brought nothing that would have to go. */
static void sealed_owner_is_refused_where_no_page_is_sealed(struct kunit *test)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "sealed", .nid = NUMA_NO_NODE, .reserve = 1,
		.flags = LABYRINTH_OWNER_SEALED,
	};
	unsigned long used = lab_table_used(&labyrinth_hot.table);

	if (IS_ENABLED(CONFIG_X86_64) && !IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "pages are sealed here");
	KUNIT_EXPECT_PTR_EQ(test, labyrinth_owner_create(&attrs),
			    (struct labyrinth_owner *)ERR_PTR(-EOPNOTSUPP));
	KUNIT_EXPECT_EQ(test, lab_table_used(&labyrinth_hot.table), used);
}

/* Create sleeps: in an interrupt create must refuse before any sleep. */
static void create_in_an_interrupt_is_refused(struct kunit *test)
{
	struct creation c = {
		.attrs = { .name = "kunit-irq", .nid = NUMA_NO_NODE },
	};
	enum test_context context;

	for (context = IN_SOFTIRQ; context < NR_CONTEXTS; context++) {
		KUNIT_EXPECT_TRUE(test, context_run(context, create_here, &c));
		KUNIT_EXPECT_EQ(test, PTR_ERR(c.owner), -EINVAL);
	}
}

static void long_name_is_cut(struct kunit *test)
{
	static const char name[] = "0123456789abcdef0123456789abcdef01234567";
	struct labyrinth_owner *owner = make_owner(test, name, 0);
	void *addr = make_page(test, owner);
	struct labyrinth_page_info info;

	KUNIT_ASSERT_EQ(test, labyrinth_query(addr, &info), 0);
	KUNIT_EXPECT_EQ(test, strnlen(info.owner, LABYRINTH_NAME_LEN),
			LABYRINTH_NAME_LEN - 1);
	KUNIT_EXPECT_EQ(test, strncmp(info.owner, name,
				      LABYRINTH_NAME_LEN - 1), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/* The name is copied: a later change of the caller's string changes no name. */
static void name_is_copied(struct kunit *test)
{
	char name[] = "kunit-before";
	struct labyrinth_owner *owner = make_owner(test, name, 0);

	memcpy(name, "kunit-after", sizeof("kunit-after"));
	KUNIT_EXPECT_STREQ(test, slot_of(owner)->name, "kunit-before");
}

/* Names are printed to logs and tables, and a process may have chosen a name. */
static void name_is_made_printable(struct kunit *test)
{
	struct labyrinth_owner *owner;

	owner = make_owner(test, "x\nBUG: \x1b[2J\x7f \xc3\xa4\x80\xff\ty~", 0);
	KUNIT_EXPECT_STREQ(test, slot_of(owner)->name, "x?BUG: ?[2J? ?????y~");
}

static void query_names_the_maker(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-maker", 0);
	void *addr = make_page(test, owner);
	struct labyrinth_page_info info;
	/* The compiler is told -DMODULE for the code of a module. */
	const char *module = IS_BUILTIN(MODULE) ? KBUILD_MODNAME : "kernel";

	KUNIT_ASSERT_EQ(test, labyrinth_query(addr, &info), 0);
	KUNIT_EXPECT_STREQ(test, info.owner, "kunit-maker");
	KUNIT_EXPECT_STREQ(test, info.module, module);
	KUNIT_EXPECT_EQ(test, info.owner_id, lab_owner_id(slot_of(owner)));
	KUNIT_EXPECT_EQ(test, info.pfn, page_to_pfn(virt_to_page(addr)));
	KUNIT_EXPECT_EQ(test, info.refs, LAB_REFS_EXCLUSIVE);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/* Slots and generations. */

struct crowd {
	struct labyrinth_owner **owners;
	unsigned int nr;
	long err;		/* of the create that failed */
};

static const struct labyrinth_owner_attrs single_attrs = {
	.name = "kunit-crowd", .nid = NUMA_NO_NODE,
	.flags = LABYRINTH_OWNER_SINGLE,
};

/* Takes every free slot. */
static struct crowd make_crowd(struct kunit *test)
{
	struct crowd c = {};

	c.owners = kunit_kcalloc(test, lab_owners.nr + 1, sizeof(*c.owners),
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c.owners);
	while (c.nr <= lab_owners.nr) {
		struct labyrinth_owner *owner;

		owner = labyrinth_owner_create(&single_attrs);
		c.err = PTR_ERR_OR_ZERO(owner);
		if (c.err)
			break;
		c.owners[c.nr++] = owner;
	}
	return c;
}

static void end_crowd(struct crowd *c)
{
	while (c->nr)
		labyrinth_owner_destroy(c->owners[--c->nr]);
}

static void slots_run_out_and_come_back(struct kunit *test)
{
	struct crowd first = make_crowd(test);
	unsigned int nr = first.nr;
	struct crowd second;

	end_crowd(&first);
	second = make_crowd(test);
	KUNIT_EXPECT_EQ(test, first.err, -ENOSPC);
	KUNIT_EXPECT_GT(test, nr, 0);
	KUNIT_EXPECT_LE(test, nr, lab_owners.nr);
	KUNIT_EXPECT_EQ(test, second.nr, nr);
	end_crowd(&second);
}

#define LIVES	300

/* With a single slot free, every new owner is the next life of that slot. */
static void no_handle_of_an_earlier_life_works(struct kunit *test)
{
	struct crowd crowd = make_crowd(test);
	struct labyrinth_owner **old;
	struct labyrinth_owner *owner = NULL;
	unsigned int id, i, wrong = 0;
	void *addr;

	old = kunit_kcalloc(test, LIVES, sizeof(*old), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, old);
	KUNIT_ASSERT_GT(test, crowd.nr, 0);
	owner = crowd.owners[crowd.nr - 1];
	id = lab_owner_id(slot_of(owner));
	for (i = 0; i < LIVES; i++) {
		old[i] = owner;
		labyrinth_owner_destroy(owner);
		owner = labyrinth_owner_create(&single_attrs);
		if (IS_ERR(owner) || lab_owner_id(slot_of(owner)) != id)
			break;
	}
	KUNIT_EXPECT_EQ(test, i, LIVES);
	crowd.owners[crowd.nr - 1] = owner;
	addr = alloc_exclusive(owner);
	KUNIT_EXPECT_NOT_NULL(test, addr);
	while (i--)
		wrong += old[i] == owner || labyrinth_owns(old[i], addr) ||
			 alloc_exclusive(old[i]) ||
			 labyrinth_free_page(old[i], addr) != -EINVAL ||
			 labyrinth_owner_destroy(old[i]);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_TRUE(test, labyrinth_owns(owner, addr));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
	end_crowd(&crowd);
}

#define SECRET_BITS	32

/* How often each bit of a handle differs from that of the handle made before. */
static void count_flips(unsigned int flips[BITS_PER_LONG])
{
	unsigned long handle, last = 0;
	unsigned int i, bit;

	for (i = 0; i <= LIVES; i++) {
		struct labyrinth_owner *owner = labyrinth_owner_create(&single_attrs);

		handle = (unsigned long)owner;
		labyrinth_owner_destroy(owner);
		for (bit = 0; bit < BITS_PER_LONG && i; bit++)
			flips[bit] += (handle ^ last) >> bit & 1;
		last = handle;
	}
}

/*
 * A bit that cannot be guessed flips in half of the cases: 150 of 300, and, but once in
 * 10^12 times, more than 90 and fewer than 210. The owner's id is no secret.
 */
static void handle_cannot_be_guessed(struct kunit *test)
{
	unsigned int flips[BITS_PER_LONG] = {};
	unsigned int bit, secret = 0;

	count_flips(flips);
	for (bit = 0; bit < BITS_PER_LONG; bit++)
		if ((bit < LAB_OWNER_SLOT_SHIFT || bit >= LAB_OWNER_SLOT_SHIFT + LAB_OWNER_BITS) &&
		    flips[bit] > LIVES * 3 / 10 && flips[bit] < LIVES * 7 / 10)
			secret++;
	KUNIT_EXPECT_GE(test, secret, SECRET_BITS);
}

/* A slot that is nobody's has no handle, not even 0. */
static void free_slots_have_no_handle(struct kunit *test)
{
	unsigned long id;

	for (id = 0; id < lab_owners.nr; id++) {
		struct labyrinth_owner *handle;

		if (lab_owners.slots[id].phase != LAB_PHASE_FREE)
			continue;
		handle = (void *)(id << LAB_OWNER_SLOT_SHIFT);
		KUNIT_EXPECT_PTR_EQ(test, lab_owner_slot(handle),
				    &lab_owners.slots[id]);
		KUNIT_EXPECT_NULL(test, alloc_exclusive(handle));
	}
}

/* Quota. */

#define QUOTA	5

static void quota_is_exact(struct kunit *test)
{
	struct labyrinth_owner *owner = make_quota(test, QUOTA);
	void *addrs[QUOTA + 1];
	int i;

	for (i = 0; i < QUOTA; i++)
		addrs[i] = make_page(test, owner);
	KUNIT_EXPECT_NULL(test, alloc_exclusive(owner));
	KUNIT_EXPECT_EQ(test, fails_of(owner, LAB_FAIL_QUOTA), 1);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addrs[0]), 0);
	KUNIT_EXPECT_NOT_NULL(test, addrs[0] = alloc_exclusive(owner));
	KUNIT_EXPECT_NULL(test, alloc_exclusive(owner));
	KUNIT_EXPECT_EQ(test, fails_of(owner, LAB_FAIL_QUOTA), 2);
	for (i = 0; i < QUOTA; i++)
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addrs[i]), 0);
}

static void greatest_quota_is_as_good_as_none(struct kunit *test)
{
	struct labyrinth_owner *owner = make_quota(test, UINT_MAX);
	void *addr = make_page(test, owner);

	KUNIT_EXPECT_EQ(test, fails_of(owner, LAB_FAIL_QUOTA), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

static void bulk_stops_at_the_quota(struct kunit *test)
{
	struct labyrinth_owner *owner = make_quota(test, QUOTA);
	void *addrs[2 * QUOTA] = {};
	unsigned int nr = labyrinth_alloc_bulk(owner, 2 * QUOTA, addrs);

	KUNIT_EXPECT_EQ(test, nr, QUOTA);
	KUNIT_EXPECT_EQ(test, fails_of(owner, LAB_FAIL_QUOTA), 1);
	while (nr--)
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addrs[nr]), 0);
}

static void transfer_into_full_quota_is_refused(struct kunit *test)
{
	struct labyrinth_owner *from = make_owner(test, "kunit-from", 0);
	struct labyrinth_owner *to = make_quota(test, 1);
	void *addr = make_page(test, from);
	void *full = make_page(test, to);

	KUNIT_EXPECT_EQ(test, labyrinth_transfer(from, to, addr), -ENOSPC);
	KUNIT_EXPECT_TRUE(test, labyrinth_owns(from, addr));
	KUNIT_EXPECT_EQ(test, fails_of(to, LAB_FAIL_QUOTA), 1);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(to, full), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_transfer(from, to, addr), 0);
	KUNIT_EXPECT_TRUE(test, labyrinth_owns(to, addr));
	KUNIT_EXPECT_NULL(test, alloc_exclusive(to));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(to, addr), 0);
}

static void adopt_into_full_quota_is_refused(struct kunit *test)
{
	struct labyrinth_owner *owner = make_quota(test, 1);
	void *full = make_page(test, owner);
	struct page *page = alloc_page(GFP_KERNEL);
	void *addr;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, PTR_ERR(labyrinth_adopt(owner, page)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	KUNIT_EXPECT_FALSE(test, PageOffline(page));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, full), 0);
	addr = labyrinth_adopt(owner, page);
	KUNIT_EXPECT_PTR_EQ(test, addr, page_address(page));
	KUNIT_EXPECT_NULL(test, alloc_exclusive(owner));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/* Release and transfer, as a free, take a page off the owner, and make room for another page. */
static void release_and_transfer_give_room(struct kunit *test)
{
	struct labyrinth_owner *owner = make_quota(test, 1);
	struct labyrinth_owner *heir = make_owner(test, "kunit-heir", 0);
	void *addr = make_page(test, owner);
	struct page *page = labyrinth_release(owner, addr);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, page);
	__free_page(page);
	addr = make_page(test, owner);
	KUNIT_EXPECT_EQ(test, labyrinth_transfer(owner, heir, addr), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(heir, addr), 0);
	addr = make_page(test, owner);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/* Reserve, zeroing, peak. */

static void reserve_is_filled_at_creation(struct kunit *test)
{
	struct labyrinth_owner *owner;

	owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-reserve", .nid = NUMA_NO_NODE, .reserve = 37,
	});
	KUNIT_EXPECT_EQ(test, atomic_read(&slot_of(owner)->reserve_held), 37);
	KUNIT_EXPECT_EQ(test, count_tags(owner).nr[LAB_CACHED], 37);
	KUNIT_EXPECT_EQ(test, atomic_read(&slot_of(owner)->pages), 37);
}

static bool is_zeroed(const void *addr)
{
	return addr && !memchr_inv(addr, 0, PAGE_SIZE);
}

static const unsigned long zero_flags[] = {
	LABYRINTH_OWNER_ZERO,
	LABYRINTH_OWNER_ZERO | LABYRINTH_OWNER_SINGLE,
};

static void zero_desc(const unsigned long *flags, char *desc)
{
	strscpy(desc, *flags & LABYRINTH_OWNER_SINGLE ? "single" : "any",
		KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(zero, zero_flags, zero_desc);

static struct labyrinth_owner *make_zero_owner(struct kunit *test)
{
	return make_owner(test, "kunit-zero",
			  *(const unsigned long *)test->param_value);
}

#define DIRTY_PAGES	40

/* More pages than a single refill brings, so both fresh and recycled pages are seen. */
static void zero_owner_gets_zeroed_pages(struct kunit *test)
{
	struct labyrinth_owner *owner = make_zero_owner(test);
	void *addrs[DIRTY_PAGES];
	int round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < DIRTY_PAGES; i++) {
			addrs[i] = make_page(test, owner);
			KUNIT_EXPECT_TRUE(test, is_zeroed(addrs[i]));
			memset(addrs[i], 0x5a, PAGE_SIZE);
		}
		while (i--)
			KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner,
								  addrs[i]), 0);
	}
}

/* A page that came dirty from outside is freed, and then is the next page handed out. */
static void zero_owner_cleans_what_it_was_given(struct kunit *test)
{
	struct labyrinth_owner *owner = make_zero_owner(test);
	struct labyrinth_owner *from = make_owner(test, "kunit-dirty", 0);
	struct page *page = alloc_page(GFP_KERNEL);
	void *addr = make_page(test, from);
	void *again;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(addr, 0x5a, PAGE_SIZE);
	memset(page_address(page), 0x5a, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, labyrinth_transfer(from, owner, addr), 0);
	KUNIT_ASSERT_EQ(test, labyrinth_free_page(owner, addr), 0);
	again = make_page(test, owner);
	KUNIT_EXPECT_PTR_EQ(test, again, addr);
	KUNIT_EXPECT_TRUE(test, is_zeroed(again));
	addr = labyrinth_adopt(owner, page);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, addr);
	KUNIT_ASSERT_EQ(test, labyrinth_free_page(owner, addr), 0);
	KUNIT_EXPECT_TRUE(test, is_zeroed(make_page(test, owner)));
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 2);
}

static void peak_is_the_most_there_ever_was(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-peak", 0);
	struct lab_owner *slot = slot_of(owner);
	void *addrs[100];
	unsigned int nr = labyrinth_alloc_bulk(owner, 100, addrs);
	int peak = atomic_read(&slot->peak);

	KUNIT_EXPECT_EQ(test, nr, 100);
	KUNIT_EXPECT_GE(test, peak, 100);
	KUNIT_EXPECT_EQ(test, peak, atomic_read(&slot->pages));
	while (nr--)
		__free_page(labyrinth_release(owner, addrs[nr]));
	KUNIT_EXPECT_EQ(test, atomic_read(&slot->pages), peak - 100);
	KUNIT_EXPECT_EQ(test, atomic_read(&slot->peak), peak);
}

/* The bound thread. */

struct bound {
	struct labyrinth_owner *owner;
	struct labyrinth_owner *heir;
	void *addr;
	void *got;
	unsigned int wrong;	/* calls that were not refused with -EPERM */
};

static struct bound make_bound(struct kunit *test)
{
	struct bound b = { .heir = make_owner(test, "kunit-heir", 0) };

	b.owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-bound", .nid = NUMA_NO_NODE, .task = current,
	});
	b.addr = make_page(test, b.owner);
	return b;
}

static void try_bound(void *arg)
{
	struct bound *b = arg;

	b->got = alloc_exclusive(b->owner);
	b->wrong = (labyrinth_free_page(b->owner, b->addr) != -EPERM) +
		   (labyrinth_transfer(b->owner, b->heir, b->addr) != -EPERM) +
		   (PTR_ERR(labyrinth_release(b->owner, b->addr)) != -EPERM) +
		   (PTR_ERR(labyrinth_lend(b->owner, b->addr)) != -EPERM) +
		   (labyrinth_reclaim(b->owner, b->addr) != -EPERM) +
		   (PTR_ERR(labyrinth_adopt(b->owner,
					    virt_to_page(b->addr))) != -EPERM);
}

static void expect_refused(struct kunit *test, struct bound *b)
{
	KUNIT_EXPECT_NULL(test, b->got);
	KUNIT_EXPECT_EQ(test, b->wrong, 0);
	KUNIT_EXPECT_EQ(test, fails_of(b->owner, LAB_FAIL_THREAD), 1);
	KUNIT_EXPECT_TRUE(test, labyrinth_owns(b->owner, b->addr));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(b->owner, b->addr), 0);
}

static void bound_thread_may(struct kunit *test)
{
	struct bound b = make_bound(test);

	KUNIT_EXPECT_EQ(test, labyrinth_transfer(b.owner, b.heir, b.addr), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_transfer(b.heir, b.owner, b.addr), 0);
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(b.owner, b.addr), 0);
}

static void interrupt_over_the_bound_thread_may_not(struct kunit *test)
{
	enum test_context context;

	for (context = IN_SOFTIRQ; context < NR_CONTEXTS; context++) {
		struct bound b = make_bound(test);

		KUNIT_EXPECT_TRUE(test, context_run(context, try_bound, &b));
		expect_refused(test, &b);
	}
}

static int bound_kthread(void *arg)
{
	try_bound(arg);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void another_thread_may_not(struct kunit *test)
{
	struct bound b = make_bound(test);
	struct task_struct *thread;

	b.wrong = UINT_MAX;
	thread = kthread_create(bound_kthread, &b, "labyrinth-kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	wake_up_process(thread);
	while (READ_ONCE(b.wrong) == UINT_MAX)
		usleep_range(1000, 2000);
	kthread_stop(thread);
	expect_refused(test, &b);
}

/* The thread that transfers a page need not be the thread that the new owner is bound to. */
static void anyone_may_transfer_to_a_bound_owner(struct kunit *test)
{
	struct labyrinth_owner *from = make_owner(test, "kunit-from", 0);
	void *addr = make_page(test, from);
	struct labyrinth_owner *to;

	to = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-bound", .nid = NUMA_NO_NODE, .task = &init_task,
	});
	KUNIT_EXPECT_EQ(test, labyrinth_transfer(from, to, addr), 0);
	KUNIT_EXPECT_TRUE(test, labyrinth_owns(to, addr));
	KUNIT_EXPECT_EQ(test, labyrinth_transfer(to, from, addr), -EPERM);
	/* Any thread may destroy a bound owner. */
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(to), 1);
}

/* References and the end. */

static void device_is_referenced_while_the_owner_lives(struct kunit *test)
{
	/* In 6.1 a module's suites run before a link in sysfs can lead to the module. */
	struct device *dev = __root_device_register("labyrinth-kunit", NULL);
	struct labyrinth_owner *owner;
	unsigned int refs;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	refs = kref_read(&dev->kobj.kref);
	owner = make_owner_attrs(test, (struct labyrinth_owner_attrs) {
		.name = "kunit-device", .nid = NUMA_NO_NODE, .dev = dev,
	});
	KUNIT_EXPECT_EQ(test, kref_read(&dev->kobj.kref), refs + 1);
	labyrinth_owner_destroy(owner);
	KUNIT_EXPECT_EQ(test, kref_read(&dev->kobj.kref), refs);
	root_device_unregister(dev);
}

static void task_is_referenced_while_the_owner_lives(struct kunit *test)
{
	unsigned int refs = refcount_read(&current->usage);
	struct bound b = make_bound(test);

	KUNIT_EXPECT_EQ(test, refcount_read(&current->usage), refs + 1);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(b.owner), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&current->usage), refs);
}

static const unsigned long kinds[] = { 0, LABYRINTH_OWNER_SINGLE };

static void kind_desc(const unsigned long *flags, char *desc)
{
	zero_desc(flags, desc);
}

KUNIT_ARRAY_PARAM(kind, kinds, kind_desc);

static struct labyrinth_owner *make_kind(struct kunit *test)
{
	return make_owner(test, "kunit-end",
			  *(const unsigned long *)test->param_value);
}

static void destroy_counts_the_pages_out(struct kunit *test)
{
	struct labyrinth_owner *owner = make_kind(test);
	struct labyrinth_page_info info;
	void *addrs[3];
	int i;

	for (i = 0; i < 3; i++)
		addrs[i] = make_page(test, owner);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, labyrinth_query(addrs[i], &info), -ENOENT);
	KUNIT_EXPECT_EQ(test, count_tags(owner).nr[LAB_HELD], 0);
	KUNIT_EXPECT_EQ(test, count_tags(owner).nr[LAB_CACHED], 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&slot_of(owner)->pages), 0);
}

#define NR_TOGETHER	5

/* A stale handle among the handles is reported, and does not keep the rest. */
static void owners_end_together(struct kunit *test)
{
	struct labyrinth_owner *owners[NR_TOGETHER];
	unsigned long before = lab_report_count(LAB_BAD_HANDLE);
	unsigned int i;

	owners[0] = make_stale(test);
	for (i = 1; i < NR_TOGETHER; i++) {
		owners[i] = make_owner(test, "kunit-together", 0);
		make_page(test, owners[i]);
	}
	make_page(test, owners[2]);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy_bulk(owners, NR_TOGETHER), NR_TOGETHER);
	for (i = 0; i < NR_TOGETHER; i++) {
		KUNIT_EXPECT_FALSE(test, handle_lives(owners[i]));
		KUNIT_EXPECT_EQ(test, atomic_read(&slot_of(owners[i])->pages), 0);
	}
	KUNIT_EXPECT_EQ(test, lab_report_count(LAB_BAD_HANDLE) - before, 1);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy_bulk(NULL, 1), 0);
}

static unsigned long count_walks(void)
{
	struct lab_table_stats stats;

	lab_table_stats(&labyrinth_hot.table, &stats);
	return stats.walks;
}

/* What comes to an owner by any way is found at the owner's end, in no more than its segments. */
static void end_finds_pages_without_a_walk(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-walk", 0);
	struct labyrinth_owner *other = make_owner(test, "kunit-other", 0);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long walks;

	KUNIT_ASSERT_NOT_NULL(test, page);
	make_page(test, owner);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, labyrinth_adopt(owner, page));
	KUNIT_ASSERT_EQ(test, labyrinth_transfer(other, owner, make_page(test, other)), 0);
	/* The count is itself a walk. */
	walks = count_walks() + 1;
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 3);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(other), 0);
	KUNIT_EXPECT_EQ(test, count_walks(), walks);
	KUNIT_EXPECT_EQ(test, count_tags(owner).nr[LAB_HELD], 0);
}

static bool wait_until_absent(const void *addr)
{
	struct labyrinth_page_info info;
	int i;

	for (i = 0; i < 100 && !labyrinth_query(addr, &info); i++)
		msleep(50);
	return labyrinth_query(addr, &info) == -ENOENT;
}

#define NR_LIMBO	5

/* Pages leave limbo in any order, and the rest stays on the list. */
static void limbo_lets_go_in_any_order(struct kunit *test)
{
	static const unsigned int order[NR_LIMBO] = { 2, 0, 4, 1, 3 };
	struct labyrinth_owner *owner = make_owner(test, "kunit-limbo", 0);
	struct page *pages[NR_LIMBO];
	void *addrs[NR_LIMBO];
	unsigned int i, k;

	for (i = 0; i < NR_LIMBO; i++) {
		addrs[i] = make_page(test, owner);
		pages[i] = labyrinth_lend(owner, addrs[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pages[i]);
	}
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), NR_LIMBO);
	for (i = 0; i < NR_LIMBO; i++) {
		put_page(pages[order[i]]);
		KUNIT_EXPECT_TRUE(test, wait_until_absent(addrs[order[i]]));
		for (k = i + 1; k < NR_LIMBO; k++)
			KUNIT_EXPECT_EQ(test, view_page(addrs[order[k]]).state,
					LABYRINTH_PAGE_LIMBO);
	}
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
}

static void destroy_gives_back_what_was_kept_ready(struct kunit *test)
{
	struct labyrinth_owner *owner = make_kind(test);
	void *addrs[50];
	unsigned int nr = labyrinth_alloc_bulk(owner, 50, addrs);

	while (nr--)
		KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addrs[nr]), 0);
	KUNIT_EXPECT_GE(test, count_tags(owner).nr[LAB_CACHED], 50);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 0);
	KUNIT_EXPECT_EQ(test, count_tags(owner).nr[LAB_CACHED], 0);
}

static unsigned int nr_gone(const char *name)
{
	unsigned int i, nr = 0;

	for (i = 0; i < lab_owners.nr; i++)
		nr += lab_owners.slots[i].phase == LAB_PHASE_GONE &&
		      !strcmp(lab_owners.slots[i].name, name);
	return nr;
}

/* Owners of a name that come and go, each with a page in limbo, hold a single slot. */
static void name_holds_a_single_slot(struct kunit *test)
{
	struct page *pages[NR_LIMBO];
	struct labyrinth_owner *owner;
	unsigned int i;

	for (i = 0; i < NR_LIMBO; i++) {
		owner = make_owner(test, "kunit-heir", 0);
		pages[i] = labyrinth_lend(owner, make_page(test, owner));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pages[i]);
		KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 1);
		KUNIT_EXPECT_EQ(test, nr_gone("kunit-heir"), 1U);
		KUNIT_EXPECT_EQ(test, lab_limbo_count(), i + 1);
	}
	for (i = 0; i < NR_LIMBO; i++)
		put_page(pages[i]);
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
	KUNIT_EXPECT_EQ(test, nr_gone("kunit-heir"), 0U);
}

/* The page stays the borrower's until the last reference is gone, then goes to the system. */
static void lent_page_outlives_its_owner(struct kunit *test)
{
	struct labyrinth_owner *owner = make_kind(test);
	void *addr = make_page(test, owner);
	struct page *page = labyrinth_lend(owner, addr);
	struct page_view before, after;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, page);
	fill_page(addr, 1);
	before = view_page(addr);
	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 1);
	msleep(1500);
	after = view_page(addr);
	KUNIT_EXPECT_EQ(test, after.err, 0);
	KUNIT_EXPECT_EQ(test, after.state, LABYRINTH_PAGE_LIMBO);
	KUNIT_EXPECT_EQ(test, after.refs, LAB_REFS_LENT);
	KUNIT_EXPECT_EQ(test, after.content, before.content);
	KUNIT_EXPECT_FALSE(test, labyrinth_owns(owner, addr));
	put_page(page);
	KUNIT_EXPECT_TRUE(test, wait_until_absent(addr));
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
}

/* 7.3 would move an owned page about that is PG_uptodate as well. */
static void owned_page_is_not_uptodate(struct kunit *test)
{
	struct labyrinth_owner *owner = make_owner(test, "kunit-uptodate", 0);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long *flags;
	void *addr;

	KUNIT_ASSERT_NOT_NULL(test, page);
	flags = &lab_frame(page)->flags;
	set_bit(PG_uptodate, flags);
	addr = labyrinth_adopt(owner, page);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, addr);
	KUNIT_EXPECT_FALSE(test, test_bit(PG_uptodate, flags));
	KUNIT_ASSERT_PTR_EQ(test, labyrinth_lend(owner, addr), page);
	set_bit(PG_uptodate, flags);
	put_page(page);
	KUNIT_EXPECT_EQ(test, labyrinth_reclaim(owner, addr), 0);
	KUNIT_EXPECT_FALSE(test, test_bit(PG_uptodate, flags));
	KUNIT_EXPECT_EQ(test, labyrinth_free_page(owner, addr), 0);
}

/* No new owner may have the slot as long as a page in limbo carries the slot's id. */
static void slot_waits_for_its_last_page(struct kunit *test)
{
	struct crowd crowd = make_crowd(test);
	struct labyrinth_owner *owner = crowd.owners[--crowd.nr];
	void *addr = alloc_exclusive(owner);
	struct page *page = labyrinth_lend(owner, addr);
	struct labyrinth_owner *next;

	KUNIT_EXPECT_EQ(test, labyrinth_owner_destroy(owner), 1);
	next = labyrinth_owner_create(&single_attrs);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(next), -ENOSPC);
	put_page(page);
	KUNIT_EXPECT_TRUE(test, wait_for_limbo());
	next = labyrinth_owner_create(&single_attrs);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(next), 0);
	KUNIT_EXPECT_PTR_EQ(test, slot_of(next), slot_of(owner));
	labyrinth_owner_destroy(next);
	end_crowd(&crowd);
}

static struct kunit_case owner_cases[] = {
	KUNIT_CASE_PARAM(bad_attribute_is_refused, bad_attrs_gen_params),
	KUNIT_CASE(no_attributes_are_refused),
	KUNIT_CASE(sealed_owner_is_refused_where_no_page_is_sealed),
	KUNIT_CASE(create_in_an_interrupt_is_refused),
	KUNIT_CASE(long_name_is_cut),
	KUNIT_CASE(name_is_copied),
	KUNIT_CASE(name_is_made_printable),
	KUNIT_CASE(query_names_the_maker),
	KUNIT_CASE(slots_run_out_and_come_back),
	KUNIT_CASE(no_handle_of_an_earlier_life_works),
	KUNIT_CASE(handle_cannot_be_guessed),
	KUNIT_CASE(free_slots_have_no_handle),
	KUNIT_CASE(quota_is_exact),
	KUNIT_CASE(greatest_quota_is_as_good_as_none),
	KUNIT_CASE(bulk_stops_at_the_quota),
	KUNIT_CASE(transfer_into_full_quota_is_refused),
	KUNIT_CASE(adopt_into_full_quota_is_refused),
	KUNIT_CASE(release_and_transfer_give_room),
	KUNIT_CASE(reserve_is_filled_at_creation),
	KUNIT_CASE_PARAM(zero_owner_gets_zeroed_pages, zero_gen_params),
	KUNIT_CASE_PARAM(zero_owner_cleans_what_it_was_given, zero_gen_params),
	KUNIT_CASE(peak_is_the_most_there_ever_was),
	KUNIT_CASE(bound_thread_may),
	KUNIT_CASE(interrupt_over_the_bound_thread_may_not),
	KUNIT_CASE(another_thread_may_not),
	KUNIT_CASE(anyone_may_transfer_to_a_bound_owner),
	KUNIT_CASE(device_is_referenced_while_the_owner_lives),
	KUNIT_CASE(task_is_referenced_while_the_owner_lives),
	KUNIT_CASE_PARAM(destroy_counts_the_pages_out, kind_gen_params),
	KUNIT_CASE_PARAM(destroy_gives_back_what_was_kept_ready,
			 kind_gen_params),
	KUNIT_CASE_PARAM(lent_page_outlives_its_owner, kind_gen_params),
	KUNIT_CASE(owners_end_together),
	KUNIT_CASE(end_finds_pages_without_a_walk),
	KUNIT_CASE(limbo_lets_go_in_any_order),
	KUNIT_CASE(name_holds_a_single_slot),
	KUNIT_CASE(owned_page_is_not_uptodate),
	KUNIT_CASE(slot_waits_for_its_last_page),
	{}
};

static struct kunit_suite owner_suite = {
	.name = "labyrinth_owner",
	.suite_init = context_suite_init_expect,
	.suite_exit = context_suite_exit_expect,
	.init = context_case_init,
	.test_cases = owner_cases,
};

kunit_test_suite(owner_suite);
