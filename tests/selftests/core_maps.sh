#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Pages that the core maps for DMA on the driver's behalf (LABYRINTH_OWNER_CORE_MAPS), with the
# guard refusing: such a call by the owner's device passes, and the page is MAPPED until the core
# unmaps it; all other calls are refused as ever. The hooks on unmaps are there only as long as
# such an owner is. With swiotlb=force the core's address leads to a bounce buffer.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_core_maps/do
PARAMETERS=/sys/module/labyrinth/parameters

deed() { echo "$1" >"$DO"; }
# hook STATE: how many hooks on unmaps are in that state.
hooks() { grep "^dma_unmap_p" $DEBUGFS/guard | grep -c " $1 "; }
refused() { sed -n "s/^$1: *//p" $DEBUGFS/refusals; }

# While the core maps and unmaps, somebody writes the guard's mode anew, which each time says so: not
# on the console, which has warnings still.
storm() {
	level=$(cut -f 1 /proc/sys/kernel/printk)
	echo 5 >/proc/sys/kernel/printk
	while echo refuse >"$PARAMETERS/guard"; do :; done &
	writer=$!
	deed storm
	stormed=$?
	kill "$writer"
	wait "$writer" 2>/dev/null
	echo "$level" >/proc/sys/kernel/printk
	return "$stormed"
}

ktap_load labyrinth.ko guard=refuse report_burst=1000
[ -e $PARAMETERS/guard ] || { rmmod labyrinth; ktap_skip_all "no guard on this kernel"; }
ktap_plan 30
expect_begin
insmod tests/selftests/labyrinth_core_maps.ko
ktap_check "attributes that make no sense are refused" deed attributes
ktap_equal "without such an owner, no unmap is hooked" 0 "$(hooks armed)"
ktap_check "owners come" deed begin
ktap_check "unmaps are hooked" test "$(hooks armed)" -ge 1
foreign=$(refused foreign)
ktap_check "what the core maps is MAPPED, and goes nowhere until the core unmaps it" deed round
ktap_check "so are 64 pages at a time" deed many
ktap_check "also while the guard is set anew" storm
ktap_check "the driver maps its pages itself as ever" deed own
ktap_check "a list of the owner's pages passes; with another's page it does not" deed list
ktap_check "labyrinth_dma_map_attrs() takes what makes sense" deed attrs
ktap_equal "a foreigner's page in the list was reported, and nothing else" 1 \
	$(($(refused foreign) - foreign))
mark=$(dmesg_mark)
ktap_check "another device, owner, size or state is refused" deed refused
ktap_equal "and reported" 4 $(($(refused foreign) - foreign - 1))
ktap_contains "as a foreigner's map" \
	"BUG: labyrinth: foreign-dma in .*\[labyrinth_core_maps\]" "$(dmesg_since "$mark")"
ktap_check "a page is mapped" deed map
mark=$(dmesg_mark)
ktap_check "a free of the mapped page is refused" sh -c "! echo free >$DO"
ktap_contains "and the report says who mapped the page" \
	"mapped:  for DMA, 4096 bytes at 0x[0-9a-f]+, from the device, by (map|do_map)\+.*\[labyrinth_core_maps\]" \
	"$(dmesg_since "$mark")"
echo off >$PARAMETERS/guard
ktap_check "the page is MAPPED with the guard off" deed is-mapped
ktap_check "the core unmaps it" deed unmap
ktap_check "and the page is HELD" deed is-held
ktap_check "and freed" deed free
ktap_check "with the guard off, the core maps a page" deed map
ktap_check "which does not count" deed is-held
echo refuse >$PARAMETERS/guard
ktap_check "such a page is unmapped" deed unmap
ktap_check "and freed" deed free
ktap_check "the owner goes while the core has a page" deed map
ktap_check "the page stays in limbo" deed destroy
ktap_equal "and no unmap is hooked" 0 "$(hooks armed)"
ktap_check "the core unmaps that page, which changes nothing" deed unmap
rmmod labyrinth_core_maps
expect_end
leave_pages 1
ktap_check "the module unloads" rmmod labyrinth
ktap_end
