/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The direct calls from the page allocator's block frees, for x86-64. As with hook/stubs.S,
 * this code is not traced, and no task sleeps here.
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
 * order). A single page passes at once: the tracepoint's hook looks at single pages. For a
 * block, @decide says whether to refuse the free. A refused free returns to lab_return_zero,
 * not to the hooked function, and from there to the hooked function's caller. Calls and returns
 * stay in pairs for the CPU's return predictor; only that return's target is mispredicted.
 *
 * On the stack: the address where the hooked function goes on, and above that the hooked
 * function's return address. Of the registers, only the two arguments are live, besides the
 * registers that @decide saves. Depth tracking of calls counts a return more than calls here,
 * which errs on the safe side.
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
