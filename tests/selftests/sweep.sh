#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every call of the kernel's that can fail is made to, in everything that Labyrinth
# does: first the first one, then the second, and so on until there is none any more;
# each alone (but for loading), and once more with all that follow it. Each time, what
# is tried may be refused, but nothing may be left of it: no page, no object, no
# registration, no tag, no owner.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_probe/do
FAIL=/sys/module/labyrinth_fail/parameters
PARAMETERS=/sys/module/labyrinth/parameters
ALL=1000000

# What is tried, how it is undone, and the fewest calls that can fail in it.
operations() {
	cat <<-'END'
		load			unload		20
		guard_on		guard_off	6
		guard_classes		guard_all	1
		stacks_on		stacks_off	2
		read_owners		true		1
		do_create		true		10
		do_create-single	true		9
		do_take			true		1
		do_take-single		true		1
		do_take-reserved	true		10
		do_bulk			true		2
		do_journey		true		1
		do_vmap			true		5
		do_dma-map		true		9
		mmap_once		true		3
		receive			true		20
	END
}

load() { insmod labyrinth.ko guard=refuse guard_classes=vmap stacks=1 trace=1; }
unload() { [ ! -e "$PARAMETERS" ] || rmmod labyrinth; }
guard_on() { echo refuse >"$PARAMETERS"/guard; }
guard_off() { echo off >"$PARAMETERS"/guard; }
guard_classes() { echo map,fault,vmap >"$PARAMETERS"/guard_classes; }
guard_all() { echo vmap >"$PARAMETERS"/guard_classes; }
stacks_on() { echo 1 >"$PARAMETERS"/stacks && do_word take; }
stacks_off() { echo 0 >"$PARAMETERS"/stacks; }
read_owners() { cat "$DEBUGFS"/owners; }
receive() { echo sweep >/sys/kernel/debug/labyrinth_receive/do; }
mmap_once() { "${0%/*}/user/mapper" once; }
do_word() { echo "$1 9" >$DO; }

# try OPERATION: by its name.
try() {
	case $1 in
	do_*) do_word "${1#do_}" ;;
	*) "$1" ;;
	esac >/dev/null 2>&1
}

# What must be the same after each operation. The owners' counts of what failed grow.
state() {
	read -r owed <$FAIL/owed
	echo "owed $owed"
	[ -e $DEBUGFS ] || return
	grep -E "^(used|limbo):" $DEBUGFS/table
	sed 's/ fail_.*//' $DEBUGFS/owners
}

# fail_nth OPERATION UNDO N TIMES: whether anything failed.
fail_nth() {
	echo "$4" >$FAIL/times
	echo "$3" >$FAIL/nth
	if try "$1"; then
		result=0
	else
		result=1
	fi
	read -r failed <$FAIL/failed
	read -r last <$FAIL/last
	echo 0 >$FAIL/nth
	"$2" || complain "$1: what call $3 ($last) left cannot be undone"
	[ "$failed" -gt 0 ] || return
	refused=$((refused + result))
	after=$(state)
	[ "$after" != "$before" ] || return 0
	complain "$1: call $3 ($last) failed, left is: $(echo "$after" | tr '\n' ' ')"
	before=$after
}

complain() {
	ktap_diag "$*"
	bad=$((bad + 1))
}

# sweep OPERATION UNDO FEWEST: two results.
sweep() {
	bad=0 refused=0 injected=0
	before=$(state)
	modes="1 $ALL"
	# It takes long, and where one call alone fails, insmod just tries again.
	[ "$1" != load ] || modes=$ALL
	for times in $modes; do
		n=1
		while fail_nth "$1" "$2" "$n" "$times"; do
			n=$((n + 1))
		done
		injected=$((injected + n - 1))
		[ "$result" -eq 0 ] || complain "$1: refused with nothing failing"
	done
	total=$((total + injected))
	ktap_diag "$1: $((n - 1)) calls, $injected failures injected, $refused refused"
	ktap_equal "$1: whatever fails, nothing is left" 0 "$bad"
	ktap_check "$1: at least $3 calls were made to fail" test $((n - 1)) -ge "$3"
}

[ -e tests/selftests/labyrinth_fail.ko ] || ktap_skip_all "no probes here"

total=0
operations >/tmp/operations
ktap_plan $((2 * $(wc -l </tmp/operations) + 1))
insmod tests/selftests/labyrinth_fail.ko
ktap_diag "not in this kernel: $(cat $FAIL/missing)"
while read -r operation undo fewest; do
	# All but the first are done to a module that is there.
	case $operation in
	load) ;;
	*)
		if [ ! -e "$PARAMETERS" ]; then
			insmod labyrinth.ko guard_classes=vmap
			insmod tests/selftests/labyrinth_probe.ko
			insmod tests/selftests/labyrinth_mapper.ko
			insmod tests/selftests/labyrinth_receive.ko
			# What the first owner of the kind brings stays.
			receive
		fi
		;;
	esac
	sweep "$operation" "$undo" "$fewest"
done </tmp/operations
ktap_diag "$total failures injected"
rmmod labyrinth_receive
rmmod labyrinth_mapper
rmmod labyrinth_probe
rmmod labyrinth
read -r owed <$FAIL/owed
ktap_equal "unloaded, it owes nothing" 0 "$owed"
rmmod labyrinth_fail
ktap_end
