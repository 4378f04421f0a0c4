#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/fatal.sh [--kernel KERNEL] [test...]
# Runs the tests that must end the machine (tests/selftests/fatal/*.sh), each in
# a virtual machine of its own. A test says in lines "# expect: REGEX" what the
# kernel's log must hold, in that order; and the guest must not live on. A test of what
# the kernel has not is skipped.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT
options "kernel=kernel:boot" "$@"
set -- "${args[@]##*/}"
tests_exist "${@/#/tests/selftests/fatal/}"
set -- "${@/#/$LAB_ROOT/tests/selftests/fatal/}"
(($#)) || set -- "$LAB_ROOT"/tests/selftests/fatal/*.sh

# unmet TEST LOG: prints the first expectation that is not met.
unmet() {
	local line=0 regex next
	grep -q '^# expect: ' "$1" || { echo "anything, for $1 expects nothing"; return; }
	while IFS= read -r regex; do
		next=$(tail -n "+$((line + 1))" "$2" | grep -nE -m 1 -- "$regex" | cut -d : -f 1) || true
		[[ -n $next ]] || { echo "$regex"; return; }
		line=$((line + next))
	done < <(sed -n 's/^# expect: //p' "$1")
}

# died TEST LOGS STATUS: whether the guest ended, and as the test says.
died() {
	local missing
	missing=$(unmet "$1" "$2/console.log")
	[[ -z $missing ]] || { say "not in the kernel's log: $missing"; return 1; }
	(($3 == 125)) || { say "the guest lived on, status $3"; return 1; }
}

# run TEST NAME: a test that skips itself says so, and ends as a self-test does, with 4.
run() {
	local logs=$LABYRINTH_LOGS/fatal-$kernel-$2 status=0
	mkdir -p "$logs"
	"$LAB_SCRIPTS/vm.sh" --kernel "$kernel" --timeout 120 --log "$logs" -- \
		"tests/selftests/fatal/$2.sh" >&2 || status=$?
	if ((status == 4)) && grep -q '# SKIP' "$logs/output.log"; then
		result skip "fatal $kernel: $2"
	else
		result_of "fatal $kernel: $2" died "$1" "$logs" "$status"
	fi
}

log_dir
status=0
for test; do
	name=$(basename "$test" .sh)
	say "fatal: $name: the guest is to die, as its log then shows"
	run "$test" "$name" || status=1
done
exit "$status"
