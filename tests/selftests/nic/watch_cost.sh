#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: what a received frame costs while labyrinth_watch follows no module, another
# module, and the sample driver. A line for each source of the driver's pages and each size: as
# nic/cost.sh prints them, with the three costs of sending and receiving, and of sending alone.

. "${0%/*}/wire.sh"

COUNT=2000
RUNS="1 2 3 4"
NOBODY=10.0.0.9
WATCH=/sys/module/labyrinth_watch/parameters/watch

# least COMMAND...: of its ticks.
least() {
	for _ in $RUNS; do
		"$@" | sed -n 's/.*ticks \([0-9]*\).*/\1/p'
	done | sort -n | head -n 1
}

# measure SIZE: warmed up, so that pages have gone all the way round.
measure() {
	"$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$1" >/dev/null
	least "$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$1"
}

dmesg -n 1
insmod labyrinth.ko || exit
insmod watch/labyrinth_watch.ko || exit
for source in alloc pool; do
	wire_up "pages=$source" copybreak=0 || exit
	arp -s $NOBODY 52:54:00:00:00:09
	set_mtu 9000
	for size in 64 1400 8900; do
		line="cost $source $size"
		for whom in "" labyrinth_other labyrinth_nic; do
			echo "$whom" >$WATCH || exit
			line="$line $(measure $size) $(least "$USER_DIR/traffic" blast $NOBODY $COUNT $size)"
		done
		echo >$WATCH
		echo "$line"
	done
	wire_down || exit
done
rmmod labyrinth_watch
rmmod labyrinth
