/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stubs of watched functions, for x86-64: see hook/macros.S. A call by a watched module goes to
 * the wrapper in place of the function; any other call costs five instructions and a return. This
 * code is not traced, and no task sleeps here.
 */
#include <asm/frame.h>

#include "hook/macros.S"
#include "watch/dma.h"
#include "watch/poolset.h"

	.text

/* Ends at a wrapper; a wrapper's own call, and Labyrinth's, passes. */
.macro WATCH_DIVERT name
	cmp	lab_call_token(%rip), %rax
	je	.Lpass_\name
	LAB_STUB_DIVERT watch_\name
.endm

/*
 * watch_text covers the code of all watched modules, and all code between. The wrappers tell
 * watched code from the rest.
 */
.macro WATCH_STUB name
SYM_FUNC_START(watch_stub_\name)
	ENDBR
	mov	LAB_STUB_CALLER, %r11
	sub	watch_text(%rip), %r11
	cmp	(watch_text + 8)(%rip), %r11
	jb	.Lcovered_\name
.Lpass_\name:
	RET
.Lcovered_\name:
	WATCH_DIVERT \name
SYM_FUNC_END(watch_stub_\name)
.endm

/*
 * Any code may unmap. A call goes to the wrapper if the DMA address (the second argument) may
 * have a record, or if the caller is watched.
 */
.macro WATCH_UNMAP_STUB name
SYM_FUNC_START(watch_stub_\name)
	ENDBR
	mov	%rsi, %r11
	shr	$12, %r11
	and	$(WATCH_DMA_BUCKETS - 1), %r11d
	add	watch_dma_used(%rip), %r11
	cmpb	$0, (%r11)
	jne	.Lrecord_\name
	mov	LAB_STUB_CALLER, %r11
	sub	watch_text(%rip), %r11
	cmp	(watch_text + 8)(%rip), %r11
	jb	.Lrecord_\name
.Lpass_\name:
	RET
.Lrecord_\name:
	WATCH_DIVERT \name
SYM_FUNC_END(watch_stub_\name)
.endm

/* A call goes to the wrapper if the pool (the first argument) may be followed. */
.macro WATCH_POOL_STUB name
SYM_FUNC_START(watch_stub_\name)
	ENDBR
	mov	%edi, %r11d
	shr	$10, %r11d
	and	$(WATCH_POOL_MAP - 1), %r11d
	cmpb	$0, watch_pool_map(%r11)
	jne	.Lfollowed_\name
.Lpass_\name:
	RET
.Lfollowed_\name:
	WATCH_DIVERT \name
SYM_FUNC_END(watch_stub_\name)
.endm

WATCH_STUB alloc_pages
WATCH_STUB alloc_node
WATCH_STUB alloc_bulk
WATCH_STUB get_pages
WATCH_STUB get_zeroed
WATCH_STUB free_page
WATCH_STUB free_address
WATCH_STUB folio_put
WATCH_STUB dma_map
WATCH_UNMAP_STUB dma_unmap
#ifdef LAB_HAS_DMA_MAP_PHYS
WATCH_UNMAP_STUB dma_unmap_phys
#endif

WATCH_STUB pool_create
WATCH_POOL_STUB pool_destroy
WATCH_POOL_STUB pool_get
WATCH_POOL_STUB pool_frag
WATCH_POOL_STUB pool_put
#ifdef LAB_HAS_POOL_NETMEM
WATCH_POOL_STUB pool_get_page
WATCH_POOL_STUB pool_frag_page
#endif

/*
 * A wrapper's call of the hooked function, with the token. All arguments are in registers. A
 * function's result takes the token's place in %rax. A function without a result may leave the
 * token there, for the next hooked function that the wrapper's caller calls: so %rax is cleared.
 */
.macro WATCH_CORE name void=0
SYM_FUNC_START(watch_core_\name)
	ENDBR
	FRAME_BEGIN
	mov	watch_at_\name(%rip), %r11
	mov	lab_call_token(%rip), %rax
	CALL_NOSPEC r11
	.if \void
	xor	%eax, %eax
	.endif
	FRAME_END
	RET
SYM_FUNC_END(watch_core_\name)
.endm

WATCH_CORE alloc_pages
WATCH_CORE alloc_node
WATCH_CORE alloc_bulk
WATCH_CORE get_pages
WATCH_CORE get_zeroed
WATCH_CORE free_page void=1
WATCH_CORE free_address void=1
WATCH_CORE folio_put void=1
WATCH_CORE dma_map
WATCH_CORE dma_unmap void=1
#ifdef LAB_HAS_DMA_MAP_PHYS
WATCH_CORE dma_unmap_phys void=1
#endif

WATCH_CORE pool_create
WATCH_CORE pool_destroy void=1
WATCH_CORE pool_get
WATCH_CORE pool_frag
WATCH_CORE pool_put void=1
#ifdef LAB_HAS_POOL_NETMEM
WATCH_CORE pool_get_page
WATCH_CORE pool_frag_page
#endif

	.section .note.GNU-stack,"",@progbits
