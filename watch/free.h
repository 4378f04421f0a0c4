/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_FREE_H
#define WATCH_FREE_H

#include "watch/note.h"

void watch_free_let_go(struct watch_note *note);
void watch_free_kept(void);
void watch_free_exit(void);

/* A mapping of the page with @note has ended; NULL: of no page with a record. Context: Any. */
static inline void watch_free_unmapped(struct watch_note *note)
{
	if (unlikely(note && READ_ONCE(note->state) == WATCH_KEPT))
		watch_free_let_go(note);
}

#endif /* WATCH_FREE_H */
