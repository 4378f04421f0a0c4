# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034 # used where this is sourced
#
# Sourced: all that the scripts know of an architecture, in one place.

# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

# arch_set KERNEL [USE]: of a kernel that there is and that has the use, or the script
# ends. What can only be built for has no virtual machine here.
#   ARCH         as Debian calls it
#   ARCH_NEEDS   what deps.sh installs for it
#   ARCH_CROSS   how the names of its compiler and binutils begin
#   ARCH_MAKE    what make is told, to build modules for it
#   ARCH_CC      the compiler for static programs
#   ARCH_QEMU    the virtual machine
#   ARCH_CPU     its processor where that is emulated
#   ARCH_PORT    qemu's name of the guest's second serial port: for the command's
#                output; the kernel has the first one
#   ARCH_TTYS    Linux' names of the two
#   ARCH_APPEND  what the kernel is told besides
arch_set() {
	kernel_need "$@"
	ARCH=$(kernel_field "$1" arch)
	case $ARCH in
	arm64)
		ARCH_NEEDS=(arm64)
		ARCH_CROSS=aarch64-linux-gnu-
		ARCH_MAKE=(ARCH=arm64 "CROSS_COMPILE=$ARCH_CROSS")
		ARCH_CC=aarch64-linux-gnu-gcc-12
		ARCH_QEMU=(qemu-system-aarch64 -M "virt,gic-version=3")
		# Emulated, SVE and real pointer authentication take longer than all else.
		ARCH_CPU="max,sve=off,pauth-impdef=on"
		ARCH_PORT=(-device "pci-serial,chardev=output")
		ARCH_TTYS=(ttyAMA0 ttyS0)
		ARCH_APPEND=''
		;;
	riscv64)
		arch_set_cross riscv riscv64-linux-gnu-
		ARCH_CC=riscv64-linux-gnu-gcc-12
		;;
	ppc64el) arch_set_cross powerpc powerpc64le-linux-gnu- ;;
	s390x) arch_set_cross s390 s390x-linux-gnu- ;;
	amd64)
		ARCH_NEEDS=()
		ARCH_CROSS=''
		ARCH_MAKE=()
		ARCH_CC=gcc-12
		ARCH_QEMU=(qemu-system-x86_64 -M q35)
		# qemu up to 7.2 leaves garbage in the flags after cmpxchg16b; an interrupt that
		# comes right then returns with it, and as a double fault if VM is set.
		ARCH_CPU=max,-cx16
		ARCH_PORT=(-serial "chardev:output")
		ARCH_TTYS=(ttyS0 ttyS1)
		# On a loaded host it takes a late timer for a broken one.
		ARCH_APPEND=' no_timer_check'
		;;
	esac
	# Its compiler is then not this machine's.
	kernel_builds_here "$1" || ARCH_NEEDS=()
}

# arch_set_cross ARCH CROSS_COMPILE: as the kernel's build calls them.
arch_set_cross() {
	ARCH_NEEDS=("$ARCH")
	ARCH_CROSS=$2
	ARCH_MAKE=("ARCH=$1" "CROSS_COMPILE=$2")
}
