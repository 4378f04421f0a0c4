#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Receive buffers: their way from the device to the stack and back, by the inline forms and by
# the functions, of a SINGLE owner and of any other; each misuse has its errno and its report;
# and nothing is left, no page and no bounce buffer (with swiotlb=force each buffer has one).

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_receive/do
BOUNCE=/sys/kernel/debug/swiotlb/io_tlb_used

deed() { echo "$1" >"$DO"; }
refused() { sed -n "s/^$1: *//p" "$DEBUGFS"/refusals; }
used() { sed -n 's/^used: //p' "$DEBUGFS"/table; }
bounced() { cat "$BOUNCE" 2>/dev/null || echo 0; }
queue_of() { sed -n "/destroyed/d; s/.* $1 .* $2=\([0-9]*\).*/\1/p" "$DEBUGFS"/owners; }

# settled NUMBER: so many pages are left, soon; limbo is looked at once a second.
settled() {
	for _ in 1 2 3 4 5; do
		[ "$(used)" -ne "$1" ] || return 0
		sleep 1
	done
	return 1
}

# few_cached: the owner keeps few pages ready, soon.
few_cached() {
	for _ in 1 2 3 4 5; do
		[ "$(queue_of ring cached)" -ge 100 ] || return 0
		sleep 1
	done
	return 1
}

# The owner's user never comes to the cache: all pages come from the stack.
check_shrinker() {
	deed stream
	ktap_check "$kind: there are pages to be had" test "$(queue_of ring cached)" -gt 100
	echo 2 >/proc/sys/vm/drop_caches
	deed stream
	ktap_check "$kind: which a system that wants memory gets, while frames come" few_cached
	deed stream-end
}

# check_kind KIND PARAMETER...
check_kind() {
	kind=$1
	shift
	bounce=$(bounced)
	insmod tests/selftests/labyrinth_receive.ko "$@"
	ktap_check "$kind: owners come" deed begin
	ktap_check "$kind: 200 frames go to the stack, and their page comes back" deed rounds
	ktap_equal "$kind: each page was taken back" 200 "$(queue_of ring taken_back)"
	ktap_check "$kind: a copied frame's buffer stays with the device" deed copy
	ktap_check "$kind: a page that the stack has is not taken back" deed busy
	before=$(queue_of ring let_go)
	ktap_check "$kind: a full queue lets go of the oldest page" deed full-queue
	ktap_equal "$kind: which is counted" 4 $(($(queue_of ring let_go) - before))
	ktap_check "$kind: 1000 buffers, more than any cache holds" deed many
	check_shrinker
	ktap_check "$kind: pages change owners, mapped each time as the owner wants" deed transfer
	ktap_check "$kind: a page that the stack has is released" deed release-lent
	ktap_check "$kind: the main call takes back what was lent" deed main-call
	busy=$(refused busy) posted=$(refused not-posted) mark=$(dmesg_mark)
	ktap_check "$kind: each misuse is refused, and changes nothing" deed misuse
	ktap_equal "$kind: what a posted buffer is not for is reported" 8 \
		$(($(refused busy) - busy))
	ktap_equal "$kind: what a buffer that is not posted is not for, too" 12 \
		$(($(refused not-posted) - posted))
	said=$(dmesg_since "$mark")
	ktap_contains "$kind: a report names the call" \
		"BUG: labyrinth: busy-free in .*\[labyrinth_receive\]" "$said"
	ktap_contains "$kind: the state" "page: .*POSTED" "$said"
	ktap_contains "$kind: and the mapping" \
		"mapped:  for DMA, 4096 bytes at 0x[0-9a-f]+, from the device" "$said"
	[ "$kind" = "single, inline" ] ||
		ktap_contains "$kind: and, of a buffer put twice, the first put" \
			"freed:   by (put[.a-z0-9]*|do_misuse)\+.*\[labyrinth_receive\]" "$said"
	ktap_check "$kind: a buffer to which somebody refers goes nowhere" deed referred
	over=$(refused overwritten)
	ktap_check "$kind: an overwritten struct page is put right" deed overwritten
	ktap_equal "$kind: and reported once" 1 $(($(refused overwritten) - over))
	ktap_check "$kind: the owners go" deed end
	ktap_check "$kind: no page is left" settled "$left"
	ktap_equal "$kind: no bounce buffer is left" "$bounce" "$(bounced)"
	ktap_check "$kind: owners come" deed begin
	mark=$(dmesg_mark)
	ktap_check "$kind: an owner goes, with pages with device and stack" deed destroy
	ktap_contains "$kind: what was with the device is reported" \
		"BUG: labyrinth: leaked-destroy" "$(dmesg_since "$mark")"
	ktap_contains "$kind: what the stack has is told" \
		"ring .* left 1 lent pages to their borrowers" "$(dmesg_since "$mark")"
	left=$((left + 1))
	ktap_check "$kind: only the page that the device may write to is left" settled "$left"
	ktap_equal "$kind: no bounce buffer is left" "$bounce" "$(bounced)"
	rmmod labyrinth_receive
}

ktap_plan 98
left=0
expect_begin
insmod labyrinth.ko guard=refuse report_burst=1000
insmod tests/selftests/labyrinth_receive.ko
ktap_check "attributes that make no sense are refused" deed attributes
rmmod labyrinth_receive
check_kind shared
check_kind "single, inline" single=1
check_kind "single, by function" single=1 by_pointer=1
ktap_equal "owners that left such a page behind hold a single slot" 1 \
	"$(grep -c ' ring .*destroyed' "$DEBUGFS"/owners)"
expect_end
leave_pages $left
ktap_check "the module unloads" rmmod labyrinth
ktap_end
