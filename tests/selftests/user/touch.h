/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the programs that map pages: find the signal that an access to a page raises, in this
 * process and in a child, and print the results, a line "ok" or "bad" each.
 */
#ifndef TOUCH_H
#define TOUCH_H

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf touch_back;

static inline void touch_caught(int number)
{
	siglongjmp(touch_back, number);
}

static inline void touch_init(void)
{
	struct sigaction act = {
		.sa_handler = touch_caught, .sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
}

/* Writes to @page. Return: the signal that the write raises, or 0. */
static inline int touch(char *page)
{
	int number = sigsetjmp(touch_back, 1);

	if (!number)
		__atomic_store_n(page, 0x77, __ATOMIC_RELAXED);
	return number;
}

/* After a free by code that may not sleep, or that cannot tell, a worker takes the page away. */
static inline int is_gone_soon(char *page)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (touch(page) == SIGBUS)
			return 1;
		usleep(10000);
	}
	return 0;
}

static inline void say(int good, const char *what)
{
	printf("%s %s\n", good ? "ok" : "bad", what);
	fflush(stdout);
}

/* Return: how a child ends that runs the function, as waitpid() says. */
static inline int child_of(int (*what)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(what());
	waitpid(pid, &status, 0);
	return status;
}

#endif /* TOUCH_H */
