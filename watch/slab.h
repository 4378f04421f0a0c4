/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which slab cache an address belongs to. The layout of slabs and caches is private to the
 * kernel, so the layout is learnt at load from objects of a known cache.
 */
#ifndef WATCH_SLAB_H
#define WATCH_SLAB_H

#include <linux/types.h>

#define WATCH_SLAB_NAME	40

enum watch_life {
	WATCH_LIFE_UNKNOWN,	/* in use; or free, but in neither of the places below */
	WATCH_LIFE_FREED,	/* in the slab's list of free objects, or in a sheaf */
};

/* A cache, and where in each slab of the cache the objects are. */
struct watch_slab_kind {
	const void *cache;
	unsigned int stride;
	unsigned int first;
};

struct watch_slab_object {
	const void *cache;
	char name[WATCH_SLAB_NAME];
	unsigned long start;
	unsigned int stride;
	enum watch_life life;
};

int watch_slab_init(void);
int watch_slab_learn(struct watch_slab_kind *kind, void **objects, unsigned int nr);

const void *watch_slab_cache(const void *addr);
bool watch_slab_find(const void *addr, struct watch_slab_object *object);

/* The bytes of a slab whose first frame is @pfn; 0: no slab begins there. */
unsigned long watch_slab_bytes(unsigned long pfn);

#endif /* WATCH_SLAB_H */
