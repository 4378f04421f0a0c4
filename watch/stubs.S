/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stubs of watched functions, for x86-64: see hook/macros.S. A call by a watched module goes to
 * the wrapper in place of the function; any other call costs some four instructions. A wrapper's own
 * call goes past the stub, see WATCH_CORE(). This code is not traced, and no task sleeps here.
 */

#include "hook/macros.S"
#include <asm/frame.h>
#include <asm/page_types.h>
#include <asm/pgtable_64_types.h>

#include "watch/dma.h"
#include "watch/note.h"
#include "watch/poolset.h"

	.text

/*
 * Ends at @target if the call is by a watched module, and otherwise at the function: see
 * watch/watched.c.
 */
.macro WATCH_CALLER_TO target
	movzwl	LAB_STUB_CALLER_PIECE, %r11d
	cmpb	$0, watch_code_map(%r11)
	jne	.Lnear_\@
	RET
.Lnear_\@:
	mov	LAB_STUB_CALLER, %r11
	sub	watch_text(%rip), %r11
	cmp	(watch_text + 8)(%rip), %r11
	jb	.Lwatched_\@
	RET
.Lwatched_\@:
	LAB_STUB_DIVERT \target
.endm

.macro WATCH_STUB name
SYM_FUNC_START(watch_stub_\name)
	ENDBR
	WATCH_CALLER_TO watch_\name
SYM_FUNC_END(watch_stub_\name)
.endm

/*
 * A function that the kernel itself calls more often than modules do. Modules are above the
 * kernel, so a single comparison lets the kernel's calls leave, an instruction sooner; a call by a
 * module costs two more.
 */
.macro WATCH_INNER_STUB name
SYM_FUNC_START(watch_stub_\name)
	ENDBR
	cmpq	$MODULES_VADDR, LAB_STUB_CALLER
	jae	.Lmodule_\name
	RET
.Lmodule_\name:
	WATCH_CALLER_TO watch_\name
SYM_FUNC_END(watch_stub_\name)
.endm

/*
 * Any code may unmap. A call goes to the wrapper if the DMA address (the second argument) may
 * have a record, or if the caller is watched.
 */
SYM_FUNC_START(watch_stub_dma_unmap)
	ENDBR
	mov	%esi, %r11d
	shr	$12, %r11d
	and	$(WATCH_DMA_BUCKETS - 1), %r11d
	cmpb	$0, watch_dma_used(%r11)
	jne	.Lrecord
	WATCH_CALLER_TO watch_dma_unmap
.Lrecord:
	LAB_STUB_DIVERT watch_dma_unmap
SYM_FUNC_END(watch_stub_dma_unmap)

/* A call goes to the wrapper if the pool (the first argument) may be followed. */
.macro WATCH_POOL_STUB name
SYM_FUNC_START(watch_stub_\name)
	ENDBR
	mov	%edi, %r11d
	shr	$10, %r11d
	and	$(WATCH_POOL_MAP - 1), %r11d
	cmpb	$0, watch_pool_map(%r11)
	jne	.Lfollowed_\name
	RET
.Lfollowed_\name:
	LAB_STUB_DIVERT watch_\name
SYM_FUNC_END(watch_stub_\name)
.endm

/*
 * The hooked function, see watch/freers.c, is part of the page allocator, and goes on after the
 * call with up to three arguments as they were.
 */
.macro WATCH_TELL function
	FRAME_BEGIN
	push	%rdi
	push	%rsi
	push	%rdx
	call	\function
	pop	%rdx
	pop	%rsi
	pop	%rdi
	FRAME_END
	RET
.endm

/* Every page of the machine that is freed (the first argument): most have no note. */
SYM_FUNC_START(watch_stub_freed_page)
	ENDBR
	cmp	watch_pages_end(%rip), %rdi
	jae	.Lno_note
	mov	%rdi, %r11
	shr	$WATCH_PAGE_NOTES_SHIFT, %r11
	add	watch_notes_at(%rip), %r11
	cmpb	$0, WATCH_NOTE_STATE(%r11)
	jne	.Lnote
.Lno_note:
	RET
.Lnote:
	WATCH_TELL watch_freed_page
SYM_FUNC_END(watch_stub_freed_page)

SYM_FUNC_START(watch_stub_freed_batch)
	ENDBR
	WATCH_TELL watch_freed_batch
SYM_FUNC_END(watch_stub_freed_batch)

WATCH_STUB alloc_pages
WATCH_STUB alloc_node
WATCH_STUB alloc_bulk
WATCH_STUB get_pages
WATCH_STUB get_zeroed
WATCH_STUB free_page
WATCH_STUB free_address
WATCH_INNER_STUB folio_put
WATCH_STUB dma_map

WATCH_STUB pool_create
WATCH_POOL_STUB pool_destroy
WATCH_POOL_STUB pool_get
WATCH_POOL_STUB pool_frag
WATCH_POOL_STUB pool_put
#ifdef LAB_HAS_POOL_NETMEM
WATCH_POOL_STUB pool_get_page
WATCH_POOL_STUB pool_frag_page
#endif

	.section .note.GNU-stack,"",@progbits
