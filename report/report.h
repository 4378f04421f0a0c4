/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals: a record first, for the tracepoint labyrinth:refusal, then a text for dmesg, then
 * the action of on_refusal=. See report/report.c.
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
 * struct lab_stray - bytes found in a page in place of a pattern
 * @offset: of the first byte that differs.
 * @length: from there to the last byte that differs.
 * @bytes: the first bytes from @offset on.
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
 * @width: in bytes; of an instruction that repeats, each time; 0: not known.
 * @write: or a read.
 * @context: a name, see lab_context_name().
 * @cpu: where.
 * @pid: of the task that ran.
 * @comm: its name.
 * @nr: of @entries.
 * @entries: the stack, from the access on.
 */
struct lab_access {
	unsigned int offset;
	unsigned int width;
	bool write;
	const char *context;
	int cpu;
	int pid;
	char comm[TASK_COMM_LEN];
	unsigned int nr;
	unsigned long entries[LAB_ACCESS_STACK];
};

/**
 * struct lab_refusal - the record of a refusal, or of a fault noticed
 * @class: the kind of refusal or fault.
 * @op: the operation that was refused, or during which the fault was noticed.
 * @err: the errno returned, negative; 0 where nothing was refused.
 * @addr: the address that the caller gave, or NULL.
 * @tag: the page's tag at the look-up; 0: none.
 * @note: of the page; of meaning only with a @tag.
 * @caller: the owner of @handle; NULL: no live owner.
 * @handle: the handle as presented.
 * @asked: the mapping that the caller named, with a @site of 0; or NULL.
 * @elsewhere: the other page's mapping that has the address of @asked; or NULL.
 * @dev: the device that the caller named, if wrong.
 * @stamp: the stamp that the caller showed, of class LAB_STALE.
 * @damage: which word of struct page was wrong, and has been put right; or NULL.
 * @stray: the bytes found in the page; or NULL.
 * @access: who made the access that was diverted; NULL: the caller of the report.
 * @function: the core function that was called by code that presents no handle; or NULL.
 * @ip: where the call returns to; or the driver's function on whose behalf core code called,
 *	see lab_site_of_mmap().
 * @back: where the call returns to, if that is not @ip; else 0.
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
	const struct lab_elsewhere *elsewhere;
	const struct device *dev;
	u32 stamp;
	const struct lab_damage *damage;
	const struct lab_stray *stray;
	const struct lab_access *access;
	const char *function;
	unsigned long ip;
	unsigned long back;
};

void lab_report(const struct lab_refusal *refusal);
void lab_report_corrupt(enum lab_op op, const struct lab_owner *owner,
			struct lab_slot *slot, lab_tag_t tag, unsigned long ip);
void lab_report_full(void);
unsigned long lab_report_count(enum lab_class class);

#endif /* LABYRINTH_REPORT_H */
