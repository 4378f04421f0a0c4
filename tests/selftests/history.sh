#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# history=N: a report says what was done to the page before, the last step first.

. "${0%/*}/ktap.sh"

DO=/sys/kernel/debug/labyrinth_probe/do
HISTORY=/sys/module/labyrinth/parameters/history
STACKS=/sys/module/labyrinth/parameters/stacks
STEP='by "probe" at .*\[labyrinth_probe\], task, CPU [0-9]+, [0-9]+\.[0-9]{3} s ago'

# The report of the deed $1.
report_of() {
	mark=$(dmesg_mark)
	echo "$1" 2>/dev/null >$DO
	dmesg_since "$mark" | sed '/BUG: labyrinth/,$!d'
}

line_after() { printf '%s\n' "$2" | grep -A 1 -E "$1" | tail -n 1; }

check_double_free() {
	report=$(report_of double-free)
	ktap_contains "a double free's report says who freed the page first" \
		"history: free $STEP" "$report"
	ktap_contains "and before that who was given it" " +alloc $STEP" \
		"$(line_after 'history: free' "$report")"
}

check_lent() {
	echo lend >$DO
	report=$(report_of free)
	ktap_contains "a lent page's report says who lent it" "history: lend $STEP" "$report"
	echo put >$DO
	echo reclaim >$DO
}

# A step outlives its owner, and the next with that id has not done it.
check_same_id() {
	report=$(report_of same-id)
	ktap_contains "a step of an owner that has gone is not the next one's" \
		"history: release by an owner that has gone at .*\[labyrinth_probe\], task, CPU" \
		"$report"
	ktap_contains "and that one is the caller" 'caller:  owner "next"' "$report"
}

# However long the names, what a report must say is said.
check_long_names() {
	echo 8 >$HISTORY
	echo 1 >$STACKS
	report=$(report_of long-names)
	ktap_contains "long names leave no room for some steps" 'history: alloc by' "$report"
	ktap_contains "but for the caller" 'caller:  owner ".*" \(id [0-9]+\) of module' "$report"
	ktap_contains "and the context" 'context: task, CPU [0-9]+, task ' "$report"
	echo 0 >$STACKS
}

check_off() {
	ktap_check "history=0 is taken" sh -c "echo 0 >$HISTORY"
	ktap_lacks "then reports have no history" "history:" "$(report_of double-free)"
	ktap_refuse "more than 64 steps are refused" sh -c "echo 65 >$HISTORY"
	ktap_refuse "less than none are refused" sh -c "echo -1 >$HISTORY"
	ktap_equal "a refused value changes nothing" 0 "$(cat $HISTORY)"
}

# Switched while pages come and go.
check_switching() {
	echo hammer >$DO
	for depth in 1 64 0 8 2 0 16; do
		echo $depth >$HISTORY
	done
	echo rest >$DO
	ktap_contains "switched under load, it goes on" "history: free $STEP" \
		"$(report_of double-free)"
}

meminfo() { sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo; }

# The steps of all pages would take three eighths of memory, of which a quarter is left.
check_no_memory() {
	insmod labyrinth.ko capacity=$(($(meminfo MemTotal) / 4)) history=1
	mkdir -p /tmp/full
	mount -t tmpfs -o size=100% none /tmp/full
	dd if=/dev/zero of=/tmp/full/file bs=1M \
		count=$(($(meminfo MemAvailable) / 1024 - $(meminfo MemTotal) / 4096)) 2>/dev/null
	mark=$(dmesg_mark)
	ktap_refuse "without memory for more steps they are refused" sh -c "echo 64 >$HISTORY"
	ktap_contains "and dmesg says how much they would take" \
		"labyrinth: history=64 takes [0-9]+ MiB, more than half of the [0-9]+ MiB" \
		"$(dmesg_since "$mark")"
	ktap_lacks "and that costs no process its life" "Out of memory|oom-kill" \
		"$(dmesg_since "$mark")"
	ktap_equal "and changes nothing" 1 "$(cat $HISTORY)"
	umount /tmp/full
}

ktap_plan 21
mark=$(dmesg_mark)
insmod labyrinth.ko history=3 report_burst=1000 max_owners=4
ktap_equal "a depth is rounded up to a power of two" 4 "$(cat $HISTORY)"
ktap_contains "what it costs is said" \
	"labyrinth: history=4: [0-9]+ MiB for the last steps of each page" \
	"$(dmesg_since "$mark")"
insmod tests/selftests/labyrinth_probe.ko
echo "hold 4" >$DO
expect_begin
check_double_free
check_lent
check_same_id
check_long_names
check_off
check_switching
rmmod labyrinth_probe
expect_end
rmmod labyrinth
check_no_memory
ktap_check "the module unloads" rmmod labyrinth
ktap_end
