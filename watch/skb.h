/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_SKB_H
#define WATCH_SKB_H

int watch_skb_init(void);

#endif /* WATCH_SKB_H */
