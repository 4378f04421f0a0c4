// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/labyrinth_mapper: each open file is an owner with a few pages, which the process may map. A
 * word written to the file befalls a page, in the context of the write or of a hard interrupt. A
 * read gives the pages' content as the kernel sees the pages.
 */
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "../../labyrinth_alloc.h"
#include "mapper.h"

#define NR_PAGES 4U

static bool sealed;
module_param(sealed, bool, 0644);
MODULE_PARM_DESC(sealed, "Seal the pages of files that are opened from now on (default 0)");

struct mapped_file {
	struct labyrinth_owner *owner;
	void *pages[NR_PAGES];		/* NULL: not ours any more */
	void *freed;			/* the page that a word freed last */
	struct irq_work work;
	unsigned int index;		/* of the page for @work */
	int err;
	struct rcu_head rcu;
};

static struct labyrinth_owner *heir;

static void free_in_hardirq(struct irq_work *work)
{
	struct mapped_file *mapped = container_of(work, struct mapped_file, work);

	mapped->err = labyrinth_free_page(mapped->owner,
					  mapped->pages[mapped->index]);
}

static int take_pages(struct mapped_file *mapped)
{
	unsigned int nr = labyrinth_alloc_bulk(mapped->owner, NR_PAGES,
					       mapped->pages);

	return nr == NR_PAGES ? 0 : -ENOMEM;
}

static void give_pages(struct mapped_file *mapped)
{
	unsigned int i;

	for (i = 0; i < NR_PAGES; i++)
		if (mapped->pages[i])
			labyrinth_free_page(mapped->owner, mapped->pages[i]);
}

static int mapper_open(struct inode *inode, struct file *file)
{
	struct labyrinth_owner_attrs attrs = {
		.name = "process", .nid = NUMA_NO_NODE,
		.reserve = sealed ? NR_PAGES : 0,
		.flags = LABYRINTH_OWNER_ZERO | (sealed ? LABYRINTH_OWNER_SEALED : 0),
	};
	struct mapped_file *mapped = kzalloc(sizeof(*mapped), GFP_KERNEL);
	int err;

	if (!mapped)
		return -ENOMEM;
	mapped->work = IRQ_WORK_INIT_HARD(free_in_hardirq);
	mapped->owner = labyrinth_owner_create(&attrs);
	err = PTR_ERR_OR_ZERO(mapped->owner);
	if (err)
		goto err_free;
	err = take_pages(mapped);
	if (err)
		goto err_destroy;
	file->private_data = mapped;
	return 0;

err_destroy:
	give_pages(mapped);
	labyrinth_owner_destroy(mapped->owner);
err_free:
	kfree(mapped);
	return err;
}

static int mapper_release(struct inode *inode, struct file *file)
{
	struct mapped_file *mapped = file->private_data;

	give_pages(mapped);
	if (mapped->owner)
		labyrinth_owner_destroy(mapped->owner);
	/* On PREEMPT_RT irq_work_single() looks at hard work once more after irq_work_sync(). */
	kfree_rcu(mapped, rcu);
	return 0;
}

/* A process waits in mmap(), with the mmap_lock held, until end_stall(). */
static DECLARE_WAIT_QUEUE_HEAD(stall_queue);
static bool is_stalled, may_go;

static int stall(void)
{
	int err;

	WRITE_ONCE(may_go, false);
	WRITE_ONCE(is_stalled, true);
	wake_up_all(&stall_queue);
	err = wait_event_killable(stall_queue, READ_ONCE(may_go));
	WRITE_ONCE(is_stalled, false);
	return err ?: -ECANCELED;
}

static int await_stall(void)
{
	return wait_event_killable(stall_queue, READ_ONCE(is_stalled));
}

static int end_stall(void)
{
	WRITE_ONCE(may_go, true);
	wake_up_all(&stall_queue);
	return 0;
}

/* The driver passes a copy of the VMA, and overwrites the copy afterwards. */
static noinline int mmap_by_copy(struct mapped_file *mapped,
				 const struct vm_area_struct *vma,
				 struct vm_area_struct *copy)
{
	int err;

	memcpy(copy, vma, sizeof(*copy));
	err = labyrinth_mmap(mapped->owner, copy, mapped->pages, NR_PAGES);
	memset(copy, 0x6b, sizeof(*copy));
	return err;
}

static int mmap_by_copy_on_stack(struct mapped_file *mapped,
				 const struct vm_area_struct *vma)
{
	struct vm_area_struct copy;

	return mmap_by_copy(mapped, vma, &copy);
}

static int mmap_by_copy_on_heap(struct mapped_file *mapped,
				const struct vm_area_struct *vma)
{
	struct vm_area_struct *copy = kmalloc(sizeof(*copy), GFP_KERNEL);
	int err;

	if (!copy)
		return -ENOMEM;
	err = mmap_by_copy(mapped, vma, copy);
	kfree(copy);
	return err;
}

/*
 * The driver puts another fault handler before Labyrinth's. The VMA has Labyrinth's private data
 * only while wrapped_fault() calls Labyrinth's handler. No code hears of a close.
 */
static const struct vm_operations_struct *inner_ops;
static void *inner_data;

static vm_fault_t wrapped_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	vmf->vma->vm_private_data = inner_data;
	ret = inner_ops->fault(vmf);
	vmf->vma->vm_private_data = NULL;
	return ret;
}

static const struct vm_operations_struct wrapped_ops = {
	.fault = wrapped_fault,
};

static int mmap_wrapped(struct mapped_file *mapped, struct vm_area_struct *vma)
{
	int err = labyrinth_mmap(mapped->owner, vma, mapped->pages, NR_PAGES);

	if (err)
		return err;
	inner_ops = vma->vm_ops;
	inner_data = vma->vm_private_data;
	vma->vm_ops = &wrapped_ops;
	vma->vm_private_data = NULL;
	return 0;
}

/* Maps all pages at offset 0. Every other offset is a driver's mistake, or a stall. */
static int mapper_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mapped_file *mapped = file->private_data;
	void *pages[NR_PAGES];

	memcpy(pages, mapped->pages, sizeof(pages));
	switch (vma->vm_pgoff) {
	case 0:
		return labyrinth_mmap(mapped->owner, vma, pages, NR_PAGES);
	case 1:
		return labyrinth_mmap(heir, vma, pages, NR_PAGES);
	case 2:
		pages[NR_PAGES - 1] = NULL;
		return labyrinth_mmap(mapped->owner, vma, pages, NR_PAGES);
	case 3:
		return labyrinth_mmap(mapped->owner, vma, NULL, NR_PAGES);
	case 4:		/* twice the same page */
		pages[1] = pages[0];
		return labyrinth_mmap(mapped->owner, vma, pages, NR_PAGES);
	case 6:		/* another owner's pages, over mapped pages */
		if (labyrinth_mmap(mapped->owner, vma, pages, NR_PAGES))
			return -ENXIO;
		return labyrinth_mmap(heir, vma, pages, NR_PAGES) == -EINVAL ? 0 : -ENXIO;
	case 7:
		return mmap_by_copy_on_stack(mapped, vma);
	case 8:
		return mmap_by_copy_on_heap(mapped, vma);
	case 9:
		return mmap_wrapped(mapped, vma);
	case 10:
		return stall();
	case 5:		/* the driver fails after labyrinth_mmap() */
		return labyrinth_mmap(mapped->owner, vma, pages, NR_PAGES) ?:
		       -ECANCELED;
	default:
		return -ENXIO;
	}
}

static int free_atomic(struct mapped_file *mapped, unsigned int index)
{
	mapped->index = index;
	irq_work_queue(&mapped->work);
	irq_work_sync(&mapped->work);
	return mapped->err;
}

static void destroy(struct mapped_file *mapped)
{
	labyrinth_owner_destroy(mapped->owner);
	mapped->owner = NULL;
	memset(mapped->pages, 0, sizeof(mapped->pages));
}

/* Takes a page, which must be the page freed last. */
static int take_again(struct mapped_file *mapped, unsigned int index)
{
	void *page = labyrinth_void_alloc_page_gfp_atomic_exclusive(mapped->owner);

	if (page && page == mapped->freed) {
		mapped->pages[index] = page;
		return 0;
	}
	if (page)
		labyrinth_free_page(mapped->owner, page);
	return -EAGAIN;
}

static int take(struct mapped_file *mapped, unsigned int index)
{
	mapped->pages[index] = labyrinth_void_alloc_page_gfp_atomic_exclusive(mapped->owner);
	return mapped->pages[index] ? 0 : -ENOMEM;
}

static int free_referred(struct mapped_file *mapped, void *page)
{
	int err;

	get_page(virt_to_page(page));
	err = labyrinth_free_page(mapped->owner, page);
	put_page(virt_to_page(page));
	return err;
}

static int release(struct mapped_file *mapped, void *page)
{
	struct page *released = labyrinth_release(mapped->owner, page);

	if (IS_ERR(released))
		return PTR_ERR(released);
	put_page(released);
	return 0;
}

static int befall(struct mapped_file *mapped, const char *word,
		  unsigned int index)
{
	void *page = mapped->pages[index];
	int err = -EINVAL;

	if (!strcmp(word, "free"))
		err = labyrinth_free_page(mapped->owner, page);
	else if (!strcmp(word, "free-atomic"))
		err = free_atomic(mapped, index);
	else if (!strcmp(word, "free-referred"))
		err = free_referred(mapped, page);
	else if (!strcmp(word, "release"))
		err = release(mapped, page);
	else if (!strcmp(word, "transfer-nobody"))
		err = labyrinth_transfer(mapped->owner, NULL, page);
	else if (!strcmp(word, "await-stall"))
		return await_stall();
	else if (!strcmp(word, "end-stall"))
		return end_stall();
	else if (!strcmp(word, "again"))
		return take_again(mapped, index);
	else if (!strcmp(word, "take"))
		return take(mapped, index);
	else if (!strcmp(word, "lend"))
		return PTR_ERR_OR_ZERO(labyrinth_lend(mapped->owner, page));
	else if (!strcmp(word, "transfer"))
		err = labyrinth_transfer(mapped->owner, heir, page) ?:
		      labyrinth_free_page(heir, page);
	else if (!strcmp(word, "destroy"))
		destroy(mapped), err = 0;
	if (!err) {
		mapped->freed = page;
		mapped->pages[index] = NULL;
	}
	return err;
}

static ssize_t mapper_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *pos)
{
	char line[64] = {}, word[32];
	unsigned int index = 0;

	if (count >= sizeof(line) || copy_from_user(line, buf, count) ||
	    sscanf(line, "%31s %u", word, &index) < 1 || index >= NR_PAGES)
		return -EINVAL;
	return befall(file->private_data, word, index) ?: count;
}

static ssize_t mapper_read(struct file *file, char __user *buf, size_t count,
			   loff_t *pos)
{
	struct mapped_file *mapped = file->private_data;
	void *page;

	if (*pos < 0 || *pos >= NR_PAGES * PAGE_SIZE)
		return 0;
	page = mapped->pages[*pos / PAGE_SIZE];
	if (!page)
		return -ENXIO;
	count = min_t(size_t, count, PAGE_SIZE - *pos % PAGE_SIZE);
	if (copy_to_user(buf, page + *pos % PAGE_SIZE, count))
		return -EFAULT;
	*pos += count;
	return count;
}

static const struct file_operations mapper_fops = {
	.owner = THIS_MODULE,
	.open = mapper_open,
	.release = mapper_release,
	.mmap = mapper_mmap,
	.read = mapper_read,
	.write = mapper_write,
};

static struct miscdevice mapper_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "labyrinth_mapper",
	.fops = &mapper_fops,
};

int mapper_process_init(struct labyrinth_owner *whom)
{
	heir = whom;
	return misc_register(&mapper_device);
}

void mapper_process_exit(void)
{
	misc_deregister(&mapper_device);
}
