// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: peek kcore|read|mmap PFN, or peek address ADDRESS
 * Reads the first byte of a page frame as root may: through /proc/kcore, or through /dev/mem by
 * read() or mmap(). With an address of the kernel's, reads that byte through /proc/kcore. Prints
 * the byte in hexadecimal, or the errno's name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int say_errno(void)
{
	puts(strerrorname_np(errno));
	return 0;
}

static int say_byte(unsigned char byte)
{
	printf("%02x\n", byte);
	return 0;
}

static int read_at(int file, off_t at)
{
	unsigned char byte;

	if (pread(file, &byte, 1, at) != 1)
		return say_errno();
	return say_byte(byte);
}

/*
 * Where in /proc/kcore the segment is that holds the frame's place in memory, or the address. Of
 * two segments the direct map's, which is below the kernel's image.
 */
static off_t kcore_offset(int file, unsigned long at_byte, bool virt)
{
	unsigned long lowest = -1UL;
	struct elf64_hdr head;
	struct elf64_phdr seg;
	off_t found = -1;
	int i;

	if (pread(file, &head, sizeof(head), 0) != sizeof(head))
		return -1;
	for (i = 0; i < head.e_phnum; i++) {
		off_t at = head.e_phoff + i * sizeof(seg);
		unsigned long start;

		if (pread(file, &seg, sizeof(seg), at) != sizeof(seg))
			return -1;
		start = virt ? seg.p_vaddr : seg.p_paddr;
		if (seg.p_type != PT_LOAD || start > at_byte || at_byte - start >= seg.p_memsz ||
		    seg.p_vaddr > lowest)
			continue;
		lowest = seg.p_vaddr;
		found = seg.p_offset + (at_byte - start);
	}
	if (found < 0)
		errno = ENXIO;
	return found;
}

static int peek_kcore(unsigned long at_byte, bool virt)
{
	int file = open("/proc/kcore", O_RDONLY);
	off_t at = file < 0 ? -1 : kcore_offset(file, at_byte, virt);

	return at < 0 ? say_errno() : read_at(file, at);
}

static int peek_mmap(int file, unsigned long phys)
{
	unsigned char *map = mmap(NULL, 1, PROT_READ, MAP_SHARED, file, phys);

	return map == MAP_FAILED ? say_errno() : say_byte(*map);
}

int main(int argc, char **argv)
{
	unsigned long phys;
	int file;

	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "address"))
		return peek_kcore(strtoul(argv[2], NULL, 0), true);
	phys = strtoul(argv[2], NULL, 0) * sysconf(_SC_PAGESIZE);
	if (!strcmp(argv[1], "kcore"))
		return peek_kcore(phys, false);
	file = open("/dev/mem", O_RDONLY);
	if (file < 0)
		return say_errno();
	return strcmp(argv[1], "mmap") ? read_at(file, phys) :
					 peek_mmap(file, phys);
}
