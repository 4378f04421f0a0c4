// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps a page of memory in a chosen place of the kernel, until killed.
 *
 *	hold map|pipe|tcp|unix|file PATH
 *	hold mapping FILE
 *	hold packet INTERFACE
 *	hold tcp-in|pipe-in PORT
 *	hold send ADDRESS PORT BYTES
 *
 * Prints the page's frame number: "pfn N". With pipe, tcp and unix, the page is in no page table
 * any more: hold gives the page to a pipe, and by a second splice() to a socket, without a copy.
 * With mapping, the page is the file's first, and other code's.
 * With packet, other programs choose the frames that arrive: hold takes the frames and reads none.
 * With tcp-in, hold lets a TCP connection come and reads nothing. With pipe-in, hold gives what
 * arrives to a pipe, by splice(), and reads nothing of that. With send, hold is the other end, and
 * prints "arrived" then.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/types.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PORT		7001
#define PIPE_BYTES	(1024 * 1024)

static size_t page_size;

/* The kernel's per-CPU lists give up references to a new page when other pages come. */
static void take_others(void)
{
	size_t size = 256 * page_size;
	char *others = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (others == MAP_FAILED)
		err(1, "mmap");
	memset(others, 1, size);
	munmap(others, size);
}

static __u64 pfn_of(const void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	__u64 entry;

	if (fd < 0 || pread(fd, &entry, sizeof(entry),
			    (unsigned long)page / page_size * sizeof(entry)) != sizeof(entry))
		err(1, "pagemap");
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

static void *take_page(void)
{
	void *page = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (page == MAP_FAILED)
		err(1, "mmap");
	memset(page, 0x5a, page_size);
	return page;
}

/* Return: the end to send to. Nobody reads from the other end. */
static int connect_tcp(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int in = socket(AF_INET, SOCK_STREAM, 0), out = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(in, (void *)&address, sizeof(address)) || listen(in, 1) ||
	    connect(out, (void *)&address, sizeof(address)) || accept(in, NULL, NULL) < 0)
		err(1, "socket");
	return out;
}

static int connect_unix(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		err(1, "socketpair");
	return ends[0];
}

static int connect_to(const char *where)
{
	if (!strcmp(where, "tcp"))
		return connect_tcp();
	if (!strcmp(where, "unix"))
		return connect_unix();
	return -1;
}

/* Into the pipe alone, or on from the pipe to a socket; then out of our page table. */
static void give_away(void *page, const char *where)
{
	struct iovec part = { page, page_size };
	int ends[2], out = connect_to(where);

	if (pipe(ends) || vmsplice(ends[1], &part, 1, SPLICE_F_GIFT) != (ssize_t)page_size)
		err(1, "vmsplice");
	if (out >= 0 && splice(ends[0], NULL, out, NULL, page_size, 0) != (ssize_t)page_size)
		err(1, "splice");
	if (munmap(page, page_size))
		err(1, "munmap");
}

static void listen_to(const char *interface)
{
	struct sockaddr_ll all = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd < 0 || bind(fd, (void *)&all, sizeof(all)))
		err(1, "packet socket");
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	in.sin_addr.s_addr = address ? inet_addr(address) : htonl(INADDR_ANY);
	return in;
}

static int accept_one(const char *port)
{
	struct sockaddr_in address = address_of(NULL, port);
	int in = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd;

	if (setsockopt(in, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(in, (void *)&address, sizeof(address)) || listen(in, 1))
		err(1, "socket");
	fd = accept(in, NULL, NULL);
	if (fd < 0)
		err(1, "accept");
	close(in);
	return fd;
}

/*
 * Until the pipe is full, then for ever. The kernel copies what is in an skb's head: a pipe for all
 * that comes has fragments as well.
 */
static void fill_pipe(int in)
{
	int ends[2];

	if (pipe(ends) || fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		err(1, "pipe");
	while (splice(in, NULL, ends[1], NULL, 1 << 20, 0) > 0)
		;
}

static void send_to(const char *address, const char *port, int bytes)
{
	struct sockaddr_in to = address_of(address, port);
	int out = socket(AF_INET, SOCK_STREAM, 0);
	char *data = calloc(1, bytes);

	if (!data || connect(out, (void *)&to, sizeof(to)))
		err(1, "connect");
	if (write(out, data, bytes) < 0)
		err(1, "write");
	/* Until the other end has acknowledged all. */
	do {
		usleep(10000);
	} while (!ioctl(out, SIOCOUTQ, &bytes) && bytes);
	puts("arrived");
	fflush(stdout);
}

static void wait_for_ever(__u64 pfn)
{
	printf("pfn %llu\n", (unsigned long long)pfn);
	fflush(stdout);
	for (;;)
		pause();
}

static void *map_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	char *page;

	if (fd < 0 || ftruncate(fd, page_size))
		err(1, "%s", path);
	page = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		err(1, "%s", path);
	*page = 1;
	return page;
}

static void map_first_page(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || mmap(NULL, page_size, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		err(1, "%s", path);
}

/* Return: whether @where is something that needs no page of hold's own. */
static int hold_others(const char *where, char **argv, int argc)
{
	if (!strcmp(where, "mapping") && argc > 2)
		map_first_page(argv[2]);
	else if (!strcmp(where, "packet") && argc > 2)
		listen_to(argv[2]);
	else if (!strcmp(where, "tcp-in") && argc > 2)
		accept_one(argv[2]);
	else if (!strcmp(where, "pipe-in") && argc > 2)
		fill_pipe(accept_one(argv[2]));
	else if (!strcmp(where, "send") && argc > 4)
		send_to(argv[2], argv[3], atoi(argv[4]));
	else
		return 0;
	return 1;
}

int main(int argc, char **argv)
{
	const char *where = argc > 1 ? argv[1] : "";
	int file = !strcmp(where, "file") && argc > 2;
	__u64 pfn;
	void *page;

	page_size = sysconf(_SC_PAGESIZE);
	if (hold_others(where, argv, argc))
		wait_for_ever(0);
	page = file ? map_file(argv[2]) : take_page();
	take_others();
	pfn = pfn_of(page);
	if (!file && strcmp(where, "map"))
		give_away(page, where);
	wait_for_ever(pfn);
}
