// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many bytes an instruction reads or writes, for the report of an access that strayed. No
 * state is owned here. The kernel's decoder is not exported; known here are the instructions
 * that compiled C code makes of accesses to memory, vector instructions apart.
 */
#include <linux/bits.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include "page/width.h"

/* The longest instruction. */
#define INSN_MAX	15U

/**
 * struct insn - an instruction, from the prefixes on
 * @bytes: the code.
 * @at: the next byte to be looked at.
 * @size: the operand size in bytes, where the opcode does not say.
 */
struct insn {
	u8 bytes[INSN_MAX + 1];
	unsigned int at;
	unsigned int size;
};

static u8 next_byte(struct insn *insn)
{
	return insn->at < INSN_MAX ? insn->bytes[insn->at++] : 0;
}

static bool is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* segments */
	case 0x64 ... 0x67:				/* segments, sizes */
	case 0xf0: case 0xf2: case 0xf3:		/* lock, rep */
		return true;
	}
	return false;
}

/* The opcode's first byte, behind the prefixes; the last prefix may be REX, 0x40 to 0x4f. */
static u8 skip_prefixes(struct insn *insn)
{
	u8 byte = next_byte(insn);

	insn->size = 4;
	for (; is_prefix(byte); byte = next_byte(insn))
		if (byte == 0x66)
			insn->size = 2;
	if ((byte & 0xf0) != 0x40)
		return byte;
	if (byte & BIT(3))
		insn->size = 8;
	return next_byte(insn);
}

/* Opcodes of a byte. Of most, the lowest bit says whether the operand is a byte. */
static unsigned int width_of_one(const struct insn *insn, u8 opcode)
{
	switch (opcode) {
	case 0x00 ... 0x3f:			/* add to cmp; not by immediates */
		if (opcode & BIT(2))
			return 0;
		fallthrough;
	case 0x84 ... 0x8b:			/* test, xchg, mov */
	case 0xa4 ... 0xa7:			/* movs, cmps */
	case 0xaa ... 0xaf:			/* stos, lods, scas */
	case 0xc0: case 0xc1:			/* shifts */
	case 0xc6: case 0xc7:			/* mov of an immediate */
	case 0xd0 ... 0xd3:			/* shifts */
	case 0xf6: case 0xf7:			/* test, not, neg, mul, div */
	case 0xfe: case 0xff:			/* inc, dec */
		return opcode & 1 ? insn->size : 1;
	case 0x63:				/* movslq */
		return 4;
	case 0x80:
		return 1;
	case 0x69: case 0x6b:			/* imul */
	case 0x81: case 0x83:			/* add to cmp, by immediates */
		return insn->size;
	}
	return 0;
}

/* Opcodes of two bytes, of which @opcode is the second. */
static unsigned int width_of_two(const struct insn *insn, u8 opcode)
{
	switch (opcode) {
	case 0x90 ... 0x9f:			/* setcc */
	case 0xb0: case 0xc0:			/* cmpxchg, xadd */
	case 0xb6: case 0xbe:			/* movzx, movsx */
		return 1;
	case 0xb7: case 0xbf:
		return 2;
	case 0x40 ... 0x4f:			/* cmovcc */
	case 0xa3: case 0xab: case 0xb3: case 0xba: case 0xbb:	/* bt, bts, btr, btc */
	case 0xaf:				/* imul */
	case 0xb1: case 0xc1:			/* cmpxchg, xadd */
	case 0xb8: case 0xbc: case 0xbd:	/* popcnt, bsf, bsr */
	case 0xc3:				/* movnti */
		return insn->size;
	case 0xc7:				/* cmpxchg8b, cmpxchg16b */
		return insn->size == 8 ? 16 : 8;
	}
	return 0;
}

/* Context: Any. Return: how many bytes the instruction at @ip reads or writes; 0: not known. */
unsigned int lab_width_at(unsigned long ip)
{
	struct insn insn = {};
	u8 opcode;

	/* The last instruction of a section may be shorter. */
	if (copy_from_kernel_nofault(insn.bytes, (void *)ip, INSN_MAX) &&
	    copy_from_kernel_nofault(insn.bytes, (void *)ip, 4))
		return 0;
	opcode = skip_prefixes(&insn);
	return opcode == 0x0f ? width_of_two(&insn, next_byte(&insn)) :
				width_of_one(&insn, opcode);
}
