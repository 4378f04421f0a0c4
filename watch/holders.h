/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_HOLDERS_H
#define WATCH_HOLDERS_H

struct dentry;

void watch_holders_debugfs(struct dentry *folder);
void watch_holders_exit(void);

#endif /* WATCH_HOLDERS_H */
