// SPDX-License-Identifier: GPL-2.0-only
/*
 * A character device whose pages a process has for itself. Each open file is an
 * owner. mmap(), which works once, allocates pages and maps them; the driver may take
 * any of them back at any time; when the file is released, its owner goes.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "../labyrinth_alloc.h"
#include "labyrinth_chardev.h"

#define MAX_PAGES	16UL

struct chardev {
	struct labyrinth_owner *owner;
	struct mutex lock;		/* nests in mmap_lock; protects all below */
	unsigned int nr;		/* 0 until mmap() */
	void *pages[MAX_PAGES];		/* NULL: taken back */
};

static int chardev_open(struct inode *inode, struct file *file)
{
	struct labyrinth_owner_attrs attrs = {
		.name = current->comm,
		.max_pages = MAX_PAGES,
		.nid = NUMA_NO_NODE,
		.flags = LABYRINTH_OWNER_ZERO,	/* a process sees nobody's data */
	};
	struct chardev *chardev = kzalloc(sizeof(*chardev), GFP_KERNEL);
	struct labyrinth_owner *owner;

	if (!chardev)
		return -ENOMEM;
	owner = labyrinth_owner_create(&attrs);
	if (IS_ERR(owner)) {
		kfree(chardev);
		return PTR_ERR(owner);
	}
	chardev->owner = owner;
	mutex_init(&chardev->lock);
	file->private_data = chardev;
	return 0;
}

/* If a process has the page mapped, that ends with it. */
static int free_page_at(struct chardev *chardev, unsigned int index)
{
	int err = labyrinth_free_page(chardev->owner, chardev->pages[index]);

	if (!err)
		chardev->pages[index] = NULL;
	return err;
}

static void free_pages_left(struct chardev *chardev)
{
	unsigned int i;

	for (i = 0; i < chardev->nr; i++)
		if (chardev->pages[i])
			free_page_at(chardev, i);
	chardev->nr = 0;
}

static int chardev_release(struct inode *inode, struct file *file)
{
	struct chardev *chardev = file->private_data;

	free_pages_left(chardev);
	labyrinth_owner_destroy(chardev->owner);
	kfree(chardev);
	return 0;
}

static int map_new_pages(struct chardev *chardev, struct vm_area_struct *vma)
{
	unsigned long nr = vma_pages(vma);
	int err = -ENOMEM;

	chardev->nr = labyrinth_alloc_bulk(chardev->owner, nr, chardev->pages);
	if (chardev->nr == nr)
		err = labyrinth_mmap(chardev->owner, vma, chardev->pages, nr);
	if (err)
		free_pages_left(chardev);
	return err;
}

static int chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct chardev *chardev = file->private_data;
	int err = -EBUSY;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff ||
	    vma_pages(vma) > MAX_PAGES)
		return -EINVAL;
	mutex_lock(&chardev->lock);
	if (!chardev->nr)
		err = map_new_pages(chardev, vma);
	mutex_unlock(&chardev->lock);
	return err;
}

static long command(struct chardev *chardev, unsigned int cmd,
		    unsigned long index)
{
	if (index >= chardev->nr || !chardev->pages[index])
		return -ENXIO;
	switch (cmd) {
	case CHARDEV_PEEK:
		return *(u8 *)chardev->pages[index];
	case CHARDEV_TAKE_BACK:
		return free_page_at(chardev, index);
	default:
		return -ENOTTY;
	}
}

static long chardev_ioctl(struct file *file, unsigned int cmd,
			  unsigned long index)
{
	struct chardev *chardev = file->private_data;
	long ret;

	mutex_lock(&chardev->lock);
	ret = command(chardev, cmd, index);
	mutex_unlock(&chardev->lock);
	return ret;
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.mmap = chardev_mmap,
	.unlocked_ioctl = chardev_ioctl,
};

static struct miscdevice chardev_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "labyrinth_chardev",
	.fops = &chardev_fops,
};
module_misc_device(chardev_device);

MODULE_DESCRIPTION("Labyrinth sample: pages that a process has for itself");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
