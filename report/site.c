// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of call sites. The state owned here is the names of sites whose code has gone.
 *
 * A call site is an address in kernel text, and %pS turns an address into a name when a
 * report is printed. By then the code may have gone: a module's init text is freed when
 * the module is loaded, all of a module when the module is unloaded. The address would have
 * no name, or that of a module loaded to the same place since. So before code goes,
 * system/modules.c has each noted site in that code replaced by the address of a name kept
 * here. Names are never freed while Labyrinth is loaded.
 *
 * Readers take no lock. A name is complete before system/modules.c stores the name's
 * address, by a compare-and-exchange, where a reader can find the address.
 */
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "inline/address.h"
#include "labyrinth_compat.h"
#include "report/site.h"

/* The last name is for all sites that find no room. */
#define NR_KEPT 256U

/* Protects @kept and @nr_kept against a second writer. Taken in task context. */
static DEFINE_MUTEX(site_lock);
static struct lab_site_name kept[NR_KEPT];
static unsigned int nr_kept;

static bool is_kept(unsigned long site)
{
	return site >= (unsigned long)kept && site < (unsigned long)(kept + NR_KEPT);
}

/*
 * The name of @site, a call site or a kept name's address.
 * Context: Any.
 */
struct lab_site_name lab_site_name(unsigned long site)
{
	struct lab_site_name name;

	if (is_kept(site))
		return *(struct lab_site_name *)site;
	scnprintf(name.text, sizeof(name.text), "%pS", (void *)site);
	return name;
}

/*
 * A driver's mmap() or fault handler often ends in the call that Labyrinth looks at. The compiler
 * makes a jump of such a call, so the call returns to core code. The driver is then named by the
 * function that the core had called, and the core's pointer to that function is in the file or in
 * the VMA. The VMA may be a wrong one, so the pointers are read with care.
 */
static unsigned long read_word(const void *from)
{
	unsigned long word = 0;

	return lab_copy_from(&word, from, sizeof(word)) ? word : 0;
}

/* What @vma's file has for mmap(), or 0. */
static unsigned long mmap_of(const struct vm_area_struct *vma)
{
	const struct file *file = (void *)read_word(&vma->vm_file);
	const struct file_operations *ops = file ? (void *)read_word(&file->f_op) : NULL;

	return ops ? read_word(&ops->mmap) ?: read_word(lab_mmap_prepare_of(ops)) : 0;
}

/*
 * The site to name for a call that is about @vma and returns to @ip: the driver's mmap(), if @ip
 * is core code.
 * Context: Any.
 */
unsigned long lab_site_of_mmap(const struct vm_area_struct *vma, unsigned long ip)
{
	return vma && !lab_is_module_text(ip) ? mmap_of(vma) ?: ip : ip;
}

/* As lab_site_of_mmap(), by the fault handler; with @huge, by that of huge pages if any. */
unsigned long lab_site_of_fault(const struct vm_area_struct *vma, unsigned long ip, bool huge)
{
	const struct vm_operations_struct *ops;
	unsigned long handler;

	if (!vma || lab_is_module_text(ip))
		return ip;
	ops = (void *)read_word(&vma->vm_ops);
	if (!ops)
		return ip;
	handler = huge ? read_word(&ops->huge_fault) : 0;
	return handler ?: read_word(&ops->fault) ?: ip;
}

/* "fill+0x12/0x40 [driver]" becomes "fill+0x12/0x40 [driver, gone]". */
static struct lab_site_name make_name(unsigned long site, const char *why)
{
	struct lab_site_name now = lab_site_name(site), name;
	size_t length = strlen(now.text);
	bool module = length && now.text[length - 1] == ']';
	size_t room = sizeof(name.text) - sizeof(", ]") - strlen(why);

	scnprintf(name.text, sizeof(name.text), "%.*s%s%s]", (int)min(length - module, room),
		  now.text, module ? ", " : " [", why);
	return name;
}

/* Looks for the text: code of several modules may have stood at the same address in turn. */
static unsigned long find_or_add(const struct lab_site_name *name)
{
	unsigned int i;

	for (i = 0; i < nr_kept; i++)
		if (!strcmp(kept[i].text, name->text))
			return (unsigned long)&kept[i];
	if (nr_kept == NR_KEPT - 1)
		strscpy(kept[nr_kept].text, "code that has gone", sizeof(kept[nr_kept].text));
	else
		kept[nr_kept++] = *name;
	return (unsigned long)&kept[i];
}

/*
 * Keeps the name of @site before the code goes; @why says how the code goes, in the name.
 * Context: Task; may sleep. Return: the address that stands for the site from now on.
 */
unsigned long lab_site_keep(unsigned long site, const char *why)
{
	struct lab_site_name name = make_name(site, why);
	unsigned long instead;

	mutex_lock(&site_lock);
	instead = find_or_add(&name);
	mutex_unlock(&site_lock);
	return instead;
}
