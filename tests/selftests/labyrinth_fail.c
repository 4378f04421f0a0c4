// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the kernel functions that Labyrinth calls fail, call by call, and counts the resources
 * that Labyrinth has got and not given back. Loaded before labyrinth.ko, this module sees every
 * call of Labyrinth's from the first on: a call is Labyrinth's if the return address is in
 * Labyrinth. Labyrinth has no code for this test: the module is tested as shipped.
 *
 * In /sys/module/labyrinth_fail/parameters:
 *	nth	written: the number of the first call to fail, counted from now, from 1; 0: none
 *	times	how many calls fail, from the nth on; set before nth
 *	seen	calls that can fail, since nth was written
 *	failed	how many calls were made to fail
 *	last	the last call that was made to fail
 *	owed	pages, objects and registrations that were got and not given back
 *	missing	probed functions that this kernel lacks, or does not let be probed
 *
 * A call that is to fail does not run: the probe sends the CPU to __fentry__, which only returns.
 * A page allocation does run and is undone, since only the return tells how many pages a bulk
 * allocation gave. No other call is undone: a function cannot well have both kinds of probe.
 */
#include <linux/atomic.h>
#include <linux/dma-mapping.h>
#include <linux/ftrace.h>
#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>

#include "../../labyrinth_compat.h"

/* Set while labyrinth.ko is being loaded, is live, or is being unloaded; else NULL. */
static struct module *labyrinth;

static unsigned int nth;
static unsigned int times = 1;
static atomic_t seen, failed, owed;
static const char *last = "-";

module_param(times, uint, 0644);
MODULE_PARM_DESC(times, "How many calls fail, from the nth on (default 1)");

static int nth_set(const char *val, const struct kernel_param *kp)
{
	unsigned int wanted;
	int err = kstrtouint(val, 0, &wanted);

	if (err)
		return err;
	WRITE_ONCE(nth, 0);
	atomic_set(&seen, 0);
	atomic_set(&failed, 0);
	WRITE_ONCE(last, "-");
	WRITE_ONCE(nth, wanted);
	return 0;
}

static const struct kernel_param_ops nth_ops = {
	.set = nth_set,
	.get = param_get_uint,
};

module_param_cb(nth, &nth_ops, &nth, 0644);
MODULE_PARM_DESC(nth, "Which call fails, counted from now (default 0: none)");

static int atomic_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read((atomic_t *)kp->arg));
}

static const struct kernel_param_ops atomic_ops = { .get = atomic_get };

module_param_cb(seen, &atomic_ops, &seen, 0444);
MODULE_PARM_DESC(seen, "Calls that can fail, since nth was written");
module_param_cb(failed, &atomic_ops, &failed, 0444);
MODULE_PARM_DESC(failed, "How many of them were made to fail");
module_param_cb(owed, &atomic_ops, &owed, 0444);
MODULE_PARM_DESC(owed, "What Labyrinth has got and not given back");

static int last_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", READ_ONCE(last));
}

static const struct kernel_param_ops last_ops = { .get = last_get };

module_param_cb(last, &last_ops, NULL, 0444);
MODULE_PARM_DESC(last, "The last call that was made to fail");

/* At a function's first instruction the return address is on top of the stack. */
static bool is_labyrinths(struct pt_regs *regs)
{
	const struct module *mod = READ_ONCE(labyrinth);

	return mod && within_module(regs_get_kernel_stack_nth(regs, 0), mod);
}

/*
 * Newer kernels' dma_map_page_attrs() ends with a jump to dma_map_phys(), which so seems to be
 * called by Labyrinth as well. Labyrinth's instruction before the return address tells.
 */
static bool is_passed_on(const struct kprobe *kp, struct pt_regs *regs)
{
	unsigned long returns_to = regs_get_kernel_stack_nth(regs, 0);
	unsigned long callee = returns_to + *(const s32 *)(returns_to - sizeof(s32));

	return callee == (unsigned long)dma_map_page_attrs &&
	       !strcmp(kp->symbol_name, "dma_map_phys");
}

/* Counts a call of Labyrinth's, and says whether it is to fail. */
static bool is_to_fail(const char *name)
{
	unsigned int number = atomic_inc_return(&seen);
	unsigned int first = READ_ONCE(nth);

	if (!first || number < first || number - first >= READ_ONCE(times))
		return false;
	WRITE_ONCE(last, name);
	atomic_inc(&failed);
	return true;
}

/* Calls that get something, or do something that may fail. */

enum books {
	UNTOLD,		/* no books are kept of the result */
	GETS,
};

struct call {
	struct kprobe kp;
	unsigned long failure;		/* the return value of a call that fails */
	enum books books;
};

static int called(struct kprobe *kp, struct pt_regs *regs)
{
	const struct call *call = container_of(kp, struct call, kp);

	if (!is_labyrinths(regs) || is_passed_on(kp, regs))
		return 0;
	if (is_to_fail(kp->symbol_name)) {
		regs_set_return_value(regs, call->failure);
		instruction_pointer_set(regs, (unsigned long)__fentry__);
		return 1;
	}
	if (call->books == GETS)
		atomic_inc(&owed);
	return 0;
}

/* A kprobe with a post_handler is not optimized to a jump. */
static void called_post(struct kprobe *kp, struct pt_regs *regs,
			unsigned long flags)
{
}

#define PROBE(name, fails_with, kept, post) {				\
	.kp = {								\
		.symbol_name = name,					\
		.pre_handler = called,					\
		.post_handler = post,					\
	},								\
	.failure = (unsigned long)(fails_with),				\
	.books = kept,							\
}

#define CALL(name, fails_with, kept)	PROBE(name, fails_with, kept, called_post)

/*
 * Functions that the guard hooks as well, which ftrace forbids beside a kprobe with a
 * post_handler. The kernel makes no kprobe a jump anyway where ftrace can hook.
 */
#define HOOKED(name, fails_with, kept)	PROBE(name, fails_with, kept, NULL)

/* The xarray's form of -ENOMEM. */
#define XA_NO_MEMORY	((unsigned long)-ENOMEM << 2 | 2)

/* All names of the functions, from 6.1 to 7.3. */
static struct call calls[] = {
	CALL("kmalloc_trace", 0, UNTOLD),
	CALL("__kmalloc_cache_noprof", 0, UNTOLD),
	CALL("kstrdup", 0, UNTOLD),
	CALL("kstrdup_noprof", 0, UNTOLD),
	CALL("vzalloc", 0, GETS),
	CALL("vzalloc_noprof", 0, GETS),
	CALL("vcalloc", 0, GETS),
	CALL("vcalloc_noprof", 0, GETS),
	CALL("kmem_cache_create", 0, GETS),
	CALL("__kmem_cache_create_args", 0, GETS),
	CALL("kmem_cache_alloc", 0, GETS),
	CALL("kmem_cache_alloc_noprof", 0, GETS),
	CALL("__alloc_percpu", 0, GETS),
	CALL("pcpu_alloc_noprof", 0, GETS),
	CALL("__stack_depot_save", 0, UNTOLD),
	CALL("stack_depot_save_flags", 0, UNTOLD),
	CALL("stack_depot_init", -ENOMEM, UNTOLD),
	CALL("register_module_notifier", -EINVAL, GETS),
	CALL("register_pm_notifier", -EINVAL, GETS),
	CALL("register_memory_notifier", -EINVAL, GETS),
	CALL("__cpuhp_setup_state", -ENOSPC, GETS),
	CALL("register_shrinker", -ENOMEM, GETS),
	CALL("shrinker_alloc", 0, GETS),
	CALL("ftrace_set_filter", -ENOMEM, UNTOLD),
	CALL("ftrace_set_filter_ip", -ENOMEM, UNTOLD),
	CALL("register_ftrace_function", -ENOMEM, GETS),
	CALL("kvmalloc_node", 0, GETS),
	CALL("__kvmalloc_node_noprof", 0, GETS),
	CALL("xa_store", XA_NO_MEMORY, UNTOLD),
	HOOKED("vmap", 0, GETS),
	HOOKED("dma_map_page_attrs", DMA_MAPPING_ERROR, GETS),
	HOOKED("dma_map_phys", DMA_MAPPING_ERROR, GETS),
	CALL("bitmap_zalloc", 0, UNTOLD),
	CALL("bitmap_zalloc_noprof", 0, UNTOLD),
	HOOKED("set_pages_array_uc", -ENOMEM, UNTOLD),
	CALL("register_die_notifier", -ENOMEM, GETS),
	CALL("debugfs_create_dir", -ENOMEM, UNTOLD),
	CALL("debugfs_create_file", -ENOMEM, UNTOLD),
	CALL("debugfs_create_file_full", -ENOMEM, UNTOLD),
};

/*
 * Calls that give something back. These calls do not fail. kfree() is left out: the compiler
 * makes a jump of a function's last call, and such a call seems to be made by the function's
 * caller. So a kfree() by vfree() would count as Labyrinth's.
 */

/* What kvfree() was last called for, and perhaps passes on to vfree() by a jump. */
static unsigned long passed_on;

static int gave_back_kv(struct kprobe *kp, struct pt_regs *regs)
{
	unsigned long addr = regs_get_kernel_argument(regs, 0);

	if (!addr || !is_labyrinths(regs))
		return 0;
	WRITE_ONCE(passed_on, addr);
	atomic_dec(&owed);
	return 0;
}

static int gave_back_vmalloced(struct kprobe *kp, struct pt_regs *regs)
{
	unsigned long addr = regs_get_kernel_argument(regs, 0);

	if (!addr || !is_labyrinths(regs))
		return 0;
	if (cmpxchg(&passed_on, addr, 0) != addr)
		atomic_dec(&owed);
	return 0;
}

static int gave_back(struct kprobe *kp, struct pt_regs *regs)
{
	if (is_labyrinths(regs) && regs_get_kernel_argument(regs, 0))
		atomic_dec(&owed);
	return 0;
}

/* kfree() gives large memory back by such a jump. Labyrinth itself frees single pages. */
static int gave_back_page(struct kprobe *kp, struct pt_regs *regs)
{
	return regs_get_kernel_argument(regs, 1) ? 0 : gave_back(kp, regs);
}

/* The last put_page(). Some kernels' kfree() ends so as well. */
static int gave_back_folio(struct kprobe *kp, struct pt_regs *regs)
{
	struct folio *folio = (struct folio *)regs_get_kernel_argument(regs, 0);

	return is_labyrinths(regs) && folio_test_large(folio) ? 0 : gave_back(kp, regs);
}

#define RETURN(name) { .symbol_name = name, .pre_handler = gave_back }

static struct kprobe returns[] = {
	{ .symbol_name = "vfree", .pre_handler = gave_back_vmalloced },
	{ .symbol_name = "kvfree", .pre_handler = gave_back_kv },
	RETURN("vunmap"),
	RETURN("free_percpu"),
	RETURN("kmem_cache_free"),
	RETURN("kmem_cache_destroy"),
	{ .symbol_name = "__free_pages", .pre_handler = gave_back_page },
	{ .symbol_name = "__folio_put", .pre_handler = gave_back_folio },
	RETURN("unregister_module_notifier"),
	RETURN("unregister_pm_notifier"),
	RETURN("unregister_memory_notifier"),
	RETURN("__cpuhp_remove_state"),
	RETURN("unregister_shrinker"),
	RETURN("shrinker_free"),
	RETURN("unregister_ftrace_function"),
	RETURN("unregister_die_notifier"),
	RETURN("dma_unmap_page_attrs"),
};

/* Calls that get pages. */

struct page_call {
	struct page **pages;	/* the array that a bulk allocation fills */
	unsigned int order;
	bool fail;
};

struct page_probe {
	struct kretprobe rp;
	unsigned int order_arg;		/* which argument is the order; 0: a bulk allocation */
};

static int pages_called(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct page_probe *probe = container_of(get_kretprobe(ri), struct page_probe, rp);
	struct page_call *call = (struct page_call *)ri->data;

	if (!is_labyrinths(regs))
		return 1;
	if (probe->order_arg)
		call->order = regs_get_kernel_argument(regs, probe->order_arg);
	call->pages = (void *)regs_get_kernel_argument(regs, LAB_BULK_PAGES_ARG);
	call->fail = is_to_fail(get_kretprobe(ri)->kp.symbol_name);
	return 0;
}

static int bulk_returns(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct page_call *call = (struct page_call *)ri->data;
	unsigned long nr = regs_return_value(regs);

	if (!call->fail) {
		atomic_add(nr, &owed);
		return 0;
	}
	while (nr--) {
		__free_page(call->pages[nr]);
		call->pages[nr] = NULL;
	}
	regs_set_return_value(regs, 0);
	return 0;
}

static int page_returns(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct page_call *call = (struct page_call *)ri->data;
	struct page *page = (struct page *)regs_return_value(regs);

	if (!page)
		return 0;
	/* Labyrinth splits a block, and gives it back page by page. */
	if (!call->fail) {
		atomic_add(1U << call->order, &owed);
		return 0;
	}
	__free_pages(page, call->order);
	regs_set_return_value(regs, 0);
	return 0;
}

#define PAGE_CALL(name, returns, order) {				\
	.rp = {								\
		.kp.symbol_name = name,					\
		.entry_handler = pages_called,				\
		.handler = returns,					\
		.data_size = sizeof(struct page_call),			\
	},								\
	.order_arg = order,						\
}

static struct page_probe page_calls[] = {
	PAGE_CALL("alloc_pages", page_returns, 1),
	PAGE_CALL("alloc_pages_noprof", page_returns, 1),
	PAGE_CALL("__alloc_pages", page_returns, 1),
	PAGE_CALL("__alloc_pages_noprof", page_returns, 1),
	PAGE_CALL("alloc_pages_node_noprof", page_returns, 2),
	PAGE_CALL("__alloc_pages_bulk", bulk_returns, 0),
	PAGE_CALL("alloc_pages_bulk_noprof", bulk_returns, 0),
};

/* A probe that could not be registered has no address. */

static int missing_get(char *buf, const struct kernel_param *kp)
{
	int i, len = 0;

	for (i = 0; i < ARRAY_SIZE(page_calls); i++)
		if (!page_calls[i].rp.kp.addr)
			len += sysfs_emit_at(buf, len, "%s ", page_calls[i].rp.kp.symbol_name);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (!calls[i].kp.addr)
			len += sysfs_emit_at(buf, len, "%s ", calls[i].kp.symbol_name);
	for (i = 0; i < ARRAY_SIZE(returns); i++)
		if (!returns[i].addr)
			len += sysfs_emit_at(buf, len, "%s ", returns[i].symbol_name);
	return len + sysfs_emit_at(buf, len, "\n");
}

static const struct kernel_param_ops missing_ops = { .get = missing_get };

module_param_cb(missing, &missing_ops, NULL, 0444);
MODULE_PARM_DESC(missing, "Functions that cannot be probed here");

static int module_notify(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	struct module *mod = data;

	if (strcmp(mod->name, "labyrinth"))
		return NOTIFY_DONE;
	if (action == MODULE_STATE_COMING)
		WRITE_ONCE(labyrinth, mod);
	else if (action == MODULE_STATE_GOING)
		WRITE_ONCE(labyrinth, NULL);
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = { .notifier_call = module_notify };

static void probe_all(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(page_calls); i++)
		if (register_kretprobe(&page_calls[i].rp))
			page_calls[i].rp.kp.addr = NULL;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (register_kprobe(&calls[i].kp))
			calls[i].kp.addr = NULL;
	for (i = 0; i < ARRAY_SIZE(returns); i++)
		if (register_kprobe(&returns[i]))
			returns[i].addr = NULL;
}

static void unprobe_all(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(page_calls); i++)
		if (page_calls[i].rp.kp.addr)
			unregister_kretprobe(&page_calls[i].rp);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].kp.addr)
			unregister_kprobe(&calls[i].kp);
	for (i = 0; i < ARRAY_SIZE(returns); i++)
		if (returns[i].addr)
			unregister_kprobe(&returns[i]);
}

static int __init fail_init(void)
{
	int err;

	probe_all();
	err = register_module_notifier(&module_nb);
	if (err)
		unprobe_all();
	return err;
}

static void __exit fail_exit(void)
{
	unregister_module_notifier(&module_nb);
	unprobe_all();
}

module_init(fail_init);
module_exit(fail_exit);

MODULE_DESCRIPTION("Labyrinth self-test: makes its calls of the kernel fail");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
