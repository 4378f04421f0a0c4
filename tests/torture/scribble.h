/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A foreign module that writes to struct page of pages that are Labyrinth's, and calls functions
 * of the core that free, link or mark pages, as code with a stale pointer does. Of Labyrinth's
 * calls only labyrinth_query() is used, to find pages and their states.
 *
 * A write is made in either of two ways:
 *
 *   stopped  in stop_machine(): no call of Labyrinth that has disabled preemption is under
 *            way, and no page is on the way to the page allocator. Every word, every call.
 *   anytime  in a timer's hard interrupt, in the middle of anything that the CPUs do. Only
 *            words that the page allocator does not look at when a page is freed, for the
 *            page may be on the way there.
 */
#ifndef LABYRINTH_SCRIBBLE_H
#define LABYRINTH_SCRIBBLE_H

#include <linux/mm.h>
#include <linux/types.h>

#include "../../labyrinth_alloc.h"

/* Words of struct page: the same places on all 64-bit kernels. */
enum scrib_word {
	SCRIB_FLAGS,
	SCRIB_LRU_NEXT,		/* bit 0: PageTail; bit 1: pfmemalloc; pp_magic */
	SCRIB_LRU_PREV,
	SCRIB_MAPPING,
	SCRIB_INDEX,
	SCRIB_PRIVATE,
	SCRIB_TYPE,		/* 32 bits */
	SCRIB_MEMCG,		/* behind the reference count */
	SCRIB_NR_WORDS
};

/*
 * A page has 32 references, or a few less. With less than this minimum, the page may be
 * another's.
 */
#define SCRIB_REFS_MIN	24

/**
 * struct scrib_op - a deed: a write or a call
 * @number: all choices of the deed follow from the seed and this number.
 * @dice: the state of the dice, for the choices still to make.
 * @pfn: the frame of the page.
 * @page: the struct page of @pfn.
 * @state: the page's, by labyrinth_query().
 * @owner: the name of the page's owner.
 * @what: the word or the call.
 * @old: the word's value before; of a call, the reference count before.
 * @new: the value written; of a call, the reference count afterwards.
 * @cpu: the CPU that does the deed.
 * @anytime: made in the middle of anything that the CPUs do.
 */
struct scrib_op {
	u64 number;
	u64 dice;
	unsigned long pfn;
	struct page *page;
	enum labyrinth_page_state state;
	char owner[LABYRINTH_NAME_LEN];
	const char *what;
	unsigned long old;
	unsigned long new;
	unsigned int cpu;
	bool anytime;
};

/* scribble.c */
u32 scrib_roll(struct scrib_op *op, u32 sides);
bool scrib_is_wanted_call(const char *name);
bool scrib_is_wanted(enum scrib_word word);

/* scribble_words.c: the values written, and the words left alone. */
int scrib_words_begin(void);
void scrib_words_end(void);
unsigned long scrib_end_pfn(void);
bool scrib_write(struct scrib_op *op);
bool scrib_wreck(struct scrib_op *op);
bool scrib_is_home(const struct page *page);
bool scrib_is_lent(const struct scrib_op *op);
bool scrib_may_unseal(const struct scrib_op *op);

static inline unsigned long *scrib_word(struct page *page, enum scrib_word word)
{
	return (unsigned long *)page + word;
}

/* scribble_calls.c: functions of the core that are called. */
bool scrib_call(struct scrib_op *op);

/* scribble_pool.c: the same, of a page_pool. */
#ifdef CONFIG_PAGE_POOL
int scrib_pool_begin(void);
void scrib_pool_end(void);
void scrib_pool_prepare(void);
bool scrib_pool_put(struct scrib_op *op);
#else
static inline int scrib_pool_begin(void)
{
	return 0;
}

static inline void scrib_pool_end(void)
{
}

static inline void scrib_pool_prepare(void)
{
}

static inline bool scrib_pool_put(struct scrib_op *op)
{
	return false;
}
#endif

#endif /* LABYRINTH_SCRIBBLE_H */
