#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The stock virtio_net goes while a socket that nobody reads has its pages: who has them
# must be named, by a module that is loaded afterwards. scripts/watch.sh has the cards.

. "${0%/*}/ktap.sh"
. "${0%/*}/nic/wire.sh"

WATCH=/sys/kernel/debug/labyrinth_watch
MODULE=watch/labyrinth_watch.ko

# Newer kernels have pools that are no device's.
pools() { grep -v ': no device,' $WATCH/pools; }

no_pool() { ! pools | grep -q '^pool'; }

# As wire_up() in nic/wire.sh, with the stock driver's cards.
cards_up() {
	no_ipv6
	for ko in stock/*.ko; do
		insmod "$ko"
	done
	far_begin
	no_ipv6 far
	ip link set eth1 netns "$far_pid" || return
	ip addr add "$NEAR/24" dev eth0
	far ip addr add "$FAR/24" dev eth1
	ip link set eth0 up && far ip link set eth1 up &&
		wait_for ping -c 1 -W 1 "$FAR" >/dev/null
}

[ -n "$(ls stock/*virtio_net.ko 2>/dev/null)" ] || ktap_skip_all "there is no virtio card"
[ -e $MODULE ] || ktap_skip_all "it was not built for this kernel"
cards_up
insmod $MODULE
census=$(pools)
printf '%s\n' "$census" | ktap_diag
rmmod labyrinth_watch
printf '%s\n' "$census" | grep -q '^pool' || ktap_skip_all "virtio_net has no page_pool"

ktap_plan 8
ktap_contains "a pool in use, its device and driver" \
	"^pool [0-9]+: eth0, driver virtio_net, in use, held [1-9]" "$census"
ktap_contains "one whose network device has left for another namespace" \
	"^pool [0-9]+: eth1, driver virtio_net, in use, held [1-9]" "$census"
"$USER_DIR/traffic" hold "$far_pid" "$FAR" &
reader=$!
sleep 1
"$USER_DIR/traffic" blast "$FAR" 20 1400 >/dev/null
ktap_check "the driver goes" rmmod virtio_net
sleep 1
insmod $MODULE
stalled=$(pools)
printf '%s\n' "$stalled" | ktap_diag
ktap_contains "a pool is stalled" \
	"^pool [0-9]+: [^,]+, driver [^,]+, STALLED, .* out [1-9][0-9]*, destroyed [0-9]+ s ago" "$stalled"
ktap_contains "the socket, the task and its file" \
	"reference, [0-9]+: .* of an skb in the (receive|reader's) queue of a UDP socket, port 7777, peer 0.0.0.0:0, traffic:$reader fd [0-9]+" "$stalled"
ktap_contains "all references are explained" '^references ([0-9]+), found \1;' "$stalled"
kill $reader
wait $reader 2>/dev/null
ktap_check "with the task gone, the pool goes" wait_for no_pool
far_end
ktap_check "the module unloads" rmmod labyrinth_watch
ktap_end
