#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Bring-up tracing: tracepoints, trace=1 and dynamic debug tell every step, also
# of an owner whose pages take the fast path while nobody watches.

. "${0%/*}/ktap.sh"

DO=/sys/kernel/debug/labyrinth_probe/do
TRACING=/sys/kernel/tracing
CONTROL=/sys/kernel/debug/dynamic_debug/control
EVENTS="page_refill page_alloc page_free page_transfer page_release page_adopt
	page_lend page_reclaim page_return page_limbo owner_create owner_destroy"
MORE_EVENTS="page_map page_vmap page_dma page_unmap page_rx_get page_rx_give page_rx_put
	alloc_failed refusal"

all_steps() {
	for word in "hold 40" transfer release lend put reclaim "drop 40" "hold 2" lend \
		destroy put "hold 200" "drop 200"; do
		echo "$word" >"$DO" || return
	done
}

check_events() {
	echo 1 >$TRACING/events/labyrinth/enable
	ktap_check "every kind of step is taken ($1)" all_steps
	sleep 2
	echo 0 >$TRACING/events/labyrinth/enable
	cp $TRACING/trace /tmp/trace
	echo >$TRACING/trace
	for event in $EVENTS; do
		pattern="$event: .*owner_id=[0-9]+ owner=(probe|other)"
		case $event in
		page_*) pattern="$event: pfn=0x[0-9a-f]+ owner_id=[0-9]+ owner=(probe|other)" ;;
		esac
		ktap_check "labyrinth:$event names page and owner ($1)" \
			grep -qE "$pattern" /tmp/trace
	done
	ktap_equal "each page handed out is traced ($1)" 40 \
		"$(sed '/page_free:/,$d' /tmp/trace | grep -c "page_alloc:.*do_hold")"
}

# check_alone EVENT NUMBER WORD...: what has a short way is told, so many times, also if
# nobody asks for more.
check_alone() {
	event=$1 number=$2
	shift 2
	echo >$TRACING/trace
	echo 1 >"$TRACING/events/labyrinth/$event/enable"
	for word; do
		echo "$word" >"$DO"
	done
	echo 0 >"$TRACING/events/labyrinth/$event/enable"
	ktap_equal "labyrinth:$event alone is told" "$number" \
		"$(grep -c "$event: pfn=0x" $TRACING/trace)"
}

check_each_alone() {
	check_alone page_alloc 2 "hold 2"
	check_alone page_lend 1 lend
	echo put >"$DO"
	check_alone page_reclaim 1 reclaim
	check_alone page_free 2 "drop 2"
	check_alone page_dma 4 "dma-map 100"
	check_alone page_unmap 4 "dma-map 100"
}

# Three pages in and out: six lines, whatever else there is.
check_lines() {
	mark=$(dmesg_mark)
	echo "hold 3" >"$DO"
	echo "drop 3" >"$DO"
	ktap_equal "$1: a line for each page handed out ($2)" 3 "$(dmesg_since "$mark" |
		grep -cE "labyrinth: alloc pfn 0x[0-9a-f]+ owner probe \(id [0-9]+\) from do_hold")"
	ktap_equal "$1: a line for each page given back ($2)" 3 "$(dmesg_since "$mark" |
		grep -cE "labyrinth: free pfn 0x[0-9a-f]+ owner probe \(id [0-9]+\) from do_drop")"
}

check_silence() {
	mark=$(dmesg_mark)
	echo "hold 3" >"$DO"
	echo "drop 3" >"$DO"
	ktap_lacks "$1: no line any more ($2)" "labyrinth: (alloc|free)" \
		"$(dmesg_since "$mark")"
}

check_trace_parameter() {
	echo 1 >/sys/module/labyrinth/parameters/trace
	check_lines trace=1 "$1"
	sleep 1.2
	mark=$(dmesg_mark)
	echo "hold 300" >"$DO"
	sleep 1.2
	echo "drop 300" >"$DO"
	ktap_contains "trace=1: dmesg says how many lines were left out ($1)" \
		"labyrinth: [0-9]+ callbacks suppressed" "$(dmesg_since "$mark")"
	echo 0 >/sys/module/labyrinth/parameters/trace
	check_silence trace=0 "$1"
}

check_dynamic_debug() {
	echo "module labyrinth +p" >$CONTROL
	sleep 2.5
	check_lines "dynamic debug" "$1"
	echo "module labyrinth -p" >$CONTROL
	sleep 2.5
	check_silence "dynamic debug off" "$1"
}

# trace=1 from the first moment: the owners, what they keep ready in a line for each batch, and
# room for the driver's own steps.
check_first_second() {
	insmod labyrinth.ko trace=1
	mark=$(dmesg_mark)
	insmod tests/selftests/labyrinth_probe.ko
	echo "hold 3" >"$DO"
	log=$(dmesg_since "$mark")
	ktap_contains "trace=1 tells of an owner's creation, and of what it keeps" \
		"labyrinth: owner other \(id [0-9]+\) of module labyrinth_probe created, 64 pages in reserve" \
		"$log"
	ktap_contains "a reserve is filled in one line" \
		"labyrinth: refill 64 pages owner other \(id [0-9]+\) from " "$log"
	ktap_equal "which leaves room: of the pages handed out, all are told" 3 \
		"$(echo "$log" | grep -c "labyrinth: alloc pfn .* owner probe")"
	ktap_equal "in few lines" 1 "$(($(echo "$log" | grep -c "labyrinth: ") < 12))"
	sleep 1.2
	mark=$(dmesg_mark)
	rmmod labyrinth_probe
	ktap_contains "and of an owner's end" \
		"labyrinth: owner probe \(id [0-9]+\) of module labyrinth_probe destroyed, 0 pages were out" \
		"$(dmesg_since "$mark")"
	rmmod labyrinth
}

# What a format's arguments hold beside fields of the record, casts and numbers: a
# function or an enum, which nobody outside the kernel can read.
unreadable() {
	sed -n 's/^print fmt: "[^"]*", //p' "$1" |
		sed 's/REC->[a-z_]*//g; s/(void \*)//g; s/[0-9(),. ]//g'
}

check_formats() {
	bad=
	for format in "$TRACING"/events/labyrinth/*/format; do
		[ -z "$(unreadable "$format")" ] || bad="$bad $format: $(unreadable "$format")"
	done
	ktap_equal "every event can be read outside the kernel" "" "$bad"
	ktap_equal "of which there are" "$(echo "$EVENTS $MORE_EVENTS" | wc -w)" \
		"$(find "$TRACING/events/labyrinth" -name format | wc -l)"
}

trace_on
ktap_plan $((5 + 2 * (14 + 6 + 4 + 3) + 2 + 2))
check_first_second
for single in 0 1; do
	insmod labyrinth.ko
	insmod tests/selftests/labyrinth_probe.ko single=$single
	# The owners of before the tracing are there already.
	echo 1 >$TRACING/events/labyrinth/owner_create/enable
	expect_begin
	check_events single=$single
	check_each_alone
	expect_end
	check_trace_parameter single=$single
	check_dynamic_debug single=$single
	rmmod labyrinth_probe
	[ $single = 0 ] || check_formats
	[ $single = 1 ] || rmmod labyrinth
done
echo 1 >$TRACING/events/labyrinth/enable
echo 1 >/sys/module/labyrinth/parameters/trace
ktap_check "the module unloads while it is traced" rmmod labyrinth
ktap_check "and loads again" insmod labyrinth.ko
rmmod labyrinth
ktap_end
