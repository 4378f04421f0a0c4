// SPDX-License-Identifier: GPL-2.0-only
///
/// A report is made under a lock. A report may take long: the console may be slow.
///
// Confidence: Moderate: one function is looked at, not what the function calls.
virtual report

@locked@
identifier lock =~ "^(raw_)?spin_lock(_irq|_irqsave|_bh)?$";
identifier unlock =~ "^(raw_)?spin_unlock(_irq|_irqrestore|_bh)?$";
identifier tell =~ "^(lab_report|lab_report_corrupt|lab_report_full|pr_.*|printk|_printk|dump_stack)$";
position pos;
@@
 lock(...);
 ... when != unlock(...)
 tell@pos(...)

@script:python depends on report@
pos << locked.pos;
@@
coccilib.report.print_report(pos[0], "a report under a spinlock")
