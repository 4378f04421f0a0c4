// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which cache lines move between CPUs. The compiler tells of every load, store and atomic
 * operation of the simulated code (-fsanitize=thread; the functions __tsan_* are defined here,
 * not in a library).
 *
 * A line is in the caches of some CPUs, or of a single CPU after a store. Caches are as large as
 * can be: a line leaves a cache only for another CPU's store. So what is counted moves because
 * CPUs share the line, and for no other reason. A line counts once in an operation.
 */
#include <stdint.h>
#include <string.h>

#include "lines.h"
#include "machine.h"

#define TABLE_BITS	23
#define NOBODY		UINT16_MAX
#define MAX_REGIONS	16384

struct line {
	uintptr_t nr;				/* 0: unused */
	uint64_t holders[SIM_MAX_CPUS / 64];
	uint64_t operation;			/* in which it was counted last */
	uint32_t epoch;				/* of @shared */
	uint16_t writer;			/* the last, or NOBODY */
	bool shared;				/* written by more than one CPU in @epoch */
	bool known;				/* @kind is */
	uint8_t kind;
};

static struct line *lines;
static size_t nr_lines;
static struct region {
	uintptr_t from, end;
	enum kind kind;
} regions[MAX_REGIONS];
static unsigned int nr_regions;
static uintptr_t stack_top;
static struct tally tallies[NR_KINDS];
static uint64_t operation;
static uint32_t epoch;
static bool counting;

const char *lines_name(enum kind kind)
{
	static const char * const names[] = {
		[KIND_OTHER] = "other",
		[KIND_SLOTS] = "slots",
		[KIND_COUNTS] = "table's counts",
		[KIND_PAGES] = "struct pages",
		[KIND_FRONT] = "owner, front",
		[KIND_OWNER] = "owner, rest",
		[KIND_DEPOT] = "depot",
		[KIND_CACHES] = "caches",
	};

	return names[kind];
}

void lines_region(const void *from, size_t size, enum kind kind)
{
	if (nr_regions == MAX_REGIONS)
		sim_die("too many regions", lines_name(kind));
	regions[nr_regions++] = (struct region) {
		.from = (uintptr_t)from / SIM_LINE,
		.end = ((uintptr_t)from + size + SIM_LINE - 1) / SIM_LINE,
		.kind = kind,
	};
}

void lines_stack(const void *top)
{
	stack_top = (uintptr_t)top / SIM_LINE + 64;
}

/* The region noted last counts: a part may lie in a larger one. */
static enum kind look_up(uintptr_t nr)
{
	unsigned int i = nr_regions;

	while (i--)
		if (nr >= regions[i].from && nr < regions[i].end)
			return regions[i].kind;
	return KIND_OTHER;
}

static enum kind kind_of(struct line *line)
{
	if (!line->known)
		line->kind = look_up(line->nr);
	line->known = true;
	return line->kind;
}

static struct line *find(uintptr_t nr)
{
	size_t mask = (1UL << TABLE_BITS) - 1;
	size_t at = nr * 0x9e3779b97f4a7c15ULL >> (64 - TABLE_BITS);

	if (!lines)
		lines = sim_memory(sizeof(*lines) << TABLE_BITS);
	while (lines[at].nr && lines[at].nr != nr)
		at = (at + 1) & mask;
	if (!lines[at].nr) {
		if (++nr_lines > mask / 2)
			sim_die("too many lines", "touched");
		lines[at].nr = nr;
		lines[at].writer = NOBODY;
	}
	return &lines[at];
}

static void count_move(struct line *line)
{
	struct tally *tally = &tallies[kind_of(line)];

	if (!counting || line->operation == operation)
		return;
	line->operation = operation;
	tally->moved++;
	tally->far += line->writer != NOBODY &&
		      sim_node_of_cpu(line->writer) != sim_node_of_cpu(sim_cpu);
}

static void count_writer(struct line *line)
{
	if (line->epoch != epoch) {
		line->epoch = epoch;
		line->shared = false;
		line->writer = line->writer == NOBODY ? NOBODY : sim_cpu;
	}
	if (counting && !line->shared && line->writer != NOBODY && line->writer != sim_cpu) {
		line->shared = true;
		tallies[kind_of(line)].shared++;
	}
}

static void load(struct line *line, unsigned int word, uint64_t bit)
{
	if (line->holders[word] & bit)
		return;
	if (line->writer != NOBODY && line->writer != sim_cpu)
		count_move(line);
	line->holders[word] |= bit;
}

static void store(struct line *line, unsigned int word, uint64_t bit)
{
	uint64_t others = 0;
	unsigned int i;

	for (i = 0; i < SIM_MAX_CPUS / 64; i++)
		others |= line->holders[i] & (i == word ? ~bit : ~0ULL);
	if (others)
		count_move(line);
	count_writer(line);
	memset(line->holders, 0, sizeof(line->holders));
	line->holders[word] = bit;
	line->writer = sim_cpu;
}

void sim_touch(const void *addr, size_t size, bool write);
void sim_touch(const void *addr, size_t size, bool write)
{
	uintptr_t nr = (uintptr_t)addr / SIM_LINE, last = ((uintptr_t)addr + size - 1) / SIM_LINE;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) / SIM_LINE;

	if (nr >= here && nr < stack_top)
		return;
	for (; nr <= last; nr++) {
		struct line *line = find(nr);

		if (write)
			store(line, sim_cpu / 64, 1ULL << sim_cpu % 64);
		else
			load(line, sim_cpu / 64, 1ULL << sim_cpu % 64);
	}
}

/* From here on lines count. */
void lines_begin(void)
{
	memset(tallies, 0, sizeof(tallies));
	epoch++;
	counting = true;
}

/* A new operation begins. */
void lines_operation(void)
{
	operation++;
}

void lines_end(struct tally tally[NR_KINDS])
{
	counting = false;
	memcpy(tally, tallies, sizeof(tallies));
}

/* What the compiler calls. */

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

#define PLAIN(size)							\
void __tsan_read##size(void *addr);					\
void __tsan_read##size(void *addr) { sim_touch(addr, size, false); }	\
void __tsan_write##size(void *addr);					\
void __tsan_write##size(void *addr) { sim_touch(addr, size, true); }	\
void __tsan_unaligned_read##size(void *addr);				\
void __tsan_unaligned_read##size(void *addr) { sim_touch(addr, size, false); } \
void __tsan_unaligned_write##size(void *addr);				\
void __tsan_unaligned_write##size(void *addr) { sim_touch(addr, size, true); }

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *addr, size_t size);
void __tsan_read_range(void *addr, size_t size)
{
	sim_touch(addr, size, false);
}

void __tsan_write_range(void *addr, size_t size);
void __tsan_write_range(void *addr, size_t size)
{
	sim_touch(addr, size, true);
}

#define CHANGE(bits, name, operator)					\
uint##bits##_t __tsan_atomic##bits##_##name(uint##bits##_t *at, uint##bits##_t value, int order); \
uint##bits##_t __tsan_atomic##bits##_##name(uint##bits##_t *at, uint##bits##_t value, int order) \
{									\
	uint##bits##_t old = *at;					\
									\
	sim_touch(at, sizeof(*at), true);				\
	*at = operator;							\
	return old;							\
}

/* A compare-and-exchange that fails takes the line all the same. */
#define ATOMIC(bits)							\
uint##bits##_t __tsan_atomic##bits##_load(uint##bits##_t *at, int order); \
uint##bits##_t __tsan_atomic##bits##_load(uint##bits##_t *at, int order) \
{									\
	sim_touch(at, sizeof(*at), false);				\
	return *at;							\
}									\
void __tsan_atomic##bits##_store(uint##bits##_t *at, uint##bits##_t value, int order); \
void __tsan_atomic##bits##_store(uint##bits##_t *at, uint##bits##_t value, int order) \
{									\
	sim_touch(at, sizeof(*at), true);				\
	*at = value;							\
}									\
int __tsan_atomic##bits##_compare_exchange_strong(uint##bits##_t *at, uint##bits##_t *old, \
						  uint##bits##_t value, int order, int failed); \
int __tsan_atomic##bits##_compare_exchange_strong(uint##bits##_t *at, uint##bits##_t *old, \
						  uint##bits##_t value, int order, int failed) \
{									\
	sim_touch(at, sizeof(*at), true);				\
	if (*at != *old) {						\
		*old = *at;						\
		return 0;						\
	}								\
	*at = value;							\
	return 1;							\
}									\
CHANGE(bits, exchange, value)						\
CHANGE(bits, fetch_add, old + value)					\
CHANGE(bits, fetch_sub, old - value)					\
CHANGE(bits, fetch_and, old & value)					\
CHANGE(bits, fetch_or, old | value)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
