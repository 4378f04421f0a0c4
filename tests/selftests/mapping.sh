#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Owners map their own pages, with the guard refusing everybody else: for DMA, into
# the kernel, into a process. Each step's errno; that what is not theirs, or not so,
# is refused and said; and what becomes of it when the owner goes.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
MAPPER=/sys/kernel/debug/labyrinth_mapper
PROCESS="${0%/*}/user/mapper"
TRACING=/sys/kernel/tracing
GUARD=/sys/module/labyrinth/parameters/guard
DMA_STEPS=47
VMAP_STEPS=20
LEAVE_STEPS=1
ROB_STEPS=9
PROCESS_STEPS=59
MISTAKES=4
SEALED=3
ADOPT_STEPS=2
FILE_STEPS=3

# run_steps FILE: a result for each of its lines.
run_steps() {
	cat "$MAPPER/$1" >"/tmp/$1"
	while read -r verdict got wanted name; do
		[ "$verdict" = ok ] || ktap_diag "it gave $got, not $wanted"
		ktap_check "$1: $name" [ "$verdict" = ok ]
	done <"/tmp/$1"
}

set_events() {
	echo "$1" >$TRACING/events/labyrinth/page_map/enable
	echo "$1" >$TRACING/events/labyrinth/page_unmap/enable
}

traced() { grep -c "$1: pfn=.* owner=process " $TRACING/trace; }

run_process() {
	echo >$TRACING/trace
	set_events 1
	"$PROCESS" >/tmp/process
	set_events 0
	while read -r verdict name; do
		ktap_check "process: $name" [ "$verdict" = ok ]
	done </tmp/process
	ktap_check "process: pages were mapped" test "$(traced page_map)" -gt 0
	ktap_equal "process: the trace has the end of each mapping" \
		"$(traced page_map)" "$(traced page_unmap)"
}

# Limbo is looked at once a second.
wait_until_used() {
	for _ in $(seq 30); do
		[ "$(grep ^used: "$DEBUGFS/table")" != "used: $1" ] || return 0
		sleep 1
	done
	cat "$DEBUGFS/pages"
	return 1
}

tags_of() { grep -c "^0x[0-9a-f]* [0-9]* $1 $2" $DEBUGFS/pages; }

# What a process chooses wrongly is its own fault, and not for the driver's log.
run_mistakes() {
	mark=$(dmesg_mark)
	"$PROCESS" mistakes >/tmp/mistakes
	while read -r verdict name; do
		ktap_check "mistakes: $name" [ "$verdict" = ok ]
	done </tmp/mistakes
	ktap_lacks "mistakes: none is reported" "BUG: labyrinth" "$(dmesg_since "$mark")"
}

run_sealed() {
	if [ "$(uname -m)" != x86_64 ]; then
		for _ in $(seq $SEALED); do
			ktap_skip "sealed" "pages are sealed on x86-64 only"
		done
		return
	fi
	echo 1 >/sys/module/labyrinth_mapper/parameters/sealed
	"$PROCESS" sealed >/tmp/sealed
	echo 0 >/sys/module/labyrinth_mapper/parameters/sealed
	while read -r verdict name; do
		ktap_check "sealed: $name" [ "$verdict" = ok ]
	done </tmp/sealed
}

# Only what a memory cgroup other than the root's allocates is charged.
enter_cgroup() {
	mkdir -p /tmp/cgroup
	mount -t cgroup2 none /tmp/cgroup
	echo +memory >/tmp/cgroup/cgroup.subtree_control
	mkdir -p /tmp/cgroup/adopter
	echo $$ >/tmp/cgroup/adopter/cgroup.procs
}

leave_cgroup() {
	echo $$ >/tmp/cgroup/cgroup.procs
	rmdir /tmp/cgroup/adopter
	umount /tmp/cgroup
}

ktap_plan $((DMA_STEPS + VMAP_STEPS + PROCESS_STEPS + LEAVE_STEPS + ROB_STEPS + MISTAKES + SEALED + ADOPT_STEPS + FILE_STEPS + 26))
insmod labyrinth.ko guard=refuse report_burst=1000
insmod tests/selftests/labyrinth_mapper.ko
run_mistakes
expect_begin
enter_cgroup
run_steps adopt
run_steps file
leave_cgroup
mark=$(dmesg_mark)
run_steps dma
log=$(dmesg_since "$mark")
ktap_contains "a free while mapped is reported with the mapping" \
	"mapped:  for DMA, 4096 bytes at 0x[0-9a-f]*, from the device, by map_whole" "$log"
ktap_contains "a mismatching unmap is reported" \
	"BUG: labyrinth: bad-mapping-unmap in .*\[labyrinth_mapper\]" "$log"
ktap_contains "with what was asked for" \
	"asked:   512 bytes at 0x[0-9a-f]*, from the device" "$log"
ktap_contains "or of what is not mapped any more, with who unmapped it last" \
	"unmap:   last by (unmap_part|run_steps[a-z.0-9]*)\+.*\[labyrinth_mapper\], " "$log"
ktap_contains "a wrong device is reported with the right one" \
	"device:  labyrinth_mapper.1; the owner's is labyrinth_mapper.0" "$log"
ktap_contains "what is no device is said to be none" \
	"device:  no device; the owner's is labyrinth_mapper.0" "$log"
run_steps vmap
run_process
ktap_contains "who lends a page that a process has mapped is told so" \
	"mapped:  into process mapper:[0-9]+ at 0x[0-9a-f]*, by mapper_mmap" "$(dmesg_since "$mark")"
ktap_contains "who maps by a copy of the VMA is told so at once" \
	"BUG: labyrinth: wrong-vma-map in mmap_by_copy" "$(dmesg_since "$mark")"
ktap_contains "or when it is found out" " noticed: during map" "$(dmesg_since "$mark")"
ktap_lacks "nothing else is said" "Bad page|WARNING|Oops|rss-counter" "$(dmesg_since "$mark")"
run_sealed
mark=$(dmesg_mark)
run_steps leave
ktap_contains "the first that is met is reported with its mapping" \
	"mapped:  (for DMA, 4096 bytes|into the kernel at)" "$(dmesg_since "$mark")"
ktap_contains "each is named with its mapping" \
	"labyrinth:   2 MAPPED, mapped into the kernel by .*\[labyrinth_mapper\], allocated at" \
	"$(dmesg_since "$mark")"
ktap_equal "as it was before any of them ended" 3 \
	"$(dmesg_since "$mark" | grep -c 'pfn 0x[0-9a-f]*, MAPPED for')"
ktap_contains "what is lost for good is said first" \
	"labyrinth:   for good: 1 MAPPED, mapped for DMA by .*\[labyrinth_mapper\], allocated at" \
	"$(dmesg_since "$mark" | grep -A 1 'of its pages are out or in limbo')"
ktap_contains "and stays said of what is in limbo" \
	"^[0-9]+ leaver 1 LIMBO, mapped for DMA when the owner went, .*in limbo for" \
	"$(cat $DEBUGFS/sites)"
ktap_equal "what a device may still write to stays in limbo" 1 "$(tags_of leaver LIMBO)"
ktap_equal "the others do not" 1 "$(tags_of leaver '')"
# The guard would see to it that nobody gets the page again.
[ ! -e $GUARD ] || echo off >$GUARD
mark=$(dmesg_mark)
run_steps rob
ktap_contains "a page that was away is reported" "BUG: labyrinth: corrupt-refill" \
	"$(dmesg_since "$mark")"
sleep 2
ktap_equal "what a device may still write to stays in limbo, too" 1 "$(tags_of robbed LIMBO)"
expect_end
ktap_check "the mapper unloads" rmmod labyrinth_mapper
ktap_check "no page else is left" wait_until_used 2
mark=$(dmesg_mark)
ktap_check "the module unloads" rmmod labyrinth
ktap_contains "and says what it leaves" "2 pages are still referred to" \
	"$(dmesg_since "$mark")"
leave_pages 2
ktap_end
