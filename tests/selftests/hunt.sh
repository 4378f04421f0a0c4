#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# hunt=NAME: the pages of the owners called so have no references to spare, so that who drops one
# that is not his own is named at once. All else goes on as ever.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
PARAMETERS=/sys/module/labyrinth/parameters
INTRUDE="${0%/*}/user/intrude"
MEMORY=/sys/devices/system/memory
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

# The refused page is whole again when the page allocator is sure to have looked, after a grace
# period of RCU-tasks.
comes_back() {
	for _ in $(seq 100); do
		! sh -c "echo reclaim >$DO" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

check_lent() {
	deed lend
	ktap_lacks "a borrower's own put is right" "BUG: labyrinth" "$(log_of put)"
	check_named put do_put
	ktap_check "the page comes back all the same" comes_back
}

# All that is right is as without a hunt.
check_right() {
	mark=$(dmesg_mark)
	for word in "hold 8" transfer release lend put reclaim "drop 8"; do
		ktap_check "hunted: $word" sh -c "echo '$word' >$DO"
	done
	ktap_lacks "hunted: and nothing is reported" "BUG: labyrinth" "$(dmesg_since "$mark")"
}

# whole FRAMES: none of these pages is taken for failed memory.
whole() {
	for pfn in $1; do
		"$INTRUDE" hwpoison "$pfn" now
	done >/tmp/whole
	[ "$(grep -c '^done$' /tmp/whole)" -eq "$(echo "$1" | wc -w)" ] && [ -n "$1" ]
}

frames() { grep " probe HELD " "$DEBUGFS/pages" | cut -d ' ' -f 1; }
refused() { sed -n 's/^mm_page_free .* refused=//p' $DEBUGFS/guard; }

# Many pages lose a reference at once, and their owner goes while each is being refused.
check_many() {
	deed "hold 200"
	held=$(frames)
	before=$(refused)
	deed lose-all
	ktap_equal "the free of 200 pages is refused at once" $((before + 200)) "$(refused)"
	ktap_check "and the hunt ends" timeout 60 sh -c "echo >$PARAMETERS/hunt"
	ktap_check "with all pages whole" whole "$held"
	set_to hunt probe
	# The next call about a page makes the page thin.
	deed "drop 190"
	deed "hold 10"
	held=$(frames)
	deed "lose-all 2"
	ktap_check "an owner can go while pages are refused" sh -c "echo destroy >$DO"
	ktap_check "they leave limbo in the end" settled
	ktap_check "and are whole" whole "$held"
}

# A page of failed memory whose last reference goes never has spare references again.
check_failed() {
	deed "hold 1"
	failed=$(frames | tail -n 1)
	[ -z "$failed" ] || printf '0x%x\n' $((failed * 4096)) >$MEMORY/hard_offline_page
	ktap_equal "memory of a page has failed" EHWPOISON "$("$INTRUDE" hwpoison "$failed" now)"
	deed lose-all
	mark=$(dmesg_mark)
	ktap_check "failed memory does not stop the end of a hunt" \
		timeout 60 sh -c "echo >$PARAMETERS/hunt"
	ktap_lacks "nor is it waited for" "has no reference, and keeps none" "$(dmesg_since "$mark")"
	set_to hunt probe
	deed destroy
	ktap_check "and leaves limbo" settled
}

[ -e /proc/sys/vm/memory_failure_recovery ] || ktap_skip_all "this kernel refuses no free of a page"
ktap_load labyrinth.ko report_burst=1000 guard_classes=free
[ -e $PARAMETERS/hunt ] || { rmmod labyrinth; ktap_skip_all "no guard on this architecture"; }
ktap_plan 44
insmod tests/selftests/labyrinth_probe.ko
insmod tests/selftests/labyrinth_intruder.ko
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
check_many
if [ -e $MEMORY/hard_offline_page ]; then
	check_failed
else
	ktap_skip "memory of a page has failed" "as below"
	ktap_skip "failed memory" "this kernel cannot be told of any"
	ktap_skip "failed memory is not waited for" "as above"
	ktap_skip "failed memory leaves limbo" "as above"
fi
rmmod labyrinth_probe
mark=$(dmesg_mark)
set_to hunt other
insmod tests/selftests/labyrinth_receive.ko
echo begin >/sys/kernel/debug/labyrinth_receive/do
ktap_contains "an owner of receive buffers is not, which is said" \
	"hunt: not owner other \(id [0-9]+\) of module labyrinth_receive: its pages are receive buffers" \
	"$(dmesg_since "$mark")"
echo end >/sys/kernel/debug/labyrinth_receive/do
rmmod labyrinth_receive
rmmod labyrinth_intruder
expect_end
ktap_check "the module unloads" rmmod labyrinth
ktap_end
