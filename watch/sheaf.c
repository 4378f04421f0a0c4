// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sheaves: arrays in which newer kernels keep free slab objects, some for each CPU and some
 * for each node. An object in a sheaf is free, though the slab does not know. A sheaf has a
 * pointer to the cache, and is recognised by that pointer. On kernels without sheaves no
 * memory passes this test, so no object is found in a sheaf. No state.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>

#include "watch/peek.h"
#include "watch/sheaf.h"

/* So many words are looked at: of a cache, and of a CPU's or a node's structure. */
#define CACHE_WORDS	64
#define STORE_WORDS	8
#define MAX_OBJECTS	1024
#define MAX_SHEAVES	64

struct sheaf {
	struct sheaf *next;
	void *prev;
	const void *cache;
	unsigned int size;
	int node;
	const void *objects[];
};

/* Return: whether @at is a sheaf of @cache; @copy then has the first fields. */
static bool read_sheaf(const struct sheaf *at, const void *cache, struct sheaf *copy)
{
	return watch_is_direct((unsigned long)at) && watch_peek(copy, at, sizeof(*copy)) &&
	       copy->cache == cache && copy->size <= MAX_OBJECTS;
}

static bool sheaf_has(const struct sheaf *at, unsigned int size, const void *object)
{
	const void *one;
	unsigned int i;

	for (i = 0; i < size; i++)
		if (WATCH_PEEK(one, &at->objects[i]) && one == object)
			return true;
	return false;
}

/* The sheaves from @at on, if there are any. */
static bool list_has(const struct sheaf *at, const void *cache, const void *object)
{
	struct sheaf copy;
	unsigned int i;

	for (i = 0; i < MAX_SHEAVES && read_sheaf(at, cache, &copy); i++) {
		if (sheaf_has(at, copy.size, object))
			return true;
		at = copy.next;
	}
	return false;
}

/* A CPU's structure, or a node's, has words that lead to sheaves. */
static bool store_has(const void *store, const void *cache, const void *object)
{
	const struct sheaf *words[STORE_WORDS];
	unsigned int i;

	if (!watch_peek(words, store, sizeof(words)))
		return false;
	for (i = 0; i < STORE_WORDS; i++)
		if (list_has(words[i], cache, object))
			return true;
	return false;
}

static bool cpus_have(const void *cache, const void *object)
{
	void __percpu *stores;
	int cpu;

	if (!watch_peek(&stores, cache, sizeof(stores)))
		return false;
	for_each_possible_cpu(cpu)
		if (store_has(per_cpu_ptr(stores, cpu), cache, object))
			return true;
	return false;
}

static bool nodes_have(const void *cache, const void *object)
{
	const void *const *word = cache, *store;
	unsigned int i;

	for (i = 0; i < CACHE_WORDS; i++)
		if (watch_peek(&store, word + i, sizeof(store)) &&
		    watch_is_direct((unsigned long)store) && store_has(store, cache, object))
			return true;
	return false;
}

/**
 * watch_sheaf_has() - whether an object is free, and kept in a sheaf
 * @cache: the object's cache.
 * @object: the object's start.
 *
 * Context: Task. Return: whether a sheaf of @cache has @object.
 */
bool watch_sheaf_has(const void *cache, const void *object)
{
	return cpus_have(cache, object) || nodes_have(cache, object);
}
