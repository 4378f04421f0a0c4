/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LABYRINTH_NIC_XDP_H
#define LABYRINTH_NIC_XDP_H

#include <linux/types.h>

struct bpf_prog;
struct nic;
struct rx_page;

int xdp_receive(struct nic *nic, struct rx_page *page, unsigned int len);
void xdp_flush(struct nic *nic);
int xdp_open(struct nic *nic);
void xdp_close(struct nic *nic);
void xdp_set_prog(struct nic *nic, struct bpf_prog *prog);
bool xdp_can_do(const struct nic *nic, unsigned int mtu);

#endif /* LABYRINTH_NIC_XDP_H */
