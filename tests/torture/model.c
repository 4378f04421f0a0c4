// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state that every page must have, and the result that each call must have. The first
 * violation ends the run: nothing can be relied on afterwards.
 */
#define pr_fmt(fmt) "labyrinth_torture: " fmt

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "torture.h"

#define VIOLATIONS_PRINTED	16

static atomic_t violations;

bool tort_failed(void)
{
	return atomic_read(&violations);
}

static void print_violation(const struct tort_actor *a,
			    const struct tort_slip *p, struct va_format *vaf)
{
	pr_err("violation: %s %u on CPU %u, step %lu: %pV\n",
	       tort_context_name(a->context), a->id, a->cpu, a->step, vaf);
	if (p && p->owner && p->addr)
		pr_err("  page: pfn 0x%lx, of %s, generation 0x%x, state %u, loans %d to %d\n",
		       page_to_pfn(virt_to_page(p->addr)), p->owner->name,
		       p->generation, p->state, atomic_read(&p->loans_min),
		       atomic_read(&p->loans_max));
}

/*
 * Reports a violation, and stops the run. @p: the page concerned, or NULL.
 * Context: Any.
 */
void tort_violation(struct tort_actor *a, const struct tort_slip *p,
		    const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	if (atomic_inc_return(&violations) <= VIOLATIONS_PRINTED)
		print_violation(a, p, &vaf);
	va_end(args);
	tort_stop();
}

/* The mark that a page carries in three places: at both ends and somewhere between. */
struct mark {
	u32 owner;
	u32 generation;
	u64 pfn;
};

#define MARKS	((unsigned int)(PAGE_SIZE / sizeof(struct mark)))

static struct mark mark_of(const struct tort_slip *p)
{
	return (struct mark) {
		.owner = p->owner->index,
		.generation = p->generation,
		.pfn = page_to_pfn(virt_to_page(p->addr)),
	};
}

static void places_of(const struct tort_slip *p, struct mark *places[3])
{
	struct mark *first = p->addr;

	places[0] = first;
	places[1] = first + (p->generation >> 4) % MARKS;
	places[2] = first + MARKS - 1;
}

/* Writes the mark of the page's new owner. Context: Any. */
void tort_mark(struct tort_actor *a, struct tort_slip *p)
{
	struct mark *places[3], mark;
	int i;

	p->generation = ++a->generation << 8 | (u8)a->id;
	if (p->owner->mortal)
		return;
	mark = mark_of(p);
	places_of(p, places);
	for (i = 0; i < 3; i++)
		*places[i] = mark;
}

/* Whether the page still carries the mark (owner, generation, pfn). Context: Any. */
bool tort_check(struct tort_actor *a, const struct tort_slip *p)
{
	struct mark *places[3], mark;
	int i;

	if (p->owner->mortal)
		return true;
	mark = mark_of(p);
	places_of(p, places);
	for (i = 0; i < 3; i++) {
		if (likely(!memcmp(places[i], &mark, sizeof(mark))))
			continue;
		tort_violation(a, p, "byte %zu: expected %u 0x%x 0x%llx, found %u 0x%x 0x%llx",
			       offset_in_page(places[i]), mark.owner,
			       mark.generation, mark.pfn, places[i]->owner,
			       places[i]->generation, places[i]->pfn);
		return false;
	}
	return true;
}

/*
 * Whether this context may take locks: only where Labyrinth may ask the page allocator and map.
 * Context: Any.
 */
bool tort_may_lock(void)
{
	return !in_nmi() && (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

/* Whether an allocation in this context cannot fail for want of memory. Context: Any. */
bool tort_is_fed(void)
{
	return tort_may_lock() && !tort_hungry;
}

/* Whether the scribbler may still write to struct page. Context: Any. */
bool tort_is_scribbled(void)
{
	return tort_scribbled && !READ_ONCE(tort_hushed);
}

/* Whether the page may be short of references: see scribble_calls.c. Context: Any. */
bool tort_may_lose(const struct tort_slip *p)
{
	return !tort_scribbled || !(page_to_pfn(virt_to_page(p->addr)) % 2);
}

/*
 * Whether the page has @wanted references, or fewer while the scribbler drops references. Reads
 * no word but the count. Context: Any.
 */
bool tort_refs_are(const void *addr, int wanted)
{
	int refs = page_ref_count(virt_to_page(addr));

	return refs == wanted || (tort_is_scribbled() && refs < wanted);
}

static void check_received(struct tort_actor *a, const struct tort_slip *p)
{
	if (!tort_refs_are(p->addr, TORT_REFS_HELD))
		tort_violation(a, p, "received with %d references",
			       page_ref_count(virt_to_page(p->addr)));
	if (!labyrinth_owns(p->handle, p->addr))
		tort_violation(a, p, "received, but not owned");
}

/* The page at @addr is @owner's from now on, and @p says so. Context: Any. */
void tort_received(struct tort_actor *a, struct tort_slip *p,
		   struct tort_owner *owner, struct labyrinth_owner *handle,
		   void *addr)
{
	/* Other actors read the address: see victim() in attacks.c. */
	WRITE_ONCE(p->addr, addr);
	p->owner = owner;
	p->handle = handle;
	p->state = TORT_HELD;
	if (owner->mortal)
		atomic_inc(&owner->out);
	else
		check_received(a, p);
	if (owner->quota && atomic_inc_return(&owner->out) > owner->quota)
		tort_violation(a, p, "received beyond the quota of %u",
			       owner->quota);
	tort_mark(a, p);
}

/* Whether @owner's quota explains that an allocation gives no page. */
static bool is_full(const struct tort_owner *owner)
{
	return owner->quota &&
	       (owner->shared || atomic_read(&owner->out) == owner->quota);
}

/*
 * An allocation with @handle gave no page. There must be a reason.
 * Context: Any.
 */
void tort_got_none(struct tort_actor *a, struct tort_owner *owner,
		   const struct labyrinth_owner *handle)
{
	a->empty_handed++;
	if (!handle) {
		a->refused[TORT_BAD_HANDLE]++;
		return;
	}
	if (READ_ONCE(owner->handle) != handle) {
		/*
		 * Refused if the owner was gone at the start of the call, not if the owner went
		 * since.
		 */
		a->perhaps[TORT_BAD_HANDLE]++;
		return;
	}
	if (!is_full(owner) && tort_is_fed())
		tort_violation(a, NULL, "no page from %s, of whose pages %d are out",
			       owner->name, atomic_read(&owner->out));
}

/*
 * Before a call that takes @p from the owner. The count of an owner with a quota is never more
 * than the pages out: the count falls before a page goes, and rises after a page has come.
 */
void tort_giving(struct tort_slip *p)
{
	if (p->owner->quota)
		atomic_dec(&p->owner->out);
}

/* After tort_giving(): the call failed, and the owner keeps the page. */
void tort_keeps(struct tort_slip *p)
{
	if (p->owner->quota)
		atomic_inc(&p->owner->out);
}

void tort_gave(struct tort_slip *p)
{
	if (p->owner->mortal)
		atomic_dec(&p->owner->out);
}

/* Whether the page's owner is still alive with the handle in the slip. */
bool tort_is_owners(const struct tort_slip *p)
{
	return READ_ONCE(p->owner->handle) == p->handle;
}

/*
 * Whether the page's owner was destroyed before now, so that a call can but
 * be refused. Context: Any.
 */
bool tort_is_gone(const struct tort_slip *p)
{
	if (likely(tort_is_owners(p)))
		return false;
	/* Pairs with the barrier in end_mortal(). */
	smp_rmb();
	return READ_ONCE(p->owner->dying) != p->handle;
}

/* The owner is gone, and the page too, unless a borrower still has the page. */
static void forget(struct tort_slip *p)
{
	if (!atomic_read_acquire(&p->loans_min))
		p->state = TORT_EMPTY;
}

/*
 * Whether a call about @p with the owner's handle, which returned @err, succeeded. The call
 * must succeed, unless the owner is mortal and has gone: before the call if @gone, else perhaps
 * during the call.
 * Context: Any.
 */
bool tort_succeeded(struct tort_actor *a, const char *what,
		    struct tort_slip *p, bool gone, int err)
{
	if (likely(!err && !gone))
		return true;
	if (err == -EINVAL && !tort_is_owners(p)) {
		a->refused[TORT_BAD_HANDLE]++;
		forget(p);
		return false;
	}
	tort_violation(a, p, "%s by the owner%s gave %pe", what,
		       gone ? ", who is gone," : "", ERR_PTR(err));
	return false;
}

/* An attack gave @got, and must give @wanted. Context: Any. */
void tort_expect(struct tort_actor *a, const char *what,
		 const struct tort_slip *p, int wanted, int got,
		 enum tort_class class)
{
	if (unlikely(got != wanted))
		tort_violation(a, p, "%s gave %pe, not %pe", what,
			       ERR_PTR(got), ERR_PTR(wanted));
	else if (class < TORT_NR_CLASSES)
		a->refused[class]++;
}
