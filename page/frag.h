/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive buffers that are a part of a page each. See page/frag.c. */
#ifndef LABYRINTH_FRAG_H
#define LABYRINTH_FRAG_H

#include "core/frags.h"
#include "page/call.h"

/* The bytes of a buffer. */
static inline size_t lab_frag_bytes(const struct labyrinth_owner *handle)
{
	return BIT(lab_front_of(handle)->frag_shift);
}

void *lab_frag_next(struct labyrinth_owner *handle, dma_addr_t *dma, unsigned long ip);
bool lab_frag_open(struct labyrinth_owner *handle, void *addr);
int lab_frag_turn(struct lab_call *call, void *buf, size_t offset, size_t len, bool for_cpu);
int lab_frag_give(struct lab_call *call, void *buf, size_t offset, size_t len);
int lab_frag_put(struct lab_call *call, void *buf);
int lab_frag_settle(struct lab_call *call, int err);
void lab_frag_close(struct lab_owner *owner, unsigned long ip);

void *lab_frag_get_single(const struct labyrinth_owner *handle, struct lab_front *front,
			  dma_addr_t *dma, unsigned long ip);
bool lab_frag_turn_single(const struct labyrinth_owner *handle, const struct lab_front *front,
			  const void *buf, size_t offset, size_t len, bool for_cpu);
struct page *lab_frag_give_single(const struct labyrinth_owner *handle, struct lab_front *front,
				  const void *buf, size_t offset, size_t len);

#endif /* LABYRINTH_FRAG_H */
