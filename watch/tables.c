// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page tables of processes. A reference keeps the mm_struct during a walk, but neither
 * pages nor page tables. mmap_lock is tried, never waited for: only where a target was found,
 * and held only to look up the address of the find.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "watch/pace.h"
#include "watch/peek.h"
#include "watch/search.h"
#include "watch/searchers.h"
#include "watch/tasks.h"
#include "watch/walk.h"

#define AREA_TEXT	96

struct process_walk {
	struct watch_walk walk;
	struct task_struct *task;
	struct mm_struct *mm;
};

static void describe_area(const struct vm_area_struct *vma, char *text)
{
	int len = scnprintf(text, AREA_TEXT, "0x%lx-0x%lx", vma->vm_start, vma->vm_end);

	if (vma->vm_file)
		scnprintf(text + len, AREA_TEXT - len, " %pD", vma->vm_file);
}

/* Describe the mapping that has @addr; if mmap_lock is contended, the address alone. */
static void find_area(struct mm_struct *mm, unsigned long addr, char *text)
{
	struct vm_area_struct *vma;

	scnprintf(text, AREA_TEXT, "0x%lx", addr);
	if (!mmget_not_zero(mm))
		return;
	if (mmap_read_trylock(mm)) {
		vma = find_vma(mm, addr);
		if (vma && vma->vm_start <= addr)
			describe_area(vma, text);
		mmap_read_unlock(mm);
	}
	mmput(mm);
}

static void hold_by(const struct process_walk *process, unsigned long pfn, unsigned long addr,
		    pteval_t flags)
{
	struct task_struct *task = process->task;
	char area[AREA_TEXT], comm[TASK_COMM_LEN];

	get_task_comm(comm, task);
	find_area(process->mm, addr, area);
	if (flags & _PAGE_SPECIAL)
		watch_hold(process->walk.search, pfn, WATCH_POINTER, NULL,
			   "the page table of %s:%d at %s, by frame number, without a reference",
			   comm, task_pid_nr(task), area);
	else
		watch_hold(process->walk.search, pfn, WATCH_REFERENCE, NULL,
			   "the page table of %s:%d at %s", comm, task_pid_nr(task), area);
}

static void look_at_entry(struct watch_walk *walk, unsigned long addr, unsigned long pfn,
			  unsigned long nr, pteval_t flags)
{
	struct process_walk *process = container_of(walk, struct process_walk, walk);
	const struct watch_target *target;
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (!watch_wanted(walk->search, pfn + i))
			continue;
		hold_by(process, pfn + i, addr + i * PAGE_SIZE, flags);
		/* An entry has a single reference to the whole block. */
		target = watch_target_of(walk->search, pfn + i);
		if (target)
			i = target->pfn + target->nr - 1 - pfn;
	}
}

/* Return: the address space, which has to be given back by mmdrop(), or NULL. */
static struct mm_struct *grab_mm(struct task_struct *task)
{
	struct mm_struct *mm;

	task_lock(task);
	/* The task writes other flags all the time, this one never. */
	mm = data_race(task->flags) & PF_KTHREAD ? NULL : task->mm;
	if (mm)
		mmgrab(mm);
	task_unlock(task);
	return mm;
}

static void look_at_task(struct watch_search *search, struct process_walk *process,
			 struct task_struct *task)
{
	process->task = task;
	process->mm = grab_mm(task);
	if (!process->mm)
		return;
	/* Processes may share an mm_struct, which is walked once. */
	if (watch_account(search, process->mm))
		watch_walk(&process->walk, process->mm->pgd, 0, TASK_SIZE_MAX);
	mmdrop(process->mm);
}

void watch_find_in_page_tables(struct watch_search *search)
{
	struct process_walk *process = kzalloc(sizeof(*process), GFP_KERNEL);
	struct task_struct *task;
	unsigned int i;

	if (!process)
		return;
	process->walk.search = search;
	process->walk.leaf = look_at_entry;
	for (i = 0; i < search->tasks->nr && !watch_pause(search); i++) {
		task = search->tasks->task[i];
		if (task == WATCH_LOAD(task->group_leader))
			look_at_task(search, process, task);
	}
	kfree(process);
}
