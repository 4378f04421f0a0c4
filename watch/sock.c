// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets, recognised by the slab cache of the socket's protocol. No state.
 */
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/sock.h>

#include "labyrinth_compat.h"
#include "watch/peek.h"
#include "watch/slab.h"
#include "watch/sock.h"

/* The queues that are lists, and where in a socket the heads are. */
static const struct {
	size_t offset;
	const char *name;
} queues[] = {
	{ offsetof(struct sock, sk_receive_queue), "receive queue" },
	{ offsetof(struct sock, sk_write_queue), "write queue" },
	{ offsetof(struct sock, sk_error_queue), "error queue" },
	{ offsetof(struct udp_sock, reader_queue), "reader's queue" },
};

/* The queues that are trees, and where in a socket the roots are. */
static const struct {
	size_t offset;
	const char *name;
} trees[] = {
	{ offsetof(struct sock, tcp_rtx_queue), "retransmit queue" },
	{ offsetof(struct tcp_sock, out_of_order_queue), "out-of-order queue" },
};

static_assert(ARRAY_SIZE(trees) == WATCH_SOCK_TREES);

/* The sockets of a protocol without a slab cache are from kmalloc(). */
static bool cache_fits(const struct proto *prot, const struct sock *sk)
{
	struct watch_slab_object object;
	const void *slab;

	if (!watch_peek(&slab, &prot->slab, sizeof(slab)) ||
	    !watch_slab_find((const void *)sk, &object))
		return false;
	return slab ? slab == object.cache : !strncmp(object.name, "kmalloc", 7);
}

/* Return: the socket at @addr, or NULL if there is none. */
const struct sock *watch_sock_at(unsigned long addr)
{
	const struct sock *sk = (const struct sock *)addr;
	const struct proto *prot;
	unsigned short family;

	if (addr % sizeof(long) || !watch_is_direct(addr) ||
	    !watch_peek(&prot, &sk->sk_prot, sizeof(prot)) ||
	    watch_is_direct((unsigned long)prot) ||
	    !WATCH_PEEK(family, &sk->sk_family) || family >= AF_MAX)
		return NULL;
	return cache_fits(prot, sk) ? sk : NULL;
}

/* Return: the socket that has the head of a queue at @head, or NULL. Sets @queue: the name. */
const struct sock *watch_sock_of_queue(unsigned long head, const char **queue)
{
	const struct sock *sk;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		sk = watch_sock_at(head - queues[i].offset);
		if (sk) {
			*queue = queues[i].name;
			return sk;
		}
	}
	return NULL;
}

static bool is_tcp(const struct sock *sk)
{
	u16 type, protocol;

	return WATCH_PEEK(type, &sk->sk_type) && WATCH_PEEK(protocol, &sk->sk_protocol) &&
	       type == SOCK_STREAM && protocol == IPPROTO_TCP;
}

/* The trees of @sk that are not empty. Return: how many, at most %WATCH_SOCK_TREES. */
unsigned int watch_sock_trees(const struct sock *sk, struct watch_sock_tree *found)
{
	unsigned int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(trees) && is_tcp(sk); i++) {
		found[nr].name = trees[i].name;
		if (watch_peek(&found[nr].root, (const void *)sk + trees[i].offset,
			       sizeof(found[nr].root)) && found[nr].root)
			nr++;
	}
	return nr;
}

static void describe_inet(const struct sock_common *common, char *text, size_t size)
{
	if (common->skc_family == AF_INET)
		scnprintf(text, size, ", port %u, peer %pI4:%u", common->skc_num,
			  &common->skc_daddr, ntohs(common->skc_dport));
	else if (common->skc_family == AF_INET6)
		scnprintf(text, size, ", port %u, peer %pI6c:%u", common->skc_num,
			  lab_sock_v6_peer(common), ntohs(common->skc_dport));
	else
		*text = '\0';
}

/* As "UDP socket, port 7777, peer 0.0.0.0:0". */
void watch_sock_describe(const struct sock *sk, char *text, size_t size)
{
	struct sock_common common;
	const struct proto *prot;
	char name[sizeof(prot->name)] = "?";
	int len;

	if (watch_peek(&prot, &sk->sk_prot, sizeof(prot)))
		watch_peek(name, prot->name, sizeof(name) - 1);
	len = scnprintf(text, size, "%.*s socket", (int)sizeof(name) - 1, name);
	if (watch_peek(&common, &sk->__sk_common, sizeof(common)))
		describe_inet(&common, text + len, size - len);
}
