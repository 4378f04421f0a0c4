#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/boots.sh [kernel...]
# Boots each of Debian's kernels that scripts/kernels.tsv has and qemu can run, or those named, and
# runs a few self-tests there: that the modules load and unload, that what is wrong is refused
# and reported, and the sample drivers. A result for each kernel. All self-tests are for selftest.sh.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

TESTS=(load refusals samples)

# boots KERNEL: its results are one.
boots() {
	run_logged "$1: built for, booted, ${TESTS[*]}" "$LABYRINTH_LOGS/boots-$1.log" \
		env -u LABYRINTH_RESULTS "$LAB_SCRIPTS/selftest.sh" --kernel "$1" --title boots --mem 1024 \
		"${TESTS[@]/#/tests/selftests/}"
}

options '' "$@"
for kernel in "${args[@]}"; do
	kernel_need "$kernel" boot
done
if ((${#args[@]} == 0)); then
	for kernel in $(kernels boot); do
		[[ -z $(kernel_field "$kernel" suite) ]] || args+=("$kernel")
	done
fi
TESTS=("${TESTS[@]/%/.sh}")
log_dir
status=0
for kernel in "${args[@]}"; do
	result_of "boots: $kernel, and ${TESTS[*]} pass" boots "$kernel" || status=1
done
exit "$status"
