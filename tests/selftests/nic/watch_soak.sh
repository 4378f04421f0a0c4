#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# labyrinth_watch follows the sample driver, whose pages come from a page_pool, and stops to
# follow it, 50 times under TCP both ways; named twice on nic.sh's command line, 100 times. The
# driver does no wrong, so nothing may be refused, noticed or lost, and each byte must arrive.

. "${0%/*}/../ktap.sh"
. "${0%/*}/wire.sh"

ROUNDS=50
BYTES=33554432
WATCH=/sys/module/labyrinth_watch/parameters
PAGES=/sys/kernel/debug/labyrinth_watch/pages

[ -e watch/labyrinth_watch.ko ] || ktap_skip_all "it was not built for this kernel"
ktap_plan 8
insmod labyrinth.ko
insmod watch/labyrinth_watch.ko grace=3
ktap_check "the driver loads, and a ping is answered" wire_up pages=pool
set_mtu 9000
talk_begin $BYTES
round=0 wrong=0
mark=$(dmesg_mark)
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	echo labyrinth_nic >$WATCH/watch || wrong=$((wrong + 1))
	sleep 0.2
	grep -q '^module labyrinth_nic: loaded, .* refused 0, noticed 0$' $PAGES || {
		wrong=$((wrong + 1))
		grep '^module' $PAGES | ktap_diag
	}
	[ $round -eq "$ROUNDS" ] || echo >$WATCH/watch || wrong=$((wrong + 1))
done
ktap_equal "$ROUNDS times watched and not watched" 0 $wrong
ktap_contains "its pool was found" "^page_pool of [^ ]*: module labyrinth_nic" "$(cat $PAGES)"
talk_end
ktap_equal "each byte has arrived" 0 "$(wc -c </tmp/wrong)"
ktap_check "the driver unloads" wire_down
sleep 5
log=$(dmesg_since "$mark")
ktap_lacks "nothing was refused or noticed" "BUG: labyrinth" "$log"
ktap_check "labyrinth_watch unloads" rmmod labyrinth_watch
ktap_check "labyrinth unloads" rmmod labyrinth
ktap_end
