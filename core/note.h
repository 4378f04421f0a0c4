/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The notes of a page: read from the slot, the frame and the list of mappings. See core/note.c.
 */
#ifndef LABYRINTH_NOTE_H
#define LABYRINTH_NOTE_H

#include <linux/sched.h>
#include <linux/types.h>

#include "inline/tag.h"

struct lab_glance;
struct lab_slot;

enum lab_map_kind {
	LAB_MAP_DMA,
	LAB_MAP_KERNEL,
	LAB_MAP_PROCESS,
	LAB_MAP_CORE,		/* for DMA, by the core on the driver's behalf: see map/core.c */
	LAB_NR_MAP_KINDS
};

/**
 * struct lab_map_note - a mapping of a page
 * @addr: the address for the device, in the kernel, or in the process.
 * @site: the address that the mapping call returned to.
 * @size: in bytes.
 * @kind: &enum lab_map_kind.
 * @dir: &enum dma_data_direction, if for DMA.
 * @attrs: DMA_ATTR_*, if by labyrinth_dma_map_attrs().
 */
struct lab_map_note {
	u64 addr;
	unsigned long site;
	u32 size;
	u8 kind;
	u8 dir;
	u16 attrs;
};

/**
 * struct lab_elsewhere - a mapping of another page than a caller named
 * @pfn: the page.
 * @map: the mapping.
 */
struct lab_elsewhere {
	unsigned long pfn;
	struct lab_map_note map;
};

/**
 * struct lab_process - a process, as noted when a page was mapped
 * @pid: the process's id.
 * @comm: the name of the thread that mapped the page.
 */
struct lab_process {
	int pid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct lab_last - the last step of a page that was noted without history=
 * @step: &enum lab_last_step.
 * @context: &enum lab_context plus 1; 0: not known.
 * @site: where the call returned to.
 * @age_ms: since the step.
 */
struct lab_last {
	u8 step;
	u8 context;
	unsigned long site;
	unsigned int age_ms;
};

/**
 * struct lab_page_note - the notes of a page at some moment
 * @refs: the reference count.
 * @age_ms: since the page was handed out, if @site is not 0.
 * @site: the address that the allocation returned to; 0 if the page is not handed out.
 * @stack: the stack depot's handle of that allocation, or 0.
 * @stamp: of the hand-out, if the owner is for stamps; else 0.
 * @mappings: how many mappings the page has.
 * @map: the mapping made last.
 * @process: the process, if @map is a process's.
 * @last: of a page that is CACHED, or in limbo after a free: the free, or else the hand-out
 *	before; of a page that is LENT, or was until the owner went: the loan; of a HELD page the
 *	last unmap.
 */
struct lab_page_note {
	int refs;
	unsigned int age_ms;
	unsigned long site;
	u32 stack;
	u32 stamp;
	unsigned int mappings;
	struct lab_map_note map;
	struct lab_process process;
	struct lab_last last;
};

/**
 * struct lab_mapping - the record of a mapping of a page
 * @next: the next record of the same page, or the next spare record.
 * @made: the next record that the owner has from the slab allocator; not of a range.
 * @what: the mapping, as a report prints the mapping.
 * @range: the struct of the mapping of several pages, of which this record is a part; NULL for
 *	DMA, and the page's slot for DMA by the core. Of a process's mapping the first member is a
 *	struct lab_process.
 * @linked: on the page's list.
 * @ending: a call is about to end the mapping.
 *
 * The owner's map_lock protects @linked and @ending and, while linked, @what.
 */
struct lab_mapping {
	struct lab_mapping *next;
	struct lab_mapping *made;
	struct lab_map_note what;
	void *range;
	bool linked;
	bool ending;
};

/* Stands for DMA mappings that the device was never told to give up: never ends, never changes. */
extern struct lab_mapping lab_mapping_kept;

unsigned long lab_last_site(u64 word);
struct lab_last lab_note_last(const struct lab_slot *slot, const struct lab_glance *glance);
struct lab_page_note lab_page_note(struct lab_slot *slot, lab_tag_t tag);
int lab_mapping_count(const struct lab_mapping *map, bool only_process);

#endif /* LABYRINTH_NOTE_H */
