// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: kexec IMAGE INITRD COMMANDLINE
 * Loads the kernel that is booted after a panic, as "kexec -p -s" does. Prints the errno's name
 * if the running kernel refuses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int image, initrd;

	if (argc != 4)
		return 2;
	image = open(argv[1], O_RDONLY);
	initrd = open(argv[2], O_RDONLY);
	if (image >= 0 && initrd >= 0 &&
	    !syscall(SYS_kexec_file_load, image, initrd, strlen(argv[3]) + 1, argv[3],
		     KEXEC_FILE_ON_CRASH))
		return 0;
	puts(strerrorname_np(errno));
	return 1;
}
