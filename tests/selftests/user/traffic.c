// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic with known content between two network namespaces. NS is the number of a process in the
 * receiver's namespace; the sender is in the caller's namespace.
 *
 *	traffic tcp NS ADDRESS BYTES
 *		a stream; both ends' checksums must be equal
 *	traffic udp NS ADDRESS COUNT SIZE
 *		datagrams, a batch at a time, each checked at the arrival
 *	traffic hold NS ADDRESS
 *		receives datagrams and does not read the datagrams, until killed
 *	traffic blast ADDRESS COUNT SIZE
 *		datagrams that nobody waits for
 *	traffic compare NS ADDRESS NOBODY COUNT SIZE ROUNDS FILE VALUE...
 *		in each round, for each VALUE in turn that is written to FILE: COUNT datagrams to
 *		ADDRESS, received, and as many to NOBODY; a line with the value and both ticks
 *
 * Prints a line with the result. For udp and blast, with the time stamp counter's ticks for a
 * packet: instructions, where qemu counts instructions.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/types.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Other architectures have no ticks: no test asks for ticks there. */
#ifdef __x86_64__
#include <x86intrin.h>
#define TICKS()		__rdtsc()
#else
#define TICKS()		0ULL
#endif

#define PORT		7777
#define CHUNK		65536
#define BATCH		32
#define MAX_SIZE	65000
#define WAIT_MS		200	/* until a datagram counts as lost */

static void enter(const char *pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", path);
	close(fd);
}

static struct sockaddr_in address_of(const char *text)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
	};

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		errx(1, "%s is no address", text);
	return address;
}

/* A socket in the namespace of @pid. The socket stays there when the caller leaves. */
static int listen_in(const char *pid, const char *text, int type)
{
	struct sockaddr_in address = address_of(text);
	int home = open("/proc/self/ns/net", O_RDONLY), fd, one = 1;
	int room = BATCH * 2 * MAX_SIZE;

	enter(pid);
	fd = socket(AF_INET, type, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* A whole batch, whatever a datagram is charged for. */
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (fd < 0 || bind(fd, (void *)&address, sizeof(address)))
		err(1, "%s", text);
	if (type == SOCK_STREAM && listen(fd, 1))
		err(1, "listen");
	if (setns(home, CLONE_NEWNET))
		err(1, "setns");
	close(home);
	return fd;
}

static int connect_to(const char *text, int type)
{
	struct sockaddr_in address = address_of(text);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)))
		err(1, "%s", text);
	return fd;
}

/* The stream's content: any 8 bytes tell the bytes' place in the stream. */
static void fill(__u64 *words, size_t nr, __u64 *state)
{
	while (nr--) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		*words++ = *state;
	}
}

static __u64 sum_up(__u64 sum, const unsigned char *bytes, size_t nr)
{
	while (nr--)
		sum = (sum ^ *bytes++) * 1099511628211u;
	return sum;
}

static void send_stream(int fd, __u64 bytes, __u64 *sum)
{
	static __u64 chunk[CHUNK / 8];
	__u64 state = 1;

	while (bytes) {
		size_t part = bytes < CHUNK ? bytes : CHUNK, done = 0;

		fill(chunk, CHUNK / 8, &state);
		*sum = sum_up(*sum, (void *)chunk, part);
		while (done < part) {
			ssize_t n = write(fd, (char *)chunk + done, part - done);

			if (n <= 0)
				err(1, "write");
			done += n;
		}
		bytes -= part;
	}
}

static __u64 receive_stream(int fd, __u64 *sum)
{
	static unsigned char chunk[CHUNK];
	__u64 bytes = 0;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		*sum = sum_up(*sum, chunk, n);
		bytes += n;
	}
	if (n < 0)
		err(1, "read");
	return bytes;
}

static int tcp(const char *ns, const char *address, __u64 bytes)
{
	int listener = listen_in(ns, address, SOCK_STREAM), fd, status;
	__u64 sum = 0, got;
	pid_t sender = fork();

	if (!sender) {
		send_stream(connect_to(address, SOCK_STREAM), bytes, &sum);
		printf("sent %llu sum %016llx\n", bytes, sum);
		exit(0);
	}
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		err(1, "accept");
	got = receive_stream(fd, &sum);
	printf("received %llu sum %016llx\n", got, sum);
	return waitpid(sender, &status, 0) != sender || status;
}

static void stamp(unsigned char *data, size_t size, __u32 number)
{
	memcpy(data, &number, sizeof(number));
	memset(data + sizeof(number), number, size - sizeof(number));
}

/* Whether a datagram has arrived whole, as sent. */
static int is_whole(const unsigned char *data, size_t size)
{
	unsigned char wanted[MAX_SIZE];
	__u32 number;

	memcpy(&number, data, sizeof(number));
	stamp(wanted, size, number);
	return !memcmp(data, wanted, size);
}

static unsigned int receive_batch(int fd, unsigned int nr, size_t size)
{
	static unsigned char data[MAX_SIZE];
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	unsigned int got = 0;

	while (got < nr) {
		ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (n < 0 && poll(&poll_fd, 1, WAIT_MS) <= 0)
			break;
		if (n < 0)
			continue;
		if ((size_t)n != size || !is_whole(data, size))
			errx(1, "a datagram of %zd bytes is not as it was sent", n);
		got++;
	}
	return got;
}

static void send_batch(int fd, unsigned int first, unsigned int nr, size_t size)
{
	static unsigned char data[MAX_SIZE];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		stamp(data, size, first + i);
		send(fd, data, size, 0);
	}
}

/* Without @receiver there is no wait for an answer. Of @uneven batches each has another size. */
static unsigned int exchange(int sender, int receiver, unsigned int count,
			     size_t size, int uneven)
{
	unsigned int i, nr, got = 0, seed = 1;

	for (i = 0; i < count; i += nr) {
		nr = uneven ? 1 + rand_r(&seed) % BATCH : BATCH;
		if (nr > count - i)
			nr = count - i;
		send_batch(sender, i, nr, size);
		if (receiver >= 0)
			got += receive_batch(receiver, nr, size);
	}
	return got;
}

static void check_size(size_t size)
{
	if (size < sizeof(__u32) || size > MAX_SIZE)
		errx(1, "a size of %zu does not do", size);
}

static int udp(int receiver, const char *address, unsigned int count, size_t size)
{
	int sender = connect_to(address, SOCK_DGRAM);
	unsigned int got;
	__u64 ticks;

	check_size(size);
	exchange(sender, receiver, BATCH, size, 0);
	ticks = TICKS();
	got = exchange(sender, receiver, count, size, 0);
	ticks = TICKS() - ticks;
	printf("sent %u received %u ticks %llu\n", count, got, ticks / count);
	return receiver >= 0 && !got;
}

/* Warmed up, so that pages and packets have gone all the way round. */
static __u64 ticks_of(int sender, int receiver, unsigned int count, size_t size)
{
	__u64 ticks;

	exchange(sender, receiver, 8 * BATCH, size, 1);
	ticks = TICKS();
	if (!exchange(sender, receiver, count, size, 1) && receiver >= 0)
		errx(1, "nothing has arrived");
	return (TICKS() - ticks) / count;
}

static void set(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		err(1, "%s to %s", value, file);
	close(fd);
}

/*
 * In one process, with one socket each: between two runs of one kernel, where packets come to lie
 * in the allocators' caches makes more of a difference than what is compared.
 */
static int compare(char **argv)
{
	int receiver = listen_in(argv[0], argv[1], SOCK_DGRAM);
	int there = connect_to(argv[1], SOCK_DGRAM), nowhere = connect_to(argv[2], SOCK_DGRAM);
	unsigned int count = atoi(argv[3]), rounds = atoi(argv[5]);
	size_t size = atoi(argv[4]);
	char **value;

	check_size(size);
	while (rounds--) {
		for (value = argv + 7; *value; value++) {
			__u64 both, sent;

			set(argv[6], *value);
			both = ticks_of(there, receiver, count, size);
			sent = ticks_of(nowhere, -1, count, size);
			printf("value '%s' both %llu sent %llu\n", *value, both, sent);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "mlockall");
	if (argc == 5 && !strcmp(argv[1], "tcp"))
		return tcp(argv[2], argv[3], strtoull(argv[4], NULL, 0));
	if (argc == 6 && !strcmp(argv[1], "udp"))
		return udp(listen_in(argv[2], argv[3], SOCK_DGRAM), argv[3],
			   atoi(argv[4]), atoi(argv[5]));
	if (argc == 4 && !strcmp(argv[1], "hold"))
		return listen_in(argv[2], argv[3], SOCK_DGRAM), pause();
	if (argc == 5 && !strcmp(argv[1], "blast"))
		return udp(-1, argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc > 9 && !strcmp(argv[1], "compare"))
		return compare(argv + 2);
	errx(2, "see the top of traffic.c");
}
