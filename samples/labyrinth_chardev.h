/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctl commands of /dev/labyrinth_chardev. The argument of both is the number of a
 * page in the mapping, counted from 0.
 */
#ifndef LABYRINTH_CHARDEV_H
#define LABYRINTH_CHARDEV_H

#include <linux/ioctl.h>

/* Returns the first byte that the driver reads in the page. */
#define CHARDEV_PEEK		_IO('L', 0)
/* The driver takes the page back: later accesses by the program end in SIGBUS. */
#define CHARDEV_TAKE_BACK	_IO('L', 1)

#endif /* LABYRINTH_CHARDEV_H */
