#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A leak of a driver as it is shipped. With an MTU of 9000, e1000e's buffers are three pages
# each. When the link goes down, e1000_clean_rx_ring() looks at each buffer's pages up to the
# first that is missing: of a buffer whose first page went up the stack, the other two stay
# behind. labyrinth_watch must say so, with the site that allocated them. scripts/watch.sh has
# the cards; with --mended the driver's loop is mended, and nothing may be left.

. "${0%/*}/ktap.sh"
. "${0%/*}/nic/wire.sh"

MODULE=watch/labyrinth_watch.ko
PAGES=/sys/kernel/debug/labyrinth_watch/pages
MTU=9000

# More than fits into the header's buffer; a ring's buffers are refilled by the dozen.
talk() { ping -c 3 -i 0.2 -s 3000 -W 1 "$FAR" >/dev/null; }

cards_up() {
	no_ipv6
	for ko in stock/*.ko; do
		insmod "$ko"
	done
	[ ! -e extra/e1000e.ko ] || { rmmod e1000e && insmod extra/e1000e.ko; }
	far_begin
	no_ipv6 far
	ip link set eth1 netns "$far_pid" || return
	ip addr add "$NEAR/24" dev eth0
	far ip addr add "$FAR/24" dev eth1
	ip link set eth0 mtu $MTU && far ip link set eth1 mtu $MTU
	ip link set eth0 up && far ip link set eth1 up && wait_for talk
}

# Without a namespace the card would go on in ours.
cards_down() {
	ip link set eth0 down
	far ip link set eth1 down
	far_end
	sleep 1
}

[ -n "$(ls stock/*e1000e.ko 2>/dev/null)" ] || ktap_skip_all "there is no such card"
[ -e $MODULE ] || ktap_skip_all "it was not built for this kernel"
ktap_plan 4
expect_begin
insmod $MODULE watch=e1000e grace=3
cards_up || ktap_fail "the cards are up"
talk
ktap_contains "its pages, by allocation site" \
	"^e1000e: [1-9][0-9]+ pages, .* allocated at e1000_" "$(cat $PAGES)"
cards_down
mark=$(dmesg_mark)
ktap_check "the driver goes" rmmod e1000e
told() { dmesg_since "$mark" | grep -qE 'frames of|no page behind'; }
wait_for told
sleep 1
log=$(dmesg_since "$mark")
printf '%s\n' "$log" | ktap_diag
if [ -e extra/e1000e.ko ]; then
	ktap_contains "mended, it leaves nothing" "e1000e has gone, and has left no page behind" "$log"
else
	ktap_contains "it leaves pages behind" \
		"BUG: labyrinth: leak in e1000_alloc_rx_buffers_ps.* \[e1000e, gone\]" "$log"
	leave_pages "$(printf '%s\n' "$log" |
		sed -n 's/.*noticed: \([0-9]*\) pages of module e1000e.*/\1/p')"
fi
expect_end
ktap_check "the module unloads" rmmod labyrinth_watch
ktap_end
