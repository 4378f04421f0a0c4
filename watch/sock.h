/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_SOCK_H
#define WATCH_SOCK_H

#include <linux/types.h>

struct sock;

#define WATCH_SOCK_TEXT	120

/* A queue that is a tree. */
struct watch_sock_tree {
	const char *name;
	unsigned long root;
};

#define WATCH_SOCK_TREES	2

const struct sock *watch_sock_at(unsigned long addr);
const struct sock *watch_sock_of_queue(unsigned long head, const char **queue);
unsigned int watch_sock_trees(const struct sock *sk, struct watch_sock_tree *trees);
void watch_sock_describe(const struct sock *sk, char *text, size_t size);

#endif /* WATCH_SOCK_H */
