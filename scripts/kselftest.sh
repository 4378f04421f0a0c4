#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/kselftest.sh [--kernel KERNEL] [test...]
# Installs the self-tests by the kernel's own kselftest (tests/selftests/Makefile in a tree of
# Debian's source), and runs them by its own runner, run_kselftest.sh, in a virtual machine with a
# stock kernel; only those named, if any is, as in: scripts/kselftest.sh load.sh refusals.sh
# KERNEL is as for vm.sh; of one whose source is not here, the runner is 6.1's.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/arch.sh
. "$LAB_SCRIPTS/arch.sh"

# What make writes is beside the links.
make_tree() {
	link_tree "$source" "$work/tree" tools/testing/selftests/Makefile
	cp -r "$LAB_ROOT/tests/selftests" "$work/tree/tools/testing/selftests/labyrinth"
}

install_tests() {
	make -C "$work/tree/tools/testing/selftests" TARGETS=labyrinth "CC=$ARCH_CC" \
		LABYRINTH="$LAB_ROOT" MODULES="$work/modules" INSTALL_PATH="$work/installed" install
}

# A result for each test: of what a test prints the runner makes comments.
judge() {
	local failed=0
	judge_ktap result "kselftest $kernel" "$logs/output.log" || failed=1
	((status == 0)) || { result fail "kselftest $kernel: the guest ended with status $status"; failed=1; }
	return "$failed"
}

kernel=$KERNEL_DEFAULT
options "kernel=kernel:boot" "$@"
tests_exist "${args[@]/#/tests/selftests/}"
arch_set "$kernel"
log_dir
"$LAB_SCRIPTS/deps.sh" fetch build vm kselftest "${ARCH_NEEDS[@]}"
source=$KERNEL_DEFAULT
! kernel_known "$kernel" kunit || source=$kernel
source=$("$LAB_SCRIPTS/kernel.sh" source "$source")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
logs=$LABYRINTH_LOGS/kselftest-$kernel
mkdir -p "$logs"
"$LAB_SCRIPTS/build.sh" --kernel "$kernel" --out "$work/modules"
make_tree
run_logged "installing by kselftest" "$logs/install.log" install_tests
status=0
"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --mem 1024 --timeout 2400 --log "$logs" --modules "$work/installed" \
	--wire --qemu -device --qemu edu,dma_mask=0xffffffff -- scripts/vm/kselftest.sh "${args[@]}" >&2 || status=$?
judge
