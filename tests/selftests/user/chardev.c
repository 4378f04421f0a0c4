// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: chardev
 * A process maps pages of /dev/labyrinth_chardev and alone has the pages, until the driver takes a
 * page back. Prints a line for each test: "ok" or "bad", then the fact tested.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "samples/labyrinth_chardev.h"
#include "touch.h"

#define PAGE 4096L
#define LENGTH (2 * PAGE)

static const char device[] = "/dev/labyrinth_chardev";
static int fd;
static char *map;

static char *map_pages(int file)
{
	return mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

static int touch_inherited(void)
{
	return touch(map) != SIGSEGV;
}

static int read_parents(void)
{
	char byte;
	struct iovec mine = { &byte, 1 }, theirs = { map, 1 };

	return process_vm_readv(getppid(), &mine, 1, &theirs, 1, 0) == 1;
}

static int open_another(void)
{
	int file = open(device, O_RDWR);
	char *other = map_pages(file);

	return other == MAP_FAILED || *other || ioctl(file, CHARDEV_PEEK, 0);
}

static void write_and_share(void)
{
	map[0] = 'x';
	map[PAGE] = 'y';
	say(ioctl(fd, CHARDEV_PEEK, 0) == 'x' && ioctl(fd, CHARDEV_PEEK, 1) == 'y',
	    "what the process writes, the driver sees");
	say(child_of(touch_inherited) == 0, "a child does not inherit the pages");
	say(child_of(read_parents) == 0, "nor can it read them in its parent");
	say(child_of(open_another) == 0, "who opens the device has other pages");
}

static void lose_one(void)
{
	say(ioctl(fd, CHARDEV_TAKE_BACK, 1) == 0, "the driver takes a page back");
	say(is_gone_soon(map + PAGE), "to access it is SIGBUS");
	say(touch(map) == 0, "to access the other is not");
	say(ioctl(fd, CHARDEV_TAKE_BACK, 1) == -1 && errno == ENXIO,
	    "what is gone is not taken back twice");
}

/* Other users want owners too: a user may have so many files open, and no more. */
#define MAX_PER_USER 16

static void open_too_many(void)
{
	int files[MAX_PER_USER], nr = 0;

	while (nr < MAX_PER_USER && (files[nr] = open(device, O_RDWR)) >= 0)
		nr++;
	say(nr == MAX_PER_USER - 1 && errno == EDQUOT,
	    "a user cannot open more files than max_per_user");
	while (nr--)
		close(files[nr]);
	nr = open(device, O_RDWR);
	say(nr >= 0, "when they are closed there is room again");
	close(nr);
}

int main(void)
{
	touch_init();
	fd = open(device, O_RDWR);
	map = map_pages(fd);
	say(map != MAP_FAILED, "a process maps two pages");
	if (map == MAP_FAILED)
		return 1;
	write_and_share();
	lose_one();
	open_too_many();
	return 0;
}
