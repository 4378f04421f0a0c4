#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo's card (samples/labyrinth_card.c): without Labyrinth a device overwrites another's
# data, or this test shows nothing; with it the early free is refused, and the data stays right.

. "${0%/*}/ktap.sh"

cards=$(grep -lx 'PCI_ID=1234:11E8' /sys/bus/pci/devices/*/uevent 2>/dev/null | wc -l)
[ "$cards" -gt 0 ] || ktap_skip_all "there is no edu device"

# Prints what was said.
play() {
	mark=$(dmesg_mark)
	insmod samples/labyrinth_card.ko "safe=$1"
	rmmod labyrinth_card
	dmesg_since "$mark"
}

# lines PATTERN: how many of what was said.
lines() { printf '%s\n' "$said" | grep -cE "$1"; }

ktap_plan 7
insmod labyrinth.ko
said=$(play 0)
ktap_equal "without it nobody minds" "$cards" "$(lines 'B frees the page: nobody minds')"
ktap_equal "and the card overwrites the balance" "$cards" "$(lines 'A reads its balance: 0, which is WRONG')"
ktap_equal "with no word of it" 0 "$(lines 'BUG: labyrinth')"
expect_begin
said=$(play 1)
expect_end
ktap_equal "with it the free is refused" "$cards" "$(lines 'B frees the page: refused, -EBUSY')"
ktap_equal "and the balance is right" "$cards" "$(lines 'A reads its balance: 100, which is right')"
ktap_equal "a report names the owner" "$cards" "$(lines 'BUG: labyrinth: busy-free in .*\[labyrinth_card\]')"
ktap_check "the module unloads" rmmod labyrinth
ktap_end
