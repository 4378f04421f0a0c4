// SPDX-License-Identifier: GPL-2.0-only
/*
 * Foreign code beside the guard: probes on the functions that the guard hooks, on the functions
 * that the guard calls, and on Labyrinth's own tracepoints. Written without Labyrinth's header.
 *
 * A word written to /sys/module/labyrinth_beside/parameters/do is done at once, and the write
 * returns the word's errno:
 *	kprobe-on, kprobe-off	a kprobe with a post_handler on vmap(). Of all ftrace_ops on a
 *				function, only a single ftrace_ops may change the instruction
 *				pointer: this kprobe takes that right.
 *	tail-on PFN, tail-off	a probe on labyrinth:page_free that ends with a jump to
 *				dma_map_page_attrs() of page PFN, which returns into Labyrinth
 *	stick-on, stick-off	the next call of unregister_ftrace_function() returns -ENODEV
 *	break-ftrace		calls vmap() with an ftrace_ops on vmap() that has lost the
 *				function: ftrace finds itself broken, and stops for good
 */
#define pr_fmt(fmt) "labyrinth_beside: " fmt

#include <linux/dma-mapping.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/vmalloc.h>

static struct platform_device *pdev;
static unsigned long pfn;

/* A kprobe with a post_handler. */

static void after(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe post = { .symbol_name = "vmap", .post_handler = after };

static int kprobe_on(void)
{
	/* The last registration has set both. */
	post.addr = NULL;
	post.flags = 0;
	return register_kprobe(&post);
}

static int kprobe_off(void)
{
	unregister_kprobe(&post);
	return 0;
}

/* A jump out of a probe. */

static struct tracepoint *page_free;

static dma_addr_t tail_call(void *data, void *owner, void *ip)
{
	return dma_map_page_attrs(&pdev->dev, pfn_to_page(pfn), 0, PAGE_SIZE,
				  DMA_BIDIRECTIONAL, 0);
}

static int see_module(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct tp_module *tpm = data;
	struct tracepoint *tp;
	int i;

	if (event != MODULE_STATE_COMING || strcmp(tpm->mod->name, "labyrinth"))
		return 0;
	for (i = 0; i < tpm->mod->num_tracepoints; i++) {
		tp = tracepoint_ptr_deref(&tpm->mod->tracepoints_ptrs[i]);
		if (!strcmp(tp->name, "page_free"))
			page_free = tp;
	}
	return 0;
}

static struct notifier_block nb = { .notifier_call = see_module };

static int tail_on(void)
{
	int err = register_tracepoint_module_notifier(&nb);

	if (err)
		return err;
	err = page_free ? tracepoint_probe_register(page_free, tail_call, NULL) : -ENOENT;
	if (err)
		unregister_tracepoint_module_notifier(&nb);
	return err;
}

static int tail_off(void)
{
	tracepoint_probe_unregister(page_free, tail_call, NULL);
	tracepoint_synchronize_unregister();
	unregister_tracepoint_module_notifier(&nb);
	page_free = NULL;
	return 0;
}

/* A failing unregister_ftrace_function(). */

static atomic_t to_stick;

static int returned(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (atomic_dec_if_positive(&to_stick) >= 0)
		regs_set_return_value(regs, -ENODEV);
	return 0;
}

static struct kretprobe stick = {
	.kp.symbol_name = "unregister_ftrace_function",
	.handler = returned,
};

static int stick_on(void)
{
	atomic_set(&to_stick, 1);
	return register_kretprobe(&stick);
}

static int stick_off(void)
{
	unregister_kretprobe(&stick);
	return 0;
}

/* Takes the function from a registered ftrace_ops, as bpf_trampoline_update() of 6.1 does. */

static void traced(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *regs)
{
}

static struct ftrace_ops broken = { .func = traced };

static int break_ftrace(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	int err = ftrace_set_filter_ip(&broken, (unsigned long)vmap, 0, 0);

	if (!page)
		return -ENOMEM;
	err = err ?: register_ftrace_function(&broken);
	if (!err) {
		WRITE_ONCE(broken.func, NULL);
		vunmap(vmap(&page, 1, VM_MAP, PAGE_KERNEL));
	}
	__free_page(page);
	return err;
}

static const struct word {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "kprobe-on", kprobe_on },
	{ "kprobe-off", kprobe_off },
	{ "tail-on", tail_on },
	{ "tail-off", tail_off },
	{ "stick-on", stick_on },
	{ "stick-off", stick_off },
	{ "break-ftrace", break_ftrace },
};

static int do_set(const char *val, const struct kernel_param *kp)
{
	char word[16];
	size_t i;

	if (sscanf(val, "%15s %li", word, (long *)&pfn) < 1)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].fn();
	return -EINVAL;
}

static const struct kernel_param_ops do_ops = { .set = do_set };

module_param_cb(do, &do_ops, NULL, 0200);
MODULE_PARM_DESC(do, "What to do, see the head of the source");

static int __init beside_init(void)
{
	int err;

	pdev = platform_device_register_simple("labyrinth_beside", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		platform_device_unregister(pdev);
	return err;
}

static void __exit beside_exit(void)
{
	platform_device_unregister(pdev);
}

module_init(beside_init);
module_exit(beside_exit);

MODULE_DESCRIPTION("Labyrinth self-test: probes beside the guard");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
