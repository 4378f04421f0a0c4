/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings that owners make of their own pages: a record for each, on a list that
 * hangs off the page's frame while it is MAPPED. See labyrinth_mapping.c.
 */
#ifndef LABYRINTH_MAPPING_H
#define LABYRINTH_MAPPING_H

#include <linux/types.h>

#include "labyrinth_call.h"

/**
 * struct lab_mapping - one mapping of one page
 * @next: the same page's next.
 * @what: what a report says of it.
 * @range: the struct of the mapping of several pages that this one is part of;
 *	NULL for DMA.
 * @linked: it is on the list.
 * @ending: somebody is about to end it.
 *
 * Linked and unlinked, and @ending set, under its owner's map_lock.
 */
struct lab_mapping {
	struct lab_mapping *next;
	struct lab_map_note what;
	void *range;
	bool linked;
	bool ending;
};

int lab_mapping_init(void);
void lab_mapping_exit(void);
int lab_mapping_provide(struct lab_owner *owner, unsigned int nr);
void lab_mapping_drain(struct lab_owner *owner);
struct lab_mapping *lab_mapping_get(struct lab_owner *owner);
void lab_mapping_put(struct lab_owner *owner, struct lab_mapping *map);

int lab_mapping_attach(struct lab_call *call, struct lab_mapping *map);
struct lab_mapping *
lab_mapping_find(struct lab_owner *owner, struct lab_frame *frame,
		 bool (*take)(struct lab_mapping *map, bool alone, const void *arg),
		 const void *arg);
void lab_mapping_detach(struct lab_owner *owner, struct lab_frame *frame,
			struct lab_mapping *map);
bool lab_mapping_retire(struct lab_owner *owner, lab_tag_t *slot,
			bool only_process);
void lab_mapping_note(lab_tag_t tag, struct lab_page_note *note);

#endif /* LABYRINTH_MAPPING_H */
