// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: xdp INTERFACE pass|drop|tx|redirect
 * Attaches an XDP program, by a link, that does the same to each frame; redirect sends the frame
 * out of the interface that the frame came by. Prints "attached", or the name of the errno. The
 * program stays until this process is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(const struct bpf_insn *insns, unsigned int nr)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = nr;
	attr.license = (uintptr_t)"GPL";
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int load_redirect(int to)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = to },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(insns, sizeof(insns) / sizeof(*insns));
}

static int load_action(int action)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = action },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(insns, sizeof(insns) / sizeof(*insns));
}

static int load_named(const char *what, int interface)
{
	if (!strcmp(what, "redirect"))
		return load_redirect(interface);
	return load_action(!strcmp(what, "pass") ? XDP_PASS :
			   !strcmp(what, "tx") ? XDP_TX : XDP_DROP);
}

static int attach(int program, int interface)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = program;
	attr.link_create.target_ifindex = interface;
	attr.link_create.attach_type = BPF_XDP;
	return syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	int interface, program;

	if (argc != 3)
		return 2;
	interface = if_nametoindex(argv[1]);
	program = load_named(argv[2], interface);
	if (program < 0 || attach(program, interface) < 0) {
		puts(strerrorname_np(errno));
		return 1;
	}
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
