// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slab caches, without the allocator's help. State: where some fields are, learnt once at
 * load and constant afterwards. A field that was not found makes an answer vaguer, never
 * wrong: no name, no size, or a life that is not known.
 */
#include <linux/cpumask.h>
#include <linux/gcd.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/swab.h>
#include <linux/vmalloc.h>

#include "watch/peek.h"
#include "watch/sheaf.h"
#include "watch/slab.h"

#define PROBE_NAME	"labyrinth_watch"
#define PROBE_SIZE	136
#define PROBE_ALIGN	64
/* So many that some freed objects are in no per-CPU store, on any kernel. */
#define PROBE_OBJECTS	1024

/* So much of struct kmem_cache is looked at. */
#define CACHE_WORDS	64
#define CACHE_BYTES	(CACHE_WORDS * sizeof(long))

/* The number of words at the start of a cache's per-CPU structure that may head a chain. */
#define CPU_WORDS	4
/* No slab has more objects. */
#define MAX_LINKS	32768

/* No slab has a larger order. A page that changes hands meanwhile may show any order. */
#define SLAB_MAX_ORDER	6

/* Offsets; negative: not found. */
static struct {
	int cache;		/* of the pointer to the cache, in the slab's first struct page */
	int name, size;		/* in struct kmem_cache */
	int link;		/* in struct kmem_cache: the offset of the link in a free object */
	int secret;		/* in struct kmem_cache: the key that encrypts links */
} at = { -1, -1, -1, -1, -1 };

/* While learning. */
static struct kmem_cache *probe;
static void **objects;

static const void *slab_of(const void *addr)
{
	struct page *page = watch_page_at(addr);

	return page ? watch_head(page) : NULL;
}

/* Return: the cache whose slab has @addr, or NULL. */
const void *watch_slab_cache(const void *addr)
{
	const struct page *slab = slab_of(addr);
	const void *cache;

	if (!slab || at.cache < 0 || !WATCH_IS(PageSlab, (struct page *)slab) ||
	    !watch_peek(&cache, (const void *)slab + at.cache, sizeof(cache)))
		return NULL;
	return cache;
}

unsigned long watch_slab_bytes(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	unsigned int order;

	if (!page || watch_head(page) != page || !WATCH_IS(PageSlab, page))
		return 0;
	/* The allocator may take the slab apart meanwhile: an impossible order is not believed. */
	order = data_race(compound_order(page));
	return order <= SLAB_MAX_ORDER ? PAGE_SIZE << order : 0;
}

/* Learning. */

static int find_word(const void *in, unsigned int bytes, unsigned long wanted)
{
	unsigned int offset;
	unsigned long word;

	for (offset = 0; offset < bytes; offset += sizeof(word))
		if (watch_peek(&word, in + offset, sizeof(word)) && word == wanted)
			return offset;
	return -1;
}

static int find_half(const void *in, unsigned int bytes, u32 wanted)
{
	unsigned int offset;
	u32 half;

	for (offset = 0; offset < bytes; offset += sizeof(half))
		if (watch_peek(&half, in + offset, sizeof(half)) && half == wanted)
			return offset;
	return -1;
}

static int find_name(const void *cache)
{
	char name[sizeof(PROBE_NAME)];
	unsigned int offset;
	const char *text;

	for (offset = 0; offset < CACHE_BYTES; offset += sizeof(text))
		if (watch_peek(&text, cache + offset, sizeof(text)) &&
		    watch_peek(name, text, sizeof(name)) && !memcmp(name, PROBE_NAME, sizeof(name)))
			return offset;
	return -1;
}

/* The distance of objects in the same slab is a multiple of the stride. */
static unsigned int measure_stride(void **object, unsigned int nr)
{
	unsigned long stride = 0;
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		for (j = i + 1; j < nr && j < i + 64; j++)
			if (slab_of(object[i]) == slab_of(object[j]))
				stride = gcd(stride, abs(object[i] - object[j]));
	return stride;
}

/**
 * watch_slab_learn() - learn a cache from some of the cache's objects
 * @kind: filled in.
 * @object: objects in use, all of the same cache.
 * @nr: how many.
 *
 * Context: Task. Return: 0, or -ENOENT if the objects show no cache or no stride.
 */
int watch_slab_learn(struct watch_slab_kind *kind, void **object, unsigned int nr)
{
	const void *slab = slab_of(object[0]);

	kind->cache = watch_slab_cache(object[0]);
	kind->stride = measure_stride(object, nr);
	if (!kind->cache || !kind->stride || !slab)
		return -ENOENT;
	kind->first = (object[0] - page_to_virt((struct page *)slab)) % kind->stride;
	return 0;
}

/* Return: the word that is at @link if the link there leads to @object. */
static unsigned long encode(unsigned long secret, unsigned long link, unsigned long object)
{
	return IS_ENABLED(CONFIG_SLAB_FREELIST_HARDENED) ? secret ^ swab(link) ^ object : object;
}

/* Whether the word at @offset of the freed @object links to an object of the same slab. */
static bool learn_secret(void *object, unsigned int offset, unsigned int stride)
{
	unsigned long base = (unsigned long)page_to_virt((struct page *)slab_of(object));
	unsigned long other, word, link = (unsigned long)object + offset;

	if (!watch_peek(&word, (void *)link, sizeof(word)))
		return false;
	for (other = base; other < base + PAGE_SIZE; other += stride) {
		at.secret = find_word(probe, CACHE_BYTES, word ^ encode(0, link, other));
		if (at.secret >= 0)
			return true;
	}
	return false;
}

static bool learn_links(const struct watch_slab_kind *kind)
{
	u32 offset;
	int i;

	at.link = at.size < 0 ? -1 : at.size + 4 * (int)sizeof(u32);
	if (at.link < 0 || !watch_peek(&offset, (void *)kind->cache + at.link, sizeof(offset)) ||
	    offset > kind->stride - sizeof(long) || offset % sizeof(long))
		return false;
	if (!IS_ENABLED(CONFIG_SLAB_FREELIST_HARDENED))
		return true;
	for (i = 0; i < PROBE_OBJECTS; i += 2)
		if (learn_secret(objects[i], offset, kind->stride))
			return true;
	return false;
}

/* With a constructor, the probe's cache is merged with no other cache. */
static void construct(void *object)
{
}

static void free_objects(unsigned int first)
{
	unsigned int i;

	for (i = first; i < PROBE_OBJECTS; i += 2)
		if (objects[i])
			kmem_cache_free(probe, objects[i]);
}

static bool alloc_objects(void)
{
	unsigned int i;

	for (i = 0; i < PROBE_OBJECTS; i++) {
		objects[i] = kmem_cache_alloc(probe, GFP_KERNEL);
		if (!objects[i])
			return false;
	}
	return true;
}

/* While all objects are in use. Return: whether the probe's slabs are understood. */
static bool learn_fields(struct watch_slab_kind *kind)
{
	at.cache = find_word(slab_of(objects[0]), sizeof(struct page), (unsigned long)probe);
	at.name = find_name(probe);
	if (watch_slab_learn(kind, objects, PROBE_OBJECTS))
		return false;
	at.size = find_half(probe, CACHE_BYTES, kind->stride);
	return true;
}

/* Frees every second object in between, so that no slab becomes empty and goes. */
static int learn(void)
{
	struct watch_slab_kind kind;
	bool got = alloc_objects();
	bool understood = got && learn_fields(&kind);

	free_objects(0);
	if (understood && !learn_links(&kind))
		at.link = -1;
	free_objects(1);
	return !got ? -ENOMEM : !understood ? -ENOENT : 0;
}

/* Context: Task. Return: 0, -ENOMEM, or -ENOENT where slabs cannot be told from others. */
int watch_slab_init(void)
{
	int err = -ENOMEM;

	probe = kmem_cache_create(PROBE_NAME, PROBE_SIZE, PROBE_ALIGN, 0, construct);
	if (!probe)
		return -ENOMEM;
	objects = vcalloc(PROBE_OBJECTS, sizeof(*objects));
	if (objects)
		err = learn();
	vfree(objects);
	kmem_cache_destroy(probe);
	pr_debug("slabs: cache at %d, name at %d, size at %d, link at %d, secret at %d\n",
		 at.cache, at.name, at.size, at.link, at.secret);
	return err;
}

/* Asking. */

static void cache_name(const void *cache, char *name)
{
	const char *text;

	if (at.name < 0 || !watch_peek(&text, cache + at.name, sizeof(text)) ||
	    !watch_peek(name, text, WATCH_SLAB_NAME - 1))
		strscpy(name, "?", WATCH_SLAB_NAME);
	name[WATCH_SLAB_NAME - 1] = '\0';
}

/* How the links of a cache's free objects are read. */
struct links {
	const struct watch_slab_kind *kind;
	const void *slab;
	unsigned long secret;
	u32 offset;
};

static bool read_links(struct links *links)
{
	const void *cache = links->kind->cache;

	return at.link >= 0 && watch_peek(&links->offset, cache + at.link, sizeof(links->offset)) &&
	       links->offset <= links->kind->stride - sizeof(long) &&
	       (at.secret < 0 ||
		watch_peek(&links->secret, cache + at.secret, sizeof(links->secret)));
}

/* Whether @object is in the chain of free objects that begins at @first, within the slab. */
static bool chain_has(const struct links *links, unsigned long first, unsigned long object)
{
	unsigned long word, link;
	unsigned int i;

	for (i = 0; i < MAX_LINKS && slab_of((void *)first) == links->slab; i++) {
		if (first == object)
			return true;
		link = first + links->offset;
		if (!watch_peek(&word, (void *)link, sizeof(word)))
			return false;
		first = word ^ encode(links->secret, link, 0);
	}
	return false;
}

/* Whether a word of the @nr words at @store heads a chain that has @object. */
static bool chains_have(const struct links *links, const void *store, unsigned int nr,
			unsigned long object)
{
	const unsigned long *words = store;
	unsigned long first;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (watch_peek(&first, words + i, sizeof(first)) && watch_is_direct(first) &&
		    chain_has(links, first, object))
			return true;
	return false;
}

/*
 * Whether @object is free. A link in the object proves nothing: an object in use may still
 * have its old link. The chains of free objects begin in the slab's struct page, and on some
 * kernels in the cache's per-CPU structures.
 * Return: %WATCH_LIFE_FREED if a chain has @object, else %WATCH_LIFE_UNKNOWN.
 */
static enum watch_life slab_life(const struct watch_slab_kind *kind, unsigned long object)
{
	struct links links = { .kind = kind, .slab = slab_of((void *)object) };
	void __percpu *stores;
	int cpu;

	if (!read_links(&links) || !watch_peek(&stores, kind->cache, sizeof(stores)))
		return WATCH_LIFE_UNKNOWN;
	if (chains_have(&links, links.slab, sizeof(struct page) / sizeof(long), object))
		return WATCH_LIFE_FREED;
	for_each_possible_cpu(cpu)
		if (chains_have(&links, per_cpu_ptr(stores, cpu), CPU_WORDS, object))
			return WATCH_LIFE_FREED;
	return WATCH_LIFE_UNKNOWN;
}

/* Return: whether @addr is in a slab; @object then describes the object that has @addr. */
bool watch_slab_find(const void *addr, struct watch_slab_object *object)
{
	const void *cache = watch_slab_cache(addr);
	struct watch_slab_kind kind = { .cache = cache };
	unsigned long base;

	if (!cache)
		return false;
	*object = (struct watch_slab_object){ .cache = cache, .start = (unsigned long)addr };
	cache_name(cache, object->name);
	if (at.size < 0 || !watch_peek(&kind.stride, cache + at.size, sizeof(kind.stride)) ||
	    kind.stride < sizeof(long))
		return true;
	base = (unsigned long)page_to_virt((struct page *)slab_of(addr));
	object->stride = kind.stride;
	object->start -= ((unsigned long)addr - base) % kind.stride;
	object->life = slab_life(&kind, object->start);
	if (object->life == WATCH_LIFE_UNKNOWN && watch_sheaf_has(cache, (void *)object->start))
		object->life = WATCH_LIFE_FREED;
	return true;
}
