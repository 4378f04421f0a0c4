// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: nth N load FILE [PARAMETERS], nth N read FILE, nth N write FILE TEXT
 * Does a deed while the kernel fails the N-th allocation, if there are so many. Prints the errno's
 * name, or 0; how many allocations there were; and "injected" or, with fewer allocations than N,
 * "whole".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All that user space needs for the load is in memory before it begins. */
static void *image;
static struct stat stat_of_image;

static int prepare_load(const char *file)
{
	int fd = open(file, O_RDONLY);

	if (fd < 0 || fstat(fd, &stat_of_image))
		return -1;
	image = mmap(NULL, stat_of_image.st_size, PROT_READ,
		     MAP_PRIVATE | MAP_POPULATE, fd, 0);
	return image == MAP_FAILED ? -1 : 0;
}

static int load(const char *file, const char *text)
{
	(void)file;
	return syscall(SYS_init_module, image, stat_of_image.st_size, text);
}

static int write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int read_all(const char *file, const char *text)
{
	static char buffer[4096];
	int fd = open(file, O_RDONLY);
	ssize_t got = fd;

	(void)text;
	while (got >= 0) {
		got = read(fd, buffer, sizeof(buffer));
		if (!got)
			return 0;
	}
	return -1;
}

static const struct deed {
	const char *word;
	int (*fn)(const char *file, const char *text);
} deeds[] = {
	{ "load", load },
	{ "write", write_text },
	{ "read", read_all },
	{ NULL, NULL },
};

static const struct deed *find_deed(const char *word)
{
	const struct deed *deed = deeds;

	while (deed->word && strcmp(deed->word, word))
		deed++;
	return deed;
}

/* The kernel counts down in this file: 0 means that the N-th allocation has been made to fail. */
static int set_nth(int file, const char *nth)
{
	return pwrite(file, nth, strlen(nth), 0) < 0 ? -1 : 0;
}

static int left_of(int file)
{
	char left[16] = {};

	return pread(file, left, sizeof(left) - 1, 0) > 0 ? atoi(left) : 0;
}

int main(int argc, char **argv)
{
	int file = open("/proc/thread-self/fail-nth", O_RDWR);
	const char *text = argc > 4 ? argv[4] : "";
	const struct deed *deed;
	int error, left;

	if (argc < 4 || file < 0)
		return 2;
	deed = find_deed(argv[2]);
	if (!deed->fn || (deed->fn == load && prepare_load(argv[3])))
		return 2;
	if (set_nth(file, argv[1]))
		return 2;
	error = deed->fn(argv[3], text) ? errno : 0;
	left = left_of(file);
	set_nth(file, "0");
	printf("%s %d %s\n", error ? strerrorname_np(error) : "0",
	       atoi(argv[1]) - left, left ? "whole" : "injected");
	return 0;
}
