#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# XDP with the sample driver of a network card: frames that a program drops, lets pass, sends back
# and redirects. A page that is sent back is lent meanwhile, and comes back by Labyrinth's queue.

. "${0%/*}/ktap.sh"
. "${0%/*}/nic/wire.sh"

XDP=$USER_DIR/xdp

# attach WHAT: to the far card. The ring is filled anew, so the link goes down and comes back.
# Not by far(), whose process would be a shell's.
attach() {
	nsenter "-n/proc/$far_pid/ns/net" -- "$XDP" eth1 "$1" >/tmp/xdp &
	xdp=$!
	wait_for grep -q attached /tmp/xdp && wait_for is_far_up
}

is_far_up() { far ip link show eth1 | grep -q LOWER_UP; }

detach() {
	kill "$xdp"
	wait "$xdp" 2>/dev/null
	wait_for ping -c 1 -W 1 "$FAR" >/dev/null
}

# more COUNTER BEFORE: the far card has counted the frames of blast.
blast() { "$USER_DIR/traffic" blast "$FAR" 200 500 >/dev/null; }
more() { [ "$(counted "$1")" -ge $(($2 + 200)) ]; }

if [ ! -e samples/nic/labyrinth_nic.ko ]; then
	ktap_skip_all "the kernel has no page_pool or no PCI"
fi
[ -e /proc/self/ns/net ] || ktap_skip_all "the kernel has no network namespaces"
ktap_plan 17
insmod labyrinth.ko guard=refuse
insmod samples/nic/labyrinth_nic.ko pages=pool
ip link set eth0 up
ktap_equal "no program without Labyrinth's pages" "EOPNOTSUPP" "$("$XDP" eth0 drop)"
rmmod labyrinth_nic
ktap_check "the driver loads, and a ping is answered" wire_up
ktap_check "a program that lets all pass" attach pass
ktap_check "a ping is answered" wait_for ping -c 1 -W 1 "$FAR"
ktap_check "a stream arrives as it was sent" stream there 1000000
detach
ktap_check "a program that drops all" attach drop
ktap_check "nothing is answered" sh -c "! ping -c 2 -W 1 $FAR"
ktap_check "without it, a ping is answered" detach
ktap_check "a program that sends all back" attach tx
before=$(counted tx_done)
blast
ktap_check "the card has sent the frames" wait_for more tx_done "$before"
ktap_check "without it, a ping is answered" detach
ktap_check "a program that redirects all" attach redirect
before=$(counted tx_done)
blast
ktap_check "the card has sent the frames" wait_for more tx_done "$before"
detach
ktap_check "without it, a stream arrives" stream there 1000000
ktap_check "the driver unloads" wire_down
ktap_equal "nothing was refused" 0 "$(refusals)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
