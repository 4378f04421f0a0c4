/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A search: which frames are asked about, and the holders found.
 *
 * Vocabulary. A target is a frame, or a block of frames, that is asked about. A holder is a
 * place in the kernel that has a reference or a pointer to a target; holders with equal text
 * and claim are noted as a single holder of several targets. A claim says how firm the
 * finding is.
 */
#ifndef WATCH_SEARCH_H
#define WATCH_SEARCH_H

#include <linux/fs.h>
#include <linux/types.h>
#include <linux/xarray.h>

enum watch_claim {
	WATCH_REFERENCE,	/* has a reference that the frame counts */
	WATCH_SHARED,		/* has a part in a reference that another holder was found for */
	WATCH_POINTER,		/* has the address; nobody can tell whether a reference too */
	WATCH_TRACE,		/* has the address in memory that is free: a trace of the past */
	WATCH_NR_CLAIMS,
};

struct watch_target {
	unsigned long pfn;
	unsigned long nr;	/* frames in the block */
	long refs;		/* references to be explained */
	unsigned int found[WATCH_NR_CLAIMS];
};

#define WATCH_HOLDER_TEXT	232
#define WATCH_HOLDER_PFNS	6

struct watch_holder {
	char text[WATCH_HOLDER_TEXT];
	const void *at;			/* where the claim was found first, or NULL */
	enum watch_claim claim;
	unsigned int nr;
	unsigned long pfns[WATCH_HOLDER_PFNS];
};

struct watch_tasks;

struct watch_search {
	struct watch_target *targets;	/* by pfn */
	unsigned int nr_targets;
	unsigned long nr_frames;	/* the machine's, when the search began */
	unsigned long *frames;		/* a bit for each: whether the frame is in a target */
	struct watch_holder *holders;
	unsigned int nr_holders;
	unsigned int holders_left_out;
	struct xarray accounted;	/* words that a searcher has explained, by address */
	struct xarray strays;		/* skbs that are in no known queue, by address */
	struct watch_tasks *tasks;	/* the machine's, when the search began */
	const void *file_cache;		/* the slab cache of struct file */
	/* For the pace, see pace.c. */
	u64 slice_began;
	bool stopped;
};

int watch_search_init(struct watch_search *search);
void watch_search_exit(struct watch_search *search);
void watch_search_finish(struct watch_search *search);
int watch_search_add(struct watch_search *search, unsigned long pfn);
void watch_search_run(struct watch_search *search);

/* The searcher at work, for a reader who waits. Written and read without a lock. */
extern const char *watch_stage;

static inline bool watch_wanted(const struct watch_search *search, unsigned long pfn)
{
	return pfn && pfn < search->nr_frames && test_bit(pfn, search->frames);
}

/* Whether all references of the target that @pfn is in have been found. */
bool watch_explained(struct watch_search *search, unsigned long pfn);

struct watch_target *watch_target_of(struct watch_search *search, unsigned long pfn);

/* An xarray's index for the word at @addr. */
static inline unsigned long watch_index(const void *addr)
{
	return (unsigned long)addr / sizeof(long);
}

bool watch_account(struct watch_search *search, const void *word);
static inline bool watch_accounted(struct watch_search *search, const void *word)
{
	return xa_load(&search->accounted, watch_index(word));
}

__printf(5, 6)
void watch_hold(struct watch_search *search, unsigned long pfn, enum watch_claim claim,
		const void *at, const char *format, ...);

#endif /* WATCH_SEARCH_H */
