// SPDX-License-Identifier: GPL-2.0-only
/*
 * Misuses files while another process reads the files: wild words, wild places, wild pointers,
 * calls that the files do not have. Every call must come back, with success or an errno. The same
 * seed makes the same calls.
 *
 *	attack SEED COUNT FILE...	COUNT calls for each file
 *	attack SEED COUNT		prints COUNT words, a line each
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define READERS		2
#define LONGEST		1048576
#define KERNEL_ADDRESS	((void *)0xffff888000000000UL)

static unsigned long long seed;
static char buffer[LONGEST];
static unsigned long refused, taken;

/* xorshift64: good enough, and the same everywhere. */
static unsigned long long any(unsigned long long below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

#define ANY_OF(list) ((list)[any(sizeof(list) / sizeof((list)[0]))])

/* No word switches on anything that would end the machine. */
static const char *any_word(void)
{
	static const char * const words[] = {
		"", " ", "\n", "-", "-1", "+1", "00", "0x", "1e9", "NaN", ",", ",,,,",
		"2147483647", "-2147483648", "4294967296", "9223372036854775807",
		"18446744073709551615", "99999999999999999999999", "0x7fffffffffffffff",
		"off,off", "of", "offf", "reportreport", "refuse;", "panic!", "OFF",
		"map,", ",map", "map,map", "map,none", "map dma", "yes", "no", "true",
		"%s%s%s%n", "%p%p%p", "../../etc", "\xff\xfe", "\x1b[2J", "'\"`$(",
	};

	return ANY_OF(words);
}

/* Fills the buffer; returns how many bytes are to be written. */
static size_t any_bytes(void)
{
	static const size_t sizes[] = { 1, 7, 8, 63, 64, 65 };
	static const size_t long_sizes[] = { 4095, 4096, 4097, LONGEST };
	size_t i, size;

	if (any(2)) {
		strcpy(buffer, any_word());
		return strlen(buffer);
	}
	size = any(16) ? ANY_OF(sizes) : ANY_OF(long_sizes);
	for (i = 0; i < size; i++)
		buffer[i] = any(256);
	return size;
}

static off_t any_offset(void)
{
	static const off_t offsets[] = {
		0, 1, 4095, 4096, LONGEST, INT32_MAX, UINT32_MAX, INT64_MAX / 4096,
		INT64_MAX - 4096, INT64_MAX, -1, -4096, INT64_MIN,
	};

	return ANY_OF(offsets);
}

static void *any_pointer(void)
{
	void * const pointers[] = {
		buffer, NULL, (void *)1, KERNEL_ADDRESS, (void *)UINTPTR_MAX,
		(void *)(uintptr_t)any_offset, (void *)0xdead000000000000UL,
	};

	return ANY_OF(pointers);
}

static long try_mmap(int fd)
{
	void *addr = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  any(2) ? MAP_SHARED : MAP_PRIVATE, fd, 0);

	if (addr == MAP_FAILED)
		return -1;
	munmap(addr, 4096);
	return 0;
}

static long try_one(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	switch (any(12)) {
	case 0:
		return write(fd, any_pointer(), 1 + any(8192));
	case 1:
		return read(fd, any_pointer(), any(8192));
	case 2:
		return pread(fd, buffer, any(LONGEST), any_offset());
	case 3:
		return lseek(fd, any_offset(), any(6));
	case 4:
		return ioctl(fd, (unsigned int)any(UINT32_MAX), any_pointer());
	case 5:
		return try_mmap(fd);
	case 6:
		return ftruncate(fd, any_offset());
	case 7:
		return poll(&pollfd, 1, 0);
	case 8:
		return pwrite(fd, buffer, any_bytes(), any_offset());
	default:
		lseek(fd, 0, SEEK_SET);
		return write(fd, buffer, any_bytes());
	}
}

static void attack(const char *path, unsigned long count)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_TRUNC };

	while (count--) {
		int fd = open(path, ANY_OF(modes));
		long got = fd < 0 ? -1 : try_one(fd);

		if (got < 0)
			refused++;
		else
			taken++;
		if (fd >= 0)
			close(fd);
	}
}

/* Reads all files again and again, until killed. */
static void read_on(char **paths)
{
	char **path;
	int fd;

	for (;;) {
		for (path = paths; *path; path++) {
			fd = open(*path, O_RDONLY);
			while (fd >= 0 && read(fd, buffer, 4096) > 0)
				;
			close(fd);
		}
	}
}

static pid_t start_reader(char **paths)
{
	pid_t pid = fork();

	if (!pid)
		read_on(paths);
	return pid;
}

/* A reader that ended before the kill has come to grief. */
static int stop_reader(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WNOHANG))
		return 1;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 0;
}

static int attack_all(char **paths, unsigned long count)
{
	pid_t readers[READERS];
	int i, bad = 0;
	char **path;

	for (i = 0; i < READERS; i++)
		readers[i] = start_reader(paths);
	for (path = paths; *path; path++)
		attack(*path, count);
	for (i = 0; i < READERS; i++)
		bad |= stop_reader(readers[i]);
	printf("%lu calls refused, %lu taken\n", refused, taken);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned long count;

	if (argc < 3)
		return 2;
	seed = strtoull(argv[1], NULL, 0);
	count = strtoul(argv[2], NULL, 0);
	if (argc > 3)
		return attack_all(argv + 3, count);
	while (count--)
		puts(any_word());
	return 0;
}
