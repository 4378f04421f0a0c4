# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Sourced, after ktap.sh, by the tests of the sample driver. The guest has two cards,
# one wired to the other. The second goes to a network namespace of its own, or the
# kernel would not send between them by the wire.

DEBUGFS=/sys/kernel/debug/labyrinth
USER_DIR=tests/selftests/user
NEAR=10.0.0.1
FAR=10.0.0.2

# The namespace lives as long as this process. far runs a command in it.
far_begin() {
	unshare -n sleep 100000 &
	far_pid=$!
	# Until then it is in ours.
	while [ "$(readlink "/proc/$far_pid/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do
		sleep 0.1
	done
}

far() { nsenter "-n/proc/$far_pid/ns/net" -- "$@"; }

far_end() { kill "$far_pid"; }

# wait_for COMMAND...: until it succeeds; 30 seconds are more than enough.
wait_for() {
	wait_left=300
	until "$@"; do
		wait_left=$((wait_left - 1))
		[ "$wait_left" -gt 0 ] || return 1
		sleep 0.1
	done
}

# Or it would talk of its own accord.
no_ipv6() { "$@" sysctl -q -w net.ipv6.conf.default.disable_ipv6=1; }

# For scripts/nic.sh to see that there is one, and that it is strict.
say_iommu() {
	for type in /sys/bus/pci/drivers/labyrinth_nic/0000:*/iommu_group/type; do
		[ ! -e "$type" ] ||
			echo "labyrinth-test: the IOMMU's domain is of type $(cat "$type")" >/dev/kmsg
	done
}

# wire_up PARAMETER...: loads the driver and gives both ends their addresses.
# shellcheck disable=SC2120 # there may be none
wire_up() {
	no_ipv6
	insmod samples/nic/labyrinth_nic.ko "$@" || return
	say_iommu
	far_begin
	no_ipv6 far
	ip link set eth1 netns "$far_pid" || return
	ip addr add "$NEAR/24" dev eth0
	far ip addr add "$FAR/24" dev eth1
	ip link set eth0 up && far ip link set eth1 up || return
	# What is known need not be asked for, in the middle of a test.
	arp -s "$FAR" 52:54:00:00:00:02 && far arp -s $NEAR 52:54:00:00:00:01 &&
		wait_for ping -c 1 -W 1 "$FAR" >/dev/null
}

wire_down() {
	rmmod labyrinth_nic
	wire_status=$?
	far_end
	return $wire_status
}

set_mtu() { ip link set eth0 mtu "$1" && far ip link set eth1 mtu "$1"; }

# The sender's line and the receiver's have the same length and checksum.
same_sums() {
	cat "$1"
	[ "$(grep -c . "$1")" -eq 2 ] && [ "$(sed 's/^[a-z]* //' "$1" | sort -u | wc -l)" -eq 1 ]
}

# stream there|back BYTES: TCP from here to the far end, or from there to here.
stream() {
	if [ "$1" = there ]; then
		"$USER_DIR/traffic" tcp "$far_pid" "$FAR" "$2" >/tmp/stream || return
	else
		far "$USER_DIR/traffic" tcp $$ "$NEAR" "$2" >/tmp/stream || return
	fi
	same_sums /tmp/stream
}

# datagrams COUNT SIZE: all of them arrive, and as they were sent.
datagrams() {
	"$USER_DIR/traffic" udp "$far_pid" "$FAR" "$1" "$2" | tee /tmp/datagrams
	grep -q "^sent $1 received $1 " /tmp/datagrams
}

# counted COUNTER: of the far card's.
counted() { far "$USER_DIR/ethtool" stats eth1 | sed -n "s/^$1 //p"; }

# What Labyrinth's queue gave back to the rings.
taken_back() { sed -n 's/.* nic-rx .* taken_back=\([0-9]*\).*/\1/p' $DEBUGFS/owners | awk '{ n += $1 } END { print n + 0 }'; }

refusals() { awk '{ n += $2 } END { print n }' $DEBUGFS/refusals; }

tags() { sed -n 's/^used: //p' $DEBUGFS/table; }

# Until talk_end.
talk() {
	while [ ! -e /tmp/enough ]; do
		stream there "$1" >/dev/null || printf x >>/tmp/wrong
		stream back "$1" >/dev/null || printf x >>/tmp/wrong
	done
}

# talk_begin BYTES: streams both ways in turn, in the background; a byte in /tmp/wrong for each that
# went wrong.
talk_begin() {
	rm -f /tmp/enough
	: >/tmp/wrong
	talk "$1" &
	talk=$!
}

talk_end() {
	: >/tmp/enough
	wait "$talk"
}
