#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The sample driver of a network card, quickly: it carries traffic whose pages are
# the ring's own, nothing is refused, nothing is left. Then each of its mistakes has
# the report that it should have. scripts/nic.sh does it at length.

. "${0%/*}/ktap.sh"
. "${0%/*}/nic/wire.sh"

of_link() { cat "/sys/class/net/eth0/$1"; }

# It comes back of its own accord, maybe sooner than it can be looked at: so that it
# was down is counted.
went_down() {
	"$USER_DIR/ethtool" restart eth0
	[ "$(of_link carrier_down_count)" -gt "$downs" ]
}

is_up() { [ "$(of_link carrier)" = 1 ]; }

link_restarts() {
	downs=$(of_link carrier_down_count)
	wait_for went_down && wait_for is_up
}

check_streams() {
	ktap_check "$1: the driver loads, and a ping is answered" wire_up "pages=$1"
	ktap_check "$1: a stream arrives as it was sent" stream there 4000000
	ktap_check "$1: and one the other way" stream back 4000000
	set_mtu 9000
	ktap_check "$1: a stream of frames of 9000 bytes arrives" stream there 4000000
}

check_mapped() {
	check_streams mapped
	ktap_check "mapped: pages were lent to the stack" test "$(counted rx_pages)" -gt 3000
	ktap_check "mapped: and most of them taken back" \
		test "$(counted rx_taken_back)" -gt $(($(counted rx_pages) / 2))
	ktap_check "mapped: the driver unloads" wire_down
	ktap_equal "mapped: nothing was refused" 0 "$(refusals)"
	ktap_equal "mapped: no page is left" 0 "$(tags)"
}

# Two buffers to a page.
check_frags() {
	check_streams frags
	ktap_check "frags: buffers went to the stack" test "$(counted rx_pages)" -gt 3000
	ktap_check "frags: most of their pages were taken back" \
		test "$(taken_back)" -gt $(($(counted rx_pages) / 4))
	ktap_check "frags: the driver unloads" wire_down
	ktap_equal "frags: nothing was refused" 0 "$(refusals)"
	ktap_equal "frags: no page is left" 0 "$(tags)"
}

check_labyrinth() {
	check_streams labyrinth
	ktap_check "datagrams of three pages arrive" datagrams 200 8900
	ktap_check "small datagrams arrive" datagrams 2000 100
	ktap_check "the link goes down and comes back" link_restarts
	ktap_check "pages were lent to the stack" test "$(counted rx_pages)" -gt 3000
	ktap_check "and most of them taken back" \
		test "$(taken_back)" -gt $(($(counted rx_pages) / 2))
	ktap_check "the driver unloads" wire_down
	ktap_equal "nothing was refused" 0 "$(refusals)"
	ktap_equal "no page is left" 0 "$(tags)"
}

# check_bug PAGES BUG REPORT FUNCTION: the mistake is reported so, and as often as it was
# made.
check_bug() {
	pages=$1
	shift
	mark=$(dmesg_mark)
	expect_begin
	wire_up "pages=$pages" "bug=$1"
	stream there 100000 >/dev/null
	wire_down
	expect_end
	log=$(dmesg_since "$mark")
	ktap_contains "$1 is reported" "BUG: labyrinth: $2 in $3.*\[labyrinth_nic\]" "$log"
	ktap_equal "$1: that is the only report" 1 \
		"$(printf '%s\n' "$log" | grep -c 'BUG: labyrinth:')"
	ktap_contains "$1: the report names the ring" "owner \"nic-rx\"" "$log"
	case $1 in
	forget-posted | half-forget) left=$((left + 1)) ;;
	esac
	ktap_equal "$1: no page is left but what the card may write to" $left "$(tags)"
}

check_bugs() {
	check_bug mapped free-mapped busy-free bug_free_mapped
	check_bug mapped lend-mapped busy-lend bug_lend_mapped
	check_bug mapped double-free double-free bug_double_free
	check_bug mapped use-lent busy-dma bug_use_lent
	check_bug mapped other-device wrong-device-dma bug_other_device
	check_bug mapped forget leaked-destroy rx_mapped_destroy
	check_bug labyrinth give-twice not-posted-rx-give bug_give_twice
	check_bug labyrinth put-given not-posted-rx-put bug_put_given
	check_bug labyrinth free-posted busy-free bug_free_mapped
	check_bug labyrinth lend-posted busy-lend bug_lend_mapped
	check_bug labyrinth post-twice busy-dma bug_post_twice
	check_bug labyrinth forget-posted leaked-destroy rx_labyrinth_destroy
	check_bug frags half-twice not-posted-rx-give bug_give_twice
	check_bug frags half-put-given not-posted-rx-put bug_put_given
	check_bug frags half-forget leaked-destroy rx_frags_destroy
}

if [ ! -e samples/nic/labyrinth_nic.ko ]; then
	ktap_skip_all "the kernel has no page_pool or no PCI"
fi
[ -e /proc/self/ns/net ] || ktap_skip_all "the kernel has no network namespaces"
ktap_plan 103
left=0
insmod labyrinth.ko guard=refuse
check_labyrinth
check_mapped
check_frags
check_streams flip
wire_down
check_streams alloc
wire_down
check_streams pool
wire_down
check_bugs
leave_pages $left
ktap_check "the module unloads" rmmod labyrinth
ktap_end
