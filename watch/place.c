// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells which object, stack or memory an address of the kernel belongs to. No state.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched/task_stack.h>

#include "watch/peek.h"
#include "watch/place.h"
#include "watch/slab.h"
#include "watch/tasks.h"

/* The task with @addr in the stack, out of the tasks at the search's beginning, or NULL. */
static struct task_struct *stack_owner(const struct watch_tasks *tasks, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < tasks->nr; i++)
		if (addr - (unsigned long)WATCH_LOAD(tasks->task[i]->stack) < THREAD_SIZE)
			return tasks->task[i];
	return NULL;
}

static bool is_module(unsigned long addr)
{
	return addr >= MODULES_VADDR && addr < MODULES_END;
}

static bool is_image(unsigned long addr)
{
	return addr >= __START_KERNEL_map && addr < MODULES_VADDR;
}

static enum watch_claim describe_slab(const struct watch_slab_object *object, char *text)
{
	bool freed = object->life == WATCH_LIFE_FREED;

	scnprintf(text, WATCH_PLACE_TEXT, "a%s object of slab cache %s", freed ? " free" : "n",
		  object->name);
	return freed ? WATCH_TRACE : WATCH_POINTER;
}

static void describe_page(const void *addr, char *text)
{
	struct page *page = watch_page_at(addr);

	if (page && WATCH_IS(PageReserved, page))
		strscpy(text, "per-CPU data", WATCH_PLACE_TEXT);
	else
		strscpy(text, "a page from the page allocator", WATCH_PLACE_TEXT);
}

static void describe_stack(struct task_struct *owner, char *text)
{
	char comm[TASK_COMM_LEN];

	get_task_comm(comm, owner);
	scnprintf(text, WATCH_PLACE_TEXT, "the stack of %s:%d, maybe of a call that is over", comm,
		  task_pid_nr(owner));
}

/* For addresses in the kernel's page table that are not in the direct map. */
static void describe_mapped(const struct watch_tasks *tasks, unsigned long addr, char *text)
{
	struct task_struct *owner = stack_owner(tasks, addr);

	if (owner)
		describe_stack(owner, text);
	else if (is_module(addr))
		scnprintf(text, WATCH_PLACE_TEXT, "a module's data, %ps", (void *)addr);
	else if (is_image(addr))
		scnprintf(text, WATCH_PLACE_TEXT, "the kernel's own data, %ps", (void *)addr);
	else
		strscpy(text, "memory from vmalloc()", WATCH_PLACE_TEXT);
}

/**
 * watch_place_describe() - say to which object, stack or memory an address belongs
 * @search: has the tasks with the stacks to look in.
 * @addr: the address.
 * @text: %WATCH_PLACE_TEXT bytes for the answer.
 *
 * Context: Task. Return: the claim that a pointer at @addr makes.
 */
enum watch_claim watch_place_describe(struct watch_search *search, const void *addr, char *text)
{
	struct watch_slab_object object;

	if (watch_slab_find(addr, &object))
		return describe_slab(&object, text);
	if (watch_is_direct((unsigned long)addr))
		describe_page(addr, text);
	else
		describe_mapped(search->tasks, (unsigned long)addr, text);
	return WATCH_POINTER;
}
