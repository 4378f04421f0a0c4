#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Parameters written at run time: a wrong value is refused in one line and changes
# nothing, a right one is read back, and what it has done is said.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
PARAMETERS=/sys/module/labyrinth/parameters

# A parameter, a value that is wrong, and what is then wrong with it.
wrong() {
	cat <<-'END'
		on_refusal	ignore	none of report, warn, panic
		report_burst	-1	no number from 0 to 2147483647
		report_burst	many	no number from 0 to 2147483647
		trace_burst	-5	no number from 0 to 2147483647
		trace_burst	4294967295	no number from 0 to 2147483647
		poison		2	neither 0 nor 1
		trace		maybe	neither 0 nor 1
		stacks		-1	neither 0 nor 1
		unmap_lent	2	neither 0 nor 1
		history		65	no number from 0 to 64
		ahead		-1	no number from 0 to 2147483647
		cached_max	most	no number from 0 to 2147483647
		quarantine	1048577	no number from 0 to 1048576
		patience	-1	no number from 0 to 2147483647
	END
	[ $guard = no ] || cat <<-'END'
		guard		on	none of off, report, refuse
		hunt		probe	not possible, unless guard=refuse has armed the class free
		guard_classes	map,dmb	neither all nor a list of map, fault, vmap, dma, file, free
		guard_classes	,	neither all nor a list of map, fault, vmap, dma, file, free
		guard_classes	all,map	neither all nor a list of map, fault, vmap, dma, file, free
	END
}

# A parameter, a value that is right, and what is read then.
right() {
	cat <<-'END'
		on_refusal	warn	warn
		on_refusal	report	report
		report_burst	0	0
		report_burst	1000	1000
		trace_burst	5	5
		poison		1	Y
		poison		1	Y
		poison		0	N
		stacks		y	Y
		stacks		off	N
		unmap_lent	1	Y
		unmap_lent	0	N
		trace		on	Y
		trace		0	N
		ahead		32	32
		ahead		0	0
		cached_max	64	64
		cached_max	4096	4096
		patience	5	5
	END
	[ $guard = no ] || cat <<-'END'
		guard_classes	free,map	map,free
		guard_classes	all	map,fault,vmap,dma,file,free
		guard		report	report
		guard		off	off
	END
}

write() { echo "$2" >"$PARAMETERS/$1"; }
said() { dmesg_since "$mark" | sed 's/^\[[^]]*\] *//'; }
nr_hooks() { sed 1d $DEBUGFS/guard | awk -v re="$1" '$0 ~ " " re " +hits="' | wc -l; }

check_wrong() {
	before=$(cat "$PARAMETERS/$1")
	mark=$(dmesg_mark)
	ktap_refuse "$1: '$2' is refused" write "$1" "$2"
	ktap_equal "$1: '$2' is refused in one line" "labyrinth: $1=$2 is $3" "$(said)"
	ktap_equal "$1: '$2' changes nothing" "$before" "$(cat "$PARAMETERS/$1")"
}

check_right() {
	write "$1" "$2"
	ktap_equal "$1: '$2' is accepted" "$3" "$(cat "$PARAMETERS/$1")"
}

check_empty() {
	mark=$(dmesg_mark)
	ktap_refuse "guard_classes: nothing is refused" write guard_classes ""
	ktap_contains "guard_classes: nothing is refused in a line" \
		"^labyrinth: guard_classes= is neither" "$(said)"
}

# The counts in dmesg are those of the hooks' states.
check_armed() {
	write guard_classes map,dma
	mark=$(dmesg_mark)
	write guard report
	none="not in this kernel"
	ktap_contains "arming says what is armed" \
		"^labyrinth: guard: report, hooks armed: $(nr_hooks armed) of the classes map,dma; failed: 0, $none: [0-9]+$" \
		"$(said)"
	ktap_check "and that is not nothing" test "$(nr_hooks armed)" -gt 5
	write guard_classes all
	ktap_contains "so does a change of the classes" \
		"hooks armed: $(nr_hooks armed) of the classes map,fault,vmap,dma,file,free; failed: 0, $none: $(nr_hooks "$none")$" \
		"$(said)"
	ktap_lacks "no state is a word that is not explained" " missing " "$(cat $DEBUGFS/guard)"
	mark=$(dmesg_mark)
	write guard off
	ktap_equal "disarming says so" "labyrinth: guard: off" "$(said)"
}

check_rounding() {
	mark=$(dmesg_mark)
	insmod labyrinth.ko max_owners=9
	ktap_contains "a number of owners that is rounded is said" \
		"^labyrinth: max_owners=9 is rounded up to 16$" "$(said)"
	ktap_equal "and can be read" 16 "$(cat $PARAMETERS/max_owners)"
	rmmod labyrinth
	mark=$(dmesg_mark)
	insmod labyrinth.ko max_owners=8
	ktap_lacks "one that is not is not" "rounded" "$(said)"
	rmmod labyrinth
	mark=$(dmesg_mark)
	insmod labyrinth.ko
	ktap_lacks "nor is the default" "rounded|guard" "$(said)"
}

guard=yes
insmod labyrinth.ko
[ -e $PARAMETERS/guard ] || guard=no
rmmod labyrinth
wrong >/tmp/wrong
right >/tmp/right
plan=$((3 * $(wc -l </tmp/wrong) + $(wc -l </tmp/right) + 4 + 1))
[ $guard = no ] || plan=$((plan + 2 + 5))
ktap_plan $plan
check_rounding
while read -r parameter value why; do
	check_wrong "$parameter" "$value" "$why"
done </tmp/wrong
while read -r parameter value got; do
	check_right "$parameter" "$value" "$got"
done </tmp/right
if [ $guard = yes ]; then
	check_empty
	check_armed
fi
ktap_check "the module unloads" rmmod labyrinth
ktap_end
