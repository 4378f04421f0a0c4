#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest of scripts/drgn.sh, before the panic: makes some mistakes, and prints what debugfs
# says of them, and what scripts/labyrinth-drgn.py reads from the living kernel.

export PATH="$PATH:/usr/bin"
DEBUGFS=/sys/kernel/debug/labyrinth
DO=/sys/kernel/debug/labyrinth_symptoms/do

ask() { python3 extra/labyrinth-drgn.py --module labyrinth.ko "$@"; }

section() {
	echo "== $*"
	shift
	"$@" 2>&1
}

echo 4 >/sys/module/labyrinth/parameters/history
insmod tests/selftests/labyrinth_symptoms.ko
for word in xdp double-free unmap-size hold; do
	echo $word 2>/dev/null >$DO
done
page=$(awk '$3 == "rx0" && $4 == "HELD" { print $1 }' $DEBUGFS/pages)
for what in sites refusals; do
	section "debugfs-$what" cat $DEBUGFS/$what
	section "live-$what" ask $what
done
section live-owners ask owners
section "live-page $page" ask page "$page"
section live-reports ask reports
echo "== end"
