/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The direct calls from the page allocator's block frees, for x86-64. As of hook/stubs.S,
 * nothing here is traced, and no task sleeps in it.
 */
#include <linux/linkage.h>
#include <asm/frame.h>
#include <asm/nospec-branch.h>
#ifdef CONFIG_X86_KERNEL_IBT
#include <asm/ibt.h>
#endif

#ifndef ENDBR
#define ENDBR
#endif

	.text

/*
 * Direct calls from the first instruction of __free_pages(page, order) and free_pages(addr,
 * order). A single page passes at once: the tracepoint looks at that. Of a block, @decide
 * says whether the free is refused: then this returns not to the hooked function, but to
 * its caller, by way of a return: call and return stay in pairs for the CPU's predictor of
 * shadow stacks, save this once.
 *
 * On the stack: where the hooked function goes on, and above it where that returns to. Of
 * the registers, only those of the two arguments are live, besides what @decide saves.
 * Depth tracking of calls counts a return more than calls here, which errs on its safe side.
 */
.macro LAB_BLOCK_HOOK name decide
SYM_FUNC_START(\name)
	ENDBR
	test	%esi, %esi
	jnz	.Lblock_\name
	RET
.Lblock_\name:
	push	%rdi
	push	%rsi
	call	\decide
	pop	%rsi
	pop	%rdi
	test	%al, %al
	jz	.Lgo_on_\name
	lea	lab_return_zero(%rip), %rax
	mov	%rax, (%rsp)
.Lgo_on_\name:
	RET
SYM_FUNC_END(\name)
.endm

LAB_BLOCK_HOOK lab_hook_free_pages lab_refuse_block
LAB_BLOCK_HOOK lab_hook_free_address lab_refuse_block_at

	.section .note.GNU-stack,"",@progbits
