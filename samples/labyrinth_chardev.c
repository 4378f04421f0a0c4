// SPDX-License-Identifier: GPL-2.0-only
/*
 * A character device: each open file is an owner, and has pages for a single process.
 * mmap(), which works once for a file, allocates and maps pages. The driver may take back
 * any page at any time. The release of the file destroys the owner.
 *
 * The number of owners in the system is limited. So a user may have no more than
 * max_per_user files open, and all users together no more than max_files.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "../labyrinth_alloc.h"
#include "labyrinth_chardev.h"

#define MAX_PAGES	16UL

static unsigned int max_per_user = 16;
module_param(max_per_user, uint, 0644);
MODULE_PARM_DESC(max_per_user, "Files that a user may have open: -EDQUOT beyond that (default 16)");

static unsigned int max_files = 64;
module_param(max_files, uint, 0644);
MODULE_PARM_DESC(max_files, "Files that may be open at all: -ENFILE beyond that (default 64)");

static bool sealed;
module_param(sealed, bool, 0444);
MODULE_PARM_DESC(sealed, "Pages that are out of the direct map: but for the driver, the process alone reaches them (default 0)");

/* A user who has files open. */
struct chardev_user {
	struct list_head node;
	kuid_t uid;
	unsigned int files;
};

/* Protects the list, the users on the list, and @nr_files. */
static DEFINE_MUTEX(users_lock);
static LIST_HEAD(users);
static unsigned int nr_files;

struct chardev {
	struct labyrinth_owner *owner;
	struct chardev_user *user;
	struct mutex lock;		/* nests in mmap_lock; protects all below */
	unsigned int nr;		/* 0 until mmap() */
	void *pages[MAX_PAGES];		/* NULL: taken back */
};

/* Under users_lock; NULL: no memory. */
static struct chardev_user *user_of_uid(kuid_t uid)
{
	struct chardev_user *user;

	list_for_each_entry(user, &users, node)
		if (uid_eq(user->uid, uid))
			return user;
	user = kzalloc(sizeof(*user), GFP_KERNEL);
	if (user) {
		user->uid = uid;
		list_add(&user->node, &users);
	}
	return user;
}

/* Under users_lock. */
static void drop_if_unused(struct chardev_user *user)
{
	if (user->files)
		return;
	list_del(&user->node);
	kfree(user);
}

/*
 * Counts another file of the user.
 * Context: Task, under users_lock. Return: the user, or an ERR_PTR(): -ENOMEM, -EDQUOT for too
 * many files of this user, -ENFILE for too many files of all users.
 */
static struct chardev_user *count_file(kuid_t uid)
{
	struct chardev_user *user = user_of_uid(uid);
	int err = 0;

	if (!user)
		return ERR_PTR(-ENOMEM);
	if (user->files >= max_per_user)
		err = -EDQUOT;
	else if (nr_files >= max_files)
		err = -ENFILE;
	if (err) {
		drop_if_unused(user);
		return ERR_PTR(err);
	}
	user->files++;
	nr_files++;
	return user;
}

static struct chardev_user *get_user_of_file(const struct file *file)
{
	struct chardev_user *user;

	mutex_lock(&users_lock);
	user = count_file(file->f_cred->uid);
	mutex_unlock(&users_lock);
	return user;
}

static void put_user_of_file(struct chardev_user *user)
{
	mutex_lock(&users_lock);
	nr_files--;
	user->files--;
	drop_if_unused(user);
	mutex_unlock(&users_lock);
}

static struct labyrinth_owner *make_owner(void)
{
	return labyrinth_owner_create(&(struct labyrinth_owner_attrs) {
		.name = current->comm,
		.max_pages = MAX_PAGES,
		.reserve = sealed ? MAX_PAGES : 0,
		.nid = NUMA_NO_NODE,
		/* ZERO: a process sees nobody's data. */
		.flags = LABYRINTH_OWNER_ZERO | (sealed ? LABYRINTH_OWNER_SEALED : 0),
	});
}

static int set_up(struct chardev *chardev, const struct file *file)
{
	mutex_init(&chardev->lock);
	chardev->user = get_user_of_file(file);
	if (IS_ERR(chardev->user))
		return PTR_ERR(chardev->user);
	chardev->owner = make_owner();
	if (!IS_ERR(chardev->owner))
		return 0;
	put_user_of_file(chardev->user);
	return PTR_ERR(chardev->owner);
}

static int chardev_open(struct inode *inode, struct file *file)
{
	struct chardev *chardev = kzalloc(sizeof(*chardev), GFP_KERNEL);
	int err;

	if (!chardev)
		return -ENOMEM;
	err = set_up(chardev, file);
	if (err) {
		kfree(chardev);
		return err;
	}
	file->private_data = chardev;
	return 0;
}

/* A free of a page that a process has mapped ends the mapping, too. */
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
	put_user_of_file(chardev->user);
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
