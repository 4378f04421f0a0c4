#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Labyrinth is unloaded while a borrower still has a page, whose struct page a foreigner has
# written to: the page is the borrower's, and the core frees it without a complaint.

. "${0%/*}/ktap.sh"

DO=/sys/kernel/debug/labyrinth_probe/do
INTRUDE="${0%/*}/user/intrude"
REPORTS='BUG: labyrinth: (busy-free|leaked-destroy|overwritten-limbo) '

intrude() { "$INTRUDE" "$1" "$pfn" now 2>&1; }

ktap_plan 6
mark=$(dmesg_mark)
insmod labyrinth.ko
insmod tests/selftests/labyrinth_probe.ko
insmod tests/selftests/labyrinth_intruder.ko
echo "hold 1" >$DO
echo lend >$DO
pfn=$(awk '/ LENT / { print $1; exit }' /sys/kernel/debug/labyrinth/pages)
ktap_contains "a page is lent" '^0x' "$pfn"
expect_only "$REPORTS"
ktap_equal "its struct page is written to" "done" "$(intrude spoil)"
ktap_check "its owner goes" rmmod labyrinth_probe
ktap_check "Labyrinth is unloaded" rmmod labyrinth
expect_end
ktap_contains "what was wrong is said" 'mapping of the page.s struct page held 0x1000, and holds 0x0' \
	"$(dmesg_since "$mark")"
ktap_equal "the borrower's is the last reference" "done" "$(intrude put_page)"
rmmod labyrinth_intruder
ktap_end
