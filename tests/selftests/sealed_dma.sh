#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A real device's DMA of sealed pages, by samples/labyrinth_edu.c: the device reaches them as
# any other page. But where the core would copy a page to a bounce buffer, it would copy by
# the direct map, where the page is not: there the mapping is refused. Which it is depends on
# the machine: an IOMMU, memory above 4 GB, swiotlb=force.

. "${0%/*}/ktap.sh"

[ "$(uname -m)" = x86_64 ] || ktap_skip_all "pages are sealed on x86-64 only"
if [ "$(cat /sys/bus/pci/devices/*/device 2>/dev/null | grep -cx 0x11e8)" -ne 2 ]; then
	ktap_skip_all "not a machine with two edu devices"
fi

DEBUGFS=/sys/kernel/debug/labyrinth
STATS="/sys/bus/pci/drivers/labyrinth_edu/0*/stats"
ROUNDS=3

sealed() { sed -n "s/^$1: *//p" $DEBUGFS/sealed; }
diverted() { echo $(($(sealed "diverted reads") + $(sealed "diverted writes"))); }
has_iommu() { [ -d /sys/class/iommu ] && [ -n "$(ls /sys/class/iommu)" ]; }

# Memory that a device with addresses of 32 bits does not reach by itself; the page allocator
# gives that first.
has_high() { grep -qE "^[1-9a-f][0-9a-f]{8,}-.*System RAM" /proc/iomem; }

# reaches BITS: whether a device with addresses so wide needs no bounce buffer here.
reaches() {
	if has_iommu; then return 0; fi
	! grep -q swiotlb=force /proc/cmdline && { [ "$1" -eq 64 ] || ! has_high; }
}

# Both devices have done their rounds, if they do any: some take a while.
wait_for_rounds() {
	for _ in $(seq 120); do
		# shellcheck disable=SC2086
		[ "$(awk -v min=$ROUNDS '$1 == "rounds" && $2 >= min' $STATS | wc -l)" -lt 2 ] || return 0
		sleep 1
	done
	return 1
}

check_works() {
	insmod samples/labyrinth_edu.ko sealed=1 "dma_bits=$1" rounds=$ROUNDS
	ktap_check "$1 bits: both devices do their rounds" wait_for_rounds
	rmmod labyrinth_edu
	ktap_equal "$1 bits: what they read and wrote was in the sealed pages" 2 \
		"$(dmesg_since "$mark" | grep -c " $ROUNDS rounds, 0 different, .*, 0 pages left")"
	ktap_lacks "$1 bits: nothing was refused" "BUG: labyrinth" "$(dmesg_since "$mark")"
}

check_refused() {
	insmod samples/labyrinth_edu.ko sealed=1 "dma_bits=$1" rounds=$ROUNDS
	sleep 2
	rmmod labyrinth_edu
	said=$(dmesg_since "$mark")
	ktap_equal "$1 bits: that the core would bounce is refused" 2 \
		"$(printf '%s\n' "$said" | grep -c "labyrinth_edu.* failed with error -95")"
	ktap_contains "$1 bits: and reported" \
		"BUG: labyrinth: sealed-dma in begin_.*\[labyrinth_edu\]" "$said"
	ktap_lacks "$1 bits: no device did a round" " rounds, " "$said"
}

# check BITS
check() {
	mark=$(dmesg_mark)
	if reaches "$1"; then
		check_works "$1"
	else
		check_refused "$1"
	fi
	ktap_equal "$1 bits: nobody but the devices reached for a page" 0 "$(diverted)"
}

ktap_plan 10
expect_begin
insmod labyrinth.ko guard=refuse
check 32
check 64
expect_end
ktap_equal "no page is left" "used: 0" "$(grep ^used: $DEBUGFS/table)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
