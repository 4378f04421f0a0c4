// SPDX-License-Identifier: GPL-2.0-only
/*
 * A key in a page that nobody but this module reaches: the page is sealed, out of the kernel's
 * direct map. The only address that leads to the page is the one that the allocation returned.
 * With sealed=0 the page is an ordinary one of Labyrinth's, for comparison. labyrinth_thief.c
 * looks for the key.
 */
#define pr_fmt(fmt) "keeper: " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/string.h>

#include "../labyrinth_alloc.h"
#include "labyrinth_key.h"

static bool sealed = true;
module_param(sealed, bool, 0444);
MODULE_PARM_DESC(sealed, "Keep the key in a sealed page (default 1)");

static struct labyrinth_owner *owner;
static u64 *key;

static void make_key(void)
{
	unsigned int i;

	do {
		get_random_bytes(&key[0], sizeof(key[0]));
	} while (!key[0]);
	for (i = 1; i < KEY_WORDS; i++)
		key[i] = key_word_after(key[i - 1]);
}

static int __init keeper_init(void)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "keeper",
		.nid = NUMA_NO_NODE,
		.reserve = 1,		/* sealed pages come from the reserve alone */
		.flags = LABYRINTH_OWNER_ZERO | (sealed ? LABYRINTH_OWNER_SEALED : 0),
	};

	owner = labyrinth_owner_create(&attrs);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	key = labyrinth_void_alloc_page_gfp_atomic_exclusive(owner);
	if (!key) {
		labyrinth_owner_destroy(owner);
		return -ENOMEM;
	}
	make_key();
	/* Of a sealed page virt_to_page() would be wrong. */
	pr_info("the key is in frame 0x%lx, a page that is %s\n",
		page_to_pfn(labyrinth_page(owner, key)), sealed ? "sealed" : "not sealed");
	return 0;
}

static void __exit keeper_exit(void)
{
	pr_info("the key is %s\n", is_key(key) ? "as it was" : "CHANGED");
	/* The page's next user would find the key. */
	memzero_explicit(key, KEY_WORDS * sizeof(*key));
	labyrinth_free_page(owner, key);
	labyrinth_owner_destroy(owner);
}

module_init(keeper_init);
module_exit(keeper_exit);

MODULE_DESCRIPTION("Labyrinth sample: a key in a sealed page");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
