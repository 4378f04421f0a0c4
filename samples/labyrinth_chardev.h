/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program says to /dev/labyrinth_chardev, beside mmap(). The argument of both
 * is a page of the mapping, counted from 0.
 */
#ifndef LABYRINTH_CHARDEV_H
#define LABYRINTH_CHARDEV_H

#include <linux/ioctl.h>

/* Returns the page's first byte, as the driver sees it. */
#define CHARDEV_PEEK		_IO('L', 0)
/* The driver takes the page away: for the program to access it is SIGBUS then. */
#define CHARDEV_TAKE_BACK	_IO('L', 1)

#endif /* LABYRINTH_CHARDEV_H */
