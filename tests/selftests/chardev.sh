#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The sample device: a process has pages for itself until the driver takes them back,
# also while the guard refuses everybody else. Nothing is left when it has ended.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
STEPS=9

ktap_plan $((STEPS + 4))
mark=$(dmesg_mark)
insmod labyrinth.ko guard=refuse
insmod samples/labyrinth_chardev.ko
"${0%/*}/user/chardev" >/tmp/steps
while read -r verdict name; do
	ktap_check "$name" [ "$verdict" = ok ]
done </tmp/steps
ktap_equal "no page is left when the process has ended" "used: 0" \
	"$(grep ^used: $DEBUGFS/table)"
ktap_lacks "nothing was refused, and nothing bad said" "BUG|WARNING|Oops|Bad page" \
	"$(dmesg_since "$mark")"
ktap_check "the driver unloads" rmmod labyrinth_chardev
ktap_check "the module unloads" rmmod labyrinth
ktap_end
