#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# From "2 inflight" to a name: a network driver whose pages come from a page_pool, sockets
# that nobody reads, and then the driver goes. The driver is the sample's, with page_pool as
# its only source of pages: labyrinth_watch does not know it.

. "${0%/*}/ktap.sh"
. "${0%/*}/nic/wire.sh"

WATCH=/sys/kernel/debug/labyrinth_watch
FRAMES=20

# Newer kernels have pools that are no device's.
pools() { grep -v ': no device,' $WATCH/pools; }

ask() {
	echo "$1" >$WATCH/holders
	cat $WATCH/holders
}

# The owner that most pages are lent of.
far_owner() {
	awk '$4 == "LENT" { n[$3]++ }
		END { for (o in n) if (n[o] > n[best]) best = o; print best }' $DEBUGFS/pages
}

send() { "$USER_DIR/traffic" blast "$FAR" "$FRAMES" 1400 >/dev/null; }

# Of each pool in the census.
ask_all() {
	for number in $(printf '%s\n' "$census" | sed -n 's/^pool \([0-9]*\):.*/\1/p'); do
		ask "pool $number"
	done
}

no_pool() { ! pools | grep -q '^pool'; }

[ -e watch/labyrinth_watch.ko ] || ktap_skip_all "it was not built for this kernel"
[ -e /proc/self/ns/net ] || ktap_skip_all "the kernel has no network namespaces"
ktap_plan 14
insmod watch/labyrinth_watch.ko
ktap_check "no device has a page_pool yet" no_pool
insmod labyrinth.ko
wire_up pages=pool copybreak=0 || ktap_fail "the driver loads"
set_mtu 9000
"$USER_DIR/traffic" hold "$far_pid" "$FAR" &
reader=$!
nsenter "-n/proc/$far_pid/ns/net" -- "$USER_DIR/hold" packet eth1 >/dev/null &
sniffer=$!
sleep 1
send
census=$(pools)
printf '%s\n' "$census" | ktap_diag
ktap_contains "a pool in use, its device and driver" \
	"^pool [0-9]+: [^,]+, driver labyrinth_nic, in use, held [1-9]" "$census"
answer=$(ask_all)
printf '%s\n' "$answer" | ktap_diag
queue='[^,]*: (a fragment|the head) of an skb in the (receive|reader.s) queue of a'
ktap_contains "pages out in a UDP socket that nobody reads" \
	"reference, $queue UDP socket, port 7777, peer 0.0.0.0:0, traffic:$reader fd [0-9]+" "$answer"
# Newer pools keep their pages in an XArray, whose nodes may have an old link to a free one.
ktap_lacks "no object in use is taken for a free one" "trace, .* radix_tree_node" "$answer"
kill $reader
wait $reader 2>/dev/null
sleep 1
answer=$(ask_all)
ktap_contains "pages out in a packet socket" \
	"reference, $queue PACKET socket, hold:[0-9]+ fd [0-9]+" "$answer"
ktap_lacks "the UDP socket is gone" "UDP socket" "$answer"

rmmod labyrinth_nic
sleep 1
stalled=$(pools)
printf '%s\n' "$stalled" | ktap_diag
ktap_contains "the driver has gone, the pool is stalled, its names are known" \
	"^pool [0-9]+: [^,]+, driver labyrinth_nic, STALLED, .* out [1-9][0-9]*, destroyed [0-9]+ s ago" \
	"$stalled"
ktap_contains "and who holds its pages" \
	"reference, $queue PACKET socket, hold:[0-9]+ fd [0-9]+" "$stalled"
ktap_contains "all of its references are explained" '^references ([0-9]+), found \1;' "$stalled"
kill $sniffer
wait $sniffer 2>/dev/null
ktap_check "with that socket closed, the pool goes" wait_for no_pool
far_end

# Pages of an owner that are lent, in the same way.
wire_up pages=labyrinth copybreak=0 || ktap_fail "the driver loads"
set_mtu 9000
"$USER_DIR/traffic" hold "$far_pid" "$FAR" &
reader=$!
sleep 1
send
answer=$(ask "owner $(far_owner)")
printf '%s\n' "$answer" | ktap_diag
ktap_contains "an owner's pages, lent to a socket that nobody reads" \
	"reference, $queue UDP socket, port 7777, peer 0.0.0.0:0, traffic:$reader fd [0-9]+" "$answer"
ktap_contains "and Labyrinth's own references" \
	"reference, [0-9]+: Labyrinth, for owner nic-rx of module labyrinth_nic " "$answer"
ktap_contains "and nobody else's" '^references ([0-9]+), found \1;' "$answer"
kill $reader
wait $reader 2>/dev/null
wire_down
rmmod labyrinth
ktap_check "the module unloads" rmmod labyrinth_watch
ktap_end
