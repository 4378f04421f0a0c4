#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: what a received frame costs while labyrinth_watch follows no module, another
# module, and the sample driver. A line for each source of the driver's pages and each size: as
# nic/cost.sh prints them, with the three costs of sending and receiving, and of sending alone.

. "${0%/*}/wire.sh"

# The clock's interrupts are further apart than so many small frames take, and a CPU takes as many
# pages from the page allocator, in a few goes: of so many runs some have the least of both. In turns,
# since what a frame costs depends a little on what the machine has done before.
COUNT=126
RUNS=$(seq 8)
ROUNDS=$(seq 6)
NOBODY=10.0.0.9
WATCH=/sys/module/labyrinth_watch/parameters/watch

# ticks NAME COMMAND...: of some runs, into a file of that name.
ticks() {
	name=$1
	shift
	for _ in $RUNS; do
		"$@" | sed -n 's/.*ticks \([0-9]*\).*/\1/p'
	done >>"/tmp/ticks.$name"
}

# measure NAME SIZE: warmed up, so that pages have gone all the way round.
measure() {
	"$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$2" >/dev/null
	ticks "$1.both" "$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$2"
	ticks "$1.send" "$USER_DIR/traffic" blast $NOBODY $COUNT "$2"
}

# take_turns SIZE
take_turns() {
	rm -f /tmp/ticks.*
	for _ in $ROUNDS; do
		for whom in "" labyrinth_other labyrinth_nic; do
			echo "$whom" >$WATCH || return
			measure "${whom:-nobody}" "$1"
		done
	done
	echo >$WATCH
}

# least NAME: of receiving and sending, and of sending alone.
least() {
	for what in both send; do
		sort -n "/tmp/ticks.$1.$what" | head -n 1
	done | tr '\n' ' '
}

dmesg -n 1
insmod labyrinth.ko || exit
insmod watch/labyrinth_watch.ko || exit
for source in alloc pool; do
	wire_up "pages=$source" copybreak=0 || exit
	arp -s $NOBODY 52:54:00:00:00:09
	set_mtu 9000
	for size in 64 1400 8900; do
		take_turns $size || exit
		echo "cost $source $size $(least nobody) $(least labyrinth_other) $(least labyrinth_nic)"
	done
	wire_down || exit
done
rmmod labyrinth_watch
rmmod labyrinth
