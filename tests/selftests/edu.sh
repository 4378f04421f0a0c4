#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A real device's DMA, of two of qemu's edu devices: by a driver that keeps to the
# rules (samples/labyrinth_edu.c), and by one that does not (labyrinth_stray.c).
# What a device may still reach when Labyrinth's mapping has ended depends on the
# IOMMU: with one in strict mode nothing, without one everything.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
STATS="/sys/bus/pci/drivers/labyrinth_edu/0*/stats"
POISON=/sys/module/labyrinth/parameters/poison
DEED=/sys/module/labyrinth_stray/parameters/deed
INTRUDE="${0%/*}/user/intrude"
ROUNDS=10
BYTES=4088
FOREVER=4294967295

if [ "$(cat /sys/bus/pci/devices/*/device 2>/dev/null | grep -cx 0x11e8)" -ne 2 ]; then
	ktap_skip_all "not a machine with two edu devices"
fi
if [ -d /sys/class/iommu ] && [ -n "$(ls /sys/class/iommu)" ]; then
	fate=blocked look=untouched
else
	fate="not stopped" look=overwritten
fi

# wait_for COMMAND...: a while, which no machine that works takes.
wait_for() {
	for _ in $(seq 120); do
		"$@" >/dev/null && return
		sleep 1
	done
	return 1
}

# rounds_done NUMBER: by both devices.
# shellcheck disable=SC2086
rounds_done() {
	[ "$(awk -v min="$1" '$1 == "rounds" && $2 >= min' $STATS | wc -l)" -eq 2 ]
}

# interrupts_of NAME: on all CPUs, of all devices of that name.
interrupts_of() {
	awk -v name="$1" '$NF == name { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i }
		END { print sum + 0 }' /proc/interrupts
}

# deed WORD: fails if it does; with which errno is for a report to say.
deed() { echo "$1" >$DEED 2>/dev/null; }

deeds() {
	for word; do
		deed "$word" || { echo "$word failed"; return 1; }
	done
}

look() {
	if deed look; then echo untouched; else echo overwritten; fi
}

check_driver() {
	mark=$(dmesg_mark)
	ktap_check "the driver binds" insmod samples/labyrinth_edu.ko rounds=$ROUNDS
	ktap_check "both devices do their rounds" wait_for rounds_done $ROUNDS
	ktap_equal "each transfer took one interrupt" $((2 * 2 * ROUNDS)) \
		"$(interrupts_of labyrinth_edu)"
	ktap_check "the driver unloads" rmmod labyrinth_edu
	moved="$((2 * ROUNDS)) interrupts, $((BYTES * ROUNDS)) bytes out, $((BYTES * ROUNDS)) bytes in"
	ktap_equal "each device read and wrote $((BYTES * ROUNDS)) bytes, all equal" 2 \
		"$(dmesg_since "$mark" | grep -c "$ROUNDS rounds, 0 different, $moved, 0 pages left")"
	ktap_diag "for each device: $moved"
}

check_unload() {
	mark=$(dmesg_mark)
	insmod samples/labyrinth_edu.ko rounds=$FOREVER
	ktap_check "rounds without end begin" wait_for rounds_done 1
	ktap_check "the driver unloads in the midst of them" rmmod labyrinth_edu
	ktap_equal "nothing is left of either device" 2 \
		"$(dmesg_since "$mark" | grep -c " 0 different, .*, 0 pages left")"
	ktap_lacks "nothing was refused, no transfer hung" "BUG: labyrinth|does not end" \
		"$(dmesg_since "$mark")"
	ktap_equal "no tag is left" "used: 0" "$(grep ^used: $DEBUGFS/table)"
}

# skips NAME: a result, where there is no guard.
skips() {
	[ ! -e /sys/module/labyrinth/parameters/guard ] || return
	ktap_skip "$1" "no guard on this architecture"
}

check_mapped() {
	foreign=
	mark=$(dmesg_mark)
	ktap_check "a page is mapped for a device" deeds take map
	pfn=$(grep -m 1 MAPPED $DEBUGFS/pages | cut -d ' ' -f 1)
	ktap_refuse "it cannot be freed" deed free
	ktap_refuse "it is not mapped for the other device" deed map-other
	skips "nor by dma_map_single()" ||
		ktap_refuse "nor by dma_map_single()" deed map-plain
	skips "nor by dma_map_page() for a third" ||
		ktap_equal "nor by dma_map_page() for a third" EIO \
			"$("$INTRUDE" dma_map_page "$pfn" now)"
	log=$(dmesg_since "$mark")
	ktap_contains "the free is -EBUSY" "refused: free\(.*-EBUSY" "$log"
	ktap_contains "for it is mapped" \
		"mapped:  for DMA, 4096 bytes at 0x[0-9a-f]*, from the device, by do_map" "$log"
	ktap_contains "the other device is refused" \
		"BUG: labyrinth: wrong-device-dma in .*\[labyrinth_stray\]" "$log"
	ktap_contains "and named beside the right one" \
		"device:  0000:00:0[0-9].0; the owner's is 0000:00:0[0-9].0" "$log"
	skips "it is the guard that refuses it what is not Labyrinth's call" ||
		ktap_contains "it is the guard that refuses it what is not Labyrinth's call" \
			"BUG: labyrinth: foreign-dma in do_map_plain.*\[labyrinth_stray\]" "$log"
	skips "and refuses it to the third" || {
		ktap_contains "and refuses it to the third" \
			"BUG: labyrinth: foreign-dma in do_dma_map_page.*\[labyrinth_intruder\]" \
			"$log"
		foreign=" foreign: 2"
	}
	ktap_equal "these refusals are counted, and no other" \
		"busy: 1$foreign wrong-device: 1" \
		"$(grep -v ": 0$" $DEBUGFS/refusals | sort | xargs)"
	deed write
	ktap_equal "the device writes to it all the same" overwritten "$(look)"
	ktap_check "it is unmapped and freed" deeds unmap free
}

# The log has a line for each write that is blocked, but no more than three at once.
one_more_fault() { [ "$(interrupts_of dmar0)" -gt "$before" ]; }

# stray NAME BEFORE WRITE AFTER: words each.
stray() {
	before=$(interrupts_of dmar0)
	mark=$(dmesg_mark)
	# shellcheck disable=SC2086
	ktap_check "the device writes to a page $1" deeds $2 $3
	ktap_equal "that is $fate" $look "$(look)"
	if [ "$fate" = blocked ]; then
		ktap_check "the IOMMU says so" wait_for one_more_fault
	else
		ktap_lacks "and nobody notices" "BUG: labyrinth|DMAR" "$(dmesg_since "$mark")"
	fi
	# shellcheck disable=SC2086
	ktap_check "the page's owner gives it back" deeds $4
}

# A stray write to a page that is cached, when the page is handed out.
check_poison() {
	echo 1 >$POISON
	mark=$(dmesg_mark)
	ktap_check "poison=1: the device writes to a page that was freed" \
		deeds take map unmap free write again
	log=$(dmesg_since "$mark")
	if [ "$fate" = blocked ]; then
		ktap_lacks "that is $fate, so there is nothing to notice" "BUG: labyrinth" "$log"
	else
		ktap_contains "that is noticed, to the byte" \
			"content: written to from offset 0x0 on, $BYTES bytes" "$log"
	fi
	deed free
	echo 0 >$POISON
}

ktap_plan 46
if [ "$fate" = blocked ]; then
	ktap_equal "the IOMMU is in strict mode" DMA \
		"$(sort -u /sys/kernel/iommu_groups/*/type)"
else
	ktap_skip "the IOMMU is in strict mode" "there is none"
fi
insmod labyrinth.ko guard=refuse report_burst=1000
check_driver
check_unload
insmod tests/selftests/labyrinth_intruder.ko
insmod tests/selftests/labyrinth_stray.ko
expect_begin
check_mapped
expect_end
stray "that was never mapped for it" take write-phys free
stray "that is not mapped any more" "take map unmap" write free
stray "mapped for the other device" "take map" write-other "unmap free"
stray "that was freed" "take map unmap free" write "again free"
expect_begin
check_poison
expect_end
if [ "$fate" = blocked ]; then
	ktap_contains "the log says which device wrote where" \
		"DMAR: \[DMA Write .*Request device \[(0000:)?00:0[0-9].0\] fault addr 0x" "$(dmesg)"
else
	ktap_skip "the log says which device wrote where" "there is no IOMMU"
fi
rmmod labyrinth_stray
rmmod labyrinth_intruder
ktap_equal "no page is left" "used: 0" "$(grep ^used: $DEBUGFS/table)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
