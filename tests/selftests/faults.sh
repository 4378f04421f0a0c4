#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that fails: each operation with its first, its second, ... allocation
# failing until there is none left to fail; and everybody's allocations failing at
# random while pages are handed out in hard interrupts. Whatever comes of it, no
# page is lost and everything works afterwards.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
SEALED=/sys/kernel/debug/labyrinth_sealed/do
PARAMETERS=/sys/module/labyrinth/parameters
SLAB=/sys/kernel/debug/failslab
PAGES=/sys/kernel/debug/fail_page_alloc
NTH="${0%/*}/user/nth"

if [ ! -e /proc/self/fail-nth ] || [ ! -e $SLAB ] || [ ! -e $PAGES ]; then
	ktap_skip_all "this kernel has no fault injection"
fi

# inject PROBABILITY WAIT: WAIT=N lets those fail as well that may sleep.
inject() {
	for dir in $SLAB $PAGES; do
		echo 0 >"$dir/verbose"
		echo -1 >"$dir/times"
		echo "$2" >"$dir/ignore-gfp-wait"
		echo "$1" >"$dir/probability"
	done
	echo N >$PAGES/ignore-gfp-highmem
	echo 0 >$PAGES/min-order
}

nothing() { :; }
used() { sed -n 's/^used: //p' "$DEBUGFS/table"; }
owners() { grep -c . "$DEBUGFS/owners"; }

set_said() { errno=$1 count=$2 how=$3; }

# sweep NAME UNDO DEED...: two results. UNDO brings back what there was before; it
# runs after each try, and its failure is one of the deed. $first is the first
# allocation to fail.
sweep() {
	name=$1 undo=$2
	shift 2
	nth=$first failed=0 wrong=
	until [ "$nth" -ge 2000 ]; do
		# shellcheck disable=SC2046 # three words
		set_said $("$NTH" "$nth" "$@")
		case $errno in
		0) ;;
		ENOMEM | ENOSPC) failed=$((failed + 1)) ;;
		*) wrong="$wrong $nth:$errno" ;;
		esac
		"$undo" || wrong="$wrong $nth:$undo"
		[ "$how" = injected ] || break
		nth=$((nth + 1))
	done
	ktap_diag "$name: $((nth - first)) allocations, of which $failed are needed"
	ktap_equal "$name: no failure but for want of memory, and none has an effect" "" "$wrong"
	ktap_equal "$name: without a failure it works" "0 whole" "$errno $how"
}

# sweep_load NAME UNDO MODULE PARAMETER WRONG: of a load, the kernel's own
# allocations, which are many, are let alone. They are about all that a load makes
# whose init finds the parameter WRONG; a few of them come when it is undone.
sweep_load() {
	# shellcheck disable=SC2046
	set_said $("$NTH" 100000 load "$3" "$5")
	first=$((count - 10))
	sweep "$1" "$2" load "$3" "$4"
	first=1
}

undo_load() { ! module_loaded labyrinth || rmmod labyrinth; }

# The owners of the probe are gone with it, and so are their pages.
undo_probe() {
	! module_loaded labyrinth_probe || rmmod labyrinth_probe || return
	[ "$(owners)" -eq 0 ] && [ "$(used)" -eq 0 ]
}

# Whatever pages are held are dropped, and what is cached goes back: so the next
# try needs the page allocator again.
undo_pages() {
	echo "drop 1000" >$DO && echo 2 >/proc/sys/vm/drop_caches
	! grep -q " HELD " $DEBUGFS/pages
}

undo_guard() {
	echo off >$PARAMETERS/guard && [ "$(cat $PARAMETERS/guard)" = off ]
}

armed() { grep -c ' armed ' $DEBUGFS/guard; }

# A hook that could not be armed for want of memory can be later. One class, for to
# arm and disarm all of them takes seconds each time.
sweep_guard() {
	echo fault >$PARAMETERS/guard_classes
	echo refuse >$PARAMETERS/guard
	all=$(armed)
	undo_guard
	sweep "arming the guard" undo_guard write $PARAMETERS/guard refuse
	echo refuse >$PARAMETERS/guard
	ktap_equal "every hook can be armed afterwards" "$all" "$(armed)"
	undo_guard
}

sweep_probe() {
	insmod tests/selftests/labyrinth_probe.ko
	sweep "handing out 300 pages" undo_pages write $DO "hold 300"
	echo 1 >$PARAMETERS/stacks
	sweep "handing out with stacks" undo_pages write $DO "hold 40"
	echo 0 >$PARAMETERS/stacks
	for word in transfer release; do
		echo hold >$DO
		sweep "$word" nothing write $DO $word
		undo_pages
	done
	echo hold >$DO
	for file in owners pages table refusals guard; do
		sweep "reading $file" nothing read $DEBUGFS/$file
	done
	undo_pages
	rmmod labyrinth_probe
}

undo_sealed() {
	echo one-end >"$SEALED" && grep -q "^pages: 0$" "$DEBUGFS/sealed"
}

# sealed_faults.sh makes each step fail; here it is every allocation of the kernel's.
sweep_sealed() {
	if [ ! -e tests/selftests/labyrinth_sealed.ko ]; then
		ktap_skip "making a sealed owner" "pages are sealed on x86-64 only"
		ktap_skip "making a sealed owner works" "pages are sealed on x86-64 only"
		return
	fi
	insmod tests/selftests/labyrinth_sealed.ko
	sweep "making a sealed owner" undo_sealed write $SEALED one
	rmmod labyrinth_sealed
}

# The kernel asks for a little memory that may not wait itself, to load a module.
load_sample() {
	for _ in 1 2 3 4 5 6 7 8; do
		! insmod samples/labyrinth_sample.ko interrupts=500 2>/dev/null || return 0
	done
	return 1
}

# In hard interrupts: half of all allocations that may not wait fail.
check_interrupts() {
	insmod tests/selftests/labyrinth_probe.ko
	inject 50 Y
	mark=$(dmesg_mark)
	ktap_check "a module that uses Labyrinth can be loaded" load_sample
	echo hammer >$DO
	for _ in 1 2 3 4 5 6 7 8; do
		echo "hold 200" >$DO
		echo "drop 1000" >$DO
		echo 2 >/proc/sys/vm/drop_caches
	done 2>/tmp/refused
	inject 0 Y
	ktap_diag "$(wc -l </tmp/refused) of 8 times, there were no 200 pages"
	ktap_check "hard interrupts that want one page at a time get it" sh -c "echo rest >$DO"
	rmmod labyrinth_sample
	ktap_contains "the sample has no page left" "0 pages were still out" "$(dmesg_since "$mark")"
	ktap_check "what is held is given back" undo_pages
	ktap_check "and pages are handed out as ever" sh -c "echo hold 300 >$DO"
	undo_pages
	ktap_check "nothing is left of it all" undo_probe
}

ktap_plan 34
first=1
inject 0 N
sweep_load "loading" undo_load labyrinth.ko capacity=200 max_owners=4294967295
insmod labyrinth.ko report_burst=1000
expect_begin
sweep_load "loading a driver" undo_probe tests/selftests/labyrinth_probe.ko single=0 nid=1000
sweep_probe
sweep_guard
sweep_sealed
expect_end
check_interrupts
ktap_check "the module unloads" rmmod labyrinth
ktap_end
