/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_CENSUS_H
#define WATCH_CENSUS_H

struct dentry;

void watch_census_debugfs(struct dentry *folder);

#endif /* WATCH_CENSUS_H */
