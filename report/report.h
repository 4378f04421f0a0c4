/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals: a record first, which the tracepoint labyrinth:refusal carries, then
 * a text for dmesg, then what on_refusal= says. See report/report.c.
 */
#ifndef LABYRINTH_REPORT_H
#define LABYRINTH_REPORT_H

#include <linux/sched.h>

#include "report/words.h"

struct device;
struct lab_damage;
struct lab_owner;
struct lab_slot;

/**
 * struct lab_stray - what was found in a page where a pattern had been
 * @offset: of the first byte that differs.
 * @length: from there to the last that does.
 * @bytes: the first of them.
 */
struct lab_stray {
	unsigned int offset;
	unsigned int length;
	u8 bytes[16];
};

/* As many as a report shows. */
#define LAB_ACCESS_STACK	6

/**
 * struct lab_access - who reached for a sealed page by the direct map, as noted in the fault
 * @offset: into the page.
 * @write: or a read.
 * @context: as lab_text_context() says it.
 * @cpu: where.
 * @pid: of the task that ran.
 * @comm: its name.
 * @nr: of @entries.
 * @entries: the stack, from the access on.
 */
struct lab_access {
	unsigned int offset;
	bool write;
	const char *context;
	int cpu;
	int pid;
	char comm[TASK_COMM_LEN];
	unsigned int nr;
	unsigned long entries[LAB_ACCESS_STACK];
};

/**
 * struct lab_refusal - what is known when a refusal is decided
 * @class: what is wrong.
 * @op: what was tried, or was under way when it was noticed.
 * @err: the errno returned, negative; 0 where nothing was refused.
 * @addr: the address that the caller gave, if it gave one.
 * @tag: the page's tag when it was looked at; 0: none.
 * @note: and its frame; of meaning only with a @tag.
 * @caller: the owner whose handle was presented; NULL: none that lives.
 * @handle: the handle as presented.
 * @asked: the mapping that the caller named, if it did; with a @site of 0.
 * @dev: the device that the caller named, if it is the wrong one.
 * @damage: which word of struct page was wrong, and has been put right; or NULL.
 * @stray: what was found in the page; or NULL.
 * @access: of an access that was diverted, who made it; else NULL: whoever reports.
 * @function: the core function that was called instead, by whoever presents
 *	none; or NULL.
 * @ip: where the call returns to.
 */
struct lab_refusal {
	enum lab_class class;
	enum lab_op op;
	int err;
	const void *addr;
	lab_tag_t tag;
	struct lab_page_note note;
	const struct lab_owner *caller;
	const void *handle;
	const struct lab_map_note *asked;
	const struct device *dev;
	const struct lab_damage *damage;
	const struct lab_stray *stray;
	const struct lab_access *access;
	const char *function;
	unsigned long ip;
};

void lab_report(const struct lab_refusal *refusal);
void lab_report_corrupt(enum lab_op op, const struct lab_owner *owner,
			struct lab_slot *slot, lab_tag_t tag, unsigned long ip);
void lab_report_full(void);
unsigned long lab_report_count(enum lab_class class);

#endif /* LABYRINTH_REPORT_H */
