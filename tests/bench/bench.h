/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the parts of the benchmark: the objects that a CPU works with, the cases, and the
 * window that is measured.
 */
#ifndef LABYRINTH_BENCH_H
#define LABYRINTH_BENCH_H

#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timex.h>

#include "../../labyrinth_alloc.h"

#include LAB_PAGE_POOL_H

#define BENCH_BURST	64
#define BENCH_BULK	16
#define BENCH_MAX_CPUS	8

/*
 * Makes the compiler forget the value of the variable @var, and of memory: as if the code
 * before and the code behind were in separate functions. Otherwise the compiler would optimize
 * a free together with the allocation in front, a pair that no driver has.
 */
#define bench_forget(var) ({						\
	asm volatile("" : "+r" (var) : : "memory");			\
})

/* Likewise, of memory alone: @var may stay in place. */
#define bench_forget_memory(var) ({					\
	asm volatile("" : : "r" (var) : "memory");			\
})

/*
 * The objects that a CPU works with; the owners @any and @sealed and the pools of memory are
 * shared. @sealed is NULL where there are no sealed pages.
 */
struct bench_set {
	struct labyrinth_owner *single;
	struct labyrinth_owner *any;
	struct labyrinth_owner *sealed;
	struct page_pool *pool;
	struct kmem_cache *slab;
	mempool_t *mempool;
	void *held[BENCH_BURST];	/* pages of @single, never freed */
	unsigned int nr_held;
	void **picked;			/* crowd.c: the pages of the operations */
	void *kept[BENCH_BURST];
};

/* @fn does the operation that the name says @ops times. */
struct bench_case {
	const char *name;
	void (*fn)(struct bench_set *set, unsigned int ops);
};

/* The cost of a window, or the least cost among several. */
struct bench_cost {
	u64 count;			/* of the TSC */
	u64 ns;
};

#define BENCH_NO_COST ((struct bench_cost) { U64_MAX, U64_MAX })

extern unsigned int bench_ops;
extern unsigned int bench_rounds;

struct bench_cost bench_window(const struct bench_case *bench,
			       struct bench_set *set, unsigned int ops);
void bench_cheapest(struct bench_cost *best, struct bench_cost cost);
void bench_print(const char *group, const char *name, unsigned int cpus,
		 unsigned int tags, unsigned int ops, struct bench_cost cost);
void bench_write(const char *path, const char *text);
struct labyrinth_owner *bench_owner(const char *name, unsigned long flags);

static __always_inline void *bench_take(struct labyrinth_owner *owner)
{
	void *addr = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);

	bench_forget(addr);
	return addr;
}

static __always_inline void bench_give(struct labyrinth_owner *owner,
				       void *addr)
{
	int err = labyrinth_free_page(owner, addr);

	bench_forget(err);
}

extern const struct bench_case bench_hot_cases[];
extern const unsigned int bench_nr_hot_cases;

void bench_run_hot(struct bench_set *set);
int bench_run_cold(void);

#ifdef LAB_GUARD_POSSIBLE
int bench_run_beside(struct bench_set *set);
#else
static inline int bench_run_beside(struct bench_set *set)
{
	return 0;
}
#endif

int bench_run_crowd(const unsigned int *tags, unsigned int nr);
int bench_run_scale(unsigned int nr);
int bench_run_pages(unsigned int tags);
int bench_run_parallel(struct bench_set *sets, unsigned int cpus);

#endif /* LABYRINTH_BENCH_H */
