/* SPDX-License-Identifier: GPL-2.0-only */
/* The last steps of each page, for reports; see report/history.c. */
#ifndef LABYRINTH_HISTORY_H
#define LABYRINTH_HISTORY_H

#include <linux/compiler.h>

#include "core/context.h"
#include "inline/tag.h"

struct lab_owner;

/* Reports show as many steps of a page at most. */
#define LAB_HISTORY_SHOWN	8U
#define LAB_HISTORY_MAX		64

/**
 * struct lab_past - a step of a page, as the history has kept the step
 * @op: the operation.
 * @context: of the call.
 * @owner_id: the owner of the handle that the call presented; of a transfer the giver.
 * @gone: another owner has that id by now.
 * @cpu: of the call.
 * @age_ms: milliseconds since the step.
 * @site: where the call returned to.
 */
struct lab_past {
	enum lab_op op;
	enum lab_context context;
	unsigned int owner_id;
	bool gone;
	unsigned int cpu;
	unsigned int age_ms;
	unsigned long site;
};

extern bool lab_history_on;

void lab_history_keep(enum lab_op op, unsigned long pfn, const struct lab_owner *owner,
		      unsigned long site);
unsigned int lab_history_get(unsigned long pfn, struct lab_past *past, unsigned int max);
void lab_history_sites(unsigned long (*after)(unsigned long site, void *arg), void *arg);
int lab_history_init(void);
void lab_history_exit(void);

/*
 * Keeps that page @pfn took the step @op, if history= asks for that.
 * Context: Any.
 */
static inline void lab_history_note(enum lab_op op, unsigned long pfn,
				    const struct lab_owner *owner, unsigned long site)
{
	if (unlikely(READ_ONCE(lab_history_on)))
		lab_history_keep(op, pfn, owner, site);
}

#endif /* LABYRINTH_HISTORY_H */
