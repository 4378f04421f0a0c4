#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Owners map their own pages, with the guard refusing everybody else: for DMA. Each
# step's errno, and that what is not theirs, or not so, is refused and said.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
MAPPER=/sys/kernel/debug/labyrinth_mapper
DMA_STEPS=42

# run_steps FILE: a result for each of its lines.
run_steps() {
	while read -r verdict got wanted name; do
		[ "$verdict" = ok ] || ktap_diag "it gave $got, not $wanted"
		ktap_check "$1: $name" [ "$verdict" = ok ]
	done <"/tmp/$1"
}

ktap_plan $((DMA_STEPS + 8))
insmod labyrinth.ko guard=refuse report_burst=1000
insmod tests/selftests/labyrinth_mapper.ko
expect_begin
mark=$(dmesg_mark)
cat $MAPPER/dma >/tmp/dma
expect_end
log=$(dmesg_since "$mark")
run_steps dma
ktap_contains "a free while mapped is reported with the mapping" \
	"mapped:  for DMA, 4096 bytes at 0x[0-9a-f]*, from the device, by map_whole" "$log"
ktap_contains "a mismatching unmap is reported" \
	"BUG: labyrinth: bad-mapping-unmap in .*[labyrinth_mapper]" "$log"
ktap_contains "with what was asked for" \
	"asked:   512 bytes at 0x[0-9a-f]*, from the device" "$log"
ktap_contains "a wrong device is reported with the right one" \
	"device:  .*; the owner's is labyrinth_mapper.0" "$log"
ktap_lacks "nothing else is said" "Bad page|WARNING|Oops" "$log"
ktap_check "the mapper unloads" rmmod labyrinth_mapper
ktap_contains "no page is left" "used: 0" "$(cat $DEBUGFS/table)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
