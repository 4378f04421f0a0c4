/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sealed pages: Labyrinth's pages that are out of the direct map. See page/seal.c.
 */
#ifndef LABYRINTH_SEAL_H
#define LABYRINTH_SEAL_H

#include <linux/errno.h>
#include <linux/types.h>

#include "core/owner.h"
#include "inline/address.h"

struct page;
struct seq_file;

#ifdef LAB_SEAL_POSSIBLE

#include "page/region.h"

int lab_seal_begin(void);
void lab_seal_end(void);
int lab_seal_get(int nid, struct page **pages, unsigned int most, unsigned int all);
void lab_seal_put(struct page *page);
int lab_seal_open(unsigned long pfn);
void lab_seal_lose(unsigned long pfn);
bool lab_seal_is_closed(unsigned long pfn);
void lab_seal_kick(void);
void lab_seal_hold(void);
void lab_seal_settle(void);
void lab_seal_stop(void);
void lab_seal_exit(void);
void lab_seal_show(struct seq_file *m);
void lab_seal_lock(void);
bool lab_seal_trylock(void);
void lab_seal_unlock(void);
bool lab_seal_close(unsigned long pfn);
void lab_seal_reopen(unsigned long pfn);
void lab_seal_forget(unsigned long pfn);
void lab_seal_flush(void);

/* The address by which @owner reaches page @pfn. */
static inline void *lab_page_address(const struct lab_owner *owner, unsigned long pfn)
{
	return lab_owner_is_sealed(owner) ? lab_alias_address(pfn) : lab_pfn_address(pfn);
}

#else /* !LAB_SEAL_POSSIBLE */

static inline int lab_region_lacks(const char *what, int err)
{
	return err;
}

static inline const char *lab_region_lacking(void)
{
	return "a way to seal them";
}

/* No owner is sealed: nothing but lab_seal_begin() is ever called. */

static inline bool lab_alias_pfn(const void *addr, unsigned long *pfn)
{
	return false;
}

static inline void *lab_alias_address(unsigned long pfn)
{
	return NULL;
}

static inline void *lab_alias_of_frame(const struct lab_frame *frame)
{
	return NULL;
}

static inline int lab_seal_begin(void)
{
	pr_err_once("labyrinth: no sealed pages: on this architecture the kernel exports nothing that finds or splits the direct map's entries, as is done on x86-64\n");
	return -EOPNOTSUPP;
}

static inline void lab_seal_end(void)
{
}

static inline int lab_seal_get(int nid, struct page **pages, unsigned int most,
			       unsigned int all)
{
	return -EOPNOTSUPP;
}

static inline void lab_seal_put(struct page *page)
{
}

static inline int lab_seal_open(unsigned long pfn)
{
	return 0;
}

static inline void lab_seal_lose(unsigned long pfn)
{
}

static inline bool lab_seal_is_closed(unsigned long pfn)
{
	return false;
}

static inline void lab_seal_kick(void)
{
}

static inline void lab_seal_settle(void)
{
}

static inline void lab_seal_stop(void)
{
}

static inline void lab_seal_exit(void)
{
}

static inline void lab_seal_show(struct seq_file *m)
{
}

static inline void *lab_page_address(const struct lab_owner *owner, unsigned long pfn)
{
	return lab_pfn_address(pfn);
}

#endif /* LAB_SEAL_POSSIBLE */

#endif /* LABYRINTH_SEAL_H */
