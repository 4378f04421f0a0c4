#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: scripts/check-driver.sh [--kernel KERNEL]
# Does what somebody does who has a driver: builds the template (samples/template) by
# "lab vm --driver", with a device, and runs a script with it (tests/driver/try.sh); then
# takes a shell and types. The status must be that of the script, and of the shell.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$LAB_SCRIPTS/kernels.sh"

kernel=$KERNEL_DEFAULT
options "kernel=kernel:boot" "$@"
no_arguments "${args[@]}"

lab_vm() { "$LAB_SCRIPTS/lab" vm --kernel "$kernel" --driver "$LAB_ROOT/samples/template" "$@"; }

ends_with_7() {
	local status=0
	"$@" || status=$?
	((status == 7))
}

by_script() {
	run_logged "the template and a script, kernel $kernel" "$logs/script.log" \
		ends_with_7 lab_vm --device edu --script "$LAB_ROOT/tests/driver/try.sh"
}

# Once the shell asks: what comes before the guest listens would be lost.
type_words() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		! grep -qs 'driver # ' "$logs/output.log" || break
		sleep 1
	done
	printf '%s\n' 'insmod my_driver.ko && grep -o my-rx /sys/kernel/debug/labyrinth/owners' 'exit 5'
	# Its end would be the terminal's.
	while kill -0 $$ 2>/dev/null && ! grep -qs 'labyrinth-vm: exit' "$logs/output.log"; do
		sleep 1
	done
}

# What is typed is echoed; what grep prints is a line of its own.
by_shell() {
	local status=0 command
	export -f lab_vm
	export kernel LAB_ROOT
	command="lab_vm --log '$logs'"
	say "the template and a shell, kernel $kernel"
	SHELL=/bin/bash timeout 900 script -qec "$command" "$logs/terminal" \
		< <(type_words) >/dev/null 2>&1 || status=$?
	((status == 5)) || { say "status $status, not 5"; show_tail "$logs/terminal"; return 1; }
	grep -qx 'my-rx' "$logs/output.log" || { show_tail "$logs/output.log"; return 1; }
}

log_dir
logs=$LABYRINTH_LOGS/driver-$kernel
mkdir -p "$logs"
: >"$logs/output.log"
status=0
result_of "driver $kernel: the template, built, booted, and a script" by_script || status=1
result_of "driver $kernel: the template and a shell" by_shell || status=1
exit "$status"
