#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: what a received frame costs with pages from each source. A line for each
# source and size: the ticks of the time stamp counter for sending a datagram and
# receiving it, and for sending alone, to a card that is not there. Where qemu counts
# instructions (-icount, one CPU), these are instructions. The least of some runs: the
# clock's interrupts come on top, and at times the page allocator has more to do. All
# frames go by the page (copybreak=0), but for the size "copied": 64 bytes that are copied.
#
# Then, for each source, what a socket buffer of 8 MB, full of frames of 1400 bytes that nobody
# reads, takes: frames, their truesize, and the machine's memory, the ring's included.

. "${0%/*}/wire.sh"

COUNT=2000
RUNS="1 2 3 4"
NOBODY=10.0.0.9

# least COMMAND...: of its ticks.
least() {
	for _ in $RUNS; do
		"$@" | sed -n 's/.*ticks \([0-9]*\).*/\1/p'
	done | sort -n | head -n 1
}

# measure SOURCE SIZE [NAME]: warmed up, so that pages have gone all the way round.
measure() {
	"$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$2" >/dev/null
	both=$(least "$USER_DIR/traffic" udp "$far_pid" "$FAR" $COUNT "$2")
	alone=$(least "$USER_DIR/traffic" blast $NOBODY $COUNT "$2")
	echo "cost $1 ${3:-$2} $both $alone"
}

free_pages() { sed -n 's/^nr_free_pages //p' /proc/vmstat; }

# fill SOURCE
fill() {
	free=$(free_pages)
	wire_up "pages=$1" copybreak=0 || return
	"$USER_DIR/traffic" hold "$far_pid" "$FAR" &
	holder=$!
	sleep 1
	"$USER_DIR/traffic" blast "$FAR" 6000 1400 >/dev/null
	sleep 1
	free=$((free - $(free_pages)))
	# Port 7777; behind it the bytes that wait, and last how many datagrams were dropped.
	# shellcheck disable=SC2016 # awk's
	waiting=$(far awk '/:1E61 / { print $5, $NF }' /proc/net/udp)
	dropped=${waiting#* } waiting=${waiting%% *}
	frames=$(($(counted rx_packets) - dropped))
	echo "socket $1 $frames $((0x${waiting#*:})) $free"
	kill $holder
	# A page_pool of 6.12 that goes while a socket gives pages back writes to pages that are
	# free: page_pool_release_dma_index().
	sleep 1
	wire_down
}

dmesg -n 1
insmod labyrinth.ko "$@" || exit
for source in alloc pool mapped labyrinth flip frags; do
	wire_up "pages=$source" copybreak=0 || exit
	arp -s $NOBODY 52:54:00:00:00:09
	set_mtu 9000
	for size in 64 1400 8900; do
		measure $source $size || exit
	done
	echo 256 >/sys/module/labyrinth_nic/parameters/copybreak
	measure $source 64 copied || exit
	echo "taken_back $(taken_back)"
	far "$USER_DIR/ethtool" stats eth1 | grep -E "rx_(pages|taken_back|let_go|dropped|missed)"
	wire_down || exit
done
sysctl -q -w net.core.rmem_default=8388608
for source in alloc pool labyrinth flip frags; do
	fill $source || exit
done
rmmod labyrinth
