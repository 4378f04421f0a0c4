/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of watched modules. See watch/watched.c.
 */
#ifndef WATCH_WATCHED_H
#define WATCH_WATCHED_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/module.h>
#include <linux/types.h>

#define WATCH_MAX_MODULES	16	/* 0 is no module */

struct watch_text {
	unsigned long base;
	unsigned long size;
};

/* The range of all watched code, read by watch/stubs.S; and this module's own code. */
extern struct watch_text watch_text, watch_own_text;

/*
 * How many ranges of watched code are in each piece of the addresses' last 4 GB, where all of the
 * kernel's code is. Read by watch/stubs.S, for which a piece is the upper half of 32 bits.
 */
#define WATCH_CODE_PIECE	65536
#define WATCH_CODE_PIECES	65536
extern u8 watch_code_map[WATCH_CODE_PIECES];

struct watch_module {
	char name[MODULE_NAME_LEN];	/* empty: the place is free */
	struct watch_text text, init;	/* of size 0 while not loaded */
	atomic_long_t allocs, refused, noticed;
} __aligned(128);			/* an index is a shift */

extern struct watch_module watch_modules[WATCH_MAX_MODULES];

static inline bool watch_covers(const struct watch_text *text, unsigned long ip)
{
	return ip - READ_ONCE(text->base) < READ_ONCE(text->size);
}

unsigned int watch_module_among(unsigned long ip);
void watch_code_is(struct watch_text *text, unsigned long base, unsigned long size);

/*
 * Which watched module's code @ip is in; 0: none's. Mostly a single module is watched, the first
 * of the table. Context: Any.
 */
static inline unsigned int watch_module_at(unsigned long ip)
{
	return likely(watch_covers(&watch_modules[1].text, ip)) ? 1 : watch_module_among(ip);
}

#endif /* WATCH_WATCHED_H */
