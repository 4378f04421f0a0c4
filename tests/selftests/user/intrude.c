// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: intrude WORD PFN [now|write|read|cow|pipe|socket]
 * Asks /dev/labyrinth_intruder for WORD, and prints the result: an errno's name or number, SIGBUS
 * or SIGSEGV, "done" if the kernel has done the word at once, "mapped" if this process can use a
 * mapping of the page. "write" (by default) writes to the mapping, "read" only reads, "cow" writes
 * to a private mapping; "now" maps nothing, since the kernel has done the word. "pipe" takes the
 * page into a pipe by splice(), "socket" from there to a socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define NR_PAGES 3
#define HUGE_PAGE (2UL << 20)

static sigjmp_buf back;

static void caught(int number)
{
	siglongjmp(back, number);
}

static int say(const char *what)
{
	puts(what);
	return 0;
}

static int say_errno(void)
{
	return say(strerrorname_np(errno));
}

/* The page's offset in the mapping: in a range, the page is in the middle. */
static size_t offset(const char *word)
{
	const char *range = strstr(word, "-range");

	return range ? (size_t)sysconf(_SC_PAGESIZE) : 0;
}

static int touch(char *page, const char *how)
{
	int number = sigsetjmp(back, 1);

	if (number == SIGBUS)
		return say("SIGBUS");
	if (number)
		return say("SIGSEGV");
	if (!strcmp(how, "read"))
		__atomic_load_n(page, __ATOMIC_RELAXED);
	else
		__atomic_store_n(page, 0x77, __ATOMIC_RELAXED);
	return say("mapped");
}

/*
 * Where a mapping of @size bytes can be that does not begin as a huge page does. There a huge entry
 * would fit for the kernel; and where it finds a page table instead, the access is made again for
 * ever.
 */
static char *place(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, size + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	return (uintptr_t)at % HUGE_PAGE ? at : at + page;
}

static int splice_page(int file, const char *how)
{
	size_t size = sysconf(_SC_PAGESIZE);
	int pipes[2], sockets[2];

	if (pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return 2;
	if (splice(file, NULL, pipes[1], NULL, size, 0) < 0)
		return say_errno();
	if (!strcmp(how, "socket") &&
	    splice(pipes[0], NULL, sockets[0], NULL, size, 0) < 0)
		return say_errno();
	return say("done");
}

int main(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[3] : "write";
	size_t size = NR_PAGES * sysconf(_SC_PAGESIZE);
	int flags = strcmp(how, "cow") ? MAP_SHARED : MAP_PRIVATE;
	int file = open("/dev/labyrinth_intruder", O_RDWR);
	char line[64];
	char *map;

	if (file < 0 || argc < 3)
		return 2;
	signal(SIGBUS, caught);
	signal(SIGSEGV, caught);
	snprintf(line, sizeof(line), "%s %s", argv[1], argv[2]);
	if (write(file, line, strlen(line)) < 0)
		return say_errno();
	if (!strcmp(how, "pipe") || !strcmp(how, "socket"))
		return splice_page(file, how);
	if (!strcmp(how, "now"))
		return say("done");
	map = place(size);
	if (!map)
		return 2;
	map = mmap(map, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, 0);
	if (map == MAP_FAILED)
		return say_errno();
	return touch(map + offset(argv[1]), how);
}
