/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of call sites, also of code that has gone; see report/site.c. */
#ifndef LABYRINTH_SITE_H
#define LABYRINTH_SITE_H

struct vm_area_struct;

#define LAB_SITE_NAME_LEN 128

/* A call site as text: symbol, offset, module. By value, for one printk() or seq_printf(). */
struct lab_site_name {
	char text[LAB_SITE_NAME_LEN];
};

struct lab_site_name lab_site_name(unsigned long site);
unsigned long lab_site_of_mmap(const struct vm_area_struct *vma, unsigned long ip);
unsigned long lab_site_of_fault(const struct vm_area_struct *vma, unsigned long ip, bool huge);
unsigned long lab_site_keep(unsigned long site, const char *why);

#endif /* LABYRINTH_SITE_H */
