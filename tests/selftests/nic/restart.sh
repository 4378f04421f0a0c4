#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The interface goes up and down, and the driver away, while frames arrive.

. "${0%/*}/../ktap.sh"
. "${0%/*}/wire.sh"

ROUNDS=100
UNLOADS=10

# Of frames that want a page; whoever sends does not mind a network that is down.
blast() {
	while :; do
		"$USER_DIR/traffic" blast "$FAR" 500 1400
	done >/dev/null 2>&1
}

more_pages() { [ "$(counted rx_pages)" -gt "$pages" ]; }

up_and_down() {
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		pages=$(counted rx_pages)
		far ip link set eth1 down && far ip link set eth1 up && wait_for more_pages || return
		round=$((round + 1))
	done
}

# The stream that is under way loses its network; what it has queued stays its own.
unload() {
	wire_up || return
	stream there 100000000 >/dev/null 2>&1 &
	sleep 0.5
	wire_down
	unload_status=$?
	kill $!
	return "$unload_status"
}

unload_often() {
	round=0
	while [ "$round" -lt "$UNLOADS" ]; do
		unload || return
		round=$((round + 1))
	done
}

ktap_plan 8
insmod labyrinth.ko guard=refuse on_refusal=panic
wire_up
blast &
blast=$!
ktap_check "$ROUNDS times down and up in the middle of traffic" up_and_down
kill "$blast"
ktap_check "and then a stream passes" stream there 4000000
wire_down
ktap_equal "no page is left" 0 "$(tags)"
ktap_check "$UNLOADS times away in the middle of a stream" unload_often
ktap_equal "nothing was refused" 0 "$(refusals)"
ktap_equal "no page is left of that either" 0 "$(tags)"
ktap_lacks "no interrupt came that nobody wanted" "nobody cared" "$(dmesg)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
