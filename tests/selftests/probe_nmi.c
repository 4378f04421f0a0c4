// SPDX-License-Identifier: GPL-2.0-only
/*
 * In each NMI, whatever the sender, takes a page, queries the page and gives the page back.
 */
#define pr_fmt(fmt) "labyrinth_probe: " fmt

#include <linux/atomic.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/nmi.h>

#include "../../labyrinth_alloc.h"
#include "probe_nmi.h"

struct labyrinth_owner *probe_nmi_owner;

static atomic_t hits, misses;

static bool take_and_give(void)
{
	struct labyrinth_owner *owner = probe_nmi_owner;
	struct labyrinth_page_info info;
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);

	return page && in_nmi() && labyrinth_owns(owner, page) &&
	       !labyrinth_query(page, &info) &&
	       info.state == LABYRINTH_PAGE_HELD &&
	       !strcmp(info.owner, "other") &&
	       !labyrinth_free_page(owner, page);
}

static int handle_nmi(unsigned int type, struct pt_regs *regs)
{
	int i;

	for (i = 0; i < 100; i++)
		atomic_inc(take_and_give() ? &hits : &misses);
	/* Other handlers may want this NMI too. */
	return NMI_DONE;
}

int probe_nmi_begin(unsigned long unused)
{
	atomic_set(&hits, 0);
	atomic_set(&misses, 0);
	return register_nmi_handler(NMI_LOCAL, handle_nmi, 0,
				    "labyrinth_probe");
}

int probe_nmi_end(unsigned long unused)
{
	unregister_nmi_handler(NMI_LOCAL, "labyrinth_probe");
	pr_info("in NMI: %d hits, %d misses\n", atomic_read(&hits),
		atomic_read(&misses));
	return atomic_read(&misses) || !atomic_read(&hits) ? -EIO : 0;
}
