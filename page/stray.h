/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses to sealed pages by the direct map. See page/stray.c.
 */
#ifndef LABYRINTH_STRAY_H
#define LABYRINTH_STRAY_H

#include <linux/types.h>

#include "page/region.h"

struct pt_regs;
struct seq_file;

int lab_stray_init(void);
void lab_stray_exit(void);
bool lab_stray_divert(unsigned long error, unsigned long addr, const struct pt_regs *regs);
void lab_stray_collect(unsigned long entry);
void lab_stray_report(void);
void lab_stray_show(struct seq_file *m);

#endif /* LABYRINTH_STRAY_H */
