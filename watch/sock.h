/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_SOCK_H
#define WATCH_SOCK_H

#include <linux/types.h>

struct sock;

#define WATCH_SOCK_TEXT	120

const struct sock *watch_sock_at(unsigned long addr);
const struct sock *watch_sock_of_queue(unsigned long head, const char **queue);
bool watch_sock_has_tree(const struct sock *sk, unsigned long root, const char **queue);
void watch_sock_describe(const struct sock *sk, char *text, size_t size);

#endif /* WATCH_SOCK_H */
