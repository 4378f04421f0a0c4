#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The sample device: a process has pages for itself until the driver takes them back,
# also while the guard refuses everybody else. Nothing is left when it has ended.

. "${0%/*}/ktap.sh"

DEBUGFS=/sys/kernel/debug/labyrinth
STEPS=11

# What was taken back may be in limbo, which is looked at once a second.
wait_until_empty() {
	for _ in $(seq 30); do
		! grep -q "^used: 0$" "$DEBUGFS/table" || return 0
		sleep 1
	done
	cat "$DEBUGFS/pages"
	return 1
}

# check KIND PARAMETER
check() {
	mark=$(dmesg_mark)
	insmod labyrinth.ko guard=refuse
	insmod samples/labyrinth_chardev.ko "$2"
	"${0%/*}/user/chardev" >/tmp/steps
	while read -r verdict name; do
		ktap_check "$1: $name" [ "$verdict" = ok ]
	done </tmp/steps
	ktap_check "$1: no page is left when the process has ended" wait_until_empty
	ktap_lacks "$1: nothing was refused, and nothing bad said" \
		"BUG: labyrinth|WARNING|Oops|Bad page" "$(dmesg_since "$mark")"
	ktap_check "$1: the driver unloads" rmmod labyrinth_chardev
	ktap_check "$1: the module unloads" rmmod labyrinth
}

if [ "$(uname -m)" = x86_64 ]; then
	ktap_plan $((2 * (STEPS + 4)))
	check ordinary sealed=0
	check sealed sealed=1
else
	ktap_plan $((STEPS + 5))
	check ordinary sealed=0
	ktap_skip sealed "pages are sealed on x86-64 only"
fi
ktap_end
