// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: bpf fentry|fexit FUNCTION...
 *        bpf xdp INTERFACE...
 * Attaches a BPF program that does nothing to each of the kernel's functions, as bpftrace does; or
 * a program that lets each frame pass to each of the network interfaces.
 * Prints for each function "FUNCTION attached", or "FUNCTION " and the name of the errno, then
 * "ready". Keeps the programs attached until killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_BTF (32 << 20)

/* Kinds that have no names in older headers. */
#define KIND_DECL_TAG 17
#define KIND_ENUM64 19

static char *btf;

static void read_btf(void)
{
	int file = open("/sys/kernel/btf/vmlinux", O_RDONLY);
	ssize_t size = 0, got;

	btf = malloc(MAX_BTF);
	while (file >= 0 && (got = read(file, btf + size, MAX_BTF - size)) > 0)
		size += got;
	if (size < (ssize_t)sizeof(struct btf_header)) {
		puts("no BTF");
		exit(4);
	}
}

/* How many bytes stand behind the type. */
static size_t tail_of(const struct btf_type *type)
{
	unsigned int members = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return members * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return members * sizeof(struct btf_enum);
	case KIND_ENUM64:
		return members * 3 * sizeof(uint32_t);
	case BTF_KIND_FUNC_PROTO:
		return members * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return members * sizeof(struct btf_var_secinfo);
	}
	return 0;
}

static int find(const char *function)
{
	const struct btf_header *head = (void *)btf;
	const char *names = btf + head->hdr_len + head->str_off;
	const char *next = btf + head->hdr_len + head->type_off;
	const char *end = next + head->type_len;
	int id;

	for (id = 1; next < end; id++) {
		const struct btf_type *type = (void *)next;

		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(names + type->name_off, function))
			return id;
		next += sizeof(*type) + tail_of(type);
	}
	errno = ENOENT;
	return -1;
}

/* The program returns @result. The caller fills in the rest of @attr. */
static int load(union bpf_attr attr, int result)
{
	struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = result },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	attr.insns = (uintptr_t)program;
	attr.insn_cnt = sizeof(program) / sizeof(*program);
	attr.license = (uintptr_t)"GPL";
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int load_tracer(const char *how, int id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_TRACING;
	attr.expected_attach_type = strcmp(how, "fexit") ? BPF_TRACE_FENTRY :
							   BPF_TRACE_FEXIT;
	attr.attach_btf_id = id;
	return load(attr, 0);
}

static int attach_xdp(const char *interface)
{
	union bpf_attr attr;
	int program;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	/* Else an interface takes no frames that are larger than a page. */
	attr.prog_flags = BPF_F_XDP_HAS_FRAGS;
	program = load(attr, XDP_PASS);
	if (program < 0)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = program;
	attr.link_create.target_ifindex = if_nametoindex(interface);
	attr.link_create.attach_type = BPF_XDP;
	return syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

static int attach(const char *how, const char *function)
{
	union bpf_attr attr;
	int id = find(function);
	int program = id < 0 ? id : load_tracer(how, id);

	if (program < 0)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = program;
	return syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	int i, xdp = argc > 1 && !strcmp(argv[1], "xdp");

	if (argc < 3)
		return 2;
	if (!xdp)
		read_btf();
	for (i = 2; i < argc; i++)
		printf("%s %s\n", argv[i],
		       (xdp ? attach_xdp(argv[i]) : attach(argv[1], argv[i])) < 0 ?
			strerrorname_np(errno) : "attached");
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
