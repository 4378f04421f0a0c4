// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page cache has a reference on each of its pages; page->mapping leads to the inode.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mm.h>

#include "labyrinth_compat.h"
#include "watch/frame.h"
#include "watch/peek.h"
#include "watch/pool.h"
#include "watch/search.h"
#include "watch/searchers.h"
#include "watch/slab.h"

#define NAME_LEN	40

/* Marks in page->mapping: anonymous, movable. */
#define MAPPING_MARKS	3UL

static void name_inode(struct inode *inode, char *name)
{
	struct hlist_node *alias;
	struct dentry *dentry;
	const unsigned char *from;

	strscpy(name, "no name", NAME_LEN);
	if (!WATCH_PEEK(alias, &inode->i_dentry.first) || !alias)
		return;
	dentry = hlist_entry(alias, struct dentry, LAB_DENTRY_ALIAS);
	if (watch_peek(&from, &dentry->d_name.name, sizeof(from)))
		watch_peek(name, from, NAME_LEN - 1);
	name[NAME_LEN - 1] = '\0';
}

/* Return: @mapping's inode, or NULL if the inode does not lead back: then this is no mapping. */
static struct inode *host_of(struct address_space *mapping)
{
	struct address_space *back;
	struct inode *inode;

	return WATCH_PEEK(inode, &mapping->host) && inode && WATCH_PEEK(back, &inode->i_mapping) &&
	       back == mapping ? inode : NULL;
}

static struct inode *inode_of(struct page *page)
{
	unsigned long mapping = (unsigned long)WATCH_LOAD(page->mapping);
	struct page *head = watch_head(page);

	if (watch_pool_of(page) || !head || WATCH_IS(PageSlab, head) || !mapping ||
	    mapping & MAPPING_MARKS || !page_ref_count(page))
		return NULL;
	return host_of((struct address_space *)mapping);
}

static void look_at_target(struct watch_search *search, const struct watch_target *target)
{
	struct inode *inode = inode_of(pfn_to_page(target->pfn));
	char name[NAME_LEN];
	typeof(inode->i_ino) ino;

	if (!inode || !WATCH_PEEK(ino, &inode->i_ino))
		return;
	name_inode(inode, name);
	watch_hold(search, target->pfn, WATCH_REFERENCE, NULL, "the page cache, inode %llu (%s)",
		   (u64)ino, name);
}

void watch_find_in_page_cache(struct watch_search *search)
{
	unsigned int i;

	for (i = 0; i < search->nr_targets; i++)
		look_at_target(search, &search->targets[i]);
}
