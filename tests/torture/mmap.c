// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that processes map: /dev/labyrinth_torture, of which each open file has a few pages, of an
 * owner that all actors use, or of an owner of the file's own. tests/selftests/user/remap maps the
 * pages, looks for the marks, and has pages taken away meanwhile.
 *
 * A single actor makes all these calls, under file_lock: a process makes as many as it likes, but
 * not two at once. The actor's slots are the files' pages, so that other actors attack the pages.
 * file_lock nests in mmap_lock. The calls under file_lock only try mmap_lock.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "torture.h"

#define FILE_PAGES	4U
#define FILES		(TORT_SLOTS / FILE_PAGES)
/* The name in the marks of the pages of all files that have an owner of their own. */
#define OWN_INDEX	0xffff

struct mapped_file {
	struct tort_owner own;		/* if @owner is this */
	struct tort_owner *owner;
	unsigned int number;
	struct irq_work work;
	struct tort_slip *slip;		/* for @work */
	struct rcu_head rcu;
};

static DEFINE_MUTEX(file_lock);
static struct tort_actor *actor;
static unsigned long files;		/* in use; under file_lock */
static DECLARE_WAIT_QUEUE_HEAD(files_queue);

static struct tort_slip *slip_of(const struct mapped_file *mapped, unsigned int index)
{
	return actor->slots[mapped->number * FILE_PAGES + index];
}

/* Each deed of a process counts as a step. Under file_lock. */
static void begin_step(void)
{
	actor->step++;
	actor->ops[TORT_OP_PROCESS]++;
}

static void free_page_in_irq(struct irq_work *work)
{
	struct mapped_file *mapped = container_of(work, struct mapped_file, work);

	tort_free(actor, mapped->slip);
}

/* Half of the files have an owner of their own, which may be destroyed. */
static int choose_owner(struct mapped_file *mapped)
{
	struct labyrinth_owner_attrs attrs = { .name = "process", .nid = NUMA_NO_NODE };

	mapped->owner = &tort_shared[TORT_PLAIN];
	if (actor->step % 2)
		return 0;
	mapped->owner = &mapped->own;
	mapped->own.index = OWN_INDEX;
	strscpy(mapped->own.name, attrs.name, LABYRINTH_NAME_LEN);
	mapped->own.handle = labyrinth_owner_create(&attrs);
	return PTR_ERR_OR_ZERO(mapped->own.handle);
}

/* @expected: the pages of the owner that are out. */
static void end_owner(struct mapped_file *mapped, unsigned int expected)
{
	unsigned int out;

	if (mapped->owner != &mapped->own || IS_ERR_OR_NULL(mapped->own.handle))
		return;
	out = tort_call(actor, TORT_NO_PAGE, labyrinth_owner_destroy(mapped->own.handle));
	mapped->own.handle = NULL;
	if (out)
		actor->refused[TORT_LEAKED]++;
	if (out != expected)
		tort_violation(actor, NULL, "a process's owner had %u pages out, not %u", out,
			       expected);
}

static void free_pages_of(struct mapped_file *mapped)
{
	unsigned int i;

	for (i = 0; i < FILE_PAGES && !tort_failed(); i++)
		tort_settle(actor, slip_of(mapped, i));
}

static int take_pages(struct mapped_file *mapped)
{
	unsigned int i;

	for (i = 0; i < FILE_PAGES; i++) {
		tort_alloc(actor, slip_of(mapped, i), mapped->owner);
		if (slip_of(mapped, i)->state == TORT_EMPTY)
			return -ENOMEM;
	}
	return 0;
}

/* After a violation nothing more is touched. */
static void close_file(struct mapped_file *mapped)
{
	if (!tort_failed()) {
		free_pages_of(mapped);
		end_owner(mapped, 0);
	}
	files &= ~BIT(mapped->number);
	wake_up_all(&files_queue);
}

static int open_file(struct mapped_file *mapped)
{
	int err;

	if (!tort_running() || !actor)
		return -ESHUTDOWN;
	if (hweight_long(files) == FILES)
		return -EBUSY;
	begin_step();
	mapped->number = ffz(files);
	files |= BIT(mapped->number);
	err = choose_owner(mapped) ?: take_pages(mapped);
	if (err)
		close_file(mapped);
	return err;
}

static int mapped_open(struct inode *inode, struct file *file)
{
	struct mapped_file *mapped = kzalloc(sizeof(*mapped), GFP_KERNEL);
	int err;

	if (!mapped)
		return -ENOMEM;
	mapped->work = IRQ_WORK_INIT_HARD(free_page_in_irq);
	mutex_lock(&file_lock);
	err = open_file(mapped);
	mutex_unlock(&file_lock);
	if (err)
		kfree(mapped);
	else
		file->private_data = mapped;
	return err;
}

/* The core has closed all VMAs of the file, so no page is mapped any more. */
static int mapped_release(struct inode *inode, struct file *file)
{
	struct mapped_file *mapped = file->private_data;

	mutex_lock(&file_lock);
	begin_step();
	close_file(mapped);
	mutex_unlock(&file_lock);
	/* On PREEMPT_RT irq_work_single() looks at hard work once more after irq_work_sync(). */
	kfree_rcu(mapped, rcu);
	return 0;
}

/* -EBUSY: the pages are mapped already, by a process that has the same file. */
static void check_map(struct vm_area_struct *vma, int err)
{
	bool fits = vma_pages(vma) == FILE_PAGES &&
		    vma->vm_flags & VM_MAYSHARE;

	if (!fits && err != -EINVAL)
		tort_violation(actor, NULL, "mmap of a VMA that does not fit gave %pe",
			       ERR_PTR(err));
	if (fits && err && err != -EBUSY && err != -ENOMEM)
		tort_violation(actor, NULL, "mmap gave %pe", ERR_PTR(err));
}

static int map_file(struct mapped_file *mapped, struct vm_area_struct *vma)
{
	void *addrs[FILE_PAGES];
	unsigned int i;
	int err;

	for (i = 0; i < FILE_PAGES; i++) {
		if (slip_of(mapped, i)->state != TORT_HELD)
			return -ENXIO;
		addrs[i] = slip_of(mapped, i)->addr;
	}
	begin_step();
	err = tort_call(actor, addrs[0],
			labyrinth_mmap(mapped->owner->handle, vma, addrs, FILE_PAGES));
	check_map(vma, err);
	return err;
}

static int mapped_mmap(struct file *file, struct vm_area_struct *vma)
{
	int err;

	mutex_lock(&file_lock);
	err = map_file(file->private_data, vma);
	mutex_unlock(&file_lock);
	return err;
}

static int take_page(struct mapped_file *mapped, struct tort_slip *p, bool in_irq)
{
	if (!in_irq) {
		tort_free(actor, p);
		return 0;
	}
	mapped->slip = p;
	irq_work_queue(&mapped->work);
	irq_work_sync(&mapped->work);
	return 0;
}

/* Only the process itself may reach the page; no other owner may do anything about it. */
static int attack_page(const struct tort_slip *p)
{
	struct labyrinth_owner *attacker = tort_attacker.handle;

	tort_expect(actor, "a foreigner's free of a process's page", p, -EPERM,
		    tort_call(actor, p->addr, labyrinth_free_page(attacker, p->addr)),
		    TORT_FOREIGN);
	tort_expect(actor, "a foreigner's lend of a process's page", p, -EPERM,
		    PTR_ERR_OR_ZERO(tort_call(actor, p->addr, labyrinth_lend(attacker, p->addr))),
		    TORT_FOREIGN);
	return 0;
}

/* Once more, and all pages that were out are nobody's any more. */
static int destroy_owner(struct mapped_file *mapped)
{
	unsigned int i, out = 0;

	if (mapped->owner != &mapped->own)
		return -EINVAL;
	for (i = 0; i < FILE_PAGES; i++)
		out += slip_of(mapped, i)->state == TORT_HELD;
	end_owner(mapped, out);
	for (i = 0; i < FILE_PAGES; i++)
		slip_of(mapped, i)->state = TORT_EMPTY;
	return 0;
}

static int befall(struct mapped_file *mapped, char what, unsigned int index)
{
	struct tort_slip *p = slip_of(mapped, index % FILE_PAGES);

	begin_step();
	if (tort_failed())
		return -ESHUTDOWN;
	if (what == 'd')
		return destroy_owner(mapped);
	if (p->state != TORT_HELD)
		return -ENXIO;
	tort_check(actor, p);
	switch (what) {
	case 'f':
	case 'i':
		return take_page(mapped, p, what == 'i');
	case 'a':
		return attack_page(p);
	default:
		return -EINVAL;
	}
}

/* Two characters: what is to befall the pages, and which page. */
static ssize_t mapped_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[2];
	int err;

	if (count != sizeof(word) || copy_from_user(word, buf, count))
		return -EINVAL;
	mutex_lock(&file_lock);
	err = befall(file->private_data, word[0], word[1] - '0');
	mutex_unlock(&file_lock);
	return err ?: count;
}

/* The generations in the pages' marks; 0: the page is gone. */
static ssize_t mapped_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	u32 generations[FILE_PAGES];
	unsigned int i;

	if (count != sizeof(generations))
		return -EINVAL;
	mutex_lock(&file_lock);
	for (i = 0; i < FILE_PAGES; i++) {
		const struct tort_slip *p = slip_of(file->private_data, i);

		generations[i] = p->state == TORT_HELD ? p->generation : 0;
	}
	mutex_unlock(&file_lock);
	return copy_to_user(buf, generations, count) ? -EFAULT : count;
}

static const struct file_operations mapped_fops = {
	.owner = THIS_MODULE,
	.open = mapped_open,
	.release = mapped_release,
	.mmap = mapped_mmap,
	.read = mapped_read,
	.write = mapped_write,
};

static struct miscdevice mapped_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "labyrinth_torture",
	.fops = &mapped_fops,
};

/* @a: the actor that calls for the processes. Context: Task; may sleep. */
int tort_mmap_begin(struct tort_actor *a)
{
	int err;

	actor = a;
	err = misc_register(&mapped_device);
	if (err)
		actor = NULL;
	return err;
}

/* Waits until no process has pages any more; with the run over, none gets any. Context: Task. */
void tort_mmap_rest(void)
{
	wait_event(files_queue, !READ_ONCE(files));
}

/* Context: Task; may sleep. */
void tort_mmap_end(void)
{
	if (!actor)
		return;
	misc_deregister(&mapped_device);
	actor = NULL;
}
