/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The classes of refusals, and the words by which classes, operations, states, reasons and
 * kinds of mappings are called in dmesg, traces and debugfs. See report/words.c.
 */
#ifndef LABYRINTH_WORDS_H
#define LABYRINTH_WORDS_H

#include "core/context.h"
#include "core/note.h"
#include "core/owner.h"
#include "inline/tag.h"

enum lab_class {
	/* Refused: the call changed nothing. */
	LAB_FOREIGN,		/* the page has another owner */
	LAB_WRONG_THREAD,	/* not the thread the owner is bound to */
	LAB_UNOWNED,		/* not a Labyrinth page, or no longer one */
	LAB_DOUBLE,		/* the owner gave the page back before */
	LAB_BUSY,		/* still lent or referenced */
	LAB_BAD_ADDRESS,	/* no page's address */
	LAB_BAD_HANDLE,		/* no live owner's handle */
	LAB_BAD_PAGE,		/* not an ordinary, unshared page */
	LAB_BAD_MAPPING,	/* cannot be mapped so, or no such mapping to end */
	LAB_WRONG_DEVICE,	/* not the device that the owner is bound to */
	LAB_WRONG_VMA,		/* not a VMA of the process; refused, or noticed later */
	LAB_STALE,		/* the stamp is of an earlier hand-out */
	LAB_SEALED,		/* cannot be done with a sealed page */
	LAB_NOT_POSTED,		/* the buffer is not with the device */
	/* Noticed: the damage was done already. */
	LAB_LOST_REFERENCE,	/* somebody dropped a reference that only Labyrinth may drop */
	LAB_OVERWRITTEN,	/* somebody wrote to a word of struct page */
	LAB_STRAY_WRITE,	/* somebody wrote to a page that nobody may use */
	LAB_LEAKED,		/* pages still out when their owner went */
	LAB_LEFT_BEHIND,	/* the module went, the owner did not */
	LAB_CORRUPT,		/* list, table and allocator do not agree */
	LAB_NR_CLASSES
};

const char *lab_class_name(enum lab_class class);
const char *lab_op_name(enum lab_op op);
const char *lab_state_name(enum lab_state state);
const char *lab_fail_name(enum lab_fail fail);
const char *lab_map_kind_name(enum lab_map_kind kind);
const char *lab_context_name(enum lab_context context);
void lab_error_name(char *text, size_t size, int err);

#endif /* LABYRINTH_WORDS_H */
