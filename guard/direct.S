/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guard's stubs for x86-64, called directly from hooked functions: see hook/macros.S. As with
 * hook/stubs.S, this code is not traced, and no task sleeps here.
 */
#include <asm/asm.h>

#include "hook/macros.S"

	.text

/*
 * __free_pages(page, order) and free_pages(addr, order). A single page passes at once: the
 * tracepoint's hook looks at single pages. For a block, @decide says whether to refuse the free.
 * A refused free returns to lab_return_zero, and from there to the hooked function's caller. Of
 * the registers, only the two arguments and %rax are live: see hook/macros.S.
 */
.macro LAB_BLOCK_HOOK name decide stub
SYM_FUNC_START(\name)
	ENDBR
	test	%esi, %esi
	jnz	.Lblock_\name
.Lpass_\name:
	LAB_STUB_LEAVE \stub
.Lblock_\name:
	push	%rdi
	push	%rsi
	push	%rax
	call	\decide
	mov	%eax, %r11d
	pop	%rax
	pop	%rsi
	pop	%rdi
	test	%r11b, %r11b
	jz	.Lpass_\name
	LAB_STUB_DIVERT lab_return_zero
SYM_FUNC_END(\name)
.endm

LAB_BLOCK_HOOK lab_hook_free_pages lab_refuse_block lab_stub_free_pages
LAB_BLOCK_HOOK lab_hook_free_address lab_refuse_block_at lab_stub_free_address

/* struct page's words, as inline/frame.h has them. */
#define FRAME_FLAGS	0
#define FRAME_TYPE	48

.macro LAB_COUNT stub
	mov	(LAB_STUB_HITS + \stub)(%rip), %r11
	incq	LAB_THIS_CPU(%r11)
.endm

/*
 * Ends a stub unless the frame in @frame may be Labyrinth's: mark or type is there, or a page is in
 * limbo, and a borrower may have destroyed a page's mark and type. All pages that these hooks
 * refuse have mark and type, so the seal is not looked at. @slow leads to the accurate look.
 */
.macro LAB_LOOK_AT_FRAME frame slow stub
	mov	lab_dma_mark(%rip), %r11
.Lload_\@:
	test	%r11, FRAME_FLAGS(\frame)
	jnz	\slow
	mov	lab_dma_type(%rip), %r11d
	cmp	%r11d, FRAME_TYPE(\frame)
	je	\slow
	cmpq	$0, lab_limbo_pages(%rip)
	jne	\slow
	LAB_STUB_LEAVE \stub
	/* A frame number without a struct page. */
	_ASM_EXTABLE(.Lload_\@, \slow)
.endm

/*
 * The accurate look: @decide gets the first four arguments, the caller, and %rax, where
 * lab_call_token may be. @decide returns a function to run instead of the hooked function, with
 * the same arguments; or 0.
 */
.macro LAB_DECIDE decide stub
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%r8
	push	%r9
	push	%rax
	mov	8*8(%rsp), %r8
	mov	%rax, %r9
	call	\decide
	mov	%rax, %r11
	pop	%rax
	pop	%r9
	pop	%r8
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	test	%r11, %r11
	jnz	.Ldivert_\@
	LAB_STUB_LEAVE \stub
	/* As in LAB_STUB_DIVERT. */
.Ldivert_\@:
	mov	%r11, (%rsp)
	RET
.endm

/* dma_map_page_attrs(dev, page, offset, size, dir, attrs): within a page, a look at that page. */
SYM_FUNC_START(lab_hook_dma_page)
	ENDBR
	LAB_COUNT lab_stub_dma_page
	lea	(%rdx,%rcx), %r10
	cmp	$4096, %r10
	ja	.Lslow_page
	LAB_LOOK_AT_FRAME %rsi .Lslow_page lab_stub_dma_page
.Lslow_page:
	LAB_DECIDE lab_divert_dma_page lab_stub_dma_page
SYM_FUNC_END(lab_hook_dma_page)

/*
 * dma_map_phys(dev, phys, size, dir, attrs): the same. The struct page of a frame that is no
 * memory need not be there: the load from it may fault.
 */
SYM_FUNC_START(lab_hook_dma_phys)
	ENDBR
	LAB_COUNT lab_stub_dma_phys
	lea	-1(%rsi,%rdx), %r10
	xor	%rsi, %r10
	shr	$12, %r10
	jnz	.Lslow_phys
	mov	%rsi, %r10
	shr	$12, %r10
	shl	$6, %r10
	add	lab_dma_frames(%rip), %r10
	LAB_LOOK_AT_FRAME %r10 .Lslow_phys lab_stub_dma_phys
.Lslow_phys:
	LAB_DECIDE lab_divert_dma_phys lab_stub_dma_phys
SYM_FUNC_END(lab_hook_dma_phys)

/* dma_unmap_page_attrs() and dma_unmap_phys() (dev, address for the device, size, dir, attrs). */
.macro LAB_UNMAP_HOOK name stub
SYM_FUNC_START(\name)
	ENDBR
	LAB_COUNT \stub
	LAB_DECIDE lab_divert_dma_unmap \stub
SYM_FUNC_END(\name)
.endm

LAB_UNMAP_HOOK lab_hook_dma_unmap_page lab_stub_dma_unmap_page
LAB_UNMAP_HOOK lab_hook_dma_unmap_phys lab_stub_dma_unmap_phys

/* page_pool_put_defragged_page(pool, page, sync_size, direct): nearly all pages come back by it. */
SYM_FUNC_START(lab_hook_pool_put)
	ENDBR
	LAB_COUNT lab_stub_pool_put
	LAB_LOOK_AT_FRAME %rsi .Lslow_pool lab_stub_pool_put
.Lslow_pool:
	LAB_DECIDE lab_divert_pool_put lab_stub_pool_put
SYM_FUNC_END(lab_hook_pool_put)

	.section .note.GNU-stack,"",@progbits
