#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Much traffic, each byte of it checked, with every refusal a panic.

. "${0%/*}/../ktap.sh"
. "${0%/*}/wire.sh"

BYTES=268435456

ktap_plan 12
insmod labyrinth.ko guard=refuse on_refusal=panic
ktap_check "the driver loads, and a ping is answered" wire_up
ktap_check "100 pings" ping -q -c 100 -i 0.01 "$FAR"
ktap_check "256 MiB there" stream there $BYTES
ktap_check "256 MiB back" stream back $BYTES
ktap_check "20,000 small datagrams" datagrams 20000 64
set_mtu 9000
ktap_check "frames of 9000 bytes: 256 MiB there" stream there $BYTES
ktap_check "frames of 9000 bytes: 5000 datagrams" datagrams 5000 8972
far "$USER_DIR/ethtool" stats eth1 | ktap_diag
ktap_check "pages were taken back" test "$(taken_back)" -gt 100000
ktap_check "the driver unloads" wire_down
ktap_equal "nothing was refused" 0 "$(refusals)"
ktap_equal "no page is left" 0 "$(tags)"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
