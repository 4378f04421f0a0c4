// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: remap PROCESSES SEED
 * Processes map pages of /dev/labyrinth_torture as long as the torture runs: they look for the
 * marks that say whose pages these are, write to the pages, fork, unmap, end with the pages mapped,
 * and have pages taken away, after which an access must be SIGBUS. Prints "ok", and what was done;
 * or "bad", and the first thing that was wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "touch.h"

#define NR_PAGES 4

/* As struct mark in tests/torture/model.c. */
struct mark {
	unsigned int owner;
	unsigned int generation;
	unsigned long long pfn;
};

/* Shared by all processes. */
static struct counts {
	unsigned long maps;
	unsigned long taken;
	unsigned long destroyed;
	unsigned long ended;
	unsigned long bad;
} *counts;

static long page_size;
static unsigned int dice;
static int fd;
static char *map;
static unsigned int generations[NR_PAGES];
static int is_taken[NR_PAGES];

static unsigned int roll(unsigned int sides)
{
	return rand_r(&dice) / 7 % sides;
}

static void count(unsigned long *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* The first is told. */
static void expect(int good, const char *what)
{
	int err = errno;

	if (good || __atomic_fetch_add(&counts->bad, 1, __ATOMIC_RELAXED))
		return;
	printf("bad %s: %s\n", what, strerror(err));
	fflush(stdout);
}

static struct mark *marks(int index)
{
	return (void *)(map + index * page_size);
}

/* Where this process writes: not where the model has a mark. */
static unsigned long *own_word(int index)
{
	long places = page_size / sizeof(struct mark);

	return (void *)(marks(index) + ((generations[index] >> 4) % places == 1 ? 2 : 1));
}

static unsigned long own_value(int index)
{
	return (unsigned long)getpid() << 32 | generations[index];
}

static int is_marked(int index)
{
	struct mark *first = marks(index), *last = first + page_size / sizeof(*first) - 1;

	return first->generation == generations[index] &&
	       last->generation == generations[index] && first->pfn == last->pfn;
}

/* A page that is taken away raises SIGBUS; any other is as it was. */
static void look(int written)
{
	int i;

	for (i = 0; i < NR_PAGES; i++) {
		if (is_taken[i])
			continue;
		expect(is_marked(i), "a page without its mark");
		expect(!written || __atomic_load_n(own_word(i), __ATOMIC_RELAXED) == own_value(i),
		       "a page that somebody wrote to");
		__atomic_store_n(own_word(i), own_value(i), __ATOMIC_RELAXED);
	}
}

static int befall(char what, int index)
{
	char word[2] = { what, '0' + index };

	return write(fd, word, sizeof(word)) == sizeof(word);
}

static void take(char how)
{
	int index = roll(NR_PAGES);

	if (is_taken[index])
		return;
	expect(befall(how, index), "a page that cannot be taken away");
	is_taken[index] = 1;
	expect(is_gone_soon(map + index * page_size), "a page that is taken, and not gone");
	count(&counts->taken);
}

static void destroy(void)
{
	int i;

	if (!befall('d', 0))
		return;
	for (i = 0; i < NR_PAGES; i++) {
		is_taken[i] = 1;
		expect(is_gone_soon(map + i * page_size), "a page whose owner is gone");
	}
	count(&counts->destroyed);
}

static int touch_inherited(void)
{
	return touch(map) != SIGSEGV;
}

static void map_wrongly(void)
{
	size_t length = (roll(2) ? NR_PAGES - 1 : NR_PAGES + 1) * page_size;

	expect(mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL,
	       "a mapping of another size");
	expect(mmap(NULL, NR_PAGES * page_size, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED &&
	       errno == EINVAL, "a private mapping");
}

static int map_pages(void)
{
	map = mmap(NULL, NR_PAGES * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect(map != MAP_FAILED, "pages that cannot be mapped");
	count(&counts->maps);
	return map != MAP_FAILED;
}

static int any_taken(void)
{
	int i;

	for (i = 0; i < NR_PAGES; i++)
		if (is_taken[i])
			return 1;
	return 0;
}

/* The same pages once more, at another address. */
static void map_again(void)
{
	munmap(map, NR_PAGES * page_size);
	if (any_taken() || !map_pages())
		return;
	look(1);
}

static void use(void)
{
	look(0);
	switch (roll(8)) {
	case 0:
		expect(child_of(touch_inherited) == 0, "a child that has the pages");
		break;
	case 1:
	case 2:
		take('f');
		break;
	case 3:
		take('i');
		break;
	case 4:
		destroy();
		break;
	case 5:
		befall('a', roll(NR_PAGES));
		break;
	case 6:
		map_again();
		return;
	}
	look(1);
	/* Or the end of the process, or the last file, does. */
	if (roll(2))
		munmap(map, NR_PAGES * page_size);
}

/* Return: whether to go on. */
static int use_file(void)
{
	fd = open("/dev/labyrinth_torture", O_RDWR);
	if (fd < 0) {
		if (errno != EBUSY && errno != ENOMEM)
			return 0;
		usleep(1000);
		return 1;
	}
	memset(is_taken, 0, sizeof(is_taken));
	expect(read(fd, generations, sizeof(generations)) == sizeof(generations), "a file");
	if (roll(8) == 0)
		map_wrongly();
	if (map_pages())
		use();
	close(fd);
	return !counts->bad;
}

/* Some rounds, so that the process does not end too often, and mappings pile up a little. */
static int rounds(void)
{
	int i, go_on = 1;

	for (i = 0; i < 8 && go_on; i++)
		go_on = use_file();
	count(&counts->ended);
	return go_on;
}

static int work(unsigned int seed)
{
	int status;

	for (dice = seed; ; roll(2)) {
		status = child_of(rounds);
		expect(WIFEXITED(status), "a process that was killed");
		if (!WIFEXITED(status) || !WEXITSTATUS(status))
			return 0;
	}
}

int main(int argc, char **argv)
{
	int processes = argc > 1 ? atoi(argv[1]) : 2, i;
	unsigned int seed = argc > 2 ? atoi(argv[2]) : 1;

	page_size = sysconf(_SC_PAGESIZE);
	counts = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 1;
	touch_init();
	for (i = 0; i < processes; i++)
		if (!fork())
			_exit(work(seed * processes + i));
	while (wait(NULL) > 0)
		;
	if (!counts->bad)
		printf("ok %lu mapped, %lu taken, %lu owners destroyed, %lu processes ended\n",
		       counts->maps, counts->taken, counts->destroyed, counts->ended);
	return counts->bad || !counts->maps;
}
