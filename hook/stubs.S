/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The assembler of hooks, for x86-64: the functions that a refused call runs instead of the
 * hooked function, and Labyrinth's own calls of hooked functions.
 *
 * ftrace traces and probes none of this code, which has no __fentry__.
 *
 * This code runs after ftrace's callback has returned. A task may be preempted here, but never
 * sleeps here: lab_guard_exit() waits for a grace period of RCU-tasks.
 */
#include <linux/errno.h>
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
 * A refused call continues here, as if this were the body of the hooked function. A BPF
 * trampoline on the same function calls this code as the function's body, and takes the return
 * value from here. A value that the callback sets in the saved registers would be overwritten
 * by such a trampoline.
 */
.macro LAB_RETURN name value
SYM_FUNC_START(\name)
	ENDBR
	mov	$\value, %rax
	RET
SYM_FUNC_END(\name)
.endm

LAB_RETURN lab_return_zero 0
LAB_RETURN lab_return_eperm -EPERM
LAB_RETURN lab_return_sigbus 2		/* VM_FAULT_SIGBUS */
LAB_RETURN lab_return_no_dma -1		/* DMA_MAPPING_ERROR */

/*
 * Labyrinth's own calls of hooked functions, on behalf of a page's owner. The arguments are
 * passed on in registers. lab_is_own_call() knows these calls by the return address, between
 * lab_own_calls and lab_own_calls_end. No foreign code is called from in between, so no
 * foreign code can end with a jump into a hooked function that would return there.
 *
 * Where that address cannot be seen, the stubs of direct calls know these calls by the token in
 * %rax, see lab_call_token. Each function's result overwrites it.
 */
.macro LAB_OWN_CALL fn
	.weak	\fn
SYM_FUNC_START(lab_own_\fn)
	ENDBR
	FRAME_BEGIN
	mov	lab_call_token(%rip), %rax
	call	\fn
	FRAME_END
	RET
SYM_FUNC_END(lab_own_\fn)
.endm

SYM_ENTRY(lab_own_calls, SYM_L_GLOBAL, SYM_A_NONE)

LAB_OWN_CALL vmap
LAB_OWN_CALL set_pages_array_uc
LAB_OWN_CALL vmf_insert_pfn_prot
LAB_OWN_CALL dma_map_page_attrs
LAB_OWN_CALL dma_map_phys
LAB_OWN_CALL dma_unmap_page_attrs
LAB_OWN_CALL dma_unmap_phys

SYM_ENTRY(lab_own_calls_end, SYM_L_GLOBAL, SYM_A_NONE)

	.section .note.GNU-stack,"",@progbits
