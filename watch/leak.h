/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WATCH_LEAK_H
#define WATCH_LEAK_H

void watch_leak_module_goes(unsigned int module);
void watch_leak_pool_ends(unsigned int pool);
void watch_leak_forget(unsigned int module);
void watch_leak_stop(void);

#endif /* WATCH_LEAK_H */
