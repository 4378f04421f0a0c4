#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Receive buffers that are parts of pages, two, four and sixteen to a page: each is given and put by
# itself, and the page comes back with the last; each misuse of a buffer has its errno and its
# report, and changes neither this buffer nor its neighbours; and nothing is left.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_frags/do
TRACING=/sys/kernel/tracing
BOUNCE=/sys/kernel/debug/swiotlb/io_tlb_used

deed() { echo "$1" >"$DO"; }
refused() { sed -n "s/^$1: *//p" "$DEBUGFS"/refusals; }
used() { sed -n 's/^used: //p' "$DEBUGFS"/table; }
bounced() { cat "$BOUNCE" 2>/dev/null || echo 0; }

# ended WORD: how many DMA mappings end while the driver does it.
ended() {
	echo "p:lab_unmap dma_unmap_page_attrs" >$TRACING/kprobe_events || return
	echo 1 >$TRACING/events/kprobes/lab_unmap/enable || echo "no probe"
	deed "$1" || echo "$1 failed"
	awk '$1 == "lab_unmap" { print $2 + $3 }' $TRACING/kprobe_profile
	echo 0 >$TRACING/events/kprobes/lab_unmap/enable
	echo >$TRACING/kprobe_events
}

# settled NUMBER: so many pages are left, soon; limbo is looked at once a second.
settled() {
	for _ in 1 2 3 4 5; do
		[ "$(used)" -ne "$1" ] || return 0
		sleep 1
	done
	return 1
}

# check_kind KIND PARAMETER...
check_kind() {
	kind=$1
	shift
	bounce=$(bounced)
	insmod tests/selftests/labyrinth_frags.ko "$@"
	ktap_check "$kind: owners come" deed begin
	ktap_check "$kind: buffers go to the stack, and the page comes back with the last" deed rounds
	name="$kind: so it does 100 times, and its mapping ends $ends times"
	if [ -e $TRACING/kprobe_events ]; then
		ktap_equal "$name" "$ends" "$(ended rounds)"
	else
		ktap_skip "$name" "no probes here"
	fi
	ktap_check "$kind: that page is the next to be handed out" deed back
	ktap_check "$kind: a buffer is given, the rest put, and the page stays meanwhile" deed mix
	posted=$(refused not-posted) mark=$(dmesg_mark)
	ktap_check "$kind: each misuse is refused, and changes nothing" deed misuse
	ktap_equal "$kind: what is not posted is reported each time" 16 \
		$(($(refused not-posted) - posted))
	ktap_contains "$kind: the report names the call" \
		"BUG: labyrinth: not-posted-rx-give in .*\[labyrinth_frags\]" "$(dmesg_since "$mark")"
	ktap_check "$kind: a page to which somebody refers goes nowhere" deed referred
	ktap_check "$kind: a full queue lets go of the oldest pages" deed full-queue
	ktap_check "$kind: an older entry of the queue takes no page from the device" deed old-entries
	ktap_check "$kind: an owner without a queue goes, with a page open" deed unqueued
	case $kind in
	shared | "shared, unmapped while lent")
		ktap_check "$kind: users on several CPUs" deed users
		ktap_check "$kind: of two CPUs that give or put a buffer, one does" deed race
		ktap_check "$kind: an interrupt gives a buffer over the give of another" deed interrupt
		;;
	esac
	ktap_check "$kind: the owners go" deed end
	ktap_check "$kind: no page is left" settled "$left"
	ktap_check "$kind: owners come" deed begin
	mark=$(dmesg_mark)
	ktap_check "$kind: an owner goes, with buffers with device and stack" deed destroy
	ktap_contains "$kind: the page that the device may write to is reported" \
		"BUG: labyrinth: leaked-destroy" "$(dmesg_since "$mark")"
	left=$((left + 1))
	ktap_check "$kind: and it alone is left" settled "$left"
	ktap_equal "$kind: no bounce buffer is left" "$bounce" "$(bounced)"
	rmmod labyrinth_frags
}

ktap_plan 103
left=0 ends=0
trace_on
expect_begin
insmod labyrinth.ko guard=refuse report_burst=1000
insmod tests/selftests/labyrinth_frags.ko
ktap_check "attributes that make no sense are refused" deed attributes
rmmod labyrinth_frags
check_kind shared
check_kind single single=1
check_kind "single, four to a page" single=1 size=1024
check_kind "shared, sixteen to a page" size=256
echo 1 >/sys/module/labyrinth/parameters/unmap_lent
ends=100
check_kind "shared, unmapped while lent"
expect_end
leave_pages $left
ktap_check "the module unloads" rmmod labyrinth
ktap_end
