// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of words. No state is owned here.
 */
#include <linux/kernel.h>

#include "report/words.h"

static const char * const class_names[] = {
	[LAB_FOREIGN] = "foreign",
	[LAB_WRONG_THREAD] = "wrong-thread",
	[LAB_UNOWNED] = "unowned",
	[LAB_DOUBLE] = "double",
	[LAB_BUSY] = "busy",
	[LAB_BAD_ADDRESS] = "bad-address",
	[LAB_BAD_HANDLE] = "bad-handle",
	[LAB_BAD_PAGE] = "bad-page",
	[LAB_BAD_MAPPING] = "bad-mapping",
	[LAB_WRONG_DEVICE] = "wrong-device",
	[LAB_WRONG_VMA] = "wrong-vma",
	[LAB_SEALED] = "sealed",
	[LAB_LOST_REFERENCE] = "lost-reference",
	[LAB_OVERWRITTEN] = "overwritten",
	[LAB_STRAY_WRITE] = "stray-write",
	[LAB_LEAKED] = "leaked",
	[LAB_LEFT_BEHIND] = "left-behind",
	[LAB_CORRUPT] = "corrupt",
};

static_assert(ARRAY_SIZE(class_names) == LAB_NR_CLASSES);

static const char * const op_names[] = {
	[LAB_OP_REFILL] = "refill",
	[LAB_OP_RETURN] = "return",
	[LAB_OP_LIMBO] = "limbo",
	[LAB_OP_ALLOC] = "alloc",
	[LAB_OP_FREE] = "free",
	[LAB_OP_TRANSFER] = "transfer",
	[LAB_OP_RELEASE] = "release",
	[LAB_OP_RELEASE_LENT] = "release-lent",
	[LAB_OP_ADOPT] = "adopt",
	[LAB_OP_LEND] = "lend",
	[LAB_OP_RECLAIM] = "reclaim",
	[LAB_OP_MAP] = "map",
	[LAB_OP_VMAP] = "vmap",
	[LAB_OP_DMA] = "dma",
	[LAB_OP_UNMAP] = "unmap",
	[LAB_OP_PAGE] = "page",
	[LAB_OP_DESTROY] = "destroy",
	[LAB_OP_FAULT] = "fault",
	[LAB_OP_READ] = "read",
	[LAB_OP_WRITE] = "write",
};

static_assert(ARRAY_SIZE(op_names) == LAB_NR_OP_NAMES);

static const char * const state_names[] = {
	[LAB_ABSENT] = "ABSENT",
	[LAB_CACHED] = "CACHED",
	[LAB_HELD] = "HELD",
	[LAB_LENT] = "LENT",
	[LAB_LIMBO] = "LIMBO",
	[LAB_MAPPED] = "MAPPED",
};

static_assert(ARRAY_SIZE(state_names) == LAB_NR_STATES);

static const char * const fail_names[] = {
	[LAB_FAIL_THREAD] = "thread",
	[LAB_FAIL_QUOTA] = "quota",
	[LAB_FAIL_TABLE] = "table",
	[LAB_FAIL_MEMORY] = "memory",
	[LAB_FAIL_SEALED] = "sealed",
	[LAB_FAIL_CONTEXT] = "context",
};

static_assert(ARRAY_SIZE(fail_names) == LAB_NR_FAILS);

static const char * const map_names[] = {
	[LAB_MAP_DMA] = "for DMA",
	[LAB_MAP_KERNEL] = "into the kernel",
	[LAB_MAP_PROCESS] = "into a process",
};

static_assert(ARRAY_SIZE(map_names) == LAB_NR_MAP_KINDS);

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
