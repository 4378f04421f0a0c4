/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_KEPT_H
#define LABYRINTH_KEPT_H

struct file;
struct lab_refusal;
struct module;
struct ratelimit_state;

void lab_kept_report(const struct lab_refusal *refusal, struct ratelimit_state *limit);
void lab_kept_forget(const struct module *module);
int lab_kept_open(struct file *file);
void lab_kept_exit(void);

#endif /* LABYRINTH_KEPT_H */
