/* SPDX-License-Identifier: GPL-2.0-only */
/* How labyrinth.ko asks who holds pages, where labyrinth_watch.ko is loaded; see watch/ask.c. */
#ifndef WATCH_ASK_H
#define WATCH_ASK_H

int labyrinth_watch_ask(const unsigned long *pfns, unsigned int nr,
			void (*line)(const char *line, void *arg), void *arg);

#endif /* WATCH_ASK_H */
