#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# With poison=1 a write to a page that is cached is noticed when the page is handed
# out, with offset and bytes; of ordinary and of SINGLE owners; switched at run time.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
POISON=/sys/module/labyrinth/parameters/poison
NOTICED="BUG: labyrinth: stray-write-alloc"

# said WORD: what dmesg says while the probe does it.
said() {
	mark=$(dmesg_mark)
	echo "$1" >$DO || echo "failed: $1"
	dmesg_since "$mark"
}

strays() { sed -n 's/^stray-write: //p' $DEBUGFS/refusals; }

# many pages go round, and none is written to by others.
rounds() {
	for _ in $(seq 20); do
		echo "hold 100" >$DO && echo "drop 100" >$DO || return
	done
}

check() {
	log=$(said "stray-write 5")
	ktap_contains "$1: a stray write is noticed" \
		"$NOTICED in do_stray_write.*\[labyrinth_probe\]" "$log"
	ktap_contains "$1: with its offset, its length and its bytes" \
		"content: written to from offset 0x123 on, 5 bytes, the first are 73 74 72 61 79" "$log"
	ktap_contains "$1: and who owns the page" 'owner:   "probe" \(id [0-9]+\) of module labyrinth_probe' "$log"
	ktap_contains "$1: one byte is enough" "offset 0x123 on, 1 bytes, the first are 73" \
		"$(said "stray-write 1")"
	before=$(strays)
	ktap_check "$1: pages go round" rounds
	echo "hammer" >$DO
	sleep 1
	echo "rest" >$DO
	ktap_equal "$1: nothing is noticed where nobody strays" "$before" "$(strays)"
}

check_zero() {
	name="zero: a write to a page that came zeroed is noticed"
	if [ -e /sys/kernel/debug/page_owner ]; then
		ktap_skip "$name" "with page_owner no page comes that is not handed out"
		ktap_skip "zero: and the page is handed out zeroed" "the same"
		return
	fi
	insmod tests/selftests/labyrinth_probe.ko zero=1
	log=$(said "stray-fresh 5")
	ktap_contains "$name" \
		"content: written to from offset 0x123 on, 5 bytes, the first are 73 74 72 61 79" \
		"$log"
	ktap_lacks "zero: and the page is handed out zeroed" "failed: " "$log"
	rmmod labyrinth_probe
}

ktap_plan 20
insmod labyrinth.ko report_burst=1000
insmod tests/selftests/labyrinth_probe.ko
expect_begin
ktap_lacks "without poison nothing is noticed" "$NOTICED" "$(said "stray-write 5")"
rounds
ktap_check "it can be switched on" sh -c "echo 1 >$POISON"
ktap_check "what was cached before is not looked at" rounds
ktap_equal "so nothing is noticed" 0 "$(strays)"
check any
ktap_check "it can be switched off" sh -c "echo 0 >$POISON"
ktap_lacks "then nothing is noticed" "$NOTICED" "$(said "stray-write 5")"
rmmod labyrinth_probe
echo 1 >$POISON
insmod tests/selftests/labyrinth_probe.ko single=1
check single
rmmod labyrinth_probe
check_zero
expect_end
rmmod labyrinth
ktap_end
