#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: what a received frame costs with pages from each source. A line for each
# source and size: the ticks of the time stamp counter for sending a datagram and
# receiving it, and for sending alone, to a card that is not there. Where qemu counts
# instructions (-icount, one CPU), these are instructions, and the same every time.

. "${0%/*}/wire.sh"

COUNT=2000
NOBODY=10.0.0.9

ticks() { sed -n 's/.*ticks \([0-9]*\).*/\1/p'; }

# measure SOURCE SIZE: warmed up, so that pages have gone all the way round.
measure() {
	"$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$2" >/dev/null
	both=$("$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$2" | ticks)
	alone=$("$USER_DIR/traffic" blast $NOBODY $COUNT "$2" | ticks)
	echo "cost $1 $2 $both $alone"
}

dmesg -n 1
insmod labyrinth.ko "$@" || exit
for source in alloc pool labyrinth; do
	wire_up "pages=$source" copybreak=0 || exit
	arp -s $NOBODY 52:54:00:00:00:09
	set_mtu 9000
	for size in 64 1400 8900; do
		measure $source $size || exit
	done
	far "$USER_DIR/ethtool" stats eth1 | grep -E "rx_(pages|taken_back|let_go|dropped|missed)"
	wire_down || exit
done
rmmod labyrinth
