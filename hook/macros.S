/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included by the assembler of stubs: how a stub begins and ends. See struct lab_stub in
 * hook/board.h.
 *
 * A stub is called from the first instruction of the hooked function. On the stack are the
 * address where the hooked function goes on, and above that the hooked function's return
 * address. All arguments are in registers and stay there, and so does the token that may be in
 * %rax (lab_call_token). %r10 and %r11 are free.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#ifdef CONFIG_X86_KERNEL_IBT
#include <asm/ibt.h>
#endif

#ifndef ENDBR
#define ENDBR
#endif

#define LAB_STUB_NEXT	0
#define LAB_STUB_HITS	8

#ifdef CONFIG_SMP
#define LAB_THIS_CPU	%gs:
#else
#define LAB_THIS_CPU
#endif

/* The hooked function's caller. */
#define LAB_STUB_CALLER	8(%rsp)
/* Its piece of 64 KB among the addresses' last 4 GB: the upper half of the lower 32 bits. */
#define LAB_STUB_CALLER_PIECE	10(%rsp)

/*
 * Goes on with the next stub, which has the stack and the registers of this one; without a next
 * stub, with the hooked function. The next stub may leave between the look and the load.
 */
.macro LAB_STUB_LEAVE stub
	cmpq	$0, (LAB_STUB_NEXT + \stub)(%rip)
	jne	.Lnext_\@
.Lleave_\@:
	RET
.Lnext_\@:
	mov	(LAB_STUB_NEXT + \stub)(%rip), %r11
	test	%r11, %r11
	jz	.Lleave_\@
	JMP_NOSPEC r11
.endm

/*
 * Ends at @target in place of the hooked function. Calls and returns stay in pairs for the CPU's
 * return predictor; only this return's target is mispredicted. Depth tracking of calls counts a
 * return more than calls, which errs on the safe side.
 */
.macro LAB_STUB_DIVERT target
	lea	\target(%rip), %r11
	mov	%r11, (%rsp)
	RET
.endm
