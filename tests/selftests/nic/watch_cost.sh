#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: what a received frame costs while labyrinth_watch follows no module, another
# module, and the sample driver. A line for each source of the driver's pages, each size and each
# of the three, in turns: instructions for a frame sent and received, and sent alone.

. "${0%/*}/wire.sh"

ROUNDS=12
SIZES="64 1400 8900"
# The more frames, the less matters where the clock's interrupts fall.
FRAMES=24000000	# instructions
NOBODY=10.0.0.9
WATCH=/sys/module/labyrinth_watch/parameters/watch

# Of names "," has none: no module is followed.
compare() {
	"$USER_DIR/traffic" compare "$far_pid" "$FAR" $NOBODY $((FRAMES / (5000 + $1 * 2))) "$1" $ROUNDS \
		$WATCH "," labyrinth_other labyrinth_nic
}

dmesg -n 1
insmod labyrinth.ko || exit
insmod watch/labyrinth_watch.ko || exit
for source in alloc pool; do
	wire_up "pages=$source" copybreak=0 || exit
	arp -s $NOBODY 52:54:00:00:00:09
	set_mtu 9000
	for size in $SIZES; do
		compare "$size" >/tmp/compared || exit
		sed -n "s/^value '\(.*\)' both \([0-9]*\) sent \([0-9]*\)$/cost $source $size \1 \2 \3/p" /tmp/compared
		echo >$WATCH
	done
	wire_down || exit
done
rmmod labyrinth_watch
rmmod labyrinth
