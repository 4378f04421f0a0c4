#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Frames arrive while there is no memory: labyrinth_probe takes every page, and sends
# one and the same frame of two pages over and over, to a socket that nobody reads,
# so that the stack keeps what it gets. The ring must go on with its reserve until that
# is used up; then, and without a reserve, it must drop, count what it drops, and not
# stall.

. "${0%/*}/../ktap.sh"
. "${0%/*}/wire.sh"

PROBE=/sys/kernel/debug/labyrinth_probe/do
FRAMES=1000

# starve RESERVE: sets got and dropped to how many frames arrived and were dropped.
starve() {
	wire_up "reserve=$1"
	set_mtu 9000
	"$USER_DIR/traffic" hold "$far_pid" "$FAR" &
	holder=$!
	got=$(counted rx_packets) dropped=$(counted rx_dropped)
	ktap_check "reserve=$1: frames are sent while memory is out" \
		sh -c "echo starve $FRAMES >$PROBE"
	got=$(($(counted rx_packets) - got)) dropped=$(($(counted rx_dropped) - dropped))
	# The near end may have had something to say for itself, too.
	ktap_check "reserve=$1: each frame is accounted for" test $((got + dropped)) -ge $FRAMES
	ktap_diag "reserve=$1: $got frames got through, $dropped were dropped"
	kill $holder
	wait $holder 2>/dev/null
	ktap_check "reserve=$1: with memory back, a stream passes" stream there 4000000
	ktap_check "the driver unloads" wire_down
}

# The core's mapping of a frame that is sent wants memory then.
if [ -n "$(ls /sys/class/iommu 2>/dev/null)" ]; then
	ktap_skip_all "behind an IOMMU nothing can be sent without memory"
fi
ktap_plan 14
insmod labyrinth.ko guard=refuse on_refusal=panic
insmod tests/selftests/labyrinth_probe.ko
starve 0
ktap_check "without a reserve, few get through" test "$got" -lt 20
ktap_check "without a reserve, frames are dropped" test "$dropped" -gt 0
starve 256
ktap_check "with a reserve, all get through that it has pages for" test "$got" -ge 120
ktap_equal "nothing was refused" 0 "$(refusals)"
rmmod labyrinth_probe
ktap_equal "no page is left" 0 "$(tags)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
