#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# hunt=NAME: the pages of the owners called so have no references to spare, so that who drops one
# that is not his own is named at once. All else goes on as ever.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
PARAMETERS=/sys/module/labyrinth/parameters
PROBE='\[labyrinth_probe\]'

set_to() { echo "$2" >$PARAMETERS/"$1"; }
deed() { echo "$1" 2>/dev/null >$DO; }

log_of() {
	mark=$(dmesg_mark)
	deed "$1"
	dmesg_since "$mark"
}

# A refused page is whole again when the allocator cannot be looking at it any more.
settled() {
	for _ in $(seq 100); do
		grep -q "^limbo: 0" "$DEBUGFS/table" && return
		sleep 0.1
	done
	cat "$DEBUGFS/table"
	return 1
}

# check_named DEED WHERE: the first wrong put is refused and named.
check_named() {
	log=$(log_of "$1")
	ktap_contains "$1: the first wrong put is named" "BUG: labyrinth: foreign-free in $2\+.*$PROBE" \
		"$log"
	ktap_contains "$1: and refused" "refused: free\(.*\), -EPERM" "$log"
	ktap_lacks "$1: nothing bad is said of the page" "Bad page|lost-reference" "$log"
}

check_lent() {
	deed lend
	ktap_lacks "a borrower's own put is right" "BUG: labyrinth" "$(log_of put)"
	check_named put do_put
	sleep 1
	ktap_check "the page comes back all the same" sh -c "echo reclaim >$DO"
}

# All that is right is as without a hunt.
check_right() {
	mark=$(dmesg_mark)
	for word in "hold 8" transfer release lend put reclaim "drop 8"; do
		ktap_check "hunted: $word" sh -c "echo '$word' >$DO"
	done
	ktap_lacks "hunted: and nothing is reported" "BUG: labyrinth" "$(dmesg_since "$mark")"
}

[ -e /proc/sys/vm/memory_failure_recovery ] || ktap_skip_all "this kernel refuses no free of a page"
ktap_load labyrinth.ko report_burst=1000 guard_classes=free
[ -e $PARAMETERS/hunt ] || { rmmod labyrinth; ktap_skip_all "no guard on this architecture"; }
ktap_plan 33
insmod tests/selftests/labyrinth_probe.ko
expect_begin
deed "hold 4"
ktap_contains "a loss is said to be unnamed, and how to name the next" \
	"by whom: not known; guard=refuse and hunt=probe name the next" \
	"$(log_of lose-reference)"
ktap_refuse "without a guard nobody is hunted" set_to hunt probe
set_to guard report
ktap_refuse "nor with one that only reports" set_to hunt probe
set_to guard refuse
set_to guard_classes file
ktap_refuse "nor with one that does not look at frees" set_to hunt probe
set_to guard_classes free
ktap_check "with one that does, an owner is hunted" set_to hunt probe
ktap_equal "which can be asked" probe "$(cat $PARAMETERS/hunt)"
check_right
deed "hold 2"
check_named lose-reference do_lose_reference
deed "hold 1"
check_named raw-free do_raw_free
deed "hold 1"
check_lent
ktap_check "what was refused leaves limbo in the end" settled
ktap_contains "a double free is refused as ever, with who freed first" \
	"freed:   by do_double_free\+.*$PROBE, task" "$(log_of double-free)"
deed "hold 4"
ktap_check "a guard that is switched off ends the hunt" set_to guard off
ktap_equal "and hunts nobody" "" "$(cat $PARAMETERS/hunt)"
ktap_lacks "all references are there then" "BUG: labyrinth" "$(log_of "drop 4")"
rmmod labyrinth_probe
set_to guard refuse
set_to hunt probe
insmod tests/selftests/labyrinth_probe.ko
deed "hold 1"
ktap_contains "an owner that comes later is hunted too" \
	"BUG: labyrinth: foreign-free in do_lose_reference" "$(log_of lose-reference)"
deed "hold 2"
ktap_check "a hunted owner can go with pages out" sh -c "echo destroy >$DO"
rmmod labyrinth_probe
expect_end
ktap_check "the module unloads" rmmod labyrinth
ktap_end
