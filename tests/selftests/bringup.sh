#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# From a bug to its two ends, without history=: who lent, who freed first, who unmapped last; and
# who has the pages that do not come back, where labyrinth_watch is loaded.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
WATCH=watch/labyrinth_watch.ko
AGO='[0-9]+\.[0-9]{3} s ago$'
PROBE='\[labyrinth_probe\]'

# The report of the deed $1.
report_of() {
	mark=$(dmesg_mark)
	echo "$1" 2>/dev/null >$DO
	dmesg_since "$mark" | sed '/BUG: labyrinth/,$!d'
}

# comes PATTERN: the line since $mark, within some seconds.
comes() {
	for _ in $(seq 100); do
		dmesg_since "$mark" | grep -qE "$1" && return
		sleep 0.1
	done
	dmesg_since "$mark"
	return 1
}

# holder NAME: labyrinth_probe's own variable has the page.
check_holder() {
	if [ ! -e $WATCH ]; then
		ktap_check "$1: that nobody knows the holder is said" \
			comes "labyrinth:   who has them is not known: load labyrinth_watch"
		return
	fi
	ktap_check "$1: its holder is named" \
		comes "labyrinth: +pointer, 1: a pointer in a module's data, .*$PROBE"
}

check_lent() {
	echo lend >$DO
	report=$(report_of free)
	ktap_contains "a lent page's report says who lent it" "lent:    by do_lend\+.*$PROBE, $AGO" \
		"$report"
	mark=$(dmesg_mark)
	echo reclaim 2>/dev/null >$DO
	sleep 1.2
	ktap_lacks "a page that is lent for a short time is nothing to report" "come back" \
		"$(dmesg_since "$mark")"
	echo reclaim 2>/dev/null >$DO
	ktap_check "one that does not come back is reported when its owner asks" \
		comes "labyrinth: owner probe \(id [0-9]+\) of module labyrinth_probe: pages that do not come back: 1"
	ktap_check "with who lent it, and for how long" \
		comes "labyrinth:   pfn 0x[0-9a-f]+, LENT for [1-9][0-9.]* s, lent by do_lend\+.*$PROBE"
	check_holder "lent"
	mark=$(dmesg_mark)
	echo reclaim 2>/dev/null >$DO
	sleep 1.5
	ktap_lacks "but once" "come back" "$(dmesg_since "$mark")"
}

# The borrower still has one of three.
check_end() {
	mark=$(dmesg_mark)
	echo destroy >$DO
	ktap_check "an owner's end counts its pages by state and site" \
		comes "labyrinth:   1 LENT, lent by do_lend\+.*, allocated at do_hold\+.*$PROBE, [0-9.]+ to [0-9.]+ s ago"
	ktap_check "what then does not come back is named" \
		comes "labyrinth:   pfn 0x[0-9a-f]+, LIMBO for [0-9.]+ s, lent by do_lend\+.*$PROBE"
	ktap_check "and counted once" \
		comes "labyrinth: owner probe \(id [0-9]+\) of module labyrinth_probe: pages that do not come back: 1$"
	check_holder "left"
	ktap_check "limbo that does not empty is said, by site and age" \
		comes "labyrinth: owner probe \(id [0-9]+\) of module labyrinth_probe: pages stay in limbo:"
	ktap_check "with who lent it, and its age" \
		comes "labyrinth:   1 LIMBO, lent by do_lend\+.*, allocated at do_hold\+.*$PROBE, in limbo for [1-9][0-9.]* to [0-9.]+ s"
	echo put >$DO
}

# What is noticed at the page's end has the page's notes.
check_lost() {
	echo "hold 1" >$DO
	echo put-last >$DO
	mark=$(dmesg_mark)
	echo destroy >$DO
	ktap_contains "a lost reference that is noticed as the page leaves has the page's allocation" \
		"since: .* allocated at do_hold\+.*$PROBE" \
		"$(dmesg_since "$mark" | sed '/lost-reference-return/,$!d')"
}

check_double() {
	report=$(report_of double-free)
	ktap_contains "a double free says where the page was handed out before" \
		"before:  handed out at do_double_free\+.*$PROBE, $AGO" "$report"
	ktap_contains "and that the next will say who freed it first" \
		"freed:   on a fast path, unnoted; the owner's next frees are noted" "$report"
	sleep 0.5
	ktap_contains "as it then does" "freed:   by do_double_free\+.*$PROBE, task, $AGO" \
		"$(report_of double-free)"
	sleep 0.5
	ktap_contains "after which its frees are on the fast path again" "freed:   on a fast path" \
		"$(report_of double-free)"
	rmmod labyrinth_probe
	insmod tests/selftests/labyrinth_probe.ko zero=1
	ktap_contains "an owner that takes no fast path has it the first time" \
		"freed:   by do_double_free\+.*$PROBE, task, $AGO" "$(report_of double-free)"
}

[ ! -e $WATCH ] || insmod $WATCH
ktap_plan 19
insmod labyrinth.ko patience=1 report_burst=1000
insmod tests/selftests/labyrinth_probe.ko
expect_begin
echo "hold 3" >$DO
check_lent
check_end
check_lost
check_double
rmmod labyrinth_probe
expect_end
until grep -q "^limbo: 0" $DEBUGFS/table; do sleep 0.1; done
ktap_check "the module unloads" rmmod labyrinth
[ ! -e $WATCH ] || rmmod labyrinth_watch
ktap_end
