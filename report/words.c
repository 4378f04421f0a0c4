// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of words. No state is owned here. Each table is a list macro, so the words can be
 * counted: a forgotten word fails to compile.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "report/words.h"

#define WORD(value, word)	[value] = word,
#define ONE_MORE(value, word)	+ 1

#define CLASS_WORDS(W)							\
	W(LAB_FOREIGN, "foreign")					\
	W(LAB_WRONG_THREAD, "wrong-thread")				\
	W(LAB_UNOWNED, "unowned")					\
	W(LAB_DOUBLE, "double")						\
	W(LAB_BUSY, "busy")						\
	W(LAB_BAD_ADDRESS, "bad-address")				\
	W(LAB_BAD_HANDLE, "bad-handle")					\
	W(LAB_BAD_PAGE, "bad-page")					\
	W(LAB_BAD_MAPPING, "bad-mapping")				\
	W(LAB_WRONG_DEVICE, "wrong-device")				\
	W(LAB_WRONG_VMA, "wrong-vma")					\
	W(LAB_STALE, "stale")						\
	W(LAB_SEALED, "sealed")						\
	W(LAB_NOT_POSTED, "not-posted")					\
	W(LAB_LOST_REFERENCE, "lost-reference")				\
	W(LAB_OVERWRITTEN, "overwritten")				\
	W(LAB_STRAY_WRITE, "stray-write")				\
	W(LAB_LEAKED, "leaked")						\
	W(LAB_LEFT_BEHIND, "left-behind")				\
	W(LAB_CORRUPT, "corrupt")

static const char * const class_names[] = { CLASS_WORDS(WORD) };
static_assert((CLASS_WORDS(ONE_MORE)) == LAB_NR_CLASSES);

#define OP_WORDS(W)							\
	W(LAB_OP_REFILL, "refill")					\
	W(LAB_OP_RETURN, "return")					\
	W(LAB_OP_LIMBO, "limbo")					\
	W(LAB_OP_ALLOC, "alloc")					\
	W(LAB_OP_RX_GET, "rx-get")					\
	W(LAB_OP_FREE, "free")						\
	W(LAB_OP_TRANSFER, "transfer")					\
	W(LAB_OP_RELEASE, "release")					\
	W(LAB_OP_RELEASE_LENT, "release-lent")				\
	W(LAB_OP_ADOPT, "adopt")					\
	W(LAB_OP_LEND, "lend")						\
	W(LAB_OP_RECLAIM, "reclaim")					\
	W(LAB_OP_MAP, "map")						\
	W(LAB_OP_VMAP, "vmap")						\
	W(LAB_OP_DMA, "dma")						\
	W(LAB_OP_UNMAP, "unmap")					\
	W(LAB_OP_RX_READ, "rx-read")					\
	W(LAB_OP_RX_AGAIN, "rx-again")					\
	W(LAB_OP_RX_GIVE, "rx-give")					\
	W(LAB_OP_RX_PUT, "rx-put")					\
	W(LAB_OP_PAGE, "page")						\
	W(LAB_OP_DESTROY, "destroy")					\
	W(LAB_OP_FAULT, "fault")					\
	W(LAB_OP_READ, "read")						\
	W(LAB_OP_WRITE, "write")

static const char * const op_names[] = { OP_WORDS(WORD) };
static_assert((OP_WORDS(ONE_MORE)) == LAB_NR_OP_NAMES);

#define STATE_WORDS(W)							\
	W(LAB_ABSENT, "ABSENT")						\
	W(LAB_CACHED, "CACHED")						\
	W(LAB_HELD, "HELD")						\
	W(LAB_LENT, "LENT")						\
	W(LAB_LIMBO, "LIMBO")						\
	W(LAB_MAPPED, "MAPPED")						\
	W(LAB_POSTED, "POSTED")

static const char * const state_names[] = { STATE_WORDS(WORD) };
static_assert((STATE_WORDS(ONE_MORE)) == LAB_NR_STATES);

#define FAIL_WORDS(W)							\
	W(LAB_FAIL_THREAD, "thread")					\
	W(LAB_FAIL_QUOTA, "quota")					\
	W(LAB_FAIL_TABLE, "table")					\
	W(LAB_FAIL_MEMORY, "memory")					\
	W(LAB_FAIL_SEALED, "sealed")					\
	W(LAB_FAIL_CONTEXT, "context")

static const char * const fail_names[] = { FAIL_WORDS(WORD) };
static_assert((FAIL_WORDS(ONE_MORE)) == LAB_NR_FAILS);

#define MAP_KIND_WORDS(W)						\
	W(LAB_MAP_DMA, "for DMA")					\
	W(LAB_MAP_KERNEL, "into the kernel")				\
	W(LAB_MAP_PROCESS, "into a process")				\
	W(LAB_MAP_CORE, "for DMA by the core")

static const char * const map_names[] = { MAP_KIND_WORDS(WORD) };
static_assert((MAP_KIND_WORDS(ONE_MORE)) == LAB_NR_MAP_KINDS);

#define CONTEXT_WORDS(W)						\
	W(LAB_CONTEXT_TASK, "task")					\
	W(LAB_CONTEXT_SOFTIRQ, "softirq")				\
	W(LAB_CONTEXT_HARDIRQ, "hardirq")				\
	W(LAB_CONTEXT_NMI, "NMI")

static const char * const context_names[] = { CONTEXT_WORDS(WORD) };
static_assert((CONTEXT_WORDS(ONE_MORE)) == LAB_NR_CONTEXTS);

const char *lab_class_name(enum lab_class class)
{
	return class_names[class];
}

const char *lab_op_name(enum lab_op op)
{
	return op_names[op];
}

const char *lab_state_name(enum lab_state state)
{
	return state < LAB_NR_STATES ? state_names[state] : "?";
}

const char *lab_fail_name(enum lab_fail fail)
{
	return fail_names[fail];
}

const char *lab_map_kind_name(enum lab_map_kind kind)
{
	return map_names[kind];
}

const char *lab_context_name(enum lab_context context)
{
	return context_names[context];
}

/* The errno's name to @text: "-EPERM", or "0". Context: Any. */
void lab_error_name(char *text, size_t size, int err)
{
	if (err)
		snprintf(text, size, "%pe", ERR_PTR(err));
	else
		strscpy(text, "0", size);
}
