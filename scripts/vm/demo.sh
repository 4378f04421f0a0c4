#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo, as it runs in the guest: pages in hard interrupts on every CPU, each
# foreign attempt turned down with its errno and report, the owner's own free
# accepted, nothing left at the end.

DEBUGFS=/sys/kernel/debug/labyrinth

say() {
	printf '\n=== %s\n' "$*"
}

failed=0
step() {
	say "$*"
	"$@" || { echo "failed: $*"; failed=1; }
}

# must NUMBER PATTERN: so many of the kernel's messages must match.
must() {
	number=$(dmesg | grep -cE -- "$2")
	echo "$number x $2"
	[ "$number" -eq "$1" ] || { echo "failed: wanted $1"; failed=1; }
}

cpus=$(grep -c ^processor /proc/cpuinfo)
say "this is $(uname -sr) as Debian ships it, with $cpus CPUs"
step insmod labyrinth.ko
say "a driver takes pages in a hard interrupt and a softirq on every CPU"
step insmod samples/labyrinth_sample.ko
sleep 1
say "who owns what"
step cat $DEBUGFS/owners
say "another module wants the driver's page: the reports are the kernel's, live"
step insmod samples/labyrinth_foreign.ko
sleep 1
step cat $DEBUGFS/refusals
say "everything is unloaded again; the owner's own free is accepted"
step rmmod labyrinth_foreign
step rmmod labyrinth_sample
say "what the table holds at the end"
step grep -E "used|limbo" $DEBUGFS/table
step rmmod labyrinth
sleep 1

say "what has been seen"
must "$cpus" "CPU [0-9]+: 1000 pages in hard interrupts, [1-9][0-9]* in softirqs"
must 6 "labyrinth_foreign: (free|transfer|lend|reclaim|release|adopt): -EPERM"
must 1 "labyrinth_foreign: free without a handle: -EINVAL"
must 6 "BUG: labyrinth: foreign-"
must 1 "labyrinth_foreign: 0 of 7 attempts were accepted"
must 1 "the coveted page is untouched, its owner's free gives 0"
must 1 "0 pages were still out at the end"
must 1 "labyrinth: gone"

if [ "$failed" -eq 0 ]; then
	say "demo: passed"
else
	say "demo: FAILED"
fi
exit "$failed"
