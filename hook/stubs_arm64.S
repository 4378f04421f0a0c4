/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The assembler of hooks, for arm64: the functions that a refused call runs instead of the
 * hooked function, and Labyrinth's own calls of hooked functions.
 *
 * ftrace traces none of this code, which has no patchable entries.
 *
 * This code runs after ftrace's callback has returned. A task may be preempted here, but never
 * sleeps here: lab_guard_exit() waits for a grace period of RCU-tasks.
 */
#include <linux/errno.h>
#include <linux/linkage.h>

	.text

/*
 * A refused call continues here, as if this were the body of the hooked function. A BPF
 * trampoline on the same function calls this code as the function's body, and takes the return
 * value from here.
 */
.macro LAB_RETURN name, value
SYM_FUNC_START(\name)
	mov	x0, #\value
	ret
SYM_FUNC_END(\name)
.endm

LAB_RETURN lab_return_zero, 0
LAB_RETURN lab_return_eperm, -EPERM
LAB_RETURN lab_return_sigbus, 2		/* VM_FAULT_SIGBUS */
LAB_RETURN lab_return_no_dma, -1		/* DMA_MAPPING_ERROR */

/*
 * Labyrinth's own calls of hooked functions, on behalf of a page's owner. The arguments are
 * passed on in registers.
 *
 * A kretprobe is hit in front of ftrace's call, and has then put an address of its own into x30.
 * So the return address of a call does not tell that the call is made here. But nothing replaces
 * x29, the caller's frame record, before the hooked function's first instruction. So
 * lab_own_...() calls itself: the inner frame's record holds an address between lab_own_calls and
 * lab_own_calls_end as the place to return to, and lab_is_own_call() looks for that address. No
 * foreign code is called from in between, so the record of no foreign frame holds such an
 * address.
 */
.macro LAB_FRAME_BEGIN
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
.endm

.macro LAB_FRAME_END
	ldp	x29, x30, [sp], #16
.endm

.macro LAB_OWN_CALL fn
	.weak	\fn
SYM_FUNC_START(lab_own_\fn)
	LAB_FRAME_BEGIN
	bl	.Linner_\fn
	LAB_FRAME_END
	ret
.Linner_\fn:
	LAB_FRAME_BEGIN
	bl	\fn
	LAB_FRAME_END
	ret
SYM_FUNC_END(lab_own_\fn)
.endm

SYM_ENTRY(lab_own_calls, SYM_L_GLOBAL, SYM_A_NONE)

LAB_OWN_CALL vmap
LAB_OWN_CALL vmf_insert_pfn_prot
LAB_OWN_CALL dma_map_page_attrs
LAB_OWN_CALL dma_map_phys
LAB_OWN_CALL dma_unmap_page_attrs
LAB_OWN_CALL dma_unmap_phys

SYM_ENTRY(lab_own_calls_end, SYM_L_GLOBAL, SYM_A_NONE)

	.section .note.GNU-stack,"",@progbits
