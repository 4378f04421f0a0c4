// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: mapper [once|mistakes|sealed]
 * A process maps pages of /dev/labyrinth_mapper, and tries the uses of such a mapping by this
 * process and by other code. Prints a line for each test: "ok" or "bad", then the fact tested.
 * With "once", only maps, writes and unmaps; with "mistakes", only tries mistakes of the process's
 * own; with "sealed", only what is refused for sealed pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "touch.h"

#define NR_PAGES 4
#define PAGE 4096L
#define LENGTH (NR_PAGES * PAGE)

static const char device[] = "/dev/labyrinth_mapper";
static int fd;
static char *map;

static int fails(long result, int wanted)
{
	return result == -1 && errno == wanted;
}

static char *map_at(int file, long page, int flags)
{
	return mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, file, page * PAGE);
}

static int refused(long page, int flags, int wanted)
{
	return fails((long)map_at(fd, page, flags), wanted);
}

static int befall_at(int file, const char *what)
{
	return write(file, what, strlen(what)) == (ssize_t)strlen(what);
}

static int befall(const char *what)
{
	return befall_at(fd, what);
}

static int touch_inherited(void)
{
	return touch(map) == SIGSEGV ? 0 : 1;
}

static int shares_with_kernel(void)
{
	char seen[2] = {};

	map[PAGE] = 'x';
	map[PAGE + 1] = 'y';
	return pread(fd, seen, 2, PAGE) == 2 && seen[0] == 'x' && seen[1] == 'y';
}

static int read_by_proc_mem(void)
{
	char byte;
	int mem = open("/proc/self/mem", O_RDONLY);
	ssize_t got = pread(mem, &byte, 1, (off_t)map);

	close(mem);
	return got == 1;
}

static int read_by_process_vm(void)
{
	char byte;
	struct iovec mine = { &byte, 1 }, theirs = { map, 1 };

	return process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0) == 1;
}

static int read_by_vmsplice(void)
{
	struct iovec iov = { map, PAGE };
	int ends[2];
	ssize_t got;

	if (pipe(ends))
		return 1;
	got = vmsplice(ends[1], &iov, 1, 0);
	close(ends[0]);
	close(ends[1]);
	return got > 0;
}

/* A tracee has the pages mapped; the tracee's parent would read the pages. */
static int read_by_ptrace(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int file = open(device, O_RDWR);

		ptrace(PTRACE_TRACEME, 0, 0, 0);
		/* Where the parent looks: the child did not inherit the parent's mapping. */
		if (mmap(map, LENGTH, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, file, 0) != map)
			_exit(2);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (!WIFSTOPPED(status))
		return 1;
	errno = 0;
	ptrace(PTRACE_PEEKDATA, pid, map, 0);
	status = errno;
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, NULL, 0);
	return status != EIO;
}

static int has_flags(const char *wanted)
{
	char line[256], start[32], flag[8];
	FILE *maps = fopen("/proc/self/smaps", "r");
	int ours = 0, all = 0;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)map);
	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strncmp(line, start, strlen(start)))
			ours = 1;
		if (!ours || strncmp(line, "VmFlags:", 8))
			continue;
		for (all = 1; sscanf(wanted, "%7s", flag) == 1;
		     wanted += strlen(flag) + 1) {
			all &= !!strstr(line, flag);
			if (!wanted[strlen(flag)])
				break;
		}
		break;
	}
	if (maps)
		fclose(maps);
	return all;
}

static int try_mistakes(void)
{
	say(refused(0, MAP_PRIVATE, EINVAL), "a private mapping is refused");
	say(fails((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), EINVAL),
	    "a mapping that is too short is refused");
	say(fails((long)mmap(NULL, LENGTH + PAGE, PROT_READ, MAP_SHARED, fd, 0),
		  EINVAL), "a mapping that is too long is refused");
	map = map_at(fd, 0, MAP_SHARED);
	say(map != MAP_FAILED && refused(0, MAP_SHARED, EBUSY),
	    "a second mapping is refused");
	return 0;
}

static void try_refusals(void)
{
	say(refused(1, MAP_SHARED, EPERM), "another owner's pages are refused");
	say(refused(2, MAP_SHARED, EINVAL), "a list with a hole is refused");
	say(refused(3, MAP_SHARED, EINVAL), "no list is refused");
	say(refused(4, MAP_SHARED, EBUSY), "a page twice is refused");
	say(refused(7, MAP_SHARED, EINVAL), "a copy of the VMA is refused");
}

/* Until the mapping that was made by a copy is found out, the pages count as mapped. */
static char *map_soon(void)
{
	char *got = MAP_FAILED;
	int i;

	for (i = 0; i < 1000 && got == MAP_FAILED; i++) {
		got = map_at(fd, 0, MAP_SHARED);
		usleep(10000);
	}
	return got;
}

/* Whether this kernel counts preemption, and so knows whether a caller may sleep. */
static int counts_preemption(void)
{
	struct utsname name;

	return !uname(&name) && !!strstr(name.version, "PREEMPT");
}

/*
 * Whether page 0, just freed under the process, is handed out again at once. Where no code knows
 * who may sleep, the page must wait in limbo instead, and another one is handed out.
 */
static int is_handed_out_again(void)
{
	if (counts_preemption())
		return befall("again 0");
	return !befall("again 0") && befall("take 0");
}

/* The driver passes a copy of the VMA, which Labyrinth cannot tell from a VMA. */
static void try_copy(void)
{
	fd = open(device, O_RDWR);
	map = map_at(fd, 8, MAP_SHARED);
	say(map != MAP_FAILED && touch(map) == SIGBUS,
	    "the process reaches nothing through a copy of the VMA");
	say(befall("free 0") && is_handed_out_again() && touch(map) == SIGBUS,
	    "nor when the page is handed out again, if that can be at once");
	map = map_soon();
	say(map != MAP_FAILED && touch(map) == 0,
	    "the copy is found out, and the pages can be mapped");
	close(fd);
	munmap(map, LENGTH);
}

/* The driver hides Labyrinth's data in the VMA from Labyrinth. */
static void try_wrapped(void)
{
	fd = open(device, O_RDWR);
	map = map_at(fd, 9, MAP_SHARED);
	say(map != MAP_FAILED && touch(map) == 0 && touch(map + PAGE) == 0,
	    "a driver puts its own handlers before Labyrinth's");
	say(befall("free 0") && is_gone_soon(map),
	    "a page that is freed is found in the process all the same");
	say(touch(map + PAGE) == 0, "the next page is as it was");
	munmap(map, LENGTH);
	close(fd);
}

/* Has pages of the file @fd mapped, and stands still in another mmap(). */
static int stand_still(void)
{
	map = map_at(fd, 0, MAP_SHARED);
	if (map == MAP_FAILED || touch(map))
		return 1;
	map_at(fd, 10, MAP_SHARED);
	return !is_gone_soon(map);
}

static void try_stall(void)
{
	int status, mine = open(device, O_RDWR);
	char *map_of_mine = map_at(mine, 0, MAP_SHARED);
	pid_t pid;

	fd = open(device, O_RDWR);
	say(touch(map_of_mine) == 0, "a process has pages mapped");
	pid = fork();
	if (!pid)
		_exit(stand_still());
	say(befall("await-stall"), "another one holds its own mmap_lock");
	say(befall("free-atomic 0"), "a page is freed under the one that stands still");
	usleep(500000);
	say(befall_at(mine, "free-atomic 0"), "a page is freed under the first");
	say(is_gone_soon(map_of_mine), "which loses it, whatever the other does");
	befall("end-stall");
	say(waitpid(pid, &status, 0) == pid && !status, "the other loses its page then");
	munmap(map_of_mine, LENGTH);
	close(mine);
	close(fd);
}

static void try_mapping(void)
{
	map = map_at(fd, 0, MAP_SHARED);
	say(map != MAP_FAILED, "its owner's pages are mapped");
	/* All further tests need the mapping. */
	if (map == MAP_FAILED)
		exit(1);
	say(touch(map) == 0 && touch(map + LENGTH - 1) == 0,
	    "the process can write to them");
	say(shares_with_kernel(), "what it writes the kernel sees");
	say(has_flags("pf io dc de dd"),
	    "by frame number, not to be copied, expanded, dumped");
	say(refused(0, MAP_SHARED, EBUSY), "they are not mapped a second time");
	say(child_of(touch_inherited) == 0, "a child does not inherit them");
	say(fails((long)mremap(map, LENGTH, LENGTH + PAGE, MREMAP_MAYMOVE), EFAULT),
	    "the mapping cannot grow");
	say(fails((long)mremap(map, LENGTH, LENGTH,
			       MREMAP_MAYMOVE | MREMAP_FIXED, map + 64 * PAGE),
		  EINVAL), "the mapping cannot be moved");
	say(fails(munmap(map + PAGE, PAGE), EINVAL), "nor taken apart");
	say(fails(madvise(map, LENGTH, MADV_DOFORK), EINVAL),
	    "nor be made one that is inherited");
	say(fails(madvise(map, LENGTH, MADV_DODUMP), EINVAL),
	    "nor one that is dumped");
	say(touch(map) == 0, "after that it is where it was");
}

static void try_readers(void)
{
	say(!read_by_proc_mem(), "/proc/PID/mem does not reach them");
	say(!read_by_process_vm(), "process_vm_readv does not");
	say(!read_by_vmsplice(), "vmsplice does not");
	say(!read_by_ptrace(), "ptrace does not");
}

static void try_transfer(void)
{
	if (counts_preemption()) {
		say(befall("transfer 1"), "a page is transferred");
		say(touch(map + PAGE) == SIGBUS, "to access it is SIGBUS then");
		return;
	}
	say(!befall("transfer 1"),
	    "a page is not transferred where none knows who may sleep");
	say(touch(map + PAGE) == 0, "to access it is not SIGBUS then");
}

static void try_teardown(void)
{
	say(!befall("transfer-nobody 0"), "a page is not transferred to nobody");
	say(touch(map) == 0, "and not taken away for that");
	say(!befall("free-referred 0"), "a page that is referred to is not freed");
	say(touch(map) == 0, "nor taken away for that");
	say(befall("free 0"), "a page is freed under the process");
	/* Where the kernel cannot tell whether a caller may sleep, a worker takes the page away. */
	say(counts_preemption() ? touch(map) == SIGBUS : is_gone_soon(map),
	    "to access it is SIGBUS");
	say(touch(map + PAGE) == 0, "to access the next is not");
	say(!befall("lend 1"), "a page that is mapped is not lent");
	try_transfer();
	say(befall("free-atomic 2"), "a page is freed in a hard interrupt");
	say(is_gone_soon(map + 2 * PAGE), "to access it is SIGBUS before long");
	say(touch(map + 3 * PAGE) == 0, "the last page is as it was");
	say(befall("destroy"), "the owner goes");
	say(is_gone_soon(map + 3 * PAGE), "to access its page is SIGBUS then");
	say(munmap(map, LENGTH) == 0, "the mapping can be unmapped");
	close(fd);
}

/* Mappings end with the process, by munmap(), and by the driver's failure in mmap(). */
static int leave_mapped(void)
{
	int file = open(device, O_RDWR);

	map = map_at(file, 0, MAP_SHARED);
	return map == MAP_FAILED || touch(map);
}

static void try_ends(void)
{
	say(child_of(leave_mapped) == 0, "a process ends with a mapping");
	fd = open(device, O_RDWR);
	map = map_at(fd, 0, MAP_SHARED);
	say(map != MAP_FAILED && munmap(map, LENGTH) == 0,
	    "a mapping is made and ended");
	map = map_at(fd, 0, MAP_SHARED);
	say(map != MAP_FAILED && touch(map) == 0, "and made again");
	munmap(map, LENGTH);
	say(refused(5, MAP_SHARED, ECANCELED), "a driver fails after the mapping");
	close(fd);
	fd = open(device, O_RDWR);
	map = map_at(fd, 6, MAP_SHARED);
	say(map != MAP_FAILED && touch(map) == 0,
	    "it does not map other pages in the same place");
	munmap(map, LENGTH);
	close(fd);
}

/*
 * A mapping and much memory before the mapping, unmapped together. While munmap() clears the
 * entries of all that memory, a search of the process does not find the mapping any more, though
 * the mapping's entries still exist.
 */
#define BEFORE (128L << 20)
#define RACES 40
#define WANTED 6

static int going;

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *unmap_all(void *area)
{
	run_on(0);
	__atomic_store_n(&going, 1, __ATOMIC_RELEASE);
	munmap(area, BEFORE + LENGTH);
	return NULL;
}

/* In a virtual machine, another CPU gets a turn when this CPU pauses. */
#ifdef __x86_64__
static void pause_cpu(void)
{
	__builtin_ia32_pause();
}
#else
static void pause_cpu(void)
{
	__asm__ volatile("yield");
}
#endif

static void wait_until_going(int loops)
{
	while (!__atomic_load_n(&going, __ATOMIC_ACQUIRE))
		pause_cpu();
	while (loops--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static char *map_behind_memory(void)
{
	char *area = mmap(NULL, BEFORE + LENGTH, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	madvise(area, BEFORE, MADV_NOHUGEPAGE);
	memset(area, 1, BEFORE);
	map = mmap(area + BEFORE, LENGTH, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, fd, 0);
	return map == MAP_FAILED || touch(map) ? NULL : area;
}

/*
 * Frees the page while another thread unmaps the page. Counts in @waited if the page waits in
 * limbo instead of being handed out again at once, else in @strayed if the process can still write
 * to the page.
 */
static int race(int loops, int *waited, int *strayed)
{
	char *area = map_behind_memory();
	pthread_t thread;

	going = 0;
	if (!area || pthread_create(&thread, NULL, unmap_all, area))
		return 0;
	wait_until_going(loops);
	if (!befall("free 0"))
		return 0;
	if (!befall("again 0"))
		++*waited;
	else if (touch(map) == 0)
		++*strayed;
	return !pthread_join(thread, NULL);
}

static void try_races(void)
{
	int i, good = 1, waited = 0, strayed = 0;

	run_on(1);
	fd = open(device, O_RDWR);
	map = map_at(fd, 0, MAP_SHARED);
	say(map != MAP_FAILED && touch(map) == 0 && befall("free 0") && is_handed_out_again(),
	    "a page that is freed under the process is handed out again, if that can be at once");
	say(is_gone_soon(map), "and out of the process's reach");
	close(fd);
	for (i = 0; i < RACES && good && waited < WANTED && !strayed; i++) {
		fd = open(device, O_RDWR);
		good = race(i * 500, &waited, &strayed);
		close(fd);
	}
	say(good, "a page can be freed while it is being unmapped");
	say(!strayed, "nobody has it while the process can write to it");
	say(waited > 0, "for it waits until that is over");
}

static int map_once(void)
{
	map = map_at(fd, 0, MAP_SHARED);
	return map == MAP_FAILED || touch(map) || munmap(map, LENGTH);
}

/* A call that is refused changes nothing: the process keeps the page. */
static int try_sealed(void)
{
	map = map_at(fd, 0, MAP_SHARED);
	say(map != MAP_FAILED && touch(map) == 0, "a process maps sealed pages");
	say(!befall("release 0") && errno == EOPNOTSUPP, "a sealed page is not released");
	say(touch(map) == 0, "and the process still has it");
	return 0;
}

int main(int argc, char **argv)
{
	touch_init();
	fd = open(device, O_RDWR);
	if (fd < 0) {
		perror(device);
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "once"))
		return map_once();
	if (argc > 1 && !strcmp(argv[1], "mistakes"))
		return try_mistakes();
	if (argc > 1 && !strcmp(argv[1], "sealed"))
		return try_sealed();
	try_refusals();
	try_mapping();
	try_readers();
	try_teardown();
	try_ends();
	try_copy();
	try_wrapped();
	try_stall();
	try_races();
	return 0;
}
