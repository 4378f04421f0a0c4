#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Secure Boot: the firmware trusts one key, the kernel has locked itself down, and only modules
# signed by that key load; all of Labyrinth then works but for writes to debugfs, and, where
# lockdown=confidentiality, tracefs. Run by scripts/secure.sh, which puts into extra/ labyrinth.ko
# without a signature and with that of another key.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug
WATCH=$DEBUGFS/labyrinth_watch
PARAMETERS=/sys/module/labyrinth/parameters
TRACING=/sys/kernel/tracing

locked_down || ktap_skip_all "this machine has no Secure Boot"

level=integrity
! grep -q lockdown=confidentiality /proc/cmdline || level=confidentiality

# by_integrity NAME COMMAND...: what confidentiality forbids and integrity does not.
by_integrity() {
	if [ $level = integrity ]; then
		ktap_check "$@"
	else
		name=$1
		shift
		ktap_refuse "$name: not by confidentiality" "$@"
	fi
}

# A module of which one bit was changed after it was signed.
change_module() {
	cp labyrinth.ko /tmp/changed.ko
	printf '\377' | dd of=/tmp/changed.ko bs=1 seek=4096 conv=notrunc
}

# refused NAME FILE: the kernel refuses the module for its signature.
refused() {
	said=$(insmod "$2" 2>&1) && rmmod labyrinth
	ktap_contains "$1" "Key was rejected|Required key not available|Bad message" "$said"
}

each_file() {
	for file in "$DEBUGFS"/labyrinth/*; do
		cat "$file" >/dev/null || return
	done
}

each_parameter() {
	for file in "$PARAMETERS"/*; do
		[ "$(stat -c %a "$file")" = 444 ] && continue
		value=$(cat "$file")
		echo "$value" >"$file" || return
	done
}

events() {
	trace_on
	echo 1 >"$TRACING/events/labyrinth/enable"
	insmod samples/labyrinth_foreign.ko
	rmmod labyrinth_foreign
	echo 0 >"$TRACING/events/labyrinth/enable"
	grep -q labyrinth_ "$TRACING/trace"
}

ktap_plan 22
ktap_contains "the firmware has booted the kernel by Secure Boot" "Secure boot enabled" "$(dmesg)"
ktap_contains "the kernel has locked itself down" "\[$level\]" "$(cat /sys/kernel/security/lockdown)"
refused "a module without a signature does not load" extra/labyrinth.ko
refused "nor one that another key has signed" extra/labyrinth-other.ko
change_module 2>/dev/null
refused "nor one that was changed afterwards" /tmp/changed.ko
ktap_check "a signed one loads, with the guard" insmod labyrinth.ko guard=refuse
guard=$(cat $DEBUGFS/labyrinth/guard)
ktap_contains "the guard refuses" "^guard: refuse" "$guard"
ktap_contains "its hooks are armed" " armed " "$guard"
ktap_lacks "and none has failed" " failed" "$guard"
ktap_check "each file can be read" each_file
ktap_check "each parameter can be written" each_parameter
insmod samples/labyrinth_sample.ko
expect_begin
by_integrity "the tracepoints have records" events
expect_end
ktap_contains "a foreigner was refused" "^foreign: [1-9]" "$(cat $DEBUGFS/labyrinth/refusals)"
rmmod labyrinth_sample
by_integrity "drgn could read the memory, /proc/kcore" head -c 64 /proc/kcore

ktap_check "labyrinth_watch loads" insmod watch/labyrinth_watch.ko
ktap_contains "its census can be read" . "$(cat $WATCH/pools)"
ktap_contains "its answer can be read" "^nothing asked yet" "$(cat $WATCH/holders)"
ktap_refuse "debugfs takes no question" sh -c "echo pfn 0x100 >$WATCH/holders"
ktap_check "the parameter does" sh -c "echo pfn 0x100 >/sys/module/labyrinth_watch/parameters/ask"
ktap_contains "and there is an answer" "^references " "$(cat $WATCH/holders)"
ktap_contains "the command asks so too" "^references " "$(sh tools/labyrinth who pfn 0x100)"
rmmod labyrinth_watch
ktap_check "the module unloads" rmmod labyrinth
ktap_end
